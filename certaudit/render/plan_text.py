"""A plan, its steps and what became of it, for a person: plain lines, no colour, no drawing.

Law: pure; every line makes sense read aloud. Nothing in it that a terminal would obey, no secret of a
file, no byte of a key.
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.linking.redaction import redacted_text
from certaudit.linking.words import count, listing, prompt
from certaudit.plan import (
    NO_FILE,
    REMEDIES,
    Action,
    Alternative,
    ChangeMode,
    CopyParts,
    LaterFile,
    MakeDirectory,
    MoveFile,
    Outward,
    Plan,
    PutLink,
    Record,
    Refusal,
    RemoveLink,
    RunCommand,
    SendParts,
    Step,
    StopUnit,
    WriteText,
)
from certaudit.render.folding import commands, sentence
from certaudit.render.harmless import harmless

INDENT = " " * 3
HANDED_OUT = "What its script has handed out until then stays where it is."


def render(plan: Plan, width: int = 80) -> str:
    """The whole plan, for whoever is asked nothing."""
    return text(lines(plan, width, whole=True))


def overview(plan: Plan, width: int = 80) -> str:
    """What will happen, at a glance; the parts of each step are told where it is asked about."""
    return text(lines(plan, width, whole=False))


def text(parts: Iterator[str]) -> str:
    """Lines as one text, with nothing in it that a terminal would obey."""
    return "".join(harmless(line) + "\n" for line in parts)


def lines(plan: Plan, width: int, *, whole: bool) -> Iterator[str]:
    """The parts of a plan, in reading order; of the steps only their titles unless it is to be whole."""
    where = "this host" if plan.live else plan.target
    steps = count(len(plan.steps), "step") if plan.steps else "nothing to do"
    yield from sentence(f"Plan for {plan.host} ({where}): {steps}", "", width)
    if plan.steps and not whole:
        yield ""
    for number, step in enumerate(plan.steps, 1):
        yield from [""] if whole else []
        yield from sentence(f"{number}. {capital(step.title)}", "", width, INDENT)
        if whole:
            yield from step_lines(step, width)
            yield from sentence(f"Lasts: {step.lasts}", INDENT, width) if step.lasts else []
            yield from instead(step)
    if plan.refusals:
        yield ""
        yield "Not done by certaudit:"
    for refusal in plan.refusals:
        yield from refusal_lines(refusal, plan, width)
        yield from chosen_with(refusal) if whole else []
    for note in plan.off_already:
        yield ""
        yield from sentence(note, "", width, "  ")
    yield from left_to_run(plan, width, "Left for you to run afterwards")
    if plan.unseen:
        yield ""
        how = "; --remote does so over ssh" if plan.live else ""
        yield from sentence(f"Not looked at: {listing(plan.unseen, 6)}{how}.", "", width)


def step_lines(step: Step, width: int) -> Iterator[str]:
    """One step: for which certificates, each action, and its price."""
    yield from sentence(f"for {listing(step.subjects, 5)} ({', '.join(step.rules)})", INDENT, width)
    for action in step.actions:
        yield from sentence(f"- {action_line(action)}", INDENT, width)
    for note in step.notes:
        yield from sentence(note, INDENT, width, INDENT)


def instead(step: Step) -> Iterator[str]:
    """The option that would choose another remedy."""
    if step.others:
        yield f"{INDENT}Or instead: --remedy {step.subjects[0]}={'|'.join(step.others)}"


def titled(title: str, step: Step, width: int = 80) -> str:
    """As ``step_lines``, below a title of its own."""
    return text(iter(["", *sentence(title, "", width, INDENT * 2), *step_lines(step, width)]))


def capital(words: str) -> str:
    """A sentence's first letter."""
    return words[:1].upper() + words[1:]


def refusal_lines(refusal: Refusal, plan: Plan, width: int) -> Iterator[str]:
    """What is not done, why, and what a person could do."""
    yield from sentence(f"- {listing(refusal.subjects, 5)}: {refusal.why}", "", width, "  ")
    yield from commands(refusal.commands, INDENT + "  ", width, prompt(plan.host, live=plan.live))


def chosen_with(refusal: Refusal) -> Iterator[str]:
    """The option that would choose a remedy."""
    if refusal.others and refusal.subjects:
        yield f"  Choose with: --remedy {refusal.subjects[0]}={'|'.join(refusal.others)}"


def left_to_run(plan: Plan, width: int, title: str) -> Iterator[str]:
    """Commands that can be copied; those for an image's machine say where they belong."""
    if plan.commands:
        yield ""
        yield f"{title}:" if plan.live else f"{title}, on {plan.host} itself:"
        texts = [redacted_text(command) for command in plan.commands]
        yield from commands(texts, INDENT, width, prompt(plan.host, live=plan.live))


