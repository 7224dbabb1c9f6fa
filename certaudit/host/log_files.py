"""Plain and compressed rotated logs: which files belong to one log, in order, and their lines.

Law: streaming, flat memory, and whatever can be read is read: a truncated or corrupt archive yields
the lines before the damage and a problem to report. Lines longer than ``LINE_LIMIT`` are cut.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from io import BufferedIOBase
from pathlib import PurePosixPath
from typing import IO, cast

from certaudit.errors import UnreadableError
from certaudit.host.root import Root

CHUNK = 1 << 20
UNKNOWN_TIME = datetime.fromtimestamp(0, timezone.utc)
LINE_LIMIT = 1 << 16
SUFFIX = re.compile(
    r"(?:\.(?P<number>\d{1,4})|-(?P<date>\d{8}(?:[-.]?\d{2,6})?))?(?P<pack>\.(?:gz|xz|bz2|zst))?"
)
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


@dataclass(slots=True)
class LogFile:
    """One file of a log; ``problems`` fills while its lines are read."""

    root: Root
    path: PurePosixPath
    modified: datetime
    size: int
    problems: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Every line without its end."""
        for chunk, _ in self._chunks():
            for line in chunk.split(b"\n")[:-1]:
                yield line[:LINE_LIMIT].decode("utf-8", "replace")

    def matching(self, literals: Sequence[bytes]) -> Iterator[tuple[int, str]]:
        """The lines that hold one of the literals, each with its number from 1."""
        for chunk, before in self._chunks():
            number, at = before, 0
            for start in line_starts(chunk, literals):
                number += chunk.count(b"\n", at, start)
                at = start
                end = chunk.find(b"\n", start)
                text = chunk[start : min(end, start + LINE_LIMIT)]
                yield number + 1, text.decode("utf-8", "replace")

    def _chunks(self) -> Iterator[tuple[bytes, int]]:
        """Whole lines, about a megabyte at a time, with the number of lines before them."""
        before, carry, dropping = 0, b"", False
        try:
            with self.root.open(self.path) as raw, unpacked(raw) as stream:
                for block in blocks(stream):
                    data = carry + block
                    if dropping:  # the rest of a line that was already cut
                        cut = block.find(b"\n")
                        if cut < 0:
                            continue
                        data, dropping = block[cut + 1 :], False
                    end = data.rfind(b"\n") + 1
                    whole, carry = data[:end], data[end:]
                    if len(carry) > 2 * CHUNK:
                        self.problems.append("a line longer than 2 MiB was cut")
                        whole, carry, dropping = whole + carry[:LINE_LIMIT] + b"\n", b"", True
                    if whole:
                        yield whole, before
                        before += whole.count(b"\n")
        except UnreadableError as error:
            self.problems.append(str(error).removeprefix(f"{self.path}: "))
        except DAMAGE as error:
            self.problems.append(f"damaged after line {before}: {error}")
        if carry:
            yield carry + b"\n", before


def blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """A stream in blocks of about ``CHUNK``; before an error, all that could be read of it."""
    pending, size = list[bytes](), 0
    read = cast("BufferedIOBase", stream).read1
    try:
        while data := read(CHUNK):
            pending.append(data)
            size += len(data)
            if size >= CHUNK:
                yield b"".join(pending)
                pending, size = [], 0
    except DAMAGE:
        if pending:
            yield b"".join(pending)
        raise
    if pending:
        yield b"".join(pending)


def line_starts(chunk: bytes, literals: Sequence[bytes]) -> list[int]:
    """Where the lines begin that hold any of the literals, in order, each once."""
    starts: set[int] = set()
    for literal in literals:
        at = chunk.find(literal)
        while 0 <= at < len(chunk):
            starts.add(chunk.rfind(b"\n", 0, at) + 1)
            end = chunk.find(b"\n", at)
            at = chunk.find(literal, end + 1) if end >= 0 else -1
    return sorted(starts)


def unpacked(raw: IO[bytes]) -> IO[bytes]:
    """A stream of the plain bytes of a gzip, xz, bzip2 or plain file, by its first bytes.

    Raise ``UnreadableError`` for a packing that needs a program this has not.
    """
    magic = raw.read(6)
    raw.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if magic.startswith(b"\xfd7zXZ"):
        return cast("IO[bytes]", lzma.LZMAFile(raw))
    if magic.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(raw))
    if magic.startswith(b"\x28\xb5\x2f\xfd"):
        raise UnreadableError("packed with zstd, which this Python cannot unpack")
    return raw


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
    for name in root.names(directory):
        match = SUFFIX.fullmatch(name, len(base)) if name.startswith(base) else None
        if match is None:
            continue
        number, date = int(match["number"] or 0), match["date"] or ""
        rank = (1, "", -number) if not date else (0, date, 0)
        found.append((rank, log_file(root, PurePosixPath(directory) / name)))
    return tuple(log for _, log in sorted(found, key=lambda item: item[0]))
