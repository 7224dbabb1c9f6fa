"""anacrontab(5): jobs that run every so many days, caught up on after the machine was off.

Law: only what the daemon would run is a job; a bad line is skipped, the rest stands.
Sources: ``parse_tab_line`` of ``readtab.c`` in anacron 2.3-36 (Debian) and in cronie's anacron.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from msgspec import Struct

from certaudit.errors import ParseError
from certaudit.records import replace

Daemon = Literal["anacron-debian", "cronie"]

_BLANK = re.compile(r"[ \t]*(?:#.*)?", re.DOTALL)
_ASSIGNMENT = re.compile(r"[ \t]*([^ \t=]+)[ \t]*=(.*)", re.DOTALL)
_JOB = re.compile(r"[ \t]*(@[^ \t]+|[0-9]+)[ \t]+([0-9]+)[ \t]+([^ \t/]+)[ \t]+([^ \t].*)", re.DOTALL)
_COMMENT = re.compile(r"[ \t]*#[# \t]*(?P<rest>[^# \t].*)", re.DOTALL)
_HOURS = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_INT_MAX = 2**31 - 1
# Named periods as prefixes, with the longest time they can span.
_DEBIAN_PERIODS = {"@monthl": 31, "@yearly": 366}
_CRONIE_PERIODS = {
    "@monthly": 31,
    "@yearly": 366,
    "@annually": 366,
    "@annualy": 366,
    "@daily": 1,
    "@weekly": 7,
}


class AnacronJob(Struct, frozen=True):
    """One job. ``period`` is as written, ``days`` the longest time between two runs it means; 0: it
    runs whenever anacron starts.

    ``command`` has lost its backslashes, as in anacron; ``text`` is as written.
    ``delay`` is what anacron waits before the job; ``identifier`` names its stamp file in
    /var/spool/anacron. ``environment`` holds the assignments above, as written, last value of each.
    """

    line: int
    period: str
    days: int
    delay: timedelta
    identifier: str
    command: str
    environment: tuple[tuple[str, str], ...]
    text: str
    commented: bool = False


class AnacronError(Struct, frozen=True):
    """A line (from 1) that anacron skips, and why."""

    line: int
    reason: str


class Anacrontab(Struct, frozen=True):
    """``start_hours`` (from, to) and ``random_delay`` are cronie's; ``None`` where not set.

    Jobs start only within the hours from ``start_hours[0]`` up to ``start_hours[1]``.
    """

    jobs: tuple[AnacronJob, ...] = ()
    errors: tuple[AnacronError, ...] = ()
    commented: tuple[AnacronJob, ...] = ()
    start_hours: tuple[int, int] | None = None
    random_delay: timedelta | None = None


def parse_anacrontab(text: str, daemon: Daemon = "anacron-debian") -> Anacrontab:
    """Parse /etc/anacrontab; never raises, what is wrong stands in ``errors``."""
    environment: dict[str, str] = {}
    jobs: list[AnacronJob] = []
    commented: list[AnacronJob] = []
    errors: list[AnacronError] = []
    for number, line, written in _logical_lines(text):
        if _BLANK.fullmatch(line):
            commented.extend(_commented_job(number, line, written, environment, daemon))
            continue
        assignment = _ASSIGNMENT.fullmatch(line)
        try:
            if assignment is not None:
                _check_setting(assignment[1], assignment[2], daemon)
                environment[assignment[1]] = assignment[2]
            else:
                jobs.append(_job(number, line, written, environment, daemon))
        except ParseError as error:
            errors.append(AnacronError(number, error.reason))
    settings = environment if daemon == "cronie" else {}
    return Anacrontab(
        tuple(jobs),
        tuple(errors),
        tuple(commented),
        _start_hours(settings.get("START_HOURS_RANGE")),
        _random_delay(settings.get("RANDOM_DELAY")),
    )


def _logical_lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Number of the first line, the line as anacron has it, and as written.

    A backslash before the newline joins two lines with a blank; every other but the text's last vanishes
    (``read_tab_line``).
    """
    start, pending = 1, []
    for number, line in enumerate(text.split("\n"), 1):
        pending.append(line)
        if line.endswith("\\"):
            continue
        yield start, " ".join(pending).replace("\\", ""), "\n".join(pending)
        start, pending = number + 1, []
    if pending:  # the text ends right after a backslash, which then stays
        yield start, " ".join(pending).replace("\\", "") + "\\", "\n".join(pending)


def _job(
    number: int, content: str, text: str, environment: dict[str, str], daemon: Daemon
) -> AnacronJob:
    match = _JOB.fullmatch(content)
    if match is None:
        raise ParseError("invalid syntax")
    period, delay, identifier, command = match.groups()
    return AnacronJob(
        number,
        period,
        _days(period, daemon),
        timedelta(minutes=_number(delay)),
        identifier,
        command,
        tuple(environment.items()),
        text,
    )


def _commented_job(
    number: int, line: str, text: str, environment: dict[str, str], daemon: Daemon
) -> Iterator[AnacronJob]:
    comment = _COMMENT.fullmatch(line)
    if comment is None:
        return
    try:
        job = _job(number, comment["rest"], text, environment, daemon)
    except ParseError:
        return
    yield replace(job, commented=True)


def _days(period: str, daemon: Daemon) -> int:
    if not period.startswith("@"):
        return _number(period)
    named = _CRONIE_PERIODS if daemon == "cronie" else _DEBIAN_PERIODS
    for prefix, days in named.items():
        if period.startswith(prefix):
            return days
    if daemon == "cronie":
        raise ParseError("unknown named period")
    return 0  # Debian's says "skipping", and yet runs the job at every start


def _number(digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    if len(significant) > 10 or int(significant) > _INT_MAX:
        raise ParseError("number out of range")
    return int(significant)


def _check_setting(name: str, value: str, daemon: Daemon) -> None:
    if daemon != "cronie":
        return
    if name.startswith("START_HOURS_RANGE") and _start_hours(value) is None:
        raise ParseError("invalid syntax")
    if name.startswith("RANDOM_DELAY") and _random_delay(value) is None:
        raise ParseError("invalid syntax")


def _start_hours(value: str | None) -> tuple[int, int] | None:
    match = _HOURS.fullmatch(value or "")
    if match is None or int(match[2]) < int(match[1]):
        return None
    return int(match[1]), int(match[2])


def _random_delay(value: str | None) -> timedelta | None:
    if value is None or re.fullmatch(r"[0-9]{1,9}", value) is None:
        return None
    return timedelta(minutes=int(value))
