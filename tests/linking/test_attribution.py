"""Who started a run: what suffices for high, what for medium, and where the answer is unknown."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from certaudit.facts import Entry, Start, Typed
from certaudit.linking.history.around import Around, Attribution
from certaudit.linking.history.attribution import attribute
from certaudit.linking.history.claims import could_start
from certaudit.linking.history.firings import Doubts, Span, doubts
from certaudit.linking.history.matching import by_people
from certaudit.linking.paths import Linked
from certaudit.model import ChainStep, Evidence, Reason, Schedule
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

START = datetime(2024, 3, 1, 3, 0, tzinfo=timezone.utc)  # a Friday
TIMER = linked(timer())
CRON = linked(cron("certbot -q renew"))
OTHER = linked(cron("certbot -q renew --no-random-sleep-on-renew", line=2))
SCRIPT = Files({"/usr/local/sbin/renew": "#!/bin/sh\ncertbot -q renew\n"})
WRAPPED = linked(cron("/usr/local/sbin/renew"), files=SCRIPT)


def judge(
    run: LogRun, *starts: Start, among: tuple[Linked, ...] = (TIMER, CRON), covered: bool = True
) -> Attribution:
    return attribute(run, starts, among, covered)


def test_a_bounded_start_with_the_same_arguments_is_high() -> None:
    found = judge(log_run(1), unit_start())
    assert (found.trigger, found.actor, found.confidence) == ("timer:certbot.timer", "trigger", "high")
    assert found.because == (
        "timer:certbot.timer started at 2024-03-01 03:00:00, 1 s before",
        "the run lies within that start, which ended at 03:00:30",
        "the logged arguments are those of its command",
    )
    assert found.evidence[0].place == "/var/log/syslog:3"


def test_a_cron_line_just_before_is_high() -> None:
    found = judge(log_run(1), cron_start("certbot -q renew"))
    assert (found.trigger, found.confidence) == ("cron:/etc/cron.d/renew:1", "high")


def test_two_triggers_that_fit_are_unknown_and_both_named() -> None:
    found = judge(log_run(2), unit_start(0, ended=None), cron_start("certbot -q renew", 1))
    assert (found.trigger, found.actor, found.confidence) == (None, "unknown", "unknown")
    assert found.because == (
        "the start lines fit more than one trigger: cron:/etc/cron.d/renew:1, timer:certbot.timer",
    )


def test_a_bounded_start_wins_over_an_open_one_but_is_not_sure() -> None:
    found = judge(log_run(2), unit_start(0, ended=10), cron_start("certbot -q renew", 1))
    assert (found.trigger, found.confidence) == ("timer:certbot.timer", "medium")


def test_the_arguments_tell_two_starts_apart() -> None:
    starts = (cron_start("certbot -q renew"), cron_start("certbot -q renew --no-random-sleep-on-renew"))
    run = log_run(1, ("-q", "--no-random-sleep-on-renew"))
    found = judge(run, *starts, among=(CRON, OTHER))
    assert (found.trigger, found.confidence) == ("cron:/etc/cron.d/renew:2", "high")


def test_other_arguments_than_today_are_never_high() -> None:
    found = judge(log_run(1, ("-n",)), unit_start())
    assert (found.trigger, found.confidence) == ("timer:certbot.timer", "medium")
    assert "but the logged arguments differ from those of its command today" in found.because


def test_a_run_after_the_end_of_a_start_is_not_its() -> None:
    found = judge(log_run(60), unit_start(0, ended=30))
    assert found == Attribution(because=("no start line near it, in logs that reach back to it",))


def test_a_run_before_its_start_is_not_its() -> None:
    assert judge(log_run(-5), unit_start()).trigger is None


@pytest.mark.parametrize(("after", "trigger"), [(89, "cron:/etc/cron.d/renew:1"), (91, None)])
def test_a_client_called_at_once_writes_within_ninety_seconds(after: int, trigger: str | None) -> None:
    assert judge(log_run(after), cron_start("certbot -q renew")).trigger == trigger


def test_a_wrapper_may_do_other_work_first_but_then_nothing_is_sure() -> None:
    found = judge(log_run(300), cron_start("/usr/local/sbin/renew"), among=(WRAPPED,))
    assert (found.trigger, found.confidence) == ("cron:/etc/cron.d/renew:1", "medium")


def test_a_line_that_sleeps_is_given_its_hours() -> None:
    sleeping = "perl -e 'sleep int(rand(43200))' && certbot -q renew"
    found = judge(log_run(40_000), cron_start(sleeping), among=(linked(cron(sleeping)),))
    assert (found.trigger, found.confidence) == ("cron:/etc/cron.d/renew:1", "medium")


def test_the_last_line_of_a_run_fits_an_end_in_whole_seconds() -> None:
    headless = replace(log_run(2.8, None), started=None, ended=NOW + timedelta(seconds=2.8))
    assert judge(headless, unit_start(0, ended=2)).trigger == "timer:certbot.timer"
    assert judge(headless, unit_start(0, ended=1)).trigger is None


def test_a_run_that_outlives_a_start_does_not_fill_it() -> None:
    late = replace(log_run(5, ("--quiet",)), ended=NOW + timedelta(seconds=8))
    assert judge(late, unit_start(0, ended=5)).confidence == "medium"
    within = replace(late, ended=NOW + timedelta(seconds=5))
    assert judge(within, unit_start(0, ended=5)).confidence == "high"


def test_a_run_whose_head_is_lost_is_not_high_where_it_outlasts_its_start() -> None:
    """The job's own client may have met its lock: then the job was over at once."""
    headless = replace(log_run(0.5, None), started=None)
    ending = replace(headless, ended=NOW + timedelta(seconds=0.7))
    line = replace(cron_start("certbot -q renew"), ended=NOW + timedelta(seconds=0.8))
    assert judge(ending, line, among=(CRON,)).confidence == "high"
    found = judge(replace(headless, ended=NOW + timedelta(seconds=9)), line, among=(CRON,))
    assert (found.trigger, found.confidence) == ("cron:/etc/cron.d/renew:1", "medium")
    assert found.because[-1] == "but it went on after that start had ended"


