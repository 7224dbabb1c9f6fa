"""The owner's job runs and finds nothing to do

What. The owner's trigger fired when it would have had to renew, and its run found nothing due, or its
script did not even call the client: a hidden path had renewed before it, and that is still armed or a
copy still stale. It comes too late once for each renewal taken from it; the firings until the next one
would have had nothing to renew anyway, and are told as what they are.

Why it matters. A job that ends well every day looks healthy. It has not done its work since the
hidden path began to win.

How to fix. As hidden-renewal-path says.

Severity. Medium; low where the owner's job hands out at every run, whoever renewed.

References. certbot issue 7826; the report's contract, "Starved".
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.history import Starvation
from certaudit.linking.history.past_words import idle, too_late
from certaudit.linking.ownership import catches_up, own_steps
from certaudit.linking.words import path_name
from certaudit.model import Finding, Lineage, Model, RenewalPath, Severity

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
    """How often the owner came too late, and what that meant for its own work."""
    owner = model.path(lineage.owner)
    message = (
        f"{path_name(lineage.owner or '')} {too_late(model, found)}: another path had renewed "
        f"{lineage.name} before it; {idle(model, found)}"
    )
    if owner is not None and only_after_renewing(owner, lineage):
        message += ", so what it does after a renewal was left undone"
    late = owner is not None and catches_up(owner, lineage.name)
    return Finding(lineage.name, "low" if late else "medium", message, found.confidence, found.evidence)


def only_after_renewing(owner: RenewalPath, lineage: Lineage) -> bool:
    """Has the owner steps of its own, all of which run only when it has renewed itself?"""
    steps = own_steps(owner, lineage.name)
    return bool(steps) and all(s.binding in ("own-renewal", "command-line-hook") for s in steps)
