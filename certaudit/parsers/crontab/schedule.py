"""When a crontab schedule fires, and how far two firings can lie apart.

Law: changes of clocks are treated as the daemon treats them. Sources: crontab(5); ``find_jobs`` and
the main loop of ``cron.c`` (Debian, cronie); ``FixDayDow`` and ``flag_starting_jobs`` of ``crond.c``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from certaudit.errors import ParseError
from certaudit.parsers.crontab.fields import UNITS, Daemon, Field, parse_field
from certaudit.records import replace

MACROS = {
    "@reboot": None,
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
# 29 February on a given weekday comes round within 40 years.
_HORIZON = timedelta(days=40 * 366)
_YEAR = date(2000, 1, 1)  # a leap year: it has every day of every month
_FOUR_YEARS = 4 * 365 + 1
_DATES = frozenset(range(1, 32))
_DAY_MINUTES = 24 * 60


class Schedule(Struct, frozen=True):
    """Five parsed fields; ``both_days`` if day of month and day of week must both match.

    ``wildcard`` jobs follow the clock on the wall when it is changed; all others run once for each
    skipped or repeated time.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both_days: bool
    wildcard: bool

    def matches(self, day: date) -> bool:
        """Whether the job runs on this day."""
        if day.month not in self.months:
            return False
        by_day = day.day in self.days
        by_weekday = day.isoweekday() % 7 in self.weekdays
        return by_day and by_weekday if self.both_days else by_day or by_weekday


@lru_cache(maxsize=256)  # its firings are asked for day by day
def parse_schedule(text: str, daemon: Daemon, *, drawn: bool = False) -> Schedule | None:
    """Read five fields or an @-macro; ``None`` for ``@reboot``. Raises ``ParseError``.

    A random range allows all its values, or the least alone if ``drawn``.
    """
    if text.startswith("@"):
        if text not in MACROS:
            raise ParseError("bad time specifier")
        fields = MACROS[text]
        if fields is None:
            return None
        text = fields
    words = re.split(r"[ \t]+", text.strip(" \t"))
    parsed = [parse_field(word, unit, daemon) for word, unit in zip(words, UNITS, strict=False)]
    if len(words) != 5:
        raise ParseError(f"bad {UNITS[min(len(words), 4)].name}")
    if drawn:
        parsed = [_drawn(field) for field in parsed]
    return _schedule(parsed, daemon)


def _drawn(field: Field) -> Field:
    return replace(field, values=frozenset([min(field.values)])) if field.random else field


def _schedule(fields: list[Field], daemon: Daemon) -> Schedule:
    minute, hour, day, month, weekday = fields
    if daemon == "busybox":
        days, weekdays = _busybox_days(day.values, weekday.values)
        both_days, wildcard = False, True
    else:
        days, weekdays = day.values, frozenset(value % 7 for value in weekday.values)
        both_days, wildcard = day.star or weekday.star, minute.star or hour.star
    return Schedule(
        tuple(sorted(minute.values)),
        tuple(sorted(hour.values)),
        days,
        month.values,
        weekdays,
        both_days,
        wildcard,
    )


def _busybox_days(
    days: frozenset[int], weekdays: frozenset[int]
) -> tuple[frozenset[int], frozenset[int]]:
    """Where one of the two is restricted, the other stops counting (``FixDayDow``)."""
    weekdays_limited, days_limited = len(weekdays) < 7, len(days) < 32
    if weekdays_limited and not days_limited:
        return frozenset(), weekdays
    if days_limited and not weekdays_limited:
        return days, frozenset()
    return days, weekdays


