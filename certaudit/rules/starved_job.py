"""The owner's job runs and finds nothing to do

What. The owner's trigger fired in vain: its runs found nothing due, or its script did not even call the
client. The renewals since were made by a hidden path, and that is still armed or a copy still stale.

Why it matters. A job that ends well every day looks healthy. It has not done its work since the
hidden path began to win.

How to fix. As hidden-renewal-path says.

Severity. Medium; low where the owner's job hands out at every run, whoever renewed.

References. certbot issue 7826; the report's contract, "Starved".
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.history import Starvation
from certaudit.linking.history.past_words import local
from certaudit.linking.ownership import catches_up
from certaudit.linking.words import count, day, path_name
from certaudit.model import Finding, Lineage, Model, Severity

SEVERITIES: tuple[Severity, ...] = ("low", "medium")
ASPECTS = ("logs", "journal")
SUBJECT = "renewal"


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage whose owner has starved until now, by the figures of the history."""
    for lineage in model.lineages:
        starving = [
            s for s in model.history.starvations if s.lineage == lineage.name and s.until is None
        ]
        if starving and still(model, lineage):
            yield finding(model, lineage, starving[-1])


def still(model: Model, lineage: Lineage) -> bool:
    """Is a hidden path armed, or a copy stale?"""
    hidden = any(lineage.name in path.hidden_for for path in model.renewers(lineage))
    return hidden or any(d.lineage == lineage.name and d.status == "stale" for d in model.deployments)


def finding(model: Model, lineage: Lineage, found: Starvation) -> Finding:
    """How often the owner ran for nothing, and when."""
    first, last = day(local(model, found.first)), day(local(model, found.last))
    when = f"on {first}" if first == last else f"between {first} and {last}"
    message = (
        f"{path_name(lineage.owner or '')} ran in vain {count(found.times, 'time')} that the logs show, "
        f"{when}: another path had renewed {lineage.name} before it"
    )
    owner = model.path(lineage.owner)
    late = owner is not None and catches_up(owner, lineage.name)
    return Finding(lineage.name, "low" if late else "medium", message, found.confidence, found.evidence)
