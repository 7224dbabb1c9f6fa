"""The syntax tree of a shell script, POSIX XCU 2.9 and 2.10 with what bash adds.

Law: frozen records; every node knows the line (from 1) and the text it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """Characters that stand for themselves; ``quoted`` ones are no pattern and are not split."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$NAME`` or ``${NAME[index]OPERATOR argument}``; the operator ``len`` is ``${#NAME}``."""

    name: str
    quoted: bool
    operator: str = ""
    argument: Word | None = None
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Substitution:
    """``$(...)``, backquotes, or (``process``) ``<(...)``."""

    body: Block
    quoted: bool
    process: bool = False


@dataclass(frozen=True, slots=True)
class Opaque:
    """An expansion whose value is never known: arithmetic, indirection."""

    text: str
    quoted: bool


Part = Literal | Parameter | Substitution | Opaque


@dataclass(frozen=True, slots=True)
class Word:
    """One word; in ``[[ ... ]]`` a word without parts is an operator."""

    text: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """``NAME=value``, ``NAME+=value`` or ``NAME=(elements)``; ``indexed`` is ``NAME[i]=value``."""

    name: str
    value: Word | None
    elements: tuple[Word, ...] | None = None
    append: bool = False
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Redirection:
    """``operator`` with its descriptor as written; ``body`` are the lines of a here-document."""

    operator: str
    target: Word | None
    body: HereDocument | None = None


@dataclass(slots=True)
class HereDocument:
    """A here-document; its text is read at the end of the line that names it."""

    delimiter: str
    strip: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple command; ``declared`` are the assignments after ``export``, ``local`` and their kin."""

    line: int
    text: str
    assignments: tuple[Assignment, ...] = ()
    words: tuple[Word, ...] = ()
    declared: tuple[Assignment, ...] = ()
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Conditional:
    """``[[ ... ]]``: its words and operators."""

    line: int
    text: str
    tokens: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``(( ... ))``."""

    line: int
    text: str
    expression: str


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by ``|``, or one with ``!`` before it."""

    line: int
    text: str
    commands: tuple[Node, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class AndOr:
    """Commands joined by ``&&`` and ``||``, from left to right."""

    line: int
    text: str
    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One command of a list, run in the background or not."""

    node: Node
    background: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A list of commands."""

    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """``{ ...; }``, or in a subshell ``( ... )``."""

    line: int
    text: str
    body: Block
    subshell: bool
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class If:
    """``if``: pairs of condition and body, and what ``else`` holds."""

    line: int
    text: str
    branches: tuple[tuple[Block, Block], ...]
    otherwise: Block
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Loop:
    """``while`` or ``until``."""

    line: int
    text: str
    condition: Block
    body: Block
    until: bool
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class For:
    """``for NAME in words``; ``words`` ``None``: over the arguments. ``for (( ))`` has no name."""

    line: int
    text: str
    name: str | None
    words: tuple[Word, ...] | None
    body: Block
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """``case``: the word, and each branch's patterns with its body."""

    line: int
    text: str
    word: Word
    branches: tuple[tuple[tuple[Word, ...], Block], ...]
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A function's definition."""

    line: int
    text: str
    name: str
    body: Node


Compound = Group | If | Loop | For | Case
Node = Simple | Conditional | Arithmetic | Pipeline | AndOr | Compound | Function
