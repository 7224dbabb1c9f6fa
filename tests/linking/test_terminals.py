"""What proves that a run had a terminal, and whom that rules out."""

from __future__ import annotations

import pytest

from certaudit.facts import Typed
from certaudit.linking.history.around import Around, Attribution
from certaudit.linking.history.attribution import attribute
from certaudit.linking.history.terminals import had_terminal
from certaudit.linking.paths import Linked
from certaudit.model import Evidence
from certaudit.parsers.letsencrypt_log import LogEvidence, LogRun
from certaudit.records import replace
from tests.linking.makers import NOW, cron, cron_start, linked, log_outcome, log_run, timer, unit_start

TIMER = linked(timer())
CRON = linked(cron("certbot renew"))
RENEWED = log_run(1, (), outcomes=(log_outcome(2, 5),))


def judge(run: LogRun, *starts: object, among: tuple[Linked, ...] = (TIMER, CRON)) -> Attribution:
    return attribute(run, starts, among, covered=True)  # type: ignore[arg-type]


def test_a_renewal_without_the_sleep_before_it_had_a_terminal() -> None:
    assert had_terminal(RENEWED)
    found = judge(RENEWED)
    assert (found.trigger, found.actor, found.confidence) == (None, "manual", "medium")
    assert found.because == (
        "it renewed without the random sleep before it, which certbot leaves out at a terminal only",
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(RENEWED, delay=12.5),
        replace(RENEWED, outcomes=(log_outcome(2),)),  # not due: no sleep either
        replace(RENEWED, outcomes=()),
        replace(RENEWED, arguments=("-q", "--no-random-sleep-on-renew")),
        replace(RENEWED, arguments=("--no-random-sleep",)),
        replace(RENEWED, arguments=("--config", "/etc/own.ini")),
        replace(RENEWED, arguments=None),
        replace(RENEWED, subcommand="certonly"),
        replace(RENEWED, subcommand=None),
        replace(RENEWED, version="0.28.0"),
        replace(RENEWED, version="0.29.1"),
        replace(RENEWED, version=None),
        replace(RENEWED, started=None),
        replace(RENEWED, entry_point="/usr/local/bin/certbot"),
        replace(RENEWED, evidence=tuple(LogEvidence(f"l.{n}", 1, "x", NOW) for n in (1, 2))),
    ],
)
def test_anything_else_proves_nothing(other: LogRun) -> None:
    assert not had_terminal(other)
    assert judge(other).confidence == "unknown"


def test_a_start_right_before_it_is_not_its_own() -> None:
    line = cron_start("certbot renew")
    assert judge(RENEWED, line).actor == "manual"
    assert judge(replace(RENEWED, delay=3.0), line).trigger == "cron:/etc/cron.d/renew:1"
    quiet = replace(RENEWED, arguments=("-q",))
    assert judge(quiet, unit_start()).actor == "manual"
    assert judge(replace(quiet, delay=3.0), unit_start()).confidence == "high"


@pytest.mark.parametrize(
    "command", ["docker run -t certbot/certbot renew", "script -qc 'certbot renew'"]
)
def test_a_trigger_that_can_give_a_terminal_is_not_ruled_out(command: str) -> None:
    other = linked(cron(f"{command}; certbot renew"))
    assert judge(RENEWED, among=(TIMER, other)).confidence == "unknown"


def test_a_cli_ini_that_forbids_the_sleep_leaves_no_proof() -> None:
    told = tuple(replace(one, sleepless=True) for one in (TIMER, CRON))
    assert judge(RENEWED, among=told).confidence == "unknown"
    assert judge(RENEWED, cron_start("certbot renew"), among=told).confidence == "high"


def test_where_no_trigger_is_known_nothing_is_known_of_cli_ini_either() -> None:
    assert judge(RENEWED, among=()).confidence == "low"


def test_a_shell_history_without_times_is_shown_beside_it() -> None:
    line = Evidence("/root/.bash_history", 8, "certbot renew")
    around = Around(typed=(Typed("certbot renew", "root", line),))
    found = attribute(RENEWED, (), (TIMER, CRON), covered=True, around=around)
    assert (found.actor, found.confidence, found.evidence) == ("manual", "medium", (line,))
    assert found.because[-1] == "root's shell history holds `certbot renew`, without saying when"
