"""Plain and compressed rotated logs: which files belong to one log, in order, and their lines.

Law: streaming, flat memory, and whatever can be read is read: a truncated or corrupt archive yields
the lines before the damage and a problem to report. Lines longer than ``LINE_LIMIT`` are cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import PurePosixPath
from typing import IO, NamedTuple

from msgspec import Struct, field

from certaudit.errors import UnreadableError
from certaudit.host.logs.literals import newlines
from certaudit.host.logs.unpacking import DamagedError, is_plain, pieces, plain_pieces
from certaudit.host.root import Root

UNKNOWN_TIME = datetime.fromtimestamp(0, timezone.utc)
LINE_LIMIT = 1 << 16
LONGEST = 2 << 20  # bytes of a line that are kept in memory
SUFFIX = re.compile(
    r"(?:\.(?P<number>\d{1,4})|-(?P<date>\d{8}(?:[-.]?\d{2,6})?))?(?P<pack>\.(?:gz|xz|bz2|zst))?"
)


class Block(NamedTuple):
    """``data[start:end]`` are whole lines, with ``before`` lines of the file before them."""

    data: bytes
    start: int
    end: int
    before: int

    @property
    def newlines(self) -> int:
        """How many lines end in it."""
        return newlines(self.data, self.start, self.end)


class Share(NamedTuple):
    """The lines that begin at a plain file's bytes from ``start`` to before ``end``."""

    start: int
    end: int


class LogFile(Struct):
    """One file of a log; while its lines are read ``problems`` fills, and ``done`` and ``newlines``
    tell how many bytes of the file and how many lines are behind.
    """

    root: Root
    path: PurePosixPath
    modified: datetime
    size: int
    problems: list[str] = field(default_factory=list)
    done: int = 0
    newlines: int = 0

    def lines(self) -> Iterator[str]:
        """Every line without its end."""
        for data, start, end, _ in self.blocks():
            whole = data[start:end].removesuffix(b"\n")
            lines = whole.decode("utf-8", "replace").split("\n")
            # a character takes up to four bytes
            if end - start > LINE_LIMIT // 4 and max(map(len, lines)) > LINE_LIMIT // 4:
                lines = [text_of(line) for line in whole.split(b"\n")]
            yield from lines

    def texts(self) -> Iterator[str]:
        """The text, some whole lines at a time; only the last of all may lack its end."""
        for data, start, end, _ in self.blocks():
            yield data[start:end].decode("utf-8", "replace")

    def blocks(self, share: Share | None = None) -> Iterator[Block]:
        """The file, or a share of it, as blocks of whole lines; only the last may lack its end."""
        self.problems, self.done, self.newlines = [], 0, 0
        rest = bytearray()  # the beginning of a line whose end is not read yet
        try:
            with self.root.open(self.path) as raw:
                for block in self._cut(self._pieces(raw, share), rest):
                    yield block
                    self.newlines += block.newlines
        except UnreadableError as error:
            self.problems.append(str(error).removeprefix(f"{self.path}: "))
        except DamagedError as error:
            place = f"line {self.newlines}" if share is None else f"byte {share.start + self.done}"
            self.problems.append(f"damaged after {place}: {error}")
        if rest:
            yield Block(bytes(rest), 0, len(rest), self.newlines)

    def is_plain(self) -> bool:
        """Whether it is not packed, by its first bytes; False where they cannot be read."""
        try:
            with self.root.open(self.path) as raw:
                return is_plain(raw)
        except (UnreadableError, OSError):
            return False

    def _pieces(self, raw: IO[bytes], share: Share | None) -> Iterator[bytes]:
        for piece in pieces(raw) if share is None else plain_pieces(raw, share.start, share.end):
            self.done = raw.tell() - (share.start if share else 0)
            yield piece
        self.done = raw.tell() - (share.start if share else 0)

    def _cut(self, read: Iterator[bytes], rest: bytearray) -> Iterator[Block]:
        """Pieces, cut where lines end; nothing is copied but the line at each seam."""
        dropping = False
        for data in read:
            start = 0
            if dropping:  # the rest of a line that was already cut
                start = data.find(b"\n") + 1
                if not start:
                    continue
                dropping = False
            end = data.rfind(b"\n", start) + 1
            if rest and end:
                first = data.find(b"\n", start) + 1
                line = bytes(rest + data[start:first])
                rest.clear()
                yield Block(line, 0, len(line), self.newlines)
                start = first
            if start < end:
                yield Block(data, start, end, self.newlines)
            rest += data[max(start, end) :]
            if len(rest) > LONGEST:
                self.problems.append("a line longer than 2 MiB was cut")
                yield Block(bytes(rest[:LINE_LIMIT]) + b"\n", 0, LINE_LIMIT + 1, self.newlines)
                rest.clear()
                dropping = True


def text_of(line: bytes) -> str:
    """A line as text, cut at ``LINE_LIMIT`` bytes; bytes that are no UTF-8 become U+FFFD."""
    return line[:LINE_LIMIT].decode("utf-8", "replace")


def log_file(root: Root, path: PurePosixPath) -> LogFile:
    """A file of a log; where only its name can be had, reading it will say why."""
    try:
        entry = root.entry(path)
    except UnreadableError:
        entry = None
    if entry is None:
        return LogFile(root, path, UNKNOWN_TIME, 0)
    return LogFile(root, path, entry.modified, entry.size)


def rotated(root: Root, directory: str, base: str) -> tuple[LogFile, ...]:
    """The files of the log ``directory/base``, oldest first.

    Both logrotate styles count: ``base.N[.gz]`` (a larger N is older) and ``base-YYYYMMDD[.gz]``.
    Raise ``UnreadableError`` where the directory may not be listed.
    """
    found: list[tuple[tuple[int, str, int], LogFile]] = []
    folder = PurePosixPath(directory)
    for name in root.names(directory):
        match = SUFFIX.fullmatch(name, len(base)) if name.startswith(base) else None
        if match is None:
            continue
        number, date = int(match["number"] or 0), match["date"] or ""
        rank = (1, "", -number) if not date else (0, date, 0)
        found.append((rank, log_file(root, folder / name)))
    return tuple(log for _, log in sorted(found, key=lambda item: item[0]))
