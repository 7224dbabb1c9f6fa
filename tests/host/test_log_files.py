"""Plain and rotated logs: their order, their lines, and what damage leaves of them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

import pytest

from certaudit.errors import UnreadableError
from certaudit.host.logs import unpacking
from certaudit.host.logs.files import LINE_LIMIT, UNKNOWN_TIME, LogFile, log_file, rotated
from certaudit.host.logs.scan import search
from certaudit.host.root import Root

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
}
packed = pytest.mark.parametrize("pack", sorted(PACKERS))


def log(path: Path, data: bytes, name: str = "syslog") -> LogFile:
    folder = path / "var/log"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return log_file(Root(path), PurePosixPath("/var/log") / name)


def numbered(count: int) -> bytes:
    """Lines that do not compress to nothing."""
    numbers = random.Random(count)
    return b"".join(b"%d %s\n" % (n, numbers.randbytes(24).hex().encode()) for n in range(1, count + 1))


def matching(log: LogFile, *literals: bytes) -> list[tuple[int, str]]:
    """The lines of one file that hold a literal."""
    (found,) = search([log], literals)
    return list(found.lines)


def order(path: Path, base: str, *names: str) -> list[str]:
    (path / "var/log").mkdir(parents=True)
    for name in names:
        (path / "var/log" / name).touch()
    return [log.path.name for log in rotated(Root(path), "/var/log", base)]


def test_the_numbered_style_oldest_first(tmp_path: Path) -> None:
    names = ("syslog", "syslog.1", "syslog.2.gz", "syslog.10.gz", "syslog.9.xz", "syslog.1000")
    assert order(tmp_path, "syslog", *names) == [
        "syslog.1000", "syslog.10.gz", "syslog.9.xz", "syslog.2.gz", "syslog.1", "syslog",
    ]  # fmt: skip


def test_the_dated_style_oldest_first(tmp_path: Path) -> None:
    names = ("messages", "messages-20261115.gz", "messages-20251231", "messages-20261122")
    assert order(tmp_path, "messages", *names) == [
        "messages-20251231", "messages-20261115.gz", "messages-20261122", "messages",
    ]  # fmt: skip


def test_both_styles_mixed(tmp_path: Path) -> None:
    names = ("cron", "cron-20261115.bz2", "cron.2.zst", "cron.1", "cron-20261101", "cron-2026111504")
    assert order(tmp_path, "cron", *names) == [
        "cron-20261101", "cron-20261115.bz2", "cron-2026111504", "cron.2.zst", "cron.1", "cron",
    ]  # fmt: skip


def test_what_belongs_to_no_rotation(tmp_path: Path) -> None:
    names = (
        "syslog~",
        "syslog.old",
        "syslog.1.gz.tmp",
        "syslog-ng",
        "xsyslog",
        "syslog.12345",
        "syslogd.1",
    )
    assert order(tmp_path, "syslog", *names, "syslog.1.gz") == ["syslog.1.gz"]


def test_a_base_is_no_pattern(tmp_path: Path) -> None:
    assert order(tmp_path, "a.log", "a.log", "aXlog", "a.log.1") == ["a.log.1", "a.log"]


def test_no_directory_no_files(tmp_path: Path) -> None:
    assert rotated(Root(tmp_path), "/var/log", "syslog") == ()


def test_what_is_known_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "var/log/syslog").write_bytes(b"12345\n")
    os.utime(tmp_path / "var/log/syslog", (1_700_000_000, 1_700_000_000))
    (found,) = rotated(Root(tmp_path), "/var/log", "syslog")
    assert (found.path, found.size, found.problems) == (PurePosixPath("/var/log/syslog"), 6, [])
    assert found.modified == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("target", "problem"),
    [("syslog.1", "/var/log/syslog.1: too many levels of symbolic links"), ("/gone", "no such file")],
)
def test_a_file_of_which_there_is_only_the_name(tmp_path: Path, target: str, problem: str) -> None:
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "var/log/syslog.1").symlink_to(target)
    (found,) = rotated(Root(tmp_path), "/var/log", "syslog")
    assert (found.modified, found.size) == (UNKNOWN_TIME, 0)
    assert list(found.lines()) == []
    assert found.problems == [problem.removeprefix("/var/log/syslog.1: ")]


@pytest.mark.parametrize("pack", ["plain", *sorted(PACKERS)])
def test_lines_whatever_the_packing(tmp_path: Path, pack: str) -> None:
    data = b"one\n\ntwo \xff\r\nlast without end"
    found = log(tmp_path, PACKERS.get(pack, bytes)(data), "syslog.1.gz")
    assert list(found.lines()) == ["one", "", "two \ufffd\r", "last without end"]
    assert "".join(found.texts()) == "one\n\ntwo \ufffd\r\nlast without end"
    assert matching(found, b"last", b"one") == [(1, "one"), (4, "last without end")]
    assert found.problems == []


def test_an_empty_log_has_no_lines(tmp_path: Path) -> None:
    found = log(tmp_path, b"")
    assert (list(found.lines()), matching(found, b"x"), found.problems) == ([], [], [])


def test_zstd_without_its_library_is_a_problem_to_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("backports", "compression"):
        monkeypatch.setitem(sys.modules, name, None)
    found = log(tmp_path, b"\x28\xb5\x2f\xfd\0\0\0\0", "syslog.1.zst")
    assert list(found.lines()) == []
    assert found.problems == [
        "packed with zstd, which is read with backports.zstd: pip install 'certaudit[logs]'"
    ]


@pytest.mark.parametrize("pack", ["gz", "xz"])
def test_a_truncated_archive_keeps_the_lines_before_the_damage(tmp_path: Path, pack: str) -> None:
    text = numbered(4000)
    data = PACKERS[pack](text)
    found = log(tmp_path, data[: len(data) * 3 // 4])
    got = list(found.lines())
    whole = text.decode().split("\n")
    assert got[:-1] == whole[: len(got) - 1]
    assert whole[len(got) - 1].startswith(got[-1])
    assert len(got) > 2000
    (problem,) = found.problems
    assert problem.startswith(f"damaged after line {len(got) - 1}: ")


@packed
def test_a_truncated_archive_keeps_the_chunks_before_the_damage(
    tmp_path: Path, pack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "PIECE", 64)
    text = numbered(30_000)  # more than one block of bzip2
    data = PACKERS[pack](text)
    found = log(tmp_path, data[: len(data) * 3 // 4])
    got = list(found.lines())
    whole = text.decode().split("\n")
    assert got[:-1] == whole[: len(got) - 1]
    assert whole[len(got) - 1].startswith(got[-1])
    assert 10_000 < len(got) < 30_000
    (problem,) = found.problems
    assert problem == (
        f"damaged after line {len(got) - 1}: "
        "Compressed file ended before the end-of-stream marker was reached"
    )


@packed
def test_garbage_in_an_archive_is_a_problem(tmp_path: Path, pack: str) -> None:
    found = log(tmp_path, PACKERS[pack](b"x\n")[:6] + b"garbage" * 9)
    assert list(found.lines()) == []
    (problem,) = found.problems
    assert problem.startswith("damaged after line 0: ")


def test_a_line_without_end_is_cut_and_the_next_one_read(tmp_path: Path) -> None:
    found = log(tmp_path, b"first\n" + b"x" * (3 << 20) + b"\nlast one\n")
    assert list(found.lines()) == ["first", "x" * LINE_LIMIT, "last one"]
    assert found.problems == ["a line longer than 2 MiB was cut"]
    assert matching(found, b"last") == [(3, "last one")]


def test_a_long_line_at_the_end_is_cut(tmp_path: Path) -> None:
    found = log(tmp_path, b"first\n" + b"x" * (5 << 20))
    assert [len(line) for line in found.lines()] == [5, LINE_LIMIT]


def test_a_line_over_the_limit_is_cut_where_it_is_found(tmp_path: Path) -> None:
    found = log(tmp_path, b"y" * (LINE_LIMIT + 9) + b" certbot\nz\n")
    assert list(found.lines()) == ["y" * LINE_LIMIT, "z"]
    assert matching(found, b"certbot") == [(1, "y" * LINE_LIMIT)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 16, 1000])
def test_line_numbers_are_true_across_the_borders_of_chunks(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "PIECE", size)
    lines = ["abc", "", "b", "xyzab", "c", "ab", "", "cab"]
    found = log(tmp_path, "\n".join(lines).encode())
    assert list(found.lines()) == lines
    assert matching(found, b"ab") == [(1, "abc"), (4, "xyzab"), (6, "ab"), (8, "cab")]
    assert matching(found, b"b", b"c") == [
        (n, line) for n, line in enumerate(lines, 1) if "b" in line or "c" in line
    ]
    assert found.problems == []


def test_a_closed_directory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "var/log/letsencrypt").symlink_to("letsencrypt")
    with pytest.raises(UnreadableError):
        rotated(Root(tmp_path), "/var/log/letsencrypt", "letsencrypt.log")
