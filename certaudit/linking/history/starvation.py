"""How often a lineage's owner ran in vain after a stolen renewal, and since when.

Law: counts only what the logs show: runs of the owner that found nothing due, and firings of its trigger
that did not even call the client.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from certaudit.history import Firing, Starvation
from certaudit.model import Confidence, Evidence, Generation, Lineage, Run


def starvations(
    lineage: Lineage, runs: Sequence[Run], firings: Sequence[Firing]
) -> Iterator[Starvation]:
    """The times in which a lineage's owner starved, oldest first."""
    if lineage.owner is None:
        return
    trigger = lineage.owner.partition(">")[0]
    vain = sorted(
        [*vain_runs(lineage.name, trigger, runs), *vain_firings(trigger, firings)],
        key=lambda item: item[0],
    )
    for since, until, sure in periods(lineage.generations):
        own = [(t, line) for t, line in vain if since <= t and (until is None or t < until)]
        if own:
            lines = tuple(dict.fromkeys((own[0][1], own[-1][1])))
            yield Starvation(lineage.name, since, until, len(own), own[0][0], own[-1][0], sure, lines)


def periods(
    generations: Sequence[Generation],
) -> Iterator[tuple[datetime, datetime | None, Confidence]]:
    """From each first stolen renewal to the next that was the owner's or a person's."""
    since: datetime | None = None
    sure: Confidence = "unknown"
    for generation in generations:
        written = generation.written or generation.not_before
        if generation.relation == "stolen" and since is None:
            since, sure = written, generation.made_by.confidence
        elif generation.relation in ("owner", "manual") and since is not None:
            yield since, written, sure
            since = None
    if since is not None:
        yield since, None, sure


def vain_runs(name: str, trigger: str, runs: Sequence[Run]) -> Iterator[tuple[datetime, Evidence]]:
    """The trigger's runs that found this lineage not due."""
    for run in runs:
        time = run.started or run.ended
        idle = any(o.lineage == name and o.outcome == "not_due" for o in run.outcomes)
        if run.trigger == trigger and idle and time and run.evidence:
            yield time, run.evidence[0]


def vain_firings(trigger: str, firings: Sequence[Firing]) -> Iterator[tuple[datetime, Evidence]]:
    """The trigger's firings that did not call the client at all."""
    for firing in firings:
        if firing.trigger == trigger and firing.called is False:
            yield firing.time, firing.evidence
