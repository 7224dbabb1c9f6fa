"""Every packing of a log: all of it, in pieces of any size, and what damage leaves."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.host.logs import unpacking
from certaudit.host.logs.unpacking import DamagedError, is_plain, pieces, plain_pieces

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    # with the checksum that zstd(1) writes
    "zst": lambda data: zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1}),
}
BARE = ("isal", "ahocorasick_rs", "stringzilla")

packings = pytest.mark.parametrize("pack", sorted(PACKERS))
archives = pytest.mark.parametrize("pack", sorted(set(PACKERS) - {"plain"}))


@pytest.fixture(params=["fast", "bare"], autouse=True)
def libraries(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the libraries of the extra ``logs``, and with the standard library alone."""
    if request.param == "bare":
        for name in BARE:
            monkeypatch.setitem(sys.modules, name, None)
    return str(request.param)


def text(count: int, seed: int = 1) -> bytes:
    """Lines that do not pack to nothing."""
    numbers = random.Random(seed)
    return b"".join(b"%d %s\n" % (n, numbers.randbytes(24).hex().encode()) for n in range(count))


def unpacked(data: bytes) -> tuple[bytes, str]:
    """What is read of a file, and the damage."""
    found, damage = b"", ""
    try:
        for piece in pieces(io.BytesIO(data)):
            found += piece
    except DamagedError as error:
        damage = str(error) or "damage"
    return found, damage


def first_difference(one: bytes, other: bytes) -> int:
    """How many bytes from the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


@packings
@pytest.mark.parametrize("size", [0, 1, 3, 100_000])
def test_all_of_it(pack: str, size: int) -> None:
    data = text(100_000)[:size]
    assert unpacked(PACKERS[pack](data)) == (data, "")


@archives
def test_archives_one_after_the_other(pack: str) -> None:
    parts = [text(500, seed) for seed in range(4)]
    assert unpacked(b"".join(PACKERS[pack](part) for part in parts)) == (b"".join(parts), "")


def test_thousands_of_members_of_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    data = text(100)
    packed = b"".join(gzip.compress(data[at : at + 1]) for at in range(len(data)))
    assert unpacked(packed) == (data, "")


def test_a_frame_of_zstd_to_skip() -> None:
    skipped = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
    assert unpacked(skipped + zstd.compress(b"one\n") + skipped) == (b"one\n", "")


@archives
@pytest.mark.parametrize("cut", [1, 7, 300, 20_000])
def test_a_truncated_archive_gives_what_is_in_it(pack: str, cut: int) -> None:
    data = text(40_000)
    packed = PACKERS[pack](data)
    found, damage = unpacked(packed[:-cut])
    assert damage == "Compressed file ended before the end-of-stream marker was reached"
    assert data.startswith(found)
    # a block of bzip2 is whole or nothing
    assert len(found) > len(data) - (1_000_000 if pack == "bz2" else 150_000 + 3 * cut)


@archives
def test_damage_in_the_middle_keeps_what_is_before_it(pack: str) -> None:
    data = text(60_000)
    packed = bytearray(PACKERS[pack](data))
    half = len(packed) // 2
    packed[half : half + 64] = bytes(64)
    found, damage = unpacked(bytes(packed))
    assert damage
    same = first_difference(found, data)
    assert same > len(data) // 2 - 1_000_000
    if pack == "gz":  # as much as the standard library gives
        assert same > len(data) // 2 - 200_000


def test_garbage_after_the_end_of_gzip_is_damage() -> None:
    assert unpacked(gzip.compress(b"one\n") + b"garbage") == (b"one\n", "Not a gzipped file (b'ga')")


@archives
def test_an_archive_without_content(pack: str) -> None:
    found, damage = unpacked(PACKERS[pack](b"x")[:7])
    assert found == b"" and damage


def test_no_packing_is_told_by_a_name() -> None:
    assert is_plain(io.BytesIO(b"Nov 30"))
    assert not is_plain(io.BytesIO(gzip.compress(b"")))


@given(
    st.lists(st.sampled_from([b"", b"a", b"bcd", b"efghijk"]), max_size=12),
    st.booleans(),
    st.integers(1, 9),
    st.integers(1, 5),
)
def test_shares_of_a_plain_file_are_its_lines_each_once(
    lines: list[bytes], ended: bool, share: int, piece: int
) -> None:
    data = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    with small_pieces(piece):
        ends = [*range(share, len(data), share), sys.maxsize]
        starts = [0, *ends[:-1]]
        found = [
            b"".join(plain_pieces(io.BytesIO(data), start, end))
            for start, end in zip(starts, ends, strict=True)
        ]
    assert b"".join(found) == data
    begun = [0, *(at + 1 for at, byte in enumerate(data) if byte == 10 and at + 1 < len(data))]
    for start, end, part in zip(starts, ends, found, strict=True):
        mine = [at for at in begun if start <= at < end]
        after = [at for at in begun if at >= end]
        assert part == (data[mine[0] : after[0] if after else None] if mine else b"")


class small_pieces:  # noqa: N801 - read as a statement
    """Within it, a piece is so small."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __enter__(self) -> None:
        self._before, unpacking.PIECE = unpacking.PIECE, self._size

    def __exit__(self, *_: object) -> None:
        unpacking.PIECE = self._before
