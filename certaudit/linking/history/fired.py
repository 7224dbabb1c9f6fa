"""Which firings of each trigger the system's logs show, and which of them led to a run of the client.

Law: a start line that can belong to two triggers, or that a person made, is nobody's firing. That one
led to no run is said only where the client's own log covers that time and shows none that may be its.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime

from certaudit.facts import Start
from certaudit.history import Firing
from certaudit.linking.history.claims import EARLY, allowed, owners_of, wrapped
from certaudit.linking.paths import Linked
from certaudit.model import Run


def firings(
    starts: Iterable[Start], linked: Sequence[Linked], runs: Sequence[Run], client: datetime | None
) -> tuple[Firing, ...]:
    """Every start of exactly one trigger, in order of time.

    ``client`` is how far back the client's own log reaches.
    """
    by_place = {line.place: run for run in runs for line in run.evidence}
    loose = sorted(began for run in runs if run.trigger is None and (began := run.started or run.ended))
    found = []
    for start in starts:
        owners = owners_of(start, linked)
        run = by_place.get(start.evidence.place)
        by_hand = run is not None and run.actor == "manual"
        if len({one.trigger.id for one in owners}) == 1 and not by_hand:
            found.append(firing(start, owners[0], run, loose, client))
    return tuple(found)


def firing(
    start: Start, one: Linked, run: Run | None, loose: Sequence[datetime], client: datetime | None
) -> Firing:
    """One start with the run it led to."""
    called: bool | None = None
    if run is not None and (run.outcomes or run.arguments is not None):
        called = True
    elif client is not None and client <= start.time and (run is None or wrapped(one)):
        at = bisect_left(loose, start.time - EARLY)
        end = (start.ended or start.time) + allowed(one)
        called = None if at < len(loose) and loose[at] <= end else False
    return Firing(
        one.trigger.id, start.time, start.ended, called, run.id if run else None, start.evidence
    )
