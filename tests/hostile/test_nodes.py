"""Whole audits of broken and hostile machines: bounded, silent on stderr, inside the root, and honest.

Every test goes the way of the command line, in this process where rights do not matter, and in a
process of its own where they do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.hostile.machine import (
    AS_OF,
    CERTBOT_FILES,
    DIRECTORIES,
    DROP_IN,
    EVERY_FILE,
    IS_ROOT,
    NODES,
    OTHER_FILES,
    SCRIPTS,
    SETTINGS,
    UNREADABLE,
    Answer,
    ask,
    character_device,
    clear,
    copied,
    fifo,
    foreign,
    loop,
    put,
    sound,
    zeros,
)


@pytest.mark.parametrize("node", NODES)
def test_the_same_bad_node_everywhere_at_once(tree: Path, node: Callable[[Path], None]) -> None:
    for path in EVERY_FILE:
        put(tree, path, node)
    sound(ask(tree))


@pytest.mark.parametrize("node", [foreign, loop])
def test_directories_replaced(pristine: Path, node: Callable[[Path], None]) -> None:
    for path in DIRECTORIES:
        with copied(pristine) as root:
            put(root, path, node)
            sound(ask(root))


@pytest.mark.parametrize("node", UNREADABLE)
def test_what_is_there_and_cannot_be_read_is_named(pristine: Path, node: Callable[[Path], None]) -> None:
    # what names a file must itself be readable, so not all at once
    masks = {DROP_IN} if node is character_device else set()  # a drop-in that is a device is masked
    conf = CERTBOT_FILES[:1] if node is not loop else ()
    for places in (conf, CERTBOT_FILES[1:], OTHER_FILES, SETTINGS, SCRIPTS):
        with copied(pristine) as root:
            for path in places:
                put(root, path, node)
            answer = sound(ask(root))
            assert [p for p in places if not answer.spoken_of(p) and p not in masks] == []


@pytest.mark.parametrize("huge", [False, True])
def test_a_conf_that_only_we_cannot_read_is_a_gap(tree: Path, huge: bool) -> None:
    conf = "/etc/letsencrypt/renewal/example.org.conf"
    put(tree, conf, loop)
    if huge:
        clear(tree / conf[1:])
        (tree / conf[1:]).write_text("key = value\n" * 400_000)
    assert sound(ask(tree)).spoken_of(conf)


def test_a_broken_policy_of_the_machine_is_said_and_not_skipped(tree: Path) -> None:
    for node in (fifo, loop, zeros):
        put(tree, "/etc/certaudit.toml", node)
        answer = ask(tree)
        assert answer.code == 2
        assert answer.stderr.startswith("certaudit: /etc/certaudit.toml: ")
        assert answer.stderr.count("\n") == 1


# Rights


def as_nobody(root: Path) -> Answer:
    """The audit by a user who may read nothing that is closed."""
    # one audit before the rights go: the interpreter's own modules may be closed to nobody
    code = (
        "import os, sys\n"
        "from certaudit.cli import run\n"
        "run([*sys.argv[1:], '--output', os.devnull])\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    words = ["audit", str(root), "--as-of", AS_OF, "--format", "json"]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60, check=False
    )
    report = json.loads(done.stdout) if done.stdout else {"gaps": [], "results": []}
    return Answer(done.returncode, done.stderr, time.perf_counter() - began, report)


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")
def test_a_user_without_rights_is_told_what_was_closed(tree: Path) -> None:
    for above in (tree, *tree.parents):
        if str(above).startswith(tempfile.gettempdir() + os.sep):
            above.chmod(0o755)
    closed = (
        "/etc/letsencrypt/archive/example.org",
        "/etc/letsencrypt/cli.ini",
        "/etc/cron.d/wildcard",
        "/etc/crontab",
        "/var/log/syslog",
        "/var/log/auth.log",
        "/var/log/letsencrypt",
        "/etc/systemd/system/certbot.service.d/local.conf",
        "/var/spool/cron/crontabs",
        "/root/renew-more",
    )
    for path in closed:
        (tree / path.lstrip("/")).chmod(0)
    answer = sound(as_nobody(tree))
    unsaid = [p for p in closed[:-1] if not answer.spoken_of(p)]  # nobody knows of root's own line
    assert unsaid == []
    assert {r["rule"]: r["status"] for r in answer.report["results"]}[
        "no-renewal-path"
    ] == "not_assessed"


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")
@pytest.mark.parametrize("path", ["/etc/letsencrypt", "/etc/cron.d", "/var/log"])
def test_closed_directories_are_gaps(tree: Path, path: str) -> None:
    for above in (tree, *tree.parents):
        if str(above).startswith(tempfile.gettempdir() + os.sep):
            above.chmod(0o755)
    (tree / path.lstrip("/")).chmod(0)
    answer = sound(as_nobody(tree))
    assert answer.spoken_of(path)
    assert not any(
        r["status"] == "passed" and r["rule"] == "no-renewal-path" for r in answer.report["results"]
    )


# Nothing outside the root

WATCH = """
import json, os, sys
from certaudit.cli import run
import certaudit.audit, certaudit.render.json_v1, certaudit.render.terminal, dateutil.parser

WATCHED = {"open", "os.listdir", "os.scandir", "subprocess.Popen", "os.posix_spawn", "socket.connect"}
opened = []

def watch(event, arguments):
    if event in WATCHED and not isinstance(arguments[0], int):
        named = isinstance(arguments[0], (str, bytes, os.PathLike))
        opened.append([event, os.fsdecode(arguments[0]) if named else repr(arguments[0])])

sys.addaudithook(watch)
code = run(sys.argv[2:])
answer = json.dumps([code, opened])
open(sys.argv[1], "w").write(answer)
"""


def test_links_out_of_the_root_lead_nowhere(tree: Path) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    canary = outside / "canary"
    canary.write_text("1 1 1 1 * root certbot renew --cert-name CANARY\n")
    up = "../" * 30 + str(canary).lstrip("/")
    for number, path in enumerate(EVERY_FILE):
        target = str(canary) if number % 2 else up
        put(tree, path, lambda p, t=target: p.symlink_to(t))  # type: ignore[misc]
    for path in ("/etc/cron.daily", "/var/log/journal", "/etc/nginx", "/opt", "/etc/systemd/user"):
        put(tree, path, lambda p: p.symlink_to(outside))
    watched = tree.parent / "watched"
    words = [sys.executable, "-c", WATCH, str(watched), "audit", str(tree), "--as-of", AS_OF]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    code, events = json.loads(watched.read_text())
    assert code in (0, 1)
    assert "CANARY" not in done.stdout
    mine = (
        str(tree),
        sys.prefix,
        sys.base_prefix,
        str(Path(__file__).parents[2]),
        "/usr/share/zoneinfo",
    )
    strangers = [e for e in events if not e[1].startswith(mine)]
    assert strangers == []
    assert any(e[1].startswith(str(tree)) for e in events)
