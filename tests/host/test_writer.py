"""The writer: whole files or none, nothing outside the root, everything kept that is not content."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from pathlib import Path

import pytest

from certaudit.host.writer import Form, LockedError, WriteError, Writer, temporary
from certaudit.plan import Node
from certaudit.records import replace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/conf").write_text("old\n")
    return tmp_path / "root"


def test_a_file_is_replaced_by_another(root: Path) -> None:
    inode = (root / "etc/conf").stat().st_ino
    Writer(root).replace("/etc/conf", b"new\n", Form(0o640, mtime=10**18))
    at = (root / "etc/conf").stat()
    assert (at.st_mode & 0o7777, at.st_mtime_ns, at.st_ino != inode) == (0o640, 10**18, True)
    assert (root / "etc/conf").read_text() == "new\n"
    assert [p.name for p in (root / "etc").iterdir()] == ["conf"]


@pytest.mark.parametrize("path", ["/etc/../x", "etc/conf", "/", "/etc/link/conf", "/etc/conf/x"])
def test_no_path_leads_out_of_the_way(root: Path, path: str) -> None:
    (root / "etc/link").symlink_to("/tmp")
    with pytest.raises(WriteError):
        Writer(root).replace(path, b"", Form(0o600))


def test_what_stands_at_a_path(root: Path) -> None:
    writer = Writer(root)
    (root / "etc/link").symlink_to("conf")
    os.mkfifo(root / "etc/fifo")
    assert writer.node("/etc/none").kind == "absent"
    assert writer.node("/none/none").kind == "absent"
    assert writer.node("/etc").kind == "directory"
    assert writer.node("/etc/fifo").kind == "other"
    assert (writer.node("/etc/link").kind, writer.node("/etc/link").target) == ("link", "conf")
    file = writer.node("/etc/conf")
    assert file.digest == hashlib.sha256(b"old\n").hexdigest()
    assert not file.same_as(replace(file, digest="0"))
    with pytest.raises(WriteError):
        writer.read("/etc/fifo")
    with pytest.raises(WriteError):
        writer.read("/etc/link")


def test_a_link_replaces_a_link_and_keeps_its_time(root: Path) -> None:
    (root / "etc/link").symlink_to("conf")
    Writer(root).link("/etc/link", Node("link", target="/dev/null", mtime=10**18))
    assert (root / "etc/link").readlink() == Path("/dev/null")
    assert (root / "etc/link").lstat().st_mtime_ns == 10**18


def test_a_left_over_is_taken_over_and_swept(root: Path) -> None:
    beside = root / "etc" / temporary("conf")
    beside.write_text("half")
    Writer(root).replace("/etc/conf", b"new", Form(0o600))
    assert not beside.exists()
    beside.write_text("half")
    Writer(root).sweep("/etc/conf")
    assert not beside.exists()


def test_what_is_staged_is_whole_and_closed(root: Path) -> None:
    mask = os.umask(0)
    try:
        Writer(root).stage("/etc/key", b"secret", Form(0o600))
    finally:
        os.umask(mask)
    beside = root / "etc" / temporary("key")
    assert (beside.read_bytes(), beside.stat().st_mode & 0o777) == (b"secret", 0o600)
    assert not (root / "etc/key").exists()
    Writer(root).commit("/etc/key")
    assert (root / "etc/key").read_bytes() == b"secret"


def test_a_move_goes_over_nothing(root: Path) -> None:
    (root / "etc/other").write_text("mine")
    with pytest.raises(WriteError, match="is there already"):
        Writer(root).move("/etc/conf", "/etc/other")
    Writer(root).move("/etc/conf", "/etc/third")
    assert (root / "etc/third").read_text() == "old\n"


def test_a_full_directory_stays(root: Path) -> None:
    writer = Writer(root)
    writer.make_directory("/etc/new.d", Form(0o750))
    assert (root / "etc/new.d").stat().st_mode & 0o777 == 0o750
    (root / "etc/new.d/x").write_text("")
    writer.remove_directory("/etc/new.d")
    assert (root / "etc/new.d/x").exists()
    (root / "etc/new.d/x").unlink()
    writer.remove_directory("/etc/new.d")
    assert not (root / "etc/new.d").exists()


def test_certbots_lock_is_held_and_taken_away(root: Path) -> None:
    lock = root / "etc/.certbot.lock"
    with Writer(root).lock("/etc/.certbot.lock", 0):
        child = os.fork()
        if child == 0:
            with lock.open("w") as stream:
                try:
                    fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert not lock.exists()


def test_a_held_lock_is_waited_for_and_then_refused(root: Path) -> None:
    lock = root / "etc/.certbot.lock"
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        with lock.open("w") as stream:
            fcntl.lockf(stream, fcntl.LOCK_EX)
            os.write(told, b"x")
            time.sleep(20)
        os._exit(0)
    os.read(ready, 1)
    try:
        with pytest.raises(LockedError), Writer(root).lock("/etc/.certbot.lock", 0.2):
            pass
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert lock.exists()
