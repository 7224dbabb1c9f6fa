"""A running machine repaired and given back: the story's own, in a box with a real systemd."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.live import systemctl
from tests.live.box import Box
from tests.live.conftest import base_root, told  # noqa: F401 - the fixtures of a booted machine
from tests.live.root import root
from tests.live.story import COPIES, LINEAGE, LIVE, Told, serial

pytestmark = pytest.mark.live
TIMER = "certbot.timer"
WHERE = "/etc /srv /var/spool/cron /usr/local/sbin"
# Kind, mode, owner, size, time and target of all but directories' times, and the sums of files.
LISTING = (
    f"find {WHERE} ! -type d -printf '%p %y %m %U:%G %T@ %l\\n' | sort; "
    f"find {WHERE} -type d -printf '%p %m %U:%G\\n' | sort; "
    f"find {WHERE} -type f -exec sha256sum {{}} + | sort"
)


@pytest.fixture
def box(told: Told) -> Iterator[Box]:  # noqa: F811
    with Box(root(), saved=told.saved, zone=told.zone) as booted:
        yield booted


def states(box: Box) -> tuple[str | None, str | None]:
    return systemctl.file_state(box, TIMER), systemctl.active_state(box, TIMER)


def listing(box: Box) -> str:
    return box.output("/bin/sh", "-c", LISTING)


def test_the_story_ends_well_and_is_given_back(box: Box) -> None:
    before = listing(box)
    assert states(box) == ("enabled", "active")
    planned = json.loads(box.certaudit("fix", "--plan", "--format", "json").stdout)
    assert [a["kind"] for a in planned["steps"][0]["actions"]] == ["StopUnit", "RemoveLink", "PutLink"]
    done = box.certaudit("fix", "--yes")
    assert done.returncode in (0, 1), done.stderr
    assert states(box) == ("masked", "inactive")
    assert {serial(box, copy) for copy in COPIES} == {serial(box, LIVE)}
    found = json.loads(box.certaudit("audit", "--format", "json").stdout)
    assert [r["rule"] for r in found["results"] if r["status"] == "flagged"] == []
    lineage = next(x for x in found["lineages"] if x["name"] == LINEAGE)
    assert lineage["renewers"] == [lineage["owner"]]
    undone = box.certaudit("undo", "--yes")
    assert (undone.returncode, undone.stderr) == (0, "")
    assert states(box) == ("enabled", "active")
    assert listing(box) == before


def test_it_is_still_so_after_a_reboot(box: Box) -> None:
    box.certaudit("fix", "--yes")
    box.reboot()
    assert states(box) == ("masked", "inactive")
    assert box.certaudit("undo", "--yes").returncode == 0
    assert states(box) == ("enabled", "active")


def test_an_own_timer_gets_no_times(box: Box) -> None:
    box.write("/etc/systemd/system/mine.service", "[Service]\nExecStart=/usr/bin/certbot -q renew\n")
    box.write(
        "/etc/systemd/system/mine.timer",
        "[Timer]\nOnCalendar=monthly\n[Install]\nWantedBy=timers.target\n",
    )
    box.output("systemctl", "daemon-reload")
    box.output("systemctl", "enable", "--now", "mine.timer")
    before = listing(box)
    assert box.certaudit("fix", "--yes", "--only", "hidden-renewal-path").returncode in (0, 1)
    assert systemctl.active_state(box, "mine.timer") == "inactive"
    assert box.run("systemctl", "start", "mine.timer").returncode != 0
    assert box.certaudit("undo", "--yes").returncode == 0
    assert systemctl.active_state(box, "mine.timer") == "active"
    assert listing(box) == before


def test_an_admins_own_file_in_the_place_is_not_touched(box: Box) -> None:
    assert box.certaudit("fix", "--yes").returncode in (0, 1)
    box.output("systemctl", "unmask", TIMER)
    box.write(f"/etc/systemd/system/{TIMER}", "[Timer]\nOnCalendar=monthly\n")
    before = listing(box)
    undone = box.certaudit("undo", "--yes")
    assert (undone.returncode, "is a file, was a link" in undone.stderr) == (4, True)
    assert listing(box) == before


def test_what_ran_although_masked_stays_stopped(box: Box) -> None:
    box.output("ln", "-sf", "/dev/null", f"/etc/systemd/system/{TIMER}")
    before = listing(box)
    done = box.certaudit("fix", "--yes")
    assert "undo can not start it again" in " ".join(done.stdout.split())
    assert box.certaudit("undo", "--yes").returncode == 0
    assert listing(box) == before
    assert states(box) == ("masked", "inactive")
