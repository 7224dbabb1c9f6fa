"""Nothing renews a certificate

What. No armed path can renew the lineage: every trigger that could is off, dormant, or passes it over.

Why it matters. It works until the day it expires.

How to fix. Switch one path on: the package's timer, or the job that used to do it. Where the lineage
itself says `autorenew = False`, only a forced renewal or a changed conf helps; where that line stops the
very job that is meant to renew it, `autorenew-off-blocks-owner` says so instead of this rule.

Severity. High while the certificate is used and not yet expired for long; low for a lineage that
expired more than 30 days ago and that nothing refers to (a left-over).

References. certbot's user guide, "Automated Renewals"; certbot issues 8889 and 9525.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from certaudit.linking.ownership import RENEWERS, blocked_by_conf, unseen
from certaudit.linking.words import day, trigger_name
from certaudit.model import Evidence, Finding, Fix, Lineage, Model, Reason, RenewalPath, Severity

SEVERITIES: tuple[Severity, ...] = ("low", "high")
ASPECTS = RENEWERS
SUBJECT = "renewal"
LEFT_OVER = timedelta(days=30)


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage without an armed path."""
    for lineage in model.lineages:
        told = lineage.renewers or lineage.broken or blocked_by_conf(model, lineage)
        if not told and unseen(model.gaps) is None:
            yield finding(model, lineage)


def finding(model: Model, lineage: Lineage) -> Finding:
    """Why nothing renews one lineage."""
    would = [p for p in model.paths if lineage.name in p.lineages or lineage.name in dict(p.skipped)]
    message = f"nothing renews {lineage.name}"
    if lineage.not_after:
        message += f"; it expires on {day(lineage.not_after)}"
    because = [why(model, path, lineage) for path in would]
    if because:
        message += ": " + "; ".join(dict.fromkeys(because))
    old = lineage.not_after is not None and model.host.as_of - lineage.not_after > LEFT_OVER
    used = any(d.lineage == lineage.name for d in model.deployments)
    lines = [Evidence(lineage.renewal_conf)]
    lines += [Evidence(step.path, step.line, step.text) for path in would for step in path.chain[:1]]
    return Finding(
        subject=lineage.name,
        severity="low" if old and not used else "high",
        message=message,
        confidence="high",
        evidence=tuple(dict.fromkeys(lines)),
        fixes=fixes(model, would),
    )


def why(model: Model, path: RenewalPath, lineage: Lineage) -> str:
    """Why one path does not renew a lineage: its trigger's own state first."""
    name = trigger_name(path.trigger)
    trigger = model.trigger(path.trigger)
    skipped = dict(path.skipped).get(lineage.name)
    if skipped and (trigger is None or trigger.armed):
        return f"{name} passes it over ({skipped})"
    reasons = path.reasons or (trigger.reasons if trigger else ())
    if not reasons:
        return name
    told = [reason.text for reason in reasons[:1]]
    told += [reason.text for reason in reasons[1:] if reason.code == "refused"]
    return f"{name} is {trigger.state if trigger else 'off'} ({'; '.join(told)})"


def fixes(model: Model, would: list[RenewalPath]) -> tuple[Fix, ...]:
    """Mend, or switch on, the first that could."""
    for path in would:
        trigger = model.trigger(path.trigger)
        reasons = {reason.code: reason for reason in (trigger.reasons if trigger else ())}
        if "hook-missing" in reasons:
            return (Fix("put the hook's program back, or correct the line that names it", True),)
        mends = (correct(reasons["refused"]),) if "refused" in reasons else ()
        if trigger and trigger.kind == "timer" and "/" not in trigger_name(trigger.id):
            name = trigger_name(trigger.id)
            unmask = (f"systemctl unmask {name}",) if "masked" in reasons else ()
            on = Fix(f"switch {name} on", True, (*unmask, f"systemctl enable --now {name}"))
            return mends if mends and trigger.state == "dormant" else (*mends, on)
        if mends:
            return mends
    return (Fix("let a timer or a cron job run `certbot -q renew` twice a day", True, ()),)


def correct(refused: Reason) -> Fix:
    """What to write otherwise, in the line of the call or in the ``cli.ini`` that it reads."""
    places = (f"{e.where}:{e.line}" if e.line else e.where for e in refused.evidence[:1])
    where = "".join(f" (called at {place})" for place in places)
    return Fix(f"correct it: {refused.text}{where}", True)
