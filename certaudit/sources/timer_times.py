"""When a timer fires: its times, its schedule, and the firing it remembers.

Law: of a timer alone, switched on or not; systemd.timer(5) and systemd.time(7). What the manager says
counts before what the files let one reckon.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from certaudit.errors import ParseError, UnreadableError
from certaudit.facts import Setting, Unit
from certaudit.host.machine import Host
from certaudit.model import Schedule
from certaudit.parsers import calendar
from certaudit.parsers.timespan import parse_timespan
from certaudit.parsers.unit_words import boolean
from certaudit.sources.cron_files import users_of

MONOTONIC = ("OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec")


def times(unit: Unit) -> Iterator[Setting]:
    """The lines that give a timer its times."""
    for key in ("OnCalendar", *MONOTONIC):
        yield from unit.all("Timer", key)


def schedule_of(unit: Unit, host: Host) -> Schedule:
    """When a timer fires next: from the manager where it says so, else from its expressions."""
    expressions = tuple(s.value for s in unit.all("Timer", "OnCalendar"))
    others = tuple(f"{s.key}={s.value}" for s in times(unit) if s.key != "OnCalendar")
    delay = seconds(unit.last("Timer", "RandomizedDelaySec"))
    accuracy = seconds(unit.last("Timer", "AccuracySec")) if unit.last("Timer", "AccuracySec") else 60.0
    persistent = persists(unit)
    spread = timedelta(seconds=(delay or 0.0) + (accuracy or 0.0))
    earliest, latest = window(expressions, spread, last_firing(unit, host), host)
    drawn = unit.next_elapse.astimezone(host.zone) if unit.next_elapse else None
    return Schedule(
        expression=expressions + others,
        random_delay=delay,
        persistent=persistent,
        next_earliest=drawn or earliest,
        next_latest=drawn or latest,
        longest_gap=gap_of(expressions, host.as_of.astimezone(host.zone), delay or 0.0),
    )


def persists(unit: Unit) -> bool:
    """Does a timer write down when it fired (``Persistent=``)?"""
    return boolean(unit.last("Timer", "Persistent") or "no") is True


def seconds(text: str | None) -> float | None:
    """A time span of a unit file in seconds; ``None`` where there is none or it is no span."""
    try:
        return parse_timespan(text) if text else None
    except ParseError:
        return None


def next_of(expressions: Iterable[str], moment: datetime) -> datetime | None:
    """The next firing of any of the calendar expressions after a moment."""
    found = []
    for expression in expressions:
        try:
            found.append(calendar.next_after(calendar.parse(expression), moment))
        except ParseError:
            continue
    return min((f for f in found if f is not None), default=None)


def window(
    expressions: tuple[str, ...], spread: timedelta, last: datetime | None, host: Host
) -> tuple[datetime | None, datetime | None]:
    """Between which moments a timer fires next.

    The random delay is drawn anew after each firing and is not written down; so the elapse that the
    last firing was followed by may still lie ahead, as late as ``spread`` after its own time.
    """
    now = host.as_of.astimezone(host.zone)
    since = max(last.astimezone(host.zone), now - spread) if last else now - spread
    pending = next_of(expressions, since)
    if pending is None:
        return None, None
    if last is not None:
        return max(pending, now), pending + spread
    following = next_of(expressions, now) or pending
    return max(pending, now), following + spread


def gap_of(expressions: tuple[str, ...], moment: datetime, delay: float) -> float | None:
    """The longest gap between two of the next firings, random delay included, in seconds."""
    firings = [moment]
    for _ in range(8):
        following = next_of(expressions, firings[-1])
        if following is None:
            break
        firings.append(following)
    gaps = [(b - a).total_seconds() for a, b in pairwise(firings[1:])]
    return max(gaps) + delay if gaps else None


def last_firing(unit: Unit, host: Host) -> datetime | None:
    """When a timer fired last, in the machine's own time: by its manager, else by its stamp file."""
    moment = unit.last_trigger or stamp(unit, host)
    return moment.astimezone(host.zone) if moment else None


def stamp(unit: Unit, host: Host) -> datetime | None:
    """The last firing, by the mtime of a persistent timer's stamp file (systemd.timer(5)).

    A timer that is persistent no more leaves its file as it is. A user's manager keeps it in his home,
    unless XDG_DATA_HOME says otherwise (``timer_setup_persistent`` of systemd's timer.c).
    """
    if unit.kind != "timer" or not persists(unit):
        return None
    data = "/var/lib"
    if unit.manager:
        _, home = users_of(host).get(unit.manager, (None, ""))
        data = f"{home}/.local/share"
    path = f"{data}/systemd/timers/stamp-{unit.name}"
    try:
        entry = host.root.entry(path) if host.root.exists(path) else None
    except UnreadableError:
        return None
    return entry.modified if entry and entry.modified <= host.as_of else None
