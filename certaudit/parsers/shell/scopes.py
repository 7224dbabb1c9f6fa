"""Shells within shells: scripts, ``sh -c`` texts, functions, sourced files, substitutions.

Law: what a child shell changes stays in it; its success is that of the ways it can end.
"""

from __future__ import annotations

import re

from certaudit.parsers.shell.calls import Call
from certaudit.parsers.shell.conditions import absolute
from certaudit.parsers.shell.control import count, outcome
from certaudit.parsers.shell.formula import NOWHERE, Formula, Ran, Test, both
from certaudit.parsers.shell.grammar import Parsed, parse_script
from certaudit.parsers.shell.records import Need, Place, ScriptText
from certaudit.parsers.shell.state import UNSET, Frame, State, Value, join
from certaudit.parsers.shell.substitutions import computed
from certaudit.parsers.shell.syntax import Block, Item, Node, Substitution
from certaudit.parsers.shell.walk import Walk, exported
from certaudit.records import replace

MENTIONS = re.compile(r"certbot|letsencrypt|acme|lego|dehydrated", re.IGNORECASE)
MENTIONED_LINES = 5


class Scopes(Walk):
    """Enters and leaves shells and functions."""

    def scope(self, state: State, body: Block) -> Formula:
        """Follow commands in a shell of their own, which ``state`` becomes."""
        state.frame = replace(state.frame, exits=[], loops=(), returns=None, traps=[], saved=None)
        frame, base, needed = state.frame, state.path, state.errexit
        escapes = dict(self.escapes)
        status = self.block(body, state)
        ends = [*frame.exits, (state, status)] if state.alive else [*frame.exits]
        self._traps(frame)
        self.escapes = escapes
        if not ends:
            return Test(f"{frame.name} ends", frame.chain[-1] if frame.chain else NOWHERE, None)
        return outcome(base, [(end, both(*self._gained(end, needed), status)) for end, status in ends])

    def _gained(self, end: State, needed: tuple[Need, ...]) -> list[Formula]:
        """What ``set -e`` demanded on the way to one end of a shell."""
        return [self._met(need) for need in end.errexit if need not in needed]

    def _met(self, need: Need) -> Formula:
        success = {"success": True, "failure": False}.get(need.condition)
        return Ran(need.command, success, self.commands[need.command - 1].place)

    def _traps(self, frame: Frame) -> None:
        """Run what ``trap ... EXIT`` has set, under the conditions it was set."""
        for text, place, state in tuple(frame.traps):
            state.frame = replace(
                frame, traps=[], exits=[], chain=(*frame.chain, place), line=place.line
            )
            state.options = frozenset()
            self.block(self.parsed(text, place), state)
        frame.traps.clear()

    def parsed(self, text: str, place: Place) -> Block:
        """A text's commands; a syntax error is noted with its line."""
        parsed = self.scripts_read.get(text)
        if parsed is None:
            parsed = self.scripts_read[text] = self._parse(text)
        if parsed.error is not None:
            reason, line = parsed.error
            where = replace(place, line=place.line + line - 1)
            self.unresolved(where, f"not read further: {reason}", mentioning(text))
        return parsed.body

    def _parse(self, text: str) -> Parsed:
        if len(text) > self.limits.text:
            return Parsed(Block(), ("the text is too long", 1))
        return parse_script(text)

    def child_script(
        self,
        script: ScriptText,
        name: str,
        shell: str,
        options: frozenset[str],
        call: Call,
        state: State,
    ) -> Formula:
        """Run a script with what is exported to it."""
        frame = Frame(
            path=script.path, name=name, given=name, shell=shell, chain=(*state.frame.chain, call.place),
            scripts=(*state.frame.scripts, script.path), user=call.user,
            background=state.frame.background, stdin=state.frame.stdin if call.stdin is None else None,
        )  # fmt: skip
        child = self._child(frame, call, options, state)
        return self.scope(child, self.parsed(script.text, Place(script.path, 1, call.place.text)))

    def shell_text(
        self,
        text: str,
        shell: str,
        options: frozenset[str],
        call: Call,
        state: State,
        *,
        flat: bool = False,
    ) -> Formula:
        """Run the text of ``sh -c``; the call's words are its ``$0`` and arguments."""
        name = call.argv[0] if call.argv else shell
        frame = Frame(
            path=call.place.path, name=name if isinstance(name, str) else shell, shell=shell,
            chain=chained(state.frame, call.place), line=call.place.line, scripts=state.frame.scripts,
            user=call.user, background=state.frame.background,
            redirects=call.redirects or state.frame.redirects,
            prefixes=(*state.frame.prefixes, *call.prefixes),
            stdin=state.frame.stdin if call.stdin is None else None, flat=flat or state.frame.flat,
        )  # fmt: skip
        return self.scope(self._child(frame, call, options, state), self.parsed(text, call.place))

    def _child(self, frame: Frame, call: Call, options: frozenset[str], state: State) -> State:
        variables = dict(exported(state, call))
        return State(
            frame=frame, variables=variables, exported=frozenset(variables),
            arguments=tuple(call.argv[1:]), directory=state.directory, options=options,
            path=state.path, errexit=state.errexit,
        )  # fmt: skip

    def text(self, text: str, call: Call, state: State) -> Formula:
        """Run a text in this shell."""
        frame = state.frame
        state.frame = replace(frame, chain=chained(frame, call.place), line=call.place.line)
        status = self.block(self.parsed(text, call.place), state)
        state.frame = frame
        return status

    def within(self, body: Node, defined: Frame, call: Call, state: State) -> Formula:
        """Call a function: same variables, arguments and ``local`` names of its own."""
        outer, arguments = state.frame, state.arguments
        saved: dict[str, Value] = {}
        for name, value in call.given:
            saved.setdefault(name, state.variables.get(name, UNSET))
            state.assign(name, value)
        frame = replace(
            outer, path=defined.path, given=defined.given, line=defined.line,
            chain=chained(outer, call.place), returns=[], loops=(), saved=saved,
            redirects=call.redirects or outer.redirects,
            scripts=entered(outer.scripts, defined),
        )  # fmt: skip
        state.arguments = call.argv[1:]
        status = self._until_return(Block((Item(body),)), frame, state)
        state.frame, state.arguments = outer, arguments
        for name, before in saved.items():
            state.assign(name, before)
        return status

    def _until_return(self, body: Block, frame: Frame, state: State) -> Formula:
        base, before = state.path, count(self, "exit")
        state.frame = frame
        status = self.block(body, state)
        ends = [(state.copy(), status)] if state.alive else []
        ends += frame.returns or []
        if not ends:
            return status
        success = outcome(base, ends)
        state.take(join(base, [end for end, _ in ends], before != count(self, "exit")))
        state.status = success
        return success

    def source(self, path: str, call: Call, state: State) -> Formula:
        """Run a file in this shell; one that is not there changes nothing, an unknown one everything."""
        full = absolute(path, state.directory) if "/" in path else self._searched(path, state)
        script = self.machine.script(full) if full else None
        if script is None or len(script.text) > self.limits.text:
            return self._not_sourced(path, full, call, state)
        if (script.path, ".") in self.active:
            self.unresolved(call.place, f"{path} sources itself", call.place.text)
            return Test(call.place.text, call.place, None)
        frame, arguments = state.frame, state.arguments
        inner = replace(
            frame, path=script.path, given=path, line=1, chain=chained(frame, call.place),
            scripts=(*frame.scripts, script.path), returns=[], loops=(),
        )  # fmt: skip
        if len(call.argv) > 2:
            state.arguments = call.argv[2:]
        self.active.add((script.path, "."))
        body = self.parsed(script.text, Place(script.path, 1, call.place.text))
        status = self._until_return(body, inner, state)
        self.active.discard((script.path, "."))
        state.frame = frame
        state.arguments = arguments if len(call.argv) > 2 else state.arguments
        return status

    def _searched(self, name: str, state: State) -> str | None:
        """A sourced name without a slash: on the PATH, then (bash) in the directory."""
        for directory in (*state.search_path(), state.directory):
            path = absolute(name, directory)
            if path is not None and self.machine.script(path) is not None:
                return path
        return None

    def _not_sourced(self, path: str, full: str | None, call: Call, state: State) -> Formula:
        there = self.machine.test("-e", full) if full else None
        text = f". {path}"
        if there is False:
            return Test(text, call.place, False, f"{full} is not there")
        self.unresolved(call.place, f"the sourced file {path[:200]} could not be read", call.place.text)
        state.forget()
        return Test(text, call.place, None)

    def substitute(self, part: Substitution, state: State) -> str | None:
        """The value of a substitution; what it runs is followed, and its status kept."""
        mark = self.mark()
        known, value = computed(part, state.copy(), self)
        if known:
            return value
        self.rewind(mark)
        self.substituted = self.scope(state.copy(), part.body)
        return None


def entered(scripts: tuple[str, ...], defined: Frame) -> tuple[str, ...]:
    """The scripts on the way, with the sourced one that defines the function being called."""
    return scripts if defined.path in scripts or not scripts else (*scripts, defined.path)


def chained(frame: Frame, place: Place) -> tuple[Place, ...]:
    """The steps to a place, without repeating the last."""
    return frame.chain if frame.chain[-1:] == (place,) else (*frame.chain, place)


def mentioning(text: str) -> str:
    """The first lines of a text that name an ACME client, joined."""
    lines = [line.strip()[:200] for line in text.splitlines() if MENTIONS.search(line)]
    return "; ".join(lines[:MENTIONED_LINES])[:500]
