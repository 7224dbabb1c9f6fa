"""systemd's journal of a machine, read by this machine's journalctl.

Law: of an image only files that the caller resolved inside its root are read; journalctl gets
them one by one with ``--file``, never a directory, in which a link could point anywhere.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from certaudit.errors import ParseError, UnreadableError
from certaudit.host.process import Completed, ProgramOutputError
from certaudit.host.runner import run
from certaudit.parsers.journal import JournalEntry, parse_entry

_T = TypeVar("_T")
_FIRST_ENTRY = 1 << 20  # bytes in which the first entry of a journal surely ends


@dataclass(frozen=True, slots=True)
class JournalRead:
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


@dataclass(frozen=True, slots=True)
class Journal:
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

    def entries(self, units: Sequence[str], identifiers: Sequence[str]) -> JournalRead:
        """Entries about ``units`` (full names) by a service manager or by their own processes, and
        those with one of the syslog ``identifiers`` ("CRON", "sudo").

        Of too many entries the newest are returned. Raises ``UnreadableError`` where journalctl
        gives nothing at all for the whole journal, ``ProgramError`` where it is missing or hangs.
        """
        matches = _matches(units, identifiers)
        if not matches or self.files == ():
            return JournalRead((), 0, ())
        try:
            return self._read(self.files, matches)
        except UnreadableError:
            if self.files is None or len(self.files) == 1:
                raise
        return self._read_each(self.files, matches)

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

    def _read_each(self, files: tuple[Path, ...], matches: Sequence[str]) -> JournalRead:
        """One file at a time: a single damaged file makes journalctl refuse all."""
        reads, complaints = _apart(lambda file: self._read((file,), matches), files)
        once = {entry.cursor: entry for read in reads for entry in read}
        entries = sorted(once.values(), key=lambda entry: entry.time)
        complaints += [text for read in reads for text in read.complaints]
        return JournalRead(tuple(entries), sum(read.skipped for read in reads), tuple(complaints))

    def _read(self, files: tuple[Path, ...] | None, matches: Sequence[str]) -> JournalRead:
        args = ["--reverse", *self._bounds(), *matches]
        try:
            completed = self._journalctl(files, args, self.max_output_bytes)
        except ProgramOutputError as error:
            whole = error.output[: error.output.rfind(b"\n") + 1]
            return _parsed(whole, (f"{error}: older entries were left out",))
        return _parsed(completed.stdout, tuple(completed.stderr.splitlines()))

    def _first(self, files: tuple[Path, ...] | None) -> datetime | None:
        try:
            output = self._journalctl(files, (), _FIRST_ENTRY).stdout
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
        common = ["--no-pager", "--output=json", "--all"]
        completed = run(
            self.program, [*common, *which, *args], timeout=self.timeout, max_output_bytes=limit
        )
        if completed.returncode != 0:
            reason = completed.stderr.strip() or f"journalctl ended with {completed.returncode}"
            raise UnreadableError(f"{_name(files)}: {reason}")
        return completed

    def _bounds(self) -> list[str]:
        since = [] if self.since is None else [f"--since=@{int(self.since.timestamp())}"]
        until = [] if self.until is None else [f"--until=@{int(self.until.timestamp())}"]
        return since + until


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


def _matches(units: Sequence[str], identifiers: Sequence[str]) -> list[str]:
    """Matches as ``journalctl -u`` makes them (journalctl(1)), for several units at once.

    UNIT= counts from PID 1 only, as any process may send it.
    """
    groups = [
        [f"_SYSTEMD_UNIT={unit}" for unit in units],
        [f"UNIT={unit}" for unit in units] + ["_PID=1"] if units else [],
        [f"_SYSTEMD_USER_UNIT={unit}" for unit in units],
        [f"USER_UNIT={unit}" for unit in units],
        [f"SYSLOG_IDENTIFIER={name}" for name in identifiers],
    ]
    matches = list[str]()
    for group in filter(None, groups):
        matches += ["+", *group] if matches else group
    return matches


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
