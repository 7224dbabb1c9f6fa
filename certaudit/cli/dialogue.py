"""The questions of ``certaudit fix``: who should renew it, which remedy, and whether to do it.

Law: plain lines, one question at the end of a line, no cursor is moved and no colour is used: the same
by a screen reader, over a slow line and on paper. An answer is what was typed after its question was
asked. The end of the input is ``quit``; nothing is done by an answer alone before the last question was
answered with yes, and before that every step was shown with all its actions.
"""

from __future__ import annotations

import sys
import termios
from collections.abc import Callable
from fcntl import ioctl
from typing import TYPE_CHECKING

from certaudit.cli.common import put, say
from certaudit.records import replace
from certaudit.render.harmless import harmless

if TYPE_CHECKING:
    from certaudit.fix.perform import Machine
    from certaudit.fix.plan import Choices
    from certaudit.model import Lineage, Model
    from certaudit.plan import Plan, Refusal, Remedy, Step

    Seen = tuple[Model, Machine]
    Looking = Callable[[Choices], Seen]
    Planning = Callable[[Seen, Choices], Plan]

WORDS = {
    "yes": "do it, once all is settled",
    "no": "leave it as it is",
    "all": "this one and all that follow",
    "quit": "change nothing at all",
    "explain": "why, what brings the old state back, and what is known of it",
    "diff": "the lines that go and come",
    "remedy": "what else could be done, with the price of each",
}
UNCHANGED = "Nothing was changed.\n"
NO_BY_DEFAULT = " [y/N] "


class QuitError(Exception):
    """The person wants no more of it."""


def reply(prompt: str, at_end: str = "") -> str:
    """One line that a person types after ``prompt``; what ``at_end`` says where the input has ended."""
    if typed_ahead():
        say("", "What was typed before this question is not taken as its answer.")
    put(prompt)
    line = sys.stdin.readline()
    if not line:
        put("\n")
        return at_end
    return line.strip().lower()


def typed_ahead() -> bool:
    """Did somebody type whole lines already? They are thrown away (termios(3), tcflush)."""
    try:
        waiting = int.from_bytes(ioctl(sys.stdin, termios.FIONREAD, bytes(4)), sys.byteorder)
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    except (OSError, termios.error, ValueError):  # no terminal
        return False
    return waiting > 0


def agreed(question: str) -> bool:
    """Did a person say yes, and not merely nothing? Raise ``QuitError``."""
    typed = reply(question + NO_BY_DEFAULT, "quit")
    if typed and "quit".startswith(typed):
        raise QuitError
    return typed in ("y", "yes")


def ask(look: Looking, plan: Planning, choices: Choices, width: int) -> tuple[Plan, Choices] | None:
    """The plan that a person agrees to, and what was chosen on the way; ``None``: do nothing."""
    try:
        choices = owners_asked(look(choices)[0], choices, width)
        found = steps_asked(look, plan, choices, width)
    except QuitError:
        found = None
    except KeyboardInterrupt:
        put(f"\n{UNCHANGED}")
        raise
    if found is None:
        put(UNCHANGED)
    return found


def owners_asked(model: Model, choices: Choices, width: int) -> Choices:
    """Ask for each lineage with rivals which of them is meant to renew it."""
    from certaudit.fix.plan import undecided  # noqa: PLC0415 - only this verb pays for it

    for lineage in undecided(model, choices):
        word = owner_asked(model, lineage, width)
        if word is not None:
            choices = replace(choices, owners=(*choices.owners, (lineage.name, word)))
    return choices


def owner_asked(model: Model, lineage: Lineage, width: int) -> str | None:
    """The policy's word for the path that a person names; ``None``: left open. Raise ``QuitError``."""
    from certaudit.fix.owners import claimants  # noqa: PLC0415
    from certaudit.linking.words import steps_of  # noqa: PLC0415
    from certaudit.render.folding import sentence  # noqa: PLC0415

    able = claimants(model, lineage)
    asked = f"{len(able)} paths renew {lineage.name}, and nothing tells which of them is meant to:"
    say(*sentence(asked, "", width, ""))
    for number, claimant in enumerate(able, 1):
        does = f"after a renewal it does: {steps_of(claimant.path)}"
        say(f"   {number}. {claimant.name}", *sentence(does, "      ", width))
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


def consents_asked(look: Looking, planned: Planning, choices: Choices, width: int) -> Choices:
    """Ask for what is never done unasked: other hosts, and the owner's own steps."""
    from certaudit.plan import RunCommand  # noqa: PLC0415
    from certaudit.render.folding import commands  # noqa: PLC0415

    plan = planned(look(choices), choices)
    if plan.unseen:
        say("", "The certificate also goes to other hosts:", *(f"   {place}" for place in plan.unseen))
        if agreed("Look there over ssh, as this user?"):
            choices = replace(choices, remote=True)
            plan = planned(look(choices), choices)
    behind = frozenset(name for step in plan.steps for name in step.subjects)
    more = replace(choices, run_hooks=behind)
    actions = () if choices.run_hooks or not behind else planned(look(more), more).actions
    own = [action.command for action in actions if isinstance(action, RunCommand)]
    if own:
        say("", "After a renewal its owner also runs:", *commands(own, "   ", width))
        if agreed("Run that too? It can not be undone."):
            choices = more
    return choices


