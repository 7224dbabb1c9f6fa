"""The machines of ``fixtures/``: each builds, the same everywhere, and the demo tells its story."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest

from fixtures.machine import FIXTURES, MACHINES, build
from tests.fixtures_builder.test_builder import certificate, made

ALL_MACHINES = sorted(MACHINES.glob("*.machine"))
TOKYO = timezone(timedelta(hours=9))


def fingerprint(root: Path) -> str:
    """One sum over every path, kind, mode, time, target and content below a root."""
    total = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        found = path.lstat()
        total.update(f"{path.relative_to(root)} {found.st_mode} {found.st_mtime_ns}\n".encode())
        total.update(str(path.readlink()).encode() if path.is_symlink() else b"")
        total.update(path.read_bytes() if stat.S_ISREG(found.st_mode) else b"")
    return total.hexdigest()


@pytest.mark.parametrize("file", ALL_MACHINES, ids=lambda f: f.stem)
def test_every_machine_builds_and_expects_something(file: Path, tmp_path: Path) -> None:
    machine = build(file, tmp_path / "root")
    assert machine.expectations
    assert machine.zone
    late = [p for p in machine.root.rglob("*") if p.lstat().st_mtime > machine.as_of.timestamp()]
    assert late == [], "nothing was changed after the moment of the audit"


@pytest.mark.parametrize(
    "name", ["debian-12", "debian-12-bare", "ubuntu-18.04", "ubuntu-22.04", "almalinux-9"]
)
def test_every_distribution_can_be_included(name: str, tmp_path: Path) -> None:
    root = made(tmp_path, f"include {FIXTURES / 'base' / name}.machine\n")
    late = [
        p
        for p in root.rglob("*")
        if p.lstat().st_mtime > datetime(2023, 12, 4, tzinfo=TOKYO).timestamp()
    ]
    assert late == []


def test_two_processes_make_the_same_tree(tmp_path: Path) -> None:
    here = build(MACHINES / "demo.machine", tmp_path / "here")
    arguments = [sys.executable, "-m", "fixtures.build", str(MACHINES / "demo.machine")]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "America/New_York"}
    arguments.append(str(tmp_path / "there"))
    subprocess.run(arguments, check=True, cwd=FIXTURES.parent, env=environment, capture_output=True)
    assert fingerprint(here.root) == fingerprint(tmp_path / "there")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(MACHINES / "demo.machine", tmp_path_factory.mktemp("demo") / "root").root


class TestDemo:
    def test_each_generation_is_due_when_the_next_was_made(self, demo: Path) -> None:
        archive = demo / "etc/letsencrypt/archive/hogeserver.example"
        certificates = [certificate(archive / f"cert{n}.pem") for n in (1, 2, 3, 4)]
        for old, new in pairwise(certificates):
            made = new.not_valid_before_utc + timedelta(hours=1)  # issued an hour into the past
            due = old.not_valid_after_utc - timedelta(days=30)
            assert due < made < due + timedelta(hours=12)
            nightly = made.astimezone(TOKYO).replace(hour=4, minute=17)
            assert not due < nightly < made, "the cron job at 04:17 must not have been first"

    def test_syslog_and_certbots_log_agree(self, demo: Path) -> None:
        starts = [line for line in _syslog(demo) if line.endswith("Starting Certbot...")]
        runs = [line for line in _certbot_log(demo) if "certbot version: 1.21.0" in line]
        moments = [_moment(f"2023 {line[:15]}", "%Y %b %d %H:%M:%S") for line in starts]
        begun = [_moment(line[:19], "%Y-%m-%d %H:%M:%S") for line in runs]
        assert len(begun) == 84 * 2 + 1  # twelve weeks, and this morning
        delays = [b - m for m, b in zip(moments, begun[-len(moments) :], strict=True)]
        assert all(timedelta(0) <= delay <= timedelta(seconds=2) for delay in delays)

    def test_the_copies_are_one_generation_behind(self, demo: Path) -> None:
        archive = demo / "etc/letsencrypt/archive/hogeserver.example"
        for host in ("host1", "host2"):
            copied = (demo / f"srv/{host}/tls/fullchain.pem").read_bytes()
            assert copied == (archive / "fullchain3.pem").read_bytes()


def _moment(text: str, form: str) -> datetime:
    return datetime.strptime(text, form).replace(tzinfo=TOKYO)


def _syslog(root: Path) -> list[str]:
    log = root / "var/log"
    older = gzip.decompress((log / "syslog.2.gz").read_bytes()).decode()
    return (older + (log / "syslog.1").read_text() + (log / "syslog").read_text()).splitlines()


def _certbot_log(root: Path) -> list[str]:
    log = root / "var/log/letsencrypt"
    files = [
        gzip.decompress((log / f"letsencrypt.log.{n}.gz").read_bytes()).decode()
        for n in range(12, 0, -1)
    ]
    return "".join([*files, (log / "letsencrypt.log").read_text()]).splitlines()
