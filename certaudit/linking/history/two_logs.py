"""The lines of syslog and the journal's entries of one machine, brought to one clock.

Law: the journal's times are moments; a file's without an offset are only as good as the zone they are
read in. Where a stretch of a file's lines lies whole quarters of an hour from the journal's entries of
the same messages, it was written in another zone: it is moved there, and both are shown in that zone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone

from certaudit.linking.history.clocks import APART, FEW, QUARTER, is_offset, stretches
from certaudit.linking.history.starts import Observed
from certaudit.records import replace

SAME = timedelta(seconds=2)  # syslog may hold whole seconds


def on_one_clock(observed: Iterable[Observed]) -> list[Observed]:
    """All lines, those of files moved where the journal proves another zone."""
    lines = list(observed)
    times: dict[object, list[datetime]] = {}
    for line in lines:
        if line.evidence.where.startswith("journal:"):
            times.setdefault(line.event, []).append(line.time)
    files = [n for n, line in enumerate(lines) if line.evidence.line is not None] if times else []
    for found in times.values():
        found.sort()
    votes = {n: votes_of(lines[n], times.get(lines[n].event, ())) for n in files}
    counts = Counter(by for ballot in votes.values() for by in ballot if by)
    left = sorted(files, key=lambda n: lines[n].time)
    for by, count in counts.most_common():
        if count < FEW:
            break
        for stretch in stretches(left, votes, by):
            since, until = lines[stretch[0]].time - by - SAME, lines[stretch[-1]].time - by + SAME
            for n in stretch:
                lines[n] = in_zone_of(lines[n], lines[n].time - by, by)
            done = frozenset(stretch)
            left = [n for n in left if n not in done]
            for n, line in enumerate(lines):
                if line.evidence.where.startswith("journal:") and since <= line.time <= until:
                    lines[n] = in_zone_of(line, line.time, by)
    return lines


def votes_of(line: Observed, times: Sequence[datetime]) -> frozenset[timedelta]:
    """By how many quarters a file's line lies after the journal's entries of the same message."""
    found = set()
    here = line.time.utcoffset() or timedelta(0)
    near = times[bisect_left(times, line.time - APART) : bisect_right(times, line.time + APART)]
    for time in near:
        quarters = (line.time - time + SAME) // QUARTER
        by = quarters * QUARTER
        if line.time - time - by <= SAME and is_offset(here + by):
            found.add(by)
    return frozenset({timedelta(0)}) if timedelta(0) in found else frozenset(found)


def in_zone_of(line: Observed, time: datetime, by: timedelta) -> Observed:
    """A line at a moment, in the zone whose clock is ahead of the one assumed by so much."""
    here = line.time.utcoffset() or timedelta(0)
    moment = time.astimezone(timezone(here + by))
    return replace(line, time=moment, evidence=replace(line.evidence, time=moment))
