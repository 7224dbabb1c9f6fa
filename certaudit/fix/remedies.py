"""One remedy for one trigger or certificate, and what it must not do.

Law: no certificate loses its last armed path, and nothing else that a trigger starts is switched off,
unless a person chose that by name; nothing is ever purged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

from certaudit.errors import CertauditError
from certaudit.fix import catch_up, confs, hooks, own_steps, renewing
from certaudit.fix.sight import CannotError, Overlay
from certaudit.fix.switches import switched_off
from certaudit.fix.units import pulled_in
from certaudit.linking.ownership import left_out
from certaudit.linking.words import listing, path_name, trigger_name
from certaudit.model import Lineage, Model, RenewalPath, Trigger
from certaudit.plan import REMEDIES, Action, Alternative, Refusal, Remedy, Step
from certaudit.records import replace

HIDDEN, RIVAL = "hidden-renewal-path", "rival-renewal-paths"
LETTERS: tuple[Remedy, ...] = ("a", "b", "c", "d", "e")
BEGUN = "A run that has begun is not interrupted; a renewal that is going on is waited for."


class Choices(Struct, frozen=True):
    """What a person chose: ``only``, ``remedies`` and ``owners`` as on the command line.

    ``accepted`` are lineages that may lose their last path; ``declined`` are keys of steps (``key_of``).
    ``remote``: look at other hosts, and write there, over ssh; ``run_hooks``: the lineages of which
    the owner's own steps and the deploy hooks are run, as after a renewal.
    """

    only: tuple[str, ...] = ()
    remedies: tuple[tuple[str, Remedy], ...] = ()
    accepted: frozenset[str] = frozenset()
    declined: frozenset[str] = frozenset()
    owners: tuple[tuple[str, str], ...] = ()
    remote: bool = False
    run_hooks: frozenset[str] = frozenset()

    def wants(self, rule: str, subject: str) -> bool:
        """Is this finding to be dealt with?"""
        return not self.only or rule in self.only or f"{rule}:{subject}" in self.only


class Trouble(Struct, frozen=True):
    """One lineage that a path other than its owner's renews."""

    lineage: Lineage
    owner: RenewalPath
    path: RenewalPath
    rule: str


class Draft(Struct):
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
    about = renewing.about(step) if step.remedy == "resync" else step.remedy
    return f"{(step.trigger or '') if step.remedy in LETTERS else about}:{','.join(step.subjects)}"


def needed_for(model: Model, trigger: Trigger, group: Iterable[Trouble]) -> list[str]:
    """The lineages that this trigger renews and that are not in trouble by it."""
    troubled = {t.lineage.name for t in group}
    paths = [p for p in model.paths if p.trigger == trigger.id and p.armed]
    return sorted({name for p in paths for name in p.lineages} - troubled)


def ended_with(model: Model, trigger: Trigger) -> tuple[str, ...]:
    """What else ends when a trigger is switched off, but for other certificates."""
    return () if pulled_in(model, trigger) else trigger.beside


def remedied(
    draft: Draft, trigger: Trigger, part: Sequence[Trouble], remedy: Remedy, *, asked: bool
) -> Step:
    """One step; ``asked``: a person chose it. Raise ``CannotError`` where it must not be done."""
    if remedy in ("d", "e"):
        return switch_step(draft, trigger, part, "d" if remedy == "d" else "e")
    trouble = part[0]
    lineage, owner = trouble.lineage, trouble.owner
    if remedy == "a":
        others = [p for p in draft.model.renewers(lineage) if p.id != owner.id]
        actions = hooks.deploy_hook(lineage, owner, others, draft.sight)
        title = f"hand {lineage.name} out in a deploy hook, on every path"
        note = (
            f"{owner.chain[-1].path} keeps its own steps: where certbot runs the hook for it too, they"
        )
        price = (f"{note} run twice, to no harm.",)
        return step(trigger, part, "a", title, actions, hooks.LASTS, price, certbot_locks(part))
    if remedy == "b":
        starter = draft.model.trigger(owner.trigger)
        if starter is None:
            raise CannotError(f"what starts the owner of {lineage.name} is not known")
        actions = catch_up.catching_up(lineage, owner, starter, draft.sight)
        title = f"let {path_name(owner.id)} hand {lineage.name} out whenever it is newer"
        made = step(trigger, part, "b", title, actions, catch_up.LASTS, (), certbot_locks(part))
        return replace(made, reload=starter.kind not in ("cron", "anacron"))
    return autorenew_step(draft, trigger, part, asked=asked)


def autorenew_step(draft: Draft, trigger: Trigger, part: Sequence[Trouble], *, asked: bool) -> Step:
    """(c), which is for where a trigger has to go on for something else."""
    lineage, owner = part[0].lineage, part[0].owner
    if not asked and not (owner.forced and confs.lasting(owner)):
        others = needed_for(draft.model, trigger, part)
        beside = ended_with(draft.model, trigger)
        serves = f"also renews {listing(others, 4)}" if others else f"also runs {listing(beside, 2)}"
        raise CannotError(
            f"{trigger_name(trigger.id)} {serves}, so it is not simply switched off, "
            f"and autorenew = False would stop the owner of {lineage.name} too or would not last"
        )
    edit, price = confs.autorenew_off(lineage, owner, part[0].path, draft.sight)
    title = f"set autorenew = False for {lineage.name}"
    return step(trigger, part, "c", title, (edit,), confs.LASTS, price, certbot_locks(part))


