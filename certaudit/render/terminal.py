"""The report for a person at a terminal: the answer first, then each certificate, then the findings.

Law: 80 columns are enough; long paths fold and are never cut; without colour nothing is lost, because
colour only repeats what a word says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import StringIO
from shlex import quote

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from certaudit.linking.history.past_words import holes, reach
from certaudit.linking.words import count, day, moment, path_name, prompt, steps_of, trigger_name
from certaudit.model import (
    Deployment,
    Evidence,
    Finding,
    Fix,
    Gap,
    Generation,
    Lineage,
    Model,
    Report,
    Result,
    Trigger,
)
from certaudit.render.folding import commands
from certaudit.render.harmless import harmless

WIDTH = 80
COLOURS = {"high": "bold red", "medium": "yellow", "low": "cyan", "info": "dim"}
STATUS_COLOURS = {"stale": "yellow", "mismatch": "red", "missing": "red", "current": "green"}
MOST_TEXT = 150  # characters of a line of evidence
HEADINGS = {"apart": "clients"}  # of gaps whose aspect says what it means for the rules
COMMAND_WIDTH = WIDTH - 10
MOST_EVIDENCE = 8
MOST_GENERATIONS = 6


def render(report: Report, *, colour: bool, width: int = WIDTH) -> str:
    """The whole report as text of at most ``width`` columns, with ANSI colours if asked for."""
    return to_text(blocks(report), colour=colour, width=width)


def to_text(parts: Iterable[RenderableType], *, colour: bool, width: int) -> str:
    """Renderables as text, without trailing blanks."""
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        no_color=not colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in parts:
        lines = console.render_lines(part, pad=False, new_lines=True)
        console.print(Segments(visible(segment) for line in lines for segment in line), end="")
    return "\n".join(line.rstrip() for line in out.getvalue().removesuffix("\n").split("\n")) + "\n"


def visible(segment: Segment) -> Segment:
    """A piece of text with nothing in it that a terminal would obey: logs hold what strangers sent."""
    return Segment(harmless(segment.text), segment.style)


def blocks(report: Report) -> Iterator[RenderableType]:
    """The parts of the report, in reading order."""
    model = report.model
    yield Text(report.verdict, style="bold")
    yield Text()
    yield Text(" · ".join(machine(model)), style="dim")
    yield Text(f"Logs: {reach(model)}.", style="dim")
    yield from (Text(f"{hole}.", style="dim") for hole in holes(model))
    for lineage in model.lineages:
        yield Text()
        yield lineage_block(model, lineage)
    if not model.lineages and model.triggers:
        yield Text()
        yield Padding(trigger_table(model, model.triggers), (0, 0, 0, 2))
    if report.findings:
        yield Text()
    yield from of_image(report)
    for result, finding in report.findings:
        yield finding_block(result, finding, prompt(model.host.name, live=model.host.live))
    yield from gap_block(report)


def machine(model: Model) -> Iterator[str]:
    """What was audited, and as of when."""
    host = model.host
    yield host.name
    yield from [host.os] if host.os else []
    yield f"init {host.init}" if host.init else "init not known"
    yield f"{'live' if host.live else host.target}"
    yield f"as of {host.as_of:%Y-%m-%d %H:%M %z}"


def rows() -> Table:
    """A two-column grid: a label, and text that folds beside it."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, min_width=8)
    grid.add_column(overflow="fold")
    return grid


