"""The record of a parsed calendar expression, its validity and its normalized form.

Law: a ``CalendarSpec`` is valid and in normal form, so equal schedules compare equal.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from certaudit.records import replace

USEC_PER_SEC = 1_000_000
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Component(Struct, frozen=True):
    """One item of a list: ``start``, ``start..stop``, ``start/repeat`` or ``start..stop/repeat``.

    ``repeat`` 0 means the single value; for seconds all three count microseconds.
    """

    start: int
    stop: int | None = None
    repeat: int = 0


Chain = tuple[Component, ...]


class CalendarSpec(Struct, frozen=True):
    """A calendar expression; an empty chain means any value, as ``*`` does.

    ``weekdays`` counts Monday as 0; empty means every day.
    ``days`` count from the end of the month (1 is the last day) when ``end_of_month`` is set.
    ``microseconds`` are those within the minute.
    ``utc``, ``timezone`` (an IANA name) and ``dst`` exclude each other; without any of them the
    host's zone holds. ``dst`` is set where the expression ends in one of the host zone's own
    abbreviations, kept in ``abbreviation``.
    """

    weekdays: tuple[int, ...] = ()
    years: Chain = ()
    months: Chain = ()
    days: Chain = ()
    end_of_month: bool = False
    hours: Chain = ()
    minutes: Chain = ()
    microseconds: Chain = ()
    utc: bool = False
    timezone: str | None = None
    dst: bool | None = None
    abbreviation: str | None = None


def normal_form(spec: CalendarSpec) -> CalendarSpec:
    """Sort and reduce every list; short years become full ones (``calendar_spec_normalize``)."""
    return replace(
        spec,
        weekdays=() if len(spec.weekdays) == 7 else spec.weekdays,
        end_of_month=spec.end_of_month and bool(spec.days),
        years=_normal_chain(_full_years(spec.years)),
        months=_normal_chain(spec.months),
        days=_normal_chain(spec.days),
        hours=_normal_chain(spec.hours),
        minutes=_normal_chain(spec.minutes),
        microseconds=_normal_chain(spec.microseconds),
    )


def _full_years(chain: Chain) -> Iterable[Component]:
    for item in chain:
        stop = None if item.stop is None else _full_year(item.stop)
        yield Component(_full_year(item.start), stop, item.repeat)


def _full_year(year: int) -> int:
    if year < 70:
        return year + 2000
    return year + 1900 if year < 100 else year


def _normal_chain(chain: Iterable[Component]) -> Chain:
    items = {_normal_component(item) for item in chain}
    return tuple(sorted(items, key=lambda c: (c.start, _stop(c), c.repeat)))


def _stop(item: Component) -> int:
    return -1 if item.stop is None else item.stop


def _normal_component(item: Component) -> Component:
    start, stop, repeat = item.start, item.stop, item.repeat
    if stop is not None and stop > start and repeat > 0:
        stop -= (stop - start) % repeat
        # A step longer than its range leaves the first value alone.
        if start + repeat > stop:
            return Component(start)
    return Component(start) if stop == start else Component(start, stop, repeat)


def is_valid(spec: CalendarSpec) -> bool:
    """Whether every value lies in its unit's range (``calendar_spec_valid``)."""
    return (
        all(_fits(item, 1970, 2199) for item in spec.years)
        and all(_fits(item, 1, 12) for item in spec.months)
        and _days_fit(spec)
        and all(_fits(item, 0, 23) for item in spec.hours)
        and all(_fits(item, 0, 59) for item in spec.minutes)
        and all(_fits(item, 0, 60 * USEC_PER_SEC - 1) for item in spec.microseconds)
    )


def _fits(item: Component, first: int, last: int) -> bool:
    if not first <= item.start <= last or item.repeat > last - first:
        return False
    if item.stop is None:
        return item.start + item.repeat <= last
    return first <= item.stop <= last and item.start + item.repeat <= item.stop


def _days_fit(spec: CalendarSpec) -> bool:
    if not spec.end_of_month:
        return all(_fits(item, 1, 31) for item in spec.days)
    # systemd takes three days off the limit again at each further item of the list.
    limits = range(28, -3 * len(spec.days), -3)
    return all(_fits_from_end(item, last) for item, last in zip(spec.days, limits, strict=False))


def _fits_from_end(item: Component, last: int) -> bool:
    if item.stop is not None:
        return _fits(item, 1, last)
    # Counted backwards, a repetition runs towards the last day of the month.
    return 1 <= item.start <= last and item.repeat < last and item.start - item.repeat >= 1


def normalize(spec: CalendarSpec) -> str:
    """The text ``systemd-analyze calendar`` prints as "Normalized form"."""
    days = f"{_format_weekdays(spec.weekdays)} " if spec.weekdays else ""
    date = f"{_format(spec.years, 4)}-{_format(spec.months, 2)}"
    date += ("~" if spec.end_of_month else "-") + _format(spec.days, 2)
    time = f"{_format(spec.hours, 2)}:{_format(spec.minutes, 2)}:"
    time += _format_seconds(spec.microseconds)
    zone = "UTC" if spec.utc else spec.timezone or spec.abbreviation
    return f"{days}{date} {time}" + (f" {zone}" if zone else "")


def _format_weekdays(weekdays: tuple[int, ...]) -> str:
    runs: list[list[int]] = []
    for day in weekdays:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(_format_run(run) for run in runs)


def _format_run(run: list[int]) -> str:
    first, last = WEEKDAYS[run[0]], WEEKDAYS[run[-1]]
    if len(run) == 1:
        return first
    return f"{first},{last}" if len(run) == 2 else f"{first}..{last}"


def _format(chain: Chain, width: int) -> str:
    return ",".join(_format_component(item, width, 1) for item in chain) or "*"


def _format_seconds(chain: Chain) -> str:
    if not chain or Component(0, None, USEC_PER_SEC) in chain:
        return "*"
    return ",".join(_format_component(item, 2, USEC_PER_SEC) for item in chain)


def _format_component(item: Component, width: int, unit: int) -> str:
    text = _format_number(item.start, width, unit)
    if item.stop:
        text += ".." + _format_number(item.stop, width, unit)
    if item.repeat and not (item.stop and item.repeat == unit):
        text += "/" + _format_number(item.repeat, 1, unit)
    return text


def _format_number(value: int, width: int, unit: int) -> str:
    fraction = value % unit
    return f"{value // unit:0{width}d}" + (f".{fraction:06d}" if fraction else "")
