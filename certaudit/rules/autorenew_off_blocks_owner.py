"""autorenew = False keeps the owner from renewing too

What. The lineage's conf says `autorenew = False`, and the path that is meant to renew it calls certbot
in a way that honours it: plain `renew`, or `certonly --keep-until-expiring`.

Why it matters. The switch was meant for the packaged timer. It stops the owner's job as well, without
a word in any log: certbot says "not yet due".

How to fix. Take the line out and switch the timer off instead, or let the owner force its renewal.

Severity. High.

References. certbot/_internal/renewal.py (should_autorenew); certbot issue 9875.
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.linking.ownership import blocked_by_conf
from certaudit.linking.words import listing, trigger_name
from certaudit.model import Evidence, Finding, Fix, Model, Severity

SEVERITIES: tuple[Severity, ...] = ("high",)
ASPECTS = ("certificates", "renewal")
SUBJECT = "renewal"


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage that its own conf keeps from being renewed by anybody."""
    for lineage in model.lineages:
        blocked = blocked_by_conf(model, lineage)
        if blocked:
            names = listing([trigger_name(p.trigger) for p in blocked])
            conf = Evidence(lineage.renewal_conf, None, "autorenew = False")
            lines = [Evidence(step.path, step.line, step.text) for p in blocked for step in p.chain]
            yield Finding(
                subject=lineage.name,
                severity="high",
                message=(
                    f"nothing renews {lineage.name}: autorenew = False in {lineage.renewal_conf} "
                    f"also stops {names}"
                ),
                confidence="high",
                evidence=(conf, *lines),
                fixes=(
                    Fix("take the line out of the conf, and switch off the other paths", True, ()),
                    Fix("or add --force-renewal to the owner's call", True, ()),
                ),
            )
