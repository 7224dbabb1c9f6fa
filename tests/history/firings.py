"""When the triggers of a machine fire: timers, cron, and anacron, past all that clocks and power do.

Law: shares nothing with the code under test. Sources: ``timer_enter_waiting`` of systemd's
src/core/timer.c, systemd.timer(5), and ``systemd-analyze calendar`` asked about both ends of summer time
(a skipped local time does not elapse, a repeated one elapses once); cron(8) of Debian's cron, NOTES.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

from tests.history.jobs import Job
from tests.history.scenario import UTC, Machine

DAY = timedelta(days=1)
REBASES = (
    242  # from here on what was missed while off is delayed anew from the boot (pull request 11608)
)
SMALL_JUMP = timedelta(hours=3)  # cron runs what it slept through, if that was no more


def firings(job: Job, machine: Machine, draw: Random) -> Iterator[datetime]:
    """The moments at which a trigger fires, in order."""
    begin = max(machine.begin, job.since or machine.begin)
    end = min(machine.end, job.until or machine.end)
    if job.kind == "timer":
        yield from (f for f in timer(job, machine, draw, begin) if f < end)
    else:
        yield from (f for f in cron(job, machine, draw, begin, end) if begin <= f < end)


def timer(job: Job, machine: Machine, draw: Random, begin: datetime) -> Iterator[datetime]:
    """Each elapse follows the last firing, is delayed anew, and woken within AccuracySec (a minute)."""
    last = begin - timedelta(minutes=2)  # an upgrade leaves what is pending alone
    for elapse in elapses(job, machine, begin):
        if elapse <= last:
            continue
        fires = elapse + spread(job, draw)
        for spell in machine.spells:
            if spell.until <= elapse or fires < spell.since:
                continue
            if spell.power == "suspended":
                fires = max(spell.until, elapse + spread(job, draw))
            elif not job.delay and elapse >= spell.since:  # not persistent: nothing is caught up on
                fires = datetime.max.replace(tzinfo=UTC)
                break
            elif machine.systemd >= REBASES:
                boot = spell.until + timedelta(seconds=draw.uniform(4, 15))
                fires = boot + spread(job, draw)
            else:
                boot = spell.until + timedelta(seconds=draw.uniform(4, 15))
                fires = max(boot, elapse + spread(job, draw))
        if fires.year == 9999:
            continue
        last = fires + timedelta(seconds=draw.uniform(0, 60))
        yield last


def spread(job: Job, draw: Random) -> timedelta:
    """A timer's random delay."""
    return timedelta(seconds=draw.uniform(0, job.delay))


def cron(job: Job, machine: Machine, draw: Random, begin: datetime, end: datetime) -> Iterator[datetime]:
    """A minute's jobs begin within its first second or two; what a short sleep skipped runs after it."""
    day = begin.astimezone(machine.zone_at(begin)).date() - DAY
    while day <= end.date() + DAY:
        for elapse, skipped in local_times(day, job, machine):
            late = draw.uniform(0, 20) if skipped else draw.uniform(0, 1.2)
            fires = elapse + timedelta(seconds=late)
            spell = machine.power_at(fires)
            if spell is None:
                yield fires
            elif spell.power == "suspended" and spell.until - spell.since <= SMALL_JUMP:
                yield spell.until + timedelta(seconds=draw.uniform(1, 30))
        day += DAY


def elapses(job: Job, machine: Machine, begin: datetime) -> Iterator[datetime]:
    """A timer's elapses without any delay."""
    day = begin.astimezone(machine.zone_at(begin)).date() - DAY
    while day <= machine.end.date() + DAY:
        yield from (moment for moment, skipped in local_times(day, job, machine) if not skipped)
        day += DAY


def local_times(day: date, job: Job, machine: Machine) -> Iterator[tuple[datetime, bool]]:
    """The moments of one local day, and whether the local time was skipped: then the end of the gap."""
    if job.weekday is not None and day.weekday() != job.weekday:
        return
    for hour, minute in sorted(job.times):
        zone = machine.zone_at(datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC))
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
        moment = local.astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
            yield moment, False
        else:
            yield gap_end(moment, machine), True


def gap_end(moment: datetime, machine: Machine) -> datetime:
    """The moment at which summer time began, near a local time that it skipped."""
    zone = machine.zone_at(moment)
    at = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    later = at.astimezone(zone).utcoffset()
    while (at - timedelta(minutes=15)).astimezone(zone).utcoffset() == later:
        at -= timedelta(minutes=15)
    return at
