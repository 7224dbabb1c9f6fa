"""A plan, its steps and what became of it, for a person: plain lines, no colour, no drawing.

Law: pure; every line makes sense read aloud. Nothing in it that a terminal would obey, no secret of a
file, no byte of a key.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator

from certaudit.linking.redaction import redacted_text
from certaudit.linking.words import count, listing
from certaudit.plan import (
    OUTWARD,
    REMEDIES,
    Action,
    ChangeMode,
    CopyParts,
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
from certaudit.render.terminal import OBEYED

INDENT = " " * 3


def render(plan: Plan, width: int = 80) -> str:
    """The whole plan."""
    return text(lines(plan, width))


def text(parts: Iterator[str]) -> str:
    """Lines as one text, with nothing in it that a terminal would obey."""
    return "".join(OBEYED.sub("\N{REPLACEMENT CHARACTER}", line) + "\n" for line in parts)


def lines(plan: Plan, width: int) -> Iterator[str]:
    """The parts of a plan, in reading order."""
    where = "this host" if plan.live else plan.target
    steps = count(len(plan.steps), "step") if plan.steps else "nothing to do"
    yield f"Plan for {plan.host} ({where}): {steps}"
    for number, step in enumerate(plan.steps, 1):
        yield ""
        yield from step_lines(step, number, width)
    if plan.refusals:
        yield ""
        yield "Not done by certaudit:"
    for refusal in plan.refusals:
        yield from refusal_lines(refusal, width)
    yield from command_lines("Left for you to run afterwards:", plan.commands)
    if plan.unseen:
        yield ""
        how = "; --remote does so over ssh" if plan.live else ""
        yield from folded(f"Not looked at: {listing(plan.unseen, 6)}{how}.", "", width)


def step_lines(step: Step, number: int, width: int) -> Iterator[str]:
    """One step: what, for which certificates, each action, and what would bring the old state back."""
    yield from folded(f"{number}. {capital(step.title)}", "", width, INDENT)
    yield from folded(f"for {listing(step.subjects, 5)} ({', '.join(step.rules)})", INDENT, width)
    for action in step.actions:
        yield from folded(f"- {action_line(action)}", INDENT, width)
    yield from folded(f"Lasts: {step.lasts}", INDENT, width)
    for note in step.notes:
        yield from folded(f"Note: {note}", INDENT, width)
    if step.others:
        yield f"{INDENT}Or instead: --remedy {step.subjects[0]}={'|'.join(step.others)}"


def capital(words: str) -> str:
    """A sentence's first letter."""
    return words[:1].upper() + words[1:]


def refusal_lines(refusal: Refusal, width: int) -> Iterator[str]:
    """What is not done, why, and what a person could do."""
    yield from folded(f"- {listing(refusal.subjects, 5)}: {refusal.why}", "", width, "  ")
    for command in refusal.commands:
        yield f"{INDENT}  {command}"
    if refusal.others and refusal.subjects:
        yield f"  Choose with: --remedy {refusal.subjects[0]}={'|'.join(refusal.others)}"


def command_lines(title: str, commands: tuple[str, ...]) -> Iterator[str]:
    """Commands that can be copied."""
    if commands:
        yield ""
        yield title
        yield from (f"{INDENT}{redacted_text(command)}" for command in commands)


def folded(words: str, first: str, width: int, rest: str | None = None) -> list[str]:
    """A sentence over as many lines as it needs; paths stay whole."""
    return textwrap.wrap(
        words, width, initial_indent=first, subsequent_indent=first + "  " if rest is None else rest,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def action_line(action: Action) -> str:
    """What one action does, in one line."""
    if isinstance(action, StopUnit):
        return f"stop {action.unit}"
    if isinstance(action, OUTWARD):
        return outward_line(action)
    if isinstance(action, WriteText):
        word = "write" if action.before.kind == "absent" else "change"
        mode = f" (mode {action.after.mode:04o})" if action.before.kind == "absent" else ""
        return f"{word} {action.path}{mode}"
    if isinstance(action, CopyParts):
        return f"copy {' + '.join(action.sources)} to {action.path}"
    if isinstance(action, ChangeMode):
        return (
            f"change the mode of {action.path} from {action.before.mode:04o} to {action.after.mode:04o}"
        )
    if isinstance(action, MoveFile):
        return f"move {action.path} to {action.to}"
    if isinstance(action, MakeDirectory):
        return f"make the directory {action.path}"
    return link_line(action)


def outward_line(action: Outward) -> str:
    """What is done elsewhere, or by other programs, in one line."""
    if isinstance(action, SendParts):
        return f"send {' + '.join(action.sources)} to {action.where}"
    if isinstance(action, RunCommand):
        return f"run {redacted_text(action.command)} ({action.source})"
    seen = f"; then look at {', '.join(s.address for s in action.served)}" if action.served else ""
    return f"run {' '.join(action.test)}; reload {action.unit}{seen}"


def link_line(action: PutLink | RemoveLink) -> str:
    """What becomes of a link."""
    if isinstance(action, PutLink):
        return f"link {action.path} -> {action.after.target}"
    return f"remove the link {action.path} -> {action.before.target}"


def diff(step: Step) -> str:
    """What a step changes, line by line for texts."""
    return text(diff_lines(step))


def diff_lines(step: Step) -> Iterator[str]:
    """Each action, and under it the lines that go and come."""
    for action in step.actions:
        yield action_line(action)
        if isinstance(action, WriteText):
            yield from (INDENT + line for line in changed_lines(action))


def changed_lines(action: WriteText) -> Iterator[str]:
    """A unified diff without its head; secrets hidden, what is no UTF-8 replaced."""
    old, new = (clean(t).splitlines() for t in (action.old, action.text))
    for line in list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]:
        yield redacted_text(line)


def clean(words: str) -> str:
    """A text that can be printed."""
    return words.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def explain(step: Step, width: int = 80) -> str:
    """Why a step, what else could be done, and how it is taken back."""
    return text(explanation(step, width))


def explanation(step: Step, width: int) -> Iterator[str]:
    """The parts of an explanation."""
    yield from folded(f"This is remedy {step.remedy}: {REMEDIES[step.remedy]}.", "", width, "")
    yield from folded(f"What brings the old state back: {step.lasts}", "", width, "")
    for note in step.notes:
        yield from folded(note, "", width, "")
    for other in step.others:
        yield from folded(f"{other}  {REMEDIES[other]}", INDENT, width, INDENT * 2)
    yield "`certaudit undo` takes it back: bytes, modes, owners, times, links and unit states."


def outward_lines(record: Record, width: int) -> Iterator[str]:
    """What a record has done beyond this machine's files, and what becomes of that when it is undone."""
    standing = [
        action
        for action, state in zip(record.plan.actions, record.progress, strict=True)
        if state in ("begun", "done")
    ]
    sent = [action.where for action in standing if isinstance(action, SendParts)]
    if sent:
        yield from folded(f"Also, over ssh: {listing(sent, 6)}", INDENT, width)
    for action in standing:
        if isinstance(action, RunCommand):
            command = redacted_text(action.command)
            yield from folded(f"It ran {command}: that can not be taken back.", INDENT, width)


def record_lines(record: Record, width: int, standing: str) -> Iterator[str]:
    """One line for a plan that was applied, and its steps."""
    where = "this host" if record.plan.live else record.plan.target
    yield f"{record.id}  {record.started:%Y-%m-%d %H:%M}  by {record.by}  {where}  {standing}"
    for step in record.plan.steps:
        yield from folded(step.title, INDENT, width, INDENT * 2)
