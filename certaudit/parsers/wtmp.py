"""wtmp: who was logged in at which terminal, and when.

Law: pure; utmp(5) as glibc lays it out on little-endian machines, with times of 32 bits (x86: 384 bytes
a record) or of 64 (arm64, riscv64: 400 bytes). What is neither gives nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timezone

from msgspec import Struct

BOOT, LOGIN, LOGOUT = 2, 7, 8  # BOOT_TIME, USER_PROCESS, DEAD_PROCESS of utmp.h
KINDS = frozenset(range(1, 10))
LATEST = 1 << 33  # the year 2242
SMALL = struct.Struct("<h2xi32s4s32s256shhiii16s20x")
LARGE = struct.Struct("<h2xi32s4s32s256shhqqq16s24x")


class Session(Struct, frozen=True):
    """One login: ``until`` is when its logout was written down, ``None`` where none was (yet)."""

    user: str
    terminal: str
    since: datetime
    until: datetime | None


def parse_wtmp(data: bytes) -> tuple[Session, ...]:
    """The logins that a file holds, in its order; those without a logout only where no boot followed.

    A login at a terminal ends the one before it there.
    """
    found: list[Session] = []
    open_ones: dict[str, int] = {}
    lost: set[int] = set()
    for kind, terminal, user, time in records(data):
        if kind == BOOT:
            lost.update(open_ones.values())
            open_ones.clear()
        elif kind == LOGOUT and (position := open_ones.pop(terminal, None)) is not None:
            one = found[position]
            found[position] = Session(one.user, one.terminal, one.since, time)
        elif kind == LOGIN and user and terminal:
            lost.update([open_ones[terminal]] if terminal in open_ones else [])
            open_ones[terminal] = len(found)
            found.append(Session(user, terminal, time, None))
    return tuple(one for position, one in enumerate(found) if position not in lost)


def records(data: bytes) -> Iterator[tuple[int, str, str, datetime]]:
    """Kind, terminal, user and moment of each record."""
    layout = max((SMALL, LARGE), key=lambda one: likeness(data, one))
    for kind, line, user, seconds in unpacked(data, layout) if likeness(data, layout) > 0.5 else ():
        if kind in (BOOT, LOGIN, LOGOUT):
            yield kind, text(line), text(user), datetime.fromtimestamp(seconds, timezone.utc)


def likeness(data: bytes, layout: struct.Struct) -> float:
    """The share of a file's records that are of a known kind and have a time, by one layout."""
    count = len(data) // layout.size
    return sum(1 for _ in unpacked(data, layout)) / count if count else 0.0


def unpacked(data: bytes, layout: struct.Struct) -> Iterator[tuple[int, bytes, bytes, int]]:
    """Kind, terminal, user and seconds of each whole record that has a time."""
    whole = len(data) - len(data) % layout.size
    for kind, _, line, _, user, _, _, _, _, seconds, _, _ in layout.iter_unpack(data[:whole]):
        if kind in KINDS and 0 < seconds < LATEST:
            yield kind, line, user, seconds


def text(field: bytes) -> str:
    """A field of fixed length, up to its first NUL, without anything that a terminal would obey."""
    found = field.partition(b"\0")[0].decode("utf-8", "replace")
    return "".join(letter for letter in found if letter.isprintable())
