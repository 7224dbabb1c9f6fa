"""What happens in the middle of a repair of a running machine, and that it can be taken back.

``CERTAUDIT_FAULTS=all`` tries more places of each.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.live import systemctl
from tests.live.box import CHECKOUT, Box
from tests.live.repairs import listing, repaired, same_bytes, undone
from tests.live.root import root
from tests.live.story import COPIES, LIVE, Told

Note = Callable[[str, int], None]
MANY = os.environ.get("CERTAUDIT_FAULTS") == "all"
TIMER = "certbot.timer"
LOCK = "/etc/letsencrypt/.certbot.lock"  # left by whoever is killed, as certbot leaves it


@pytest.fixture
def box(told: Told) -> Iterator[Box]:
    with Box(root(), saved=told.saved, zone=told.zone) as booted:
        yield booted


def faulty(box: Box, fault: str, at: int, *verb: str) -> subprocess.CompletedProcess[str]:
    """certaudit with a fault before its call number ``at`` that changes a disk; 0: without one."""
    env = {"PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    return box.run(sys.executable, "-m", "tests.live.faulty", fault, str(at), *verb, env=env)


def calls(box: Box, *verb: str) -> int:
    """How many such calls a verb makes here."""
    done = faulty(box, "kill", 0, *verb)
    found = re.search(r"^calls: (\d+)$", done.stderr, re.M)
    assert found, done.stderr
    return int(found[1])


def spread(most: int, few: int) -> list[int]:
    """Some numbers from 1 to ``most``, the first and the last among them."""
    return sorted({1 + round(n * (most - 1) / (few - 1)) for n in range(few)})


def old_or_new(box: Box) -> None:
    """Each copy is whole, and only who could read a key before can."""
    for copy in COPIES:
        assert box.run("/usr/bin/openssl", "x509", "-noout", "-in", copy).returncode == 0
        key = copy.replace("fullchain", "privkey")
        assert box.run("/usr/bin/openssl", "pkey", "-noout", "-in", key).returncode == 0
        assert box.output("/usr/bin/stat", "-c", "%a %U", key) == "600 root\n"
    assert systemctl.file_state(box, TIMER) in ("enabled", "disabled", "masked")


def given_back(box: Box, before: list[str]) -> None:
    """Undo what stands, and compare with the machine as it was."""
    undone(box)
    box.run("/bin/rm", "-f", LOCK)
    assert listing(box) == before
    assert systemctl.active_state(box, TIMER) == "active"


def test_killed_anywhere(box: Box, faults: Note) -> None:
    before = listing(box)
    places = spread(calls(box, "fix", "--yes"), 40 if MANY else 3)
    undone(box)
    for number in places:
        assert "calls:" not in faulty(box, "kill", number, "fix", "--yes").stderr
        old_or_new(box)
        given_back(box, before)
    faults("kills on a running machine", len(places))


def test_the_bus_ends_anywhere(box: Box, faults: Note) -> None:
    before = listing(box)
    places = spread(calls(box, "fix", "--yes"), 20 if MANY else 2)
    undone(box)
    for number in places:
        done = faulty(box, "bus", number, "fix", "--yes")
        assert done.returncode in (0, 4), done.stderr
        assert systemctl.active_state(box, "dbus.socket") == "inactive"
        old_or_new(box)
        if done.returncode == 0:
            assert same_bytes(box)
            assert systemctl.active_state(box, TIMER) == "inactive"
        undone(box)  # without a bus
        box.output("/usr/bin/systemctl", "start", "dbus.socket")
        given_back_already(box, before)
    faults("buses that ended", len(places))


def given_back_already(box: Box, before: list[str]) -> None:
    """Compare with the machine as it was."""
    assert listing(box) == before
    assert systemctl.active_state(box, TIMER) == "active"


def test_the_bus_is_gone_before_it_begins(box: Box, faults: Note) -> None:
    before = listing(box)
    box.output("/usr/bin/systemctl", "stop", "dbus.socket", "dbus.service")
    done = repaired(box)
    assert (done.returncode, systemctl.active_state(box, TIMER)) == (0, "inactive"), done.stdout
    undone(box)
    box.output("/usr/bin/systemctl", "start", "dbus.socket")
    given_back_already(box, before)
    faults("buses that ended", 1)


def test_the_machine_reboots_anywhere(box: Box, faults: Note) -> None:
    before = listing(box)
    places = spread(calls(box, "fix", "--yes"), 20 if MANY else 2)
    undone(box)
    for number in places:
        leader = box.leader
        faulty(box, "reboot", number, "fix", "--yes")
        box.await_boot(leader)
        old_or_new(box)
        given_back(box, before)
    faults("reboots in the middle", len(places))


def test_a_certbot_that_starts_in_the_middle_is_turned_away(box: Box, faults: Note) -> None:
    places = spread(calls(box, "fix", "--yes"), 10 if MANY else 3)[1:]
    undone(box)
    for number in places:
        serial = box.output("/usr/bin/sha256sum", LIVE)
        assert faulty(box, "certbot", number, "fix", "--yes").returncode == 0
        said = box.read("/run/other-certbot")
        assert said.startswith("1 "), said
        assert "Another instance of Certbot is already running." in said
        assert box.output("/usr/bin/sha256sum", LIVE) == serial
        assert same_bytes(box)
        undone(box)
    faults("certbots started in the middle", len(places))
