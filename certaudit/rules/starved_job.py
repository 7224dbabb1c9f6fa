"""The owner's job runs and finds nothing to do

What. The owner's trigger fired, its runs found nothing due, and the last renewal was made by a hidden
path that is still armed.

Why it matters. A job that ends well every day looks healthy. It has not done its work since the
hidden path began to win.

How to fix. As hidden-renewal-path says.

Severity. Medium.

References. certbot issue 7826; the report's contract, "Starved".
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.linking.words import count, day, path_name
from certaudit.model import Evidence, Finding, Lineage, Model, Run, Severity

SEVERITIES: tuple[Severity, ...] = ("medium",)
ASPECTS = ("logs", "journal")
SUBJECT = "renewal"


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage whose owner ran in vain since the last stolen renewal."""
    for lineage in model.lineages:
        owner = model.path(lineage.owner)
        last = lineage.generations[-1] if lineage.generations else None
        if owner is None or last is None or last.relation != "stolen" or not still(model, lineage):
            continue
        since = last.written or last.not_before
        later = (run for run in model.runs if run.started and run.started >= since)
        vain = [run for run in later if in_vain(run, owner.trigger, lineage)]
        if vain:
            yield finding(lineage, vain)


def still(model: Model, lineage: Lineage) -> bool:
    """Is a hidden path armed, or a copy stale?"""
    hidden = any(lineage.name in path.hidden_for for path in model.renewers(lineage))
    return hidden or any(d.lineage == lineage.name and d.status == "stale" for d in model.deployments)


def in_vain(run: Run, trigger: str, lineage: Lineage) -> bool:
    """Did the owner's trigger start this run, and was nothing due?"""
    idle = any(o.lineage == lineage.name and o.outcome == "not_due" for o in run.outcomes)
    return run.trigger == trigger and idle


def finding(lineage: Lineage, vain: list[Run]) -> Finding:
    """How often the owner ran for nothing, and since when."""
    first = vain[0].started or vain[0].ended
    message = (
        f"{path_name(lineage.owner or '')} found nothing due {count(len(vain), 'time')} "
        f"since {day(first)}: another path had renewed {lineage.name} before it"
    )
    lines = tuple(e for run in (vain[0], vain[-1]) for e in run.evidence[:1])
    return Finding(
        lineage.name,
        "medium",
        message,
        vain[-1].confidence,
        tuple(dict.fromkeys(lines)) or (Evidence(lineage.renewal_conf),),
    )
