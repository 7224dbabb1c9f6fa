"""How a trigger, a path and a moment are named to a person, in every rule and every output alike.

Law: short enough for one line of 80 columns, exact enough to type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from certaudit.catalogue import mechanism_of_file, mechanism_of_unit
from certaudit.model import Fix, Model, RenewalPath, Trigger

HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}")


def trigger_name(trigger_id: str) -> str:
    """``certbot.timer``, ``/etc/cron.d/wildcard:4``: an id without its kind."""
    return trigger_id.partition(":")[2]


def path_name(path_id: str) -> str:
    """The trigger of a path, and the script it runs if there is one."""
    trigger, *steps = path_id.split(">")
    scripts = [step for step in steps[:-1] if step.startswith("/")]
    name = trigger_name(trigger)
    return f"{name} ({scripts[0]})" if scripts else name


def moment(time: datetime | None) -> str:
    """A moment as a person reads it, in the machine's own zone."""
    return f"{time:%Y-%m-%d %H:%M}" if time else "an unknown moment"


def day(time: datetime | None) -> str:
    """A day as a person reads it."""
    return f"{time:%Y-%m-%d}" if time else "an unknown day"


def span(seconds: float | None) -> str:
    """A length of time in the unit a person would use."""
    if seconds is None:
        return "an unknown time"
    days = timedelta(seconds=seconds) / timedelta(days=1)
    if days >= 1.5:
        return f"{days:.0f} days"
    hours = seconds / 3600
    return f"{hours:.0f} hours" if hours >= 1.5 else count(round(seconds / 60), "minute")


def count(number: int, thing: str, things: str | None = None) -> str:
    """``1 copy``, ``2 copies``."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def listing(items: Sequence[str], most: int = 3) -> str:
    """A few items as a sentence has them."""
    shown = list(items[:most])
    rest = len(items) - len(shown)
    if rest:
        return ", ".join(shown) + f" and {rest} more"
    return " and ".join(shown) if len(shown) < 3 else ", ".join(shown[:-1]) + " and " + shown[-1]


def prompt(name: str, *, live: bool) -> str:
    """What stands before a command for another machine than this one, so that nobody runs it here.

    ``web1# ``, and ``image# `` where that machine's name is not known, or is none that may stand in a
    command line; nothing on the machine itself.
    """
    fit = name != "unknown" and HOST.fullmatch(name)
    return "" if live else f"{name if fit else 'image'}# "


def only_renewer_of(model: Model, trigger: Trigger) -> tuple[str, ...]:
    """The lineages that no armed path of another trigger could renew."""
    lost = []
    for lineage in model.lineages:
        triggers = {path.trigger for path in model.renewers(lineage)}
        if triggers == {trigger.id}:
            lost.append(lineage.name)
    return tuple(lost)


def switch_off(model: Model, trigger: Trigger) -> Fix:
    """How to switch a trigger off for good, and whether something else would be lost by it."""
    name = trigger_name(trigger.id)
    lost = only_renewer_of(model, trigger)
    title = f"switch {name} off"
    if lost:
        title += f" (then nothing renews {listing(lost)})"
    return Fix(title, not lost, off_commands(trigger))


def off_commands(trigger: Trigger) -> tuple[str, ...]:
    """The commands that switch a trigger off so that it stays off."""
    name = trigger_name(trigger.id)
    if trigger.kind == "cron":
        packaged = mechanism_of_file(trigger.source.path)
        if packaged and packaged.packaging == "deb":
            return packaged.off
        return (f"sed -i '{trigger.source.line}s/^/#/' {trigger.source.path}",)
    if trigger.kind == "run-parts":
        return (f"chmod -x {trigger.source.path}",)
    if trigger.kind == "anacron":
        return (f"sed -i '{trigger.source.line}s/^/#/' /etc/anacrontab",)
    if "/" in name:
        user, _, unit = name.partition("/")
        return (f"systemctl --user -M {user}@ disable --now {unit}",)
    shipped, in_etc = mechanism_of_unit(name), trigger.source.path.startswith("/etc/")
    if shipped:  # a file in /etc stands where the mask's link would
        return tuple(c for c in shipped.off if not (in_etc and c.startswith("systemctl mask ")))
    return (f"systemctl disable --now {name}", *(() if in_etc else (f"systemctl mask {name}",)))


def steps_of(path: RenewalPath) -> str:
    """What a path does after a renewal, in a few words."""
    own = [step for step in path.distribution if not step.shared]
    if not path.distribution:
        return "nothing"
    kinds = {
        "copy": "copies",
        "remote": "sends to other hosts",
        "reload": "reloads",
        "hook": "runs a hook",
    }
    words = dict.fromkeys(kinds.get(step.kind, "runs a command") for step in own or path.distribution)
    return ", ".join(words)
