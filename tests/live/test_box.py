"""The bench itself: what a box can do, and that nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from certaudit import __version__
from tests.live import systemctl
from tests.live.box import CHECKOUT, Box, BoxError, status
from tests.live.leftovers import Footprint, cgroups
from tests.live.root import HOSTNAME

CAP_SYS_TIME = 25
ENDS = 15.0  # seconds after which nothing may be left
SLEEPER = """
import sys, time
from pathlib import Path
from tests.live.box import Box

box = Box(Path(sys.argv[1]))
box.up()
print(box.keeper, box.leader, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def box(base_root: Path) -> Iterator[Box]:
    with Box(base_root, zone="Europe/Vienna") as box:
        box.output("/usr/sbin/useradd", "--create-home", "alice")
        yield box


def test_systemd_runs_as_process_one(box: Box) -> None:
    assert box.output("systemctl", "is-system-running").strip() == "running"
    assert box.output("cat", "/proc/1/comm").strip() == "systemd"
    assert box.output("hostname").strip() == HOSTNAME
    assert box.output("date", "+%Z").strip() in ("CET", "CEST")


def test_what_the_tests_need_is_active(box: Box) -> None:
    for unit in ("cron.service", "rsyslog.service", "dbus.service", "certbot.timer"):
        assert systemctl.active_state(box, unit) == "active"
    assert systemctl.file_state(box, "certbot.timer") == "enabled"
    assert systemctl.file_state(box, "certbot.service") == "static"
    assert systemctl.file_state(box, "no-such.timer") == "not-found"


def test_what_the_manager_says_is_parsed(box: Box) -> None:
    shown = systemctl.show(
        box, "certbot.timer", "Id", "Triggers", "NextElapseUSecRealtime", "DropInPaths"
    )
    assert {
        "Id": "certbot.timer",
        "Triggers": "certbot.service",
        "DropInPaths": "",
    }.items() <= shown.items()
    assert shown["NextElapseUSecRealtime"]
    assert systemctl.unit_files(box, "certbot*")["certbot.service"]["state"] == "static"
    assert systemctl.units(box, "certbot.timer")["certbot.timer"]["sub"] == "waiting"
    assert systemctl.timers(box)["certbot.timer"]["activates"] == "certbot.service"
    assert "\nPersistent=true\n" in systemctl.cat(box, "certbot.timer")


def test_exit_codes_and_output_pass_through(box: Box) -> None:
    done = box.run("sh", "-c", "cat; echo sour >&2; exit 7", stdin="sweet")
    assert (done.returncode, done.stdout, done.stderr) == (7, "sweet", "sour\n")
    assert box.run("sh", "-c", 'echo "$COLOUR"', env={"COLOUR": "blue"}).stdout == "blue\n"


def test_a_user_has_his_own_identity(box: Box) -> None:
    assert box.output("sh", "-c", 'id -un; id -Gn; echo "$HOME"', user="alice").split() == [
        "alice",
        "alice",
        "/home/alice",
    ]
    assert box.run("cat", "/etc/shadow", user="alice").returncode == 1


@pytest.mark.parametrize("user", ["root", "alice"])
def test_no_command_may_set_the_clock(box: Box, user: str) -> None:
    words = dict(
        line.split(":\t") for line in box.output("cat", "/proc/self/status", user=user).splitlines()
    )
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert not int(words[name], 16) >> CAP_SYS_TIME & 1, name
    assert not int(status(box.leader)["CapBnd"], 16) >> CAP_SYS_TIME & 1


@pytest.mark.parametrize("user", ["root", "alice"])
def test_certaudit_runs_inside(box: Box, user: str) -> None:
    done = box.certaudit("--version", user=user)
    assert (done.returncode, done.stdout) == (0, f"certaudit {__version__}\n")


def test_the_checkout_cannot_be_changed(box: Box) -> None:
    done = box.run("touch", f"{CHECKOUT}/README.md")
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr


@pytest.mark.parametrize("user", ["root", "alice"])
def test_a_command_that_takes_too_long_is_killed(box: Box, user: str) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        box.run("sh", "-c", "echo $$ >/dev/shm/pid; exec sleep 600", user=user, timeout=1)
    process = box.read("/dev/shm/pid").strip()
    box.output("rm", "/dev/shm/pid")
    until = time.monotonic() + 5
    while (state := box.run("cat", f"/proc/{process}/stat").stdout.split()[2:3]) not in ([], ["Z"]):
        assert time.monotonic() < until, state
        time.sleep(0.05)


def test_files_come_and_go_with_mode_owner_and_time(box: Box, tmp_path: Path) -> None:
    box.write("/srv/new/notes", "tea\n", 0o640)
    box.output("chown", "alice:", "/srv/new/notes")
    box.output("touch", "-d", "2024-02-03 04:05:06 UTC", "/srv/new/notes")
    taken = box.collect(["/srv/new"], tmp_path / "taken") / "srv/new/notes"
    found = taken.stat()
    assert taken.read_text() == "tea\n"
    assert (found.st_mode & 0o7777, found.st_mtime) == (0o640, 1706933106)
    assert found.st_uid == int(box.output("id", "-u", "alice"))


def test_a_tree_is_laid_over_as_roots_own(box: Box, tmp_path: Path) -> None:
    script = tmp_path / "etc/cron.daily/tidy"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o775)
    os.chown(script, 1234, 1234)
    box.put(tmp_path)
    assert box.output("stat", "-c", "%a %U %G", "/etc/cron.daily/tidy").split() == [
        "755",
        "root",
        "root",
    ]


