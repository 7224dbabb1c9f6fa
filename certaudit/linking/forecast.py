"""What is ahead of a lineage: today, when it is due, what fires next, what runs out.

Law: says only what schedules and certificates say; who will win is not known before it happens.
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.history import TimelineEvent
from certaudit.linking.history.past_words import local
from certaudit.linking.words import count, moment, trigger_name
from certaudit.model import Lineage, Model

BEHIND = frozenset({"stale", "mismatch", "missing"})


def ahead(model: Model, lineage: Lineage) -> Iterator[TimelineEvent]:
    """Today and what comes after it."""
    yield today(model, lineage)
    if lineage.due is not None and lineage.autorenew:
        rule = f" ({lineage.due_rule})" if lineage.due_rule else ""
        past = lineage.due <= model.host.as_of
        text = f"generation {lineage.live} {'became' if past else 'becomes'} due{rule}"
        yield TimelineEvent(lineage.due, "due", text, generation=lineage.live)
    yield from firing(model, lineage)
    yield from expiries(model, lineage)


def today(model: Model, lineage: Lineage) -> TimelineEvent:
    """Where things stand."""
    if lineage.live is None:
        text = "no generation is live"
    else:
        behind = [d for d in model.deployments if d.lineage == lineage.name and d.status in BEHIND]
        text = f"generation {lineage.live} is live"
        text += f", {count(len(behind), 'place is', 'places are')} behind it" if behind else ""
    return TimelineEvent(model.host.as_of, "today", text, generation=lineage.live)


def firing(model: Model, lineage: Lineage) -> Iterator[TimelineEvent]:
    """The next firing of each trigger that can renew it."""
    for trigger_id in dict.fromkeys(path.trigger for path in model.renewers(lineage)):
        trigger = model.trigger(trigger_id)
        schedule = trigger.schedule if trigger else None
        if schedule is None or schedule.next_earliest is None:
            continue
        text = f"{trigger_name(trigger_id)} fires"
        if schedule.next_latest and schedule.next_latest > schedule.next_earliest:
            text += f", at {moment(local(model, schedule.next_latest))} at the latest"
        yield TimelineEvent(schedule.next_earliest, "next", text, trigger_id)


def expiries(model: Model, lineage: Lineage) -> Iterator[TimelineEvent]:
    """When what is live, and what copies hold, runs out."""
    for generation in lineage.generations:
        if generation.not_after <= model.host.as_of:
            continue
        holding = [
            d
            for d in model.deployments
            if d.lineage == lineage.name and d.status == "stale" and d.generation == generation.number
        ]
        live = generation.number == lineage.live
        if live or holding:
            held = f", which {count(len(holding), 'place holds', 'places hold')}," if holding else ""
            text = f"generation {generation.number}{held} expires"
            yield TimelineEvent(generation.not_after, "expires", text, generation=generation.number)
