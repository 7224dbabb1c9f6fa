"""The five time fields of a crontab line, as each daemon reads them.

Law: a field is refused only if the daemon refuses it. Debian's cron skips what follows a number it
understood (``0~30`` is minute 0, ``5.3`` is 5); busybox lets ranges wrap round (``22-4``).
Sources: ``get_list``, ``get_range``, ``get_number`` of ``entry.c``; ``ParseField`` of ``crond.c``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from certaudit.errors import ParseError

Daemon = Literal["vixie-debian", "cronie", "busybox"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WORD = re.compile(r"[0-9A-Za-z]+")
_BUSYBOX_PART = re.compile(r"\*|[0-9]+|[A-Za-z]{3}")
_BUSYBOX_STEP = re.compile(r"/([0-9]*)")
_BUSYBOX_ROUNDS = 1024
_INT_HALF, _LONG_MAX = 2**31, 2**63 - 1
_TOKEN_MAX = 999


class Unit(Struct, frozen=True):
    """One field's range and names; ``modulus`` is the size of busybox's table for it."""

    name: str
    low: int
    high: int
    modulus: int
    names: tuple[str, ...] = ()


UNITS = (
    Unit("minute", 0, 59, 60),
    Unit("hour", 0, 23, 24),
    Unit("day-of-month", 1, 31, 32),
    Unit("month", 1, 12, 12, _MONTHS),
    Unit("day-of-week", 0, 7, 7, _WEEKDAYS),
)


class Field(Struct, frozen=True):
    """The values a field allows; ``star`` if it begins with ``*``.

    ``random`` marks cronie's ``low~high``: the daemon picks one of the values when it loads the file.
    """

    values: frozenset[int]
    star: bool = False
    random: bool = False


def parse_field(text: str, unit: Unit, daemon: Daemon) -> Field:
    """Read one field without blanks; raises ``ParseError`` ("bad minute", ...)."""
    if daemon == "busybox":
        values = _Busybox(text, unit).values()
        return Field(values, star=text == "*")
    reader = _Cronie(text, unit) if daemon == "cronie" else _Vixie(text, unit)
    values = frozenset(value for part in reader.parts() for value in part)
    return Field(values, text.startswith("*"), reader.random)


class _Vixie:
    """Debian's reading: ``*`` or a number or a range, a step after ``*`` and ranges, lists."""

    def __init__(self, text: str, unit: Unit) -> None:
        self.text = text
        self.unit = unit
        self.at = 0
        self.random = False

    def refuse(self) -> ParseError:
        return ParseError(f"bad {self.unit.name}")

    def take(self, character: str) -> bool:
        found = self.text.startswith(character, self.at)
        self.at += found
        return found

    def parts(self) -> Iterator[range]:
        yield self.part()
        while self.take(","):
            yield self.part()

    def part(self) -> range:
        if self.take("*"):
            return self.stepped(self.unit.low, self.unit.high)
        first = self.number()
        if not self.take("-"):
            if self.text.startswith("/", self.at):
                raise self.refuse()
            return self.checked(range(first, first + 1))
        return self.stepped(first, self.number())

    def stepped(self, first: int, last: int) -> range:
        step = self.step() if self.take("/") else 1
        if not (self.inside(first) and self.inside(last)):
            raise self.refuse()
        return range(first, last + 1, step)

    def inside(self, value: int) -> bool:
        return self.unit.low <= value <= self.unit.high

    def checked(self, values: range) -> range:
        if not all(self.inside(value) for value in (values.start, values[-1])):
            raise self.refuse()
        return values

    def step(self) -> int:
        step = self.digits()
        if step <= 0:
            raise self.refuse()
        return step

    def number(self) -> int:
        name = self.text[self.at : self.at + 3].lower()
        match = _WORD.match(self.text, self.at)
        if match and len(match[0]) == 3 and name in self.unit.names:
            self.at = match.end()
            return self.unit.names.index(name) + self.unit.low
        return self.digits()

    def digits(self) -> int:
        match = _WORD.match(self.text, self.at)
        if match is None or len(match[0]) > _TOKEN_MAX or not match[0].isdigit():
            raise self.refuse()
        self.at = match.end()
        return int(match[0])


