from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.file_names import (
    CronDaemon,
    RunPartsFlavour,
    certbot_hook_name_ok,
    cron_d_mode_ok,
    cron_d_name_ok,
    renewal_conf_name_ok,
    run_parts_name_ok,
    spool_mode_ok,
    spool_name_ok,
)

RUN_PARTS = shutil.which("run-parts")


@pytest.mark.parametrize(
    ("name", "daemons"),
    [
        ("certbot", {"vixie-debian", "vixie-debian-lsb", "cronie", "systemd-cron"}),
        ("Renew_Certs", {"vixie-debian", "cronie", "systemd-cron"}),
        ("certbot.disabled", {"cronie", "systemd-cron"}),
        ("renew.sh", {"cronie", "systemd-cron"}),
        ("example.org-renew", {"vixie-debian-lsb", "cronie", "systemd-cron"}),
        ("certbot.dpkg-old", {"cronie"}),
        ("certbot.dpkg-dist", {"cronie"}),
        ("certbot~", set()),
        ("#certbot#", {"systemd-cron"}),
        ("certbot.rpmsave", {"systemd-cron"}),
        (".placeholder", set()),
    ],
)
def test_cron_d_names(name: str, daemons: set[CronDaemon]) -> None:
    everyone: list[CronDaemon] = ["vixie-debian", "vixie-debian-lsb", "cronie", "systemd-cron"]
    assert {daemon for daemon in everyone if cron_d_name_ok(name, daemon)[0]} == daemons


def test_a_refusal_names_the_rule() -> None:
    assert cron_d_name_ok("certbot.disabled", "vixie-debian") == (False, "the name has a dot")
    assert cron_d_name_ok("certbot", "busybox") == (False, "busybox crond reads no cron.d")


@pytest.mark.parametrize(
    ("name", "flavours"),
    [
        ("certbot-renew", {"debian", "debian-lsb", "redhat", "busybox"}),
        ("renew.sh", {"redhat", "busybox"}),
        ("renew.sh,", set()),
        ("renew~", set()),
        ("jobs.deny", {"busybox"}),
        ("org.example-renew", {"debian-lsb", "redhat", "busybox"}),
        ("x.dpkg-new", {"redhat", "busybox"}),
        (".hidden", set()),
    ],
)
def test_run_parts_names(name: str, flavours: set[RunPartsFlavour]) -> None:
    everyone: list[RunPartsFlavour] = ["debian", "debian-lsb", "redhat", "busybox"]
    assert {one for one in everyone if run_parts_name_ok(name, one)[0]} == flavours


@pytest.mark.skipif(RUN_PARTS is None, reason="run-parts is not installed")
@pytest.mark.parametrize("flavour", ["debian", "debian-lsb"])
def test_same_names_as_run_parts(flavour: RunPartsFlavour, tmp_path: Path) -> None:
    generator = random.Random(1)
    pieces = ["a", "B", "renew", "-", "_", ".", ".sh", "7", "~", ".dpkg-old", ".dpkg-tmp", "é", " ", "b"]
    names = {"".join(generator.choices(pieces, k=generator.randint(1, 4))) for _ in range(900)}
    for name in names - {".", ".."}:
        (tmp_path / name).touch(mode=0o755)
    options = ["--lsbsysinit"] if flavour == "debian-lsb" else []
    assert RUN_PARTS is not None
    run = subprocess.run(
        [RUN_PARTS, "--test", *options, str(tmp_path)], capture_output=True, text=True, check=True
    )
    expected = {line.rpartition("/")[2] for line in run.stdout.splitlines()}
    assert {name for name in names if run_parts_name_ok(name, flavour)[0]} == expected
    assert len(expected) > 60


def test_certbot_names() -> None:
    assert certbot_hook_name_ok("10-copy.sh") == (True, "")
    assert certbot_hook_name_ok("10-copy.sh~")[0] is False
    assert renewal_conf_name_ok("example.org.conf") == (True, "")
    assert renewal_conf_name_ok("example.org.conf.bak")[0] is False
    assert renewal_conf_name_ok(".example.org.conf")[0] is False


@pytest.mark.parametrize(
    ("mode", "debian", "cronie"),
    [
        (0o644, True, True),
        (0o600, True, True),
        (0o400, True, True),
        (0o755, True, False),
        (0o664, False, False),
        (0o646, False, False),
        (0o4644, True, False),
        (0o200, True, False),
    ],
)
def test_cron_d_modes(mode: int, debian: bool, cronie: bool) -> None:
    assert cron_d_mode_ok(mode, 0, "vixie-debian")[0] is debian
    assert cron_d_mode_ok(mode, 0, "cronie")[0] is cronie


def test_cron_d_owner_and_links() -> None:
    assert cron_d_mode_ok(0o644, 1000, "vixie-debian") == (False, "not owned by root")
    assert cron_d_mode_ok(0o644, 1000, "cronie") == (False, "not owned by root")
    assert cron_d_mode_ok(0o644, 0, "vixie-debian", links=2)[0] is False
    assert cron_d_mode_ok(0o644, 0, "cronie", links=2)[0] is True
    assert cron_d_mode_ok(0o644, 0, "vixie-debian", symlink_uid=1000)[0] is False
    assert cron_d_mode_ok(0o644, 0, "vixie-debian", symlink_uid=0)[0] is True
    assert cron_d_mode_ok(0o644, 0, "busybox")[0] is False
    assert cron_d_mode_ok(0o666, 1000, "systemd-cron")[0] is True


def test_spool() -> None:
    assert spool_mode_ok(0o600, 1000, 1000, "vixie-debian") == (True, "")
    assert spool_mode_ok(0o640, 1000, 1000, "vixie-debian") == (False, "mode is not 0600")
    assert spool_mode_ok(0o600, 1001, 1000, "vixie-debian")[0] is False
    assert spool_mode_ok(0o600, 1000, 1000, "vixie-debian", links=2)[0] is False
    assert spool_mode_ok(0o644, 1000, 1000, "cronie") == (True, "")
    assert spool_mode_ok(0o644, 1000, 1000, "cronie", links=2)[0] is False
    assert spool_mode_ok(0o600, 1000, 1000, "busybox") == (False, "not owned by root")
    assert spool_mode_ok(0o600, 0, 1000, "systemd-cron")[0] is True
    assert spool_name_ok("www-data", "vixie-debian") == (True, "")
    assert spool_name_ok("first.last", "busybox")[0] is False
    assert spool_name_ok("first.last", "cronie")[0] is True
    assert spool_name_ok(".first", "vixie-debian")[0] is False


@given(st.text(max_size=30))
def test_every_name_has_an_answer(name: str) -> None:
    for daemon in ("vixie-debian", "vixie-debian-lsb", "cronie", "busybox", "systemd-cron"):
        ok, reason = cron_d_name_ok(name, daemon)
        assert ok != bool(reason)
    for flavour in ("debian", "debian-lsb", "redhat", "busybox"):
        ok, reason = run_parts_name_ok(name, flavour)
        assert ok != bool(reason)
