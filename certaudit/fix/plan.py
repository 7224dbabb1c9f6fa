"""Which remedy for which path and copy: a Model and what was chosen, made into a Plan.

Law: pure but for the ``Sight``. Without a choice: switch the trigger off for good where it serves
nothing else, else ``autorenew = False`` where that lasts, else refuse. What each remedy is, and what it
must not do, is in ``remedies``.
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.errors import CertauditError
from certaudit.fix import owners, renewing, resync
from certaudit.fix.off_already import off_already
from certaudit.fix.remedies import (
    HIDDEN,
    RIVAL,
    Choices,
    Draft,
    Trouble,
    alternatives,
    ended_with,
    key_of,
    needed_for,
    offered,
    refused,
    remedied,
    told_who_renews,
)
from certaudit.fix.sending import Remote
from certaudit.fix.sight import CannotError, Overlay, Sight
from certaudit.linking.words import listing, trigger_name
from certaudit.model import Lineage, Model, Trigger
from certaudit.plan import Plan, Refusal, Remedy, Step

__all__ = ["RULES", "Choices", "key_of", "plan_of", "undecided"]

RULES = (HIDDEN, RIVAL, resync.RULE)


def plan_of(model: Model, sight: Sight, choices: Choices, remote: Remote | None = None) -> Plan:
    """The plan for a machine. What can not be done is among its refusals, never left out.

    ``choices.owners`` must be in the policy that the model was made with. Without ``remote`` no other
    host is looked at; the plan names the places.
    """
    draft = Draft(model, Overlay(sight), choices)
    for name, word in choices.owners:
        declare(draft, name, word)
    draft.refusals.extend(undecided_refusal(model, x) for x in undecided(model, choices))
    by_trigger: dict[str, list[Trouble]] = {}
    for trouble in troubles(model):
        by_trigger.setdefault(trouble.path.trigger, []).append(trouble)
    for trigger_id, group in by_trigger.items():
        trigger = model.trigger(trigger_id)
        if trigger is not None:
            settle(draft, trigger, group)
    draft.steps = [told_who_renews(draft, step) for step in draft.steps]
    stale = [x for x in model.lineages if choices.wants(resync.RULE, x.name)]
    renewing.bring_up_to_date(draft, stale, remote, choices.run_hooks)
    return Plan(
        host=model.host.name,
        target=model.host.target,
        live=model.host.live,
        as_of=model.host.as_of,
        steps=tuple(draft.steps),
        refusals=tuple(draft.refusals),
        off_already=tuple(off_already(model)),
        unseen=draft.unseen,
    )


def troubles(model: Model) -> Iterator[Trouble]:
    """Every armed path that renews a lineage beside the lineage's owner."""
    for lineage in model.lineages:
        owner = model.path(lineage.owner)
        for path in model.renewers(lineage) if owner else ():
            if owner is not None and path.id != owner.id:
                rule = HIDDEN if lineage.name in path.hidden_for else RIVAL
                yield Trouble(lineage, owner, path, rule)


def declare(draft: Draft, name: str, word: str) -> None:
    """The step that writes down who is meant to renew a lineage."""
    try:
        actions = owners.declared(name, word, draft.sight)
    except CertauditError as error:
        commands = error.commands if isinstance(error, CannotError) else ()
        draft.refusals.append(Refusal((RIVAL,), (name,), str(error), commands))
        return
    title = f"declare {trigger_name(word) or word} the owner of {name}"
    draft.add(Step((RIVAL,), (name,), "owner", title, actions, owners.LASTS))


def undecided(model: Model, choices: Choices) -> list[Lineage]:
    """The lineages with rivals of which nobody says who is meant."""
    rivals = [x for x in model.lineages if x.owner is None and len(x.renewers) > 1]
    return [x for x in rivals if choices.wants(RIVAL, x.name)]


def undecided_refusal(model: Model, lineage: Lineage) -> Refusal:
    """What is left to a person where nobody says who is meant."""
    able = owners.claimants(model, lineage)
    return Refusal(
        (RIVAL,),
        (lineage.name,),
        f"{listing([c.name for c in able], 4)} renew {lineage.name}, and nothing tells which of them is "
        "meant to: name it with --owner, or in /etc/certaudit.toml, then run this again",
        tuple(f"certaudit fix --owner {lineage.name}={claimant.word}" for claimant in able),
    )


def settle(draft: Draft, trigger: Trigger, group: list[Trouble]) -> None:
    """The steps for one trigger that renews what it should not, as chosen or else by the law above."""
    chosen = dict(draft.choices.remedies)
    wanted = [t for t in group if draft.choices.wants(t.rule, t.lineage.name)]
    whole: dict[Remedy, list[Trouble]] = {}
    for trouble in wanted:
        remedy = chosen.get(trouble.lineage.name) or unasked(draft.model, trigger, group)
        whole.setdefault(remedy, []).append(trouble)
    for remedy, part in whole.items():
        for some in [part] if remedy in ("d", "e") else [[one] for one in part]:
            lineage = some[0].lineage
            if remedy not in ("d", "e") and done_already(draft, lineage, remedy):
                continue
            asked = lineage.name in chosen
            others = tuple(alternatives(draft, trigger, some))
            try:
                made = remedied(draft, trigger, some, remedy, asked=asked)
                draft.add(offered(made, others))
            except CertauditError as error:
                draft.refusals.append(refused(some, error, others))


def done_already(draft: Draft, lineage: Lineage, remedy: Remedy) -> bool:
    """Is there such a step for a certificate, which counts for all its paths?"""
    return any(s.remedy == remedy and lineage.name in s.subjects for s in draft.steps)


def unasked(model: Model, trigger: Trigger, group: list[Trouble]) -> Remedy:
    """What is done without a person's choice."""
    return "c" if needed_for(model, trigger, group) or ended_with(model, trigger) else "e"
