"""systemd's journal of a machine, read by this machine's journalctl.

Law: of an image only files that the caller resolved inside its root are read; journalctl gets
them one by one with ``--file``, never a directory, in which a link could point anywhere.
"""

from __future__ import annotations

import glob
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from certaudit.errors import ParseError, UnreadableError
from certaudit.host.process import Completed, ProgramOutputError
from certaudit.host.runner import run
from certaudit.parsers.journal import JournalEntry, parse_entry

_T = TypeVar("_T")
_U = TypeVar("_U")
_FIRST_ENTRY = 1 << 16  # bytes in which the first entry of a journal surely ends
_LONGEST_PATTERN = 1 << 16  # execve(2) takes no argument of more than 128 KiB


class JournalRead(Struct, frozen=True):
    """What could be read, oldest first.

    ``skipped`` lines were no entries. ``complaints`` say, one sentence each, what could not be read
    (a damaged file, a cut answer, permissions); with any of them the entries are not all.
    """

    entries: tuple[JournalEntry, ...]
    skipped: int
    complaints: tuple[str, ...]

    def __iter__(self) -> Iterator[JournalEntry]:
        """The entries, oldest first."""
        return iter(self.entries)


class Telling(Struct, frozen=True):
    """Which commands of cron tell something: those with one of the words in them, and those that begin
    like one of ``commands``.
    """

    words: tuple[str, ...]
    commands: tuple[str, ...]


class Journal(Struct, frozen=True):
    """The journal of this machine (``files`` None), or of an image: its journal files.

    ``files`` are regular ``*.journal`` and ``*.journal~`` below var/log/journal and run/log/journal,
    resolved inside the root by the caller. ``since`` and ``until`` (aware, inclusive, whole seconds)
    bound what is read; ``timeout`` is in seconds for each call of journalctl.
    """

    program: Path
    files: tuple[Path, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    timeout: float = 60.0
    max_output_bytes: int = 64 << 20

    def entries(
        self, units: Sequence[str], identifiers: Sequence[str], telling: Telling | None = None
    ) -> JournalRead:
        """Entries about ``units`` (full names) by a service manager or by their own processes, and
        those with one of the syslog ``identifiers`` ("CRON", "sudo").

        With ``telling``, what cron says of each command it starts is left out where it tells nothing: a
        busy cron fills most of a journal with that. Of too many entries the newest are returned.
        Raises ``UnreadableError`` where journalctl gives nothing at all for the whole journal,
        ``ProgramError`` where it is missing or hangs.
        """
        pattern = None if telling is None else _pattern(telling)
        if pattern is None:
            return self._matching([*_unit_matches(units), _identifier_matches(identifiers)])
        # an identifier costs time at every entry of the others, even one that no entry has
        busy, rest = (
            partial(self._matching, [_identifier_matches(names)], pattern)
            for names in (identifiers[:1], identifiers[1:])
        )
        one, others = at_once(busy, lambda: at_once(rest, lambda: self._matching(_unit_matches(units))))
        return _together(one, *others)

    def _matching(self, groups: Sequence[Sequence[str]], pattern: str | None = None) -> JournalRead:
        args = [word for group in groups if group for word in ("+", *group)][1:]
        if not args or self.files == ():
            return JournalRead((), 0, ())
        try:
            return self._read(self.files, args, pattern)
        except UnreadableError:
            if self.files is None or len(self.files) == 1:
                raise
        reads, complaints = _apart(lambda file: self._read((file,), args, pattern), self.files)
        read = _together(*reads)
        return JournalRead(read.entries, read.skipped, (*complaints, *read.complaints))

    def oldest(self) -> datetime | None:
        """The time of the oldest entry of any kind, or None for an empty journal.

        Raises as ``entries`` does; damaged files count as absent if others can be read.
        """
        if self.files == ():
            return None
        try:
            return self._first(self.files)
        except UnreadableError:
            if self.files is None or len(self.files) == 1:
                raise
        firsts, _ = _apart(lambda file: self._first((file,)), self.files)
        return min((first for first in firsts if first is not None), default=None)

    def _read(
        self, files: tuple[Path, ...] | None, matches: Sequence[str], pattern: str | None
    ) -> JournalRead:
        grep = [] if pattern is None else [f"--grep={pattern}", "--case-sensitive=yes"]
        args = ["--all", "--reverse", *grep, *self._bounds(), *matches]
        try:
            completed = self._journalctl(files, args, self.max_output_bytes)
        except ProgramOutputError as error:
            whole = error.output[: error.output.rfind(b"\n") + 1]
            return _parsed(whole, (f"{error}: older entries were left out",))
        except UnreadableError:
            if pattern is None:
                raise
            return self._read(files, matches, None)  # a journalctl that knows no patterns
        return _parsed(completed.stdout, tuple(completed.stderr.splitlines()))

    def _first(self, files: tuple[Path, ...] | None) -> datetime | None:
        try:
            output = self._journalctl(files, ["--output-fields=MESSAGE_ID"], _FIRST_ENTRY).stdout
        except ProgramOutputError as error:
            output = error.output
        line, newline, _ = output.partition(b"\n")
        try:
            return parse_entry(line).time if newline else None
        except ParseError as error:
            raise UnreadableError(f"{_name(files)}: {error}") from error

    def _journalctl(self, files: tuple[Path, ...] | None, args: Sequence[str], limit: int) -> Completed:
        # --file takes a glob, and the path of an image may hold its special characters
        which = [f"--file={glob.escape(str(file))}" for file in files or ()]
        common = ["--no-pager", "--output=json"]
        completed = run(
            self.program, [*common, *which, *args], timeout=self.timeout, max_output_bytes=limit
        )
        nothing = completed.returncode == 1 and not completed.stderr  # --grep that found none
        if completed.returncode != 0 and not nothing:
            reason = completed.stderr.strip() or f"journalctl ended with {completed.returncode}"
            raise UnreadableError(f"{_name(files)}: {reason}")
        return completed

    def _bounds(self) -> list[str]:
        since = [] if self.since is None else [f"--since=@{int(self.since.timestamp())}"]
        until = [] if self.until is None else [f"--until=@{int(self.until.timestamp())}"]
        return since + until


def at_once(one: Callable[[], _T], quick: Callable[[], _U]) -> tuple[_T, _U]:
    """What both give, asked at the same time; raise what either raises, once the quick one has ended."""
    answers, errors = list[_U](), list[BaseException]()

    def aside() -> None:
        try:
            answers.append(quick())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=aside)
    thread.start()
    try:
        answer = one()
    finally:
        thread.join()
    if errors:
        raise errors[0]
    return answer, answers[0]