def steps_asked(
    look: Looking, planned: Planning, choices: Choices, width: int
) -> tuple[Plan, Choices] | None:
    """Show the plan, ask about what it refuses and about each step, and whether to begin."""
    from certaudit.render import plan_text  # noqa: PLC0415

    seen = look(choices)
    plan = planned(seen, choices)
    put(plan_text.overview(plan, width))
    taken: set[object] = set()
    left_open: set[tuple[str, ...]] = set()
    consented = not plan.live
    while True:
        choice = next((r for r in plan.refusals if r.others and r.subjects not in left_open), None)
        steps = [step for step in plan.steps if agreed_to(step) not in taken]
        if choice is not None:
            left_open.add(choice.subjects)
            letter = refusal_asked(choice, width)
            if letter is None:
                continue
            choices = chosen(choices, choice.subjects, letter)
        elif steps:
            put(step_shown(steps[0], plan, width))
            answer = step_asked(steps[0], width)
            if answer in ("all", "yes"):
                more = steps[1:] if answer == "all" else []
                for step in more:
                    put(step_shown(step, plan, width))
                taken.update(agreed_to(step) for step in (*more, steps[0]))
                continue
            choices = answered(choices, steps[0], answer)
        elif not consented:
            consented, before = True, choices
            choices = consents_asked(look, planned, choices, width)
            if choices == before:
                continue
            answer = "consent"
        else:
            break
        seen = look(choices)
        plan = planned(seen, choices)
        if choice is not None or answer != "no":
            say("")
            put(plan_text.overview(plan, width))
    if not plan.steps:
        return None if taken or choices.declined else (plan, choices)
    say("")
    return (plan, choices) if agreed(last_question(plan, width)) else None


def last_question(plan: Plan, width: int) -> str:
    """Whether to begin, with the name of what is changed where that is not this host."""
    from certaudit.linking.words import count  # noqa: PLC0415
    from certaudit.render.folding import sentence  # noqa: PLC0415

    where = "" if plan.live else f" to {plan.target}"
    words = f"Apply {count(len(plan.steps), 'step')}{where} now?"
    return harmless("\n".join(sentence(words, "", width - len(NO_BY_DEFAULT), "")))


def agreed_to(step: Step) -> object:
    """What a person says yes to: a step that does anything else in a later plan is asked about again."""
    return step.remedy, step.subjects, step.actions


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
    return letter_asked(refusal, None, width)


def step_shown(step: Step, plan: Plan, width: int) -> str:
    """A step with its number and all that it does."""
    from certaudit.render import plan_text  # noqa: PLC0415

    number = plan.steps.index(step) + 1
    return plan_text.titled(f"Step {number} of {len(plan.steps)}: {step.title}", step, width)


def step_asked(step: Step, width: int) -> str:
    """What a person says to one step: yes, no, all, quit, or the letter of another remedy."""
    from certaudit.render import plan_diff, plan_text  # noqa: PLC0415

    words = [word for word in WORDS if word != "remedy" or step.others]
    while True:
        typed = reply(f"Do this? [Y]es, {', '.join(words[1:])}: ", "quit")
        word = next((w for w in words if w.startswith(typed)), None) if typed else "yes"
        if word == "explain":
            put(plan_text.explain(step, width))
        elif word == "diff":
            put(plan_diff.diff(step, width))
        elif word == "remedy":
            put(plan_text.choices(step, width))
            letter = letter_asked(step, step.remedy, width)
            if letter is not None:
                return letter
        elif word is not None:
            return word
        else:
            say("The answers are, or their first letters (Enter is yes):")
            say(*(f"   {word}: {WORDS[word]}" for word in words))


def letter_asked(about: Step | Refusal, proposed: Remedy | None, width: int) -> str | None:
    """The letter of a remedy; ``None``: that of ``proposed``, or Enter. Raise ``QuitError``."""
    from certaudit.render.folding import sentence  # noqa: PLC0415

    letters = ", ".join(about.others)
    otherwise = f"{proposed} stays" if proposed else "nothing is done"
    impossible: dict[str, str | None] = {one.remedy: one.refused for one in about.alternatives}
    while True:
        typed = reply(f"Which one? {letters}, quit, or Enter: {otherwise}: ", "quit")
        if not typed or typed == proposed:
            return None
        if typed in about.others:
            return typed
        if "quit".startswith(typed):
            raise QuitError
        if why := impossible.get(typed):
            say(*sentence(f"{typed} is not possible here: {why}.", "", width, ""))
        say(f"The answers are: {letters}, quit, and Enter.")
