"""Which starts of a timer its schedule explains, and which it leaves in doubt."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from certaudit.facts import Apart, Start
from certaudit.linking.history.firings import (
    Break,
    Doubts,
    Span,
    all_doubts,
    breaks_of,
    doubts,
    elapse_before,
)
from certaudit.model import Evidence, Schedule
from certaudit.records import replace
from tests.linking.makers import linked, timer, unit_start

MIDNIGHT = datetime(2024, 3, 1, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
BASE = linked(timer())
TWICE = replace(BASE, trigger=replace(BASE.trigger, schedule=Schedule(("*-*-* 00,12:00:00",), 43_200.0)))
NIGHTLY = replace(BASE, trigger=replace(BASE.trigger, schedule=Schedule(("*-*-* 04:30:00",), 600.0)))
ALWAYS = Span(MIDNIGHT - HOUR, MIDNIGHT + 999 * HOUR)


def at(hours: float) -> Start:
    return replace(unit_start(), time=MIDNIGHT + hours * HOUR)


def power(what: str, hours: float) -> Start:
    return Start("power", MIDNIGHT + hours * HOUR, Evidence("/var/log/syslog", 1), command=what)


def told(*starts: Start, breaks: tuple[Break, ...] = ()) -> Doubts:
    return doubts(starts, TWICE, ALWAYS, breaks)


def off(since: float, until: float) -> Break:
    return Break(MIDNIGHT + since * HOUR, MIDNIGHT + until * HOUR, slept=False)


def asleep(since: float, until: float) -> Break:
    return replace(off(since, until), slept=True)


def test_one_start_for_each_elapse_is_the_timers() -> None:
    assert told(at(3), at(14), at(27)) == Doubts()


def test_a_start_before_which_nothing_fired_may_be_older_than_the_timer() -> None:
    before = Span(MIDNIGHT - 99 * HOUR, MIDNIGHT + 61 * HOUR)
    steady = [at(3), at(14), at(27), at(40), at(49)]
    assert doubts(steady, TWICE, before) == Doubts(unproven=frozenset({at(3)}))
    assert doubts(steady, TWICE, replace(before, since=MIDNIGHT - HOUR)) == Doubts()


def test_of_two_starts_for_one_elapse_one_was_made_by_hand() -> None:
    assert told(at(3), at(5), at(14)).doubtful == {at(3), at(5)}


def test_a_start_right_after_the_next_elapse_may_be_the_late_one_of_this() -> None:
    late = at(12.01)
    assert told(at(5), late, at(27)) == Doubts(unproven=frozenset({at(5)}))


def test_a_start_right_after_an_elapse_that_has_another_is_one_of_two() -> None:
    assert told(at(0.01), at(2), at(14)) == Doubts(doubtful=frozenset({at(0.01), at(2)}))


def test_a_boot_may_have_moved_a_firing_past_the_next_elapse() -> None:
    assert told(at(5), at(14), breaks=(off(8, 8.1),)).unproven == {at(5)}
    assert told(at(5), at(14), breaks=(off(12.5, 13),)).unproven == {at(14)}


def test_a_boot_between_two_entries_of_the_journal_may_have_been_anywhere_between_them() -> None:
    assert told(at(5), at(14), breaks=(off(11, 13),)).unproven == {at(5), at(14)}


def test_a_sleep_past_the_next_elapse_may_have_moved_a_firing() -> None:
    assert told(at(5), at(14), breaks=(asleep(8, 12.5),)).unproven == {at(5)}
    assert told(at(5), at(14), breaks=(asleep(6, 8),)) == Doubts()


def test_a_start_outside_of_all_its_times_is_doubtful_but_where_it_caught_up() -> None:
    assert doubts([at(9)], NIGHTLY, ALWAYS).doubtful == {at(9)}
    assert doubts([at(9)], NIGHTLY, ALWAYS, (asleep(2, 8.99),)) == Doubts(unproven=frozenset({at(9)}))


@pytest.mark.parametrize("often", ["quarterly", "yearly", "*-01,07-01 04:00:00"])
def test_a_start_long_after_the_last_time_of_a_rare_timer_is_doubtful(often: str) -> None:
    rare = replace(BASE, trigger=replace(BASE.trigger, schedule=Schedule((often,), 600.0)))
    long_ago = replace(ALWAYS, since=MIDNIGHT - 9_999 * HOUR)
    assert doubts([at(9)], rare, long_ago).doubtful == {at(9)}
    assert doubts([at(9)], rare, long_ago, (off(2, 8.99),)) == Doubts(unproven=frozenset({at(9)}))
    stamped = replace(rare, trigger=replace(rare.trigger, last_fired=at(9).time))
    assert doubts([at(9)], stamped, long_ago) == Doubts()


def test_a_start_at_the_time_of_a_rare_timer_is_its_own() -> None:
    rare = replace(BASE, trigger=replace(BASE.trigger, schedule=Schedule(("quarterly",), 600.0)))
    new_year = replace(unit_start(), time=datetime(2024, 1, 1, 0, 4, tzinfo=timezone.utc))
    span = replace(ALWAYS, since=MIDNIGHT - 9_999 * HOUR)
    assert doubts([new_year], rare, span) == Doubts()


def test_when_a_rare_schedule_last_fired() -> None:
    def last(expression: str, moment: datetime = MIDNIGHT) -> datetime | None:
        one = replace(BASE, trigger=replace(BASE.trigger, schedule=Schedule((expression,))))
        return elapse_before(one, moment)

    assert last("quarterly") == datetime(2024, 1, 1, tzinfo=timezone.utc)
    assert last("yearly", MIDNIGHT + 24 * 300 * HOUR) == datetime(2024, 1, 1, tzinfo=timezone.utc)
    assert last("*-04..06-* 06:00:00") == datetime(2023, 6, 30, 6, tzinfo=timezone.utc)
    assert last("2020-01-01") is None
    assert last("*-01-* *:*:00", MIDNIGHT + 24 * 99 * HOUR) is None  # too many to go through


def test_breaks_begin_where_a_line_tells_it() -> None:
    lines = (power("sleep", 1), power("wake", 7), power("wake", 20), power("off", 30), power("boot", 31))
    assert breaks_of(lines) == (asleep(1, 7), asleep(6, 20), off(30, 31))
    assert breaks_of((power("boot", 5),)) == (off(5, 5),)


def test_an_elapse_that_summer_time_skips_is_none() -> None:
    zone = ZoneInfo("America/Santiago")  # midnight of 2024-09-08 did not exist
    noon = datetime(2024, 9, 7, 12, tzinfo=zone).astimezone(timezone.utc)
    first, second = (at(0) for _ in range(2))
    first = replace(first, time=(noon + 3 * HOUR).astimezone(timezone(-4 * HOUR)))
    second = replace(second, time=(noon + 13.3 * HOUR).astimezone(timezone(-3 * HOUR)))
    span = Span(noon - HOUR, noon + 999 * HOUR, zone)
    assert doubts([first, second], TWICE, span).doubtful == {second}
    fixed = replace(span, zone=None)
    assert doubts([first, second], TWICE, fixed).doubtful == frozenset()


def test_what_comes_after_every_timers_last_firing_is_none_of_theirs() -> None:
    early, late = at(6), at(30)
    fired = MIDNIGHT + 6 * HOUR
    one = replace(TWICE, trigger=replace(TWICE.trigger, last_fired=fired))
    other = replace(one, trigger=replace(one.trigger, id="timer:b.timer", last_fired=None))
    both = frozenset({one.trigger.id, other.trigger.id})
    span = Span(early.time, late.time)
    own = dict.fromkeys((early, late), frozenset({one.trigger.id}))
    assert all_doubts((early, late), (one, other), own, span).disproved == {late}
    shared = dict.fromkeys((early, late), both)
    assert all_doubts((early, late), (one, other), shared, span).disproved == frozenset()


def test_a_file_in_another_zone_is_reckoned_on_the_machines_clock() -> None:
    """rsyslog goes on in the zone it began in, here 6 h behind; the timer is in the new one at once."""
    apart = Apart(MIDNIGHT, MIDNIGHT + 99 * HOUR, 6 * HOUR)
    span = replace(ALWAYS, zone=ZoneInfo("UTC"), apart=(apart,))
    starts = at(8), at(17)  # in truth at 14:00 and at 23:00, for one elapse
    assert doubts(starts, TWICE, replace(span, apart=())).doubtful == frozenset()
    assert doubts(starts, TWICE, span).doubtful == set(starts)
    utc = replace(apart, on_utc=True)
    assert doubts(starts, TWICE, replace(span, apart=(utc,))).doubtful == frozenset()
    entries = [replace(s, evidence=Evidence("journal:s=1;i=1", None, "")) for s in starts]
    assert doubts(entries, TWICE, span).doubtful == frozenset()
    late = replace(TWICE, trigger=replace(TWICE.trigger, last_fired=MIDNIGHT + 14 * HOUR))
    own = {start: frozenset({late.trigger.id}) for start in starts}
    assert all_doubts(starts, (late,), own, span).disproved == {starts[1]}