def _apart(read: Callable[[Path], _T], files: Sequence[Path]) -> tuple[list[_T], list[str]]:
    """What ``read`` gives for each file, and why it gave nothing; raises if it never gave."""
    results, errors = list[_T](), list[UnreadableError]()
    for file in files:
        try:
            results.append(read(file))
        except UnreadableError as error:
            errors.append(error)
    if not results:
        raise errors[0]
    return results, [str(error) for error in errors]


def _name(files: tuple[Path, ...] | None) -> str:
    if not files:
        return "the journal"
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _unit_matches(units: Sequence[str]) -> list[list[str]]:
    """Matches as ``journalctl -u`` makes them (journalctl(1)), for several units at once.

    UNIT= counts from PID 1 only, as any process may send it.
    """
    return [
        [f"_SYSTEMD_UNIT={unit}" for unit in units],
        [f"UNIT={unit}" for unit in units] + ["_PID=1"] if units else [],
        [f"_SYSTEMD_USER_UNIT={unit}" for unit in units],
        [f"USER_UNIT={unit}" for unit in units],
    ]


def _identifier_matches(identifiers: Sequence[str]) -> list[str]:
    return [f"SYSLOG_IDENTIFIER={name}" for name in identifiers]


def _pattern(telling: Telling) -> str | None:
    """A pattern (pcre2syntax(3)) for messages other than cron's ``(user) CMD (...)`` and PAM's, and for
    those of cron that tell something; ``None`` where it is too long for journalctl's command line.

    journalctl compiles nothing to machine code and tries it on every message: so it is anchored, tries
    of the commands those that begin with the right letter, and goes in one step over what cannot begin
    a word.
    """
    words, commands = (
        [re.escape(text) for text in texts if text and not {"\n", "\0"} & {*text}]
        for texts in (telling.words, telling.commands)
    )
    told = rf"(?!\s*(?:\[\d+\] )?(?:{_any_of(commands)}))" if commands else ""
    usual = rf"(?:\(\S+\) (?:CMD|CMDEND|END) \({told}|pam_unix\()"
    pattern = rf"(?s)^(?!{usual}{_holds_none_of(words)})"
    return pattern if len(pattern.encode()) <= _LONGEST_PATTERN else None


def _any_of(texts: Sequence[str]) -> str:
    """A pattern for any of some texts, told apart by first letters; they are patterns themselves."""
    groups: dict[str, list[str]] = {}
    for text in texts:
        groups.setdefault(_first_letter(text), []).append(text.removeprefix(_first_letter(text)))
    return "|".join(f"{letter}(?:{'|'.join(rest)})" for letter, rest in groups.items())


def _holds_none_of(words: Sequence[str]) -> str:
    """A pattern for a place after which none of the words follows; they are patterns themselves."""
    if not words:
        return ""
    others = "[^" + "".join(dict.fromkeys(map(_first_letter, words))) + "]*+"
    either = f"(?:{'|'.join(words)})"
    return f"(?!{others}(?:(?!{either}).{others})*+{either})"


def _first_letter(pattern: str) -> str:
    return pattern[: 1 + pattern.startswith("\\")]


def _together(*reads: JournalRead) -> JournalRead:
    """Several answers as one, every entry once."""
    once = {entry.cursor: entry for read in reads for entry in read}
    complaints = dict.fromkeys(text for read in reads for text in read.complaints)
    entries = sorted(once.values(), key=lambda entry: entry.time)
    return JournalRead(tuple(entries), sum(read.skipped for read in reads), tuple(complaints))


def _parsed(output: bytes, complaints: tuple[str, ...]) -> JournalRead:
    """Entries of an answer in reverse order, put oldest first."""
    entries, skipped = list[JournalEntry](), 0
    for number, line in enumerate(output.split(b"\n"), 1):
        if not line:
            continue
        try:
            entries.append(parse_entry(line, number))
        except ParseError:
            skipped += 1
    entries.reverse()
    return JournalRead(tuple(entries), skipped, complaints)
