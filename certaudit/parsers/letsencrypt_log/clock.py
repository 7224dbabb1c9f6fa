"""From the wall times of one run to moments.

Law: certbot wrote UTC up to 0.22 and local time without an offset from 0.23.0 on (commit bca0aa48c);
the run's own version decides. A ``Date:`` header that a server sent inside the run is stronger than
any assumption. Where local time repeats an hour, the header decides, else the order of the records.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone, tzinfo

from msgspec import Struct

_FIRST_LOCAL = (0, 23)
_QUARTER = 15 * 60  # offsets from UTC are whole quarters of an hour
_NEAR = 300  # seconds that an answer and the clocks may be apart
_HOUR = timedelta(hours=1)
_JITTER = timedelta(minutes=1)
_TWO_FOLDS = timedelta(hours=2)
_NUMBERS = re.compile(r"(\d{1,9})\.(\d{1,9})", re.ASCII)
_DATE = re.compile(
    r"Date: [A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT\s*$", re.ASCII
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Anchor(Struct, frozen=True):
    """A wall time of the run and the moment a server's ``Date:`` header gave for it."""

    wall: datetime
    moment: datetime

    @property
    def offset(self) -> timedelta | None:
        """The wall clock's distance from UTC, to the quarter; ``None`` if it is not near to one."""
        apart = (self.wall - self.moment.replace(tzinfo=None)).total_seconds()
        whole = round(apart / _QUARTER) * _QUARTER
        if abs(apart - whole) > _NEAR or not -12 * 3600 <= whole <= 14 * 3600:
            return None
        return timedelta(seconds=whole)


def header_moment(line: str) -> datetime | None:
    """The moment of a ``Date: Mon, 06 Jan 2025 15:34:01 GMT`` header (RFC 9110, 5.6.7)."""
    found = _DATE.match(line)
    if found is None or found[2] not in _MONTHS:
        return None
    day, month, *rest = found.groups()
    year, hour, minute, second = (int(part) for part in rest)
    try:
        moment = datetime(
            year, _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=timezone.utc
        )
    except ValueError:
        return None
    return moment if 1970 <= year < 9999 else None


def version_pair(version: str | None) -> tuple[int, int] | None:
    """The first two numbers of a version, to compare; ``None`` where there are none."""
    found = _NUMBERS.match(version) if version else None
    return (int(found[1]), int(found[2])) if found is not None else None


def wrote_utc(version: str | None) -> bool:
    """Whether a certbot of this version wrote its log in UTC."""
    pair = version_pair(version)
    return pair is not None and pair < _FIRST_LOCAL


class Clock:
    """Gives the records of one run, told in their order, their moments in the caller's zone.

    ``floor`` is the last moment known before the run; it settles a repeated hour where it can.
    """

    def __init__(
        self, zone: tzinfo, version: str | None, anchor: Anchor | None, floor: datetime | None
    ) -> None:
        self._zone = zone
        self._utc = wrote_utc(version)
        self._anchor = anchor
        self._floor = floor
        self.offset = None if self._utc or anchor is None else anchor.offset
        self.ambiguous = False
        self._fixed = self._other_zone()

    def _other_zone(self) -> tzinfo | None:
        """The zone to read the run in where it is not the caller's own."""
        if self._utc:
            return timezone.utc
        if self.offset is None or self._anchor is None:
            return None
        here = self._anchor.moment.astimezone(self._zone).utcoffset()
        return None if here == self.offset else timezone(self.offset)

    def moments(self, walls: Sequence[datetime]) -> dict[datetime, datetime]:
        """The moment of each wall time, in the caller's zone."""
        if self._fixed is not None:
            return {wall: wall.replace(tzinfo=self._fixed).astimezone(self._zone) for wall in walls}
        first, last = min(walls), max(walls)
        if self._is_even(first, last):
            start = first.replace(tzinfo=self._zone)
            return {wall: start + (wall - first) for wall in walls}
        found: dict[datetime, datetime] = {}
        for wall in walls:
            if wall not in found:
                self._floor = found[wall] = self._local(wall)
        return found

    def _is_even(self, first: datetime, last: datetime) -> bool:
        """Whether the offset is the same all along; no zone changes twice in an hour."""
        if last - first > _HOUR:
            return False
        start, end = first.replace(tzinfo=self._zone), last.replace(tzinfo=self._zone)
        both = (start, end, start.replace(fold=1), end.replace(fold=1))
        return len({time.utcoffset() for time in both}) == 1

    def _local(self, wall: datetime) -> datetime:
        first = wall.replace(tzinfo=self._zone)
        second = first.replace(fold=1)
        before, after = first.utcoffset(), second.utcoffset()
        if before is None or after is None or before <= after:  # the same, or a skipped hour
            return first
        if self._anchor is not None and self.offset is not None:
            goal = self._anchor.moment
            return min(first, second, key=lambda m: abs(m.astimezone(timezone.utc) - goal))
        if self._floor is not None and _just_before(first, self._floor):
            return second
        self.ambiguous = True
        return first


def _just_before(moment: datetime, floor: datetime) -> bool:
    """Whether a moment lies before the floor by more than a clock's jitter and less than two folds.

    Compared in UTC: two datetimes of one zone would be compared by their wall times.
    """
    apart = floor.astimezone(timezone.utc) - moment.astimezone(timezone.utc)
    return _JITTER < apart < _TWO_FOLDS
