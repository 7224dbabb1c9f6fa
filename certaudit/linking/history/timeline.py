"""The life of one lineage as events in order of time: what came, what ran, who renewed, what will be.

Law: pure; every event is a fact of the Model, and nothing is concluded here. ``fold`` makes long dull
stretches short and loses no count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from certaudit.history import EventKind, Firing, PackageChange, TimelineEvent
from certaudit.linking.forecast import ahead
from certaudit.linking.history.past_words import local
from certaudit.linking.words import count, listing, moment, path_name, trigger_name
from certaudit.model import Generation, HookCall, Lineage, Model, Outcome, Run
from certaudit.records import replace

T = TypeVar("T")

TOGETHER = timedelta(minutes=5)  # copies that one distribution wrote, packages of one transaction
SAME = timedelta(seconds=2)
DULL: frozenset[EventKind] = frozenset({"not-due", "idle", "fired", "unclear", "simulated"})
ACTIONS = {
    "install": "installed",
    "reinstall": "installed again",
    "upgrade": "upgraded",
    "downgrade": "downgraded",
    "remove": "removed",
    "purge": "purged",
}
KINDS: dict[str, EventKind] = {
    "not_due": "not-due",
    "failed": "failed",
    "simulated": "simulated",
    "unknown": "unclear",
}
SAID = {
    "not_due": "it was not due",
    "failed": "it failed",
    "simulated": "a dry run",
    "unknown": "what came of it is not in the log",
}


def timeline(
    model: Model, lineage: Lineage, since: datetime | None = None, until: datetime | None = None
) -> tuple[TimelineEvent, ...]:
    """Every event of a lineage within two moments (both included), in order of time.

    What is ahead is left out where ``until`` is given and lies before it.
    """
    zone = model.host.as_of.tzinfo
    found = [
        *releases(model),
        *packages(model),
        *runs(model, lineage),
        *orphans(lineage),
        *firings(model, lineage),
        *copies(model, lineage),
        *expired(model, lineage),
        *ahead(model, lineage),
    ]
    local = (replace(e, time=e.time.astimezone(zone)) for e in found)
    kept = (e for e in local if since is None or e.time >= since)
    return tuple(sorted((e for e in kept if until is None or e.time <= until), key=lambda e: e.time))


def releases(model: Model) -> Iterator[TimelineEvent]:
    """The system's moves from release to release."""
    for move in model.history.migrations:
        text = f"moved from {move.old} to {move.new}" if move.old else f"{move.new} was installed"
        if move.until - move.time > TOGETHER:
            text += f", done at {moment(local(model, move.until))}"
        yield TimelineEvent(move.time, "release", text, evidence=move.evidence)


def packages(model: Model) -> Iterator[TimelineEvent]:
    """What package managers changed, the packages of one transaction together."""
    moves = {line for move in model.history.migrations for line in move.evidence}
    changes = [c for c in model.history.packages if not moves.intersection(c.evidence)]

    def alike(a: PackageChange, b: PackageChange) -> bool:
        return (a.action, a.command, a.requested_by) == (b.action, b.command, b.requested_by)

    for group in grouped(changes, lambda c: c.time, alike):
        names = {change.package for change in group}
        came = [a for a in model.history.arrivals if a.package in names and a.time]
        brought = [trigger_name(a.trigger) for a in came if any(c.time == a.time for c in group)]
        yield TimelineEvent(
            group[0].time,
            "package",
            package_words(group) + (f"; with it came {listing(brought)}" if brought else ""),
            evidence=tuple(dict.fromkeys(line for c in group for line in c.evidence)),
        )


def package_words(group: Sequence[PackageChange]) -> str:
    """``certbot 1.21.0-1 installed (`apt install certbot`, by admin)``."""
    texts = [f"{c.package} {c.new or c.old or ''}".strip() for c in group]
    how = [f"`{group[0].command}`"] if group[0].command else []
    how += [f"by {group[0].requested_by}"] if group[0].requested_by else []
    return f"{listing(texts, 4)} {ACTIONS[group[0].action]}" + (f" ({', '.join(how)})" if how else "")


