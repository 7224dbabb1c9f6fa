"""Several armed paths renew the same certificate

What. Two or more armed paths can renew the lineage, and either nothing tells which of them is meant
to, or none of them leaves anything out.

Why it matters. The one that runs first wins; the others find nothing due, or meet certbot's lock and
fail. Where more than one of them distributes, each leaves out the other's steps.

How to fix. Decide which is the owner: declare it in /etc/certaudit.toml, and switch the others off.

Severity. Medium where several of them distribute by steps of their own, low otherwise.

References. certbot issues 6329 and 5197; certbot's user guide, "Automated Renewals".
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.linking.ownership import RENEWERS, own_steps
from certaudit.linking.words import listing, switch_off, trigger_name
from certaudit.model import Evidence, Finding, Fix, Lineage, Model, RenewalPath, Severity

SEVERITIES: tuple[Severity, ...] = ("low", "medium")
ASPECTS = RENEWERS
SUBJECT = "renewal"


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage with rivals, and one per declaration that has no clear meaning."""
    for problem in model.policy_problems:
        text = f"{problem.text} ({model.policy.where or 'policy'})"
        yield Finding("policy", "medium", text, "high", (Evidence(model.policy.where or "policy"),))
    for lineage in model.lineages:
        armed = [p for p in model.renewers(lineage) if lineage.name not in p.hidden_for]
        if len(armed) > 1:
            yield finding(model, lineage, armed)


def finding(model: Model, lineage: Lineage, armed: list[RenewalPath]) -> Finding:
    """The rivals of one lineage."""
    names = [trigger_name(p.trigger) for p in armed]
    distributing = [p for p in armed if own_steps(p, lineage.name)]
    message = f"{listing(names)} both renew {lineage.name}"
    if len(armed) > 2:
        message = f"{len(armed)} paths renew {lineage.name}: {listing(names, 5)}"
    if lineage.owner is None:
        message += ", and nothing tells which of them is meant to: declare its owner"
    lines = [Evidence(step.path, step.line, step.text) for path in armed for step in path.chain]
    return Finding(
        subject=lineage.name,
        severity="medium" if lineage.owner is None and len(distributing) > 1 else "low",
        message=message,
        confidence="high" if all(p.certain for p in armed) else "medium",
        evidence=tuple(dict.fromkeys(lines)),
        fixes=tuple(fixes(model, lineage, armed)),
    )


def fixes(model: Model, lineage: Lineage, armed: list[RenewalPath]) -> Iterator[Fix]:
    """Declare an owner where there is none; switch off each path that is not the owner."""
    if lineage.owner is None:
        for path in armed:
            name = path.trigger.rpartition(":")[0] if path.trigger.startswith("cron:") else path.trigger
            lines = (f'[lineages."{lineage.name}"]', f'owner = "{name}"')
            title = f"declare {trigger_name(name)} the owner in /etc/certaudit.toml"
            yield Fix(title, True, lines, commands=False)
        return
    for path in armed:
        trigger = model.trigger(path.trigger)
        if path.id != lineage.owner and trigger is not None:
            yield switch_off(model, trigger)