def test_sudo_is_a_person() -> None:
    found = judge(log_run(3, ("--force-renewal",)), sudo("/usr/bin/certbot renew --force-renewal"))
    assert (found.trigger, found.actor, found.confidence) == (None, "manual", "high")
    assert found.because == (
        "hoge ran `/usr/bin/certbot renew --force-renewal` with sudo at 2024-03-01 03:00:00",
    )


def test_a_dated_shell_history_is_a_person_but_never_high() -> None:
    entered = replace(sudo("certbot renew --force-renewal"), kind="shell", user="root")
    found = judge(log_run(1.4, ("--force-renewal",)), entered)
    assert (found.trigger, found.actor, found.confidence) == (None, "manual", "medium")
    assert found.because == (
        "root typed `certbot renew --force-renewal` at 2024-03-01 03:00:00, by the shell's own history",
    )


def test_a_shell_history_without_times_supports_what_nothing_else_tells() -> None:
    entered = Typed("certbot renew --force-renewal", "root", Evidence("/root/.bash_history", 7))
    run, around = log_run(1, ("--force-renewal",)), Around(typed=(entered,))
    found = attribute(run, (), (TIMER, CRON), True, around)
    assert (found.trigger, found.actor, found.confidence) == (None, "manual", "low")
    assert found.because == (
        "no start line near it, in logs that reach back to it",
        "root's shell history holds `certbot renew --force-renewal`, without saying when",
    )
    assert attribute(log_run(1), (), (TIMER, CRON), True, around).actor == "unknown"
    assert attribute(run, (unit_start(),), (TIMER, CRON), True, around).actor != "manual"


def test_a_unit_whose_client_was_locked_out_made_no_run() -> None:
    found = judge(log_run(1), replace(unit_start(), locked=True))
    assert found.trigger is None
    assert found.because == (
        "no start line near it, in logs that reach back to it",
        "the start of timer:certbot.timer at 03:00:00 is not it: another instance was at work then",
    )


