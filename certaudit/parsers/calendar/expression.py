"""Reading a calendar expression into a ``CalendarSpec``.

Law: what systemd refuses raises ``ParseError``; nothing else escapes.
Source: systemd.time(7) "Calendar Events"; ``calendar_spec_from_string`` of ``calendarspec.c``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from certaudit.errors import ParseError
from certaudit.parsers.calendar.clock import abbreviations, is_zone_name
from certaudit.parsers.calendar.spec import (
    USEC_PER_SEC,
    WEEKDAYS,
    CalendarSpec,
    Chain,
    Component,
    is_valid,
    normal_form,
)
from certaudit.records import replace

_INT_MAX = 2**31 - 1
_COMPONENTS_MAX = 241
_ZERO = (Component(0),)
_ONE = (Component(1),)

_DAILY = CalendarSpec(hours=_ZERO, minutes=_ZERO, microseconds=_ZERO)
_MONTHLY = replace(_DAILY, days=_ONE)
_YEARLY = replace(_MONTHLY, months=_ONE)
_QUARTERLY = replace(_MONTHLY, months=tuple(Component(month) for month in (1, 4, 7, 10)))
_SEMIANNUALLY = replace(_MONTHLY, months=(Component(1), Component(7)))
_SHORTHANDS = {
    "minutely": CalendarSpec(microseconds=_ZERO),
    "hourly": CalendarSpec(minutes=_ZERO, microseconds=_ZERO),
    "daily": _DAILY,
    "weekly": replace(_DAILY, weekdays=(0,)),
    "monthly": _MONTHLY,
    "yearly": _YEARLY,
    "annually": _YEARLY,
    "anually": _YEARLY,
    "quarterly": _QUARTERLY,
    "semiannually": _SEMIANNUALLY,
    "semi-annually": _SEMIANNUALLY,
    "biannually": _SEMIANNUALLY,
    "bi-annually": _SEMIANNUALLY,
}

_WEEKDAY = re.compile(
    "(Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)",
    re.IGNORECASE | re.ASCII,
)
_INTEGER = r"(\d+)"
_DECIMAL = r"(\d+(?:\.(?!\.)\d+)?)"
_EPOCH = re.compile(r"@[ \t\n\v\f\r]*\+?(\d+)", re.ASCII)


def _component_pattern(number: str) -> re.Pattern[str]:
    return re.compile(rf"{number}(?:\.\.{number})?(?:/{number})?(?=[ ,\-~:]|\Z)", re.ASCII)


_COMPONENT = _component_pattern(_INTEGER)
_SECONDS_COMPONENT = _component_pattern(_DECIMAL)


@lru_cache(maxsize=256)
def parse(text: str, zone: tzinfo | None = None) -> CalendarSpec:
    """Parse the value of one ``OnCalendar=``.

    ``zone`` is the host's zone; it only serves expressions that end in one of that zone's own
    abbreviations (``02:30 CEST``), which systemd reads as "with summer time" or "without".
    Raises ``ParseError`` where systemd refuses the expression.
    """
    if not text.isascii() or "\0" in text:
        raise ParseError(f"no calendar expression: {text!r}")
    body, spec = _split_zone(text, zone)
    shorthand = _SHORTHANDS.get(body.lower())
    if shorthand is not None:
        parsed = replace(
            shorthand,
            utc=spec.utc,
            timezone=spec.timezone,
            dst=spec.dst,
            abbreviation=spec.abbreviation,
        )
    else:
        parsed = _Reader(body).expression(spec)
    result = normal_form(parsed)
    if not is_valid(result):
        raise ParseError(f"a value is out of range in calendar expression {text!r}")
    return result


def _split_zone(text: str, zone: tzinfo | None) -> tuple[str, CalendarSpec]:
    """The expression without its zone, and a spec that knows only the zone."""
    if text[-4:].lower() == " utc":
        return text[:-4], CalendarSpec(utc=True)
    for dst, name in enumerate(abbreviations(zone) if zone else ()):
        if name and text.lower().endswith(f" {name.lower()}"):
            return text[: -len(name) - 1], CalendarSpec(dst=bool(dst), abbreviation=name)
    head, space, name = text.rpartition(" ")
    if space and is_zone_name(name):
        return head, CalendarSpec(timezone=name)
    return text, CalendarSpec()


class _Reader:
    """A place in the text; each method reads one part or raises ``ParseError``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def refuse(self) -> ParseError:
        return ParseError(f"no calendar expression: {self.text!r} (at character {self.at + 1})")

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip_spaces(self) -> None:
        while self.peek() == " ":
            self.at += 1

    def expression(self, zone: CalendarSpec) -> CalendarSpec:
        if not self.text:
            raise self.refuse()
        spec = self.date(replace(zone, weekdays=self.weekdays()))
        if self.at < len(self.text):
            raise self.refuse()
        return spec

    def weekdays(self) -> tuple[int, ...]:
        """``Mon``, ``Mon,Wed``, ``Mon..Fri`` (or ``Mon-Fri``), then spaces; may be absent."""
        found: set[int] = set()
        range_start: int | None = None
        while True:
            day = self._weekday(optional=not found)
            if day is None:
                return ()
            if range_start is not None and range_start > day:
                raise self.refuse()
            found |= set(range(day if range_start is None else range_start, day + 1))
            range_start = self._range_start(day, range_start)
            if self.peek() in ("", " "):
                self.skip_spaces()
                if range_start is not None:
                    raise self.refuse()
                return tuple(sorted(found))

    def _weekday(self, *, optional: bool) -> int | None:
        match = _WEEKDAY.match(self.text, self.at)
        if match is None:
            if optional:
                return None
            raise self.refuse()
        self.at = match.end()
        if self.peek() not in ("", "-", ".", ",", " "):
            raise self.refuse()
        return WEEKDAYS.index(match[1][:3].capitalize())

    def _range_start(self, day: int, range_start: int | None) -> int | None:
        """Read what joins two weekdays; returns the day a new range begins with."""
        if self.peek() == ",":
            self.at += 1
            return None
        if self.peek() in ("", " "):
            return None
        joint = "-" if self.peek() == "-" else ".."
        if range_start is not None or not self.text.startswith(joint, self.at):
            raise self.refuse()
        self.at += len(joint)
        return day

    def date(self, spec: CalendarSpec) -> CalendarSpec:
        """A date and the time after it, a date alone, a time alone, or ``@`` and seconds."""
        if self.peek() == "@":
            return self._epoch(spec)
        before = self.at
        if self.peek():
            first = self.chain(_COMPONENT, int)
            if self.peek() not in ("", ":"):
                return self.time(self._date_after(first, spec))
        self.at = before
        return self.time(spec)

    def _date_after(self, first: Chain, spec: CalendarSpec) -> CalendarSpec:
        end_of_month = self._dash()
        second = self.chain(_COMPONENT, int)
        if self.peek() in ("", " "):
            self.skip_spaces()
            return replace(spec, months=first, days=second, end_of_month=end_of_month)
        if end_of_month:
            raise self.refuse()
        end_of_month = self._dash()
        third = self.chain(_COMPONENT, int)
        if self.peek() not in ("", " "):
            raise self.refuse()
        self.skip_spaces()
        return replace(spec, years=first, months=second, days=third, end_of_month=end_of_month)

    def _dash(self) -> bool:
        """Read ``-`` or ``~``; whether it was ``~``, "from the end of the month"."""
        dash = self.peek()
        if dash not in ("-", "~"):
            raise self.refuse()
        self.at += 1
        return dash == "~"

    def _epoch(self, spec: CalendarSpec) -> CalendarSpec:
        match = _EPOCH.match(self.text, self.at)
        if match is None:
            raise self.refuse()
        seconds = _bounded(match[1])
        self.at = match.end()
        moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
        return replace(
            spec,
            years=(Component(moment.year),),
            months=(Component(moment.month),),
            days=(Component(moment.day),),
            hours=(Component(moment.hour),),
            minutes=(Component(moment.minute),),
            microseconds=(Component(moment.second * USEC_PER_SEC),),
            utc=True,
        )

    def time(self, spec: CalendarSpec) -> CalendarSpec:
        """``HH:MM`` or ``HH:MM:SS`` to the end of the text; nothing means midnight."""
        if not self.peek():
            return replace(spec, hours=_ZERO, minutes=_ZERO, microseconds=_ZERO)
        hours = self.chain(_COMPONENT, int)
        self._colon()
        minutes = self.chain(_COMPONENT, int)
        if not self.peek():
            return replace(spec, hours=hours, minutes=minutes, microseconds=_ZERO)
        self._colon()
        if self.peek() == "*":
            self.at += 1
            seconds: Chain = (Component(0, None, USEC_PER_SEC),)
        else:
            seconds = self.chain(_SECONDS_COMPONENT, _microseconds)
        return replace(spec, hours=hours, minutes=minutes, microseconds=seconds)

    def _colon(self) -> None:
        if self.peek() != ":":
            raise self.refuse()
        self.at += 1

    def chain(self, pattern: re.Pattern[str], number: Callable[[str], int]) -> Chain:
        """A list of components; ``*`` is the empty chain."""
        if self.peek() == "*":
            self.at += 1
            return ()
        items: list[Component] = []
        while len(items) < _COMPONENTS_MAX:
            match = pattern.match(self.text, self.at)
            if match is None:
                raise self.refuse()
            self.at = match.end()
            items.append(self._component(match, number))
            if self.peek() != ",":
                return tuple(items)
            self.at += 1
        raise self.refuse()

    def _component(self, match: re.Match[str], number: Callable[[str], int]) -> Component:
        numbers = [None if group is None else _checked(group, number) for group in match.groups()]
        start, stop, repeat = numbers
        unit = USEC_PER_SEC if number is _microseconds else 1
        if repeat == 0:
            raise self.refuse()
        if repeat is None and stop is not None and unit > 1 and start + unit > stop:  # type: ignore[operator]
            raise self.refuse()
        return Component(start or 0, stop, repeat or (0 if stop is None else unit))


def _checked(digits: str, number: Callable[[str], int]) -> int:
    # int() refuses very long digit strings with an error of its own.
    if len(digits.partition(".")[0].lstrip("0")) > 10:
        raise ParseError("a number is too large")
    value = number(digits.lstrip("0") or "0")
    if value > _INT_MAX:
        raise ParseError("a number is too large")
    return value


def _bounded(digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    # Beyond eleven digits the year is past 2199, where systemd refuses too.
    if len(significant) > 11:
        raise ParseError("a number is too large")
    return int(significant)


def _microseconds(digits: str) -> int:
    """Seconds with a fraction, in microseconds; the seventh digit rounds."""
    whole, _, fraction = digits.partition(".")
    padded = fraction[:6].ljust(6, "0")
    round_up = fraction[6:7] >= "5"
    return int(whole or "0") * USEC_PER_SEC + int(padded) + round_up