def runs(model: Model, lineage: Lineage) -> Iterator[TimelineEvent]:
    """What each run of the client did to the lineage."""
    own = triggers_of(model, lineage)
    made = {g.made_by.run: g for g in lineage.generations if g.made_by.run}
    for run in model.runs:
        when = run.started or run.ended
        outcomes = [o for o in run.outcomes if o.lineage == lineage.name]
        for outcome in outcomes:
            if when := outcome.time or when:
                yield from outcome_events(lineage, run, outcome, when, made.get(run.id))
        if when and not run.outcomes and run.trigger in own:
            text = f"{actor(run)} started certbot; its own log does not show the run"
            yield of_run(run, when, "unclear", text)


def outcome_events(
    lineage: Lineage, run: Run, outcome: Outcome, time: datetime, made: Generation | None
) -> Iterator[TimelineEvent]:
    """One outcome; a renewal with the hooks that the run began."""
    lines = (*run.evidence[:1], *outcome.evidence)
    if outcome.outcome != "renewed":
        kind = KINDS[outcome.outcome]
        found = of_run(run, time, kind, f"{actor(run)} ran: {SAID[outcome.outcome]}")
        yield replace(found, evidence=lines)
        return
    if made is not None:
        yield replace(renewal(lineage, made), run=run.id, evidence=lines)
    else:
        text = f"a generation that is no longer here, by {actor(run)}"
        yield replace(of_run(run, time, "renewed", text), evidence=lines)
    if run.hooks:
        yield of_run(run, run.hooks[0].time, "hooks", hook_words(run.hooks))


def hook_words(hooks: Sequence[HookCall]) -> str:
    """The hooks of a run, each command once."""
    numbers: dict[tuple[str, str], int] = {}
    for hook in hooks:
        numbers[hook.kind, hook.command] = numbers.get((hook.kind, hook.command), 0) + 1
    texts = [f"{kind} {cmd}" + (f" ({n} times)" if n > 1 else "") for (kind, cmd), n in numbers.items()]
    failed = [hook.kind for hook in hooks if hook.failed]
    return "; ".join(texts) + (f"; failed: {listing(failed)}" if failed else "")


def of_run(run: Run, time: datetime, kind: EventKind, text: str) -> TimelineEvent:
    """An event that a run made."""
    who = "person" if run.actor == "manual" else run.trigger
    return TimelineEvent(
        time, kind, text, who, run.id, confidence=run.confidence, evidence=run.evidence[:1]
    )


def actor(run: Run) -> str:
    """Who started a run, in words."""
    if run.actor == "manual":
        return "a person"
    return trigger_name(run.trigger) if run.trigger else "certbot, started by what is not known,"


def orphans(lineage: Lineage) -> Iterator[TimelineEvent]:
    """Generations whose run no log shows, at the time that the certificate itself gives."""
    for generation in lineage.generations:
        if generation.made_by.run is None:
            found = renewal(lineage, generation)
            yield replace(found, text=f"{found.text} (dated by the certificate itself)")


def renewal(lineage: Lineage, generation: Generation) -> TimelineEvent:
    """A generation that was made, and whose it is."""
    made = generation.made_by
    who = "person" if made.actor == "manual" else made.trigger
    by = {None: "by whom is not known", "person": "by hand"}.get(who) or f"by {trigger_name(who or '')}"
    text = f"generation {generation.number} {by}"
    if generation.relation == "stolen":
        text += f", stolen from {path_name(lineage.owner or '')}"
    elif generation.relation == "owner":
        text += ", its owner"
    return TimelineEvent(
        generation.written or generation.not_before,
        "renewed",
        text,
        who,
        made.run,
        generation.number,
        generation.relation,
        made.confidence,
    )


