"""One certificate in plain words: the answer in a paragraph, then what it rests on, then what to do.

Law: as ``terminal``. The paragraph is ``linking.answer``'s; here is only the evidence for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from certaudit.linking.answer import paragraph
from certaudit.linking.forecast import BEHIND
from certaudit.linking.history.past_words import holes, reach
from certaudit.linking.ownership import left_out, unseen
from certaudit.linking.words import count, path_name, prompt, span, trigger_name
from certaudit.model import Evidence, Fix, Generation, Lineage, Model, RenewalPath, Report, Run
from certaudit.render.terminal import elsewhere, evidence, fix_lines, to_text, written

MOST_RENEWALS = 4
Section = tuple[str, list[Evidence]]


def render(report: Report, lineage: Lineage, *, colour: bool, width: int) -> str:
    """The answer for one lineage as text."""
    return to_text(blocks(report, lineage), colour=colour, width=width)


def blocks(report: Report, lineage: Lineage) -> Iterator[RenderableType]:
    """The answer, the evidence in the order of the answer, and the commands."""
    model = report.model
    yield Text(lineage.name, style="bold underline")
    yield Text()
    yield Text(paragraph(model, lineage))
    yield Text()
    yield Text(f"Logs: {reach(model)}.", style="dim")
    yield from (Text(f"{hole}.", style="dim") for hole in holes(model))
    for title, lines in sections(model, lineage):
        yield Text()
        yield Text(title, style="bold")
        shown = [evidence(line) for line in dict.fromkeys(lines)]
        yield Padding(Group(*shown), (0, 0, 0, 2))
    yield Text()
    yield from to_do(report, lineage)


def sections(model: Model, lineage: Lineage) -> Iterator[Section]:
    """What the answer rests on: a line that says what, then what was read."""
    yield from renewals(model, lineage)
    yield from arrivals(model, lineage)
    yield from renewers(model, lineage)
    yield from steps(model, lineage)
    yield from places(model, lineage)
    yield from came_late(model, lineage)
    yield from idle(model, lineage)


def renewals(model: Model, lineage: Lineage) -> Iterator[Section]:
    """The last renewals of which the maker is known, newest first."""
    known = [g for g in lineage.generations if g.made_by.run]
    for generation in known[::-1][:MOST_RENEWALS]:
        run = next((r for r in model.runs if r.id == generation.made_by.run), None)
        yield maker(model, generation), run_lines(run, lineage) if run else []
    unknown = [g for g in lineage.generations if not g.made_by.run]
    if unknown:
        numbers = ", ".join(f"{g.number} ({written(model, g)})" for g in unknown[::-1][:MOST_RENEWALS])
        what = "generation" if len(unknown) == 1 else "generations"
        yield f"Of {what} {numbers} no log tells who made it", []


def maker(model: Model, generation: Generation) -> str:
    """Who made one generation, and why that is believed."""
    made = generation.made_by
    who = "a person" if made.actor == "manual" else trigger_name(made.trigger or ":nobody known")
    whose = {"stolen": ", stolen", "owner": ", its owner"}.get(generation.relation, "")
    because = f": {'; '.join(made.because)}" if made.because else ""
    when = written(model, generation)
    return (
        f"Generation {generation.number}, {when}: {who}{whose} (confidence {made.confidence}{because})"
    )


def run_lines(run: Run, lineage: Lineage) -> list[Evidence]:
    """What started a run, with which arguments, and what it did."""
    arguments = [line for line in run.evidence if "Arguments:" in line.text]
    done = [line for o in run.outcomes if o.lineage == lineage.name for line in o.evidence]
    return [*run.evidence[:1], *arguments[:1], *done]


def arrivals(model: Model, lineage: Lineage) -> Iterator[Section]:
    """What brought each trigger that can renew it."""
    for trigger in dict.fromkeys(path.trigger for path in model.renewers(lineage)):
        arrival = model.history.arrival(trigger)
        if arrival is not None and arrival.evidence:
            move = arrival.migration.evidence if arrival.migration else ()
            yield f"What brought {trigger_name(trigger)}", [*arrival.evidence, *move]


def renewers(model: Model, lineage: Lineage) -> Iterator[Section]:
    """What can renew it: each path, its role and when it fires, by its lines."""
    for path in model.renewers(lineage):
        role = role_of(path, lineage)
        lines = [Evidence(step.path, step.line, step.text) for step in path.chain]
        if role == "hidden":
            lines += lineage.remembered
        yield f"{path_name(path.id)} can renew it ({role}{schedule(model, path)})", lines


def role_of(path: RenewalPath, lineage: Lineage) -> str:
    """A path's part in a lineage."""
    if path.id == lineage.owner:
        return f"its owner, {lineage.owner_source}: {lineage.owner_because}"
    return "hidden" if lineage.name in path.hidden_for else "a rival"


