"""certaudit where it may not see all, or where nobody answers: what it then says, and what it must not.

No crash, no traceback, an exit code of the contract; each thing that was not seen is a Gap, and no
question that needs it is answered.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.live.box import CHECKOUT, Box
from tests.live.differences import TIMER, Difference, disagreements, pair
from tests.live.root import root
from tests.live.story import LINEAGE, OWNER, Told
from tests.live.variation import PACKAGED

USER = "alice"
HIDDEN = "/srv/hidden"  # holds a pystemd that cannot be imported
BLIND = f"{HIDDEN}:{CHECKOUT}"
CLOSED = {  # what only root may read on a Debian machine, and the aspect of the Gap that says so
    "/var/spool/cron/crontabs": "cron",
    f"/etc/letsencrypt/archive/{LINEAGE}": "certificates",
    "/var/log/letsencrypt": "logs",
    "/var/log/syslog": "logs",
    "journal": "journal",
}
SEES_EVERYTHING = frozenset({"passed", "flagged"})
needs_pystemd = pytest.mark.skipif(
    importlib.util.find_spec("pystemd") is None, reason="pystemd is not installed: systemctl answers"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """How certaudit ended, and its report."""

    code: int
    complaint: str
    report: dict[str, Any]

    @property
    def backend(self) -> str | None:
        """Who told of units."""
        backend = self.report["host"]["systemd"]
        assert backend is None or isinstance(backend, str)
        return backend

    @property
    def states(self) -> dict[str, str]:
        """The states of the triggers by id."""
        return {trigger["id"]: trigger["state"] for trigger in self.report["triggers"]}

    def statuses(self) -> dict[str, str]:
        """What became of each question."""
        return {result["rule"]: result["status"] for result in self.report["results"]}

    def gap(self, part: str) -> dict[str, Any] | None:
        """The Gap that names a thing."""
        named = (g for g in self.report["gaps"] if part in json.dumps(g))
        return next(named, None)


def asked(
    box: Box,
    *arguments: str,
    user: str = "root",
    path: str = str(CHECKOUT),
    within: tuple[str, ...] = (),
) -> Answer:
    """``certaudit audit`` in a box; no traceback and no code but the contract's may come out."""
    command = (sys.executable, "-m", "certaudit", "audit", "--format", "json", *arguments)
    env = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done: subprocess.CompletedProcess[str] = box.run(*within, *command, user=user, env=env)
    assert "Traceback" not in done.stderr, done.stderr
    assert "bug in certaudit" not in done.stderr, done.stderr
    assert done.returncode in (0, 1, 3), done.stderr
    return Answer(done.returncode, done.stderr, json.loads(done.stdout))


def prepared(box: Box) -> Box:
    """With an ordinary user, and a pystemd that fails to load."""
    box.output("/usr/sbin/useradd", "--create-home", USER)
    box.write(f"{HIDDEN}/pystemd/__init__.py", "raise ImportError('hidden')\n")
    return box


@pytest.fixture(scope="module")
def box(told: Told, base_root: Path) -> Iterator[Box]:
    with Box(base_root, saved=told.saved, zone=told.zone) as box:
        yield prepared(box)


@pytest.fixture(scope="module")
def deaf(told: Told, base_root: Path) -> Iterator[Box]:
    """D-Bus has been stopped."""
    with Box(base_root, saved=told.saved, zone=told.zone) as box:
        prepared(box).output("/usr/bin/systemctl", "stop", "dbus.socket", "dbus.service")
        yield box


@pytest.fixture(scope="module")
def guarded(told: Told) -> Iterator[Box]:
    """polkit is installed, and runs."""
    with Box(root(("polkitd",)), saved=told.saved, zone=told.zone) as box:
        prepared(box).output("/usr/bin/systemctl", "start", "polkit.service")
        yield box


@needs_pystemd
@pytest.mark.parametrize("user", ["root", USER])
def test_the_bus_answers_everyone(box: Box, user: str) -> None:
    answer = asked(box, user=user)
    assert (answer.backend, answer.gap("manager")) == ("dbus", None)
    assert answer.states[TIMER] == "armed"


@pytest.mark.parametrize("user", ["root", USER])
def test_without_pystemd_systemctl_answers(box: Box, user: str) -> None:
    answer = asked(box, user=user, path=BLIND)
    assert (answer.backend, answer.gap("manager")) == ("systemctl", None)
    assert answer.states[TIMER] == "armed"


@needs_pystemd
def test_the_bus_and_systemctl_give_the_same_report(box: Box) -> None:
    as_of = datetime.now(box.zone).isoformat()
    bus, shown = (asked(box, "--as-of", as_of, path=path) for path in (str(CHECKOUT), BLIND))
    who = Difference(("host", "systemd"), "Who answered.", pair("dbus", "systemctl"))
    assert disagreements(whole_seconds(bus.report), whole_seconds(shown.report), (who,)) == []


def whole_seconds(report: dict[str, Any]) -> dict[str, Any]:
    """A report whose triggers' times are cut to what systemctl prints."""
    for trigger in report["triggers"]:
        schedule = trigger["schedule"] or {}
        for record, name in (
            (schedule, "next_earliest"),
            (schedule, "next_latest"),
            (trigger, "last_fired"),
        ):
            if record.get(name):
                record[name] = datetime.fromisoformat(record[name]).replace(microsecond=0).isoformat()
    return report


def test_root_sees_all(box: Box) -> None:
    answer = asked(box)
    assert answer.report["gaps"] == []
    assert set(answer.statuses().values()) == SEES_EVERYTHING
    assert answer.code == 1


