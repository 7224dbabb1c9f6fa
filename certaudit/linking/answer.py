"""One lineage in a paragraph: who renewed it, who is meant to, since when, what that left, what is next.

Law: the answer first, in plain words; every sentence is backed by facts of the Model, and what is not
known is said to be so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from certaudit.linking.forecast import BEHIND
from certaudit.linking.history.past_words import came, fires, left, local, starved
from certaudit.linking.ownership import unseen
from certaudit.linking.words import day, listing, moment, path_name, trigger_name
from certaudit.model import Lineage, Model


def paragraph(model: Model, lineage: Lineage) -> str:
    """All of it."""
    return " ".join(sentence(text) for text in sentences(model, lineage))


def sentence(text: str) -> str:
    """A clause as a sentence; a name keeps its first letter."""
    first = text.partition(" ")[0]
    return (text[:1].upper() + text[1:] if first.isalpha() else text) + "."


def sentences(model: Model, lineage: Lineage) -> Iterator[str]:
    """The clauses of the paragraph, in order."""
    yield last_renewal(model, lineage)
    yield from beginnings(model, lineage)
    yield from left(model, lineage)
    yield from late(model, lineage)
    for found in model.history.starvations:
        if found.lineage == lineage.name:
            yield starved(model, found)
    yield from ahead(model, lineage)


def opening(model: Model, lineage: Lineage) -> str:
    """The first sentence alone."""
    return sentence(last_renewal(model, lineage))


def last_renewal(model: Model, lineage: Lineage) -> str:
    """Who made the newest generation, and whether that was its task."""
    if not lineage.generations:
        return f"no certificate of {lineage.name} could be read"
    last = lineage.generations[-1]
    made = last.made_by
    when = f"on {moment(local(model, last.written or last.not_before))} (generation {last.number})"
    sure = "" if made.confidence == "high" else f", confidence {made.confidence}"
    owner = path_name(lineage.owner) if lineage.owner else ""
    if made.actor == "manual":
        return f"a person renewed it last, {when}: {made.because[0]}{sure}"
    if made.trigger is None:
        why = f": {made.because[0]}" if made.because else ""
        meant = f"; {owner} is meant to" if owner else ""
        return f"who renewed it last, {when}, is not known{why}{meant}"
    name = trigger_name(made.trigger)
    if last.relation == "stolen":
        return f"{name} renewed it last, {when}{sure}, and not {owner}, which is meant to"
    if last.relation == "owner":
        return f"{name} renewed it last, {when}{sure}, as it is meant to"
    if not owner:
        return f"{name} renewed it last, {when}{sure}; nobody is known to be meant to"
    return f"{name} renewed it last, {when}{sure}; {owner} is meant to, if it was there by then"


def beginnings(model: Model, lineage: Lineage) -> Iterator[str]:
    """How often a renewal was stolen, and since when the thief, or what may become one, is there."""
    stolen = [g for g in lineage.generations if g.relation == "stolen"]
    if len(stolen) > 1:
        first = local(model, stolen[0].written or stolen[0].not_before)
        yield f"that happened {len(stolen)} times that the logs show, first on {day(first)}"
    hidden = [p.trigger for p in model.renewers(lineage) if lineage.name in p.hidden_for]
    thieves = [g.made_by.trigger for g in stolen]
    for trigger in dict.fromkeys([*thieves, *hidden]):
        arrival = model.history.arrival(trigger)
        if arrival is not None:
            yield came(arrival)


def late(model: Model, lineage: Lineage) -> Iterator[str]:
    """The places that are behind now though no stolen renewal is known to have left them so."""
    told = {b.deployment for b in model.history.left_behind if b.state == "still"}
    places = [
        place
        for place in model.deployments
        if place.lineage == lineage.name and place.status in BEHIND and place.id not in told
    ]
    if places:
        where = listing([place.where for place in places])
        verb = "is" if len(places) == 1 else "are"
        yield f"{where} {verb} behind the live generation {lineage.live}"


def ahead(model: Model, lineage: Lineage) -> Iterator[str]:
    """Who will renew it, when at the earliest, and what that will leave out."""
    armed = model.renewers(lineage)
    if not armed:
        stops = [reason.text for reason in (*lineage.broken, *lineage.unattended)]
        open_end = None if stops else unseen(model.gaps)
        why = stops[0] if stops else lineage.owner_because
        told = f"nothing will renew it: {why}"
        if open_end is not None:
            told = f"whether anything will renew it could not be seen ({open_end.reason})"
        yield f"{standing(model, lineage)}, and {told}"
        return
    nexts = [f"{trigger_name(t)}{fires(model, t)}" for t in dict.fromkeys(p.trigger for p in armed)]
    begin = f"{standing(model, lineage)}, and {since_due(model, lineage)}"
    if len(nexts) == 1:
        others = "nothing else" if unseen(model.gaps) is None else "nothing else that was seen"
        yield f"{begin} {nexts[0]} can renew it, and {others}"
    else:
        yield f"{begin} whichever runs first renews it: {either(nexts)}"
        hidden = [trigger_name(p.trigger) for p in armed if lineage.name in p.hidden_for]
        if hidden:
            yield f"if that is {either(hidden)}, what the owner does after it is left out again"


def either(items: Sequence[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``."""
    return " or ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def standing(model: Model, lineage: Lineage) -> str:
    """Until when the live generation is good."""
    if lineage.not_after is None:
        return "none is live"
    over = lineage.not_after <= model.host.as_of
    return f"the live one {'expired on' if over else 'is good until'} {day(lineage.not_after)}"


def since_due(model: Model, lineage: Lineage) -> str:
    """From when on it may be renewed."""
    if lineage.due is None:
        return "when it is due"
    if lineage.due <= model.host.as_of:
        return f"now, since it has been due from {day(lineage.due)} on,"
    return f"from {day(lineage.due)} on"
