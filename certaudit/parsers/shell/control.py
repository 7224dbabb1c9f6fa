"""Compound commands: what ``if``, loops, ``case``, ``&&`` and pipelines make of the state.

Law: every branch is followed, also one that is blocked here, but only branches that can be taken say
what is known afterwards.
"""

from __future__ import annotations

from certaudit.parsers.shell.formula import (
    ALWAYS,
    NEVER,
    All,
    Formula,
    Ran,
    Test,
    both,
    either,
    errexit_needs,
    negation,
    truth,
)
from certaudit.parsers.shell.parameters import MAX_PATTERN, ambiguous, matches
from certaudit.parsers.shell.state import ExitStatus, Field, Loops, Runner, State, join
from certaudit.parsers.shell.syntax import (
    AndOr,
    Block,
    Case,
    For,
    Group,
    If,
    Item,
    Loop,
    Node,
    Pipeline,
    Word,
)
from certaudit.records import replace

INTERRUPTING = ("exit", "return", "break")


def count(runner: Runner, *kinds: str) -> tuple[int, ...]:
    """How often a way has left so far."""
    return tuple(runner.escapes[kind] for kind in kinds)


def outcome(base: tuple[Formula, ...], ends: list[tuple[State, Formula]]) -> Formula:
    """The success of something that ends in one of these states with these statuses."""
    return either(*[both(*state.path[len(base) :], status) for state, status in ends])


def alone(node: Node) -> Block:
    """A list of one command."""
    return Block((Item(node),))


def run_and_or(node: AndOr, state: State, runner: Runner) -> Formula:
    """``&&`` and ``||`` from left to right; of the parts, only the last counts for ``set -e``."""
    suspended, state.suspended = state.suspended, True
    success = runner.run(node.first, state)
    reached: Formula = ALWAYS
    last = success
    for position, (operator, part) in enumerate(node.rest):
        if not state.alive:
            break
        base, before = state.path, count(runner, *INTERRUPTING)
        condition = success if operator == "&&" else negation(success)
        branch = state.copy()
        branch.require(condition)
        branch.suspended = suspended if position == len(node.rest) - 1 else True
        last, reached = runner.run(part, branch), condition
        branch.suspended = True
        state.require(negation(condition))
        ends = [branch, state] if condition != ALWAYS else [branch]
        ends = [state] if condition == NEVER else ends
        state.take(join(base, ends, before != count(runner, *INTERRUPTING)))
        success = both(success, last) if operator == "&&" else either(success, last)
        state.status = success
    state.suspended, state.status = suspended, success
    demand(either(negation(reached), last), state, runner)
    return success


def demand(success: Formula, state: State, runner: Runner) -> None:
    """``set -e``: what follows is only reached if this status was 0."""
    if "errexit" not in state.options or state.suspended or not state.alive:
        return
    needs = errexit_needs(success)
    state.errexit = tuple(dict.fromkeys((*state.errexit, *needs)))
    if success == NEVER:
        runner.die(state, "exit")
        return
    for part in success.parts if isinstance(success, All) else (success,):
        if isinstance(part, Test) or truth(part) is False:
            runner.escapes["exit"] += 1
            state.require(part)


def run_pipeline(node: Pipeline, state: State, runner: Runner) -> Formula:
    """Each command of a pipeline runs in a shell of its own; the last one's status counts."""
    if len(node.commands) == 1:
        suspended, state.suspended = state.suspended, True
        success = negation(runner.run(node.commands[0], state))
        state.suspended, state.status = suspended, success
        return success
    statuses = []
    for position, command in enumerate(node.commands):
        from_here = state.copy()
        if position:
            from_here.frame = replace(from_here.frame, stdin=None)
        statuses.append(runner.scope(from_here, alone(command)))
    success = both(*statuses) if "pipefail" in state.options else statuses[-1]
    state.status = negation(success) if node.negated else success
    if not node.negated:
        demand(success, state, runner)
    return state.status


def run_if(node: If, state: State, runner: Runner) -> Formula:
    """``if``: each branch under its condition and the failure of those before."""
    base, before = state.path, count(runner, *INTERRUPTING)
    ends: list[tuple[State, Formula]] = []
    for condition, body in node.branches:
        success = runner.condition(condition, state)
        if not state.alive:
            break
        branch = state.copy()
        branch.require(success)
        ends.append((branch, runner.block(body, branch)))
        state.require(negation(success))
        state.alive = success != ALWAYS
    if state.alive:
        rest = state.copy()
        status = runner.block(node.otherwise, rest) if node.otherwise.items else ALWAYS
        ends.append((rest, status))
    if not ends:
        return ALWAYS
    success = outcome(base, [end for end in ends if end[0].alive])
    state.take(join(base, [end for end, _ in ends], before != count(runner, *INTERRUPTING)))
    state.status = success
    return success


def run_case(node: Case, state: State, runner: Runner) -> Formula:
    """``case``: the matching branch of a known word, else every branch under an open condition."""
    value = runner.single(node.word, state)
    base, before = state.path, count(runner, *INTERRUPTING)
    ends: list[tuple[State, Formula]] = []
    rest: Formula = ALWAYS
    for patterns, body in node.branches:
        tests = [matched(value, node, pattern, state, runner) for pattern in patterns]
        success = either(*tests)
        if success == NEVER:
            continue
        branch = state.copy()
        branch.require(both(rest, success))
        ends.append((branch, runner.block(body, branch)))
        rest = both(rest, negation(success))
        if success == ALWAYS:
            break
    if rest != NEVER:
        state.require(rest)
        ends.append((state.copy(), ALWAYS))
    result = outcome(base, [end for end in ends if end[0].alive])
    state.take(join(base, [end for end, _ in ends], before != count(runner, *INTERRUPTING)))
    state.status = result
    return result


