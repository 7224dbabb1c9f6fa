"""A hidden path has taken renewals from the owner

What. Generations of the lineage were made by a path that is not its owner while the owner's trigger
existed, and that path is still armed or a copy it left behind is still stale.

Why it matters. It is the proof that the hidden path does not merely exist but wins.

How to fix. As hidden-renewal-path says; then bring the stale copies up to date.

Severity. Medium.

References. The report's contract, "Stolen".
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.linking.words import count, moment, path_name, switch_off, trigger_name
from certaudit.model import Evidence, Finding, Generation, Lineage, Model, Severity

SEVERITIES: tuple[Severity, ...] = ("medium",)
ASPECTS = ("logs", "journal")
SUBJECT = "renewal"


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage whose thief is still at large or whose spoils are still about."""
    for lineage in model.lineages:
        stolen = [g for g in lineage.generations if g.relation == "stolen"]
        if stolen and present(model, lineage, stolen):
            yield finding(model, lineage, stolen)


def present(model: Model, lineage: Lineage, stolen: list[Generation]) -> bool:
    """Is the fault still there?"""
    thieves = {g.made_by.trigger for g in stolen}
    armed = any(p.trigger in thieves and lineage.name in p.hidden_for for p in model.renewers(lineage))
    stale = any(d.lineage == lineage.name and d.status == "stale" for d in model.deployments)
    return armed or stale


def finding(model: Model, lineage: Lineage, stolen: list[Generation]) -> Finding:
    """Which generations were taken, when, by what."""
    last = stolen[-1]
    thief = last.made_by.trigger or ""
    numbers = ", ".join(str(g.number) for g in stolen)
    owner = path_name(lineage.owner) if lineage.owner else "its owner"
    message = (
        f"{trigger_name(thief)} made {count(len(stolen), 'generation')} of {lineage.name} ({numbers}) "
        f"that {owner} was meant to make, the last one at {moment(last.written)}"
    )
    trigger = model.trigger(thief)
    return Finding(
        subject=lineage.name,
        severity="medium",
        message=message,
        confidence=last.made_by.confidence,
        evidence=tuple(e for g in stolen for e in evidence(model, lineage, g)),
        fixes=(switch_off(model, trigger),) if trigger and trigger.armed else (),
    )


def evidence(model: Model, lineage: Lineage, generation: Generation) -> Iterator[Evidence]:
    """The start line of the run, and the line that wrote the certificate."""
    run = next((r for r in model.runs if r.id == generation.made_by.run), None)
    if run is not None:
        yield from run.evidence[:1]
        for outcome in run.outcomes:
            if outcome.lineage == lineage.name:
                yield from outcome.evidence
