"""From a trigger's command to everything it runs, read and never executed.

Law: pure; it ends on any text, and what it cannot follow is said with its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from certaudit.parsers.program import program_name
from certaudit.parsers.shell import control
from certaudit.parsers.shell.builtins import forget_names
from certaudit.parsers.shell.calls import Call
from certaudit.parsers.shell.conditions import Condition, Operand, compared_status
from certaudit.parsers.shell.formula import ALWAYS, Formula, Test
from certaudit.parsers.shell.records import (
    CommandLine,
    Limits,
    Machine,
    Place,
    Program,
    Redirect,
    Trace,
    Unresolved,
)
from certaudit.parsers.shell.simple import Commands
from certaudit.parsers.shell.state import ExitStatus, Frame, State
from certaudit.parsers.shell.syntax import (
    AndOr,
    Arithmetic,
    Block,
    Case,
    Compound,
    Conditional,
    For,
    Function,
    Group,
    If,
    Loop,
    Node,
    Pipeline,
    Simple,
)
from certaudit.parsers.shell.walk import LimitReachedError
from certaudit.records import replace

DEFAULT_LIMITS = Limits()
STATUS_COMPARED = re.compile(r"\s*(?:\$\?|\$?([A-Za-z_]\w*))\s*(==|!=|>)\s*([0-9]{1,3})\s*")
CHANGED = re.compile(r"([A-Za-z_]\w*)\s*(?:\+\+|--|[-+*/%]?=(?!=))|(?:\+\+|--)([A-Za-z_]\w*)")
OPERATORS = {"==": "-eq", "!=": "-ne", ">": "-gt"}


def follow(entry: CommandLine | Program, machine: Machine, limits: Limits = DEFAULT_LIMITS) -> Trace:
    """Every command that an entry can lead to, in the order of execution.

    Conditions that the machine decides are guards of the commands behind them; commands behind a false
    one are listed all the same. Never raises, for any text and any answer of ``machine``.
    """
    follower = Follower(machine, limits)
    try:
        start(follower, entry)
    except LimitReachedError as error:
        follower.unknown.append(Unresolved(entry.place, str(error), entry.place.text))
    except RecursionError:
        follower.unknown.append(Unresolved(entry.place, "nested too deep to follow", entry.place.text))
    return Trace(tuple(follower.commands), tuple(follower.unknown))


def start(follower: Follower, entry: CommandLine | Program) -> None:
    """Follow an entry from its first command."""
    environment = dict(entry.environment)
    user = environment.get("LOGNAME", environment.get("USER"))
    given = entry.directory if entry.directory is not None else environment.get("PWD")
    text = entry.shell if isinstance(entry, CommandLine) else entry.place.path
    stdin = entry.stdin if isinstance(entry, CommandLine) else None
    frame = Frame(entry.place.path, text, "sh", (), line=entry.place.line, user=user, stdin=stdin)
    state = State(
        frame, {**environment}, frozenset(environment),
        directory=environment.get("HOME") if given is None and isinstance(entry, CommandLine) else given,
    )  # fmt: skip
    if isinstance(entry, Program):
        follower.invoke(Call(entry.argv, entry.argv, entry.place, user=user, external=True), state)
        return
    shell = program_name(entry.shell)
    call = Call((entry.shell, *entry.arguments), (entry.text,), entry.place, user=user)
    follower.shell_text(entry.text, shell, frozenset(), call, state)


class Follower(Commands):
    """Runs every kind of node."""

    def block(self, block: Block, state: State) -> Formula:
        """Follow a list of commands; its status is that of the last."""
        for item in block.items:
            if not state.alive:
                break
            if item.background:
                self._background(item.node, state)
            else:
                state.status = self.run(item.node, state)
        return state.status

    def _background(self, node: Node, state: State) -> None:
        child = state.copy()
        child.frame = replace(state.frame, background=True, stdin=None)
        self.scope(child, control.alone(node))
        state.status = ALWAYS

    def condition(self, block: Block, state: State) -> Formula:
        """Follow a list of commands whose status is tested: ``set -e`` does not count in it."""
        suspended, state.suspended = state.suspended, True
        success = self.block(block, state)
        state.suspended = suspended
        return success

    def run(self, node: Node, state: State) -> Formula:
        """Follow one node; the formula of its success."""
        self.step()
        if isinstance(node, Simple):
            success = self.simple(node, state)
            state.status = success
            control.demand(success, state, self)
            return success
        place = state.frame.place(node)
        call = Call((), (), place)
        if isinstance(node, Function):
            state.functions[node.name] = (node, state.frame)
            return ALWAYS
        return self.nest(call, state, lambda: self._nested(node, state))

    def _nested(self, node: Node, state: State) -> Formula:
        redirects: tuple[Redirect, ...] = ()
        stdin: str | None = None
        if isinstance(node, Compound):
            redirects, stdin = self.redirects(node.redirections, state)
        if not redirects and stdin is None:
            return self._dispatch(node, state)
        outer = state.frame
        given = outer.stdin if stdin is None else None
        state.frame = replace(outer, redirects=redirects or outer.redirects, stdin=given)
        success = self._dispatch(node, state)
        left = state.frame.stdin if stdin is None else outer.stdin
        state.frame = replace(state.frame, redirects=outer.redirects, stdin=left)
        return success

    def _dispatch(self, node: Node, state: State) -> Formula:
        success: Formula
        if isinstance(node, Conditional | Arithmetic):
            success = self._tested(node, state)
            state.status = success
            control.demand(success, state, self)
            return success
        runners: dict[type, Callable[..., Formula]] = {
            AndOr: control.run_and_or,
            Pipeline: control.run_pipeline,
            If: control.run_if,
            Loop: control.run_loop,
            For: control.run_for,
            Case: control.run_case,
            Group: control.run_group,
        }
        return runners[type(node)](node, state, self)

    def _tested(self, node: Conditional | Arithmetic, state: State) -> Formula:
        place = state.frame.place(node)
        if isinstance(node, Conditional) and state.frame.shell == "dash":
            return Test(node.text, place, False, "dash knows no [[")
        if isinstance(node, Conditional):
            operands = [
                Operand(self.single(w, state) if w.parts else w.text, w.text, w, operator=not w.parts)
                for w in node.tokens
            ]
            return Condition(operands, place, state, self, double=True).formula(node.text)
        return self._arithmetic(node, place, state)

    def _arithmetic(self, node: Arithmetic, place: Place, state: State) -> Formula:
        """``(( $? == 0 ))``; any other expression cannot be told, and what it changes is unknown."""
        found = STATUS_COMPARED.fullmatch(node.expression[:200])
        if found:
            status = state.variables.get(found[1]) if found[1] else ExitStatus(state.status)
            if isinstance(status, ExitStatus):
                return compared_status(status, OPERATORS[found[2]], found[3], True, place)
        for changed in CHANGED.finditer(node.expression):
            forget_names(state, (changed[1] or changed[2],))
        return Test(node.text, place, None)
