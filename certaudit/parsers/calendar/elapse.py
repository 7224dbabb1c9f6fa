"""When a calendar expression fires next.

Law: the search is systemd's own, unit by unit from the year down, so that skipped and repeated
hours give the same moments. Source: ``find_next`` of ``calendarspec.c``, systemd 252.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import Enum, auto
from zoneinfo import ZoneInfo

from certaudit.parsers.calendar.clock import LocalClock, UtcClock
from certaudit.parsers.calendar.spec import USEC_PER_SEC, CalendarSpec, Chain, Component

_MAX_YEAR = 2199
_MAX_ITERATIONS = 1000
_YEAR, _MONTH, _DAY, _HOUR, _MINUTE, _SECOND = range(6)
_FIRST = (1970, 1, 1, 0, 0, 0)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_USEC = timedelta(microseconds=1)


def next_after(spec: CalendarSpec, moment: datetime) -> datetime | None:
    """The first firing strictly after ``moment`` (aware), in the zone of ``moment``.

    That zone is the host's, and holds for expressions that name none. ``None`` means never.
    """
    zone = moment.tzinfo
    if zone is None:
        raise ValueError("moment must be aware")
    microseconds = max(0, (moment - _EPOCH) // _USEC) + 1
    if spec.utc:
        clock: LocalClock = UtcClock()
    else:
        clock = LocalClock(ZoneInfo(spec.timezone) if spec.timezone else zone)
    found = _Search(spec, clock, microseconds).run()
    if found is None:
        return None
    return (_EPOCH + timedelta(microseconds=found)).astimezone(zone)


class _Bounds(Enum):
    """Whether a candidate's fields name a moment as they stand."""

    INSIDE = auto()
    MOVED = auto()
    OUTSIDE = auto()


class _Search:
    """One search: ``fields`` is the candidate, raised until every unit matches."""

    def __init__(self, spec: CalendarSpec, clock: LocalClock, microseconds: int) -> None:
        self.spec = spec
        self.clock = clock
        start = clock.at(microseconds // USEC_PER_SEC)
        self.start = (*start.fields, microseconds % USEC_PER_SEC)
        self.fields = list(start.fields)
        self.microsecond = microseconds % USEC_PER_SEC
        self.dst: bool | None = start.dst
        self.chains: tuple[Chain, ...] = (
            spec.years,
            spec.months,
            spec.days,
            spec.hours,
            spec.minutes,
            spec.microseconds,
        )

    def run(self) -> int | None:
        """Microseconds since the epoch of the next firing, or ``None``."""
        stuck = False
        for _ in range(_MAX_ITERATIONS):
            self._settle(keep_dst=stuck)
            verdict = self._pass()
            if verdict is None:
                return None
            if not verdict:
                continue
            if (*self.fields, self.microsecond) < self.start:
                # The clock was set back: the candidate's name came by before.
                stuck = True
                self.fields[_HOUR] += 1
                continue
            final = self.clock.normalize(self.fields, self.dst)
            if final is None or final.epoch < 0:
                return None
            return final.epoch * USEC_PER_SEC + self.microsecond
        return None

    def _settle(self, *, keep_dst: bool) -> None:
        moment = self.clock.normalize(self.fields, self.dst)
        if moment is not None:
            self.fields, self.dst = list(moment.fields), moment.dst
        if not keep_dst:
            self.dst = self.spec.dst

    def _pass(self) -> bool | None:
        """Match every unit once: true when all fit, false to look again, ``None`` for never."""
        bounds = None
        for unit in range(6):
            changed = self._match_unit(unit)
            if changed and unit < _SECOND:
                self._reset(unit + 1)
            # What was inside and did not change still is; only a look from the month's end in between
            # would have left the clock another first guess.
            if changed is not False or bounds is None or self.spec.end_of_month:
                bounds = _Bounds.OUTSIDE if changed is None else self._bounds()
            if unit == _YEAR and bounds is not _Bounds.INSIDE:
                return None
            if bounds is _Bounds.OUTSIDE:
                self.fields[unit - 1] += 1
                self._reset(unit)
                return False
            if bounds is _Bounds.MOVED:
                return False
            if unit == _DAY and not self._weekday_matches():
                self.fields[_DAY] += 1
                self._reset(_HOUR)
                return False
        return True

    def _reset(self, unit: int) -> None:
        self.fields[unit:] = _FIRST[unit:]
        self.microsecond = 0

    def _match_unit(self, unit: int) -> bool | None:
        """Raise one field to its next match; whether it changed, ``None`` if there is no match."""
        if unit != _SECOND:
            value = self._first_match(unit, self.fields[unit])
            changed = value != self.fields[unit]
            if value is not None:
                self.fields[unit] = value
            return None if value is None else changed
        before = self.fields[_SECOND] * USEC_PER_SEC + self.microsecond
        value = self._first_match(_SECOND, before)
        if value is None:
            return None
        self.fields[_SECOND], self.microsecond = divmod(value, USEC_PER_SEC)
        return value != before

    def _first_match(self, unit: int, value: int) -> int | None:
        """The least value of the unit's chain that is not below ``value``."""
        chain = self.chains[unit]
        if not chain:
            return value
        candidates = [self._component_match(unit, item, value) for item in chain]
        return min((found for found in candidates if found is not None), default=None)

    def _component_match(self, unit: int, item: Component, value: int) -> int | None:
        start, stop = item.start, -1 if item.stop is None else item.stop
        if unit == _DAY and self.spec.end_of_month:
            start, stop = self._from_end(item.start), self._from_end(stop)
            if stop > 0:
                start, stop = stop, start
        if start >= value:
            return start
        if not item.repeat:
            return None
        found = start + item.repeat * -((start - value) // item.repeat)
        return found if stop < 0 or found <= stop else None

    def _from_end(self, day: int) -> int:
        """The day of the month that is ``day`` th from its end, -1 if the month has none."""
        fields = list(self.fields)
        fields[_MONTH] += 1
        fields[_DAY] = 1 - day
        moment = self.clock.normalize(fields, self.dst)
        if moment is None or moment.fields[_MONTH] != self.fields[_MONTH]:
            return -1
        return moment.fields[_DAY]

    def _bounds(self) -> _Bounds:
        if self.fields[_YEAR] > _MAX_YEAR:
            return _Bounds.OUTSIDE
        moment = self.clock.normalize(self.fields, self.dst)
        if moment is None or moment.epoch < 0:
            return _Bounds.OUTSIDE
        for unit, (now, before) in enumerate(zip(moment.fields, self.fields, strict=True)):
            if now != before:
                return self._move_to(unit, moment.fields, moment.dst)
        return _Bounds.INSIDE

    def _move_to(self, unit: int, fields: tuple[int, ...], dst: bool) -> _Bounds:
        """Take over normalized fields; below the first that differs, only one unit starts anew."""
        if fields[unit] < self.fields[unit]:
            return _Bounds.OUTSIDE
        self.fields, self.dst = list(fields), dst
        if unit < _SECOND:
            self.fields[unit + 1] = _FIRST[unit + 1]
        return _Bounds.MOVED

    def _weekday_matches(self) -> bool:
        if not self.spec.weekdays:
            return True
        moment = self.clock.normalize(self.fields, self.dst)
        if moment is None or moment.epoch < 0:
            return False
        year, month, day, *_ = moment.fields
        return datetime(year, month, day, tzinfo=timezone.utc).weekday() in self.spec.weekdays
