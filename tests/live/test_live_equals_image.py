"""A running machine and the image of its files give the same report, but for what only running tells.

``differences`` lists that, field by field. The image is all that was written in the box over its root:
no /run, no /proc, no manager.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.live.audit import ANSWERED
from tests.live.box import CHECKOUT, Box
from tests.live.differences import BY_VARIATION, EVERYWHERE, HALF_SWITCHED, disagreements
from tests.live.root import CLEAN_PATH, root
from tests.live.story import Told
from tests.live.variations import VARIATIONS, Variation, machine

MOUNTED = """
mount -t overlay overlay -o "ro,lowerdir=$1" image || exit 99
shift
exec "$@"
"""
Report = dict[str, Any]


@pytest.mark.parametrize("variation", list(VARIATIONS.values()), ids=list(VARIATIONS))
def test_both_reports_are_equal(variation: Variation, told: Told) -> None:
    with machine(variation, told.saved, told.zone) as box:
        as_of = datetime.now(box.zone).isoformat()
        live = live_report(box, as_of)
        image = image_report(box, told.saved, root(variation.packages), as_of)
        listed = (*EVERYWHERE, *BY_VARIATION.get(variation.name, ()))
        assert disagreements(live, image, listed) == []
        if variation.name in BY_VARIATION:
            assert disagreements(live, image, EVERYWHERE) != [], "what is listed does not differ"
        if variation.name in HALF_SWITCHED:
            box.reboot()
            assert disagreements(live_report(box, as_of), image, EVERYWHERE) == []


def test_specifiers_are_those_of_the_manager_and_the_instance(told: Told) -> None:
    """%h of a user's unit is his home; Environment files of an instance are its own."""
    with machine(VARIATIONS["timer-of-a-user"], told.saved, told.zone) as box:
        box.write("/etc/tls-blue.env", "MORE=--quiet\n")
        for kind, text in (
            ("service", "[Service]\nEnvironmentFile=-/etc/tls-%i.env\nExecStart=certbot renew $MORE\n"),
            ("timer", "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"),
        ):
            box.write(f"/etc/systemd/system/tls@.{kind}", text)
        box.output("/usr/bin/systemctl", "enable", "tls@blue.timer")
        found = live_report(box, datetime.now(box.zone).isoformat())
    paths = {path["trigger"]: path for path in found["paths"]}
    assert paths["timer:deploy/renew.timer"]["config_dir"] == "/home/deploy/tls/etc"
    assert paths["timer:tls@blue.timer"]["argv"][1:] == ["renew", "--quiet"]


def live_report(box: Box, as_of: str) -> Report:
    """What certaudit says inside, as root."""
    done = box.certaudit("audit", "--format", "json", "--as-of", as_of)
    return parsed(done)


def image_report(box: Box, saved: Path, base: Path, as_of: str) -> Report:
    """What certaudit says outside of the box's files: what was written, over what it booted from."""
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        box.save(here / "0")
        (here / "1").symlink_to(saved)
        (here / "2").symlink_to(base)
        (here / "image").mkdir()
        audit = [sys.executable, "-m", "certaudit", "audit", "--format", "json", "--as-of", as_of]
        unshare = ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", MOUNTED]
        done = subprocess.run(
            [*unshare, "sh", "0:1:2", *audit, "--root", str(here / "image")],
            cwd=here,
            env={"PATH": CLEAN_PATH, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    return parsed(done)


def parsed(done: subprocess.CompletedProcess[str]) -> Report:
    """The JSON report of a run."""
    assert done.returncode in ANSWERED, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_every_half_switched_variation_is_known() -> None:
    """The list names variations that exist."""
    assert set(BY_VARIATION) <= set(VARIATIONS)


def test_a_difference_that_is_not_listed_is_noticed() -> None:
    live = {
        "host": {"live": True, "os": "Debian"},
        "triggers": [
            {"id": "timer:a.timer", "state": "armed", "active_state": "active", "schedule": None},
            {"id": "cron:b:1", "state": "armed", "active_state": None, "schedule": None},
        ],
    }
    image = copy.deepcopy(live)
    image["host"] = {"live": False, "os": "Debian"}
    image["triggers"][0]["active_state"] = None  # type: ignore[index]
    assert disagreements(live, image, EVERYWHERE) == []
    image["triggers"][1]["state"] = "off"  # type: ignore[index]
    assert disagreements(live, image, EVERYWHERE) == [
        "triggers > cron:b:1 > state: live armed, image off"
    ]
    del image["triggers"][1]  # type: ignore[attr-defined]
    found = disagreements(live, image, EVERYWHERE)
    assert len(found) == 1
    assert found[0].startswith("triggers: live ")


def test_a_next_firing_outside_the_window_is_noticed() -> None:
    at = "2026-11-24T{}:00:00+09:00".format
    live = {"triggers": [{"id": "x", "schedule": {"next_earliest": at(13), "next_latest": at(13)}}]}
    near = {"triggers": [{"id": "x", "schedule": {"next_earliest": at(12), "next_latest": at(14)}}]}
    past = {"triggers": [{"id": "x", "schedule": {"next_earliest": at(10), "next_latest": at(11)}}]}
    assert disagreements(live, near, EVERYWHERE) == []
    assert len(disagreements(live, past, EVERYWHERE)) == 2