def test_a_unit_of_a_users_manager_is_not_the_systems_timer() -> None:
    assert judge(log_run(1), replace(unit_start(), user_manager=True)).trigger is None
    mine = replace(TIMER, trigger=replace(TIMER.trigger, id="timer:hoge/certbot.timer"))
    assert could_start(replace(unit_start(), user_manager=True), mine)
    assert not could_start(unit_start(), mine)


def test_sudo_of_something_else_is_nobody() -> None:
    assert judge(log_run(3), sudo("/usr/bin/apt update")).actor == "unknown"


def test_sudo_long_before_is_nobody() -> None:
    assert judge(log_run(120), sudo("/usr/bin/certbot renew")).actor == "unknown"


def test_a_start_with_fitting_arguments_wins_over_sudo() -> None:
    found = judge(log_run(3), sudo("/usr/bin/certbot certificates"), unit_start())
    assert found.trigger == "timer:certbot.timer"


def test_a_fingerprint_alone_is_medium_where_the_schedule_allows_it() -> None:
    twice = replace(TIMER.trigger, schedule=Schedule(("*-*-* 00,12:00:00",), 43_200))
    found = judge(log_run(), among=(replace(TIMER, trigger=twice), OTHER), covered=False)
    assert (found.trigger, found.confidence) == ("timer:certbot.timer", "medium")
    assert found.because == (
        "no log of starts reaches back to it",
        "of the armed triggers only timer:certbot.timer calls the client with these arguments",
    )


def test_a_fingerprint_without_a_known_schedule_is_low() -> None:
    found = judge(log_run(), among=(TIMER, OTHER), covered=False)
    assert (found.trigger, found.confidence) == ("timer:certbot.timer", "low")
    assert found.because[-1] == "but when it fires is not known"


def test_a_fingerprint_at_a_time_that_the_schedule_rules_out_is_nobodys() -> None:
    line = replace(CRON.trigger, kind="run-parts", schedule=Schedule(("25 6 * * *",)))
    found = judge(log_run(), among=(replace(CRON, trigger=line),), covered=False)
    assert found.trigger is None


def test_a_fingerprint_that_two_share_is_unknown() -> None:
    found = judge(log_run(), covered=False)
    assert (found.trigger, found.confidence) == (None, "unknown")
    assert found.because == (
        "no log of starts reaches back; cron:/etc/cron.d/renew:1, timer:certbot.timer fit",
    )


def test_a_run_without_arguments_leaves_no_fingerprint() -> None:
    assert judge(log_run(0, None), among=(TIMER,), covered=False).trigger is None


def test_logs_that_reach_back_and_show_no_start_are_not_overruled_by_a_fingerprint() -> None:
    found = judge(log_run(), among=(TIMER,), covered=True)
    assert found == Attribution(because=("no start line near it, in logs that reach back to it",))


def test_a_trigger_that_is_off_leaves_no_fingerprint() -> None:
    off = linked(timer(state="off"))
    assert judge(log_run(), among=(off,), covered=False).trigger is None


def test_a_guarded_cron_line_starts_nothing() -> None:
    start = cron_start("certbot -q renew")
    guarded = replace(CRON.trigger, reasons=(Reason("guard-false", "x"),))
    assert could_start(start, CRON)
    assert not could_start(start, replace(CRON, trigger=guarded))


def test_a_cron_line_of_another_user_or_command_is_not_meant() -> None:
    assert not could_start(cron_start("certbot -q renew", user="hoge"), CRON)
    assert not could_start(cron_start("certbot -q renew --dry-run"), CRON)
    assert not could_start(cron_start(""), CRON)


def test_a_cron_command_that_only_ends_like_the_line_is_not_meant() -> None:
    assert not could_start(cron_start("renew"), CRON)


