"""Broken-down local time, as mktime(3) of glibc has it.

Law: ``LocalClock.normalize`` gives glibc's answer for hours that a clock change skips or repeats,
including its memory: the offset found by one call is the first guess of the next.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from msgspec import Struct

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_LAST_DAY = date(9990, 1, 1).toordinal()
_PROBES = 6
# mktime looks this far, in these steps, for a moment with the wanted summer-time flag.
_STRIDE = 601_200
_REACH = 536_454_000 // 2 + _STRIDE
_ZONE_NAME = re.compile(r"[A-Za-z0-9_+\-]+(?:/[A-Za-z0-9_+\-]+)*", re.ASCII)


class Moment(Struct, frozen=True):
    """A normalized local time: the six fields, whether summer time holds, and the Unix time."""

    fields: tuple[int, ...]
    dst: bool
    epoch: int


class LocalClock:
    """Converts between Unix time and the local time of one zone."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self.offset = 0
        self._summer: dict[tuple[int, bool], int | None] = {}

    def at(self, epoch: int) -> Moment:
        """The local time of a Unix time."""
        local = datetime.fromtimestamp(epoch, self.zone)
        fields = (local.year, local.month, local.day, local.hour, local.minute, local.second)
        return Moment(fields, bool(local.dst()), epoch)

    def normalize(self, fields: list[int], dst: bool | None) -> Moment | None:
        """The moment these fields name, after carrying over what exceeds its unit.

        ``dst`` ``None`` leaves the choice to the zone. ``None`` where there is no such moment.
        """
        # mktime settles the minute first and adds surplus seconds to the moment it found.
        second = min(max(fields[-1], 0), 59)
        wanted = seconds_of([*fields[:-1], second])
        if wanted is None:
            return None
        found = self._search(wanted, dst)
        if found is None:
            return None
        self.offset = wanted - found.epoch
        return found if second == fields[-1] else self.at(found.epoch + fields[-1] - second)

    def _search(self, wanted: int, dst: bool | None) -> Moment | None:
        epoch = first = second = wanted - self.offset
        second_dst = False
        for _ in range(_PROBES):
            moment = self.at(epoch)
            missing = wanted - _seconds(moment.fields)
            if not missing:
                return self._with_flag(moment, wanted, dst)
            swings = epoch == first and epoch != second
            accepted = second_dst <= moment.dst if dst is None else dst != moment.dst
            if swings and accepted:
                return moment
            first, second, epoch = second, epoch, epoch + missing
            second_dst = moment.dst
        return None

    def _with_flag(self, moment: Moment, wanted: int, dst: bool | None) -> Moment | None:
        if dst is None or dst == moment.dst:
            return moment
        offset = self._offset_near(moment.epoch, dst)
        return None if offset is None else self.at(wanted - offset)

    def _offset_near(self, epoch: int, dst: bool) -> int | None:
        """The offset from UTC at the nearest moment whose flag is ``dst``."""
        key = (epoch, dst)
        if key not in self._summer:
            self._summer[key] = self._look_around(epoch, dst)
        return self._summer[key]

    def _look_around(self, epoch: int, dst: bool) -> int | None:
        for distance in range(_STRIDE, _REACH, _STRIDE):
            for other in (epoch - distance, epoch + distance):
                moment = self.at(other)
                if moment.dst == dst:
                    return _seconds(moment.fields) - other
        return None


class UtcClock(LocalClock):
    """UTC, where every field combination names one moment (timegm(3))."""

    def __init__(self) -> None:
        super().__init__(timezone.utc)

    def normalize(self, fields: list[int], dst: bool | None) -> Moment | None:
        """As ``LocalClock``; a flag for summer time says nothing here."""
        return super().normalize(fields, None)


def seconds_of(fields: list[int]) -> int | None:
    """The fields as seconds on an even time line; any but the year may exceed its unit.

    ``None`` beyond the years the calendar can hold.
    """
    year, month, day, hour, minute, second = fields
    year += (month - 1) // 12
    if not 1 <= year < 9990:
        return None
    days = date(year, (month - 1) % 12 + 1, 1).toordinal() + day - 1
    if not 1 <= days < _LAST_DAY:
        return None
    return (days - _EPOCH_DAY) * 86400 + hour * 3600 + minute * 60 + second


def _seconds(fields: tuple[int, ...]) -> int:
    year, month, day, hour, minute, second = fields
    days = date(year, month, day).toordinal() - _EPOCH_DAY
    return days * 86400 + hour * 3600 + minute * 60 + second


def is_zone_name(name: str) -> bool:
    """Whether the zone data base knows this name (``verify_timezone`` of systemd)."""
    if _ZONE_NAME.fullmatch(name) is None:
        return False
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True


@lru_cache(maxsize=16)
def abbreviations(zone: tzinfo) -> tuple[str, str]:
    """The zone's names without and with summer time, by its present rules; "" where it has none.

    tzset(3) takes them from the rule that ends a zone's file, not from its history.
    """
    names = {False: "", True: ""}
    start = datetime(2036, 1, 1, tzinfo=timezone.utc)
    for week in range(53):
        local = (start + timedelta(weeks=week)).astimezone(zone)
        names[bool(local.dst())] = local.tzname() or ""
    return names[False], names[True]
