"""A machine that lived the story: a cron job that distributes, and the packaged timer that steals."""

from __future__ import annotations

import os
import tarfile
from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.audit import audit, observe
from certaudit.host.machine import open_host
from certaudit.model import Policy, Report
from certaudit.parsers.systemctl_show import parse_show
from certaudit.rules import rules

MACHINES = Path(os.environ.get("CERTAUDIT_CORPUS", "/nonexistent")) / "machines"
TREE = MACHINES / "debian12-wildcard-story.tar.gz"
SAID = MACHINES / "debian12-wildcard-story.bus.tar.gz"
AS_OF = datetime(2026, 11, 23, 8, 10, tzinfo=timezone.utc)
CRON, TIMER = "cron:/etc/cron.d/renew-wildcard:3", "timer:certbot.timer"
OWNER = f"{CRON}>/usr/local/sbin/renew-wildcard.sh>certbot"
HIDDEN = f"{TIMER}>certbot.service>certbot"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not TREE.is_file(), reason="CERTAUDIT_CORPUS names no folder with machines/"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    root = tmp_path_factory.mktemp("story")
    with tarfile.open(TREE) as archive:
        archive.extractall(root)
    return audit(observe(open_host(root, AS_OF), Policy()), rules())


def said(name: str) -> dict[str, str]:
    with tarfile.open(SAID) as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith(f"/{name}"))
        stream = archive.extractfile(member)
        assert stream is not None
        text = stream.read().decode()
    (properties,) = parse_show(text)
    return properties


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=timezone.utc)


def test_owner_and_hidden_path(report: Report) -> None:
    lineage = report.model.lineage("example.test")
    assert lineage is not None
    assert (lineage.owner, lineage.owner_source) == (OWNER, "inferred")
    assert set(lineage.renewers) == {OWNER, HIDDEN}
    hidden = report.model.path(HIDDEN)
    assert hidden is not None and hidden.hidden_for == ("example.test",) and hidden.distribution == ()
    assert lineage.live == 2


def test_triggers(report: Report) -> None:
    states = {trigger.id: trigger.state for trigger in report.model.triggers}
    assert states == {TIMER: "armed", CRON: "armed", "cron:/etc/cron.d/certbot:17": "dormant"}
    packaged = report.model.trigger("cron:/etc/cron.d/certbot:17")
    assert packaged is not None and packaged.reasons[0].code == "guard-false"
    assert "/run/systemd/system" in packaged.reasons[0].text


def test_exactly_two_runs_made_two_generations(report: Report) -> None:
    lineage = report.model.lineage("example.test")
    assert lineage is not None
    one, two = lineage.generations
    made = [(r.id, r.trigger, r.confidence, r.outcomes[0].generation) for r in report.model.runs]
    assert made == [(one.made_by.run, CRON, "high", 1), (two.made_by.run, TIMER, "high", 2)]
    assert (one.relation, one.made_by.trigger, one.made_by.confidence) == ("owner", CRON, "high")
    assert (two.relation, two.made_by.trigger, two.made_by.confidence) == ("stolen", TIMER, "high")


def test_four_stale_copies_and_three_findings(report: Report) -> None:
    copies = {d.where: (d.generation, d.status, d.written_by) for d in report.model.deployments}
    places = [
        f"/srv/{host}/tls/{part}.pem" for host in ("host1", "host2") for part in ("fullchain", "privkey")
    ]
    assert copies == dict.fromkeys(places, (1, "stale", OWNER))
    assert {(r.rule, f.subject, f.severity) for r, f in report.findings} == {
        ("hidden-renewal-path", "example.test", "high"),
        ("stale-copy", "example.test", "medium"),
        ("stolen-renewal", "example.test", "medium"),
    }


def test_the_files_say_what_the_manager_said(report: Report) -> None:
    timer, shown = report.model.trigger(TIMER), said("show-certbot.timer.txt")
    assert timer is not None
    assert (timer.file_state, timer.source.path) == (shown["UnitFileState"], shown["FragmentPath"])
    assert shown["ActiveState"] == "active" and timer.armed
    assert shown["Triggers"] == "certbot.service"
    assert timer.last_fired is not None and timer.schedule is not None
    assert abs((timer.last_fired - moment(shown["LastTriggerUSec"])).total_seconds()) <= 1
    earliest, latest = timer.schedule.next_earliest, timer.schedule.next_latest
    assert earliest is not None and latest is not None
    assert earliest <= moment(shown["NextElapseUSecRealtime"]) <= latest
    assert said("show-cron.service.txt")["UnitFileState"] == "enabled"  # so that the cron line is armed
