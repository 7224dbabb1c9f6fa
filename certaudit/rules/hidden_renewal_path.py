"""A certificate is renewed behind its owner's back

What. An armed path other than the owner can renew the lineage, and leaves out some of what the owner
does afterwards: copying the certificate to where it is used, sending it to other hosts, reloading.

Why it matters. Whichever path runs first renews; the other finds nothing due. When the hidden path
wins, the certificate on this host is new and everything that the owner feeds keeps the old one until
it expires. Nothing fails, so nobody is told.

How to fix. Either let every path do the whole work, by moving the distribution into an executable
script under /etc/letsencrypt/renewal-hooks/deploy, which certbot runs after each renewal on every
path; or switch the hidden path off. `certaudit why NAME` shows both paths with their lines.

Severity. High; low where the owner's steps run on its own schedule whatever happened, so that the
copies are late and not lost.

References. certbot's user guide, "Renewing certificates"; systemd.timer(5); certbot issue 7826.
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.linking.history.past_words import came
from certaudit.linking.ownership import RENEWERS, catches_up, left_out
from certaudit.linking.words import day, moment, path_name, span, switch_off, trigger_name
from certaudit.model import (
    Confidence,
    Evidence,
    Finding,
    Fix,
    Generation,
    Lineage,
    Model,
    RenewalPath,
    Severity,
)

SEVERITIES: tuple[Severity, ...] = ("low", "high")
ASPECTS = RENEWERS
SUBJECT = "renewal"


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage, about all the paths hidden for it."""
    for lineage in model.lineages:
        owner = model.path(lineage.owner)
        hidden = [p for p in model.renewers(lineage) if lineage.name in p.hidden_for]
        if owner is not None and hidden:
            yield finding(model, lineage, owner, hidden)


def finding(model: Model, lineage: Lineage, owner: RenewalPath, hidden: list[RenewalPath]) -> Finding:
    """What is hidden from this owner, since when, and what to do."""
    late = catches_up(owner, lineage.name)
    names = ", ".join(trigger_name(p.trigger) for p in hidden)
    message = f"{names} can renew {lineage.name} and leaves out what {path_name(owner.id)} does after it"
    message += history(lineage, hidden) + since(model, hidden)
    if late:
        trigger = model.trigger(owner.trigger)
        gap = trigger.schedule.longest_gap if trigger and trigger.schedule else None
        message += f"; the copies follow when the owner runs next, up to {span(gap)} later"
    sure = all(p.certain for p in (*hidden, owner))
    confidence: Confidence = "high" if sure else "medium"
    return Finding(
        subject=lineage.name,
        severity="low" if late else "high",
        message=message,
        confidence=confidence,
        evidence=evidence(model, lineage, owner, hidden),
        fixes=tuple(fixes(model, lineage, owner, hidden)),
    )


def history(lineage: Lineage, hidden: list[RenewalPath]) -> str:
    """How often and since when a hidden path won, as far as the evidence goes."""
    won = stolen(lineage, hidden)
    if not won:
        return ""
    times = "once" if len(won) == 1 else f"{len(won)} times"
    first, last = won[0], won[-1]
    when = f"on {moment(last.written)}"
    if len(won) > 1:
        when = f"since {day(first.written)}, last on {moment(last.written)}"
    return f"; it did so {times} that the logs still show, {when} (generation {last.number})"


def since(model: Model, hidden: list[RenewalPath]) -> str:
    """Since when the hidden paths are there, where a package's log tells."""
    found = [model.history.arrival(trigger) for trigger in dict.fromkeys(p.trigger for p in hidden)]
    return "".join(f"; {came(arrival)}" for arrival in found if arrival and arrival.time)


def stolen(lineage: Lineage, hidden: list[RenewalPath]) -> list[Generation]:
    """The generations that the hidden paths made."""
    triggers = {path.trigger for path in hidden}
    return [g for g in lineage.generations if g.made_by.trigger in triggers]


def evidence(
    model: Model, lineage: Lineage, owner: RenewalPath, hidden: list[RenewalPath]
) -> tuple[Evidence, ...]:
    """The lines of both chains, the conf that remembers, what is left out, and what brought it."""
    found = [model.history.arrival(path.trigger) for path in hidden]
    brought = [line for arrival in found if arrival and arrival.time for line in arrival.evidence[:1]]
    lines = [Evidence(step.path, step.line, step.text) for path in hidden for step in path.chain]
    lines += [*brought, *lineage.remembered]
    lines += [Evidence(step.path, step.line, step.text) for step in owner.chain]
    for path in hidden:
        for step in left_out(path, owner, lineage.name):
            lines.append(Evidence(step.source.path, step.source.line, step.command))
    return tuple(dict.fromkeys(lines))


def fixes(
    model: Model, lineage: Lineage, owner: RenewalPath, hidden: list[RenewalPath]
) -> Iterator[Fix]:
    """Switch the hidden path off, or let every path distribute."""
    for path in hidden:
        trigger = model.trigger(path.trigger)
        if trigger is not None:
            yield switch_off(model, trigger)
    hook = f"{lineage.config_dir}/renewal-hooks/deploy/{lineage.name}"
    yield Fix(
        "or keep both and let every path distribute: write what "
        f"{owner.chain[-1].path} does after its certbot call into {hook}, and make it executable",
        True,
    )
