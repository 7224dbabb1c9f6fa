"""Parameter expansion, POSIX XCU 2.5 and 2.6.2, with bash's arrays.

Law: a variable that was never assigned in sight is unknown, but its default (``${X:-y}``) counts,
because cron and systemd start commands with next to no environment.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

from certaudit.parsers.shell.formula import truth
from certaudit.parsers.shell.state import UNSET, ExitStatus, Field, State, Unset, Value
from certaudit.parsers.shell.syntax import Literal, Parameter, Word

Expand = Callable[[Word], Field]
MAX_PATTERN = 200
MAX_STARS = 3


def parameter(part: Parameter, state: State, expand: Expand) -> Field | tuple[Field, ...]:
    """The value of one parameter expansion; a tuple for ``$@`` and whole arrays."""
    if part.name in ("@", "*") and not part.operator:
        return positional(part, state)
    value = indexed(lookup(part.name, state), part)
    if part.operator == "len":
        return length(value, part)
    if isinstance(value, tuple):
        return value if not part.operator else None
    return operated(part, value, part.name in state.variables or special(part.name), state, expand)


def special(name: str) -> bool:
    """Is it a parameter that the shell itself sets?"""
    return not (name[:1].isalpha() or name[:1] == "_")


def positional(part: Parameter, state: State) -> Field | tuple[Field, ...]:
    """``$@``, or ``"$*"`` as one string."""
    if state.arguments is None:
        return None
    if part.name == "@" or not part.quoted:
        return state.arguments
    known = [one for one in state.arguments if isinstance(one, str)]
    return " ".join(known) if len(known) == len(state.arguments) else None


def lookup(name: str, state: State) -> Value:
    """What a name stands for; ``UNSET`` both for unset and, of variables, for never assigned."""
    if name.isdigit():
        return argument(int(name), state)
    if name == "#":
        return None if state.arguments is None else str(len(state.arguments))
    if name == "?":
        known = truth(state.status)
        return "0" if known is True else ExitStatus(state.status)
    if special(name):
        return None
    if name == "BASH_SOURCE":
        return state.frame.given
    if name == "PWD":
        return state.directory
    if name in ("UID", "EUID") and name not in state.variables:
        return "0" if state.frame.user == "root" else None
    return state.variables.get(name, UNSET)


def argument(number: int, state: State) -> Value:
    """``$0`` and the arguments."""
    if number == 0:
        return state.frame.name
    if state.arguments is None:
        return None
    return state.arguments[number - 1] if number <= len(state.arguments) else UNSET


def indexed(value: Value, part: Parameter) -> Value:
    """One element of an array, or all of it."""
    if part.index is None or not isinstance(value, tuple):
        if part.index not in (None, "0", "@", "*"):
            return None
        return (value[0] if value else "") if isinstance(value, tuple) else value
    if part.index == "*" and part.quoted and part.operator != "len":
        known = [one for one in value if one is not None]
        return " ".join(known) if len(known) == len(value) else None
    if part.index in ("@", "*"):
        return value
    if part.index.isdigit() and len(part.index) < 6:
        number = int(part.index)
        return value[number] if number < len(value) else UNSET
    return None


def length(value: Value, part: Parameter) -> str | None:
    """``${#NAME}``, of an array the number of its elements."""
    if isinstance(value, tuple) and part.index in ("@", "*"):
        return str(len(value))
    return str(len(value)) if isinstance(value, str) else None


def operated(part: Parameter, value: Value, assigned: bool, state: State, expand: Expand) -> Field:
    """A single value after its operator."""
    if isinstance(value, tuple):
        return None
    plain = part.operator.lstrip(":")
    if plain in ("-", "=", "?", "+"):
        return defaulted(part, value, state, expand)
    if isinstance(value, Unset):
        return "" if assigned else None
    if not part.operator or not isinstance(value, str):
        return value if not part.operator else None
    if part.operator in ("#", "##", "%", "%%") and part.argument is not None:
        return trimmed(value, part.operator, part.argument, expand)
    return None


def defaulted(part: Parameter, value: Value, state: State, expand: Expand) -> Field:
    """``:-`` and its kin."""
    if value is None or isinstance(value, tuple):
        return None
    empty = isinstance(value, Unset) or (part.operator[0] == ":" and value == "")
    plain = part.operator.lstrip(":")
    other = part.argument or Word("", ())
    if plain == "+":
        return "" if empty else expand(other)
    if not empty:
        return None if isinstance(value, Unset) else value
    if plain == "?":
        return None
    chosen = expand(other)
    if plain == "=":
        state.assign(part.name, chosen)
    return chosen


def trimmed(value: str, operator: str, pattern: Word, expand: Expand) -> str | None:
    """``${X#pattern}`` and ``${X%pattern}``; ``None`` for a pattern that is not known or too costly."""
    text = expand(pattern)
    if not isinstance(text, str) or ambiguous(pattern, text) or len(value) > MAX_PATTERN:
        return None
    count = range(len(value) + 1)
    if operator[0] == "#":
        lengths = count if operator == "#" else reversed(count)
        found = next((n for n in lengths if matches(value[:n], text)), 0)
        return value[found:]
    lengths = reversed(count) if operator == "%" else count
    found = next((n for n in lengths if matches(value[n:], text)), len(value))
    return value[:found]


def ambiguous(word: Word, text: str) -> bool:
    """Is a pattern too costly, or does a quote or an expansion make its special characters plain?"""
    if len(text) > MAX_PATTERN or text.count("*") > MAX_STARS:
        return True
    plain = all(isinstance(part, Literal) and not part.quoted for part in word.parts)
    return not plain and any(character in text for character in "*?[")


def matches(text: str, pattern: str) -> bool:
    """Does a text match a shell pattern?"""
    return fnmatchcase(text, pattern)
