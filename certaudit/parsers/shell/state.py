"""What a shell knows at one point of a script: variables, functions, directory, and how it came there.

Law: a value that differs between two ways to a point is unknown there (``None``); a name that is not in
``variables`` was never assigned in sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct, field

from certaudit.parsers.shell.formula import ALWAYS, Formula, both, either, truth
from certaudit.parsers.shell.records import Limits, Machine, Need, Place, Redirect
from certaudit.parsers.shell.syntax import Block, Function, Node, Substitution, Word
from certaudit.records import replace


class ExitStatus(Struct, frozen=True):
    """The value of ``$?``: 0 exactly where ``success`` is true."""

    success: Formula


class Unset(Struct, frozen=True):
    """The value of a variable that is known not to be set."""


UNSET: Final = Unset()
Field = str | ExitStatus | None
Value = str | ExitStatus | Unset | tuple[str | None, ...] | None


class Loops(Struct):
    """The ways out of the loop being read: states at ``break`` and at ``continue``."""

    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)


class Frame(Struct, frozen=True):
    """Where the reader is: file, name (``$0``), how it got there, and where the ways out are collected.

    ``given`` is the file as it was named by what started or sourced it; ``stdin`` what is left of the
    entry's input; ``flat``: the text stands on one line, whatever lines it has.
    """

    path: str
    name: str
    shell: str
    chain: tuple[Place, ...]
    given: str | None = None
    line: int = 1
    scripts: tuple[str, ...] = ()
    user: str | None = None
    background: bool = False
    redirects: tuple[Redirect, ...] = ()
    prefixes: tuple[str, ...] = ()
    exits: list[tuple[State, Formula]] = field(default_factory=list)
    returns: list[tuple[State, Formula]] | None = None
    loops: tuple[Loops, ...] = ()
    traps: list[tuple[str, Place, State]] = field(default_factory=list)
    saved: dict[str, Value] | None = None  # what a function's ``local`` names held before
    stdin: str | None = None
    flat: bool = False

    def place(self, node: Node) -> Place:
        """Where a node of this file stands."""
        return Place(self.path, self.line_of(node), node.text)

    def line_of(self, node: Node) -> int:
        """A node's line in the file that the frame reads."""
        return self.line if self.flat else self.line + node.line - 1


class State(Struct):
    """The shell at one point; ``path`` must hold to get there, ``errexit`` is what ``set -e`` adds."""

    frame: Frame
    variables: dict[str, Value] = field(default_factory=dict)
    exported: frozenset[str] = frozenset()
    functions: dict[str, tuple[Function, Frame]] = field(default_factory=dict)
    arguments: tuple[Field, ...] | None = ()
    directory: str | None = None
    options: frozenset[str] = frozenset()
    path: tuple[Formula, ...] = ()
    errexit: tuple[Need, ...] = ()
    status: Formula = ALWAYS
    suspended: bool = False  # in a condition, where set -e does not count
    alive: bool = True

    def copy(self) -> State:
        """A state of its own with the same content."""
        return replace(self, variables=dict(self.variables), functions=dict(self.functions))

    def take(self, other: State) -> None:
        """Become the other state; whether ``set -e`` counts depends on where this one stands."""
        for name in self.__struct_fields__:
            if name != "suspended":
                setattr(self, name, getattr(other, name))

    def require(self, formula: Formula) -> None:
        """From here on, this formula must hold."""
        if formula != ALWAYS and formula not in self.path:
            self.path = (*self.path, formula)

    def assign(self, name: str, value: Value) -> None:
        """Give a variable a value."""
        self.variables[name] = value

    def forget(self) -> None:
        """Every variable may have been changed by something that could not be read."""
        for name in self.variables:
            if name != "PATH":
                self.variables[name] = None

    def text(self, name: str) -> str | None:
        """A variable's value if it is one known string."""
        value = self.variables.get(name)
        return value if isinstance(value, str) else None

    def search_path(self) -> tuple[str, ...]:
        """The directories that programs are looked for in."""
        return tuple(part for part in (self.text("PATH") or "").split(":") if part)

    def environment(self) -> tuple[tuple[str, str], ...]:
        """The exported variables whose values are known."""
        return tuple(
            (name, value)
            for name, value in self.variables.items()
            if name in self.exported and isinstance(value, str)
        )


