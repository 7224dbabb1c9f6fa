"""Shell histories: what a person typed, and where the shell wrote it down, when.

Law: pure; a line without a time has none, and none is guessed. Formats: bash(1), HISTTIMEFORMAT (a line
``#SECONDS`` before each command); zshoptions(1), EXTENDED_HISTORY (``: SECONDS:DURATION;COMMAND``, a
command's own newlines written as backslash and newline).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

from msgspec import Struct

_BASH_STAMP = re.compile(r"#(\d{1,11})\s*", re.ASCII)
_ZSH_STAMP = re.compile(r": {0,2}(\d{1,11}):\d{1,11};", re.ASCII)
_MOST = 100  # lines of one command


class Entered(Struct, frozen=True):
    """One command of a history: the line (from 1) it begins on, and when it was entered (UTC)."""

    line: int
    text: str
    time: datetime | None


class ShellCommand(Struct, frozen=True):
    """An event as those of ``events``: a person entered a command."""

    user: str
    command: str


def parse_bash_history(lines: Iterable[str]) -> Iterator[Entered]:
    """The commands of a ``.bash_history``; a stamp holds for the lines up to the next stamp.

    Without HISTTIMEFORMAT no line has a stamp. A command of several lines is given line by line, as
    the file does not say where one ends.
    """
    time: datetime | None = None
    for number, line in enumerate(lines, 1):
        stamp = _BASH_STAMP.fullmatch(line)
        if stamp is not None:
            time = _moment(stamp[1])
        elif line.strip():
            yield Entered(number, line.rstrip("\r\n"), time)


def parse_zsh_history(lines: Iterable[str]) -> Iterator[Entered]:
    """The commands of a ``.zsh_history``, with or without EXTENDED_HISTORY."""
    pending: list[str] = []
    first = 1
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if not pending:
            first = number
        goes_on = text.endswith("\\") and not text.endswith("\\\\") and len(pending) < _MOST
        pending.append(text[:-1] if goes_on else text)
        if not goes_on:
            yield from _zsh_command(first, "\n".join(pending))
            pending = []
    if pending:
        yield from _zsh_command(first, "\n".join(pending))


def _zsh_command(line: int, text: str) -> Iterator[Entered]:
    stamp = _ZSH_STAMP.match(text)
    command = text[stamp.end() :] if stamp else text
    if command.strip():
        yield Entered(line, command, _moment(stamp[1]) if stamp else None)


def _moment(digits: str) -> datetime | None:
    """Seconds since 1970; ``None`` beyond what a datetime holds."""
    try:
        return datetime.fromtimestamp(int(digits), timezone.utc)
    except (OverflowError, OSError, ValueError):
        return None
