"""How often a lineage's owner came too late, because a renewal had been stolen from it.

Law: counts only what the logs show. A firing came too late where the generation before the stolen one
would have been due by then, and where it is the first from then on: the later ones of an owner that had
renewed would have found nothing due either. So a stolen generation makes at most one firing come too
late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from certaudit.history import Firing, Starvation
from certaudit.model import Confidence, Evidence, Generation, Lineage, Run, Trigger

SURE: tuple[Confidence, ...] = ("high", "medium", "low", "unknown")
Vain = tuple[datetime, Evidence]
SLACK = timedelta(minutes=10)  # a busy machine fires late, and a run notes its beginning later still


def starvations(
    lineage: Lineage, trigger: Trigger | None, runs: Sequence[Run], firings: Sequence[Firing]
) -> Iterator[Starvation]:
    """The times in which a lineage's owner starved, oldest first; ``trigger`` is the owner's."""
    if trigger is None:
        return
    vain = sorted(
        [*vain_runs(lineage.name, trigger.id, runs), *vain_firings(trigger.id, firings)],
        key=lambda item: item[0],
    )
    late = list(too_late(lineage.generations, trigger, vain))
    for since, until in periods(lineage.generations):
        own = [(found, sure) for found, sure in late if inside(found[0], since, until)]
        idle = [time for time, _ in vain if inside(time, since, until)]
        if own:
            (first, line), (last, last_line) = own[0][0], own[-1][0]
            sure = max((sure for _, sure in own), key=SURE.index)
            lines = tuple(dict.fromkeys((line, last_line)))
            yield Starvation(lineage.name, since, until, len(own), first, last, sure, lines, len(idle))


def too_late(
    generations: Sequence[Generation], trigger: Trigger, vain: Sequence[Vain]
) -> Iterator[tuple[Vain, Confidence]]:
    """For each stolen generation the firing that would have made it, where the logs show that one.

    A firing later than the schedule's longest gap is not it: others came before it that are not known.
    """
    gap = trigger.schedule.longest_gap if trigger.schedule else None
    ends = [*(written(following) for following in generations[2:]), None]
    for (before, taken), end in zip(pairwise(generations), ends, strict=False):
        if taken.relation != "stolen" or before.due is None or gap is None:
            continue
        since = max(written(taken), before.due)
        found = next((one for one in vain if inside(one[0], since, end)), None)
        if found and found[0] - since <= timedelta(seconds=gap) + SLACK:
            yield found, taken.made_by.confidence


def inside(time: datetime, since: datetime, until: datetime | None) -> bool:
    """From one moment up to another, or without end."""
    return since <= time and (until is None or time < until)


def written(generation: Generation) -> datetime:
    """When a generation was made, as well as that is known."""
    return generation.written or generation.not_before


def periods(
    generations: Sequence[Generation],
) -> Iterator[tuple[datetime, datetime | None]]:
    """From each first stolen renewal to the next that was the owner's or a person's."""
    since: datetime | None = None
    for generation in generations:
        if generation.relation == "stolen" and since is None:
            since = written(generation)
        elif generation.relation in ("owner", "manual") and since is not None:
            yield since, written(generation)
            since = None
    if since is not None:
        yield since, None


def vain_runs(name: str, trigger: str, runs: Sequence[Run]) -> Iterator[Vain]:
    """The trigger's runs that found this lineage not due."""
    for run in runs:
        time = run.started or run.ended
        idle = any(o.lineage == name and o.outcome == "not_due" for o in run.outcomes)
        if run.trigger == trigger and idle and time and run.evidence:
            yield time, run.evidence[0]


def vain_firings(trigger: str, firings: Sequence[Firing]) -> Iterator[Vain]:
    """The trigger's firings that did not call the client at all."""
    for firing in firings:
        if firing.trigger == trigger and firing.called is False:
            yield firing.time, firing.evidence
