"""Every variation gets a plan that ends well, or a refusal that says why; and the machine back.

On the running machine, and on the image of its files, which is repaired without a manager.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live import systemctl
from tests.live.box import CHECKOUT, Box
from tests.live.repairs import WHERE, listing, repaired, same_bytes, states, still_fires, undone
from tests.live.root import CLEAN_PATH, root
from tests.live.story import LINEAGE, SCRIPT, Told, wait
from tests.live.variation import ENABLED, OWNER, RENEW, TIMER, drop_in
from tests.live.variations import VARIATIONS, Variation, machine

# What is not repaired without a word from a person, and why.
REFUSED = {"service-runs-the-script": "nothing tells which of them is meant to"}
NOTHING_RENEWS = {"autorenew-off": "nothing renews example.org"}
# Off already, but not for good: that is said, and left to a person.
LEFT = {"runtime-mask": "is gone with the next boot"}
# Another purpose is served by these timers: certbot.service behind them is masked, and they go on.
MASKED_BEHIND = {"pulled-in-by-success": "backup", "pulled-in-by-wants": "report"}
IMAGES = (
    "guard-removed", "timer-disabled", "crontab-of-root", "daily-script", "path-unit",
    "pulled-in-by-success", "timer-instance",
)  # fmt: skip
NOT_GIVEN_BACK = frozenset({"timer-masked-by-hand"})  # what ran although masked can not be started again
ON_IMAGE = f"""
set -e
mkdir image upper work state
mount -t tmpfs tmpfs upper && mkdir upper/u upper/w
mount -t overlay overlay -o "lowerdir=0:1:2,upperdir=upper/u,workdir=upper/w" image
listing() {{
  cd image; find {" ".join(f".{place}" for place in WHERE.split())} 2>/dev/null |
    sort | xargs -d '\\n' stat -c '%n %f %U:%G' >../$1
  find .{WHERE.split()[0]} ./srv ./var/spool/cron ! -type d -printf '%p %T@ %l\\n' | sort >>../$1
  find .{WHERE.split()[0]} ./srv ./var/spool/cron -type f -exec sha256sum {{}} + | sort >>../$1
  cd ..
}}
listing before
"$@" fix image --yes --state-dir state >out || echo "exit $?" >>out
"$@" audit image --format json >report || true
"$@" undo --yes --state-dir state >>out
listing after
cmp before after >>out
"""


@pytest.mark.parametrize("variation", list(VARIATIONS.values()), ids=list(VARIATIONS))
def test_it_ends_well_or_is_refused_and_is_given_back(variation: Variation, told: Told) -> None:
    with machine(variation, told.saved, told.zone) as box:
        before, units = listing(box), states(box, variation)
        done = repaired(box)
        said = " ".join((done.stdout + done.stderr).split())
        if variation.name in REFUSED:
            assert (done.returncode, REFUSED[variation.name] in said) == (4, True)
        elif variation.name in NOTHING_RENEWS:
            assert (done.returncode, NOTHING_RENEWS[variation.name] in said) == (1, True)
        else:
            left = LEFT.get(variation.name)
            assert (done.returncode, (left or "Nothing is left") in said) == (1 if left else 0, True), (
                said
            )
            assert same_bytes(box)
            check_off(box, variation)
        undone(box)
        if variation.name not in NOT_GIVEN_BACK:
            assert states(box, variation) == units
            assert listing(box) == before


def check_off(box: Box, variation: Variation) -> None:
    """Only the owner fires, by what systemd, cron's table and run-parts(8) themselves say."""
    if behind := MASKED_BEHIND.get(variation.name):
        assert still_fires(box, f"timer:{behind}.timer")
        box.output("/usr/bin/systemctl", "start", f"{behind}.service")
        assert systemctl.file_state(box, "certbot.service") == "masked"
        started = systemctl.show(box, "certbot.service", "ExecMainStartTimestampMonotonic")
        assert set(started.values()) <= {"", "0"}
        return
    firing = {trigger for trigger in variation.renewers if still_fires(box, trigger)}
    assert firing == {OWNER}


@pytest.mark.parametrize("name", IMAGES)
def test_the_image_of_it_too(name: str, told: Told) -> None:
    variation = VARIATIONS[name]
    with machine(variation, told.saved, told.zone) as box, image_of(box, told, variation) as here:
        out = (here / "out").read_text()
        assert "Nothing is left" in out, out
        assert "is taken back" in out, out
        assert "differ" not in out, out
        found = json.loads((here / "report").read_text())
        mine = next(x for x in found["lineages"] if x["name"] == LINEAGE)
        assert {path.partition(">")[0] for path in mine["renewers"]} == {OWNER}