def next_firing(schedule: str, moment: datetime, daemon: Daemon) -> datetime | None:
    """The first firing after ``moment`` (aware), in its zone, which is the daemon's.

    Under cronie a ``CRON_TZ`` above the line replaces that zone: pass ``moment`` in it; up to
    ``RANDOM_DELAY`` minutes may follow. For a random range this is the earliest time the lot can
    fall on. ``None`` for ``@reboot`` and for a schedule
    that never fires. Raises ``ParseError`` for a schedule the daemon refuses.
    """
    parsed = parse_schedule(schedule, daemon)
    if parsed is None:
        return None
    zone = moment.tzinfo
    if zone is None:
        raise ValueError("moment must be aware")
    start = moment.date() - timedelta(days=1)
    for day in _matching_days(parsed, start, _HORIZON.days):
        later = [found for found in _firings_on(parsed, day, zone) if found > moment]
        if later:
            return min(later).astimezone(zone)
    return None


def _matching_days(schedule: Schedule, start: date, days: int) -> Iterator[date]:
    last = min(start.toordinal() + days, date.max.toordinal() - 2)
    for ordinal in range(start.toordinal(), last):
        day = date.fromordinal(ordinal)
        if schedule.matches(day):
            yield day


def _firings_on(schedule: Schedule, day: date, zone: tzinfo) -> Iterator[datetime]:
    """The moments, in UTC, at which the times of one day come."""
    for hour in schedule.hours:
        for minute in schedule.minutes:
            yield from _moments(
                datetime.combine(day, time(hour, minute), zone), wildcard=schedule.wildcard
            )


def _moments(wall: datetime, *, wildcard: bool) -> Iterator[datetime]:
    """When the wall clock shows this time: once, never, or twice."""
    first = wall.astimezone(timezone.utc)
    second = wall.replace(fold=1).astimezone(timezone.utc)
    if first == second:
        yield first
    elif first < second:
        yield first
        if wildcard:
            yield second
    elif not wildcard:
        # A skipped time is made up for as soon as the clock has jumped.
        yield _jump(wall, second, first)


def _jump(wall: datetime, before: datetime, after: datetime) -> datetime:
    """The moment between the two at which the zone's offset changes, to the minute."""
    zone, offset = wall.tzinfo, wall.replace(fold=1).utcoffset()
    while after - before > timedelta(minutes=1):
        middle = (before + (after - before) / 2).replace(second=0, microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def _widest_gap(parsed: Schedule) -> int | None:
    """The most days from one that a schedule fires on to the next; ``None`` if it never comes again."""
    year = range(_YEAR.toordinal(), _YEAR.replace(year=_YEAR.year + 1).toordinal())
    if all(parsed.matches(date.fromordinal(ordinal)) for ordinal in year):
        return 1  # most schedules name no days, and need not be searched for 40 years
    days = [day.toordinal() for day in _matching_days(parsed, _YEAR, _twice_round(parsed))]
    return max((later - earlier for earlier, later in pairwise(days)), default=None)


def _twice_round(schedule: Schedule) -> int:
    """How many days suffice to see every gap: a rule of weekdays or of dates alone soon comes round."""
    if len(schedule.weekdays) == 7:
        return 2 * _FOUR_YEARS
    if schedule.both_days and len(schedule.months) == 12 and schedule.days >= _DATES:
        return 2 * 7
    return _HORIZON.days


def interval(schedule: str, daemon: Daemon = "vixie-debian") -> timedelta | None:
    """The longest time between two firings, clock changes aside.

    ``None`` for ``@reboot`` and for a schedule that fires less than twice in 40 years. For a random
    range it is that of one drawn value. Raises ``ParseError``.
    """
    parsed = parse_schedule(schedule, daemon, drawn=True)
    if parsed is None:
        return None
    minutes = [hour * 60 + minute for hour in parsed.hours for minute in parsed.minutes]
    widest = _widest_gap(parsed)
    if not minutes or widest is None:
        return None
    over_night = widest * _DAY_MINUTES - minutes[-1] + minutes[0]
    within_day = [later - earlier for earlier, later in pairwise(minutes)]
    return timedelta(minutes=max([over_night, *within_day]))
