"""A copy of a certificate is older than the live one

What. A file that a consumer refers to, that an armed path writes, or that the policy names, holds an
older generation than ``live/``, or a certificate and a key that do not belong together.

Why it matters. Whatever reads that file serves the old certificate, and goes on until it expires.

How to fix. Copy the live files there again (certificate and key together) and reload what reads
them; then see to it that every renewal does so.

Severity. High where the copy has expired or does so within 14 days, or where certificate and key do
not fit; medium otherwise.

References. certbot's user guide, "Where are my certificates?".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from certaudit.linking.words import count, day, listing, path_name
from certaudit.model import Deployment, Evidence, Finding, Fix, Lineage, Model, Severity

SEVERITIES: tuple[Severity, ...] = ("medium", "high")
ASPECTS = ("copies",)
SUBJECT = "renewal"
SOON = timedelta(days=14)
FAULTS = frozenset({"stale", "mismatch", "missing"})


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage with places that are behind."""
    for lineage in model.lineages:
        behind = [d for d in model.deployments if d.lineage == lineage.name and d.status in FAULTS]
        if behind:
            yield finding(model, lineage, behind)


def finding(model: Model, lineage: Lineage, behind: list[Deployment]) -> Finding:
    """The places of one lineage that are behind."""
    message = "; ".join(messages(lineage, behind))
    expiry = first_expiry(lineage, behind)
    urgent = any(d.status == "mismatch" for d in behind)
    if expiry is not None:
        urgent = urgent or expiry - model.host.as_of < SOON
        message += f"; the oldest expires on {day(expiry)}"
    return Finding(
        subject=lineage.name,
        severity="high" if urgent else "medium",
        message=message,
        confidence="high",
        evidence=tuple(line for d in behind for line in evidence(d)),
        fixes=(fix(lineage, behind),),
    )


def messages(lineage: Lineage, behind: list[Deployment]) -> Iterator[str]:
    """What is wrong, one clause for each kind of fault."""
    served = [d.where for d in behind if d.kind == "served"]
    old, odd, gone = (
        [d.where for d in behind if d.status == status and d.kind != "served"]
        for status in ("stale", "mismatch", "missing")
    )
    if served:
        yield f"{listing(served, 4)} still {verb(served)} an older {lineage.name} than live"
    if old:
        number = count(len(old), "place holds", "places hold")
        than = f"an older {lineage.name} than live (generation {lineage.live})"
        yield f"{number} {than}: {listing(old, 4)}"
    if odd:
        yield f"certificate and key of {lineage.name} do not belong together in {listing(odd, 4)}"
    if gone:
        are = "is" if len(gone) == 1 else "are"
        yield f"{listing(gone, 4)} should hold {lineage.name} and {are} not there"


def verb(served: list[str]) -> str:
    """What one address does, or several."""
    return "serves" if len(served) == 1 else "serve"


def first_expiry(lineage: Lineage, behind: list[Deployment]) -> datetime | None:
    """When the oldest of the copies expires."""
    held = {d.generation for d in behind if d.status == "stale"}
    return min((g.not_after for g in lineage.generations if g.number in held), default=None)


def evidence(place: Deployment) -> Iterator[Evidence]:
    """What a place holds, and who refers to it."""
    holds = f"generation {place.generation} ({place.part})" if place.generation else place.status
    yield Evidence(place.where, None, holds)
    yield from place.referenced_by


def fix(lineage: Lineage, behind: list[Deployment]) -> Fix:
    """Run the distribution again: by its owner, else by hand."""
    writers = sorted({d.written_by for d in behind if d.written_by})
    title = f"copy the live {lineage.name} there again"
    if writers:
        title += f", as {path_name(writers[0])} does"
    live = f"{lineage.config_dir}/live/{lineage.name}"
    if all(d.kind == "config" for d in behind):
        files = sorted({line.place for d in behind for line in d.referenced_by})
        return Fix(f"let {listing(files, 4)} name the files in {live} instead", True)
    if all(d.kind == "served" for d in behind):
        return Fix(
            "let what serves it read its files again", True, (f"certaudit resync {lineage.name}",)
        )
    return Fix(title, True, tuple(command(d, live) for d in behind if d.kind == "copy"))


def command(place: Deployment, live: str) -> str:
    """How one copy is made again from the live files."""
    if place.part == "combined":
        return f"cat {live}/fullchain.pem {live}/privkey.pem > {place.where}"
    return f"install -m {mode_of(place)} {live}/{file_of(place)} {place.where}"


def mode_of(place: Deployment) -> str:
    """Keys are for their owner alone."""
    return "644" if place.part == "cert" else "600"


def file_of(place: Deployment) -> str:
    """The live file that a copy is made of."""
    name = place.where.rpartition("/")[2]
    known = ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem")
    if name in known:
        return name
    return "privkey.pem" if place.part == "key" else "fullchain.pem"
