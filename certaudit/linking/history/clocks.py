"""Logs whose clocks are whole quarters of an hour apart, laid side by side.

Law: moves only a stretch of runs that agree, and only to find their starts: what a report prints is
what the log says. A client writes local time without an offset, a container's or an old one's UTC;
syslog may keep the zone that an admin has changed since. Offsets from UTC are whole quarters.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from msgspec import Struct

from certaudit.facts import Apart, Start
from certaudit.linking.history.claims import EARLY, SNUG, owners_of
from certaudit.linking.paths import Linked
from certaudit.parsers.letsencrypt_log import LogRun
from certaudit.parsers.letsencrypt_log.clock import wrote_utc
from certaudit.records import replace

QUARTER = timedelta(minutes=15)
WEST, EAST = timedelta(hours=-12), timedelta(hours=14)  # no zone lies farther from UTC
APART = EAST - WEST
# The offsets in minutes, beside whole hours, that zones have had since 2000 (tz database)
ODD = frozenset(
    {-570, -270, -210, -150, 210, 270, 330, 345, 390, 510, 525, 570, 585, 630, 690, 765, 825}
)
MARGIN = timedelta(minutes=1)
CLOSE = timedelta(seconds=3)  # a client called at once writes its first line 0.4 to 1.3 s later
FEW = 3.0  # fewer runs that agree are chance
FOR, AGAINST, NEITHER = 1.0, -2.0, -0.5
SCATTERED = 3  # minutes of the quarter at which the starts lie: a timer's random delay, no fixed hour


class Shifted(Struct, frozen=True):
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
    times = sorted(s.time.astimezone(timezone.utc) for s in starts if owners_of(s, linked))
    found = [Shifted(run) for run in logs]
    fitting = {n: votes_of(run, times) for n, run in enumerate(logs)}
    votes = {n: told_by_server(logs[n]) or ballot for n, ballot in fitting.items()}
    counts = Counter(by for ballot in votes.values() for by in ballot if by)
    order = sorted(range(len(logs)), key=lambda n: logs[n].first_seen)
    for by, count in counts.most_common():
        if count < FEW:
            break
        for stretch in stretches([n for n in order if not found[n].by], votes, by):
            agreeing = [n for n in stretch if by in votes[n]]
            proven = is_scattered([logs[n] for n in agreeing])
            for n in stretch:
                if logs[n].header_offset is None or by in fitting[n]:
                    found[n] = Shifted(moved(logs[n], by), by, proven)
    return tuple(found)


def told_by_server(run: LogRun) -> frozenset[timedelta]:
    """How far the log's zone is from the machine's of today, by a server's ``Date:`` header in the run.

    Such a run is already at its right moment; the others around it are not.
    """
    here = run.first_seen.utcoffset()
    if run.header_offset is None or here is None or run.header_offset == here:
        return frozenset()
    return frozenset({run.header_offset - here})


def stretches_apart(placed: Sequence[Shifted]) -> tuple[Apart, ...]:
    """The times in which the two clocks were apart."""
    spans: list[Apart] = []
    before = timedelta(0)
    for one in sorted(placed, key=lambda one: one.run.first_seen):
        if one.by and one.by == before:
            spans[-1] = replace(spans[-1], until=one.run.ended)
        elif one.by:
            since = one.run.first_seen - MARGIN
            spans.append(Apart(since, one.run.ended, one.by, is_on_utc(one)))
        before = one.by
    return tuple(spans)


def is_on_utc(one: Shifted) -> bool:
    """Was a client's clock UTC: by its version, or because so far from the machine's it would be?"""
    here = one.run.first_seen.utcoffset() or timedelta(0)
    return wrote_utc(one.run.version) or here + one.by == timedelta(0)


def in_their_zone(starts: Sequence[Start], spans: Sequence[Apart]) -> tuple[Start, ...]:
    """Starts of the journal in the local time that the client's log had: schedules are local."""
    return tuple(in_zone(start, spans) for start in starts) if spans else tuple(starts)


def in_zone(start: Start, spans: Sequence[Apart]) -> Start:
    """A start with its moment unchanged, in the zone of the span it lies in."""
    by = next((a.by for a in spans if a.since <= start.time <= a.until), None)
    here = start.time.utcoffset()
    if by is None or here is None or not start.evidence.where.startswith("journal:"):
        return start
    if not is_offset(here + by):
        return start
    return replace(start, time=start.time.astimezone(timezone(here + by)))


def votes_of(run: LogRun, times: Sequence[datetime]) -> frozenset[timedelta]:
    """By how many quarters the run's clock can be ahead of some start's, a moment before it.

    Zero alone, where a start lies right before the run as the clocks stand; nothing without a head, nor
    a distance that no two zones have, of which the machine's own is one.
    """
    began = run.started.astimezone(timezone.utc) if run.started else None
    if began is None or not times or not times[0] - APART <= began <= times[-1] + APART:
        return frozenset()
    if bisect_left(times, began - SNUG) < bisect_right(times, began + EARLY):
        return frozenset({timedelta(0)})
    found = set()
    for time in times[bisect_left(times, began - APART) : bisect_right(times, began + APART)]:
        lag = began - time + EARLY
        quarters = lag // QUARTER
        if lag - quarters * QUARTER <= CLOSE + EARLY:
            found.add(quarters * QUARTER)
    here = run.first_seen.utcoffset() or timedelta(0)
    return frozenset(by for by in found if is_offset(here + by) or is_offset(here - by))


def is_offset(distance: timedelta) -> bool:
    """Does a zone lie so far from UTC?"""
    minutes = distance / timedelta(minutes=1)
    return WEST <= distance <= EAST and (minutes % 60 == 0 or minutes in ODD)


def stretches(
    order: Sequence[int], votes: Mapping[int, frozenset[timedelta]], by: timedelta
) -> list[list[int]]:
    """The stretches of runs, or of lines, in order of time, that agree on one shift."""
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
    minutes = {run.first_seen.minute % 15 for run in runs}
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
