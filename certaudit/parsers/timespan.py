"""systemd time spans, as in ``RandomizedDelaySec=12h 30min``.

Law: the same answers as ``systemd-analyze timespan``. Source: systemd.time(7) "Parsing Time
Spans"; ``parse_time`` of ``time-util.c``, systemd 252.
"""

from __future__ import annotations

import math
import re

from certaudit.errors import ParseError

USEC_PER_SEC = 1_000_000
_INFINITY = 2**64 - 1
_LONG_MAX = 2**63 - 1
_MINUTE = 60 * USEC_PER_SEC
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

_UNITS = {
    **dict.fromkeys(("seconds", "second", "sec", "s"), USEC_PER_SEC),
    **dict.fromkeys(("minutes", "minute", "min", "m"), _MINUTE),
    **dict.fromkeys(("months", "month", "M"), 2_629_800 * USEC_PER_SEC),
    **dict.fromkeys(("msec", "ms"), 1000),
    **dict.fromkeys(("hours", "hour", "hr", "h"), _HOUR),
    **dict.fromkeys(("days", "day", "d"), _DAY),
    **dict.fromkeys(("weeks", "week", "w"), 7 * _DAY),
    **dict.fromkeys(("years", "year", "y"), 31_557_600 * USEC_PER_SEC),
    **dict.fromkeys(("usec", "us", "\u03bcs", "\u00b5s"), 1),
}
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_BLANK = r"[ \t\n\r]*"
_PART = re.compile(
    rf"{_BLANK}(?P<whole>[ \t\n\r\v\f]*\+?[0-9]+)?(?P<fraction>\.[0-9]+)?"
    rf"(?P<gap>{_BLANK})(?P<unit>{_UNIT})?"
)


def parse_timespan(text: str) -> float:
    """The span in seconds; a number without unit counts seconds, "infinity" is ``math.inf``.

    Raises ``ParseError`` where systemd refuses the text.
    """
    stripped = text.strip(" \t\n\r")
    if stripped == "infinity":
        return math.inf
    if not stripped:
        raise ParseError(f"no time span: {text!r}")
    total = 0
    at = 0
    while at < len(stripped):
        match = _PART.match(stripped, at)
        if match is None or not (match["whole"] or match["fraction"]):
            raise ParseError(f"no time span: {text!r}")
        at = match.end()
        if at < len(stripped) and not (match["unit"] or match["gap"]):
            raise ParseError(f"no time span: {text!r}")
        total += _microseconds(match)
        if total >= _INFINITY:
            raise ParseError(f"time span is too long: {text!r}")
    return total / USEC_PER_SEC


def _microseconds(match: re.Match[str]) -> int:
    unit = _UNITS[match["unit"] or "s"]
    digits = (match["whole"] or "0").strip().lstrip("+").lstrip("0") or "0"
    if len(digits) > 19 or int(digits) >= min(_LONG_MAX + 1, _INFINITY // unit):
        raise ParseError("a number in the time span is too large")
    total = int(digits) * unit
    share = unit
    for digit in (match["fraction"] or "")[1:20]:
        share //= 10
        total += int(digit) * share
    return total
