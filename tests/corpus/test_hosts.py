"""Trees of real hosts: the report that their administrators would agree with."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.audit import audit, observe
from certaudit.host.machine import open_host
from certaudit.model import Policy, Report
from certaudit.rules import rules

HOSTS = Path(os.environ.get("CERTAUDIT_CORPUS", "/nonexistent")) / "hosts"
AS_OF = datetime(2020, 8, 1, tzinfo=timezone.utc)

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not HOSTS.is_dir(), reason="CERTAUDIT_CORPUS names no folder with hosts/"),
]


def report_of(name: str) -> Report:
    return audit(observe(open_host(HOSTS / name, AS_OF), Policy()), rules())


def states(report: Report) -> dict[str, str]:
    return {trigger.id: trigger.state for trigger in report.model.triggers}


def flagged(report: Report) -> list[tuple[str, str, str, str]]:
    return [(r.rule, f.subject, f.severity, f.confidence) for r, f in report.findings]


def test_three_that_look_armed_and_two_that_are() -> None:
    report = report_of("arne_debian9_triple")
    lineage = "arne-vandebemdt.sb.uclllabs.be"
    assert states(report) == {
        "timer:certbot.timer": "armed",
        "cron:/etc/cron.d/certbot:17": "dormant",
        "cron:/var/spool/cron/crontabs/root:25": "armed",
    }
    timer = report.model.trigger("timer:certbot.timer")
    assert timer is not None and not timer.certain  # only the link is in the tree
    assert timer.last_fired is None  # the stamp's own date is the checkout's
    found = report.model.lineage(lineage)
    assert found is not None and found.owner is None
    assert set(found.renewers) == {
        "timer:certbot.timer>certbot.service>certbot",
        "cron:/var/spool/cron/crontabs/root:25>certbot",
    }
    assert flagged(report) == [("rival-renewal-paths", lineage, "low", "medium")]
    reasons = " ".join(gap.reason for gap in report.model.gaps)
    assert "the file of certbot.timer is not part of this tree" in reasons
    assert "scripts that are named here are not in the tree: 2" in reasons
    assert "/var/log/letsencrypt is not in the tree" in reasons


def test_a_crontab_that_cron_refuses_for_its_last_line() -> None:
    # the last line has no newline, so Debian's cron ignores the file, the added line with it
    report = report_of("carl_debian9")
    found = states(report)
    assert found["timer:certbot.timer"] == "armed"
    assert {state for name, state in found.items() if name.startswith("cron:")} == {"off"}
    trigger = report.model.trigger("cron:/etc/cron.d/certbot:11")
    assert trigger is not None and trigger.reasons[0].code == "file-refused"
    assert report.model.lineages == ()
    assert "renewal" in report.model.absent
    assert flagged(report) == []
    assert {result.status for result in report.results} <= {"passed", "not_assessed"}


@pytest.mark.parametrize(
    ("name", "lineage", "cron", "certain"),
    [
        ("glpi_debian9", "glpi-kb.tk", "cron:/etc/cron.d/certbot:17", False),
        ("latinmol_ubuntu18", "cake.virtualium.ttde.com.ar", "cron:/etc/cron.d/certbot:11", True),
    ],
)
def test_a_packaged_certbot_has_one_renewer(name: str, lineage: str, cron: str, certain: bool) -> None:
    report = report_of(name)
    assert states(report) == {"timer:certbot.timer": "armed", cron: "dormant"}
    timer = report.model.trigger("timer:certbot.timer")
    assert timer is not None and timer.certain is certain
    found = report.model.lineage(lineage)
    assert found is not None
    assert found.renewers == ("timer:certbot.timer>certbot.service>certbot",)
    assert found.owner == found.renewers[0] and found.owner_source == "inferred"
    assert flagged(report) == []
    statuses = {result.rule: result.status for result in report.results}
    assert statuses["broken-renewal-conf"] == "not_assessed"  # archive/ and live/ are not in the tree
    assert statuses["expired-or-expiring"] == "not_assessed"
