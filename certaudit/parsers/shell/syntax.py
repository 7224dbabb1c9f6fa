"""The syntax tree of a shell script, POSIX XCU 2.9 and 2.10 with what bash adds.

Law: frozen records; every node knows the line (from 1) and the text it stands for.
"""

from __future__ import annotations

from msgspec import Struct


class Literal(Struct, frozen=True):
    """Characters that stand for themselves; ``quoted`` ones are no pattern and are not split."""

    text: str
    quoted: bool


class Parameter(Struct, frozen=True):
    """``$NAME`` or ``${NAME[index]OPERATOR argument}``; the operator ``len`` is ``${#NAME}``."""

    name: str
    quoted: bool
    operator: str = ""
    argument: Word | None = None
    index: str | None = None


class Substitution(Struct, frozen=True):
    """``$(...)``, backquotes, or (``process``) ``<(...)``."""

    body: Block
    quoted: bool
    process: bool = False


class Opaque(Struct, frozen=True):
    """An expansion whose value is never known: arithmetic, indirection."""

    text: str
    quoted: bool


Part = Literal | Parameter | Substitution | Opaque


class Word(Struct, frozen=True):
    """One word; in ``[[ ... ]]`` a word without parts is an operator."""

    text: str
    parts: tuple[Part, ...]


class Assignment(Struct, frozen=True):
    """``NAME=value``, ``NAME+=value`` or ``NAME=(elements)``; ``indexed`` is ``NAME[i]=value``."""

    name: str
    value: Word | None
    elements: tuple[Word, ...] | None = None
    append: bool = False
    indexed: bool = False


class Redirection(Struct, frozen=True):
    """``operator`` with its descriptor as written; ``body`` are the lines of a here-document."""

    operator: str
    target: Word | None
    body: HereDocument | None = None


class HereDocument(Struct):
    """A here-document; its text is read at the end of the line that names it."""

    delimiter: str
    strip: bool
    text: str = ""


class Simple(Struct, frozen=True):
    """A simple command; ``declared`` are the assignments after ``export``, ``local`` and their kin."""

    line: int
    text: str
    assignments: tuple[Assignment, ...] = ()
    words: tuple[Word, ...] = ()
    declared: tuple[Assignment, ...] = ()
    redirections: tuple[Redirection, ...] = ()


class Conditional(Struct, frozen=True):
    """``[[ ... ]]``: its words and operators."""

    line: int
    text: str
    tokens: tuple[Word, ...]


class Arithmetic(Struct, frozen=True):
    """``(( ... ))``."""

    line: int
    text: str
    expression: str


class Pipeline(Struct, frozen=True):
    """Commands joined by ``|``, or one with ``!`` before it."""

    line: int
    text: str
    commands: tuple[Node, ...]
    negated: bool


class AndOr(Struct, frozen=True):
    """Commands joined by ``&&`` and ``||``, from left to right."""

    line: int
    text: str
    first: Node
    rest: tuple[tuple[str, Node], ...]


class Item(Struct, frozen=True):
    """One command of a list, run in the background or not."""

    node: Node
    background: bool = False


class Block(Struct, frozen=True):
    """A list of commands."""

    items: tuple[Item, ...] = ()


class Group(Struct, frozen=True):
    """``{ ...; }``, or in a subshell ``( ... )``."""

    line: int
    text: str
    body: Block
    subshell: bool
    redirections: tuple[Redirection, ...] = ()


class If(Struct, frozen=True):
    """``if``: pairs of condition and body, and what ``else`` holds."""

    line: int
    text: str
    branches: tuple[tuple[Block, Block], ...]
    otherwise: Block
    redirections: tuple[Redirection, ...] = ()


class Loop(Struct, frozen=True):
    """``while`` or ``until``."""

    line: int
    text: str
    condition: Block
    body: Block
    until: bool
    redirections: tuple[Redirection, ...] = ()


class For(Struct, frozen=True):
    """``for NAME in words``; ``words`` ``None``: over the arguments. ``for (( ))`` has no name."""

    line: int
    text: str
    name: str | None
    words: tuple[Word, ...] | None
    body: Block
    redirections: tuple[Redirection, ...] = ()


class Case(Struct, frozen=True):
    """``case``: the word, and each branch's patterns with its body."""

    line: int
    text: str
    word: Word
    branches: tuple[tuple[tuple[Word, ...], Block], ...]
    redirections: tuple[Redirection, ...] = ()


class Function(Struct, frozen=True):
    """A function's definition."""

    line: int
    text: str
    name: str
    body: Node


Compound = Group | If | Loop | For | Case
Node = Simple | Conditional | Arithmetic | Pipeline | AndOr | Compound | Function