def schedule(model: Model, path: RenewalPath) -> str:
    """When a path's trigger fires."""
    trigger = model.trigger(path.trigger)
    found = trigger.schedule if trigger else None
    if found is None:
        return ""
    delay = f" plus up to {span(found.random_delay)}" if found.random_delay else ""
    return f"; at {', '.join(found.expression)}{delay}"


def steps(model: Model, lineage: Lineage) -> Iterator[Section]:
    """What happens after a renewal by each path, and what hidden ones leave out."""
    owner = model.path(lineage.owner)
    for path in model.renewers(lineage):
        lines = [
            Evidence(s.source.path, s.source.line, f"{s.binding}: {s.command}")
            for s in path.distribution
        ]
        name = trigger_name(path.trigger)
        if lines:
            yield f"After a renewal by {name}", lines
        elif owner is not None and left_out(path, owner, lineage.name):
            yield f"After a renewal by {name}: nothing, it leaves all of the owner's steps out", []


def places(model: Model, lineage: Lineage) -> Iterator[Section]:
    """The places that hold it, those behind by name."""
    held = [d for d in model.deployments if d.lineage == lineage.name]
    late = [d for d in held if d.status in BEHIND]
    if not held:
        yield "No copy of it was found on this machine", []
    elif not late:
        unseen = [Evidence(d.where) for d in held if d.status == "unknown"]
        none = f"but {len(unseen)} could not be looked at; no other" if unseen else "and none"
        yield f"{count(len(held), 'place refers', 'places refer')} to it, {none} is behind", unseen
    else:
        lines = [Evidence(d.where, None, f"{d.status}, generation {d.generation}") for d in late]
        yield (
            f"{len(late)} of {count(len(held), 'place')} behind the live generation {lineage.live}",
            lines,
        )


def came_late(model: Model, lineage: Lineage) -> Iterator[Section]:
    """The first and the last time that the owner's job came too late."""
    for found in model.history.starvations:
        if found.lineage == lineage.name:
            times = "once" if found.times == 1 else f"{found.times} times: the first and the last"
            yield f"The owner's job came too late {times}", list(found.evidence)


def idle(model: Model, lineage: Lineage) -> Iterator[Section]:
    """What looks as if it renewed it, and does not."""
    paths = [p for p in model.paths if not p.armed and lineage.name in (*p.lineages, *dict(p.skipped))]
    for trigger in model.triggers:
        if trigger.state != "armed" and any(p.trigger == trigger.id for p in paths) and trigger.reasons:
            why = trigger.reasons[0]
            yield f"{trigger_name(trigger.id)} is {trigger.state}: {why.text}", list(why.evidence)


def to_do(report: Report, lineage: Lineage) -> Iterator[RenderableType]:
    """The remedies of every finding about it, each once, or that there is nothing to do."""
    found = [finding for _, finding in report.findings if finding.subject == lineage.name]
    fixes: dict[str, Fix] = {}
    for fix in (fix for finding in found for fix in finding.fixes):
        fixes.setdefault(fix.title, fix)
    if not found:
        held = [d for d in report.model.deployments if d.lineage == lineage.name]
        seen = all(d.status != "unknown" for d in held)
        seen &= bool(lineage.renewers) or unseen(report.model.gaps) is None
        yield Text("Nothing to do." if seen else "Nothing else to do here.", style="green")
        return
    yield Text("What to do", style="bold")
    host, told = report.model.host, elsewhere(report, found)
    if told is not None:
        yield Padding(Text(f"{told}.", style="dim"), (0, 0, 0, 2))
    for fix in fixes.values():
        yield Padding(Group(*fix_lines(fix, prompt(host.name, live=host.live))), (0, 0, 0, 2))
    if not fixes:
        yield from (Padding(Text(finding.message), (0, 0, 0, 2)) for finding in found)
    else:
        fixing = "certaudit fix" if host.live else f"certaudit fix {quote(host.target)}"
        about = f"`{fixing}` shows a plan, does it when told to, and can take it back"
        yield Padding(Text(about, style="dim"), (0, 0, 0, 2))
