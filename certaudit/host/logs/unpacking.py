"""The plain bytes of gzip, xz, bzip2, zstd and plain files, piece by piece.

Law: the packing is told by a file's first bytes, never by its name; memory stays flat; of a damaged
archive everything before the damage is given first. The libraries of the extra ``logs`` are used
where they are installed; without them the standard library does the same, slower, but for zstd.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Protocol, TypeAlias, cast

from certaudit.errors import UnreadableError

PIECE = 1 << 19  # bytes: what the caches of a core hold from unpacking to searching

PACKED = 1 << 16  # bytes that a decompressor is given at a time


class Stream(Protocol):
    """What is read."""

    def read1(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


class Decompressor(Protocol):
    """What lzma, bz2 and zstd have in common."""

    @property
    def eof(self) -> bool:
        """Whether the archive has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether all that was given is used up."""

    @property
    def unused_data(self) -> bytes:
        """What was given beyond the end of the archive."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most so many of the bytes that these, and those left over, unpack to."""


# A stream of plain bytes, and the error of its own that it raises for damage. Only a log that is
# packed pays for the import of what unpacks it.
Reader: TypeAlias = tuple[Stream, type[Exception]]


class DamagedError(Exception):
    """The rest of an archive cannot be unpacked; the text says why."""


def pieces(raw: IO[bytes]) -> Iterator[bytes]:
    """The plain bytes of an open file from its beginning, at most ``PIECE`` bytes at a time.

    Archives of several members (gzip, xz) or frames (zstd) are read to their end. Raise
    ``DamagedError`` after all that could be read before the damage; ``UnreadableError`` for a packing
    that needs a library this has not.
    """
    magic = raw.read(6)
    raw.seek(0)
    opener = opener_of(magic)
    given = 0
    try:
        for piece in read(opener(raw)):
            given += len(piece)
            yield piece
    except DamagedError:
        if opener is not fast_gzip:
            raise
        # it drops up to a piece before the damage, which the standard library's reader gives
        raw.seek(0)
        for piece in read(plain_gzip(raw)):
            yield piece[max(0, given) :]
            given -= len(piece)


def plain_pieces(raw: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    """Of a file that is not packed: the lines that begin at its bytes from ``start`` to before ``end``.

    The last of them is given to its end, wherever that is.
    """
    at = max(0, start - 1)  # a newline there makes a line begin at ``start``
    raw.seek(at)
    begun = start == 0
    for piece in read(plain(raw)):
        here, at = at, at + len(piece)
        first = 0
        if not begun:
            first = piece.find(b"\n") + 1
            begun = first > 0
            if (here + first if begun else at) >= end:
                return
            if not begun:
                continue
        last = piece.find(b"\n", max(first, end - 1 - here)) + 1 if at >= end else 0
        yield piece[first : last or len(piece)]
        if last:
            return


def read(reader: Reader) -> Iterator[bytes]:
    """What a reader gives, its errors told as damage."""
    stream, error = reader
    try:
        while piece := stream.read1(PIECE):
            yield piece
    except (OSError, EOFError, ValueError, error) as problem:
        raise DamagedError(str(problem)) from problem


def opener_of(magic: bytes) -> Callable[[IO[bytes]], Reader]:
    """What opens a file that begins with these bytes."""
    if magic.startswith(b"\x1f\x8b"):
        return fast_gzip
    if magic.startswith(b"\xfd7zXZ"):
        return xz
    if magic.startswith(b"BZh"):
        return bzip2
    if magic.startswith(b"\x28\xb5\x2f\xfd") or magic[1:4] == b"\x2a\x4d\x18":  # RFC 8878, 3.1
        return zstd
    return plain


def is_plain(raw: IO[bytes]) -> bool:
    """Whether an open file is not packed; its position moves."""
    return opener_of(raw.read(6)) is plain


class Members:
    """Archives one after the other, as their decompressor gives them.

    The readers of the standard library's ``LZMAFile`` and its like copy every byte twice more. As they
    do, this ends where something that is no archive follows one.
    """

    def __init__(self, raw: IO[bytes], new: Callable[[], Decompressor], error: type[Exception]) -> None:
        self._raw, self._new, self._error = raw, new, error
        self._member = new()

    def read1(self, size: int) -> bytes:
        """As ``Stream``; raise ``EOFError`` where the last archive has no end."""
        while True:
            if self._member.eof:
                data = self._member.unused_data or self._raw.read(PACKED)
                self._member = self._new()
                try:
                    piece = self._member.decompress(data, size) if data else b""
                except self._error:
                    return b""
                if not data:
                    return b""
            else:
                data = self._raw.read(PACKED) if self._member.needs_input else b""
                if not data and self._member.needs_input:
                    raise EOFError("Compressed file ended before the end-of-stream marker was reached")
                piece = self._member.decompress(data, size)
            if piece:
                return piece


def plain(raw: IO[bytes]) -> Reader:
    """A file that is not packed."""
    return cast("Stream", raw), OSError


def fast_gzip(raw: IO[bytes]) -> Reader:
    """ISA-L's inflate, some three times as fast as zlib's."""
    try:
        from isal import igzip, igzip_lib  # noqa: PLC0415
    except ImportError:
        return plain_gzip(raw)
    return igzip.IGzipFile(fileobj=raw), igzip_lib.IsalError  # type: ignore[return-value]  # an instance there


def plain_gzip(raw: IO[bytes]) -> Reader:
    """The standard library's reader."""
    import gzip  # noqa: PLC0415

    return gzip.GzipFile(fileobj=raw), zlib.error


def xz(raw: IO[bytes]) -> Reader:
    """Of the standard library; it takes as much memory as the one who packed chose."""
    import lzma  # noqa: PLC0415

    return Members(raw, lzma.LZMADecompressor, lzma.LZMAError), lzma.LZMAError


def bzip2(raw: IO[bytes]) -> Reader:
    """Of the standard library."""
    import bz2  # noqa: PLC0415

    return Members(raw, bz2.BZ2Decompressor, OSError), OSError


def zstd(raw: IO[bytes]) -> Reader:
    """Of the standard library since Python 3.14, before that its backport."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd as library  # noqa: PLC0415
        else:
            from backports import zstd as library  # noqa: PLC0415
    except ImportError:
        reason = "packed with zstd, which is read with backports.zstd: pip install 'certaudit[logs]'"
        raise UnreadableError(reason) from None
    return Members(raw, library.ZstdDecompressor, library.ZstdError), library.ZstdError
