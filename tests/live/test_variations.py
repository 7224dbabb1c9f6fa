"""Every variation really is what it says, by the real programs; and certaudit says the same of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import systemctl
from tests.live.audit import disagreements, report
from tests.live.box import Box
from tests.live.packaged_variations import DAILY
from tests.live.story import LINEAGE, SCRIPT, Told, generations, start_acme_server, wait
from tests.live.variation import OWNER, PACKAGED_LINE, PACKAGED_TABLE, TIMER
from tests.live.variations import VARIATIONS, Variation, machine


@pytest.fixture(scope="module", params=list(VARIATIONS.values()), ids=list(VARIATIONS))
def variation(request: pytest.FixtureRequest) -> Variation:
    chosen = request.param
    assert isinstance(chosen, Variation)
    return chosen


@pytest.fixture(scope="module")
def varied(variation: Variation, told: Told) -> Iterator[Box]:
    with machine(variation, told.saved, told.zone) as box:
        yield box


def test_the_manager_says_so(variation: Variation, varied: Box) -> None:
    for name, truth in variation.units.items():
        user, _, unit = name.rpartition("/")
        said = (
            systemctl.file_state(varied, unit, user or None),
            systemctl.active_state(varied, unit, user or None),
        )
        assert said == truth, name
    check_timers(variation, varied)
    check_tables(variation, varied)
    check_daily(variation, varied)


def test_certaudit_says_so(variation: Variation, varied: Box) -> None:
    assert disagreements(variation, report(varied)) == []


def check_timers(variation: Variation, box: Box) -> None:
    """A timer that is armed now, and not only from the next boot, has a next elapse; no other has."""
    known = systemctl.timers(box)
    for name, (_, active) in variation.units.items():
        if name.endswith(".timer") and "/" not in name:
            armed = variation.triggers.get(f"timer:{name}", "armed") == "armed" and active == "active"
            assert bool(known.get(name, {}).get("next")) == armed, name


def check_tables(variation: Variation, box: Box) -> None:
    """The files and lines that the truth names are there, and the line calls a client."""
    for trigger, state in variation.triggers.items():
        kind, _, where = trigger.partition(":")
        if kind == "cron":
            path, _, line = where.rpartition(":")
            assert box.exists(path) == (state != "absent"), trigger
            if state != "absent":
                text = box.read(path).splitlines()[int(line) - 1]
                assert "certbot" in text or trigger == OWNER


def check_daily(variation: Variation, box: Box) -> None:
    """run-parts itself says which scripts it would run."""
    runs = box.output("run-parts", "--test", "/etc/cron.daily").split()
    for trigger, state in variation.triggers.items():
        if trigger.startswith(DAILY):
            assert (trigger.partition(":")[2] in runs) == (state == "armed"), trigger


def test_the_packaged_line_is_where_the_truth_says(told: Told) -> None:
    line = told.box.read(PACKAGED_TABLE).splitlines()[PACKAGED_LINE - 1]
    assert "-d /run/systemd/system" in line
    assert told.box.run("sh", "-c", line.split("root ")[1].split("&&")[0]).returncode == 1


def test_a_report_that_says_otherwise_is_noticed() -> None:
    truth = VARIATIONS["timer-disabled"]
    triggers = [{"id": name, "state": state} for name, state in truth.triggers.items()]
    lineage = {"name": LINEAGE, "renewers": [f"{OWNER}>{SCRIPT}>certbot"]}
    right = {"triggers": triggers, "lineages": [{"name": "other", "renewers": ["x>y"]}, lineage]}
    assert disagreements(truth, right) == []
    wrong = {"triggers": [{"id": TIMER, "state": "armed"}, *triggers[1:]], "lineages": []}
    assert disagreements(truth, wrong) == [
        f"{TIMER}: armed, really off",
        f"renewers: [], really ['{OWNER}']",
    ]


@pytest.mark.parametrize(
    ("name", "starter"),
    [("pulled-in-by-success", "backup.service"), ("pulled-in-by-wants", "report.service")],
)
def test_a_service_really_pulls_in_certbot(told: Told, name: str, starter: str) -> None:
    with machine(VARIATIONS[name], told.saved, told.zone) as box:
        box.output("systemctl", "start", starter)
        started = "systemctl show -P ExecMainStartTimestampMonotonic certbot.service | grep -qv '^0$'"
        wait(box, started, "certbot.service has been started")


def test_a_stopped_timer_returns_with_a_reboot_and_a_disabled_one_ends(told: Told) -> None:
    for name, after in (("timer-stopped", "active"), ("timer-disabled-but-active", "inactive")):
        with machine(VARIATIONS[name], told.saved, told.zone) as box:
            box.reboot()
            assert systemctl.active_state(box, "certbot.timer") == after


def test_a_mask_by_hand_takes_effect_with_a_reload(told: Told) -> None:
    with machine(VARIATIONS["timer-masked-by-hand"], told.saved, told.zone) as box:
        box.output("systemctl", "daemon-reload")
        assert systemctl.active_state(box, "certbot.timer") == "failed"


def test_without_autorenew_neither_path_renews(told: Told) -> None:
    with machine(VARIATIONS["autorenew-off"], told.saved, told.zone) as box:
        before = generations(box)
        start_acme_server(box)
        box.output("systemctl", "start", "certbot.service")
        box.output(SCRIPT)
        assert "Certificate not yet due for renewal" in box.read("/var/log/letsencrypt/letsencrypt.log")
        assert generations(box) == before


def test_a_service_that_looks_elsewhere_finds_nothing_to_renew(told: Told) -> None:
    with machine(VARIATIONS["service-looks-elsewhere"], told.saved, told.zone) as box:
        before = generations(box)
        box.output("systemctl", "start", "certbot.service")
        assert "No renewals were attempted." in box.read("/opt/tls/log/letsencrypt.log")
        assert generations(box) == before
