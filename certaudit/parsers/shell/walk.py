"""What all parts of the reader share: the trace being made, limits, expansion and scopes.

Law: nothing is listed twice, nothing runs beyond the limits, and every way out of a shell is collected
by the scope it ends.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from certaudit.parsers.program import program_name
from certaudit.parsers.shell.calls import Call
from certaudit.parsers.shell.conditions import absolute
from certaudit.parsers.shell.formula import ALWAYS, Formula, Listing, Ran
from certaudit.parsers.shell.grammar import Parsed
from certaudit.parsers.shell.records import Command, Limits, Machine, Place, Unresolved
from certaudit.parsers.shell.state import Field, State, Value
from certaudit.parsers.shell.syntax import Block, Node, Substitution, Word
from certaudit.parsers.shell.words import expand_single, expand_words
from certaudit.records import replace

# They read all that they are given, some only where no file is named.
READERS = frozenset({"tee", "mail", "mailx", "sendmail"})
READERS_WITHOUT_FILES = frozenset({"cat", "sort", "wc"})


class LimitReachedError(Exception):
    """Reading has gone as far as the limits allow."""


@dataclass
class Walk(ABC):
    """The trace so far and the questions asked on the way."""

    machine: Machine
    limits: Limits
    commands: list[Command] = field(default_factory=list)
    unknown: list[Unresolved] = field(default_factory=list)
    escapes: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("exit", "return", "break", "continue"), 0)
    )
    active: set[tuple[str, str]] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    scripts_read: dict[str, Parsed] = field(default_factory=dict)
    listing: Listing = field(default_factory=Listing)
    substituted: Formula = ALWAYS
    steps: int = 0
    depth: int = 0

    @abstractmethod
    def run(self, node: Node, state: State) -> Formula:
        """Follow one node; the formula of its success."""

    @abstractmethod
    def block(self, block: Block, state: State) -> Formula:
        """Follow a list of commands."""

    @abstractmethod
    def condition(self, block: Block, state: State) -> Formula:
        """Follow a list of commands whose status is tested."""

    @abstractmethod
    def scope(self, state: State, body: Block) -> Formula:
        """Follow commands in a shell of their own."""

    @abstractmethod
    def substitute(self, part: Substitution, state: State) -> str | None:
        """Follow a substitution's commands; its value if it is known."""

    def step(self) -> None:
        """Note one more node."""
        self.steps += 1
        if self.steps > self.limits.steps:
            raise LimitReachedError("too many commands to follow")

    def nest(self, call: Call, state: State, follow: Callable[[], Formula]) -> Formula:
        """Follow something one level deeper, or say that it is too deep."""
        if self.depth >= self.limits.depth:
            self.unresolved(call.place, "nested too deep to follow", call.place.text)
            return self.leaf(call, state)
        self.depth += 1
        try:
            return follow()
        finally:
            self.depth -= 1

    def fields(self, words: Sequence[Word], state: State) -> tuple[list[Field], bool]:
        """Expanded words, and whether there may be more or fewer of them."""
        return expand_words(words, state, self)

    def single(self, word: Word, state: State) -> Field:
        """A word expanded to one string."""
        return expand_single(word, state, self)

    def unresolved(self, place: Place, reason: str, text: str) -> None:
        """Note what cannot be followed, once."""
        found = Unresolved(place, reason, text)
        if found not in self.unknown[-50:]:
            self.unknown.append(found)

    def touched(self, path: str) -> bool:
        """Has an earlier command named that path, or a directory it is in?"""
        parts = path.rstrip("/").split("/")
        return any("/".join(parts[:n]) in self.named for n in range(2, len(parts) + 1))

    def mark(self) -> tuple[int, ...]:
        """A point to return to."""
        return (len(self.commands), len(self.unknown), *self.escapes.values())

    def rewind(self, mark: tuple[int, ...]) -> None:
        """Drop what was found since then."""
        del self.commands[mark[0] :]
        del self.unknown[mark[1] :]
        self.escapes = dict(zip(self.escapes, mark[2:], strict=True))

    def die(self, state: State, kind: str) -> None:
        """Nothing after this point is reached from here."""
        self.escapes[kind] += 1
        state.alive = False

    def leaf(self, call: Call, state: State, program: str | None = None) -> Formula:
        """List a call that is not followed further; the formula of its success."""
        if len(self.commands) >= self.limits.commands or len(state.path) > self.limits.conditions:
            raise LimitReachedError("too many commands to follow")
        argv = tuple(word if isinstance(word, str) else None for word in call.argv)
        guards, needs = self.listing.of(state.path)
        frame = state.frame
        chain = frame.chain if frame.chain[-1:] == (call.place,) else (*frame.chain, call.place)
        known = exported(state, call)
        found = Command(
            number=len(self.commands) + 1,
            argv=argv,
            words=call.words,
            program=program or (argv[0] if argv else None),
            place=call.place,
            chain=chain,
            scripts=frame.scripts,
            guards=guards,
            needs=tuple(dict.fromkeys((*needs, *state.errexit))),
            prefixes=(*frame.prefixes, *call.prefixes),
            environment=tuple((k, v) for k, v in known.items() if isinstance(v, str)),
            background=frame.background,
            user=call.user,
            redirects=call.redirects or frame.redirects,
            stdin=frame.stdin if call.stdin is None else None,
        )
        self.commands.append(found)
        self._note(found, state)
        if found.stdin is not None and reads_all(argv):
            state.frame = replace(frame, stdin=None)
        return Ran(found.number, True, call.place)

    def _note(self, command: Command, state: State) -> None:
        """Remember the paths a command names: it may change what is there."""
        words = [word for word in command.argv[1:] if word is not None]
        targets = [one.target for one in command.redirects if one.target is not None]
        for word in (*words, *targets):
            for piece in word[:2000].replace("=", " ").split():
                path = absolute(piece.rpartition("/")[2] if "://" in piece else piece, state.directory)
                if path is not None and path != "/":
                    self.named.add(path)


def reads_all(argv: Sequence[str | None]) -> bool:
    """Does a program leave nothing of its input to those that run after it?"""
    name = program_name(argv[0] or "") if argv else ""
    files = [word for word in argv[1:] if word is None or word[:1] != "-"]
    return name in READERS or (name in READERS_WITHOUT_FILES and not files)


def exported(state: State, call: Call) -> Mapping[str, Value]:
    """The environment a call's program starts with, as far as anything is known of it."""
    kept = frozenset({"PATH"}) if call.cleared else state.exported
    values: dict[str, Value] = {n: value for n, value in state.variables.items() if n in kept}
    values.update(call.given)
    return values
