"""The end of a cron job, by the PAM session that cron opens for it.

Law: a bound and no more: where several jobs begin at one moment and end close together, the latest of
their ends holds for each; where they do not, none is known. Recorded with Debian 12's cron: the
session's lines carry the pid of the job's parent, which is lower than the job's own; it is opened
1-5 ms before the CMD line and closed once the job's output is.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from certaudit.facts import Start
from certaudit.parsers.events import CronCommand, CronSession
from certaudit.records import replace

BEFORE = timedelta(seconds=3)  # a session is opened before its command; syslog may hold whole seconds
AFTER = timedelta(seconds=1)
TOGETHER = timedelta(seconds=15)
PARENT = 30  # pids between a job and its parent, where many jobs begin at once
SESSION_LITERALS = (b"(cron:session)", b"(crond:session)")  # one of which each such line holds
SESSION_PID = re.compile(r"\[(\d{1,9})\]: pam_unix\(crond?:session\)", re.ASCII)
BACKGROUND = re.compile(r"(?<![&>|\\])&(?![&>])")


class Session(Struct, frozen=True):
    """One PAM session of a cron job."""

    opened: datetime
    user: str
    pid: int
    closed: datetime | None


def bounded(starts: Iterable[Start], lines: Sequence[tuple[datetime, CronSession]]) -> list[Start]:
    """Starts with the end of each cron command where its session tells one."""
    sessions = paired(lines)
    times = [session.opened for session in sessions]
    found = []
    for start in starts:
        if start.kind == "cron" and start.pid is not None and times:
            first = bisect_left(times, start.time - BEFORE)
            last = bisect_right(times, start.time + AFTER)
            end = end_of(start, sessions[first:last])
            found.append(replace(start, ended=end) if end is not None else start)
        else:
            found.append(start)
    return found


def parents(events: Iterable[object]) -> frozenset[int]:
    """The pids that the parents of the cron commands among some events can have."""
    pids = {e.job_pid for e in events if isinstance(e, CronCommand) and e.job_pid is not None}
    return frozenset(parent for pid in pids for parent in range(pid - PARENT, pid))


def about_these(pids: frozenset[int]) -> Callable[[str], bool]:
    """Whether a line is not about the session of a cron job with another pid: there are many."""

    def wanted(line: str) -> bool:
        found = SESSION_PID.search(line)
        return found is None or int(found[1]) in pids

    return wanted


def paired(lines: Iterable[tuple[datetime, CronSession]]) -> list[Session]:
    """The sessions in order of their openings, each with its end; one line told twice counts once."""
    found: list[Session] = []
    open_ones: dict[int, int] = {}
    for time, line in lines:
        if line.pid is None:
            continue
        known = open_ones.get(line.pid)
        if line.phase == "opened":
            if known is None or time - found[known].opened > BEFORE:
                open_ones[line.pid] = len(found)
                found.append(Session(time, line.user, line.pid, None))
        elif known is not None and found[known].closed is None:
            found[known] = replace(found[known], closed=time)
    return found


def end_of(start: Start, near: Iterable[Session]) -> datetime | None:
    """The end of the session that can be a cron command's own; ``None`` where it is not known.

    A command that leaves something behind in the background ends before that does.
    """
    if start.pid is None or BACKGROUND.search(start.command or ""):
        return None
    own = [s for s in near if s.user == start.user and start.pid - PARENT <= s.pid < start.pid]
    ends = [session.closed for session in own if session.closed is not None]
    if not ends or len(ends) < len(own) or max(ends) - min(ends) > TOGETHER:
        return None
    return max(ends)
