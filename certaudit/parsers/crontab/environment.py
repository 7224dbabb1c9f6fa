"""``NAME = value`` lines of a crontab.

Law: no expansion ever happens, and a line the daemon does not take for an assignment is none.
Debian refuses ``MAILTO=`` without quotes, cronie takes it. Source: ``load_env`` of ``env.c``.
"""

from __future__ import annotations

import re

from certaudit.parsers.crontab.fields import Daemon

_SPACE = r"[ \t\n\v\f\r]"
_ASSIGNMENT = re.compile(
    r"(?:'(?P<single>[^'=]*)'|\"(?P<double>[^\"=]*)\"|(?P<bare>(?!['\"])[^=\s]*))"
    rf"{_SPACE}*={_SPACE}*(?P<value>(?:[^ \t\n\v\f\r].*)?)",
    re.DOTALL | re.ASCII,
)
_MAX_ASSIGNMENT = 998


def parse_assignment(line: str, daemon: Daemon) -> tuple[str, str] | None:
    """Name and value of a line without leading blanks, or ``None`` if it assigns nothing."""
    if daemon == "busybox":
        return _busybox_assignment(line)
    match = _ASSIGNMENT.fullmatch(line[:_MAX_ASSIGNMENT] if daemon == "vixie-debian" else line)
    if match is None or (daemon == "vixie-debian" and not match["value"]):
        return None
    value = _unquoted(match["value"])
    if value is None:
        return None
    name = next(part for part in match.group("single", "double", "bare") if part is not None)
    return name, _stripped_twice(value) if daemon == "vixie-debian" else value


def _unquoted(value: str) -> str | None:
    """A quoted value must end with its quote; of a bare one only the blanks at its end go."""
    if value[:1] not in ("'", '"'):
        return value.rstrip(" \t\n\v\f\r")
    inner, quote, rest = value[1:].partition(value[0])
    return inner if quote and not rest.strip(" \t\n\v\f\r") else None


def _stripped_twice(value: str) -> str:
    """Debian's cron trims, and takes off quotes that stood inside the quotes."""
    value = value.rstrip(" \t\n\v\f\r")
    if len(value) >= 2 and value[0] in "'\"" and value[-1] == value[0]:
        return value[1:-1]
    return value


def _busybox_assignment(line: str) -> tuple[str, str] | None:
    """Only MAILTO= and SHELL= are taken, up to the first blank, quotes and all."""
    name, equals, rest = line.partition("=")
    if not equals or name not in ("MAILTO", "SHELL"):
        return None
    return name, re.split(r"[ \t#]", rest, maxsplit=1)[0]