@contextmanager
def image_of(box: Box, told: Told, variation: Variation) -> Iterator[Path]:
    """The box's files as an image, repaired and given back: ``out`` and ``report`` in a directory."""
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        box.save(here / "0")
        (here / "1").symlink_to(told.saved)
        (here / "2").symlink_to(root(variation.packages))
        unshare = ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", ON_IMAGE]
        done = subprocess.run(
            [*unshare, "sh", sys.executable, "-m", "certaudit"],
            cwd=here,
            env={"PATH": CLEAN_PATH, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + (here / "out").read_text()
        yield here


def test_with_the_owner_named_both_who_run_the_script_are_told_apart(told: Told) -> None:
    with machine(VARIATIONS["service-runs-the-script"], told.saved, told.zone) as box:
        before = listing(box)
        done = repaired(box, "--owner", f"{LINEAGE}={OWNER.rpartition(':')[0]}")
        assert (done.returncode, "Nothing is left" in done.stdout) == (0, True), done.stdout
        assert (still_fires(box, TIMER), still_fires(box, OWNER)) == (False, True)
        assert '[lineages."example.org"]' in box.read("/etc/certaudit.toml")
        undone(box)
        assert listing(box) == before


def test_a_user_has_a_timer_for_the_machines_certificate(told: Told) -> None:
    with machine(VARIATIONS["timer-of-a-user"], told.saved, told.zone) as box:
        units = "/home/deploy/.config/systemd/user"
        box.write(f"{units}/renew.service", f"[Service]\nType=oneshot\nExecStart={RENEW}\n")
        box.output("/usr/bin/systemctl", "--user", "daemon-reload", user="deploy")
        box.output("/bin/chown", "deploy", "/etc/letsencrypt")  # where certbot must make its lock
        before = listing(box)
        done = repaired(box)
        assert "Disable and empty the times of deploy/renew.timer" in done.stdout
        assert (done.returncode, "Nothing is left" in done.stdout) == (0, True), done.stdout
        assert systemctl.active_state(box, "renew.timer", "deploy") == "inactive"
        owners = box.output("/usr/bin/stat", "-c", "%U:%G", f"{units}/renew.timer.d/zz-certaudit.conf")
        assert owners == "deploy:deploy\n"
        undone(box)
        assert systemctl.active_state(box, "renew.timer", "deploy") == "active"
        assert listing(box) == before


def test_a_service_that_renews_at_boot(told: Told) -> None:
    with machine(VARIATIONS["timer-disabled"], told.saved, told.zone) as box:
        box.write(
            "/usr/lib/systemd/system/renew-at-boot.service",
            f"[Service]\nType=oneshot\nExecStart={RENEW}\n[Install]\nWantedBy=multi-user.target\n",
        )
        box.output("/usr/bin/systemctl", "enable", "renew-at-boot.service")
        before = listing(box)
        done = repaired(box)
        assert "Disable and mask renew-at-boot.service" in done.stdout
        assert (done.returncode, "Nothing is left" in done.stdout) == (0, True), done.stdout
        assert systemctl.file_state(box, "renew-at-boot.service") == "masked"
        undone(box)
        assert listing(box) == before


def test_a_path_unit_that_was_emptied_can_not_be_started(told: Told) -> None:
    with machine(VARIATIONS["path-unit"], told.saved, told.zone) as box:
        repaired(box)
        refused = box.run("/usr/bin/systemctl", "start", "renew-request.path")
        assert refused.returncode != 0
        box.reboot()
        assert systemctl.active_state(box, "renew-request.path") == "inactive"
        undone(box)
        wait(box, "systemctl is-active renew-request.path", "it watches again")


def test_a_backup_that_renews_too_is_not_switched_off_unasked(told: Told) -> None:
    with machine(VARIATIONS["untouched"], told.saved, told.zone) as box:
        drop_in(box, "certbot.service", "[Service]\nExecStartPost=/usr/local/sbin/nightly-backup\n")
        box.write(
            "/usr/local/sbin/nightly-backup",
            "#!/bin/sh\nexec tar -cf /srv/backup.tar /etc/hosts\n",
            0o755,
        )
        box.output("/usr/bin/systemctl", "daemon-reload")
        before = listing(box)
        done = repaired(box, "--only", "hidden-renewal-path")
        said = " ".join(done.stdout.split())
        assert (done.returncode, "also runs tar -cf /srv/backup.tar" in said) == (4, True), said
        assert listing(box) == before
        done = repaired(box, "--remedy", f"{LINEAGE}=e")
        assert "also runs tar" in " ".join(done.stdout.split())
        assert done.returncode == 0
        undone(box)
        assert listing(box) == before


def test_the_lists_name_variations() -> None:
    named = {*REFUSED, *NOTHING_RENEWS, *LEFT, *MASKED_BEHIND, *IMAGES, *NOT_GIVEN_BACK}
    assert named <= set(VARIATIONS)
    assert (SCRIPT, ENABLED["certbot.timer"]) == (
        "/usr/local/sbin/renew-wildcard.sh",
        ("enabled", "active"),
    )
