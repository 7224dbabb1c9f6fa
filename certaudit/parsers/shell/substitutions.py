"""Command substitutions whose value follows from the text and the file system alone.

Law: only programs that compute a name (dirname, basename, readlink -f of the script, pwd, which, id)
are computed; all others are run for what they do, and their output is unknown.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from certaudit.parsers.shell.conditions import absolute
from certaudit.parsers.shell.state import Runner, State
from certaudit.parsers.shell.syntax import AndOr, Simple, Substitution

MAX_OUTPUT = 10_000


def computed(part: Substitution, state: State, runner: Runner) -> tuple[bool, str | None]:
    """Is the value of a substitution known by rule, and what is it (``None``: it cannot be told)."""
    node = part.body.items[0].node if len(part.body.items) == 1 else None
    if isinstance(node, AndOr):
        return directory_of(node, state, runner)
    if not isinstance(node, Simple) or node.assignments or not quiet(node):
        return False, None
    first = node.words[0].text if node.words else ""
    if first.rpartition("/")[2] not in COMPUTED or first in state.functions:
        return False, None
    fields, is_open = runner.fields(node.words, state)
    words = [word for word in fields if isinstance(word, str)]
    if is_open or len(words) != len(fields):
        return False, None
    return evaluated(words[0].rpartition("/")[2], words[1:], state, runner)


def quiet(node: Simple) -> bool:
    """Does the command write its output where the substitution reads it?"""
    return all(r.operator.startswith("2") or r.operator == "<" for r in node.redirections)


def directory_of(node: AndOr, state: State, runner: Runner) -> tuple[bool, str | None]:
    """``$(cd DIR && pwd)``."""
    last = node.rest[0][1]
    if len(node.rest) != 1 or node.rest[0][0] != "&&" or not isinstance(last, Simple):
        return False, None
    if not isinstance(node.first, Simple) or not last.words or last.words[0].text != "pwd":
        return False, None
    fields, _ = runner.fields(node.first.words, state)
    words = [w for w in fields if isinstance(w, str) and w not in ("-P", "-L", "--")]
    if words[:1] not in (["cd"], ["pushd"]) or len(words) != 2:
        return False, None
    return True, absolute(words[1], state.directory)


def evaluated(name: str, words: Sequence[str], state: State, runner: Runner) -> tuple[bool, str | None]:
    """The output of one of the computed programs."""
    operands = [word for word in words if not word.startswith("-") or word == "-"]
    options = [word for word in words if word not in operands]
    if name == "pwd":
        return True, state.directory
    if name == "echo":
        plain = not options and "\\" not in "".join(words)
        return plain, " ".join(words)[:MAX_OUTPUT] if plain else None
    if name in ("dirname", "basename"):
        return (False, None) if options else (True, cut(name, operands))
    if name in ("readlink", "realpath"):
        return True, resolved(operands, state)
    if name in ("which", "command", "type"):
        wanted = operands[:1] if name == "which" or options == ["-v"] else []
        return bool(wanted), runner.machine.which(wanted[0], state.search_path()) if wanted else None
    if name == "whoami" or words == ["-un"]:
        return True, state.frame.user
    return words == ["-u"], "0" if state.frame.user == "root" else None


COMPUTED = frozenset(
    [
        "pwd",
        "echo",
        "dirname",
        "basename",
        "readlink",
        "realpath",
        "which",
        "command",
        "type",
        "whoami",
        "id",
    ]
)


def cut(name: str, operands: Sequence[str]) -> str | None:
    """dirname(1) and basename(1)."""
    if not operands:
        return None
    path = operands[0].rstrip("/") or "/"
    if name == "dirname":
        return posixpath.dirname(path).rstrip("/") or ("/" if path.startswith("/") else ".")
    base = posixpath.basename(path) or "/"
    suffix = operands[1] if len(operands) > 1 else ""
    return base[: -len(suffix)] if suffix and base.endswith(suffix) and base != suffix else base


def resolved(operands: Sequence[str], state: State) -> str | None:
    """``readlink -f``: known only of the running script, whose resolved path is known."""
    if len(operands) == 1 and operands[0] == state.frame.given:
        return state.frame.path if state.frame.scripts else None
    return None
