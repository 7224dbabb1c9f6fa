"""What another host's shell, or sftp, says of files there."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.host.ssh import LOOK
from certaudit.parsers.remote_files import RemoteFile, mode_of, parse_files, parse_listing
from certaudit.plan import ABSENT, Node

FILE = b"-rw-r----- 2 33 44 5 Jan  1 00:00 x\n"
SFTP = """sftp> -ls -na tls
drwxr-xr-x    ? deploy   deploy        160 Nov 26 07:50 tls/.
drwxr-xr-x    ? 0        0             120 Nov 26 07:50 tls/..
-rw-------    ? deploy   deploy        241 Nov 26 07:50 tls/privkey.pem
-rw-r--r--    1 1001     1002         2177 Nov 26  2025 tls/fullchain.pem
lrwxrwxrwx    ? deploy   deploy         14 Nov 26 07:50 tls/link
sftp> -ls -na nowhere
sftp> -get tls/privkey.pem /dev/shm/x
"""


def whole(*parts: bytes) -> bytes:
    return b"Welcome!\ncertaudit:begin\n" + b"".join(parts) + b"certaudit:end\n"


def test_each_kind() -> None:
    answer = whole(FILE, b"ab\nc\n", b"absent\n", b"nowhere\n", b"link\n", b"directory\n", b"closed\n")
    node = Node("file", hashlib.sha256(b"ab\nc\n").hexdigest(), 0o640, 33, 44, links=2)
    assert parse_files(answer, tuple("abcdef")) == {
        "a": RemoteFile(node, b"ab\nc\n"),
        "b": RemoteFile(ABSENT),
        "c": RemoteFile(ABSENT, nowhere=True),
        "d": RemoteFile(Node("link")),
        "e": RemoteFile(Node("directory")),
        "f": RemoteFile(Node("other"), closed=True),
    }


def test_an_access_list_shows() -> None:
    (found,) = parse_files(whole(FILE.replace(b"----- ", b"-----+ "), b"12345"), ("a",)).values()
    assert found.listed


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"bash: line 1: no\n",
        b"certaudit:begin\nabsent\n",
        b"certaudit:begin\n" + FILE + b"ab",
        whole(FILE, b"123456"),
        whole(b"certainly\n"),
    ],
)
def test_an_answer_that_is_cut_off_or_none(answer: bytes) -> None:
    with pytest.raises(ParseError):
        parse_files(answer, ("a",))


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o640, 0o4755, 0o2640, 0o1777, 0o7000, 0o000])
def test_a_mode_as_ls_writes_it(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("x")
    path.chmod(mode)
    listed = subprocess.run(["ls", "-ldn", path], capture_output=True, text=True, check=True).stdout
    assert mode_of(listed[1:10]) == mode


def test_our_question_to_a_real_shell(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/x").write_bytes(b"\0data\n\n")
    (tmp_path / "a b/x").chmod(0o640)
    (tmp_path / "link").symlink_to("a b/x")
    paths = ("a b/x", "link", "a b", "nothing", "nowhere/x", "-x", str(tmp_path / "a b/x"))
    done = subprocess.run(
        ["/bin/sh", "-c", LOOK, "sh", *paths], cwd=tmp_path, capture_output=True, check=True
    )
    found = parse_files(done.stdout, paths)
    assert [f.node.kind for f in found.values()] == [
        *("file", "link", "directory", "absent", "absent", "absent", "file"),
    ]
    assert found["nowhere/x"].nowhere
    assert (found["a b/x"].data, found["a b/x"].node.mode) == (b"\0data\n\n", 0o640)


def test_a_listing_of_sftp() -> None:
    found = parse_listing(SFTP, "tls")
    assert found is not None
    assert {name: (f.node.kind, f.node.mode, f.owner) for name, f in found.items()} == {
        ".": ("directory", None, ""),
        "..": ("directory", None, ""),
        "privkey.pem": ("file", 0o600, "deploy:deploy"),
        "fullchain.pem": ("file", 0o644, "1001:1002"),
        "link": ("link", None, ""),
    }
    assert parse_listing(SFTP, "nowhere") is None
    with pytest.raises(ParseError):
        parse_listing(SFTP, "other")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_answer(data: bytes) -> None:
    try:
        parse_files(b"certaudit:begin\n" + data, ("a", "b"))
    except ParseError:
        return


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_listing(text: str) -> None:
    parse_listing(f"sftp> -ls -na tls\n{text}", "tls")