def check_what_a_user_is_told(answer: Answer) -> None:
    """What is closed is named; nothing that needs it is answered; nothing is called absent."""
    for place, aspect in CLOSED.items():
        gap = answer.gap(place)
        assert gap is not None, place
        assert gap["aspect"] == aspect
    lineage = next(x for x in answer.report["lineages"] if x["name"] == LINEAGE)
    assert (lineage["live"], lineage["not_after"], lineage["generations"]) == (None, None, [])
    assert answer.states[OWNER] == "armed"
    statuses = answer.statuses()
    passed = {rule for rule, status in statuses.items() if status == "passed"}
    assert passed <= {"half-switched-unit"}, "what was not seen cannot have passed"
    for rule in ("expired-or-expiring", "stale-copy", "stolen-renewal", "no-renewal-path"):
        assert statuses[rule] == "not_assessed"


def test_a_user_is_told_what_he_cannot_see(box: Box) -> None:
    check_what_a_user_is_told(asked(box, user=USER))


@needs_pystemd
def test_polkit_makes_no_difference(guarded: Box) -> None:
    assert guarded.output("/usr/bin/systemctl", "is-active", "polkit.service").strip() == "active"
    answer = asked(guarded, user=USER)
    assert answer.backend == "dbus"
    check_what_a_user_is_told(answer)
    refused = guarded.run("/usr/bin/systemctl", "--no-ask-password", "stop", "certbot.timer", user=USER)
    assert refused.returncode != 0
    assert asked(guarded).report["gaps"] == []


def test_an_open_question_ends_with_its_own_code_if_asked_to(box: Box) -> None:
    assert asked(box, "--strict", user=USER).code == 3
    assert asked(box, user=USER).code in (0, 1)
    assert asked(box, "--strict", "--fail-on", "never").code == 0


def test_with_the_faults_unseen_nothing_is_called_fine(told: Told, base_root: Path) -> None:
    with Box(base_root, saved=told.saved, zone=told.zone) as box:
        prepared(box).output("/usr/bin/systemctl", "disable", "--now", "certbot.timer")
        answer = asked(box, user=USER)
    check_what_a_user_is_told(answer)
    assert answer.states[TIMER] == "off"
    verdict = answer.report["summary"]["verdict"]
    assert "as far as could be seen" in verdict, verdict


def test_without_the_bus_root_still_reaches_the_manager(deaf: Box) -> None:
    answer = asked(deaf)
    assert answer.backend == "systemctl"
    assert answer.report["gaps"] == []
    timer = next(t for t in answer.report["triggers"] if t["id"] == TIMER)
    assert (timer["state"], timer["active_state"]) == ("armed", "active")
    assert timer["schedule"]["next_earliest"] == timer["schedule"]["next_latest"]


@pytest.mark.parametrize("path", [str(CHECKOUT), BLIND], ids=["pystemd", "no-pystemd"])
def test_without_the_bus_a_user_has_the_files_and_is_told_how_to_see_more(deaf: Box, path: str) -> None:
    answer = asked(deaf, user=USER, path=path)
    check_what_a_user_is_told(answer)
    assert answer.backend == "unit-files"
    assert answer.statuses()["half-switched-unit"] == "not_assessed"
    gap = answer.gap("the running manager could not be asked")
    assert gap is not None
    assert gap["aspect"] == "systemd"
    assert "as root" in gap["reason"]
    timer = next(t for t in answer.report["triggers"] if t["id"] == TIMER)
    assert (timer["state"], timer["active_state"]) == ("armed", None)


WITHOUT_SYSTEMD = (
    "/usr/bin/unshare", "--mount", "--pid", "--fork", "--mount-proc", "/bin/sh", "-c",
    'mount -t tmpfs tmpfs /run && exec "$@"', "sh",
)  # fmt: skip


@pytest.mark.parametrize("user", ["root", USER])
def test_in_a_container_without_systemd_no_unit_is_claimed(box: Box, user: str) -> None:
    become = ("/usr/bin/setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups")
    answer = asked(box, within=(*WITHOUT_SYSTEMD, *(become if user != "root" else ())))
    host = answer.report["host"]
    assert (host["live"], host["systemd"]) == (True, None)
    assert host["init"] != "systemd"
    assert TIMER not in answer.states
    assert answer.states[OWNER] == "dormant", "no cron daemon runs here"
    renewers = [x["renewers"] for x in answer.report["lineages"] if x["name"] == LINEAGE]
    assert renewers == [[]]
    if user == "root":
        assert [gap["aspect"] for gap in answer.report["gaps"]] == []
        assert answer.statuses()["no-renewal-path"] == "flagged"
    else:
        check_closed(answer)


def test_cron_in_a_container_without_systemd_runs_the_packaged_line(box: Box) -> None:
    with_cron = tuple(word.replace("&& exec", "&& cron && exec") for word in WITHOUT_SYSTEMD)
    answer = asked(box, within=with_cron)
    assert answer.states[OWNER] == answer.states[PACKAGED] == "armed"
    assert TIMER not in answer.states
    renewers = {x["name"]: x["renewers"] for x in answer.report["lineages"]}[LINEAGE]
    assert {renewer.partition(">")[0] for renewer in renewers} == {OWNER, PACKAGED}


def check_closed(answer: Answer) -> None:
    """The directories that only root may enter are named."""
    for place in ("/var/spool/cron/crontabs", f"/etc/letsencrypt/archive/{LINEAGE}"):
        assert answer.gap(place) is not None, place
