"""What a step of a plan changes, as lines that go and lines that come.

Law: as ``plan_text``; of a key nothing is shown but whose it is, its file's size and mode.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from certaudit.linking.redaction import redacted_text
from certaudit.plan import (
    Action,
    ChangeMode,
    CopyParts,
    Held,
    LaterFile,
    MakeDirectory,
    MoveFile,
    Node,
    PutLink,
    RemoveLink,
    RunCommand,
    SendParts,
    Step,
    StopUnit,
    WriteText,
)
from certaudit.render.folding import sentence
from certaudit.render.plan_text import INDENT, action_line, text

NOT_THERE = "not there"


def diff(step: Step, width: int = 80) -> str:
    """All that a step changes."""
    return text(diff_lines(step, width))


def diff_lines(step: Step, width: int) -> Iterator[str]:
    """Each action, and under it the lines that go and come."""
    for action in step.actions:
        yield from sentence(action_line(action), "", width, INDENT * 2)
        if isinstance(action, WriteText):
            for line in changed_lines(action):
                yield from sentence(line, INDENT, width, INDENT * 3)
        else:
            for sign, words in gone_and_come(action):
                yield from sentence(f"{sign} {words}", INDENT, width)


def gone_and_come(action: Action) -> Iterator[tuple[str, str]]:
    """What stands at a place before and after, in words; ``=`` for what is no place of ours."""
    if isinstance(action, (CopyParts, SendParts)):
        yield "-", holding(action.before, action.old, action.kept, secret=action.secret)
        yield "+", holding(action.after, action.new, action.sources, secret=action.secret)
    elif isinstance(action, (PutLink, RemoveLink)):
        yield "-", linking(action.before)
        yield "+", linking(action.after)
    elif isinstance(action, ChangeMode):
        yield "-", f"mode {action.before.mode or 0:04o}"
        yield "+", f"mode {action.after.mode or 0:04o}"
    elif isinstance(action, MoveFile):
        yield "-", action.path
        yield "+", action.to
    elif isinstance(action, MakeDirectory):
        yield "-", NOT_THERE
        yield "+", f"a directory, mode {action.after.mode or 0:04o}"
    elif isinstance(action, LaterFile):
        yield "+", "a copy of the certificate handed out last; undo takes it away"
    elif isinstance(action, StopUnit):
        yield "-", action.active
        yield "+", "inactive"
    elif isinstance(action, RunCommand):
        yield "=", "what that changes is not known to certaudit"
    else:
        yield "=", "no file is changed"


def linking(node: Node) -> str:
    """A link, by where it leads."""
    return f"-> {node.target}" if node.kind == "link" else NOT_THERE


def holding(node: Node, held: Held | None, files: tuple[str, ...], *, secret: bool) -> str:
    """A file of certificates and keys: what it holds, its like in the archive, size and mode."""
    if node.kind == "absent" or held is None:
        return NOT_THERE
    parts = []
    if held.serial and held.expires:
        parts.append(f"certificate {held.serial}, good until {held.expires[:10]}")
    if secret:
        parts.append("private key")
    which = " + ".join(file.rpartition("/")[2] for file in files) or "in no archive"
    return f"{' and '.join(parts)} ({which}), {held.size} bytes, mode {node.mode or 0:04o}"


def changed_lines(action: WriteText) -> Iterator[str]:
    """A unified diff without its head; secrets hidden, what is no UTF-8 replaced."""
    old, new = (clean(t).splitlines() for t in (action.old, action.text))
    for line in list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]:
        yield redacted_text(line)


def clean(words: str) -> str:
    """A text that can be printed."""
    return words.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
