"""Which path is meant to renew each lineage, and which armed paths are hidden from its owner.

Law: declared in the policy; else the only armed path; else the only armed path that distributes by steps
of its own; else nobody, and a finding asks. The report says which of these it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from certaudit.catalogue import mechanism_of_file, mechanism_of_unit
from certaudit.linking.reach import AUTORENEW_OFF
from certaudit.linking.words import trigger_name
from certaudit.model import Binding, Distribution, Gap, Lineage, Model, Policy, Reason, RenewalPath
from certaudit.records import replace

CATCHING_UP: frozenset[Binding] = frozenset({"every-run", "if-changed"})
# The aspects of a Gap behind which something may renew a certificate.
RENEWERS = ("systemd", "units", "cron", "scripts", "containers", "clients")
OwnerSource = Literal["declared", "inferred"]


class Ownership(Struct, frozen=True):
    """The owner of one lineage and how that is known."""

    owner: str | None
    source: OwnerSource | None
    because: str
    problem: Reason | None = None


def own_steps(path: RenewalPath, lineage: str) -> tuple[Distribution, ...]:
    """What this path alone does for a lineage after renewing it."""
    return tuple(
        step
        for step in path.distribution
        if not step.shared and (step.lineages is None or lineage in step.lineages)
    )


def catches_up(owner: RenewalPath, lineage: str) -> bool:
    """Do the owner's steps run on its own schedule whatever happened, each of them at least once?"""
    steps = own_steps(owner, lineage)
    caught = {step.command for step in steps if step.binding in CATCHING_UP}
    return bool(steps) and all(step.command in caught for step in steps)


def renewers(paths: Iterable[RenewalPath], lineage: str) -> tuple[RenewalPath, ...]:
    """The armed paths that can renew a lineage."""
    return tuple(p for p in paths if p.armed and lineage in p.lineages)


def unseen(gaps: Iterable[Gap]) -> Gap | None:
    """The first thing that was not seen and may renew a certificate, if there is any."""
    return next((gap for gap in gaps if gap.aspect in RENEWERS), None)


def owner_of(
    lineage: str, paths: tuple[RenewalPath, ...], policy: Policy, gaps: Sequence[Gap] = ()
) -> Ownership:
    """Who is meant to renew a lineage; ``gaps`` are what was not seen."""
    declared = dict(policy.owners).get(lineage)
    if declared is not None:
        return declared_owner(lineage, declared, paths)
    armed = renewers(paths, lineage)
    only = (
        "it is the only armed path" if unseen(gaps) is None else "of what was seen, the only armed path"
    )
    if len(armed) == 1:
        return Ownership(armed[0].id, "inferred", f"{only} that can renew it")
    distributing = [p for p in armed if own_steps(p, lineage)]
    if len(distributing) == 1:
        why = f"{only} that distributes the certificate by steps of its own"
        return Ownership(distributing[0].id, "inferred", why)
    if not armed:
        return Ownership(None, None, "no armed path was found that can renew it")
    which = "none of them distributes" if not distributing else "several of them distribute"
    return Ownership(
        None, None, f"{len(armed)} armed paths can renew it, and {which} by steps of its own"
    )


def declared_owner(lineage: str, declared: str, paths: tuple[RenewalPath, ...]) -> Ownership:
    """The one path that a policy's word names: a trigger without its line, or a file of the chain."""
    found = [p for p in paths if lineage in reachable(p) and named(p, declared)]
    if len(found) == 1:
        return Ownership(found[0].id, "declared", f"the policy names {declared}")
    count = "no renewal path" if not found else f"{len(found)} renewal paths"
    problem = Reason("owner-unclear", f'the owner declared for {lineage}, "{declared}", names {count}')
    return Ownership(None, None, problem.text, problem)


def reachable(path: RenewalPath) -> tuple[str, ...]:
    """The lineages a path renews or would renew but for a per-lineage switch."""
    return path.lineages + tuple(name for name, _ in path.skipped)


