"""Lines of syslog and the journal, joined into starts: what began when, and when it ended.

Law: one start is one, however many logs saw it. Which trigger a start belongs to is not said here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone, tzinfo

from msgspec import Struct

from certaudit.facts import Start
from certaudit.linking.history.sessions import bounded
from certaudit.model import Evidence
from certaudit.parsers.events import (
    AnacronJob,
    ClientOutput,
    CronCommand,
    CronSession,
    Event,
    SudoCommand,
    UnitEvent,
)
from certaudit.parsers.power import PowerEvent
from certaudit.parsers.shell_history import ShellCommand
from certaudit.records import replace

SAME_LINE = timedelta(seconds=3)  # how far two logs' stamps of one message lie apart
RECENT = 20  # starts that are looked at for one that has not ended
ENDS = frozenset({"finished", "deactivated", "failed", "exited", "started"})
LOCKED = "Another instance of Certbot is already running"  # certbot/_internal/lock.py, since 0.14
Descriptions = Mapping[str, tuple[str, ...]]


class Observed(Struct, frozen=True):
    """One classified line with its time and place; the journal also tells unit and INVOCATION_ID.

    ``time`` carries a fixed offset (``local``), so that times compare and subtract as moments.
    """

    time: datetime
    event: Event | ShellCommand | PowerEvent
    evidence: Evidence
    unit: str | None = None
    invocation: str | None = None


def local(moment: datetime, zone: tzinfo) -> datetime:
    """A moment in a zone, with the offset of that moment fixed: in the hour that summer time repeats,
    two datetimes of one zone would be compared by their wall times.
    """
    there = moment.astimezone(zone)
    offset = there.utcoffset()
    return there if offset is None else there.astimezone(timezone(offset))


def join(observed: Iterable[Observed], descriptions: Descriptions) -> tuple[Start, ...]:
    """Starts in order of time; ``descriptions`` gives the units that a Description= can mean."""
    lines = sorted(observed, key=lambda o: (o.time, o.evidence.where, o.evidence.line or 0))
    starts: list[Start] = []
    for line in lines:
        event = line.event
        if isinstance(event, UnitEvent):
            unit_line(starts, line, event, units_of(line, event, descriptions))
        elif isinstance(event, ClientOutput) and event.message.startswith(LOCKED):
            locked_out(starts, line)
        elif isinstance(event, AnacronJob) and event.phase == "ended":
            job_ended(starts, line.time, event.job)
        elif start := begun(line):
            begin(starts, start)
    sessions = [(o.time, o.event) for o in lines if isinstance(o.event, CronSession)]
    return tuple(bounded(blurred(starts), sessions))


def begun(line: Observed) -> Start | None:
    """The start of which one line tells all: a cron command, an anacron job, a person's sudo."""
    event = line.event
    if isinstance(event, CronCommand) and event.phase == "started":
        return Start("cron", line.time, line.evidence, (), event.user, event.command, pid=event.job_pid)
    if isinstance(event, SudoCommand):
        tty = None if event.tty == "unknown" else event.tty  # as older sudo has it
        return Start("sudo", line.time, line.evidence, (), event.user, event.command, tty=tty)
    if isinstance(event, ShellCommand):
        return Start("shell", line.time, line.evidence, (), event.user, event.command)
    if isinstance(event, PowerEvent):
        return Start("power", line.time, line.evidence, (), None, event.what)
    if isinstance(event, AnacronJob) and event.phase == "started":
        return Start("anacron", line.time, line.evidence, (), "root", event.job)
    return None


def units_of(line: Observed, event: UnitEvent, descriptions: Descriptions) -> tuple[str, ...]:
    """The units a manager's line can mean: the one it or the journal names, else by the Description=."""
    meant = descriptions.get((event.description or "").rstrip("."), ())
    if event.unit is not None:
        return (event.unit,)
    if line.unit in meant:
        return (line.unit,)
    return meant


def unit_line(starts: list[Start], line: Observed, event: UnitEvent, units: tuple[str, ...]) -> None:
    """A manager's line: it begins a start, or tells the end of the last one of that unit.

    A lone "Started" is a start (a unit that is no oneshot); after "Starting" it is a oneshot's end
    on older systemd, and no end at all otherwise, so an end given later replaces it.
    """
    if not units:
        return
    user = event.user_manager
    last = None if event.phase == "starting" else last_of(starts, line, units, user_manager=user)
    if event.phase == "starting" or (event.phase == "started" and last is None):
        new = Start("unit", line.time, line.evidence, units)
        begin(starts, replace(new, user_manager=user, invocation=line.invocation))
    elif event.phase in ENDS and last is not None:
        bad = event.phase == "failed" or (event.phase == "exited" and bool(event.result))
        failed = True if bad else (starts[last].failed or False)
        meant = units if event.unit is not None and lone(starts, last) else starts[last].units
        starts[last] = replace(starts[last], ended=line.time, failed=failed, units=meant)