def switch_step(draft: Draft, trigger: Trigger, part: Sequence[Trouble], remedy: Remedy) -> Step:
    """(d) or (e) for a trigger, once it is sure what would be lost."""
    guard(draft, trigger, part)
    off = switched_off(draft.model, trigger, draft.sight, "d" if remedy == "d" else "e")
    name = trigger_name(trigger.id)
    lost, beside = needed_for(draft.model, trigger, part), ended_with(draft.model, trigger)
    notes = list(off.notes)
    if lost:
        notes.append(f"{name} renews {listing(lost, 4)} too, and will not any more.")
    for trouble in part:
        own = left_out(trouble.owner, trouble.path, trouble.lineage.name)
        if own:
            also = "; ".join(dict.fromkeys(step.command for step in own))
            notes.append(
                f"After a renewal {name} does what the owner does not, and will not any more: {also}"
            )
    if beside:
        notes.append(f"{name} also runs {listing(beside, 4)}, and will not any more.")
    stolen = [t.lineage for t in part if was_stolen(t)]
    commands = [own.command for x in stolen for own in own_steps.mine(draft.model, x)]
    locks = (*off.locks, *certbot_locks(part))
    made = step(trigger, part, remedy, off.title, off.actions, off.lasts, tuple(notes), locks)
    left = tuple(dict.fromkeys(commands))
    known = (*off.background, BEGUN)
    return replace(made, commands=left, reload=off.reload, user=off.user, background=known)


def told_who_renews(draft: Draft, step: Step) -> Step:
    """A step that switches a trigger off, with who renews its lineages once the whole plan is done."""
    if step.remedy not in ("d", "e"):
        return step
    found: list[str] = []
    for lineage in filter(None, map(draft.model.lineage, step.subjects)):
        left = [path for path in draft.model.renewers(lineage) if path.trigger not in draft.off]
        if left:
            names = listing([path_name(path.id) for path in left], 4)
            found.append(f"Then {names} renew{'s' if len(left) == 1 else ''} {lineage.name}.")
    return replace(step, notes=(*found, *step.notes))


def certbot_locks(part: Iterable[Trouble]) -> tuple[str, ...]:
    """The locks of the configurations that these paths renew, which certbot holds while it runs."""
    paths = [t.path for t in part if t.path.client == "certbot" and t.path.config_dir.startswith("/")]
    return tuple(dict.fromkeys(f"{path.config_dir}/.certbot.lock" for path in paths))


def was_stolen(trouble: Trouble) -> bool:
    """Did another path make the live generation, so that the owner never handed it out?"""
    current = trouble.lineage.current
    return current is not None and current.relation == "stolen"


def guard(draft: Draft, trigger: Trigger, part: Iterable[Trouble]) -> None:
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
                f"`--accept-orphan {name}` takes the risk"
            )
    gone = draft.off | {trigger.id}
    for lineage in draft.model.lineages:
        left = {p.trigger for p in draft.model.renewers(lineage)}
        if left and left <= gone and lineage.name not in draft.choices.accepted:
            raise CannotError(
                f"nothing would renew {lineage.name} any more; `--accept-orphan {lineage.name}` "
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
    return Step(
        rules=tuple(dict.fromkeys(t.rule for t in part)),
        subjects=tuple(t.lineage.name for t in part),
        remedy=remedy,
        title=title,
        actions=tuple(actions),
        lasts=lasts,
        notes=notes,
        locks=locks,
        trigger=trigger.id,
    )


def alternatives(draft: Draft, trigger: Trigger, part: Sequence[Trouble]) -> Iterator[Alternative]:
    """What each remedy would be if it was chosen, with its price, or why it can not be had here."""
    for other in LETTERS:
        try:
            found = remedied(draft, trigger, part, other, asked=True)
        except CertauditError as error:
            yield Alternative(other, REMEDIES[other], refused=str(error))
        else:
            yield Alternative(other, found.title, (found.lasts, *found.notes))


def offered(made: Step, others: tuple[Alternative, ...]) -> Step:
    """A step with what could be chosen instead."""
    able = tuple(a.remedy for a in others if a.refused is None and a.remedy != made.remedy)
    return replace(made, others=able, alternatives=others)


def refused(part: Iterable[Trouble], error: CertauditError, others: tuple[Alternative, ...]) -> Refusal:
    """What is not done for these lineages, and why."""
    part = list(part)
    commands = error.commands if isinstance(error, CannotError) else ()
    rules = tuple(dict.fromkeys(t.rule for t in part))
    able = tuple(a.remedy for a in others if a.refused is None)
    return Refusal(rules, tuple(t.lineage.name for t in part), str(error), commands, able, others)
