"""Logins of a machine: both files, up to the moment of the audit."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

from certaudit.host.machine import open_host
from certaudit.parsers.wtmp import LOGIN, LOGOUT
from certaudit.sources.logins import collect
from tests.parsers.test_wtmp import record

AS_OF = datetime(2024, 3, 2, 12, tzinfo=timezone.utc)
NOON = int(AS_OF.timestamp())


def put(root: Path, name: str, data: bytes) -> None:
    path = root / "var/log" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_both_files_and_only_what_was_written_by_then(tmp_path: Path) -> None:
    put(tmp_path, "wtmp.1", record(LOGIN, NOON - 9000, "alice") + record(LOGOUT, NOON - 8000))
    put(tmp_path, "wtmp", record(LOGIN, NOON - 60, "root") + record(LOGIN, NOON + 60, "bob", "pts/1"))
    found, gaps = collect(open_host(tmp_path, AS_OF))
    assert gaps == ()
    assert [one.evidence.text for one in found] == [
        "alice at pts/0 from 2024-03-02 09:30:00 to 2024-03-02 09:46:40",
        "root at pts/0 from 2024-03-02 11:59:00 to now",
    ]
    assert [one.evidence.where for one in found] == ["/var/log/wtmp.1", "/var/log/wtmp"]
    assert found[1].until == AS_OF


def test_a_machine_without_one(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    assert collect(open_host(tmp_path, AS_OF)) == ((), ())


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    put(tmp_path, "wtmp", b"\x07\0 not a login\n" * 99)
    assert collect(open_host(tmp_path, AS_OF)) == ((), ())


def test_a_closed_one_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "var/log/wtmp").mkdir(parents=True)  # of no kind that can be read, for root either
    found, (gap,) = collect(open_host(tmp_path, AS_OF))
    assert (found, gap.aspect, gap.evidence[0].where) == ((), "logs", "/var/log/wtmp")