def last_of(
    starts: list[Start], line: Observed, units: tuple[str, ...], *, user_manager: bool
) -> int | None:
    """The start that a later line of a manager is about: that of its INVOCATION_ID, else the last.

    Where a Description= leaves open which unit is meant: the one whose end was told just now, for it
    is told in several lines; else the last that is not ended.
    """
    able: list[int] = []
    latest = None
    for position in range(len(starts) - 1, -1, -1):
        start = starts[position]
        if start.user_manager != user_manager or set(units).isdisjoint(start.units):
            continue
        if line.invocation is None or start.invocation in (None, line.invocation):
            able.append(position)
            if (line.invocation and start.invocation) or len(units) == len(start.units) == 1:
                break
        latest = position if latest is None else latest
        if latest - position > RECENT:
            break
    just_now = [n for n in able if told_just_now(starts[n], line)]
    under_way = [n for n in able if starts[n].ended is None]
    return next(iter((*just_now, *under_way, *able)), latest)


def told_just_now(start: Start, line: Observed) -> bool:
    """Did another line tell the end of a start right before this one?"""
    return start.ended is not None and line.time - start.ended <= SAME_LINE


def lone(starts: list[Start], last: int) -> bool:
    """Is a start the only one under way that its Description= can mean?

    Then a line that names the unit (systemd 232-251 names it at the end alone) tells which it was.
    """
    units = set(starts[last].units)
    near = starts[max(0, last - RECENT) : last]
    before = all(s.ended is not None or not units & set(s.units) for s in near if s.kind == "unit")
    return before and not any(len(units & set(s.units)) > 1 for s in starts[last + 1 :])


def blurred(starts: list[Start]) -> list[Start]:
    """Starts with the latest end for each of those that overlap and that one Description= can mean.

    Which of their ends is whose is not told, nor whose failure.
    """
    found = list(starts)
    for n, one in ((n, start) for n, start in enumerate(starts) if len(start.units) > 1):
        for m in range(n + 1, min(n + 1 + RECENT, len(starts))):
            other = starts[m]
            open_end = one.ended is None or other.ended is None or one.ended < other.time
            if open_end or len(set(one.units) & set(other.units)) < 2:
                continue
            ends = [s.ended for s in (found[n], found[m]) if s.ended is not None]
            failed = one.failed if one.failed == other.failed else None
            for position in (n, m):
                found[position] = replace(found[position], ended=max(ends), failed=failed)
    return found


def locked_out(starts: list[Start], line: Observed) -> None:
    """The client of the one unit that is under way was turned away by another's lock."""
    open_ones = [
        n
        for n in range(max(0, len(starts) - RECENT), len(starts))
        if starts[n].kind == "unit" and starts[n].ended is None
    ]
    if line.invocation:
        open_ones = [n for n in open_ones if starts[n].invocation in (line.invocation, None)]
    if line.unit:
        open_ones = [n for n in open_ones if line.unit in starts[n].units]
    if len(open_ones) == 1:
        starts[open_ones[0]] = replace(starts[open_ones[0]], locked=True)


def job_ended(starts: list[Start], time: datetime, job: str) -> None:
    """The last start of an anacron job is at its end."""
    for position in range(len(starts) - 1, -1, -1):
        start = starts[position]
        if start.kind == "anacron" and start.command == job:
            starts[position] = replace(start, ended=start.ended or time)
            return


def begin(starts: list[Start], start: Start) -> None:
    """Add a start unless another log already told it; a line of a file is better evidence."""
    near = []
    told_in = log_of(start)
    for position in range(len(starts) - 1, -1, -1):
        known = starts[position]
        if start.time - known.time > SAME_LINE:
            break
        if known.kind == start.kind and log_of(known) != told_in and same(known, start):
            near.append(position)
    if not near:
        starts.append(start)
        return
    known = starts[near[-1]]  # of several that it can be, the first
    better = known.evidence.line is None and start.evidence.line is not None
    starts[near[-1]] = replace(
        known,
        evidence=start.evidence if better else known.evidence,
        units=tuple(u for u in known.units if u in start.units),
        invocation=known.invocation or start.invocation,
    )


def same(one: Start, other: Start) -> bool:
    """Two logs telling of starts of one kind: do they mean the same one?"""
    if one.kind == "unit":
        if one.invocation and other.invocation and one.invocation != other.invocation:
            return False
        return bool(set(one.units) & set(other.units)) and one.user_manager == other.user_manager
    return one.user == other.user and one.command == other.command


def log_of(start: Start) -> str:
    """The log that told a start: each entry of the journal has a place of its own."""
    where = start.evidence.where
    return "journal" if where.startswith("journal:") else where
