"""Lines of syslog and the journal joined into starts: each once, with its end where a line tells it."""

from __future__ import annotations

from datetime import timedelta

from certaudit.facts import Start
from certaudit.linking.history.starts import Observed, join
from certaudit.model import Evidence
from certaudit.parsers.events import (
    AnacronJob,
    ClientOutput,
    CronCommand,
    Event,
    SudoCommand,
    UnitEvent,
)
from certaudit.parsers.shell_history import ShellCommand
from certaudit.records import replace
from tests.linking.makers import NOW

SERVICE = "certbot.service"
MEANINGS = {"Certbot": (SERVICE,), "Both": (SERVICE, "other.service")}
SYSLOG, JOURNAL = "/var/log/syslog", "journal"


def line(
    event: Event | ShellCommand, at: float = 0, where: str = SYSLOG, number: int | None = 1
) -> Observed:
    return Observed(NOW + timedelta(seconds=at), event, Evidence(where, number, "text"))


def unit(phase: str, description: str | None = None, result: str | None = None) -> UnitEvent:
    name = None if description else SERVICE
    return UnitEvent(phase, name, description, result)  # type: ignore[arg-type]


def starts(*lines: Observed) -> tuple[Start, ...]:
    return join(lines, MEANINGS)


def test_a_oneshot_service_from_its_start_to_its_end() -> None:
    (found,) = starts(line(unit("starting")), line(unit("deactivated"), 2), line(unit("finished"), 2))
    assert (found.kind, found.units, found.failed) == ("unit", (SERVICE,), False)
    assert (found.time, found.ended) == (NOW, NOW + timedelta(seconds=2))


def test_old_systemd_says_started_at_the_end_and_only_the_description() -> None:
    (found,) = starts(line(unit("starting", "Certbot.")), line(unit("started", "Certbot"), 5))
    assert (found.units, found.ended) == ((SERVICE,), NOW + timedelta(seconds=5))


def test_a_description_may_mean_several_units() -> None:
    assert starts(line(unit("starting", "Both")))[0].units == (SERVICE, "other.service")


def test_a_description_of_nobody_is_passed_over() -> None:
    assert starts(line(unit("starting", "Daily apt upgrade"))) == ()


def test_a_failure_is_remembered_past_the_end() -> None:
    (found,) = starts(line(unit("starting")), line(unit("failed"), 3), line(unit("finished"), 4))
    assert found.failed is True


def test_an_end_without_a_start_is_nothing() -> None:
    assert starts(line(unit("finished"))) == ()


def test_a_start_without_an_end_stays_open() -> None:
    (found,) = starts(line(unit("starting")))
    assert (found.ended, found.failed) == (None, None)


def test_two_runs_of_a_unit_are_two() -> None:
    found = starts(
        line(unit("starting")), line(unit("finished"), 2),
        line(unit("starting"), 50), line(unit("finished"), 52),
    )  # fmt: skip
    assert [s.ended for s in found] == [NOW + timedelta(seconds=2), NOW + timedelta(seconds=52)]


def test_one_start_that_two_logs_saw_is_one_and_a_line_of_a_file_its_evidence() -> None:
    (found,) = starts(line(unit("starting"), 0, JOURNAL, None), line(unit("starting"), 0.4, SYSLOG, 7))
    assert found.evidence.place == "/var/log/syslog:7"


def test_two_starts_in_one_log_are_two_however_close() -> None:
    command = CronCommand("root", "certbot renew", "started", None)
    assert len(starts(line(command), line(command, 1))) == 2


def test_a_cron_command_its_end_and_another_user() -> None:
    begun = CronCommand("root", "certbot renew", "started", 7)
    ended = CronCommand("root", "certbot renew", "ended", 7)
    other = CronCommand("hoge", "certbot renew", "started", 8)
    found = starts(line(begun), line(ended, 1), line(other, 1, "/var/log/cron.log"))
    assert [(s.kind, s.user, s.command) for s in found] == [
        ("cron", "root", "certbot renew"),
        ("cron", "hoge", "certbot renew"),
    ]


def test_sudo_and_anacron() -> None:
    sudo = SudoCommand("hoge", "root", "/usr/bin/certbot renew", None, None)
    job = AnacronJob("cron.daily", "started", None)
    done = AnacronJob("cron.daily", "ended", 0)
    found = starts(line(sudo), line(job, 5), line(done, 9))
    assert [(s.kind, s.user, s.command) for s in found] == [
        ("sudo", "hoge", "/usr/bin/certbot renew"),
        ("anacron", "root", "cron.daily"),
    ]


def test_the_order_of_the_lines_does_not_matter() -> None:
    lines = (line(unit("starting")), line(unit("finished"), 2), line(unit("starting"), 50))
    assert starts(*lines[::-1]) == starts(*lines)


LOCKED = ClientOutput("certbot", "Another instance of Certbot is already running.")


def test_the_invocation_joins_the_lines_of_one_start() -> None:
    first = replace(line(unit("starting")), invocation="a")
    second = replace(line(unit("starting"), 60), invocation="b")
    late = replace(line(unit("failed", result="exit-code"), 61), invocation="a")
    one, two = starts(first, second, late)
    assert (one.ended, one.failed) == (NOW + timedelta(seconds=61), True)
    assert (two.ended, two.failed) == (None, None)


