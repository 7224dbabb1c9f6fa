"""Lines of syslog and the journal, joined into starts: what began when, and when it ended.

Law: one start is one, however many logs saw it. Which trigger a start belongs to is not said here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from certaudit.facts import Start
from certaudit.model import Evidence
from certaudit.parsers.events import AnacronJob, CronCommand, Event, SudoCommand, UnitEvent

SAME_LINE = timedelta(seconds=3)  # how far two logs' stamps of one message lie apart
RECENT = 20  # starts that are looked at for one that has not ended
ENDS = frozenset({"finished", "deactivated", "failed", "exited", "started"})


@dataclass(frozen=True, slots=True)
class Observed:
    """One classified line with its time and place."""

    time: datetime
    event: Event
    evidence: Evidence


def join(observed: Iterable[Observed], descriptions: Mapping[str, tuple[str, ...]]) -> tuple[Start, ...]:
    """Starts in order of time; ``descriptions`` gives the units that a Description= can mean."""
    starts: list[Start] = []
    for line in sorted(observed, key=lambda o: (o.time, o.evidence.where, o.evidence.line or 0)):
        event = line.event
        if isinstance(event, UnitEvent):
            unit_line(starts, line, event, units_of(event, descriptions))
        elif isinstance(event, CronCommand) and event.phase == "started":
            begin(starts, Start("cron", line.time, line.evidence, (), event.user, event.command))
        elif isinstance(event, SudoCommand):
            begin(starts, Start("sudo", line.time, line.evidence, (), event.user, event.command))
        elif isinstance(event, AnacronJob) and event.phase == "started":
            begin(starts, Start("anacron", line.time, line.evidence, (), "root", event.job))
    return tuple(starts)


def units_of(event: UnitEvent, descriptions: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The units a manager's line can mean."""
    if event.unit is not None:
        return (event.unit,)
    return descriptions.get((event.description or "").rstrip("."), ())


def unit_line(starts: list[Start], line: Observed, event: UnitEvent, units: tuple[str, ...]) -> None:
    """A manager's line: it begins a start, or tells the end of the last one of that unit.

    A lone "Started" is a start (a unit that is no oneshot); after "Starting" it is a oneshot's end
    on older systemd, and no end at all otherwise, so an end given later replaces it.
    """
    if not units:
        return
    last = next((n for n in range(len(starts) - 1, -1, -1) if set(starts[n].units) & set(units)), None)
    if event.phase == "starting" or (event.phase == "started" and last is None):
        begin(starts, Start("unit", line.time, line.evidence, units))
    elif event.phase in ENDS and last is not None:
        bad = event.phase == "failed" or (event.phase == "exited" and bool(event.result))
        failed = True if bad else (starts[last].failed or False)
        meant = units if event.unit is not None and lone(starts, last) else starts[last].units
        starts[last] = replace(starts[last], ended=line.time, failed=failed, units=meant)


def lone(starts: list[Start], last: int) -> bool:
    """Is a start the only one not yet ended that its Description= can mean?

    Then a line that names the unit (systemd 232-251 names it at the end alone) tells which it was.
    """
    units = set(starts[last].units)
    near = starts[max(0, last - RECENT) : last]
    return all(s.ended is not None or not units & set(s.units) for s in near if s.kind == "unit")


def begin(starts: list[Start], start: Start) -> None:
    """Add a start unless another log already told it; a line of a file is better evidence."""
    for position in range(len(starts) - 1, -1, -1):
        known = starts[position]
        if start.time - known.time > SAME_LINE:
            break
        if same(known, start):
            if known.evidence.line is None and start.evidence.line is not None:
                starts[position] = replace(known, evidence=start.evidence)
            return
    starts.append(start)


def same(one: Start, other: Start) -> bool:
    """Two logs telling one start: the same thing, from different files."""
    if one.kind != other.kind or one.evidence.where == other.evidence.where:
        return False
    if one.kind == "unit":
        return bool(set(one.units) & set(other.units))
    return one.user == other.user and one.command == other.command