class _Cronie(_Vixie):
    """cronie's reading: nothing unknown may follow a value; ``low~high`` is drawn by lot.

    A range that runs backwards holds nothing, and only the values themselves must be in range.
    """

    def part(self) -> range:
        values = self.unended_part()
        if self.text[self.at : self.at + 1] not in ("", ","):
            raise self.refuse()
        if values and not (self.inside(values[0]) and self.inside(values[-1])):
            raise self.refuse()
        return values

    def unended_part(self) -> range:
        if self.take("*"):
            return self.stepped(self.unit.low, self.unit.high)
        if self.take("~"):
            return self.drawn(self.unit.low)
        first = self.number()
        if self.take("~"):
            return self.drawn(first)
        if self.take("-"):
            return self.stepped(first, self.number())
        return range(first, first + 1)

    def stepped(self, first: int, last: int) -> range:
        return range(first, last + 1, self.step() if self.take("/") else 1)

    def drawn(self, first: int) -> range:
        self.random = True
        at_end = self.text[self.at : self.at + 1] in ("", ",")
        last = self.unit.high if at_end else self.number()
        if first > last:
            raise self.refuse()
        return range(first, last + 1)


class _Busybox:
    """busybox's reading: counts round a table, so a range may wrap; a step may follow anything.

    What was understood before an error stays in force.
    """

    def __init__(self, text: str, unit: Unit) -> None:
        self.text = text
        self.unit = unit
        self.base = 1 if unit.name == "month" else 0
        self.at = 0

    def refuse(self) -> ParseError:
        return ParseError(f"bad {self.unit.name}")

    def values(self) -> frozenset[int]:
        found: set[int] = set()
        while not found or self.text.startswith(",", self.at):
            self.at += bool(found)
            try:
                found |= self.part()
            except ParseError:
                if not found:
                    raise
                break
        return frozenset(value + self.base for value in found)

    def part(self) -> set[int]:
        first, last = self.bound()
        if last is None and self.text.startswith("-", self.at):
            self.at += 1
            end, last = self.bound()
            first, last = (first, end) if last is None else (end, last)
        return self.filled(first, first if last is None else last, self.step())

    def bound(self) -> tuple[int, int | None]:
        """The next number, and a second one where ``*`` stands for both ends."""
        match = _BUSYBOX_PART.match(self.text, self.at)
        if match is None:
            raise self.refuse()
        self.at = match.end()
        if match[0] == "*":
            return 0, self.unit.modulus - 1
        if match[0].isdigit():
            return self.small(match[0]) - self.base, None
        if match[0].lower() not in self.unit.names:
            raise self.refuse()
        return self.unit.names.index(match[0].lower()), None

    def small(self, digits: str) -> int:
        """A number as strtol(3) reads it into an int: too long ones lose their upper half."""
        value = _LONG_MAX if len(digits) > 19 else min(int(digits), _LONG_MAX)
        return (value + _INT_HALF) % (2 * _INT_HALF) - _INT_HALF

    def step(self) -> int:
        match = _BUSYBOX_STEP.match(self.text, self.at)
        if match is None:
            return 1
        self.at = match.end()
        return self.small(match[1] or "0")

    def filled(self, first: int, last: int, step: int) -> set[int]:
        size = self.unit.modulus
        if first < 0 or last < 0:
            raise self.refuse()
        length = (last - first) % size + 1
        if last >= size:
            # The end is never met: the daemon goes round its table until it gives up.
            self.at = len(self.text)
            length = _BUSYBOX_ROUNDS
        steps = range(0, length, step) if step > 0 else range(1)
        return {(first + offset) % size for offset in steps}
