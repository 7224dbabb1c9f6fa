"""The end of a cron job by its PAM session; pids and order as Debian 12's cron wrote them."""

from __future__ import annotations

from datetime import datetime, timedelta

from certaudit.facts import Start
from certaudit.linking.history.sessions import about_these, bounded, parents
from certaudit.model import Evidence
from certaudit.parsers.events import CronCommand, CronSession, SudoCommand
from tests.linking.makers import NOW


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def opened(pid: int, seconds: float = -0.001, user: str = "root") -> tuple[datetime, CronSession]:
    return at(seconds), CronSession("opened", user, pid)


def closed(pid: int, seconds: float, user: str = "root") -> tuple[datetime, CronSession]:
    return at(seconds), CronSession("closed", user, pid)


def job(pid: int | None = 228, command: str = "/usr/local/sbin/renew", seconds: float = 0) -> Start:
    return Start("cron", at(seconds), Evidence("/var/log/syslog", 1), (), "root", command, pid=pid)


def end(start: Start, *lines: tuple[datetime, CronSession]) -> datetime | None:
    (found,) = bounded([start], sorted(lines, key=lambda line: line[0]))
    return found.ended


def test_the_session_of_the_jobs_parent_bounds_it() -> None:
    assert end(job(), opened(227), closed(227, 3.4)) == at(3.4)


def test_of_two_jobs_that_begin_together_the_later_end_holds() -> None:
    lines = (opened(226), opened(227), closed(226, 0.01), closed(227, 3.4))
    assert end(job(228), *lines) == at(3.4)
    assert end(job(230, seconds=0.004), *lines) == at(3.4)


def test_of_two_jobs_that_begin_together_and_end_far_apart_neither_end_is_known() -> None:
    assert end(job(), opened(226), opened(227), closed(226, 0.01), closed(227, 3000)) is None


def test_a_job_whose_session_is_not_closed_has_no_end() -> None:
    assert end(job(), opened(226), opened(227), closed(226, 0.01)) is None


def test_sessions_of_others_do_not_count() -> None:
    assert end(job(), opened(227, -30), closed(227, 1)) is None
    assert end(job(), opened(229), closed(229, 1)) is None
    assert end(job(), opened(100), closed(100, 1)) is None
    assert end(job(), opened(227, user="hoge"), closed(227, 1, "hoge")) is None
    assert end(job(None), opened(227), closed(227, 1)) is None


def test_what_is_left_in_the_background_outlives_the_session() -> None:
    lines = (opened(227), closed(227, 1))
    assert end(job(command="certbot renew &"), *lines) is None
    assert end(job(command="certbot renew && x 2>&1 >& log"), *lines) == at(1)


def test_a_line_that_two_logs_hold_counts_once() -> None:
    lines = (opened(227), opened(227, 0.001), closed(227, 2), closed(227, 2.001))
    assert end(job(), *lines) == at(2)


def test_a_pid_is_used_again() -> None:
    later = (opened(227, 86_400), closed(227, 86_405))
    assert end(job(), opened(227), closed(227, 2), *later) == at(2)


def test_only_the_lines_of_possible_parents_are_kept() -> None:
    pids = parents([CronCommand("root", "x", "started", 228), SudoCommand("a", "root", "x", None, None)])
    line = "Nov 30 h CRON[{}]: pam_unix(cron:session): session closed for user root"
    lines = [line.format(227), line.format(9000), "Nov 30 h sudo: alice : certbot"]
    assert [text for text in lines if about_these(pids)(text)] == [lines[0], lines[2]]