def lineage_block(model: Model, lineage: Lineage) -> RenderableType:
    """One certificate: who renews it, when it was renewed, and where it lies."""
    title = Text(lineage.name, style="bold underline")
    others = [name for name in lineage.names if name != lineage.name]
    if others:
        title.append(f"  ({', '.join(others)})", style="not bold not underline")
    grid = rows()
    grid.add_row("expires", expiry(lineage))
    grid.add_row("owner", owner(lineage))
    label = "also"
    for path in model.renewers(lineage):
        if path.id != lineage.owner:
            grid.add_row(
                label, rival(path.id, lineage, steps_of(path), hidden=lineage.name in path.hidden_for)
            )
            label = ""
    label = "not"
    for trigger in idle_triggers(model, lineage):
        grid.add_row(label, idle(trigger))
        label = ""
    add_all(grid, "renewals", (renewal(model, g) for g in lineage.generations[::-1][:MOST_GENERATIONS]))
    add_all(grid, "places", (place(d) for d in places(model, lineage)))
    return Group(title, Padding(grid, (0, 0, 0, 2)))


def add_all(grid: Table, label: str, lines: Iterable[Text]) -> None:
    """Several lines under one label."""
    for line in lines:
        grid.add_row(label, line)
        label = ""


def expiry(lineage: Lineage) -> Text:
    """Until when it is good, and from when it may be renewed."""
    text = Text(day(lineage.not_after))
    if lineage.due is not None:
        text.append(f", renewable from {day(lineage.due)}")
        text.append(f" ({lineage.due_rule})" if lineage.due_rule else "", style="dim")
    return text


def owner(lineage: Lineage) -> Text:
    """Who is meant to renew it, and how that is known."""
    if lineage.owner is None:
        return Text(f"nobody: {lineage.owner_because}", style="yellow")
    text = Text(path_name(lineage.owner))
    how = "declared" if lineage.owner_source == "declared" else "inferred"
    return text.append(f"\n{how}: {lineage.owner_because}", style="dim")


def rival(path_id: str, lineage: Lineage, steps: str, *, hidden: bool) -> Text:
    """Another armed path."""
    text = Text(path_name(path_id))
    word = "hidden" if hidden else "rival"
    text.append(f"  {word}", style="bold red" if hidden else "cyan")
    return text.append(f"; after a renewal it does: {steps}")


def idle_triggers(model: Model, lineage: Lineage) -> Iterator[Trigger]:
    """Triggers that would renew it and do not."""
    for trigger in model.triggers:
        paths = [p for p in model.paths if p.trigger == trigger.id]
        names = {n for p in paths for n in (*p.lineages, *(s for s, _ in p.skipped))}
        if trigger.state != "armed" and lineage.name in names:
            yield trigger


def idle(trigger: Trigger) -> Text:
    """A trigger that does not fire, and why."""
    text = Text(trigger_name(trigger.id))
    text.append(f"  {trigger.state}", style="green")
    return text.append(f": {trigger.reasons[0].text}" if trigger.reasons else "")


def renewal(model: Model, generation: Generation) -> Text:
    """Who made one generation."""
    made = generation.made_by
    text = Text(f"{generation.number:>3}  {written(model, generation)}  ")
    if made.trigger is None:
        word = "by hand" if made.actor == "manual" else "not known"
        return text.append(f"{word}: {made.because[0]}" if made.because else word, style="dim")
    text.append(trigger_name(made.trigger))
    if generation.relation == "stolen":
        text.append("  stolen", style="red")
    return text.append(f"  (confidence {made.confidence})", style="dim")


def written(model: Model, generation: Generation) -> str:
    """When a generation was written, by its run's log, else by its own date, in the machine's zone."""
    time = generation.written or generation.not_before
    return moment(time.astimezone(model.host.as_of.tzinfo))


def places(model: Model, lineage: Lineage) -> list[Deployment]:
    """The places of a lineage, faults first."""
    found = [d for d in model.deployments if d.lineage == lineage.name]
    rank = {"mismatch": 0, "missing": 0, "stale": 1, "unknown": 2, "current": 3, "unreferenced": 4}
    return sorted(found, key=lambda d: (rank[d.status], d.where))


