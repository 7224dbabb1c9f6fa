"""Whether a trigger's schedule can have made a start: its calendar, its random delay, once an elapse.

Law: says what a schedule rules out, never what it proves. systemd.timer(5): each elapse of a calendar
fires once, at most RandomizedDelaySec and AccuracySec later; cron(8) fires in the minute it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from msgspec import Struct

from certaudit.errors import ParseError
from certaudit.facts import Apart, Start
from certaudit.linking.paths import Linked
from certaudit.parsers import calendar
from certaudit.parsers.crontab import next_firing
from certaudit.records import replace

CRON = frozenset({"cron", "run-parts"})  # a script of cron.daily has the schedule of cron's line
LONG_SLEEP = timedelta(hours=14)  # when a machine went to sleep is not told: no longer ago than this
GRAIN = timedelta(seconds=90)  # AccuracySec is a minute unless set; a busy machine is late
LOOK_BACK = 35  # days, one by one; what fires more rarely is looked for through a year at once
YEAR = timedelta(days=366)
MOST = 1440
SETTLED = 5  # firings in the logs from which on a silence means something
SECOND = timedelta(seconds=1)
STAMP = timedelta(seconds=2)  # a stamp file holds whole seconds


def elapse_before(one: Linked, moment: datetime) -> datetime | None:
    """The last moment up to ``moment`` for which a trigger's schedule is set, before any delay.

    ``None`` where the schedule does not tell: no calendar, or none within a year.
    """
    schedule = one.trigger.schedule
    if schedule is None or any("=" in text for text in schedule.expression):
        return None
    found = [last_of(text, one.trigger.kind, moment) for text in schedule.expression]
    return max((f for f in found if f is not None), default=None)


def elapse_after(one: Linked, moment: datetime) -> datetime | None:
    """The first moment after ``moment`` for which a trigger's schedule is set, before any delay."""
    schedule = one.trigger.schedule
    texts = schedule.expression if schedule else ()
    found = [first_of(text, one.trigger.kind, moment) for text in texts]
    return min((f for f in found if f is not None), default=None)


def first_of(expression: str, kind: str, moment: datetime) -> datetime | None:
    """The first firing of one expression after a moment, of that day or the next, or of any."""
    for ahead in range(2):
        day = moment.date() + timedelta(days=ahead)
        later = [f for f in firings_of(expression, kind, moment.tzinfo, day) if f > moment]
        if later:
            return later[0]
    return following_of(expression, kind, moment)


def last_of(expression: str, kind: str, moment: datetime) -> datetime | None:
    """The last firing of one expression up to a moment, in that moment's zone."""
    for back in range(LOOK_BACK + 1):
        day = moment.date() - timedelta(days=back)
        found = [f for f in firings_of(expression, kind, moment.tzinfo, day) if f <= moment]
        if found:
            return found[-1]
    return last_of_year(expression, kind, moment)


def last_of_year(expression: str, kind: str, moment: datetime) -> datetime | None:
    """The last firing in the year up to a moment, of an expression that fires a few times in it."""
    found: datetime | None = None
    following = following_of(expression, kind, moment - YEAR)
    for _ in range(MOST):
        if following is None or following > moment:
            return found
        found, following = following, following_of(expression, kind, following)
    return None


@lru_cache(maxsize=20_000)
def firings_of(expression: str, kind: str, zone: tzinfo | None, day: date) -> tuple[datetime, ...]:
    """The firings of one expression on one day, at most ``MOST``: many runs ask about one day."""
    last = datetime.combine(day, time.min, zone) - timedelta(microseconds=1)
    found: list[datetime] = []
    while len(found) < MOST:
        following = following_of(expression, kind, last)
        if following is None or following.date() != day:
            break
        found.append(following)
        last = following
    return tuple(found)


def following_of(expression: str, kind: str, moment: datetime) -> datetime | None:
    """The next firing of an expression; ``None`` where it has none or is no schedule."""
    try:
        if kind == "timer":
            return calendar.next_after(parsed(expression), moment)
        return next_firing(expression, moment, "vixie-debian") if kind in CRON else None
    except ParseError:
        return None


@lru_cache(maxsize=100)
def parsed(expression: str) -> calendar.CalendarSpec:
    """A calendar expression, parsed once; raises ``ParseError``."""
    return calendar.parse(expression)