def test_it_reboots_and_keeps_its_files(base_root: Path) -> None:
    with Box(base_root) as box:
        box.write("/srv/kept", "here")
        box.write("/run/lost", "here")
        first = box.read("/proc/sys/kernel/random/boot_id"), box.leader
        box.reboot()
        assert box.leader != first[1]
        assert (box.exists("/srv/kept"), box.exists("/run/lost")) == (True, False)
        boots = box.output("journalctl", "--list-boots", "--quiet").splitlines()
        assert [line.split()[0] for line in boots[-2:]] == ["-1", "0"]


def test_a_box_goes_on_from_what_another_left(base_root: Path, tmp_path: Path) -> None:
    with Box(base_root) as first:
        first.write("/srv/kept", "here")
        first.output("rm", "/etc/cron.d/certbot")
        first.output("chown", "daemon:", "/srv/kept")
        saved = first.save(tmp_path / "saved")
    with Box(base_root, saved=saved) as second:
        assert second.output("stat", "-c", "%U", "/srv/kept").strip() == "daemon"
        assert not second.exists("/etc/cron.d/certbot")
    assert (base_root / "etc/cron.d/certbot").exists()


def test_two_boxes_at_once_do_not_meet(base_root: Path) -> None:
    with Box(base_root) as one, Box(base_root) as two:
        one.write("/srv/mine", "one")
        one.output("systemctl", "stop", "certbot.timer")
        assert not two.exists("/srv/mine")
        assert systemctl.active_state(two, "certbot.timer") == "active"
        assert one.leader != two.leader
        one.down()
        assert systemctl.active_state(two, "cron.service") == "active"


def test_nothing_is_left_after_it_is_down(base_root: Path) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    with Box(base_root) as box:
        footprint = Footprint.of(box.keeper, box.leader)
        assert footprint.remains()
    assert footprint.remains() == []
    assert Path("/proc/self/mountinfo").read_text() == before


def test_nothing_is_left_when_its_owner_is_killed(base_root: Path) -> None:
    command = [sys.executable, "-c", SLEEPER, str(base_root)]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as owner:
        assert owner.stdout is not None
        footprint = Footprint.of(*map(int, owner.stdout.readline().split()))
        assert footprint.remains()
        owner.kill()
    assert footprint.after(ENDS) == []


def test_nothing_is_left_when_its_keeper_is_killed(base_root: Path) -> None:
    box = Box(base_root)
    box.up()
    footprint = Footprint.of(box.keeper, box.leader)
    os.kill(box.keeper, signal.SIGKILL)
    with pytest.raises(BoxError, match="the keeper failed"):
        box.down()
    assert footprint.after(ENDS) == []


def test_a_box_ends_with_its_lifetime(base_root: Path) -> None:
    with Box(base_root, lifetime=2) as box:
        footprint = Footprint.of(box.keeper, box.leader)
        assert footprint.after(ENDS) == []


def test_one_that_cannot_boot_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    before = cgroups()
    with pytest.raises(BoxError, match="did not boot"):
        Box(tmp_path).up()
    assert cgroups() == before


def test_the_lab_runs_a_command_and_passes_its_exit_code_on(base_root: Path) -> None:
    script = "hostname; certaudit --version; exit 5"
    command = [sys.executable, "-m", "tests.live.lab", "--", "sh", "-c", script]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, f"{HOSTNAME}\ncertaudit {__version__}\n")
