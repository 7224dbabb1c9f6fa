"""What is lost near a start whose command sleeps: then nothing says that no other run fits it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from certaudit.facts import Start
from certaudit.history import Hole
from certaudit.linking.history.ledger import Horizon, runs
from certaudit.parsers.letsencrypt_log import LogRun
from certaudit.records import replace
from tests.linking.makers import NOW, cron, cron_start, linked, log_run

LINE = "sleep $((RANDOM % 3600)); certbot -q renew"
DAY, HOUR = 86_400, 3_600
STARTS = tuple(cron_start(LINE, day * DAY) for day in range(5))
RUNS = tuple(replace(log_run(day * DAY + 600), where=f"log.{4 - day}", line=1) for day in range(5))
LONG_AGO = NOW - timedelta(days=30)
SEEN = Horizon(LONG_AGO, LONG_AGO)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def sure(
    horizon: Horizon = SEEN, logs: tuple[LogRun, ...] = RUNS, starts: tuple[Start, ...] = STARTS
) -> list[str]:
    """How sure the answer is about each of the five runs, in order of time."""
    found = runs(logs, starts, (linked(cron(LINE)),), horizon)
    return [run.confidence for run in found if run.arguments == ("-q",)]


def test_where_the_logs_are_whole_a_command_that_sleeps_is_high() -> None:
    assert sure() == ["high"] * 5


def test_near_the_beginning_of_the_logs_of_starts_another_start_may_be_lost() -> None:
    assert sure(Horizon(LONG_AGO, at(-HOUR))) == ["medium"] + ["high"] * 4
    assert sure(Horizon(LONG_AGO, at(-2 * HOUR))) == ["high"] * 5


@pytest.mark.parametrize(
    ("since", "until", "medium"),
    [
        (DAY - HOUR, DAY - HOUR, {1}),  # a start an hour before that one could have slept till its run
        (DAY + 600, DAY + 700, {1}),
        (DAY + HOUR, None, {1, 2, 3, 4}),
        (None, 0, {0}),
        (DAY + 2 * HOUR, DAY + 20 * HOUR, set()),
    ],
)
def test_in_a_hole_of_a_log_a_start_or_a_run_may_be_lost(
    since: float | None, until: float | None, medium: set[int]
) -> None:
    hole = Hole(None if since is None else at(since), None if until is None else at(until), "it is lost")
    found = sure(replace(SEEN, holes=(hole,)))
    assert {day for day in range(5) if found[day] == "medium"} == medium
    assert set(found) <= {"medium", "high"}


def test_before_a_run_without_its_head_runs_may_be_lost_but_not_where_each_has_its_file() -> None:
    """The other run is of nobody here; in a file with the one that follows it may not be the first."""
    headless = replace(
        log_run(DAY + 7_000, None), started=None, ended=at(DAY + 7_000), where="log.x", line=1
    )
    own_file = (*RUNS[:2], headless, *RUNS[2:])
    assert sure(logs=own_file) == ["high"] * 5
    together = (*RUNS[:2], headless, replace(RUNS[2], where="log.x", line=9), *RUNS[3:])
    assert sure(logs=together) == ["high", "medium", "high", "high", "high"]
