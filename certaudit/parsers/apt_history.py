"""/var/log/apt/history.log: what apt was asked to do, by whom, and which packages that changed.

Law: models ``pkgDPkgPM::OpenLog`` and ``CloseLog`` of apt (apt-pkg/deb/dpkgpm.cc): stanzas in local
time without an offset, from ``Start-Date`` to ``End-Date``; a stanza that was cut has no end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo

from msgspec import Struct

from certaudit.history import PackageAction
from certaudit.parsers.dpkg_log import moment
from certaudit.records import replace

_DATE = re.compile(r"\s*(\d{4})-(\d\d)-(\d\d)\s+(\d\d):(\d\d):(\d\d)\s*", re.ASCII)
_ITEM = re.compile(r"([a-z0-9][a-z0-9+.-]{0,200})(?::[a-z0-9-]+)? \(([^()]{1,300})\)", re.ASCII)
_USER = re.compile(r"\s*(\S+) \(\d+\)\s*", re.ASCII)
_ACTIONS: dict[str, PackageAction] = {
    "Install": "install",
    "Reinstall": "reinstall",
    "Upgrade": "upgrade",
    "Downgrade": "downgrade",
    "Remove": "remove",
    "Purge": "purge",
}


class AptChange(Struct, frozen=True):
    """One package of a transaction; ``line`` is that of the list it stands in."""

    action: PackageAction
    package: str
    old: str | None
    new: str | None
    line: int


class AptTransaction(Struct, frozen=True):
    """One run of apt, or of a program that uses its library (a release upgrade has no command line)."""

    start: datetime
    end: datetime | None
    command: str | None
    requested_by: str | None  # the user behind sudo or pkexec
    changes: tuple[AptChange, ...]
    where: str
    line: int
    error: str | None = None


def parse_history(
    lines: Iterable[tuple[int, str]], where: str, zone: tzinfo
) -> Iterator[AptTransaction]:
    """The transactions of one file, in its order; lines outside of a stanza are passed over.

    Never raises.
    """
    current: AptTransaction | None = None
    for number, raw in lines:
        key, colon, value = raw.partition(":")
        if not colon:
            continue
        if key == "Start-Date":
            if current is not None:
                yield current
            start = date(value, zone)
            current = AptTransaction(start, None, None, None, (), where, number) if start else None
        elif current is not None:
            current = with_line(current, key, value, number, zone)
    if current is not None:
        yield current


def with_line(found: AptTransaction, key: str, value: str, number: int, zone: tzinfo) -> AptTransaction:
    """A transaction with what one more of its lines says."""
    if key == "End-Date":
        return replace(found, end=date(value, zone))
    if key == "Commandline":
        return replace(found, command=value.strip() or None)
    if key == "Requested-By":
        user = _USER.fullmatch(value)
        return replace(found, requested_by=user[1] if user else None)
    if key == "Error":
        return replace(found, error=value.strip() or None)
    action = _ACTIONS.get(key)
    if action is None:
        return found
    return replace(found, changes=found.changes + tuple(items(value, action, number)))


def items(value: str, action: PackageAction, number: int) -> Iterator[AptChange]:
    """``certbot:amd64 (1.21.0-1build1), python3-acme:amd64 (1.21.0-1, automatic)``."""
    for name, inside in _ITEM.findall(value):
        versions = [word.strip() for word in inside.split(",") if word.strip() != "automatic"]
        if not versions:
            continue
        gone = action in ("remove", "purge")
        old = versions[0] if gone or len(versions) > 1 else None
        yield AptChange(action, name, old, None if gone else versions[-1], number)


def date(text: str, zone: tzinfo) -> datetime | None:
    """A moment as apt writes it, with two blanks between day and time."""
    found = _DATE.fullmatch(text)
    return moment(found.groups(), zone) if found else None
