"""Each remedy on a running machine, and whether it lasts: firings, a reboot, the package reinstalled.

``CERTAUDIT_FIRINGS`` is how often each trigger fires before the reboot and the reinstallation; after
them each fires once in any case.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from certaudit.fix.catch_up import STATE
from tests.live import story, systemctl
from tests.live.box import Box
from tests.live.firings import fire_cron, fire_timer, known_to_the_acme_server
from tests.live.repairs import lineage, listing, repaired, report, same_bytes, undone
from tests.live.root import root
from tests.live.story import COPIES, LINEAGE, SCRIPT, Told, generations
from tests.packages import debs

FIRINGS = int(os.environ.get("CERTAUDIT_FIRINGS", "0"))
TIMER = "certbot.timer"
KEYS = tuple(place.replace("fullchain", "privkey") for place in COPIES)
KEPT = tuple(word for place in (*COPIES, *KEYS) for word in ("--keep-file", place))
RENEWED = (*COPIES, *KEYS, "/etc/letsencrypt/", "/deb-systemd-helper-")
HAND_OUT = """
for host in host1 host2; do
  install -m 644 "$live/fullchain.pem" "/srv/$host/tls/fullchain.pem"
  install -m 600 "$live/privkey.pem" "/srv/$host/tls/privkey.pem"
done
logger -t renew-wildcard "$name handed to host1 and host2"
"""
HEAD = f"#!/bin/sh\nname={LINEAGE}\nlive=/etc/letsencrypt/live/$name\n"
RENEW = f"certbot renew -q --cert-name {LINEAGE} --force-renewal --no-random-sleep-on-renew"
# Renews, and hands out, only when less than 28 days are left: a fresh one of 29 days is none of that.
WHEN_DUE = (
    HEAD + 'if openssl x509 -noout -checkend 2419200 -in "$live/cert.pem" >/dev/null; then\n'
    '  logger -t renew-wildcard "nothing to do"; exit 0\nfi\n'
    f"{RENEW} || exit 1\n{HAND_OUT}"
)
FORCED = f"{HEAD}{RENEW} || exit 1\n{HAND_OUT}"


@contextmanager
def story_box(told: Told, script: str | None = None) -> Iterator[Box]:
    """A box after the story, with an ACME server and, maybe, another script of the owner's."""
    with Box(root(), saved=told.saved, zone=told.zone, read_only=(debs.cache_directory(),)) as box:
        story.start_acme_server(box)
        known_to_the_acme_server(box)
        if script is not None:
            box.write(SCRIPT, script, 0o755)
        yield box


def reinstalled(box: Box) -> None:
    """The certbot package installed once more, as an upgrade does (its maintainer scripts run)."""
    package = debs.fetch(["certbot"])["certbot"]
    box.output("/usr/bin/dpkg", "--force-confold", "-i", str(package))


def rebooted(box: Box) -> None:
    """The same machine after a reboot; the ACME server is no part of it."""
    box.reboot()
    known_to_the_acme_server(box)


def events(box: Box) -> Iterator[str]:
    """What a remedy has to live through, one after the other."""
    for number in range(1, FIRINGS + 1):
        yield f"firing {number}"
    rebooted(box)
    reinstalled(box)
    yield "after a reboot and reinstallation"


def timer_states(box: Box) -> tuple[str, str]:
    return systemctl.file_state(box, TIMER), systemctl.active_state(box, TIMER)


@pytest.mark.parametrize(("letter", "off"), [("d", "disabled"), ("e", "masked")])
def test_the_timer_stays_off_and_the_owner_renews(told: Told, letter: str, off: str) -> None:
    with story_box(told) as box:
        before = listing(box)
        done = repaired(box, "--remedy", f"{LINEAGE}={letter}")
        assert (done.returncode, "Nothing is left" in done.stdout) == (0, True)
        assert same_bytes(box)
        made = len(generations(box))
        for event in events(box):
            assert timer_states(box) == (off, "inactive"), event
            if off == "masked":
                assert box.run("/usr/bin/systemctl", "start", TIMER).returncode != 0, event
            fire_cron(box, told.story.schedule)
            made += 1
            assert (len(generations(box)), same_bytes(box)) == (made, True), event
        refused = box.certaudit("undo", "--yes")
        assert (refused.returncode, "has other content" in refused.stderr) == (4, True)
        assert timer_states(box) == (off, "inactive")
        undone(box, *KEPT)
        assert timer_states(box) == ("enabled", "active")
        assert without(listing(box), RENEWED) == without(before, RENEWED)