def lateness(one: Linked, moment: datetime) -> timedelta | None:
    """How long a moment lies after the latest a trigger fires for its last elapse; ``None``: not known.

    Zero or less: its schedule can have made a start at this moment.
    """
    elapse = elapse_before(one, moment + SECOND)
    return None if elapse is None else moment - elapse - delay_of(one) - GRAIN


class Doubts(Struct, frozen=True):
    """Starts of a timer's unit that its schedule does not explain, and those it does not prove.

    ``disproved``: those that come after the last firing of every timer they could be of.
    """

    doubtful: frozenset[Start] = frozenset()
    unproven: frozenset[Start] = frozenset()
    disproved: frozenset[Start] = frozenset()


class Span(Struct, frozen=True):
    """What the logs of starts cover, and the zone that the machine's schedules are kept in.

    A start carries a fixed offset; where that is the zone's own there, its elapse is reckoned in the
    zone, which knows of summer time. ``apart``: where a file was not written on the machine's clock.
    """

    since: datetime
    until: datetime
    zone: tzinfo | None = None
    apart: tuple[Apart, ...] = ()

    def placed(self, start: Start) -> Start:
        """A start at its time in the machine's zone; as it stands where it was another then."""
        local = start.time.astimezone(self.zone) if self.zone is not None else start.time
        if local.utcoffset() != start.time.utcoffset():
            return start
        return replace(start, time=local + self.behind(start))

    def behind(self, start: Start) -> timedelta:
        """How far the clock that a start was written by is behind the machine's."""
        if start.evidence.line is None:
            return timedelta(0)
        found = (a.by for a in self.apart if a.since <= start.time <= a.until and not a.on_utc)
        return next(found, timedelta(0))


class Break(Struct, frozen=True):
    """A time that ended with the machine waking up, or booting; where its beginning is told."""

    since: datetime
    until: datetime
    slept: bool


def breaks_of(starts: Iterable[Start]) -> tuple[Break, ...]:
    """The breaks that lines about the machine's power tell of."""
    found: list[Break] = []
    began: datetime | None = None
    for start in (start for start in starts if start.kind == "power"):
        if start.command in ("sleep", "off"):
            began = start.time
        else:
            slept = start.command == "wake"
            unknown = start.time - LONG_SLEEP if slept else start.time
            found.append(Break(began or unknown, start.time, slept))
            began = None
    return tuple(found)


def doubts(starts: Iterable[Start], one: Linked, span: Span, breaks: Sequence[Break] = ()) -> Doubts:
    """Which of the starts that can be a timer's were perhaps made by hand (``systemctl start``).

    One elapse fires once: of two starts for it one was not the timer's, and only the timer's stamp
    tells which. A start outside of all its times is not explained. Where the logs do not cover the
    whole time in which an elapse may fire, or nothing fired for the next one (the machine was off, the
    timer stopped), a single start is not proven either; nor is the first of a timer that came later
    than the logs begin, nor where its own firing may have come later: right after the next elapse, or
    after a break.
    """
    real = {span.placed(start): start for start in starts}
    doubtful: set[Start] = set()
    groups = grouped(real, one, doubtful)
    unproven = {start for start in doubtful if caught_up(start, one, breaks)}
    doubtful -= unproven
    for elapse, group in groups.items():
        others = [s for s in group if not stamped(s, one)]
        if len(group) > 1 or (others and not_fired_since(others[0], one)):
            doubtful.update(others)
        elif (
            elapse < span.since
            or not passed(elapse, one, span)
            or silent_after(elapse, groups, one, span)
            or silent_before(elapse, groups, one, span)
            or late_after(elapse, groups, one)
            or any(displaces(each, elapse, one) for each in breaks)
        ):
            unproven.update(others)
    return Doubts(frozenset(real[s] for s in doubtful), frozenset(real[s] for s in unproven))


def passed(elapse: datetime, one: Linked, span: Span) -> bool:
    """Do the logs reach to the end of the time in which an elapse may fire?"""
    return elapse + delay_of(one) + GRAIN <= span.until


def silent_after(
    elapse: datetime, groups: Mapping[datetime, list[Start]], one: Linked, span: Span
) -> bool:
    """Did nothing fire for the next elapse, though its time has passed, of a timer that fired before?"""
    if len(groups) < SETTLED:
        return False
    following = elapse_after(one, elapse)
    return following is not None and following not in groups and passed(following, one, span)


