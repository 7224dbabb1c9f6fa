"""Logs whose clocks are whole quarters of an hour apart, laid side by side.

Law: moves only a stretch of runs that agree, and only to find their starts: what a report prints is
what the log says. A client writes local time without an offset, a container's or an old one's UTC;
syslog may keep the zone that an admin has changed since. Offsets from UTC are whole quarters.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from certaudit.facts import Start
from certaudit.linking.claims import EARLY, SNUG, began, owners_of
from certaudit.linking.paths import Linked
from certaudit.parsers.letsencrypt_log import LogRun

QUARTER = timedelta(minutes=15)
APART = timedelta(hours=26)  # from UTC-12 to UTC+14
CLOSE = timedelta(seconds=3)  # a client called at once writes its first line 0.4 to 1.3 s later
FEW = 3.0  # fewer runs that agree are chance
FOR, AGAINST, NEITHER = 1.0, -2.0, -0.5
SCATTERED = 3  # minutes of the quarter at which the starts lie: a timer's random delay, no fixed hour


@dataclass(frozen=True, slots=True)
class Shifted:
    """A run moved to where its start lies; ``by`` is how far its own clock is ahead of the start's.

    ``proven``: the runs that agree lie at times that no other schedule can have by chance.
    """

    run: LogRun
    by: timedelta = timedelta(0)
    proven: bool = True


def aligned(
    logs: Sequence[LogRun], starts: Sequence[Start], linked: Sequence[Linked]
) -> tuple[Shifted, ...]:
    """Every run as it is to be matched with starts, in the order given."""
    times = sorted(start.time for start in starts if owners_of(start, linked))
    found = [Shifted(run) for run in logs]
    votes = {n: ballot for n, run in enumerate(logs) if (ballot := votes_of(run, times))}
    counts = Counter(by for ballot in votes.values() for by in ballot if by)
    order = sorted(range(len(logs)), key=lambda n: began(logs[n]))
    for by, count in counts.most_common():
        if count < FEW:
            break
        for stretch in stretches([n for n in order if not found[n].by], votes, by):
            proven = is_scattered([logs[n] for n in stretch if by in votes.get(n, ())])
            for n in stretch:
                found[n] = Shifted(moved(logs[n], by), by, proven)
    return tuple(found)


def votes_of(run: LogRun, times: Sequence[datetime]) -> frozenset[timedelta]:
    """By how many quarters the run's clock can be ahead of some start's, a moment before it.

    Zero alone, where a start lies right before the run as the clocks stand; nothing without a head.
    """
    if run.started is None or not times or not times[0] - APART <= run.started <= times[-1] + APART:
        return frozenset()
    first = bisect_left(times, run.started - SNUG)
    if first < bisect_right(times, run.started + EARLY):
        return frozenset({timedelta(0)})
    near = times[bisect_left(times, run.started - APART) : bisect_right(times, run.started + APART)]
    found = set()
    for time in near:
        lag = run.started - time + EARLY
        quarters = lag // QUARTER
        if lag - quarters * QUARTER <= CLOSE + EARLY:
            found.add(quarters * QUARTER)
    return frozenset(found)


def stretches(
    order: Sequence[int], votes: dict[int, frozenset[timedelta]], by: timedelta
) -> list[list[int]]:
    """The stretches of runs, in order of time, that agree on one shift."""
    found: list[list[int]] = []
    score, stretch, best, until = 0.0, list[int](), 0.0, 0
    for n in order:
        ballot = votes.get(n, frozenset())
        value = FOR if by in ballot else AGAINST if timedelta(0) in ballot else NEITHER
        if score + value <= 0:
            found.extend([stretch[:until]] if best >= FEW else [])
            score, stretch, best, until = 0.0, [], 0.0, 0
            continue
        score += value
        stretch.append(n)
        if score >= best:
            best, until = score, len(stretch)
    return [*found, stretch[:until]] if best >= FEW else found


def is_scattered(runs: Sequence[LogRun]) -> bool:
    """Do runs begin at many minutes of the quarter, as those of a timer with a random delay do?"""
    minutes = {began(run).minute % 15 for run in runs}
    return len(minutes) >= SCATTERED


def moved(run: LogRun, by: timedelta) -> LogRun:
    """A run with its times as the clock of the starts would have told them."""
    return replace(
        run,
        started=earlier(run.started, by) if run.started else None,
        first_seen=earlier(run.first_seen, by),
        ended=earlier(run.ended, by),
        delay_at=earlier(run.delay_at, by) if run.delay_at else None,
        evidence=tuple(replace(line, time=earlier(line.time, by)) for line in run.evidence),
    )


def earlier(moment: datetime, by: timedelta) -> datetime:
    """A moment moved back, in its own zone: local times are not simply subtracted from."""
    return (moment.astimezone(timezone.utc) - by).astimezone(moment.tzinfo)