def without(lines: list[str], places: tuple[str, ...]) -> list[str]:
    """A listing without what renewals and the package's scripts change."""
    return [line for line in lines if not any(place in line for place in places)]


def test_after_a_every_renewal_is_handed_out(told: Told) -> None:
    with story_box(told) as box:
        before = listing(box)
        done = repaired(box, "--remedy", f"{LINEAGE}=a")
        assert (done.returncode, "As chosen: rival-renewal-paths" in done.stdout) == (0, True)
        undone(box)
        assert listing(box) == before
        repaired(box, "--remedy", f"{LINEAGE}=a")
        made = len(generations(box))
        for event in events(box):
            for fire in (fire_timer, partial(fire_cron, schedule=told.story.schedule)):
                fire(box)
                made += 1
                assert (len(generations(box)), same_bytes(box)) == (made, True), event
        assert timer_states(box) == ("enabled", "active")


def test_after_b_the_owner_catches_up(told: Told) -> None:
    with story_box(told, WHEN_DUE) as box:
        before = listing(box)
        assert flagged(box).items() > {"hidden-renewal-path": "high", "stale-copy": "medium"}.items()
        done = repaired(box, "--remedy", f"{LINEAGE}=b")
        assert (done.returncode, "As chosen: hidden-renewal-path" in done.stdout) == (0, True)
        undone(box)
        assert listing(box) == before
        repaired(box, "--remedy", f"{LINEAGE}=b")
        made = len(generations(box))
        for event in events(box):
            fire_timer(box)
            made += 1
            assert (len(generations(box)), same_bytes(box)) == (made, False), event
            fire_cron(box, told.story.schedule)
            story.wait(box, f"cmp -s {story.LIVE} {COPIES[1]}", "the script behind the owner's has run")
            assert (len(generations(box)), same_bytes(box)) == (made, True), event
        assert flagged(box) == {
            "hidden-renewal-path": "low",
            "starved-job": "low",
            "stolen-renewal": "medium",
        }
        assert box.exists(f"{STATE}/{LINEAGE}.pem")
        undone(box, *KEPT)
        assert not box.exists(STATE)
        assert without(listing(box), RENEWED) == without(before, RENEWED)


def flagged(box: Box) -> dict[str, str]:
    """The rules with findings, and how severe."""
    found = [r for r in report(box)["results"] if r["status"] == "flagged"]
    return {r["rule"]: r["severity"] for r in found if r["severity"] != "info"}


def test_after_c_the_owner_alone_renews_it(told: Told) -> None:
    conf = f"/etc/letsencrypt/renewal/{LINEAGE}.conf"
    with story_box(told, FORCED) as box:
        before = listing(box)
        done = repaired(box, "--remedy", f"{LINEAGE}=c")
        assert (done.returncode, "Nothing is left" in done.stdout) == (0, True)
        undone(box)
        assert listing(box) == before
        repaired(box, "--remedy", f"{LINEAGE}=c")
        made = len(generations(box))
        for event in events(box):
            fire_timer(box)
            assert len(generations(box)) == made, event
            fire_cron(box, told.story.schedule)
            made += 1
            assert (len(generations(box)), same_bytes(box)) == (made, True), event
            assert "autorenew = False\n" in box.read(conf), event
        assert lineage(report(box))["renewers"] == [lineage(report(box))["owner"]]
        assert timer_states(box) == ("enabled", "active")


def test_the_package_is_there(told: Told) -> None:
    assert Path(debs.fetch(["certbot"])["certbot"]).name.startswith("certbot_2.1.0-4")