def action_line(action: Action) -> str:
    """What one action does, in one line."""
    if isinstance(action, NO_FILE):
        return other_line(action)
    if isinstance(action, WriteText):
        word = "write" if action.before.kind == "absent" else "change"
        mode = f" (mode {action.after.mode:04o})" if action.before.kind == "absent" else ""
        return f"{word} {action.path}{mode}"
    if isinstance(action, CopyParts):
        return f"copy {parts(action)} to {action.path}"
    if isinstance(action, ChangeMode):
        return (
            f"change the mode of {action.path} from {action.before.mode:04o} to {action.after.mode:04o}"
        )
    if isinstance(action, MoveFile):
        return f"move {action.path} to {action.to}"
    if isinstance(action, MakeDirectory):
        return f"make the directory {action.path}"
    return link_line(action)


def other_line(action: LaterFile | StopUnit | Outward) -> str:
    """What is done elsewhere, or by other programs, in one line."""
    if isinstance(action, StopUnit):
        return f"stop {action.unit}"
    if isinstance(action, LaterFile):
        return f"let the script keep {action.path}"
    if isinstance(action, SendParts):
        return f"send {parts(action)} to {action.where}"
    if isinstance(action, RunCommand):
        return f"run {redacted_text(action.command)} ({action.source})"
    seen = f"; then look at {', '.join(s.address for s in action.served)}" if action.served else ""
    return f"run {' '.join(action.test)}; reload {action.unit}{seen}"


def parts(action: CopyParts | SendParts) -> str:
    """The files of the archive that are written, by their names in it."""
    return " + ".join(source.rpartition("/")[2] for source in action.sources)


def link_line(action: PutLink | RemoveLink) -> str:
    """What becomes of a link."""
    if isinstance(action, PutLink):
        return f"link {action.path} -> {action.after.target}"
    return f"remove the link {action.path}"


def explain(step: Step, width: int = 80) -> str:
    """Why a step, what is known of its like, and how it is taken back."""
    return text(explanation(step, width))


def explanation(step: Step, width: int) -> Iterator[str]:
    """The parts of an explanation; nothing that ``step_lines`` has told."""
    kind = f"This is remedy {step.remedy}" if len(step.remedy) == 1 else "What for"
    yield from sentence(f"{kind}: {REMEDIES[step.remedy]}.", INDENT, width, INDENT)
    for rule in step.rules:
        yield from sentence(f"It answers {rule}: `certaudit rules {rule}`.", INDENT, width, INDENT)
    if step.lasts:
        yield from sentence(f"How long it lasts: {step.lasts}", INDENT, width, INDENT)
    for known in step.background:
        yield from sentence(known, INDENT, width, INDENT)
    yield from sentence(taken_back(step), INDENT, width, INDENT)


def taken_back(step: Step) -> str:
    """What undo does about a step."""
    if any(isinstance(action, RunCommand) for action in step.actions):
        return "`certaudit undo` can not take back what these commands do."
    whole = "`certaudit undo` takes it back: bytes, modes, owners, times, links and unit states."
    return f"{whole} {HANDED_OUT}" if step.remedy in ("a", "b") else whole


def outward_lines(record: Record, width: int) -> Iterator[str]:
    """What a record has done beyond this machine's files, and what becomes of that when it is undone."""
    standing = [
        action
        for action, state in zip(record.plan.actions, record.progress, strict=True)
        if state in ("begun", "done")
    ]
    sent = [action.where for action in standing if isinstance(action, SendParts)]
    if sent:
        yield from sentence(f"Also, over ssh: {listing(sent, 6)}", INDENT, width)
    for action in standing:
        if isinstance(action, RunCommand):
            command = redacted_text(action.command)
            yield from sentence(f"It ran {command}: that can not be taken back.", INDENT, width)
    if any(step.remedy in ("a", "b") for step in record.plan.steps) and record.stands:
        yield from sentence(HANDED_OUT, INDENT, width)


def choices(step: Step | Refusal, width: int = 80) -> str:
    """All the remedies in order, each with its price, or with the reason why it can not be had here."""
    proposed = step.remedy if isinstance(step, Step) else None
    found = (line for one in step.alternatives for line in other_lines(one, width, proposed))
    return text(found)


def other_lines(other: Alternative, width: int, proposed: str | None) -> Iterator[str]:
    """One remedy: what, and its price or why it can not be had."""
    word = "proposed: " if other.remedy == proposed else "not possible here: " if other.refused else ""
    first = f"{other.remedy}  {word}{REMEDIES[other.remedy]}"
    yield from sentence(first, INDENT, width, INDENT * 2)
    for words in other.price if other.refused is None else (other.refused,):
        yield from sentence(words, INDENT * 2, width, INDENT * 2)


def record_lines(record: Record, width: int, standing: str) -> Iterator[str]:
    """One line for a plan that was applied, and its steps."""
    where = "this host" if record.plan.live else record.plan.target
    head = f"{record.id}  {record.started:%Y-%m-%d %H:%M}  by {record.by}  {where}  {standing}"
    yield from sentence(head, "", width, INDENT)
    for step in record.plan.steps:
        yield from sentence(step.title, INDENT, width, INDENT * 2)
