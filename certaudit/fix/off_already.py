"""What was found switched off, and what would bring it back.

Law: only a trigger that would renew a certificate beside its owner is spoken of, and only where an
event other than a person's own hand switches it on again.
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.catalogue import mechanism_of_file
from certaudit.fix.units import DISABLED
from certaudit.linking.ownership import reachable
from certaudit.linking.words import trigger_name
from certaudit.model import Model, Trigger

UNTIL_BOOT = "The mask lies in /run: the next boot ends it."


def off_already(model: Model) -> Iterator[str]:
    """One sentence or two for each such trigger, in the report's order."""
    for trigger in model.triggers:
        if trigger.state == "off" and would_interfere(model, trigger):
            returns = what_returns(trigger)
            if returns:
                yield f"{trigger_name(trigger.id)} is off already. {returns}"


def would_interfere(model: Model, trigger: Trigger) -> bool:
    """Would it renew a certificate that another path owns, if it were on?"""
    names = {name for p in model.paths if p.trigger == trigger.id for name in reachable(p)}
    owners = {x.name: model.path(x.owner) for x in model.lineages if x.name in names}
    return any(owner is not None and owner.trigger != trigger.id for owner in owners.values())


def what_returns(trigger: Trigger) -> str | None:
    """What switches a trigger on again that is off, or ``None``."""
    code = trigger.reasons[0].code if trigger.reasons else ""
    if trigger.file_state == "masked-runtime":
        return UNTIL_BOOT
    if code == "not-enabled":
        return f"It is disabled only. {DISABLED}"
    if trigger.kind == "cron":
        directory, _, name = trigger.source.path.rpartition("/")
        shipped = mechanism_of_file(f"{directory}/{name.lstrip('.').partition('.')[0]}")
        if shipped and name.endswith(".diverted"):
            return None
        return shipped.returns if shipped else None
    return None
