"""A crontab file: its entries, the variables above each, and what the daemon refuses.

Law: only what the daemon would run is an entry. Debian's cron ignores a whole file for one bad line,
an unknown user or a missing newline at its end (``load_user``); cronie and busybox skip the line.
Sources: ``load_env`` of ``env.c``, ``load_entry`` of ``entry.c``, ``child_process`` of
``do_command.c``; ``load_crontab`` of ``crond.c`` and ``config_read`` of busybox.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from msgspec import Struct, field

from certaudit.errors import ParseError
from certaudit.parsers.crontab.environment import parse_assignment
from certaudit.parsers.crontab.fields import Daemon
from certaudit.parsers.crontab.schedule import parse_schedule
from certaudit.records import replace

_DEBIAN_MAX_COMMAND = 999
_DEBIAN_MAX_LINES = 10_004
_BUSYBOX_MAX_LINES = 255  # of others than root
# A limit of this reader alone: each entry carries its variables.
_MAX_VARIABLES = 200
_TOO_MANY_VARIABLES = f"more than {_MAX_VARIABLES} variables, ignored here"
_MACRO = re.compile(r"(?P<schedule>@[^ \t]*)(?P<rest>(?:[ \t].*)?)", re.DOTALL)
_FIELDS = re.compile(r"(?P<schedule>(?:[^ \t]+[ \t]+){4}[^ \t]+)(?P<rest>(?:[ \t].*)?)", re.DOTALL)
_COMMENT = re.compile(r"[ \t]*#[# \t]*(?P<rest>[^# \t].*)", re.DOTALL)
# The explanation that Red Hat's /etc/crontab begins with has the form of an entry.
_SAMPLE = "command to be executed"


class CronEntry(Struct, frozen=True):
    """One line that runs a command.

    ``schedule`` is the five fields as written, or ``@daily`` and its like.
    ``user`` is ``None`` in a user crontab. ``command`` is what the shell gets: up to the first
    ``%`` that is not escaped, ``stdin`` what follows it (``%`` read as newline), ``None`` without.
    ``environment`` holds the assignments above the line, the last value of each name.
    ``text`` is the line as written; ``commented`` if it stands behind ``#`` and so does not run.
    ``logged`` is false for a line that begins with ``-`` (cronie).
    """

    line: int
    schedule: str
    user: str | None
    command: str
    stdin: str | None
    environment: tuple[tuple[str, str], ...]
    text: str
    commented: bool = False
    logged: bool = True


class CronError(Struct, frozen=True):
    """A line (from 1) that the daemon refuses, and why, in the daemon's own words where it has any."""

    line: int
    reason: str


class Crontab(Struct, frozen=True):
    """``refused`` is set where the daemon ignores the whole file: then no entry of it runs.

    ``commented`` are commented-out lines that would be entries; ``rejected`` are those of ``errors``
    as they were meant, as far as they have the fields: of a system crontab the first word is the user.
    """

    entries: tuple[CronEntry, ...] = ()
    errors: tuple[CronError, ...] = ()
    commented: tuple[CronEntry, ...] = ()
    refused: CronError | None = None
    rejected: tuple[CronEntry, ...] = ()


def parse_system_crontab(
    text: str, daemon: Daemon = "vixie-debian", users: Collection[str] | None = None
) -> Crontab:
    """Parse /etc/crontab or a file of /etc/cron.d, whose lines name a user.

    ``users`` are the names the machine knows; an unknown one is an error. ``None``: not checked.
    busybox has no such files; for it every line is an error.
    """
    if daemon == "busybox":
        return Crontab(errors=(CronError(1, "busybox crond reads no system crontab"),))
    return _Table(daemon, system=True, users=users).read(text)


def parse_user_crontab(text: str, daemon: Daemon = "vixie-debian", *, root: bool = False) -> Crontab:
    """Parse a file of the crontab spool, whose lines name no user; ``root``: it is root's."""
    return _Table(daemon, system=False, users=None, root=root).read(text)