def matched(value: Field, node: Case, pattern: Word, state: State, runner: Runner) -> Formula:
    """When a pattern of ``case`` matches: always, never, or as a condition."""
    text = runner.single(pattern, state)
    if text == "*" and not ambiguous(pattern, text):
        return ALWAYS
    if isinstance(value, ExitStatus) and text == "0":
        return value.success
    if isinstance(value, str) and isinstance(text, str):
        plain = len(value) <= 10 * MAX_PATTERN and not ambiguous(pattern, text)
        if plain:
            return ALWAYS if matches(value, text) else NEVER
    place = state.frame.place(node)
    return Test(f"{node.word.text} matches {pattern.text}", place, None)


def run_loop(node: Loop, state: State, runner: Runner) -> Formula:
    """``while`` and ``until``: the body once, with what it changes unknown."""
    unsettle(Block((*node.condition.items, *node.body.items)), state, runner)
    base, before = state.path, count(runner, "exit", "return")
    success = runner.condition(node.condition, state)
    entered = negation(success) if node.until else success
    body = state.copy()
    loops = Loops()
    body.frame = replace(state.frame, loops=(*state.frame.loops, loops))
    body.require(entered)
    runner.block(node.body, body)
    state.require(negation(entered))
    endless = entered == ALWAYS
    ends = [*loops.breaks] if endless else [state, body, *loops.continues, *loops.breaks]
    lost = before != count(runner, "exit", "return")
    frame = state.frame
    if not ends:
        state.alive = False
        return ALWAYS
    state.take(join(base, [end.copy() for end in ends], lost))
    state.frame, state.status = frame, ALWAYS
    if not loops.breaks and isinstance(entered, Ran):
        state.require(negation(entered))
    return ALWAYS


def unsettle(body: Block, state: State, runner: Runner) -> None:
    """Make unknown what a loop's body changes, by following it once without keeping what is found."""
    mark = runner.mark()
    trial = state.copy()
    trial.frame = replace(
        state.frame, loops=(Loops(),), exits=[], traps=[],
        returns=None if state.frame.returns is None else [],
        saved=None if state.frame.saved is None else {},
    )  # fmt: skip
    runner.block(body, trial)
    runner.rewind(mark)
    for name, value in trial.variables.items():
        if name not in state.variables or state.variables[name] != value:
            state.variables[name] = None
    if trial.directory != state.directory:
        state.directory = None
    if trial.arguments != state.arguments:
        state.arguments = None


def run_for(node: For, state: State, runner: Runner) -> Formula:
    """``for``: a literal list is unrolled; over an unknown one the body is followed once."""
    values, is_open = for_values(node, state, runner)
    if is_open:
        return run_open_for(node, state, runner)
    base, before = state.path, count(runner, "exit", "return")
    frame, loops = state.frame, Loops()
    status: Formula = ALWAYS
    if len(values) > runner.limits.unroll:
        runner.unresolved(frame.place(node), "a loop over very many words", node.text)
    for value in values[: runner.limits.unroll]:
        if not state.alive:
            break
        iteration, here = state.path, count(runner, *INTERRUPTING)
        loops.continues = []
        state.frame = replace(frame, loops=(*frame.loops, loops))
        if node.name:
            state.assign(node.name, None if isinstance(value, ExitStatus) else value)
        status = runner.block(node.body, state)
        ends = [state.copy(), *loops.continues]
        state.take(join(iteration, ends, here != count(runner, *INTERRUPTING)))
    ends = [state.copy(), *loops.breaks]
    state.take(join(base, ends, before != count(runner, "exit", "return")))
    state.frame, state.status = frame, status
    return status


def for_values(node: For, state: State, runner: Runner) -> tuple[list[Field], bool]:
    """What a ``for`` runs over, and whether its number of turns is not known."""
    if node.name is None:
        return [], True
    if node.words is not None:
        return runner.fields(node.words, state)
    return list(state.arguments or ()), state.arguments is None


def run_open_for(node: For, state: State, runner: Runner) -> Formula:
    """The body once, for a value that is not known, if there is any."""
    if node.name:
        state.assign(node.name, None)
    unsettle(node.body, state, runner)
    base, before = state.path, count(runner, "exit", "return")
    over = " ".join(word.text for word in node.words) if node.words else "the arguments"
    body, loops, frame = state.copy(), Loops(), state.frame
    body.frame = replace(frame, loops=(*frame.loops, loops))
    entered = Test(f"there is something in {over}", frame.place(node), None)
    body.require(entered)
    runner.block(node.body, body)
    state.require(negation(entered))
    ends = [state.copy(), body, *loops.breaks, *loops.continues]
    state.take(join(base, ends, before != count(runner, "exit", "return")))
    state.frame, state.status = frame, ALWAYS
    return ALWAYS


def run_group(node: Group, state: State, runner: Runner) -> Formula:
    """``{ }`` in this shell, ``( )`` in one of its own."""
    if not node.subshell:
        return runner.block(node.body, state)
    success = runner.scope(state.copy(), node.body)
    state.status = success
    demand(success, state, runner)
    return success