class Runner(Protocol):
    """What the parts of the reader ask of each other."""

    machine: Machine
    limits: Limits
    escapes: dict[str, int]

    def run(self, node: Node, state: State) -> Formula:
        """Follow one node; the formula of its success."""

    def block(self, block: Block, state: State) -> Formula:
        """Follow a list of commands."""

    def condition(self, block: Block, state: State) -> Formula:
        """Follow a list of commands whose status is tested."""

    def scope(self, state: State, body: Block) -> Formula:
        """Follow commands in a shell of their own."""

    def substitute(self, part: Substitution, state: State) -> str | None:
        """Follow a substitution's commands; its value if it is known."""

    def unresolved(self, place: Place, reason: str, text: str) -> None:
        """Note what cannot be followed."""

    def touched(self, path: str) -> bool:
        """Has an earlier command named that path, so that it may have changed it?"""

    def mark(self) -> tuple[int, ...]:
        """A point to return to with ``rewind``."""

    def rewind(self, mark: tuple[int, ...]) -> None:
        """Drop what was found since a mark."""

    def die(self, state: State, kind: str) -> None:
        """No command after this point is reached from here."""

    def fields(self, words: Sequence[Word], state: State) -> tuple[list[Field], bool]:
        """Expanded words, and whether there may be more or fewer of them."""

    def single(self, word: Word, state: State) -> Field:
        """A word expanded to one string, as in an assignment."""


def join(base: tuple[Formula, ...], ends: Sequence[State], lost: bool) -> State:
    """The state after ways that part at ``base`` and meet again.

    ``lost``: some way between has left for good, so that getting here is a condition of its own.
    Only one of the ways is taken, so that one which is certain rules out the others.
    """
    alive = [end for end in ends if end.alive]
    if not alive:
        return ends[0]
    deltas = {id(end): both(*end.path[len(base) :]) for end in alive}
    certain = [end for end in alive if truth(deltas[id(end)]) is True]
    possible = [end for end in alive if truth(deltas[id(end)]) is not False]
    chosen = certain[:1] or possible or alive
    result = merged(chosen)
    result.path = base
    if lost or len(alive) < len(ends):
        result.require(either(*deltas.values()))
    return result


def merged(states: Sequence[State]) -> State:
    """What all of these states agree on."""
    result = states[0].copy()
    for other in states[1:]:
        merge_variables(result, other)
        if result.directory != other.directory:
            result.directory = None
        if result.arguments != other.arguments:
            result.arguments = None
        result.functions = {**other.functions, **result.functions}
        result.options &= other.options
        result.exported |= other.exported
        result.errexit = merged_needs(result.errexit, other.errexit)
        result.status = either(result.status, other.status)
    return result


def merge_variables(result: State, other: State) -> None:
    """Values on which two states differ become unknown."""
    if result.variables == other.variables:
        return
    for name in {**result.variables, **other.variables}:
        mine, its = result.variables.get(name, UNSET), other.variables.get(name, UNSET)
        if mine != its or (name in result.variables) != (name in other.variables):
            result.variables[name] = None


def merged_needs(mine: tuple[Need, ...], other: tuple[Need, ...]) -> tuple[Need, ...]:
    """What either way to a point needs; what only one needs does not bind its status."""
    if mine == other:
        return mine
    shared = set(mine) & set(other)
    every = dict.fromkeys((*mine, *other))
    loose = (n if n in shared else replace(n, condition="any-known") for n in every)
    return tuple(dict.fromkeys(loose))
