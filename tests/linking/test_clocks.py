"""Logs whose clocks are quarters of an hour apart: when they are laid side by side, and when not."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo, available_timezones

import pytest

from certaudit.facts import Start
from certaudit.linking.history.clocks import aligned, in_their_zone, is_offset, stretches_apart
from certaudit.linking.history.ledger import Horizon, runs
from certaudit.model import Evidence
from certaudit.parsers.letsencrypt_log import LogRun
from certaudit.records import replace
from tests.linking.makers import NOW, cron, cron_start, linked, log_run, timer, unit_start

TIMER = linked(timer())
CRON = linked(cron("certbot renew"))
HOURS = 3600.0
SEEN = Horizon(NOW - timedelta(days=9), NOW - timedelta(days=9))


def firings(count: int) -> list[float]:
    """A timer's starts, twice a day at times that its random delay scatters."""
    draw = Random(1)
    return [n * 12 * HOURS + draw.uniform(0, 11 * HOURS) for n in range(count)]


def starts(times: list[float]) -> list[Start]:
    return [unit_start(at, ended=at + 3) for at in times]


def shifts(logs: list[LogRun], found: list[Start]) -> list[float]:
    return [one.by / timedelta(hours=1) for one in aligned(logs, found, (TIMER, CRON))]


def test_a_log_in_another_zone_is_moved() -> None:
    times = firings(6)
    logs = [log_run(at + 1 - 5.5 * HOURS) for at in times]
    moved = aligned(logs, starts(times), (TIMER, CRON))
    assert [one.by for one in moved] == [timedelta(hours=-5.5)] * 6
    assert [one.run.started for one in moved] == [NOW + timedelta(seconds=at + 1) for at in times]
    assert all(one.proven for one in moved)


def test_only_the_time_before_a_change_of_zone_is_moved() -> None:
    times = firings(10)
    logs = [log_run(at + 1 + (6 * HOURS if n < 5 else 0)) for n, at in enumerate(times)]
    assert shifts(logs, starts(times)) == [6.0] * 5 + [0.0] * 5


def test_logs_that_agree_are_left_alone() -> None:
    times = firings(6)
    assert shifts([log_run(at + 1) for at in times], starts(times)) == [0.0] * 6


def test_two_runs_that_would_fit_are_chance() -> None:
    times = firings(2)
    assert shifts([log_run(at + 1 + HOURS) for at in times], starts(times)) == [0.0] * 2


def test_people_among_runs_that_agree_with_the_clocks_move_nothing() -> None:
    times = firings(8)
    logs = [log_run(at + 1) for at in times] + [log_run(at + 1 + HOURS, ()) for at in times[:3]]
    assert shifts(logs, starts(times)) == [0.0] * 11


def test_a_run_without_its_head_goes_with_those_around_it() -> None:
    times = firings(7)
    logs = [log_run(at + 1 + HOURS) for at in times]
    logs[3] = replace(logs[3], started=None)
    assert shifts(logs, starts(times)) == [1.0] * 7


def test_runs_at_one_fixed_minute_prove_no_shift() -> None:
    times = [n * 24 * HOURS for n in range(5)]
    found = [cron_start("certbot renew", at) for at in times]
    moved = aligned([log_run(at + 1 + HOURS, ()) for at in times], found, (TIMER, CRON))
    assert [(one.by, one.proven) for one in moved] == [(timedelta(hours=1), False)] * 5


def test_what_is_reported_is_what_the_log_says_with_the_clocks_named() -> None:
    times = firings(5)
    logs = [log_run(at + 1 + 2 * HOURS) for at in times]
    found = runs(logs, starts(times), (TIMER, CRON), SEEN)
    assert [(run.trigger, run.confidence) for run in found] == [("timer:certbot.timer", "high")] * 5
    assert [run.started for run in found] == [log.started for log in logs]
    assert found[0].because[-1] == (
        "the client's log is 2 h ahead of the system's there, as the runs around it show"
    )


def test_a_shift_that_is_not_proven_is_never_high() -> None:
    times = [n * 24 * HOURS for n in range(5)]
    logs = [log_run(at + 1 - HOURS, ()) for at in times]
    found = runs(logs, [cron_start("certbot renew", at) for at in times], (TIMER, CRON), SEEN)
    assert {(run.trigger, run.confidence) for run in found} == {("cron:/etc/cron.d/renew:1", "medium")}


def test_a_server_that_tells_the_time_proves_the_zone_and_its_run_stays() -> None:
    times = firings(5)
    logs = [log_run(at + 1 - 9 * HOURS) for at in times]
    logs[2] = replace(log_run(times[2] + 1), header_offset=timedelta(hours=-9))
    assert shifts(logs, starts(times)) == [-9.0, -9.0, 0.0, -9.0, -9.0]


def test_a_server_that_confirms_the_zone_speaks_against_a_shift() -> None:
    times = firings(6)
    logs = [log_run(at + 1 - HOURS) for at in times]
    logs[1:5:2] = [replace(log_run(times[n] + 1), header_offset=timedelta(0)) for n in (1, 3)]
    assert shifts(logs, starts(times)) == [0.0] * 6


@pytest.mark.parametrize("hours", [20.0, 1.25, -0.5])
def test_a_distance_that_no_two_zones_have_is_chance(hours: float) -> None:
    times = firings(6)
    assert shifts([log_run(at + 1 + hours * HOURS) for at in times], starts(times)) == [0.0] * 6


def test_every_offset_of_a_zone_is_one() -> None:
    moments = [
        datetime(year, month, 1, tzinfo=timezone.utc) for year in range(2000, 2027) for month in (1, 7)
    ]
    zones = [ZoneInfo(name) for name in available_timezones()]
    found = {moment.astimezone(zone).utcoffset() for zone in zones for moment in moments}
    assert [one for one in found if one is None or not is_offset(one)] == []


def test_a_start_of_the_journal_is_not_shown_in_a_zone_that_cannot_be() -> None:
    """Read on a machine in New Zealand, syslog of a machine that was in Europe: 12 h behind."""
    there = timezone(timedelta(hours=13))
    times = firings(6)
    logs = [log_run(at + 1 + 12 * HOURS) for at in times]
    placed = aligned([moved_to(log, there) for log in logs], starts(times), (TIMER, CRON))
    assert [one.by / timedelta(hours=1) for one in placed] == [12.0] * 6
    entry = replace(starts(times)[0], evidence=Evidence("journal:s=1;i=1", None, "Starting"))
    entry = replace(entry, time=entry.time.astimezone(there))
    assert in_their_zone([entry], stretches_apart(placed)) == (entry,)


def moved_to(log: LogRun, zone: timezone) -> LogRun:
    """A run of the same moments, in another zone."""
    began = log.first_seen.astimezone(zone)
    return replace(log, started=began, first_seen=began, ended=log.ended.astimezone(zone))