class _Table(Struct):
    """The file being read; ``_Table.read`` is its only use."""

    daemon: Daemon
    system: bool
    users: Collection[str] | None
    root: bool = False
    contents: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    snapshot: tuple[tuple[str, str], ...] = ()
    entries: list[CronEntry] = field(default_factory=list)
    errors: list[CronError] = field(default_factory=list)
    commented: list[CronEntry] = field(default_factory=list)
    rejected: list[CronEntry] = field(default_factory=list)

    def read(self, text: str) -> Crontab:
        number = 0
        for number, line, ended in _lines(text, self.daemon):
            if not ended and self.daemon != "busybox" and _is_content(line):
                self.errors.append(CronError(number, "missing newline before EOF"))
                if self.daemon != "vixie-debian":  # which drops the file, and with it this line
                    continue
            self._line(number, line)
        refused = None
        if self.daemon == "vixie-debian":
            if number >= _DEBIAN_MAX_LINES:
                self.errors.append(CronError(number, "crontab must not be longer than 10000 lines"))
            refused = next((e for e in self.errors if e.reason != _TOO_MANY_VARIABLES), None)
        return Crontab(
            tuple(self.entries),
            tuple(self.errors),
            tuple(self.commented),
            refused,
            tuple(self.rejected),
        )

    def _line(self, number: int, line: str) -> None:
        if self.daemon == "busybox" and not self.root and self._is_too_long(number, line):
            return
        comment = _COMMENT.fullmatch(line)
        if comment is not None:
            self._commented_line(number, line, comment["rest"])
            return
        content = line.lstrip(" \t")
        if not _is_content(line):
            return
        assignment = parse_assignment(content, self.daemon)
        if assignment is not None:
            self._assign(number, *assignment)
            return
        try:
            self.entries.append(self._entry(number, line, content))
        except ParseError as error:
            self.errors.append(CronError(number, error.reason))
            self.rejected.extend(self._meant(number, line, content))

    def _meant(self, number: int, line: str, content: str) -> Iterator[CronEntry]:
        """A refused line as an entry, whatever is wrong with its times or its user."""
        match = (_MACRO if content.startswith("@") else _FIELDS).fullmatch(content)
        rest = match["rest"].strip(" \t") if match else ""
        user, _, command = rest.partition(" ") if self.system else (None, "", rest)
        if match and rest:
            yield CronEntry(number, match["schedule"], user, command, None, self.snapshot, line)

    def _is_too_long(self, number: int, line: str) -> bool:
        """Count lines that say something; those beyond the most are not read."""
        self.contents += _is_content(line)
        if self.contents == _BUSYBOX_MAX_LINES + 1 and _is_content(line):
            self.errors.append(CronError(number, "too many lines"))
        return self.contents > _BUSYBOX_MAX_LINES

    def _assign(self, number: int, name: str, value: str) -> None:
        if name not in self.environment and len(self.environment) == _MAX_VARIABLES:
            self.errors.append(CronError(number, _TOO_MANY_VARIABLES))
            return
        self.environment[name] = value
        self.snapshot = tuple(self.environment.items())

    def _commented_line(self, number: int, line: str, content: str) -> None:
        try:
            entry = self._entry(number, line, content)
        except ParseError:
            return
        if entry.command and entry.command != _SAMPLE:
            self.commented.append(replace(entry, commented=True))

    def _entry(self, number: int, line: str, content: str) -> CronEntry:
        logged = not (self.daemon == "cronie" and content.startswith("-"))
        if not (logged or self.system or self.root):
            raise ParseError("bad option")
        schedule, rest = self._schedule(content if logged else content[1:])
        user, rest = self._user(rest) if self.system else (None, rest)
        if self.daemon == "vixie-debian" and len(rest.encode(errors="replace")) >= (_DEBIAN_MAX_COMMAND):
            raise ParseError("command too long")
        rest = rest.lstrip(" \t")
        if self.daemon == "cronie":
            rest = _without_option(rest)
        command, stdin = _split_stdin(rest, self.daemon)
        return CronEntry(number, schedule, user, command, stdin, self.snapshot, line, logged=logged)

    def _schedule(self, content: str) -> tuple[str, str]:
        """The schedule as written, and what follows it without the blanks between."""
        match = (_MACRO if content.startswith("@") else _FIELDS).fullmatch(content)
        if match is None:
            # Too few fields: the schedule names the one that is missing.
            parse_schedule(content, self.daemon)
            raise ParseError("bad command")
        parse_schedule(match["schedule"], self.daemon)
        rest = match["rest"].lstrip(" \t")
        if rest.startswith("*") or (not rest and self.daemon != "vixie-debian"):
            raise ParseError("bad command")
        return match["schedule"], rest

    def _user(self, rest: str) -> tuple[str, str]:
        user = re.split(r"[ \t]", rest, maxsplit=1)[0]
        if not user or user == rest:
            raise ParseError("bad command")
        if self.users is not None and user not in self.users:
            raise ParseError("bad username")
        return user, rest[len(user) + 1 :]


def _is_content(line: str) -> bool:
    stripped = line.lstrip(" \t")
    return bool(stripped) and not stripped.startswith("#")


def _lines(text: str, daemon: Daemon) -> Iterator[tuple[int, str, bool]]:
    """Number, line without its newline, and whether it had one.

    busybox joins a line that ends in a backslash to the next and drops what follows ``#``.
    """
    physical = text.split("\n")
    last = len(physical)
    if daemon != "busybox":
        for number, line in enumerate(physical, 1):
            if number < last or line:
                yield number, line, number < last
        return
    start, joined = 1, ""
    for number, line in enumerate(physical, 1):
        joined += line
        if joined.endswith("\\") and (line or number < last):  # also one that stood before the join
            joined = joined[:-1]
            if number < last:
                continue
        if joined:
            yield start, joined, True
        start, joined = number + 1, ""


def _without_option(command: str) -> str:
    """A command without cronie's one option, ``-n`` (mail only of failures), which stands once."""
    if not command.startswith("-"):
        return command
    match = re.fullmatch(r"-n[ \t]+(?P<rest>[^- \t].*)", command, re.DOTALL)
    if match is None:
        raise ParseError("bad option")
    return match["rest"]


def _split_stdin(command: str, daemon: Daemon) -> tuple[str, str | None]:
    """Cut at the first unescaped ``%``; busybox knows no ``%``, but ends at ``#``.

    Debian's cron also takes one backslash of two away.
    """
    if daemon == "busybox":
        return command.partition("#")[0].rstrip(" \t"), None
    unescaped = ("%", "\\") if daemon == "vixie-debian" else ("%",)
    kept: list[str] = []
    at = 0
    while at < len(command):
        if command[at] == "%":
            return "".join(kept), _stdin(command[at + 1 :])
        if command[at] == "\\" and command[at + 1 : at + 2] in unescaped:
            at += 1
        elif command[at] == "\\" and at + 1 < len(command):
            kept.append("\\")
            at += 1
        kept.append(command[at])
        at += 1
    return "".join(kept), None


def _stdin(text: str) -> str:
    """The text behind ``%`` as the command reads it: lines, the last one ended."""
    lines = re.sub(r"\\%|%", lambda match: "%" if len(match[0]) == 2 else "\n", text)
    return lines if not lines or lines.endswith("\n") else lines + "\n"
