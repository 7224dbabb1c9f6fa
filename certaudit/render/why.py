"""One certificate in plain words: who renewed it, who will, and what happens afterwards."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from certaudit.linking.words import count, day, listing, moment, path_name, span, trigger_name
from certaudit.model import Evidence, Generation, Lineage, Model, RenewalPath
from certaudit.render.terminal import evidence, to_text, written


def render(model: Model, lineage: Lineage, *, colour: bool, width: int) -> str:
    """The answer for one lineage as text."""
    return to_text(blocks(model, lineage), colour=colour, width=width)


def blocks(model: Model, lineage: Lineage) -> Iterator[RenderableType]:
    """A paragraph for each question, each followed by what it rests on."""
    yield Text(lineage.name, style="bold underline")
    yield Text()
    for paragraph, lines in (
        renewed(model, lineage),
        will_renew(model, lineage),
        afterwards(model, lineage),
        elsewhere(model, lineage),
        idle(model, lineage),
    ):
        if paragraph:
            yield Text(paragraph)
            yield Padding(Group(*(evidence(line) for line in dict.fromkeys(lines))), (0, 0, 1, 2))


Answer = tuple[str, list[Evidence]]


def renewed(model: Model, lineage: Lineage) -> Answer:
    """Who renewed it last, and before."""
    if not lineage.generations:
        return f"No certificate of {lineage.name} could be read.", [Evidence(lineage.renewal_conf)]
    last = lineage.generations[-1]
    sentences = [maker(model, last, "The last renewal")]
    known = [g for g in lineage.generations[:-1] if g.made_by.trigger or g.made_by.actor == "manual"]
    sentences += [maker(model, g, "The one before") for g in known[::-1][:4]]
    unknown = len(lineage.generations) - 1 - len(known)
    if unknown:
        sentences.append(f"Of {count(unknown, 'older generation')} nothing tells who made it.")
    return " ".join(sentences), run_lines(model, last)


def maker(model: Model, generation: Generation, lead: str) -> str:
    """One generation in one sentence."""
    made = generation.made_by
    when = written(model, generation)
    what = f"generation {generation.number}, {when}"
    if made.actor == "manual":
        return f"{lead} ({what}) was made by hand: {made.because[0]}."
    if made.trigger is None:
        return f"{lead} ({what}) is nobody's as far as the evidence goes: {made.because[0]}."
    taken = ", and took it from its owner" if generation.relation == "stolen" else ""
    because = "; ".join(made.because)
    name = trigger_name(made.trigger)
    return f"{lead} ({what}) was made by {name}{taken} (confidence {made.confidence}: {because})."


def run_lines(model: Model, generation: Generation) -> list[Evidence]:
    """The lines that show the run of a generation."""
    run = next((r for r in model.runs if r.id == generation.made_by.run), None)
    return list(run.evidence[:6]) if run else []


def will_renew(model: Model, lineage: Lineage) -> Answer:
    """Who will renew it next."""
    armed = model.renewers(lineage)
    if not armed:
        return f"Nothing will renew it: {lineage.owner_because}.", [Evidence(lineage.renewal_conf)]
    due = f"It may be renewed from {day(lineage.due)} on ({lineage.due_rule}). " if lineage.due else ""
    lines = [Evidence(s.path, s.line, s.text) for path in armed for s in path.chain]
    if len(armed) == 1:
        return f"{due}Only {path_name(armed[0].id)} can renew it: {when(model, armed[0])}.", lines
    each = "; ".join(f"{path_name(p.id)}, {when(model, p)}" for p in armed)
    return f"{due}Whichever runs first then will renew it: {each}.", lines


def when(model: Model, path: RenewalPath) -> str:
    """When a path's trigger fires."""
    trigger = model.trigger(path.trigger)
    schedule = trigger.schedule if trigger else None
    if schedule is None:
        return "whenever its trigger fires"
    text = f"at {listing(schedule.expression)}"
    if schedule.random_delay:
        text += f" plus up to {span(schedule.random_delay)}"
    if schedule.next_earliest:
        text += f", next on {moment(schedule.next_earliest)}"
    return text


def afterwards(model: Model, lineage: Lineage) -> Answer:
    """What each path does after a renewal."""
    sentences, lines = [], []
    for path in model.renewers(lineage):
        steps = path.distribution
        role = (
            "its owner"
            if path.id == lineage.owner
            else "hidden"
            if lineage.name in path.hidden_for
            else "a rival"
        )
        does = listing([step.command for step in steps], 4) if steps else "nothing more"
        sentences.append(f"After a renewal by {path_name(path.id)} ({role}): {does}.")
        lines += [Evidence(s.source.path, s.source.line, f"{s.binding}: {s.command}") for s in steps]
    if lineage.owner:
        sentences.append(f"The owner is {lineage.owner_source}: {lineage.owner_because}.")
    return " ".join(sentences), lines


def elsewhere(model: Model, lineage: Lineage) -> Answer:
    """The places that hold it."""
    held = [d for d in model.deployments if d.lineage == lineage.name]
    stale = [d for d in held if d.status in ("stale", "mismatch", "missing")]
    if not held:
        return "No copy of it was found on this machine.", []
    if not stale:
        return f"{count(len(held), 'place')} on this machine refer to it, and none is behind.", []
    text = f"{len(stale)} of {count(len(held), 'place')} are behind the live generation {lineage.live}."
    return text, [Evidence(d.where, None, f"{d.status}, generation {d.generation}") for d in stale]


def idle(model: Model, lineage: Lineage) -> Answer:
    """What looks as if it renewed it, and does not."""
    paths = [p for p in model.paths if not p.armed and lineage.name in (*p.lineages, *dict(p.skipped))]
    triggers = [
        t for t in model.triggers if t.state != "armed" and any(p.trigger == t.id for p in paths)
    ]
    if not triggers:
        return "", []
    texts = [f"{trigger_name(t.id)} is {t.state}: {t.reasons[0].text}" for t in triggers if t.reasons]
    lines = [e for t in triggers for r in t.reasons[:1] for e in r.evidence]
    return f"Not at work: {'; '.join(texts)}.", lines
