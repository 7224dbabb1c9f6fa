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

from certaudit.catalogue import mechanism_of_file, mechanism_of_unit
from certaudit.linking.reach import AUTORENEW_OFF
from certaudit.linking.words import listing, trigger_name
from certaudit.model import Evidence, Finding, Fix, Lineage, Model, RenewalPath, Severity

SEVERITIES: tuple[Severity, ...] = ("high",)
ASPECTS = ("certificates", "renewal")
SUBJECT = "renewal"


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage that its own conf keeps from being renewed by anybody."""
    for lineage in model.lineages:
        blocked = [p for p in model.paths if is_blocked(model, p, lineage)]
        if not lineage.autorenew and not lineage.renewers and blocked:
            names = listing([trigger_name(p.trigger) for p in blocked])
            conf = Evidence(lineage.renewal_conf, None, "autorenew = False")
            lines = [Evidence(step.path, step.line, step.text) for p in blocked for step in p.chain]
            yield Finding(
                subject=lineage.name,
                severity="high",
                message=f"autorenew = False in {lineage.renewal_conf} also stops {names}",
                confidence="high",
                evidence=(conf, *lines),
                fixes=(
                    Fix("take the line out of the conf, and switch off the other paths", True, ()),
                    Fix("or add --force-renewal to the owner's call", True, ()),
                ),
            )


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
