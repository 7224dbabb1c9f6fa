"""Reading inside a root, and never anything outside it."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.errors import TargetError, UnreadableError
from certaudit.host.root import Root

SECRET = "outside the root"


@pytest.fixture
def machine(tmp_path: Path) -> Root:
    """A root with a file beside it that nothing may reach."""
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "root/etc/ssl").mkdir(parents=True)
    (tmp_path / "root/secret").write_text("inside")
    (tmp_path / "root/etc/ssl/cert.pem").write_text("PEM")
    return Root(tmp_path / "root")


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A directory of an ordinary user, whom permissions bind, and the process as that user."""
    place = Path(tempfile.mkdtemp())
    if os.geteuid() != 0:
        yield place
    else:
        os.chown(place, 65534, 65534)
        os.seteuid(65534)
        try:
            yield place
        finally:
            os.seteuid(0)
    shutil.rmtree(place)


def link(root: Root, path: str, target: str) -> None:
    place = root.directory / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@pytest.mark.parametrize("spelt", ["/", "//", "/proc/self/root", "/proc/../"])
def test_this_machine_is_no_image_however_its_root_is_spelt(spelt: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(spelt)
    assert Root(Path(spelt)).directory == Root(tmp_path / "link").directory == Path("/")


@pytest.mark.parametrize(
    "target",
    [
        "/secret",
        "../secret",
        "../../../../secret",
        "/../../secret",
        "/etc/../../secret",
        "ssl/../../secret",
    ],
)
def test_links_are_followed_inside(machine: Root, target: str) -> None:
    link(machine, "etc/here", target)
    assert machine.text("/etc/here") == "inside"
    assert machine.link("/etc/here") == target
    found = machine.entry("/etc/here")
    assert found is not None
    assert found.path == PurePosixPath("/secret")


def test_dots_do_not_lead_out(machine: Root) -> None:
    assert machine.text("/../../secret") == "inside"
    assert machine.text("etc/ssl/../../../secret") == "inside"
    assert machine.text("//etc/./ssl//cert.pem") == "PEM"


def test_a_dotdot_behind_a_link_goes_up_from_its_target(machine: Root) -> None:
    link(machine, "var/deep", "/etc/ssl")
    assert machine.names("/var/deep/..") == ("ssl",)


def test_the_path_of_the_root_itself_is_no_path_in_it(machine: Root) -> None:
    link(machine, "etc/host", str(machine.directory.parent / "secret"))
    assert machine.entry("/etc/host") is None


def test_directories_that_are_links(machine: Root) -> None:
    link(machine, "tls", "/etc/ssl")
    assert machine.names("/tls") == ("cert.pem",)
    assert machine.text("/tls/cert.pem") == "PEM"
    assert [str(e.path) for e in machine.walk("/tls")] == ["/etc/ssl/cert.pem"]


def test_walking_does_not_follow_links(machine: Root) -> None:
    link(machine, "etc/ssl/up", "..")
    assert [str(e.path) for e in machine.walk("/")] == ["/secret", "/etc/ssl/cert.pem"]
    assert list(machine.walk("/", skip=frozenset({"/"}))) == []


def test_loops_end(machine: Root) -> None:
    link(machine, "a", "b")
    link(machine, "b", "a")
    for path in ("/a", "/a/x"):
        with pytest.raises(UnreadableError, match="too many levels"):
            machine.entry(path)
    assert machine.exists("/a") is None


@pytest.mark.parametrize("target", [".", "./"])
def test_a_link_to_a_dot(machine: Root, target: str) -> None:
    link(machine, "etc/ssl/self", target)
    assert machine.names("/etc/ssl/self/self") == ("cert.pem", "self")


@pytest.mark.parametrize("target", ["/etc/ssl", "/etc/ssl/.", "../ssl", "../../etc/ssl/"])
def test_a_link_to_the_directory_it_stands_in(machine: Root, target: str) -> None:
    link(machine, "etc/ssl/self", target)
    assert machine.names("/etc/ssl/self/self") == ("cert.pem", "self")


def test_a_link_to_the_root(machine: Root) -> None:
    link(machine, "etc/up", "/")
    assert machine.names("/etc/up") == ("etc", "secret")


def test_what_is_there_what_is_not_and_what_cannot_be_known(machine: Root) -> None:
    link(machine, "etc/dangling", "/etc/nothing")
    assert machine.exists("/etc/ssl") is True
    assert machine.exists("/etc/missing") is False
    assert machine.exists("/etc/dangling") is False
    assert machine.exists("/usr/lib/missing") is None
    assert machine.entry("/etc/ssl/cert.pem/x") is None
    assert machine.entry("/etc/\0") is None
    assert machine.entry("/" + "x" * 5000) is None
    assert machine.names("/usr/lib") == ()
    assert machine.names("/secret") == ()
    assert machine.link("/secret") is None


def test_only_regular_files_are_opened(machine: Root) -> None:
    os.mkfifo(machine.directory / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(machine.directory / "socket"))
    for path, what in (
        ("/fifo", "FIFO"),
        ("/socket", "socket"),
        ("/etc", "directory"),
        ("/no", "no such"),
    ):
        with pytest.raises(UnreadableError, match=what):
            machine.open(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="making a device needs root")
def test_a_device_is_not_opened(machine: Root) -> None:
    try:
        os.mknod(machine.directory / "zero", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this container may not make devices")
    with pytest.raises(UnreadableError, match="character device"):
        machine.read("/zero")


def test_large_files_are_refused(machine: Root) -> None:
    (machine.directory / "big").write_bytes(b"x" * 11)
    assert machine.read("/big", limit=11) == b"x" * 11
    with pytest.raises(UnreadableError, match="larger than 10 bytes"):
        machine.read("/big", limit=10)


def test_text_that_is_no_utf8(machine: Root) -> None:
    (machine.directory / "latin").write_bytes(b"caf\xe9")
    assert machine.text("/latin") == "caf\ufffd"


def test_names_that_are_no_utf8_lead_to_their_files(machine: Root) -> None:
    (machine.directory / "etc/ssl/\udcff.pem").write_bytes(b"x")
    assert machine.names("/etc/ssl") == ("cert.pem", "\udcff.pem")
    assert machine.read("/etc/ssl/\udcff.pem") == b"x"
    assert len(list(machine.walk("/etc/ssl"))) == 2


def test_closed_directories_and_files(unprivileged: Path) -> None:
    (unprivileged / "closed/in").mkdir(parents=True)
    (unprivileged / "closed/file").write_text("x")
    (unprivileged / "dark").write_text("x")
    (unprivileged / "dark").chmod(0)
    (unprivileged / "closed").chmod(0)
    root = Root(unprivileged)
    try:
        assert root.exists("/closed") is True
        assert root.exists("/closed/file") is None
        assert root.link("/closed/file") is None
        with pytest.raises(UnreadableError, match="Permission denied"):
            root.names("/closed")
        with pytest.raises(UnreadableError, match="Permission denied"):
            root.entry("/closed/in/x")
        with pytest.raises(UnreadableError, match="Permission denied"):
            root.open("/dark")
        assert [str(e.path) for e in root.walk("/")] == ["/dark"]
    finally:
        (unprivileged / "closed").chmod(0o700)


def test_what_is_no_root(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, why in (("missing", "No such file"), ("file", "not a directory")):
        with pytest.raises(TargetError, match=why):
            Root(tmp_path / name)


PARTS = st.sampled_from(["..", ".", "a", "b", "link", "", "secret"])


@given(
    targets=st.lists(st.lists(PARTS, min_size=1, max_size=6), min_size=3, max_size=3),
    path=st.lists(PARTS, max_size=6),
)
def test_nothing_outside_is_ever_reached(targets: list[list[str]], path: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder) / "root"
        (top / "a/b").mkdir(parents=True)
        (Path(folder) / "secret").write_text(SECRET)
        for place, target in zip(("link", "a/link", "a/b/link"), targets, strict=True):
            (top / place).symlink_to("/".join(target) or "/")
        root = Root(top)
        try:
            found = root.entry("/".join(path))
            if found is not None and found.is_file:
                assert root.text("/".join(path)) != SECRET
            if found is not None:
                real = os.path.realpath(root.outside(found.path))
                assert real == str(top) or real.startswith(f"{top}/")
        except UnreadableError:
            pass


def test_a_links_own_time_is_not_that_of_its_target(machine: Root) -> None:
    link(machine, "etc/mask", "/dev/null")
    os.utime(machine.directory / "etc/mask", (86_400, 86_400), follow_symlinks=False)
    assert machine.written("/etc/mask") == datetime(1970, 1, 2, tzinfo=timezone.utc)
    assert machine.written("/etc/nothing") is None
    assert machine.written("/nowhere/mask") is None
