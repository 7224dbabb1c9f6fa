"""The questions of ``certaudit fix``: who should renew it, which remedy, and whether to do it.

Law: plain lines, one question at the end of a line, no cursor is moved and no colour is used: the same
by a screen reader, over a slow line and on paper. The end of the input is ``quit``; nothing is done by
an answer alone before the last question was answered with yes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from certaudit.cli.common import put, say

if TYPE_CHECKING:
    from certaudit.fix.perform import Machine
    from certaudit.fix.plan import Choices
    from certaudit.model import Lineage, Model
    from certaudit.plan import Plan, Refusal, Remedy, Step

    Seen = tuple[Model, Machine]
    Looking = Callable[[Choices], Seen]
    Planning = Callable[[Seen, Choices], Plan]

WORDS = ("yes", "no", "all", "quit", "explain", "diff", "remedy")
PROMPT = "Do this? [Y]es, no, all, quit, explain, diff, remedy: "
UNCHANGED = "Nothing was changed.\n"


class QuitError(Exception):
    """The person wants no more of it."""


def reply(prompt: str, at_end: str = "") -> str:
    """One line a person types; what ``at_end`` says where the input has ended."""
    put(prompt)
    line = sys.stdin.readline()
    if not line:
        put("\n")
        return at_end
    return line.strip().lower()


def ask(look: Looking, plan: Planning, choices: Choices, width: int) -> tuple[Plan, Choices] | None:
    """The plan that a person agrees to, and what was chosen on the way; ``None``: do nothing."""
    try:
        choices = owners_asked(look(choices)[0], choices)
        found = steps_asked(look, plan, choices, width)
    except QuitError:
        found = None
    if found is None:
        put(UNCHANGED)
    return found


def owners_asked(model: Model, choices: Choices) -> Choices:
    """Ask for each lineage with rivals which of them is meant to renew it."""
    from certaudit.fix.plan import undecided  # noqa: PLC0415 - only this verb pays for it

    for lineage in undecided(model, choices):
        word = owner_asked(model, lineage)
        if word is not None:
            choices = replace(choices, owners=(*choices.owners, (lineage.name, word)))
    return choices


def owner_asked(model: Model, lineage: Lineage) -> str | None:
    """The policy's word for the path that a person names; ``None``: left open. Raise ``QuitError``."""
    from certaudit.fix.owners import claimants  # noqa: PLC0415
    from certaudit.linking.words import steps_of  # noqa: PLC0415

    able = claimants(model, lineage)
    say(f"{len(able)} paths renew {lineage.name}, and nothing tells which of them is meant to:")
    for number, claimant in enumerate(able, 1):
        say(f"   {number}. {claimant.name}", f"      after a renewal it does: {steps_of(claimant.path)}")
    question = f"Who should renew it? 1 to {len(able)}, quit, or Enter to leave it open: "
    while True:
        typed = reply(question, "quit")
        if not typed:
            return None
        if "quit".startswith(typed):
            raise QuitError
        if typed.isascii() and typed.isdigit() and 0 < int(typed) <= len(able):
            return able[int(typed) - 1].word
        say(f"The answers are the numbers 1 to {len(able)}, quit, and Enter.")


def consents_asked(look: Looking, planned: Planning, choices: Choices) -> Choices:
    """Ask for what is never done unasked: other hosts, and the owner's own steps."""
    from certaudit.plan import RunCommand  # noqa: PLC0415

    plan = planned(look(choices), choices)
    if plan.unseen:
        say("", "The certificate also goes to other hosts:", *(f"   {place}" for place in plan.unseen))
        if reply("Look there over ssh, as this user? [y/N] ") in ("y", "yes"):
            choices = replace(choices, remote=True)
            plan = planned(look(choices), choices)
    behind = frozenset(name for step in plan.steps for name in step.subjects)
    more = replace(choices, run_hooks=behind)
    actions = () if choices.run_hooks or not behind else planned(look(more), more).actions
    commands = [action.command for action in actions if isinstance(action, RunCommand)]
    if commands:
        say("", "After a renewal its owner also runs:", *(f"   {command}" for command in commands))
        if reply("Run that too? It can not be undone. [y/N] ") in ("y", "yes"):
            choices = more
    return choices


