"""Runs from logs and from start lines, and the generations they made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certaudit.facts import Start
from certaudit.linking.history.ledger import Horizon, generations, runs
from certaudit.linking.paths import Linked
from certaudit.model import Generation, Run, Schedule
from certaudit.parsers.letsencrypt_log import LogRun
from certaudit.records import replace
from tests.linking.makers import (
    NOW,
    cron,
    cron_start,
    generation,
    lineage,
    linked,
    log_outcome,
    log_run,
    sudo,
    timer,
    unit_start,
)

TIMER, CRON = linked(timer()), linked(cron("certbot -q renew"))
LONG_AGO = NOW - timedelta(days=30)
SEEN = Horizon(LONG_AGO, LONG_AGO)
RENEWED = log_run(1, delay=0.5, outcomes=(log_outcome(2, 1),))
OWNER = "cron:/etc/cron.d/renew:1>certbot"


def known(
    *logged: LogRun,
    starts: tuple[Start, ...] = (),
    among: tuple[Linked, ...] = (TIMER, CRON),
    horizon: Horizon = SEEN,
) -> tuple[Run, ...]:
    return runs(logged, starts, among, horizon)


def made(*found: Run, owner: str | None = OWNER, existed: bool | None = True) -> Generation:
    one = lineage(owner=owner, generations=(generation(1),))
    return generations(one, found, lambda _: existed).generations[0]


def test_a_run_and_its_start_line_are_one_run() -> None:
    (run,) = known(log_run(1), starts=(unit_start(),))
    assert (run.id, run.trigger, run.confidence) == ("r1", "timer:certbot.timer", "high")
    assert run.started == NOW + timedelta(seconds=1)


def test_runs_are_numbered_in_order_of_time() -> None:
    found = known(log_run(90_000), log_run(1), starts=(unit_start(40_000, ended=40_001),))
    assert [run.id for run in found] == ["r1", "r2", "r3"]
    assert [run.started for run in found] == sorted(run.started for run in found if run.started)


def test_a_start_without_a_log_is_a_run_of_which_little_is_known() -> None:
    (run,) = known(starts=(unit_start(),), horizon=Horizon(None, LONG_AGO))
    assert (run.trigger, run.actor, run.confidence) == ("timer:certbot.timer", "trigger", "high")
    assert (run.version, run.arguments, run.subcommand, run.outcomes) == (None, None, None, ())
    assert run.ended == NOW + timedelta(seconds=30)


def test_a_start_whose_client_was_locked_out_says_so() -> None:
    (run,) = known(starts=(replace(unit_start(), locked=True, failed=True),))
    assert (run.trigger, run.confidence) == ("timer:certbot.timer", "high")
    assert run.because == (
        "its client found another instance at work and gave up, which leaves no log of its own",
    )


def test_a_cron_line_is_no_run_where_the_clients_log_would_show_one() -> None:
    line = cron_start("certbot -q renew")
    assert known(starts=(line,)) == ()
    assert len(known(starts=(line,), horizon=Horizon(None, LONG_AGO))) == 1


def test_a_start_that_leads_to_no_client_is_no_run() -> None:
    assert known(starts=(unit_start(unit="apt-daily.service"), sudo("/usr/bin/certbot renew"))) == ()


def test_a_start_line_that_two_triggers_share_names_neither() -> None:
    twin = linked(timer(name="other", state="off"))
    start = Start("unit", NOW, unit_start().evidence, ("certbot.service", "other.service"))
    (run,) = known(starts=(start,), among=(TIMER, twin), horizon=Horizon(None, LONG_AGO))
    assert (run.trigger, run.confidence) == (None, "unknown")


def test_the_lines_of_the_log_are_evidence_after_the_start_line() -> None:
    (run,) = known(RENEWED, starts=(unit_start(),))
    assert run.evidence[0].place == "/var/log/syslog:3"
    assert run.outcomes[0].evidence[0].place == "/var/log/letsencrypt/letsencrypt.log:7"


def test_the_owners_generation() -> None:
    found = made(*known(RENEWED, starts=(cron_start("certbot -q renew"),)))
    assert (found.made_by.trigger, found.relation) == ("cron:/etc/cron.d/renew:1", "owner")
    assert found.written == NOW + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("existed", "relation"), [(True, "stolen"), (False, "unknown"), (None, "unknown")]
)
def test_a_generation_of_another_path_is_stolen_only_while_there_was_an_owner(
    existed: bool | None, relation: str
) -> None:
    found = made(*known(RENEWED, starts=(unit_start(),)), existed=existed)
    assert (found.made_by.trigger, found.relation) == ("timer:certbot.timer", relation)


def test_without_an_owner_nothing_is_stolen() -> None:
    assert made(*known(RENEWED, starts=(unit_start(),)), owner=None).relation == "unknown"


def test_a_generation_made_by_hand_is_manual() -> None:
    found = made(*known(RENEWED, starts=(sudo("/usr/bin/certbot renew"),)))
    assert (found.made_by.actor, found.made_by.trigger, found.relation) == ("manual", None, "manual")


def test_a_generation_of_an_unattributed_run_is_unknown() -> None:
    found = made(*known(RENEWED))
    assert (found.made_by.run, found.made_by.actor, found.relation) == ("r1", "unknown", "unknown")


def test_a_generation_that_no_log_shows_is_unknown() -> None:
    found = made()
    assert found.made_by.because == ("no run that made it is in the logs",)
    assert (found.made_by.run, found.made_by.confidence) == (None, "unknown")


@pytest.mark.parametrize("hours", [-1, 3, 24 * 60])
def test_a_number_alone_does_not_tie_a_run_to_a_generation(hours: int) -> None:
    at = hours * 3600
    found = made(*known(log_run(at, outcomes=(log_outcome(at, 1),))))
    assert found.made_by.run is None


def test_another_number_or_lineage_is_not_meant() -> None:
    other = log_outcome(2, 1, lineage="b.example")
    assert made(*known(log_run(1, outcomes=(log_outcome(2, 7), other)))).made_by.run is None


def test_a_run_that_only_tried_made_nothing() -> None:
    simulated = log_outcome(2, 1, outcome="simulated")
    assert made(*known(log_run(1, outcomes=(simulated,)))).made_by.run is None


def test_two_runs_within_one_start_that_makes_one_are_both_in_doubt() -> None:
    """A person typed the same in the same seconds: which of the two is the timer's nothing tells."""
    start = unit_start(ended=6)
    first = log_run(1, ended=NOW + timedelta(seconds=2.5))
    second = replace(log_run(4), where="/var/log/letsencrypt/letsencrypt.log.1")
    alone = known(first, starts=(start,))
    assert [run.confidence for run in alone] == ["high"]
    both = known(first, second, starts=(start,))
    assert {run.confidence for run in both} <= {"low", "unknown"}