def silent_before(
    elapse: datetime, groups: Mapping[datetime, list[Start]], one: Linked, span: Span
) -> bool:
    """Is it the first elapse that anything fired for, in logs that reach further back: a new timer?

    What fired before the timer had come was made by hand.
    """
    if len(groups) < SETTLED or elapse > min(groups):
        return False
    earlier = elapse_before(one, elapse - SECOND)
    return earlier is not None and earlier >= span.since


def late_after(elapse: datetime, groups: Mapping[datetime, list[Start]], one: Linked) -> bool:
    """Can the start of the next elapse be the late one of this, which then made the next one pass?"""
    following = elapse_after(one, elapse)
    later = groups.get(following) if following is not None else None
    return later is not None and later[0].time <= elapse + delay_of(one) + GRAIN


def displaces(each: Break, elapse: datetime, one: Linked) -> bool:
    """Can a break have moved an elapse's firing past the next elapse?

    What was missed while the machine was off is delayed anew from the boot (systemd 242 and later);
    what was due in its sleep fires when it wakes (``timer_enter_waiting`` of systemd's timer.c).
    """
    end = elapse + delay_of(one) + GRAIN
    if not each.slept:
        return elapse < each.until and each.since <= end
    following = elapse_after(one, elapse)
    return following is not None and each.since < end and following <= each.until and elapse < each.until


def caught_up(start: Start, one: Linked, breaks: Sequence[Break]) -> bool:
    """Does a start lie where a timer catches up on what it missed in a break?"""
    grace = delay_of(one) + GRAIN
    return any(timedelta(0) <= start.time - each.until <= grace for each in breaks)


def grouped(starts: Iterable[Start], one: Linked, outside: set[Start]) -> dict[datetime, list[Start]]:
    """Starts by the elapse they can belong to; those that fit none go to ``outside``.

    A timer that catches up (Persistent=) is late, and its stamp proves it.
    """
    groups: dict[datetime, list[Start]] = {}
    for start in starts:
        late = lateness(one, start.time)
        elapse = elapse_before(one, start.time + SECOND)
        if late is not None and late > timedelta(0) and not stamped(start, one):
            outside.add(start)
        elif elapse is not None:
            groups.setdefault(elapse, []).append(start)
    for elapse in sorted(groups):
        count_twice(groups, elapse, one)
    return groups


def count_twice(groups: dict[datetime, list[Start]], elapse: datetime, one: Linked) -> None:
    """A start right after an elapse may be the late one of the elapse before: it counts for both.

    Where that has none of its own, it is one of two here all the same: a late firing makes the next
    elapse pass, as the timer reckons from its last firing.
    """
    first = groups[elapse][0]
    earlier = elapse_before(one, elapse - SECOND)
    reaches = earlier is not None and earlier + delay_of(one) + GRAIN >= first.time
    if earlier in groups and reaches and len(groups[elapse]) > 1:
        groups[earlier].append(first)


def delay_of(one: Linked) -> timedelta:
    """RandomizedDelaySec of a timer."""
    schedule = one.trigger.schedule
    return timedelta(seconds=(schedule.random_delay if schedule else None) or 0)


def stamped(start: Start, one: Linked) -> bool:
    """Is this the firing that the timer itself remembers as its last?"""
    last = one.trigger.last_fired
    return last is not None and abs(last - start.time) <= STAMP


def not_fired_since(start: Start, one: Linked) -> bool:
    """Does the timer remember no firing as late as this start?"""
    last = one.trigger.last_fired
    return last is not None and last + STAMP < start.time


def all_doubts(
    starts: Sequence[Start],
    linked: Sequence[Linked],
    names: Mapping[Start, frozenset[str]],
    span: Span,
    breaks: Sequence[Break] = (),
) -> Doubts:
    """The doubts about all timers' starts; ``names`` are the triggers that each start can belong to."""
    timers = [one for one in linked if one.trigger.kind == "timer" and one.trigger.schedule is not None]
    found = [
        doubts([s for s in starts if one.trigger.id in names.get(s, ())], one, span, breaks)
        for one in timers
    ]
    later = {
        s: {one.trigger.id for one in timers if not_fired_since(span.placed(s), one)} for s in starts
    }
    return Doubts(
        frozenset(s for each in found for s in each.doubtful),
        frozenset(s for each in found for s in each.unproven),
        frozenset(s for s in starts if names.get(s) and later[s] >= names[s]),
    )
