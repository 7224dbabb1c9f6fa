"""Which remedy for which path and copy: a Model and what was chosen, made into a Plan.

Law: pure but for the ``Sight``. Without a choice: switch the trigger off for good where it serves no
other certificate, else ``autorenew = False`` where that lasts, else refuse. No certificate loses its
last armed path unless that was accepted by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from certaudit.errors import CertauditError
from certaudit.fix import confs, hooks, renewing, resync
from certaudit.fix.sending import Remote
from certaudit.fix.sight import CannotError, Overlay, Sight
from certaudit.fix.switches import switched_off
from certaudit.linking.words import listing, path_name, trigger_name
from certaudit.model import Lineage, Model, RenewalPath, Trigger
from certaudit.plan import Action, Plan, Refusal, Remedy, Step

HIDDEN, RIVAL = "hidden-renewal-path", "rival-renewal-paths"
RULES = (HIDDEN, RIVAL, resync.RULE)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chose: ``only`` and ``remedies`` as on the command line.

    ``accepted`` are lineages that may lose their last path; ``declined`` are keys of steps (``key_of``).
    """

    only: tuple[str, ...] = ()
    remedies: tuple[tuple[str, Remedy], ...] = ()
    accepted: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    run_hooks: frozenset[str] = frozenset()  # lineages of which what follows a renewal is run

    def wants(self, rule: str, subject: str) -> bool:
        """Is this finding to be dealt with?"""
        return not self.only or rule in self.only or f"{rule}:{subject}" in self.only


@dataclass(frozen=True, slots=True)
class Trouble:
    """One lineage that a path other than its owner's renews."""

    lineage: Lineage
    owner: RenewalPath
    path: RenewalPath
    rule: str


@dataclass(slots=True)
class Draft:
    """A plan in the making."""

    model: Model
    sight: Overlay
    choices: Choices
    steps: list[Step] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    off: set[str] = field(default_factory=set)
    unseen: tuple[str, ...] = ()

    def take(self, found: Iterable[Step | Refusal]) -> None:
        """Take in what was found, each in its place."""
        for one in found:
            if isinstance(one, Step):
                self.add(one)
            else:
                self.refusals.append(one)

    def add(self, step: Step) -> None:
        """Take a step in, unless it was declined."""
        if key_of(step) in self.choices.declined:
            return
        self.steps.append(step)
        for action in step.actions:
            self.sight.add(action)
        if step.remedy in ("d", "e") and step.trigger:
            self.off.add(step.trigger)


def key_of(step: Step) -> str:
    """What a step is about, whatever its remedy: the same in every plan for the same machine."""
    about = renewing.about(step) if step.remedy == "resync" else step.trigger or ""
    return f"{about}:{','.join(step.subjects)}"


def plan_of(model: Model, sight: Sight, choices: Choices, remote: Remote | None = None) -> Plan:
    """The plan for a machine. What can not be done is among its refusals, never left out.

    Without ``remote`` no other host is looked at; the plan names the places.
    """
    draft = Draft(model, Overlay(sight), choices)
    for lineage in model.lineages:
        if lineage.owner is None and len(lineage.renewers) > 1 and choices.wants(RIVAL, lineage.name):
            draft.refusals.append(undecided(model, lineage))
    by_trigger: dict[str, list[Trouble]] = {}
    for trouble in troubles(model):
        by_trigger.setdefault(trouble.path.trigger, []).append(trouble)
    for trigger_id, group in by_trigger.items():
        trigger = model.trigger(trigger_id)
        if trigger is not None:
            settle(draft, trigger, group)
    stale = [x for x in model.lineages if choices.wants(resync.RULE, x.name)]
    renewing.bring_up_to_date(draft, stale, remote, choices.run_hooks)
    host = model.host
    return Plan(
        host.name,
        host.target,
        host.live,
        host.as_of,
        tuple(draft.steps),
        tuple(draft.refusals),
        draft.unseen,
    )


def troubles(model: Model) -> Iterator[Trouble]:
    """Every armed path that renews a lineage beside the lineage's owner."""
    for lineage in model.lineages:
        owner = model.path(lineage.owner)
        for path in model.renewers(lineage) if owner else ():
            if owner is not None and path.id != owner.id:
                rule = HIDDEN if lineage.name in path.hidden_for else RIVAL
                yield Trouble(lineage, owner, path, rule)


