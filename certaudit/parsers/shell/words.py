"""What the words of a command become: POSIX XCU 2.6, in the order braces, tilde, parameters, splitting.

Law: a word is a known string or ``None``; nothing is guessed. Patterns over files are not expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from certaudit.parsers.shell.parameters import parameter
from certaudit.parsers.shell.state import ExitStatus, Field, Runner, State
from certaudit.parsers.shell.syntax import Literal, Opaque, Parameter, Part, Word

GLOB = re.compile(r"[*?]|\[[^\]]*\]")
TILDE = re.compile(r"~([A-Za-z_][\w-]*)?(?=/|$)")
BRACES = re.compile(r"\{([^{},\s]*(?:,[^{},\s]*)+)\}")
RANGE = re.compile(r"\{(-?\d{1,4})\.\.(-?\d{1,4})\}")
MAX_FIELDS = 64
MAX_LENGTH = 100_000
BRACE_SHELLS = frozenset({"bash", "zsh", "ksh"})


class Fields(Struct):
    """Fields being put together; ``open``: their number is not known."""

    done: list[Field] = field(default_factory=list)
    current: Field = ""
    begun: bool = False
    open: bool = False

    def add(self, value: Field) -> None:
        """Continue the present field."""
        if not self.begun or self.current == "":
            self.current = value
        elif isinstance(value, str) and isinstance(self.current, str):
            self.current = None if len(self.current) > MAX_LENGTH else self.current + value
        elif value != "":
            self.current = None
        self.begun = True

    def end(self) -> None:
        """Close the present field if one was begun."""
        if self.begun:
            self.done.append(self.current)
        self.current, self.begun = "", False

    def split(self, value: str) -> None:
        """Continue with an unquoted value: blanks in it end fields."""
        pieces = value.split()
        if value[:1].isspace():
            self.end()
        for position, piece in enumerate(pieces):
            if position:
                self.end()
            self.add(None if GLOB.search(piece) else piece)
        if pieces and value[-1:].isspace():
            self.end()


def expand_words(words: Sequence[Word], state: State, runner: Runner) -> tuple[list[Field], bool]:
    """The fields of a command's words, and whether there may be more or fewer of them."""
    result = Fields()
    for word in words:
        for one in braced(word, state.frame.shell, result):
            expand_into(one, state, runner, result)
            result.end()
            if len(result.done) > MAX_LENGTH:
                result.open = True
                return result.done, True
    return result.done, result.open


def expand_into(word: Word, state: State, runner: Runner, result: Fields) -> None:
    """Add one word's fields."""
    for position, part in enumerate(word.parts):
        if isinstance(part, Literal) and not part.quoted:
            text = tilde(part.text, state, len(word.parts) > 1) if position == 0 else part.text
            result.add(None if text is None or is_glob(word, part) else text)
            continue
        if isinstance(part, Literal):
            result.add(part.text)
            continue
        add_value(part, part_value(part, state, runner), state, result)


def is_glob(word: Word, part: Literal) -> bool:
    """Could this unquoted part make the word a pattern over files?"""
    if len(word.parts) == 1:
        return GLOB.search(part.text) is not None
    return any(character in part.text for character in "*?")


def add_value(part: Part, value: Field | tuple[Field, ...], state: State, result: Fields) -> None:
    """Add what an expansion yields, split if it is not quoted."""
    if isinstance(value, tuple):
        for position, one in enumerate(value):
            if position:
                result.end()
            if part.quoted or not isinstance(one, str):
                result.add(one)
            else:
                result.split(one)
        return
    if part.quoted or isinstance(value, ExitStatus):
        result.add(value)
        result.open |= value is None and is_list(part)
    elif value is None or state.variables.get("IFS", " \t\n") != " \t\n":
        result.add(None)
        result.open = True
    else:
        result.split(value)


def is_list(part: Part) -> bool:
    """Is it ``$@`` or a whole array, whose number of fields may not be known?"""
    return isinstance(part, Parameter) and (part.name == "@" or part.index == "@")


def expand_single(word: Word, state: State, runner: Runner) -> Field:
    """A word as one string: no splitting, no patterns (assignments, ``case``, ``[[``, redirections)."""
    result = Fields(begun=True)
    for position, part in enumerate(word.parts):
        if isinstance(part, Literal):
            first = position == 0 and not part.quoted
            result.add(tilde(part.text, state, len(word.parts) > 1) if first else part.text)
            continue
        value = part_value(part, state, runner)
        if isinstance(value, tuple):
            known = [one for one in value if isinstance(one, str)]
            value = " ".join(known) if len(known) == len(value) else None
        result.add(value)
    return result.current


def part_value(part: Part, state: State, runner: Runner) -> Field | tuple[Field, ...]:
    """What one expansion stands for; a tuple for those that yield several fields."""
    if isinstance(part, Literal):
        return part.text
    if isinstance(part, Opaque):
        return None
    if isinstance(part, Parameter):
        return parameter(part, state, lambda word: expand_single(word, state, runner))
    return runner.substitute(part, state)


def tilde(text: str, state: State, more: bool) -> str | None:
    """A leading ``~`` replaced by the home directory; ``None`` if that is not known."""
    found = TILDE.match(text)
    if not found or (more and found.end() == len(text)):
        return text
    if found[1]:
        return "/root" + text[found.end() :] if found[1] == "root" else None
    home = state.text("HOME") or ("/root" if state.frame.user == "root" else None)
    return None if home is None else home + text[found.end() :]


def braced(word: Word, shell: str, result: Fields) -> Iterator[Word]:
    """The words that ``{a,b}`` and ``{1..3}`` make of one; an unknown word where that is not told."""
    if not has_braces(word):
        yield word
        return
    unknown = Word(word.text, (Opaque(word.text, True),))
    queue = [word]
    finished: list[Word] = []
    while queue:
        one = queue.pop(0)
        expanded = alternatives(one) if shell in BRACE_SHELLS else None
        if expanded is None or len(queue) + len(finished) + len(expanded) > MAX_FIELDS:
            result.open = True
            yield unknown
            return
        if len(expanded) == 1:
            finished.append(one)
        queue[:0] = expanded if len(expanded) > 1 else ()
    yield from finished


def has_braces(word: Word) -> bool:
    """Could a shell with brace expansion make several words of this one?"""
    text = "".join(p.text if isinstance(p, Literal) and not p.quoted else "\0" for p in word.parts)
    begin = text.find("{")
    inner = text[begin : text.rfind("}") + 1] if begin >= 0 else ""
    return "," in inner or ".." in inner


def alternatives(word: Word) -> list[Word] | None:
    """The words of the first braces, the word itself if it has none left, ``None`` if not told."""
    for position, part in enumerate(word.parts):
        if not isinstance(part, Literal) or part.quoted or "{" not in part.text:
            continue
        found = BRACES.search(part.text) or RANGE.search(part.text)
        if not found or part.text.count("{", 0, found.start()) or len(part.text) > 1000:
            return None
        before, after = part.text[: found.start()], part.text[found.end() :]
        return [
            Word(
                word.text,
                (
                    *word.parts[:position],
                    Literal(before + choice + after, False),
                    *word.parts[position + 1 :],
                ),
            )
            for choice in choices(found)
        ]
    return [word]


def choices(found: re.Match[str]) -> list[str]:
    """What stands between braces."""
    if found.re is BRACES:
        return found[1].split(",")
    first, last = int(found[1]), int(found[2])
    step = 1 if first <= last else -1
    return [str(number) for number in range(first, last + step, step)][: MAX_FIELDS + 2]