def triggers_of(model: Model, lineage: Lineage) -> frozenset[str]:
    """The triggers that can, or would, renew a lineage."""
    return frozenset(p.trigger for p in model.paths if lineage.name in (*p.lineages, *dict(p.skipped)))


def firings(model: Model, lineage: Lineage) -> Iterator[TimelineEvent]:
    """The firings that led to no run."""
    own = triggers_of(model, lineage)
    for firing in model.history.firings:
        if firing.run is None and firing.trigger in own:
            yield firing_event(firing)


def firing_event(firing: Firing) -> TimelineEvent:
    """One firing without a run."""
    idle = firing.called is False
    name = trigger_name(firing.trigger)
    text = f"{name} fired" + (" and did not call certbot" if idle else "; what came of it is not known")
    return TimelineEvent(
        firing.time, "idle" if idle else "fired", text, firing.trigger, evidence=(firing.evidence,)
    )


def copies(model: Model, lineage: Lineage) -> Iterator[TimelineEvent]:
    """When copies were last written, with what they hold: the time of their files."""
    made = {g.number: g.written or g.not_before for g in lineage.generations}
    held = [
        (place.modified, place)
        for place in model.deployments
        if place.lineage == lineage.name and place.modified and place.generation in made
        and made[place.generation] + SAME < place.modified <= model.host.as_of
    ]  # fmt: skip
    held.sort(key=lambda item: (item[0], item[1].where))
    for group in grouped(held, lambda h: h[0], lambda a, b: a[1].generation == b[1].generation):
        places = [place for _, place in group]
        number = count(len(places), "copy was", "copies were")
        held_now = f"generation {places[0].generation}"
        where = listing([place.where for place in places], 2)
        text = f"{number} last written, with {held_now}: {where}"
        yield TimelineEvent(group[0][0], "copied", text, generation=places[0].generation)


def expired(model: Model, lineage: Lineage) -> Iterator[TimelineEvent]:
    """Generations that ran out while copies were left with nothing newer."""
    for generation in lineage.generations:
        end = generation.not_after
        behind = [
            b
            for b in model.history.left_behind
            if b.lineage == lineage.name
            and b.generation == generation.number + 1
            and b.state in ("still", "ended")
            and b.since < end <= min(b.until or model.host.as_of, model.host.as_of)
        ]
        if behind:
            places = count(len(behind), "copy", "copies")
            text = f"generation {generation.number} expired, and {places} had nothing newer"
            yield TimelineEvent(end, "expired", text, generation=generation.number)


def grouped(
    items: Sequence[T], time: Callable[[T], datetime], alike: Callable[[T, T], bool]
) -> Iterator[list[T]]:
    """Neighbours that are alike and lie close together, items in order of time."""
    group: list[T] = []
    for item in items:
        if group and not (alike(group[-1], item) and time(item) - time(group[-1]) <= TOGETHER):
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def fold(events: Iterable[TimelineEvent]) -> tuple[TimelineEvent, ...]:
    """Events in which dull ones of one kind, by one trigger, between two others are one."""
    folded: list[TimelineEvent] = []
    stretch: list[TimelineEvent] = []
    for event in events:
        if event.kind in DULL:
            stretch.append(event)
        else:
            folded += as_one(stretch)
            stretch = []
            folded.append(event)
    return (*folded, *as_one(stretch))


def as_one(stretch: Sequence[TimelineEvent]) -> list[TimelineEvent]:
    """A dull stretch: one event for each kind and trigger, by the first of its times."""
    groups: dict[tuple[str, str | None], list[TimelineEvent]] = {}
    for event in stretch:
        groups.setdefault((event.kind, event.who), []).append(event)
    return [
        replace(
            group[0], count=len(group), until=group[-1].time,
            evidence=(*group[0].evidence[:1], *group[-1].evidence[:1]),
        )
        if len(group) > 1
        else group[0]
        for group in groups.values()
    ]  # fmt: skip
