"""Runs that could have changed places: what lowers an answer, and what tells the two apart."""

from __future__ import annotations

from datetime import timedelta

from certaudit.facts import Start
from certaudit.linking.history.exchange import exchanged
from certaudit.linking.history.ledger import Horizon, runs
from certaudit.model import Run
from certaudit.parsers.letsencrypt_log import LogRun
from certaudit.records import replace
from tests.linking.makers import (
    NOW,
    Files,
    cron,
    cron_start,
    linked,
    log_run,
    sudo,
    timer,
    unit_start,
)

SCRIPT = "/usr/local/sbin/renew"
TIMER = linked(timer())
WRAPPED = linked(cron(SCRIPT), files=Files({SCRIPT: "#!/bin/sh\napt-get update\ncertbot -q renew\n"}))
LONG_AGO = NOW - timedelta(days=30)
DOUBT = "but it and another run fit each other's start as well"
A, B, C, D = (cron_start(SCRIPT, at) for at in range(4))
ONE, OTHER = frozenset({"one"}), frozenset({"other"})


def known(*logged: LogRun, starts: tuple[Start, ...]) -> dict[str, Run]:
    """The answer about each run, by the second it began or was first seen at."""
    found = runs(logged, starts, (TIMER, WRAPPED), Horizon(LONG_AGO, LONG_AGO))
    whole = {
        run.ended: f"{log.first_seen:%M:%S}" for log in logged for run in found if run.ended == log.ended
    }
    return {whole[run.ended]: run for run in found if run.ended in whole}


def headless(at: float) -> LogRun:
    """A run of which the last record alone is left."""
    return replace(log_run(at, None), started=None, ended=NOW + timedelta(seconds=at), version=None)


def test_after_a_script_s_start_and_a_unit_s_either_of_two_runs_may_be_the_unit_s() -> None:
    """The second one was the script's, which did other work for 20 s; the first one was the unit's."""
    found = known(log_run(14.5), log_run(21), starts=(cron_start(SCRIPT), unit_start(13, ended=None)))
    assert {run.confidence for run in found.values()} == {"medium"}
    assert found["00:21"].because[-1] == DOUBT


def test_a_run_without_its_head_is_a_rival_of_each_start_before_it() -> None:
    starts = (cron_start(SCRIPT), unit_start(37, ended=None))
    found = known(headless(39), log_run(50), starts=starts)
    assert found["00:50"].confidence == "medium"
    assert found["00:50"].because[-1] == DOUBT
    late = known(headless(200), log_run(38), starts=starts)
    assert late["00:38"].confidence == "medium"


def test_a_run_without_its_head_that_nothing_explains_may_be_the_one_that_a_start_made() -> None:
    found = known(log_run(1), headless(100), starts=(unit_start(ended=None),))
    assert found["00:01"].confidence == "low"
    assert found["00:01"].because[-1] == "but another run fits that start as well"
    assert known(log_run(1), log_run(60), starts=(unit_start(ended=None),))["00:01"].confidence == "high"


def test_the_end_of_the_unit_tells_the_two_apart() -> None:
    starts = (cron_start(SCRIPT), unit_start(37, ended=41))
    found = known(log_run(38), log_run(50), starts=starts)
    assert (found["00:38"].trigger, found["00:38"].confidence) == ("timer:certbot.timer", "high")
    assert found["00:50"].trigger == "cron:/etc/cron.d/renew:1"


def test_a_run_half_a_minute_after_it_is_no_rival_of_a_unit_that_calls_its_client_at_once() -> None:
    starts = (cron_start(SCRIPT), unit_start(37, ended=None))
    found = known(log_run(38), log_run(67), starts=starts)
    assert (found["00:38"].trigger, found["00:38"].confidence) == ("timer:certbot.timer", "high")


def test_a_person_who_starts_the_unit_is_as_unsure_as_its_timer() -> None:
    person = sudo("/usr/bin/systemctl start certbot.service", 6)
    starts = (cron_start(SCRIPT), person, unit_start(6.1, ended=None))
    found = known(log_run(7), log_run(20), starts=starts)
    assert (found["00:20"].actor, found["00:20"].confidence) == ("manual", "medium")
    assert found["00:20"].because[-1] == DOUBT
    alone = known(log_run(7), starts=starts[1:])
    assert (alone["00:07"].actor, alone["00:07"].confidence) == ("manual", "high")


def test_a_client_called_with_sudo_may_be_the_other_of_two_runs() -> None:
    starts = (unit_start(ended=None), sudo("/usr/bin/certbot -q renew", 0.4))
    found = known(log_run(1), log_run(4), starts=starts)
    assert (found["00:04"].actor, found["00:04"].confidence) == ("manual", "medium")
    assert found["00:04"].because[-1] == DOUBT
    before = known(log_run(0.3), log_run(4), starts=(starts[0], sudo("/usr/bin/certbot -q renew", 3)))
    assert (before["00:04"].actor, before["00:04"].confidence) == ("manual", "high")


def test_runs_change_places_in_a_ring_of_any_length() -> None:
    ways = [{A: ONE, B: OTHER}, {B: OTHER, C: OTHER}, {C: OTHER, A: ONE}]
    settled = {0: A, 1: B, 2: C}
    assert set(exchanged(ways, settled, frozenset())) == {0, 2}  # 1 keeps its trigger
    assert set(exchanged(ways[:2], {0: A, 1: B}, frozenset())) == set()


def test_a_start_that_is_left_over_lets_the_runs_move_up() -> None:
    ways = [{A: ONE, B: OTHER}, {B: OTHER, D: OTHER}]
    assert set(exchanged(ways, {0: A, 1: B}, frozenset({D}))) == {0}
    assert set(exchanged(ways, {0: A, 1: B}, frozenset({C}))) == set()
