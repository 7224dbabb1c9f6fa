"""Who started a run, by less than a start line: terminals, last firings, logins, arguments, ends."""

from __future__ import annotations

from datetime import timedelta

from certaudit.facts import Login, Typed
from certaudit.linking.history.around import Around, Attribution
from certaudit.linking.history.attribution import attribute
from certaudit.model import Evidence, Schedule, Trigger
from certaudit.records import replace
from tests.linking.makers import NOW, cron_start, log_run, sudo, unit_start
from tests.linking.test_attribution import CRON, TIMER, WRAPPED, judge


def test_sudo_without_a_terminal_is_called_by_a_script() -> None:
    """A user's cron line may well be ``sudo certbot renew``."""
    line = sudo("/usr/bin/certbot -q renew", 1, tty=None)
    found = judge(log_run(2), cron_start("certbot -q renew"), line)
    assert (found.trigger, found.confidence) == ("cron:/etc/cron.d/renew:1", "high")
    alone = judge(log_run(2), line)
    assert (alone.actor, alone.confidence) == ("manual", "low")
    assert alone.because == (
        "hoge ran `/usr/bin/certbot -q renew` with sudo, as a script does, without a terminal, at "
        "2024-03-01 03:00:01",
    )


def test_a_start_after_the_last_firing_is_a_persons_where_his_shell_agrees() -> None:
    start = unit_start()
    line = Evidence("/root/.bash_history", 3, "systemctl start certbot")
    typed = Typed("systemctl start certbot", "root", line)
    fired = replace(TIMER.trigger, last_fired=NOW - timedelta(hours=9))
    timers = (replace(TIMER, trigger=fired),)
    after = Around(disproved=frozenset({start}))
    found = attribute(log_run(1), (start,), timers, covered=True, around=after)
    assert (found.trigger, found.actor, found.confidence) == (None, "manual", "low")
    found = attribute(log_run(1), (start,), timers, covered=True, around=replace(after, typed=(typed,)))
    assert (found.trigger, found.actor, found.confidence) == (None, "manual", "medium")
    assert found.because == (
        "certbot.service was started at 2024-03-01 03:00:00",
        "not by timer:certbot.timer, which fired last at 2024-02-29 18:00:00",
        "root's shell history holds `systemctl start certbot`, without saying when",
    )
    other = replace(typed, command="systemctl start nginx")
    found = attribute(log_run(1), (start,), timers, covered=True, around=replace(after, typed=(other,)))
    assert found.confidence == "low"


def test_the_snaps_own_word_is_no_difference() -> None:
    """certbot's snap adds it to whatever its caller wrote."""
    run = log_run(1, ("-q", "--preconfigured-renewal"))
    assert judge(run, cron_start("certbot -q renew")).confidence == "high"
    typed = judge(log_run(1, ("--preconfigured-renewal",)), sudo("/snap/bin/certbot renew"))
    assert (typed.actor, typed.confidence) == ("manual", "high")


def test_a_trigger_that_is_off_now_may_have_made_what_it_fired_after() -> None:
    run = log_run(1, ("-q",), delay=2.0)
    stamped = replace(CRON.trigger, kind="timer", schedule=Schedule(("*-*-* 00,12:00:00",), 43200.0))
    on = replace(stamped, last_fired=NOW + timedelta(days=2))
    off = replace(on, state="off", off_since=NOW + timedelta(days=3))

    def found(trigger: Trigger) -> tuple[str | None, str]:
        answer = judge(run, among=(replace(CRON, trigger=trigger),), covered=False)
        return answer.trigger, answer.confidence

    assert found(on) == found(off) == (off.id, "medium")
    nothing = (None, "unknown")
    assert found(replace(off, off_since=None)) == (off.id, "medium")  # disabled, and not masked
    assert found(replace(off, off_since=NOW - timedelta(days=3))) == nothing
    assert found(replace(off, last_fired=None)) == nothing  # off for nobody knows how long
    assert found(replace(off, last_fired=NOW - timedelta(days=1))) == nothing
    assert found(replace(on, last_fired=NOW - timedelta(days=1))) == nothing


def test_who_typed_it_at_some_time_and_was_there_then_is_the_likely_one() -> None:
    run = log_run(60, ())
    line = Evidence("/root/.bash_history", 8, "certbot renew")
    seen = Evidence("/var/log/wtmp", None, "alice at pts/0")
    typed = Typed("certbot renew", "root", line)
    login = Login("alice", "pts/0", NOW, NOW + timedelta(minutes=9), seen)

    def found(one: Typed = typed, covered: bool = True, **given: object) -> Attribution:
        around = Around(typed=(one,), logins=(replace(login, **given),))  # type: ignore[arg-type]
        return attribute(run, (), (TIMER, CRON), covered=covered, around=around)

    there = found()
    assert (there.actor, there.confidence, there.evidence) == ("manual", "medium", (line, seen))
    assert there.because[-1] == "alice was logged in at pts/0 then"
    assert found(covered=False).confidence == "low"
    assert found(since=NOW + timedelta(minutes=5)).confidence == "low"
    assert found(until=NOW).confidence == "low"
    assert found(replace(typed, user="bob")).confidence == "low"
    assert found(replace(typed, user="alice")).confidence == "medium"
    assert found(replace(typed, command="certbot renew --force")).confidence == "unknown"
    both = Around(typed=(typed, replace(typed, user="bob")), logins=(login,))
    assert "root's shell" in attribute(run, (), (TIMER,), covered=True, around=both).because[1]
    quiet = Around(typed=(replace(typed, command="certbot -q renew"),))
    unwatched = log_run(60, ("-q",))
    assert attribute(unwatched, (), (TIMER,), covered=True, around=quiet).confidence == "unknown"
    quiet = replace(quiet, logins=(login,))
    assert attribute(unwatched, (), (TIMER,), covered=True, around=quiet).confidence == "medium"


def test_a_run_without_its_head_within_a_scripts_start_may_be_another() -> None:
    """The script may look first and call nobody; the run may be a person's in the same seconds."""
    start = replace(cron_start("/usr/local/sbin/renew"), ended=NOW + timedelta(seconds=17))
    run = log_run(11, None, started=None)
    assert judge(run, start, among=(WRAPPED,)).confidence == "medium"
    steady = Around(steady=frozenset({WRAPPED.trigger.id}))
    assert attribute(run, (start,), (WRAPPED,), covered=True, around=steady).confidence == "high"


def test_other_arguments_within_a_scripts_start_are_no_more_than_low_unless_it_always_calls() -> None:
    start = replace(cron_start("/usr/local/sbin/renew"), ended=NOW + timedelta(seconds=60))
    run = log_run(2, ("-q", "--no-random-sleep-on-renew"))
    assert judge(run, start, among=(WRAPPED,)).confidence == "low"
    steady = Around(steady=frozenset({WRAPPED.trigger.id}))
    assert attribute(run, (start,), (WRAPPED,), covered=True, around=steady).confidence == "medium"


def test_a_script_that_goes_on_after_a_run_may_not_have_called_it() -> None:
    start, arguments = cron_start("/usr/local/sbin/renew"), ("-q",)
    over = replace(start, ended=NOW + timedelta(seconds=3.5))
    assert judge(log_run(1, arguments), over, among=(WRAPPED,)).confidence == "high"
    later = replace(start, ended=NOW + timedelta(seconds=10))
    assert judge(log_run(1, arguments), later, among=(WRAPPED,)).confidence == "medium"