def test_a_start_after_its_timers_last_firing_was_made_by_something_else() -> None:
    schedule = Schedule(("*-*-* 00,12:00:00",), 43_200.0)
    fired = replace(TIMER.trigger, schedule=schedule, last_fired=NOW - timedelta(hours=2))
    (run,) = known(starts=(unit_start(),), among=(replace(TIMER, trigger=fired),))
    assert (run.trigger, run.actor, run.confidence) == (None, "manual", "low")
    stamped = replace(fired, last_fired=NOW)
    (run,) = known(starts=(unit_start(),), among=(replace(TIMER, trigger=stamped),))
    assert (run.trigger, run.actor, run.confidence) == ("timer:certbot.timer", "trigger", "high")


def test_a_persons_line_is_the_first_runs_and_no_others() -> None:
    """The timer's own run came seconds later, with the arguments that its command had then."""
    line, start = sudo("/usr/bin/certbot -q renew"), unit_start(4, ended=6)
    other = linked(timer("/usr/bin/certbot -q renew --no-random-sleep-on-renew"))
    own = log_run(1, ended=NOW + timedelta(seconds=2))
    later = replace(log_run(4.5, ended=NOW + timedelta(seconds=5.5)), where="/var/log/other")
    first, second = known(own, later, starts=(line, start), among=(other, CRON))
    assert (first.actor, first.confidence) == ("manual", "high")
    assert (second.trigger, second.actor) == ("timer:certbot.timer", "trigger")
    alone = known(later, starts=(line, start), among=(other, CRON))
    assert [run.confidence for run in alone if run.arguments is not None] == ["unknown"]
