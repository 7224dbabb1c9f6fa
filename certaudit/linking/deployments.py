"""Places that hold a certificate, each tied to a lineage and a generation.

Law: a copy is *stale* only if it matters: a consumer refers to it, an armed path writes it, or the
policy names it. An older copy that nobody uses is listed as unreferenced and is no fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from msgspec import Struct

from certaudit.facts import CopyFact, LineageFact, Reference, ServedFact
from certaudit.model import CopyStatus, Deployment, Distribution, Evidence, Policy, RenewalPath
from certaudit.parsers.ssh_command import is_remote


class Match(Struct, frozen=True):
    """A copy with the generation it holds."""

    lineage: LineageFact
    generation: int | None


def match(copy: CopyFact, lineages: Iterable[LineageFact]) -> Match | None:
    """The lineage and newest generation whose certificate or key a copy holds."""
    for fact in lineages:
        if copy.fingerprint is not None:
            numbers = [n for n, cert in fact.generations if cert.fingerprint == copy.fingerprint]
        else:
            by_key = {n for n, key in fact.keys if key == copy.public_key}
            by_cert = {n for n, cert in fact.generations if cert.public_key == copy.public_key}
            numbers = sorted(by_key | by_cert)
        if numbers:
            return Match(fact, max(numbers))
    return None


def deployments(
    copies: Iterable[CopyFact],
    references: tuple[Reference, ...],
    lineages: tuple[LineageFact, ...],
    paths: tuple[RenewalPath, ...],
    policy: Policy,
) -> tuple[Deployment, ...]:
    """Every copy, every consumer's reference into a lineage, every remote target."""
    found = [d for copy in copies if (d := of_copy(copy, references, lineages, paths, policy))]
    found.extend(of_references(references, lineages))
    found.extend(remote_targets(paths))
    found.extend(declared_remotes(policy))
    found.extend(missing_copies(policy, found))
    by_id = {deployment.id: deployment for deployment in found}
    return tuple(by_id[key] for key in sorted(by_id))


def of_copy(
    copy: CopyFact,
    references: tuple[Reference, ...],
    lineages: tuple[LineageFact, ...],
    paths: tuple[RenewalPath, ...],
    policy: Policy,
) -> Deployment | None:
    """One copy as a deployment."""
    matched = match(copy, lineages)
    if matched is None:
        return None
    writer = writer_of(copy.path, paths)
    folder = str(PurePosixPath(copy.path).parent)
    used_by = tuple(r.evidence for r in references if r.path.rstrip("/") in (copy.path, folder))
    declared = any(place == copy.path for _, place in policy.copies)
    return Deployment(
        id=f"copy:{copy.path}",
        lineage=matched.lineage.name,
        kind="copy",
        where=copy.path,
        generation=matched.generation,
        status=status_of(copy, matched, used=bool(used_by or writer or declared)),
        written_by=writer,
        part=copy.part,
        referenced_by=used_by,
        modified=copy.modified,
    )


def status_of(copy: CopyFact, matched: Match, *, used: bool) -> CopyStatus:
    """How a copy stands against the live generation."""
    if copy.part == "combined" and copy.key_matches is False:
        return "mismatch" if used else "unreferenced"
    if matched.lineage.live is None or matched.generation is None:
        return "unknown"
    if matched.generation == matched.lineage.live:
        return "current"
    return "stale" if used else "unreferenced"


def writer_of(place: str, paths: tuple[RenewalPath, ...]) -> str | None:
    """The armed path one of whose steps writes a place, or the directory it lies in."""
    for path in paths:
        if path.armed and any(writes(step, place) for step in path.distribution):
            return path.id
    return None


def writes(step: Distribution, place: str) -> bool:
    """Does a step write a place, or into the directory it lies in?"""
    directory = str(PurePosixPath(place).parent)
    return any(target.rstrip("/") in (place, directory) for target in step.targets)


def of_references(
    references: tuple[Reference, ...], lineages: tuple[LineageFact, ...]
) -> Iterator[Deployment]:
    """Consumers that name a file of a lineage: by ``live/`` always current, by ``archive/`` pinned."""
    for reference in references:
        for fact in lineages:
            generation = referred(reference.path, fact)
            if generation is None:
                continue
            status: CopyStatus = "current" if generation == fact.live else "stale"
            yield Deployment(
                id=f"config:{reference.evidence.place}",
                lineage=fact.name,
                kind="config",
                where=reference.path,
                generation=generation,
                status=status,
                referenced_by=(reference.evidence,),
            )


def referred(path: str, fact: LineageFact) -> int | None:
    """The generation that a consumer gets by naming a path of a lineage."""
    parent, name = str(PurePosixPath(path).parent), PurePosixPath(path).stem
    if parent == fact.live_dir:
        return fact.live
    digits = name.lstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits) if parent == fact.archive_dir and digits.isdigit() else None


def remote_targets(paths: tuple[RenewalPath, ...]) -> Iterator[Deployment]:
    """Places on other machines that a path sends the certificate to: listed, their state unknown."""
    for path in paths:
        for step in path.distribution:
            remote = [t for t in step.targets if ":" in t and not t.startswith("/")]
            for target in remote[:1] if step.kind == "remote" else ():
                reached = step.lineages or path.lineages
                for lineage in reached:
                    where = Evidence(step.source.path, step.source.line, step.command)
                    yield Deployment(
                        f"remote:{target}" if len(reached) == 1 else f"remote:{target}#{lineage}",
                        lineage,
                        "remote",
                        target,
                        None,
                        "unknown",
                        path.id,
                        "cert",
                        (where,),
                    )


def declared_remotes(policy: Policy) -> Iterator[Deployment]:
    """Places on other hosts that the policy names: listed, their state unknown."""
    for lineage, place in policy.copies:
        if is_remote(place):
            yield Deployment(f"remote:{place}", lineage, "remote", place, None, "unknown")


def of_served(served: Iterable[ServedFact], lineages: tuple[LineageFact, ...]) -> tuple[Deployment, ...]:
    """What addresses serve, where it is a generation of the lineage that was asked for."""
    found = {}
    for fact in served:
        lineage = next((x for x in lineages if x.name == fact.lineage), None)
        numbers = (
            [n for n, cert in lineage.generations if cert.fingerprint == fact.fingerprint]
            if lineage
            else []
        )
        if lineage is None or not numbers:
            continue
        number = max(numbers)
        status: CopyStatus = "current" if number == lineage.live else "stale"
        key = f"served:{fact.address}#{lineage.name}"
        found[key] = Deployment(
            key, lineage.name, "served", fact.address, number, status, referenced_by=fact.evidence
        )
    return tuple(found[key] for key in sorted(found))


def missing_copies(policy: Policy, found: list[Deployment]) -> Iterator[Deployment]:
    """Copies that the policy names and that are not there."""
    places = {deployment.where for deployment in found}
    for lineage, place in policy.copies:
        if place not in places and not is_remote(place):
            yield Deployment(f"copy:{place}", lineage, "copy", place, None, "missing")