def steps_asked(
    look: Looking, planned: Planning, choices: Choices, width: int
) -> tuple[Plan, Choices] | None:
    """Show the plan, ask about what it refuses and about each step, and whether to begin."""
    from certaudit.fix.plan import key_of  # noqa: PLC0415
    from certaudit.render import plan_text  # noqa: PLC0415

    seen = look(choices)
    plan = planned(seen, choices)
    put(plan_text.render(plan, width))
    taken: set[str] = set()
    left_open: set[tuple[str, ...]] = set()
    consented = not plan.live
    while True:
        choice = next((r for r in plan.refusals if r.others and r.subjects not in left_open), None)
        steps = [step for step in plan.steps if key_of(step) not in taken]
        if choice is not None:
            left_open.add(choice.subjects)
            letter = refusal_asked(choice, width)
            if letter is None:
                continue
            choices = chosen(choices, choice.subjects, letter)
        elif steps:
            answer = step_asked(steps[0], plan.steps.index(steps[0]) + 1, len(plan.steps), width)
            if answer in ("all", "yes"):
                taken.update(key_of(step) for step in (steps if answer == "all" else steps[:1]))
                continue
            choices = answered(choices, steps[0], answer)
        elif not consented:
            consented, before = True, choices
            choices = consents_asked(look, planned, choices)
            if choices == before:
                continue
            answer = "consent"
        else:
            break
        seen = look(choices)
        plan = planned(seen, choices)
        if choice is not None or answer != "no":
            put(plan_text.render(plan, width))
    if not plan.steps:
        return None if taken or choices.declined else (plan, choices)
    count = f"{len(plan.steps)} {'step' if len(plan.steps) == 1 else 'steps'}"
    agreed = reply(f"Apply {count} now? [y/N] ") in ("y", "yes")
    return (plan, choices) if agreed else None


def answered(choices: Choices, step: Step, answer: str) -> Choices:
    """The choices after ``no``, ``quit`` or a letter was said to a step. Raise ``QuitError``."""
    from certaudit.fix.plan import key_of  # noqa: PLC0415

    if answer == "quit":
        raise QuitError
    if answer != "no":
        return chosen(choices, step.subjects, answer)
    given_up = step.subjects if step.remedy == "owner" else ()
    owners = tuple(pair for pair in choices.owners if pair[0] not in given_up)
    return replace(choices, owners=owners, declined=choices.declined | {key_of(step)})


def chosen(choices: Choices, subjects: tuple[str, ...], letter: str) -> Choices:
    """The choices with one remedy for these certificates."""
    known: dict[str, Remedy] = {"a": "a", "b": "b", "c": "c", "d": "d", "e": "e"}
    remedies = tuple((name, known[letter]) for name in subjects)
    return replace(choices, remedies=(*choices.remedies, *remedies))


def refusal_asked(refusal: Refusal, width: int) -> str | None:
    """The letter of a remedy for what certaudit does not do by itself, or ``None``."""
    from certaudit.render import plan_text  # noqa: PLC0415

    say("", f"For {', '.join(refusal.subjects)} you could choose:")
    put(plan_text.choices(refusal, width))
    return letter_asked(refusal.others, "nothing is done")


def step_asked(step: Step, number: int, most: int, width: int) -> str:
    """What a person says to one step: yes, no, all, quit, or the letter of another remedy."""
    from certaudit.render import plan_text  # noqa: PLC0415

    say("", f"Step {number} of {most}: {step.title}")
    while True:
        typed = reply(PROMPT, "quit")
        word = next((w for w in WORDS if w.startswith(typed)), None) if typed else "yes"
        if word == "explain":
            put(plan_text.explain(step, width))
        elif word == "diff":
            put(plan_text.diff(step))
        elif word == "remedy" and step.others:
            put(plan_text.choices(step, width))
            letter = letter_asked(step.others, f"{step.remedy} stays")
            if letter is not None:
                return letter
        elif word == "remedy":
            say("There is no other remedy for this step.")
        elif word is not None:
            return word
        else:
            say(f"The answers are: {', '.join(WORDS)}; the first letter will do.")


def letter_asked(letters: tuple[Remedy, ...], otherwise: str) -> str | None:
    """One of the letters; ``None``: Enter, or the end of the input."""
    while True:
        typed = reply(f"Which one? {', '.join(letters)}, or Enter: {otherwise}: ")
        if not typed or typed in letters:
            return typed or None
        say(f"The answers are: {', '.join(letters)}, and Enter.")
