"""The past in words: how far the logs reach, what came with what, what was left behind for how long.

Law: a bound is never told as a moment, and how far the logs reach is part of every answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from certaudit.history import Arrival, Coverage, Hole, LeftBehind, Migration, Starvation
from certaudit.linking.words import count, day, listing, moment, span, trigger_name
from certaudit.model import Lineage, Model

NONE = {
    "client": "no log of certbot read",
    "starts": "no log of starts read",
    "packages": "no package log read",
}


def reach(model: Model) -> str:
    """``certbot's log from 2023-09-10, starts (syslog) from 2023-11-19, packages from ...``."""
    return ", ".join(kind_words(model, kind) for kind in NONE)


def kind_words(model: Model, kind: str) -> str:
    """One kind of log: since when, by which of its files."""
    logs = [log for log in model.history.coverage if log.kind == kind and log.since]
    if not logs:
        return NONE[kind]
    first = min(log.since for log in logs if log.since)
    if kind == "client":
        return f"certbot's log from {day(first)}"
    return f"{kind} ({listing([log.source for log in logs])}) from {day(first)}"


def holes(model: Model) -> Iterator[str]:
    """What is missing within the spans, a sentence each."""
    for log in model.history.coverage:
        for hole in log.holes:
            yield hole_words(log, hole)


def hole_words(log: Coverage, hole: Hole) -> str:
    """One hole."""
    since = f"after {day(hole.since)}" if hole.since else "from its beginning"
    until = f"until {day(hole.until)}" if hole.until else "to its end"
    return f"{log.source} has a hole, {since} {until}: {hole.reason}"


def local(model: Model, time: datetime) -> datetime:
    """A moment in the machine's own zone."""
    return time.astimezone(model.host.as_of.tzinfo)


def came(found: Arrival) -> str:
    """``certbot.timer came with certbot 1.21.0-1 on 2023-06-03 14:01 (`apt install certbot`)``."""
    name = trigger_name(found.trigger)
    if found.time is None:
        return was_there(name, found)
    what = f"{found.package} {found.version or ''}".strip()
    how = [f"`{found.command}`"] if found.command else []
    how += [f"by {found.requested_by}"] if found.requested_by else []
    text = f"{name} came with {what} on {moment(found.time)}" + (f" ({', '.join(how)})" if how else "")
    return text + (f", {course(found.migration, found.time)}" if found.migration else "")


def was_there(name: str, found: Arrival) -> str:
    """A trigger of which no log tells when it came."""
    if found.before is None or found.confidence == "low":
        return f"when {name} came is not known: no package log tells"
    return f"{name} was there already on {day(found.before)}, before which no package log reaches"


def course(move: Migration, time: datetime) -> str:
    """When, beside a release move, something came."""
    what = f"move from {move.old} to {move.new}" if move.old else f"installation of {move.new}"
    away = abs((time.date() - move.until.date()).days)
    if not away:
        return f"on the day of the {what}"
    side = "after" if time > move.until else "before"
    return f"{count(away, 'day')} {side} the {what}"


def starved(model: Model, found: Starvation) -> str:
    """How often the owner's job came too late, and how often it had nothing to renew."""
    return f"the owner's job {too_late(model, found)}; {idle(model, found)}"


def too_late(model: Model, found: Starvation) -> str:
    """``came too late at least 2 times, first on 2023-10-02 and last on 2023-12-01``."""
    first, last = day(local(model, found.first)), day(local(model, found.last))
    if found.times == 1:
        return f"came too late at least once, on {first}"
    return f"came too late at least {found.times} times, first on {first} and last on {last}"


def idle(model: Model, found: Starvation) -> str:
    """How often the owner had nothing to renew since the first theft; most of that is normal."""
    since = day(local(model, found.since))
    when = f"between {since} and {day(local(model, found.until))}" if found.until else f"since {since}"
    return f"at {count(found.idle, 'firing')} that the logs show {when} it had nothing to renew"


def left(model: Model, lineage: Lineage) -> Iterator[str]:
    """What stolen renewals left behind: a clause for each, and one for what cannot be known."""
    own = [b for b in model.history.left_behind if b.lineage == lineage.name]
    told = [
        clause
        for generation in lineage.generations
        for clause in clauses(model, lineage, [b for b in own if b.generation == generation.number])
    ]
    if told:
        yield "; ".join(told)
    lost = [b for b in own if b.state == "unknown"]
    if lost:
        places = list(dict.fromkeys(b.where for b in lost))
        reasons = list(dict.fromkeys(b.because for b in lost))
        yield f"for how long {listing(places)} stayed behind is not known: {listing(reasons)}"


def clauses(model: Model, lineage: Lineage, behind: Sequence[LeftBehind]) -> Iterator[str]:
    """What one stolen generation left behind, as far as that is known."""
    ended = [b for b in behind if b.state == "ended"]
    if ended:
        until = max(b.until for b in ended if b.until)
        lasted = span((until - ended[0].since).total_seconds())
        text = f"{copies(ended, 'was', 'were')} behind for {lasted} after generation"
        out = run_out(lineage, ended[0].generation - 1, until)
        files = "its file" if len(ended) == 1 else "their files"
        when = f"until {day(local(model, until))} by the time of {files}"
        yield f"{text} {ended[0].generation}, {when}{out}"
    still = [b for b in behind if b.state == "still"]
    if still:
        lasted = span((model.host.as_of - still[0].since).total_seconds())
        text = f"{copies(still, 'has', 'have')} been behind for {lasted}"
        yield f"{text} since generation {still[0].generation}, until now"


def copies(behind: Sequence[LeftBehind], one: str, more: str) -> str:
    """``4 copies were``."""
    return f"{count(len(behind), 'copy', 'copies')} {one if len(behind) == 1 else more}"


def run_out(lineage: Lineage, number: int, until: datetime) -> str:
    """That the newest a copy can have held had expired before it was brought up to date."""
    held = next((g for g in lineage.generations if g.number == number), None)
    return ", and had expired by then" if held is not None and held.not_after < until else ""


def fires(model: Model, trigger_id: str) -> str:
    """`` (next between 12:24 and 00:01)`` for a trigger that has a schedule."""
    trigger = model.trigger(trigger_id)
    schedule = trigger.schedule if trigger else None
    if schedule is None or schedule.next_earliest is None:
        return ""
    first = local(model, schedule.next_earliest)
    last = local(model, schedule.next_latest or schedule.next_earliest)
    if last <= first:
        return f" (next on {moment(first)})"
    return f" (next between {moment(first)} and {moment(last)})"
