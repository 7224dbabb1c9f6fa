"""Logins in the layouts of both sizes, as login(1), sshd and the kernel's boot write them."""

from __future__ import annotations

import struct
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.wtmp import BOOT, LARGE, LOGIN, LOGOUT, SMALL, Session, parse_wtmp

# Written by Debian 12's sshd and pam_lastlog on x86: the first 80 bytes of a login of root at pts/0.
REAL = (
    bytes.fromhex("07000000 b1010000") + b"pts/0".ljust(32, b"\0") + b"ts/0" + b"root".ljust(32, b"\0")
    + b"127.0.0.1".ljust(256, b"\0") + struct.pack("<hhiii", 0, 0, 0, 1795657074, 770982)
    + bytes.fromhex("7f000001") + bytes(12) + bytes(20)
)  # fmt: skip


def record(
    kind: int, at: int, user: str = "", line: str = "pts/0", layout: struct.Struct = SMALL
) -> bytes:
    fields = (line.encode(), b"ts/0", user.encode(), b"203.0.113.9")
    return layout.pack(kind, 4711, *fields, 0, 0, 0, at, 0, bytes(16))


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, timezone.utc)


def test_a_real_record() -> None:
    assert len(REAL) == 384
    since = datetime(2026, 11, 26, 1, 37, 54, tzinfo=timezone.utc)
    assert parse_wtmp(REAL) == (Session("root", "pts/0", since, None),)


@pytest.mark.parametrize("layout", [SMALL, LARGE])
def test_a_login_and_its_logout(layout: struct.Struct) -> None:
    lines = ((LOGIN, 100, "root", "pts/0"), (LOGIN, 150, "alice", "pts/1"), (LOGOUT, 200, "", "pts/0"))
    data = b"".join(record(*line, layout) for line in lines)
    assert parse_wtmp(data) == (
        Session("root", "pts/0", moment(100), moment(200)),
        Session("alice", "pts/1", moment(150), None),
    )


def test_whoever_was_there_at_a_boot_has_no_known_end() -> None:
    data = record(LOGIN, 100, "root") + record(BOOT, 300, "reboot", "~") + record(LOGIN, 400, "alice")
    assert parse_wtmp(data) == (Session("alice", "pts/0", moment(400), None),)


def test_a_terminal_that_was_taken_again_had_been_left_before() -> None:
    data = record(LOGIN, 100, "root") + record(LOGIN, 400, "alice") + record(LOGOUT, 500)
    assert parse_wtmp(data) == (Session("alice", "pts/0", moment(400), moment(500)),)


def test_a_record_that_was_cut_off_is_left_out() -> None:
    assert parse_wtmp(REAL + record(LOGOUT, 1795657080)[:200])[0].until is None


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    assert parse_wtmp(record(LOGIN, 100, "ro\x1b[2Jot"))[0].user == "ro[2Jot"


@given(st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    assert all(isinstance(one, Session) for one in parse_wtmp(data))


@given(st.lists(st.tuples(st.sampled_from([BOOT, LOGIN, LOGOUT, 5, 6]), st.integers(-5, 2**31 - 1))))
def test_no_login_ends_before_it_was_written(lines: list[tuple[int, int]]) -> None:
    data = b"".join(record(kind, at, "root", f"pts/{at % 3}") for kind, at in lines)
    assert len(parse_wtmp(data)) <= sum(kind == LOGIN for kind, _ in lines)
