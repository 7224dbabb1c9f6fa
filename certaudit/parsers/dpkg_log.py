"""/var/log/dpkg.log: which package was unpacked or removed when.

Law: models ``log_action`` and ``log_message`` of dpkg (lib/dpkg/log.c): local time without an offset, an
action, the package with its architecture, the version before and the version after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import cast

from msgspec import Struct

from certaudit.history import PackageAction

# The other words are ``configure``, ``trigproc``, ``status``, ``startup``, ``conffile``, ``disappear``:
# they tell of steps within a change.
_LINE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) (install|upgrade|remove|purge)"
    r" ([a-z0-9][a-z0-9+.-]{0,200})(?::[a-z0-9-]+)? (\S+) (\S+)\s*",
    re.ASCII,
)
_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) ", re.ASCII)
_NONE = "<none>"


class LoggedChange(Struct, frozen=True):
    """One line of a package manager's log that changed a package, with its versions before and after."""

    time: datetime
    action: PackageAction
    package: str
    old: str | None
    new: str | None
    where: str
    line: int
    text: str


def parse_changes(lines: Iterable[tuple[int, str]], where: str, zone: tzinfo) -> Iterator[LoggedChange]:
    """The changes among numbered lines of one file; every other line is passed over. Never raises."""
    for number, raw in lines:
        found = _LINE.fullmatch(raw)
        time = moment(found.groups()[:6], zone) if found else None
        if found is not None and time is not None:
            action, name, old, new = found.groups()[6:]
            yield LoggedChange(
                time, cast("PackageAction", action), name, version(old), version(new), where, number,
                raw.rstrip(),
            )  # fmt: skip


def stamp(raw: str, zone: tzinfo) -> datetime | None:
    """When a line was written, whatever it says; ``None`` for what is no line of dpkg.log."""
    found = _STAMP.match(raw)
    return moment(found.groups(), zone) if found else None


def moment(parts: Iterable[str], zone: tzinfo) -> datetime | None:
    """A wall time of the machine; ``None`` where there is no such day or hour."""
    year, month, day, hour, minute, second = (int(part) for part in parts)
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
    except ValueError:
        return None


def version(word: str) -> str | None:
    """A version, or ``None`` for dpkg's ``<none>``."""
    return None if word == _NONE else word
