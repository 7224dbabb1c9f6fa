"""A certificate cannot be renewed without a person

What. An armed path would renew the lineage, but the way it was obtained needs a person or something
that is gone: the manual authenticator without a hook, a plugin that is not installed, a hook that is
missing or not executable.

Why it matters. Every renewal fails from the day it is due.

How to fix. Issue it again in a way that needs nobody, or put the hook or plugin back.

Severity. High where the lineage is due or will be within 30 days, medium otherwise.

References. certbot's user guide, "Manual"; certbot issues 7489 and 6280.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from certaudit.linking.words import day
from certaudit.model import Evidence, Finding, Fix, Lineage, Model, Severity

SEVERITIES: tuple[Severity, ...] = ("medium", "high")
ASPECTS = ("certificates", "renewal")
SUBJECT = "renewal"
SOON = timedelta(days=30)


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage whose authenticator cannot work alone."""
    for lineage in model.lineages:
        if lineage.unattended:
            yield finding(model, lineage)


def finding(model: Model, lineage: Lineage) -> Finding:
    """What a renewal would miss."""
    near = lineage.due is not None and lineage.due - model.host.as_of < SOON
    message = f"{lineage.name} cannot be renewed without a person: {lineage.unattended[0].text}"
    if lineage.not_after is not None:
        message += f"; it expires on {day(lineage.not_after)}"
    lines = tuple(e for reason in lineage.unattended for e in reason.evidence)
    return Finding(
        subject=lineage.name,
        severity="high" if near else "medium",
        message=message,
        confidence="high",
        evidence=lines or (Evidence(lineage.renewal_conf),),
        fixes=(
            Fix(
                "issue it again with an authenticator that works alone",
                True,
                (f"certbot certonly --cert-name {lineage.name} ...",),
            ),
        ),
    )
