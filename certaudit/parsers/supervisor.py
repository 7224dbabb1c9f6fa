"""The commands of supervisord's configuration files. Pure.

Law: as supervisord's ``options.py`` reads them (ini files, ``[program:x]`` with ``command=``); a comment
begins with ``;`` or ``#``, within a line with `` ;``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

SECTION = re.compile(r"\[(?P<name>[^\]]+)\]")
COMMAND = re.compile(r"command[ \t]*[=:][ \t]*(?P<command>.*)")


def parse_commands(text: str) -> tuple[tuple[int, str], ...]:
    """``(line, command)`` of every program, event listener and fcgi program."""
    return tuple(_commands(text))


def _commands(text: str) -> Iterator[tuple[int, str]]:
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        section = SECTION.match(line)
        if section:
            inside = section["name"].startswith(("program:", "eventlistener:", "fcgi-program:"))
        found = COMMAND.match(line) if inside else None
        if found:
            command = re.split(r"[ \t];", found["command"], maxsplit=1)[0].strip()
            yield number, command