def undecided(model: Model, lineage: Lineage) -> Refusal:
    """Rivals of which nobody says who is meant."""
    names = [path_name(p.id) for p in model.renewers(lineage)]
    first = model.renewers(lineage)[0].trigger
    owner = first.rpartition(":")[0] if first.startswith("cron:") else first
    return Refusal(
        (RIVAL,),
        (lineage.name,),
        f"{listing(names, 4)} renew {lineage.name}, and nothing tells which of them is meant to: "
        "declare its owner in /etc/certaudit.toml, then run this again",
        (f'[lineages."{lineage.name}"]', f'owner = "{owner}"'),
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
            if remedy not in ("d", "e") and done_already(draft, some[0].lineage, remedy):
                continue
            try:
                draft.add(remedied(draft, trigger, some, remedy))
            except CertauditError as error:
                draft.refusals.append(refused(draft.model, trigger, some, error))


def done_already(draft: Draft, lineage: Lineage, remedy: Remedy) -> bool:
    """Is there such a step for a certificate, which counts for all its paths?"""
    return any(s.remedy == remedy and lineage.name in s.subjects for s in draft.steps)


def unasked(model: Model, trigger: Trigger, group: list[Trouble]) -> Remedy:
    """What is done without a person's choice."""
    return "c" if needed_for(model, trigger, group) else "e"


def needed_for(model: Model, trigger: Trigger, group: Iterable[Trouble]) -> list[str]:
    """The lineages that this trigger renews and that are not in trouble by it."""
    troubled = {t.lineage.name for t in group}
    paths = [p for p in model.paths if p.trigger == trigger.id and p.armed]
    return sorted({name for p in paths for name in p.lineages} - troubled)


def remedied(draft: Draft, trigger: Trigger, part: list[Trouble], remedy: Remedy) -> Step:
    """One step. Raise ``CannotError`` where it must not be done."""
    if remedy in ("d", "e"):
        return switch_step(draft, trigger, part, "d" if remedy == "d" else "e")
    trouble = part[0]
    lineage, owner = trouble.lineage, trouble.owner
    if remedy == "b":
        raise hooks.catching_up(lineage, owner)
    if remedy == "a":
        actions = hooks.deploy_hook(lineage, owner, draft.sight)
        title = f"hand {lineage.name} out in a deploy hook, on every path"
        note = f"{owner.chain[-1].path} keeps its own steps: they run twice when the owner renews."
        return step(trigger, part, "a", title, actions, hooks.LASTS, (note,))
    asked = dict(draft.choices.remedies).get(lineage.name) == "c"
    if not asked and not (owner.forced and confs.lasting(owner)):
        others = listing(needed_for(draft.model, trigger, part), 4)
        raise CannotError(
            f"{trigger_name(trigger.id)} also renews {others}, so it can not simply be switched off, "
            f"and autorenew = False would stop the owner of {lineage.name} too or would not last",
            others=("a", "b", "d", "e"),
        )
    edit, price = confs.autorenew_off(lineage, owner, trouble.path, draft.sight)
    lock = f"{lineage.config_dir}/.certbot.lock"
    title = f"set autorenew = False for {lineage.name}"
    return step(trigger, part, "c", title, (edit,), confs.LASTS, price, locks=(lock,))


def switch_step(draft: Draft, trigger: Trigger, part: list[Trouble], remedy: Remedy) -> Step:
    """(d) or (e) for a trigger, once it is sure what would be lost."""
    guard(draft, trigger, part)
    off = switched_off(draft.model, trigger, draft.sight, "d" if remedy == "d" else "e")
    lost = needed_for(draft.model, trigger, part)
    notes = list(off.notes)
    if lost:
        notes.append(f"{trigger_name(trigger.id)} renews {listing(lost, 4)} too, and will not any more.")
    if any(a.kind == "timer" and a.id == trigger.id for a in draft.model.triggers):
        notes.append("A run that has begun is not interrupted.")
    commands = [c for t in part if was_stolen(t) for c in resync.owner_commands(draft.model, t.lineage)]
    made = step(trigger, part, remedy, off.title, off.actions, off.lasts, tuple(notes), off.locks)
    return replace(made, commands=tuple(dict.fromkeys(commands)), reload=off.reload)


def was_stolen(trouble: Trouble) -> bool:
    """Did another path make the live generation, so that the owner never handed it out?"""
    current = trouble.lineage.current
    return current is not None and current.relation == "stolen"


def guard(draft: Draft, trigger: Trigger, part: list[Trouble]) -> None:
    """Raise ``CannotError`` where switching a trigger off would take a certificate's last path."""
    for trouble in part:
        name = trouble.lineage.name
        if trouble.owner.trigger == trigger.id:
            raise CannotError(f"the owner of {name} is started by {trigger_name(trigger.id)} too")
        owner = draft.model.trigger(trouble.owner.trigger)
        sure = trouble.owner.certain and owner is not None and owner.certain
        if not sure and name not in draft.choices.accepted:
            raise CannotError(
                f"it is not certain that {path_name(trouble.owner.id)} can renew {name} alone; "
                f"--accept-orphan {name} takes the risk"
            )
    gone = draft.off | {trigger.id}
    for lineage in draft.model.lineages:
        left = {p.trigger for p in draft.model.renewers(lineage)}
        if left and left <= gone and lineage.name not in draft.choices.accepted:
            raise CannotError(
                f"nothing would renew {lineage.name} any more; --accept-orphan {lineage.name} "
                "switches it off all the same"
            )


def step(
    trigger: Trigger,
    part: Iterable[Trouble],
    remedy: Remedy,
    title: str,
    actions: Iterable[Action],
    lasts: str,
    notes: tuple[str, ...] = (),
    locks: tuple[str, ...] = (),
) -> Step:
    """A step for some lineages of one trigger."""
    part = list(part)
    every: tuple[Remedy, ...] = ("a", "b", "c", "d", "e")
    return Step(
        rules=tuple(dict.fromkeys(t.rule for t in part)),
        subjects=tuple(t.lineage.name for t in part),
        remedy=remedy,
        title=title,
        actions=tuple(actions),
        lasts=lasts,
        notes=notes,
        others=tuple(r for r in every if r != remedy),
        locks=locks,
        trigger=trigger.id,
    )


def refused(model: Model, trigger: Trigger, part: Iterable[Trouble], error: CertauditError) -> Refusal:
    """What is not done for these lineages, and why."""
    part = list(part)
    commands = error.commands if isinstance(error, CannotError) else ()
    others = error.others if isinstance(error, CannotError) else ()
    rules = tuple(dict.fromkeys(t.rule for t in part))
    return Refusal(rules, tuple(t.lineage.name for t in part), str(error), commands, others)
