"""The story really happened, by the facts of the box alone.

certaudit's own account of this box is to be compared with these facts: ``audit.report(told.box)``.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

from tests.live import story, systemctl
from tests.live.box import Box
from tests.live.story import Told

STAMPED = re.compile(r"(?P<time>\S+) web1 (?P<tag>[^\[:]+)(?:\[\d+\])?: (?P<text>.*)")
SOON = timedelta(seconds=5)


def syslog(told: Told) -> list[tuple[datetime, str, str]]:
    """Time, program and text of the lines about renewals."""
    lines = map(STAMPED.fullmatch, told.box.read("/var/log/syslog").splitlines())
    found = [(datetime.fromisoformat(m["time"]), m["tag"], m["text"]) for m in lines if m]
    return [
        (time, tag, text)
        for time, tag, text in found
        if tag == "renew-wildcard" or re.search(rf"{story.SCRIPT}|certbot\.(timer|service)", text)
    ]


def test_cron_made_the_first_generation_and_the_timer_the_second(told: Told) -> None:
    first, second = story.generations(told.box)
    assert first != second
    assert story.serial(told.box, story.LIVE) == second
    assert [story.serial(told.box, copy) for copy in story.COPIES] == [first, first]


def test_syslog_has_exactly_the_lines_of_both_runs(told: Told) -> None:
    assert [(tag, text) for _, tag, text in syslog(told) if "Consumed" not in text] == [
        ("systemd", "Started certbot.timer - Run certbot twice daily."),
        ("CRON", f"(root) CMD ({story.SCRIPT})"),
        ("renew-wildcard", "example.org handed to host1 and host2"),
        ("systemd", "certbot.timer: Deactivated successfully."),
        ("systemd", "Stopped certbot.timer - Run certbot twice daily."),
        ("systemd", "Started certbot.timer - Run certbot twice daily."),
        ("systemd", "Starting certbot.service - Certbot..."),
        ("systemd", "certbot.service: Deactivated successfully."),
        ("systemd", "Finished certbot.service - Certbot."),
    ]


def test_both_fired_when_the_story_says(told: Told) -> None:
    times = {text: time for time, _, text in syslog(told)}
    by_cron = times[f"(root) CMD ({story.SCRIPT})"]
    by_timer = times["Starting certbot.service - Certbot..."]
    assert timedelta(0) <= by_cron - told.story.cron_fired < SOON
    assert timedelta(0) <= by_timer - told.story.timer_fired < SOON
    fields = f"{by_cron.minute} {by_cron.hour} * * {by_cron.isoweekday() % 7}"
    assert told.story.schedule == fields
    assert by_cron.utcoffset() == timedelta(hours=9)


def test_certbots_log_has_both_runs_in_local_time(told: Told) -> None:
    log = told.box.read("/var/log/letsencrypt/letsencrypt.log")
    assert log.count(":certbot version: ") == 2
    calls = re.findall(r"^(\S+ \S+),\d+:DEBUG:certbot\._internal\.main:Arguments: (.*)$", log, re.M)
    assert "--manual-auth-hook" in calls[0][1]
    assert calls[1][1] == "['-q', '--no-random-sleep-on-renew']"
    fired = (told.story.cron_fired, told.story.timer_fired)
    for (time, _), moment in zip(calls, fired, strict=True):
        logged = datetime.fromisoformat(time).replace(tzinfo=told.box.zone)
        assert timedelta(0) <= logged - moment < timedelta(seconds=15)


def test_certbot_remembers_the_hooks_but_not_the_distribution(told: Told) -> None:
    conf = told.box.read(f"/etc/letsencrypt/renewal/{story.LINEAGE}.conf")
    assert "manual_auth_hook = /usr/local/sbin/dns-publish\n" in conf
    assert "renew_hook" not in conf


def test_the_service_was_started_by_the_timer(told: Told) -> None:
    shown = systemctl.show(told.box, "certbot.service", "TriggeredBy", "Result", "ActivationDetails")
    assert (shown["TriggeredBy"], shown["Result"]) == ("certbot.timer", "success")
    assert systemctl.show(told.box, "certbot.timer", "LastTriggerUSec")["LastTriggerUSec"]


def test_the_machine_is_as_an_admin_finds_it(told: Told) -> None:
    assert systemctl.file_state(told.box, "certbot.timer") == "enabled"
    for unit in ("cron.service", "certbot.timer"):
        assert systemctl.active_state(told.box, unit) == "active"
        assert systemctl.show(told.box, unit, "DropInPaths", "NeedDaemonReload") == {
            "DropInPaths": "",
            "NeedDaemonReload": "no",
        }
    assert not told.box.output("systemctl", "--failed", "--no-legend", "--plain")


def test_syslog_can_have_the_traditional_stamps(base_root: Path) -> None:
    with Box(base_root, zone="America/New_York") as box:
        story.settle(box, traditional=True)
        box.output("logger", "-t", "probe", "here")
        story.wait(box, "grep -q probe /var/log/syslog", "syslog has the line")
        now = datetime.now(box.zone)
        lines = box.read("/var/log/syslog").splitlines()
        stamp = now.strftime("%b %e %H:")
        assert [line for line in lines if re.fullmatch(rf"{stamp}\d\d:\d\d web1 probe: here", line)]
        assert not [line for line in lines if line[:4].isdigit()]