def test_anacrons_job_starts_the_scripts_of_its_directory() -> None:
    text = "1\t5\tcron.daily\tnice run-parts /etc/cron.daily"
    steps = (ChainStep("/etc/anacrontab", 9, text), ChainStep("/etc/cron.daily/renew", None, ""))
    daily = replace(
        CRON,
        trigger=replace(CRON.trigger, id="run-parts:/etc/cron.daily/renew", kind="run-parts"),
        candidate=replace(CRON.candidate, entries=(Entry(steps, (), ("/etc/cron.daily/renew",)),)),
    )
    start = Start("anacron", NOW, Evidence("/var/log/cron", 3), (), "root", "cron.daily")
    assert could_start(start, daily)
    assert not could_start(replace(start, command="cron.weekly"), daily)
    assert not could_start(start, CRON)


def test_a_late_start_that_the_stamp_proves_is_the_timers() -> None:
    """Persistent= catches up after a week without power."""
    schedule = Schedule(("Mon *-*-* 04:00:00",), persistent=True)
    late = replace(TIMER, trigger=replace(TIMER.trigger, schedule=schedule, last_fired=START))
    start = replace(unit_start(), time=START)
    span = Span(START - timedelta(days=30), START + timedelta(days=1))
    assert doubts([start], late, span) == Doubts()
    unproven = replace(late, trigger=replace(late.trigger, last_fired=None))
    assert start in doubts([start], unproven, span).doubtful


def test_a_persons_systemctl_made_the_first_start_after_it_and_no_other() -> None:
    person = sudo("/usr/bin/systemctl start certbot.service")
    first, second = unit_start(0.05, ended=2), unit_start(4, ended=6)
    assert list(by_people([person], [first, second])) == [(first, person)]


def test_a_unit_that_began_before_a_persons_line_is_not_the_persons() -> None:
    """The timer fired in the very moment; whole seconds leave the order open."""
    line = sudo("/usr/bin/systemctl start certbot", 0.2004)
    assert list(by_people((line,), (unit_start(0.2002),))) == []
    assert list(by_people((line,), (unit_start(0.25),))) != []
    assert list(by_people((line,), (unit_start(0),))) != []


def test_a_command_that_went_on_long_after_a_run_made_another() -> None:
    sleeping = linked(cron("sleep $((RANDOM % 36000)); certbot -q renew"))
    line = "sleep $((RANDOM % 36000)); certbot -q renew"
    start = replace(cron_start(line), ended=NOW + timedelta(hours=6))
    assert judge(log_run(3600), start, among=(sleeping,)).trigger is None
    own = log_run(6 * 3600 - 3)
    assert judge(own, start, among=(sleeping,)).trigger == "cron:/etc/cron.d/renew:1"


def test_a_start_in_whole_seconds_is_never_after_the_run_it_made() -> None:
    run = log_run(0.6)
    assert judge(run, replace(cron_start("certbot -q renew", 1))).trigger is None
    exact = replace(cron_start("certbot -q renew"), time=NOW + timedelta(seconds=0.9))
    assert judge(run, exact).trigger == "cron:/etc/cron.d/renew:1"


def test_two_triggers_that_start_in_the_same_seconds_leave_no_high_answer() -> None:
    run = log_run(2)
    pressed = Around(pressed=frozenset({run}))
    found = attribute(run, (unit_start(),), (TIMER, CRON), True, pressed)
    assert (found.trigger, found.confidence) == ("timer:certbot.timer", "medium")
    assert found.because[-1] == "but another trigger started in the same seconds"


def test_a_sleeping_command_is_high_only_where_nothing_else_can_have_slept_till_then() -> None:
    line = "sleep $((RANDOM % 3600)); certbot -q renew"
    sleeping, start = linked(cron(line)), cron_start(line)
    around = Around(sole=frozenset({start}), steady=frozenset({sleeping.trigger.id}))
    run = log_run(600)
    assert attribute(run, (start,), (sleeping,), True, around).confidence == "high"
    for doubt in (replace(around, orphans=(NOW,)), replace(around, two_clocks=True)):
        assert attribute(run, (start,), (sleeping,), True, doubt).confidence == "medium"
