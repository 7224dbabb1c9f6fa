"""Whether a trigger's schedule can have made a start: its calendar, its random delay, once an elapse.

Law: says what a schedule rules out, never what it proves. systemd.timer(5): each elapse of a calendar
fires once, at most RandomizedDelaySec and AccuracySec later; cron(8) fires in the minute it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from certaudit.errors import ParseError
from certaudit.facts import Start
from certaudit.linking.paths import Linked
from certaudit.parsers import calendar
from certaudit.parsers.crontab import next_firing

GRAIN = timedelta(seconds=90)  # AccuracySec is a minute unless set; a busy machine is late
LOOK_BACK = (timedelta(hours=2), timedelta(days=1), timedelta(days=8), timedelta(days=35))
MOST = 500


def elapse_before(one: Linked, moment: datetime) -> datetime | None:
    """The last moment up to ``moment`` for which a trigger's schedule is set, before any delay.

    ``None`` where the schedule does not tell: no calendar, or none within five weeks.
    """
    schedule = one.trigger.schedule
    if schedule is None or any("=" in text for text in schedule.expression):
        return None
    found = [last_of(text, one.trigger.kind, moment) for text in schedule.expression]
    return max((f for f in found if f is not None), default=None)


@lru_cache(maxsize=20_000)
def last_of(expression: str, kind: str, moment: datetime) -> datetime | None:
    """The last firing of one expression up to a moment, in that moment's zone."""
    for span in LOOK_BACK:
        last, following = None, following_of(expression, kind, moment - span)
        for _ in range(MOST):
            if following is None or following > moment:
                break
            last, following = following, following_of(expression, kind, following)
        if last is not None:
            return last
    return None


def following_of(expression: str, kind: str, moment: datetime) -> datetime | None:
    """The next firing of an expression; ``None`` where it has none or is no schedule."""
    try:
        if kind == "timer":
            return calendar.next_after(calendar.parse(expression), moment)
        return next_firing(expression, moment, "vixie-debian") if kind == "cron" else None
    except ParseError:
        return None


def lateness(one: Linked, moment: datetime) -> timedelta | None:
    """How long a moment lies after the latest a trigger fires for its last elapse; ``None``: not known.

    Zero or less: its schedule can have made a start at this moment.
    """
    elapse = elapse_before(one, moment + timedelta(seconds=1))
    if elapse is None:
        return None
    delay = one.trigger.schedule.random_delay if one.trigger.schedule else None
    return moment - elapse - timedelta(seconds=delay or 0) - GRAIN


def beyond(starts: Iterable[Start], one: Linked) -> frozenset[Start]:
    """The starts that a timer's schedule does not explain: outside its times, or one too many.

    Where two starts share an elapse, one of them was not the timer's, and it is not told which.
    """
    groups: dict[datetime, list[Start]] = {}
    found: set[Start] = set()
    for start in starts:
        late = lateness(one, start.time)
        if late is not None and late > timedelta(0):
            found.add(start)
        elif late is not None and (elapse := elapse_before(one, start.time + timedelta(seconds=1))):
            groups.setdefault(elapse, []).append(start)
    moments = sorted(groups)
    for before, elapse in zip([None, *moments], moments, strict=False):
        late_ones(groups, before, elapse, one)
    return frozenset(found | {s for group in groups.values() if len(group) > 1 for s in group})


def late_ones(
    groups: dict[datetime, list[Start]], before: datetime | None, elapse: datetime, one: Linked
) -> None:
    """Give the elapse before, if nothing fired for it, the start that came right after this elapse."""
    schedule = one.trigger.schedule
    delay = timedelta(seconds=(schedule.random_delay if schedule else None) or 0)
    first = groups[elapse][0]
    if len(groups[elapse]) < 2 or first.time - elapse > GRAIN:
        return
    earlier = elapse_before(one, elapse - timedelta(seconds=1))
    if earlier is not None and earlier + delay + GRAIN >= first.time and before != earlier:
        groups[elapse].pop(0)


def unexplained(starts: Sequence[Start], linked: Sequence[Linked]) -> frozenset[Start]:
    """The unit starts that the one timer they can belong to did not make, or may not have made."""
    found: set[Start] = set()
    for one in linked:
        if one.trigger.kind == "timer" and one.trigger.schedule is not None:
            units = {entry.unit for entry in one.candidate.entries if entry.unit}
            others = {e.unit for o in linked if o is not one for e in o.candidate.entries if e.unit}
            own = [s for s in starts if s.kind == "unit" and set(s.units) & (units - others)]
            found |= beyond([s for s in own if set(s.units) <= units], one)
    return frozenset(found)
