"""The questions of the shell reader, answered from a tree."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.facts import Entry
from certaudit.host.machine import open_host
from certaudit.model import ChainStep, Evidence, Gap
from certaudit.parsers.shell import CommandLine, Place, Program, ScriptText
from certaudit.sources.scripts import (
    SCRIPT_LIMIT,
    ScriptMachine,
    closed_to,
    followed,
    start_of,
    unreadable_gaps,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
SEARCH = ("/usr/local/bin", "/usr/bin")


def put(root: Path, path: str, data: bytes = b"x", mode: int = 0o644) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(data)
    (root / path).chmod(mode)


def machine(root: Path) -> ScriptMachine:
    (root / "etc").mkdir(exist_ok=True)
    return ScriptMachine(open_host(root, NOON))


@pytest.mark.parametrize(
    ("head", "interpreter"),
    [
        ("#!/bin/sh -e\n", "/bin/sh"),
        ("#! /usr/bin/env bash\n", "bash"),
        ("#!/usr/bin/env\n", "/usr/bin/env"),
        ("certbot renew\n", None),
        ("\n#!/bin/sh\n", None),
    ],
)
def test_a_script_and_its_interpreter(tmp_path: Path, head: str, interpreter: str | None) -> None:
    put(tmp_path, "usr/local/bin/renew", head.encode())
    asked = machine(tmp_path)
    assert asked.script("/usr/local/bin/renew") == ScriptText("/usr/local/bin/renew", head, interpreter)
    assert asked.read == {"/usr/local/bin/renew"}


def test_a_script_goes_by_the_name_of_its_file(tmp_path: Path) -> None:
    put(tmp_path, "opt/tool/renew.sh", b"certbot renew\n")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/renew").symlink_to("/opt/tool/renew.sh")
    asked = machine(tmp_path)
    assert asked.script("/etc/renew") == ScriptText("/opt/tool/renew.sh", "certbot renew\n")
    assert asked.read == {"/opt/tool/renew.sh"}


@pytest.mark.parametrize("data", [b"\x7fELF\x02\x01", b"#!/bin/sh\n\0", b"MZ\0\0"])
def test_a_program_is_no_script(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "srv/x", data)
    asked = machine(tmp_path)
    assert asked.script("/srv/x") is None
    assert (asked.read, asked.unreadable, asked.absent) == (set(), {}, set())


def test_bytes_that_are_no_text_do_not_hide_the_rest(tmp_path: Path) -> None:
    put(tmp_path, "srv/x", b"# \xe9t\xe9\ncertbot renew\n")
    assert machine(tmp_path).script("/srv/x") == ScriptText("/srv/x", "# \ufffdt\ufffd\ncertbot renew\n")


def test_a_long_script_is_read_as_far_as_it_is_read(tmp_path: Path) -> None:
    put(tmp_path, "srv/x", b"#" * (SCRIPT_LIMIT + 1))
    put(tmp_path, "srv/y", b"#" * SCRIPT_LIMIT)
    asked = machine(tmp_path)
    assert asked.script("/srv/x") == ScriptText("/srv/x", "#" * SCRIPT_LIMIT)
    assert asked.script("/srv/y") == ScriptText("/srv/y", "#" * SCRIPT_LIMIT)
    assert asked.unreadable == {"/srv/x": "/srv/x: longer than 1 MiB, the rest was not read"}


def test_what_a_tree_does_not_hold_is_noted_unless_it_is_a_packages(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    asked = machine(tmp_path)
    for path in ("/srv/renew", "/usr/bin/certbot", "/root/gone", "/root"):
        assert asked.script(path) is None
    # /root is there without the script; /srv and /usr are not part of the tree
    assert asked.absent == {"/srv/renew"}
    assert unreadable_gaps(asked) == (
        Gap("scripts", "scripts that are named here are not in the tree: 1", (Evidence("/srv/renew"),)),
    )


def test_what_cannot_be_read_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv/loop").symlink_to("loop")
    asked = machine(tmp_path)
    assert asked.script("/srv/loop") is None
    reason = "/srv/loop: too many levels of symbolic links"
    assert unreadable_gaps(asked) == (Gap("scripts", reason, (Evidence("/srv/loop"),)),)
    assert unreadable_gaps(machine(tmp_path)) == ()


@pytest.fixture
def tests(tmp_path: Path) -> ScriptMachine:
    put(tmp_path, "srv/file")
    put(tmp_path, "srv/empty", b"")
    put(tmp_path, "srv/run", mode=0o700)
    (tmp_path / "srv/folder").mkdir()
    (tmp_path / "srv/link").symlink_to("folder")
    (tmp_path / "srv/dangling").symlink_to("gone")
    (tmp_path / "srv/loop").symlink_to("loop")
    (tmp_path / "usr/lib/systemd/system").mkdir(parents=True)
    return machine(tmp_path)


@pytest.mark.parametrize(
    ("path", "true"),
    [
        ("/srv/file", "earwfs"),
        ("/srv/empty", "earwf"),
        ("/srv/run", "earwfsx"),
        ("/srv/folder", "earwdx"),
        ("/srv/link", "earwdxhL"),
        ("/srv/dangling", "hL"),
        ("/srv/gone", ""),
    ],
)
def test_file_tests(tests: ScriptMachine, path: str, true: str) -> None:
    operators = "earwfdxhL" if tests.test("-d", path) else "earwfdsxhL"  # a directory's size is no rule
    answers = {o: tests.test(f"-{o}", path) for o in operators}
    assert {o for o in operators if answers[o]} == set(true)
    assert {o for o in operators if answers[o] is None} <= {"h", "L"}


@pytest.mark.parametrize("path", ["/srv/file", "/srv/folder"])
def test_what_is_there_and_no_link(tests: ScriptMachine, path: str) -> None:
    assert (tests.test("-L", path), tests.test("-h", path)) == (False, False)


def test_file_tests_that_cannot_be_told(tests: ScriptMachine) -> None:
    for operator in ("-e", "-f", "-x", "-L", "-h"):
        assert tests.test(operator, "/opt/some/thing") is None
    assert tests.test("-f", "/srv/loop") is None
    assert tests.test("-L", "/srv/loop") is True
    assert tests.test("-k", "/srv/file") is None
    assert tests.test("-k", "/srv/gone") is False


def test_the_directory_of_a_booted_systemd(tests: ScriptMachine, tmp_path: Path) -> None:
    answers = {o: tests.test(o, "/run/systemd/system") for o in ("-d", "-e", "-f", "-x")}
    assert answers == {"-d": True, "-e": True, "-f": False, "-x": False}
    put(tmp_path / "other", "etc/inittab")
    assert machine(tmp_path / "other").test("-d", "/run/systemd/system") is False
    put(tmp_path / "third", "etc/hostname")
    assert machine(tmp_path / "third").test("-d", "/run/systemd/system") is None


def test_the_first_executable_on_the_path(tmp_path: Path) -> None:
    put(tmp_path, "usr/bin/certbot", mode=0o755)
    put(tmp_path, "usr/local/bin/certbot", mode=0o644)
    (tmp_path / "usr/local/bin/tool").mkdir()
    put(tmp_path, "usr/bin/tool", mode=0o755)
    asked = machine(tmp_path)
    assert asked.which("certbot", SEARCH) == "/usr/bin/certbot"
    assert asked.which("tool", ("/usr/local/bin/", "/usr/bin/")) == "/usr/bin/tool"
    assert asked.which("certbot", ("bin", "", "/opt")) is None
    assert asked.which("gone", SEARCH) is None
    assert asked.which("/usr/bin/certbot", ()) == "/usr/bin/certbot"
    assert asked.which("/usr/local/bin/certbot", SEARCH) is None


def test_a_program_that_is_certainly_missing(tmp_path: Path) -> None:
    put(tmp_path, "usr/bin/here", mode=0o755)
    asked = machine(tmp_path)
    assert asked.missing("gone", SEARCH)
    assert not asked.missing("here", SEARCH)
    assert asked.missing("/usr/bin/gone", ())
    assert not asked.missing("/usr/bin/here", SEARCH)
    assert not asked.missing("/opt/tool/gone", SEARCH)  # no part of the tree
    assert not asked.missing("gone", ())
    assert not asked.missing("gone", ("bin", "."))


def test_a_tree_without_programs_misses_none(tmp_path: Path) -> None:
    put(tmp_path, "usr/local/bin/here", mode=0o755)
    asked = machine(tmp_path)
    assert not asked.missing("gone", SEARCH)
    assert not asked.missing("gone", ("/usr/local/bin",))


STEP = ChainStep("/etc/cron.d/wildcard", 3, "0 3 * * * root renew")
PLACE = Place("/etc/cron.d/wildcard", 3, "0 3 * * * root renew")


def test_an_entry_in_the_readers_terms() -> None:
    environment = (("PATH", "/bin"),)
    other = ChainStep("/etc/anacrontab", None, "daily")
    by_shell = Entry((other, STEP), text="renew", shell="/bin/bash", environment=environment)
    assert start_of(by_shell) == CommandLine("renew", PLACE, environment, "/bin/bash")
    assert start_of(Entry((STEP,), argv=("/x", "-q"))) == Program(("/x", "-q"), PLACE)
    assert start_of(Entry((STEP, other))) == CommandLine("", Place("/etc/anacrontab", 0, "daily"))


def test_the_commands_of_a_hook(tmp_path: Path) -> None:
    put(tmp_path, "usr/local/bin/deploy", b"#!/bin/sh\nscp /srv/a b:\n", 0o755)
    put(tmp_path, "usr/bin/scp", b"\x7fELF", 0o755)
    commands = followed("deploy now", machine(tmp_path))
    assert [command.argv for command in commands][-1] == ("scp", "/srv/a", "b:")


@pytest.mark.parametrize(
    ("mode", "offset", "closed"),
    [(0o755, 1, True), (0o755, 0, False), (0o775, 1, False), (0o777, 1, False)],
)
def test_a_directory_is_closed_to_whom_neither_owner_nor_mode_lets_in(
    tmp_path: Path, mode: int, offset: int, closed: bool
) -> None:
    put(tmp_path, "etc/letsencrypt/cli.ini")
    (tmp_path / "etc/letsencrypt").chmod(mode)
    node = machine(tmp_path).host.root.entry("/etc/letsencrypt")
    assert node is not None
    assert closed_to(node, node.uid + offset) is closed


def test_root_is_never_barred_nor_a_user_with_a_configuration_of_their_own(tmp_path: Path) -> None:
    put(tmp_path, "etc/letsencrypt/cli.ini")
    put(tmp_path, "etc/passwd", b"root:x:0:0::/root:/bin/sh\nx:x:4711:4711::/home/x:/bin/sh\n")
    here = machine(tmp_path)
    assert not here.barred("root", "/etc/letsencrypt")
    assert not here.barred(None, "/etc/letsencrypt")
    assert here.barred("x", "/etc/letsencrypt") == ((tmp_path / "etc").stat().st_uid == 0)
    put(tmp_path, "home/x/.config/letsencrypt/cli.ini")
    assert not machine(tmp_path).barred("x", "/etc/letsencrypt")
