"""Everything that holds or serves a certificate, brought up to date: the resync part of a plan.

Law: in this order, for each certificate: copies on this machine, copies on other hosts, the owner's own
steps; then each consumer once. What certaudit does not do itself is left as commands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from certaudit.fix import consumers, own_steps, resync, sending
from certaudit.fix.sending import Remote
from certaudit.fix.sight import Overlay
from certaudit.linking.words import listing
from certaudit.model import Lineage, Model
from certaudit.plan import Refusal, ReloadUnit, RunCommand, SendParts, Step
from certaudit.records import replace


class Draft(Protocol):
    """A plan in the making, as far as this part of it goes."""

    model: Model
    sight: Overlay
    steps: list[Step]
    refusals: list[Refusal]
    unseen: tuple[str, ...]

    def take(self, found: Iterable[Step | Refusal]) -> None:
        """Take in what was found, each in its place."""


def about(step: Step) -> str:
    """What a step of this part is about, the same in every plan for the same machine."""
    first = step.actions[0] if step.actions else None
    if isinstance(first, SendParts):
        return f"host {first.host}"
    if isinstance(first, ReloadUnit):
        return f"unit {first.unit}"
    return "own steps" if isinstance(first, RunCommand) else "copies"


def bring_up_to_date(
    draft: Draft, lineages: Sequence[Lineage], remote: Remote | None, run_hooks: frozenset[str]
) -> None:
    """Add the steps for some lineages to a plan; ``run_hooks`` as in ``Choices``."""
    begin = len(draft.steps)
    hosts: dict[str, frozenset[str]] = {}
    for lineage in lineages:
        draft.take(resync.resynced(draft.model, lineage, draft.sight))
        own = lineage.name in run_hooks
        hosts[lineage.name] = elsewhere(draft, lineage, remote, own=own)
        if own:
            draft.take(own_steps.run_again(draft.model, lineage, draft.sight, hosts[lineage.name]))
    by_hand = reload(draft, begin, lineages)
    told = {command for refusal in draft.refusals for command in refusal.commands}
    for lineage in lineages:
        done = [s for s in draft.steps[begin:] if lineage.name in s.subjects]
        left: tuple[str, ...] = ()
        mine = by_hand.get(lineage.name, [])
        gone = told | {command.rpartition(" && ")[2] for command in mine}  # reloaded once, after a test
        if any(not about(step).startswith("unit ") for step in done):
            left = own_steps.left(draft.model, lineage, draft.sight, hosts[lineage.name], done)
            gone |= {s.command for s in own_steps.mine(draft.model, lineage)} - set(left)
        tell(draft, lineage, (*left, *mine), gone)


def tell(draft: Draft, lineage: Lineage, left: Iterable[str], gone: set[str]) -> None:
    """Put what is left for a person on the first step of this part that is for a certificate.

    ``gone``: what is told elsewhere or done, by whichever step it was to be told.
    """
    for number, step in enumerate(draft.steps):
        if lineage.name in step.subjects:
            mine = left if step.remedy == "resync" else ()
            commands = [c for c in dict.fromkeys((*step.commands, *mine)) if c not in gone]
            draft.steps[number] = replace(step, commands=tuple(commands))
            left = () if step.remedy == "resync" else left


def elsewhere(draft: Draft, lineage: Lineage, remote: Remote | None, *, own: bool) -> frozenset[str]:
    """The steps for other hosts; the hosts that are dealt with by them or by a refusal."""
    if remote is not None:
        found = sending.sent(draft.model, lineage, draft.sight, remote, own=own)
        draft.take(found.found)
        return found.hosts
    places = (target.where for target in sending.targets(draft.model, lineage, draft.sight))
    draft.unseen = tuple(dict.fromkeys((*draft.unseen, *places)))
    return frozenset()


def reload(draft: Draft, begin: int, lineages: Sequence[Lineage]) -> dict[str, list[str]]:
    """The steps that let consumers read again; the commands for those that certaudit can not reload."""
    by_hand: dict[str, list[str]] = {}
    found: list[Step] = []
    for consumer, use in consumers.uses(draft.model, draft.steps[begin:], lineages).items():
        step = consumers.reloaded(draft.model, consumer, use, draft.sight)
        if step is not None:
            found.append(step)
        elif not consumers.rests(draft.model, consumer, draft.sight):
            for name in use.lineages:
                by_hand.setdefault(name, []).append(consumer.by_hand)
    draft.take(found)
    covered = {name for step in found for name in step.subjects}
    still = [x for x in lineages if is_behind(draft.model, x, covered)]
    draft.take(unknown(draft.model, x, by_hand.get(x.name, ())) for x in still)
    return by_hand


def is_behind(model: Model, lineage: Lineage, covered: set[str]) -> bool:
    """Is an older generation served by something that nothing here reloads?"""
    return lineage.name not in covered and any(served_behind(model, lineage))


def served_behind(model: Model, lineage: Lineage) -> list[str]:
    """The addresses that serve an older generation."""
    return [
        place.where
        for place in model.deployments
        if place.lineage == lineage.name and place.kind == "served" and place.status == "stale"
    ]


def unknown(model: Model, lineage: Lineage, commands: Iterable[str]) -> Refusal:
    """An older generation is served by something that has no running unit that is known."""
    where = listing(served_behind(model, lineage), 4)
    why = f"{where} serves an older {lineage.name}, and the unit that serves it is not known: reload it"
    return Refusal((resync.RULE,), (lineage.name,), why, tuple(commands))
