"""A certificate has expired, or will before anything renews it

What. The live generation has expired, or fewer days are left than any renewal should leave: it is due,
and at least a third of the time between the due date and the expiry has gone by. Or nothing that renews
it fires before it expires: a job that runs once a year.

Why it matters. Renewals are tried and fail, or nothing tries. Clients refuse the certificate from the
moment it expires.

How to fix. Read why the last runs failed (`certaudit why NAME`), then renew by the owner's own job.

Severity. High where it has expired or does so within 7 days; medium otherwise. An expired lineage that
nothing refers to, for more than 30 days, is info: a left-over.

References. certbot/_internal/renewal.py (should_autorenew).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from shlex import join, quote

from certaudit.linking.words import day, listing, trigger_name
from certaudit.model import Evidence, Finding, Fix, Lineage, Model, RenewalPath, Severity

SEVERITIES: tuple[Severity, ...] = ("info", "medium", "high")
ASPECTS = ("certificates", "renewal")
SUBJECT = "renewal"
SOON = timedelta(days=7)
LEFT_OVER = timedelta(days=30)


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage that is past its time."""
    now = model.host.as_of
    for lineage in model.lineages:
        if lineage.not_after is None:
            continue
        if late(lineage, lineage.not_after, now):
            yield finding(model, lineage, lineage.not_after)
        elif rare := fires_too_late(model, lineage, lineage.not_after):
            yield not_in_time(model, lineage, lineage.not_after, rare)


def late(lineage: Lineage, expiry: datetime, now: datetime) -> bool:
    """Expired, or due for so long that the renewals must be failing."""
    if now >= expiry:
        return True
    return lineage.due is not None and now >= lineage.due + (expiry - lineage.due) / 3


def fires_too_late(model: Model, lineage: Lineage, expiry: datetime) -> tuple[tuple[str, datetime], ...]:
    """The triggers that renew a lineage with their next firings, if all of these come too late."""
    found: dict[str, datetime] = {}
    for path in model.renewers(lineage):
        trigger = model.trigger(path.trigger)
        after = trigger.schedule.next_earliest if trigger and trigger.schedule else None
        if after is None or after < expiry:
            return ()
        found[path.trigger] = after
    return tuple(found.items())


def not_in_time(
    model: Model, lineage: Lineage, expiry: datetime, rare: tuple[tuple[str, datetime], ...]
) -> Finding:
    """What fires next, and that this is after the end."""
    when = listing([f"{trigger_name(trigger)} on {day(after)}" for trigger, after in rare])
    message = f"{lineage.name} expires on {day(expiry)}, before anything renews it: next is {when}"
    paths = model.renewers(lineage)
    lines = [Evidence(step.path, step.line, step.text) for path in paths for step in path.chain[:1]]
    severity: Severity = "high" if expiry - model.host.as_of < SOON else "medium"
    fix = Fix("let it run at least once a week, better twice a day", True, ())
    return Finding(lineage.name, severity, message, "high", tuple(dict.fromkeys(lines)), (fix,))


def finding(model: Model, lineage: Lineage, expiry: datetime) -> Finding:
    """How late one lineage is."""
    now = model.host.as_of
    used = any(d.lineage == lineage.name for d in model.deployments)
    severity: Severity = "high" if expiry - now < SOON else "medium"
    if now - expiry > LEFT_OVER and not used:
        severity = "info"
    if now >= expiry:
        message = f"{lineage.name} expired on {day(expiry)}"
    else:
        message = f"{lineage.name} expires on {day(expiry)} and has been due since {day(lineage.due)}"
    failed = [
        r for r in model.runs for o in r.outcomes if o.lineage == lineage.name and o.outcome == "failed"
    ]
    lines = [Evidence(lineage.renewal_conf)]
    if failed:
        message += f"; {len(failed)} runs tried and failed"
        lines += [e for o in failed[-1].outcomes if o.outcome == "failed" for e in o.evidence]
    owner = model.path(lineage.owner)
    how = f"run {trigger_name(owner.trigger)}'s job by hand" if owner else "renew it by hand"
    commands = by_hand(model, owner) if owner else ()
    return Finding(lineage.name, severity, message, "high", tuple(lines), (Fix(how, True, commands),))


def by_hand(model: Model, owner: RenewalPath) -> tuple[str, ...]:
    """The command that does all of an owner's job and not only its call of the client, if known."""
    trigger, first, last = model.trigger(owner.trigger), owner.chain[0].path, owner.chain[-1].path
    if first.endswith(".service"):
        return (f"systemctl start {quote(PurePosixPath(first).name)}",)
    if trigger is None or last != trigger.source.path:  # a script, here if it is called as it stands
        return (quote(last),) if owner.chain[0].text.endswith(f" {last}") else ()
    return () if "?" in owner.argv else (join(owner.argv),)
