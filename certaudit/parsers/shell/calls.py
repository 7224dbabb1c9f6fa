"""One call of a simple command, and the parts of the reader that handle calls ask for.

Law: frozen; peeling a prefix makes a new call.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from certaudit.parsers.shell.formula import Formula
from certaudit.parsers.shell.records import Place, Redirect
from certaudit.parsers.shell.state import Field, Runner, State
from certaudit.parsers.shell.syntax import Assignment, Block

Argv = tuple[Field, ...]


class Call(Struct, frozen=True):
    """A command about to run: its expanded words, and what its line adds to it.

    ``given`` are the assignments before it, ``external`` says that a prefix program starts it, so that
    functions and most builtins are out of reach; ``cleared``: the environment is not passed on.
    """

    argv: Argv
    words: tuple[str, ...]
    place: Place
    given: tuple[tuple[str, Field], ...] = ()
    declared: tuple[Assignment, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    prefixes: tuple[str, ...] = ()
    user: str | None = None
    external: bool = False
    cleared: bool = False
    elsewhere: bool = False
    stdin: str | None = None

    def operands(self) -> tuple[str | None, ...]:
        """The arguments, with what cannot be known as ``None``."""
        return tuple(word if isinstance(word, str) else None for word in self.argv[1:])


class Caller(Runner, Protocol):
    """What builtins ask of the reader beyond running nodes."""

    def invoke(self, call: Call, state: State) -> Formula:
        """Run a call: builtin, function, prefix, shell, script or program."""

    def leaf(self, call: Call, state: State, program: str | None = None) -> Formula:
        """List a call that is not followed further; the formula of its success."""

    def text(self, text: str, call: Call, state: State) -> Formula:
        """Run a text in this shell, as ``eval`` does."""

    def source(self, path: str, call: Call, state: State) -> Formula:
        """Run a file in this shell."""

    def assignment(self, assignment: Assignment, state: State) -> None:
        """Carry out an assignment."""

    def parsed(self, text: str, place: Place) -> Block:
        """A text's commands; a syntax error is noted."""