def place(deployment: Deployment) -> Text:
    """What one place holds."""
    text = Text(f"{deployment.status:<8}", style=STATUS_COLOURS.get(deployment.status, "dim"))
    text.append(f" {deployment.where}", style="default")
    if deployment.generation is not None:
        text.append(f"  generation {deployment.generation}", style="dim")
    return text


def trigger_table(model: Model, triggers: Iterable[Trigger]) -> Table:
    """The triggers of a machine without certificates."""
    grid = rows()
    for trigger in triggers:
        reason = trigger.reasons[0].text if trigger.reasons else ""
        grid.add_row(trigger.state, Text(f"{trigger_name(trigger.id)}: {reason}"))
    return grid


def elsewhere(report: Report, findings: Iterable[Finding]) -> str | None:
    """For an image: that the commands which findings hold are not for the machine one sits at."""
    host = report.model.host
    given = any(fix.commands and fix.actions for finding in findings for fix in finding.fixes)
    if host.live or not given:
        return None
    mark = prompt(host.name, live=False).rstrip()
    return f"Commands after {mark} are for that machine itself, not for this one"


def of_image(report: Report) -> Iterator[RenderableType]:
    """Where the commands below belong, and what works on the image."""
    told = elsewhere(report, (finding for _, finding in report.findings))
    if told is not None:
        works = f"`certaudit fix {quote(report.model.host.target)}` works on the image"
        yield Text(f"{told}; {works}.\n", style="dim")


def finding_block(result: Result, finding: Finding, before: str) -> RenderableType:
    """One finding: what, its evidence, and what to do, with what stands before a command."""
    head = Text(f"{finding.severity.upper():<6} ", style=COLOURS[finding.severity])
    head.append(f"{result.rule}", style="bold")
    head.append(f"  {finding.subject}", style="not bold")
    if finding.confidence != "high":
        head.append(f"  (confidence {finding.confidence})", style="dim")
    parts: list[RenderableType] = [Text(finding.message)]
    parts += [evidence(line) for line in finding.evidence[:MOST_EVIDENCE]]
    more = len(finding.evidence) - MOST_EVIDENCE
    if more > 0:
        parts.append(Text(f"... and {count(more, 'more line')}: --format json has all", style="dim"))
    for fix in finding.fixes:
        parts += fix_lines(fix, before)
    return Group(head, Padding(Group(*parts), (0, 0, 1, 7)))


def evidence(line: Evidence) -> Text:
    """One line that was read, as ``file:line``."""
    text = Text(f"{line.place}", style="cyan")
    words = " ".join(line.text.split())
    if len(words) > MOST_TEXT:  # the whole line stands at the place that is named
        words = words[:MOST_TEXT].rsplit(" ", 1)[0] + " ..."
    return text.append(f"  {words}" if words else "", style="default")


def fix_lines(fix: Fix, before: str) -> Iterator[Text]:
    """What to do, and the commands that do it, each after what stands before a command."""
    yield Text(f"-> {fix.title}", style="green" if fix.safe else "yellow")
    for action in fix.actions:
        mark = before if fix.commands else ""
        lines = commands([action], " " * 3, COMMAND_WIDTH + 3, mark)
        yield Text("\n".join(lines), style="bold")


def gap_block(report: Report) -> Iterator[RenderableType]:
    """What could not be seen, and which questions that leaves open."""
    if not report.model.gaps:
        return
    yield Text("Not seen", style="bold")
    grid = rows()
    for gap in report.model.gaps:
        grid.add_row(HEADINGS.get(gap.aspect, gap.aspect), gap_text(gap))
    yield Padding(grid, (0, 0, 0, 2))
    still_open = [result.rule for result in report.results if result.status == "not_assessed"]
    if still_open:
        yield Text(f"Left open by this: {', '.join(still_open)}", style="dim")


def gap_text(gap: Gap) -> Text:
    """One thing that could not be looked at."""
    text = Text(gap.reason)
    for line in gap.evidence[:1]:
        text.append(f"  {line.place}", style="cyan")
    return text