def test_a_client_that_a_lock_turned_away_marks_the_unit_under_way() -> None:
    lines = (line(unit("starting")), line(LOCKED, 1), line(unit("failed", result="exit-code"), 2))
    assert [s.locked for s in starts(*lines)] == [True]


def test_with_two_units_under_way_only_the_journal_tells_which_was_turned_away() -> None:
    other = UnitEvent("starting", "other.service", None)
    under_way = (line(unit("starting")), line(other, 0.5))
    assert [s.locked for s in starts(*under_way, line(LOCKED, 1))] == [False, False]
    told = replace(line(LOCKED, 1), unit="other.service")
    assert [s.locked for s in starts(*under_way, told)] == [False, True]


def test_a_users_own_unit_is_not_the_systems() -> None:
    own = UnitEvent("starting", SERVICE, None, None, user_manager=True)
    ended = UnitEvent("finished", SERVICE, None, None, user_manager=True)
    system, users = starts(line(unit("starting")), line(own, 1), line(ended, 2))
    assert (system.user_manager, system.ended) == (False, None)
    assert (users.user_manager, users.ended) == (True, NOW + timedelta(seconds=2))


def test_a_dated_line_of_a_shell_history_is_a_start() -> None:
    (found,) = starts(line(ShellCommand("root", "certbot renew")))
    assert (found.kind, found.user, found.command) == ("shell", "root", "certbot renew")


def test_an_anacron_job_from_its_start_to_its_end() -> None:
    began = AnacronJob("cron.daily", "started", None)
    (found,) = starts(line(began), line(AnacronJob("cron.daily", "ended", 0), 40))
    assert (found.kind, found.command, found.ended) == (
        "anacron",
        "cron.daily",
        NOW + timedelta(seconds=40),
    )


def test_two_entries_of_the_journal_are_two_starts_however_close() -> None:
    first = replace(line(unit("starting"), where="journal:s=1;i=1", number=None), invocation="a")
    second = replace(line(unit("starting"), 1, "journal:s=1;i=2", None), invocation="b")
    told_again = line(unit("starting"), 1, SYSLOG)
    assert [s.invocation for s in starts(first, second, told_again)] == ["a", "b"]


def test_the_journal_names_the_unit_that_a_description_leaves_open() -> None:
    both = [line(unit("starting", "Both"), at, SYSLOG, n) for n, at in ((1, 0.0), (2, 0.1))]
    told = [
        replace(
            line(unit("starting", "Both"), at, f"journal:s=1;i={name}", None), unit=name, invocation=name
        )
        for name, at in ((SERVICE, 0.2), ("other.service", 0.3))
    ]
    found = starts(*both, *told)
    assert [s.units for s in found] == [(SERVICE,), ("other.service",)]
    assert [s.evidence.line for s in found] == [1, 2]


def named(phase: str, name: str) -> UnitEvent:
    return UnitEvent(phase, name, None, None)  # type: ignore[arg-type]


def test_an_end_by_description_alone_is_that_which_was_told_just_now() -> None:
    """Else the unit that ended long ago would seem to go on to the end of the other."""
    found = starts(
        line(named("starting", "other.service")),
        line(unit("starting"), 40),
        line(unit("deactivated"), 42),
        line(unit("finished", "Both"), 42, number=2),
        line(named("deactivated", "other.service"), 400),
        line(unit("finished", "Both"), 400, number=2),
    )
    assert [s.ended for s in found] == [NOW + timedelta(seconds=400), NOW + timedelta(seconds=42)]


def test_an_end_by_description_alone_is_that_of_the_one_still_under_way() -> None:
    found = starts(
        line(named("starting", "other.service")),
        line(unit("starting"), 40),
        line(unit("finished"), 42),
        line(unit("started", "Both"), 400),
    )
    assert [s.ended for s in found] == [NOW + timedelta(seconds=400), NOW + timedelta(seconds=42)]


def test_of_two_that_one_description_means_at_once_the_later_end_holds_for_both() -> None:
    """Which began first, the one that ended first or the other, is not told."""
    lines = (
        line(unit("starting", "Both")),
        line(unit("starting", "Both"), 40),
        line(unit("deactivated"), 42),
        line(named("deactivated", "other.service"), 400),
    )
    found = starts(*lines)
    assert [s.ended for s in found] == [NOW + timedelta(seconds=400)] * 2
    assert [s.units for s in found] == [MEANINGS["Both"]] * 2
    failing = starts(*lines[:3], line(named("failed", "other.service"), 400))
    assert [s.failed for s in failing] == [None, None]
    apart = starts(*lines[:1], line(unit("deactivated"), 30), *lines[1:2], line(unit("failed"), 42))
    assert [(s.ended, s.failed, s.units) for s in apart] == [
        (NOW + timedelta(seconds=30), False, (SERVICE,)),
        (NOW + timedelta(seconds=42), True, (SERVICE,)),
    ]