def named(path: RenewalPath, declared: str) -> bool:
    """Does a policy's word name this path?"""
    trigger = path.trigger
    without_line = trigger.rpartition(":")[0] if trigger.rpartition(":")[2].isdigit() else trigger
    bare = without_line.partition(":")[2]
    names = {path.id, trigger, without_line, bare, *(step.path for step in path.chain)}
    return declared in names


def left_out(path: RenewalPath, owner: RenewalPath, lineage: str) -> tuple[Distribution, ...]:
    """The owner's distribution steps for a lineage that another path does not do.

    A step is done by the same command, by a hook that runs it, or by one that writes to its place.
    """
    done = {text for step in path.distribution for text in (step.command, *step.does)}
    written = {place.rstrip("/") for step in path.distribution for place in step.targets if place != "?"}
    return tuple(
        step
        for step in own_steps(owner, lineage)
        if step.command not in done and (step.targets[:1] or ("",))[0].rstrip("/") not in written
    )


def assign(
    lineages: tuple[Lineage, ...],
    paths: tuple[RenewalPath, ...],
    policy: Policy,
    gaps: Sequence[Gap] = (),
) -> tuple[tuple[Lineage, ...], tuple[RenewalPath, ...], tuple[Reason, ...]]:
    """Owners and hidden paths written into lineages and paths; also what is wrong with the policy.

    ``gaps`` are what was not seen of the triggers and their commands.
    """
    owned: dict[str, list[str]] = {}
    hidden: dict[str, list[str]] = {}
    problems: list[Reason] = []
    result: list[Lineage] = []
    by_id = {p.id: p for p in paths}
    for lineage in lineages:
        ownership = owner_of(lineage.name, paths, policy, gaps)
        problems.extend([ownership.problem] if ownership.problem else [])
        armed = renewers(paths, lineage.name)
        if ownership.owner is not None:
            owned.setdefault(ownership.owner, []).append(lineage.name)
            owner = by_id[ownership.owner]
            for path in armed:
                if path.id != owner.id and left_out(path, owner, lineage.name):
                    hidden.setdefault(path.id, []).append(lineage.name)
        result.append(
            replace(
                lineage,
                owner=ownership.owner,
                owner_source=ownership.source,
                owner_because=ownership.because,
                renewers=tuple(p.id for p in armed),
            )
        )
    problems.extend(unknown_names(lineages, policy))
    marked = tuple(
        replace(p, owner_of=tuple(owned.get(p.id, ())), hidden_for=tuple(hidden.get(p.id, ())))
        for p in paths
    )
    return tuple(result), marked, tuple(problems)


def unknown_names(lineages: tuple[Lineage, ...], policy: Policy) -> Iterable[Reason]:
    """Lineages that the policy names and the machine does not have."""
    known = {lineage.name for lineage in lineages}
    declared = (*policy.owners, *policy.copies, *policy.served)
    for name in dict.fromkeys(name for name, _ in declared):
        if name not in known:
            yield Reason("lineage-unknown", f"the policy names a lineage that is not here: {name}")


def blocked_by_conf(model: Model, lineage: Lineage) -> tuple[RenewalPath, ...]:
    """The armed paths meant to renew a lineage that nothing renews, for its conf stops them too.

    ``autorenew = False`` is honoured by whatever does not force (certbot's ``should_autorenew``).
    """
    if lineage.autorenew or lineage.renewers:
        return ()
    return tuple(path for path in model.paths if is_blocked(model, path, lineage))


def is_blocked(model: Model, path: RenewalPath, lineage: Lineage) -> bool:
    """Is this path meant to renew the lineage, and would it but for the lineage's conf?"""
    trigger = model.trigger(path.trigger)
    stopped = dict(path.skipped).get(lineage.name) == AUTORENEW_OFF
    return bool(trigger and trigger.armed and stopped) and meant(path, lineage)


def meant(path: RenewalPath, lineage: Lineage) -> bool:
    """The owner; where nobody declares one, any path that somebody set up: no package's own."""
    if lineage.owner is not None:
        return path.id == lineage.owner
    name = trigger_name(path.trigger)
    file = path.chain[0].path if path.chain else ""
    return mechanism_of_unit(name) is None and mechanism_of_file(file) is None
