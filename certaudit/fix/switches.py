"""Remedies (d) and (e): how each kind of trigger is switched off, and what would bring it back.

Law: reversible and never a purge. A unit is switched off by its links, as systemctl(1) disable and mask
do, so that a host and an image are changed alike; a running one is stopped first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from certaudit.catalogue import Mechanism, mechanism_of_file, mechanism_of_unit
from certaudit.facts import Unit
from certaudit.fix.sight import CannotError, Sight, created, edited
from certaudit.linking.words import off_commands, trigger_name
from certaudit.model import Model, Trigger
from certaudit.plan import ABSENT, Action, ChangeMode, MoveFile, Node, PutLink, RemoveLink, StopUnit

SWITCHED = ("/etc/", "/run/")  # where systemctl(1) disable takes links away
MASK = "/dev/null"
RESTING = frozenset({None, "inactive", "failed"})
DIVERSIONS = "/var/lib/dpkg/diversions"
DPKG_LOCK = "/var/lib/dpkg/lock"
NO_TIMES = (
    "# Written by certaudit: this timer must not fire. A mask can not be laid over a unit in /etc.\n"
    "[Timer]\nOnCalendar=\n"
)
DISABLED = (
    "A disabled unit is the absence of a link: reinstallation after a purge, /etc restored on a new "
    "server and a first boot that applies presets enable it again."
)
MASKED = (
    "The mask, a link in /etc, holds over upgrades, reinstallation, a restored /etc and first boots; "
    "only `systemctl unmask` ends it."
)
EMPTIED = "The drop-in in /etc holds over upgrades and first boots, until somebody takes it away."


@dataclass(frozen=True, slots=True)
class Off:
    """The actions that switch a trigger off, and what is to be said of them."""

    title: str
    actions: tuple[Action, ...]
    lasts: str
    notes: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    reload: bool = False


def switched_off(model: Model, trigger: Trigger, sight: Sight, remedy: Literal["d", "e"]) -> Off:
    """How this trigger is switched off. Raise ``CannotError`` where a person has to do it."""
    if trigger.kind in ("timer", "path", "socket"):
        return unit_off(model, trigger, sight, remedy)
    if trigger.kind == "cron":
        return cron_off(model, trigger, sight, remedy)
    if trigger.kind == "anacron":
        return line_off(trigger, sight)
    if trigger.kind == "run-parts":
        return script_off(trigger, sight)
    name = trigger_name(trigger.id)
    raise CannotError(f"certaudit does not switch off a {trigger.kind} trigger: {name}")


def unit_off(model: Model, trigger: Trigger, sight: Sight, remedy: Literal["d", "e"]) -> Off:
    """Stop and disable a unit, and with (e) mask it or empty its times."""
    name = trigger_name(trigger.id)
    shipped = mechanism_of_unit(name)
    unit = sight.unit(name) if "/" not in name else None
    if name.startswith("snap.") or (shipped and shipped.packaging == "snap"):
        why = f"snapd writes {name} anew at each refresh, so only snapd can switch it off"
        raise CannotError(why, *off_commands(trigger))
    if "/" in name:
        raise CannotError(f"{name} belongs to a user's own manager", *off_commands(trigger))
    if unit is None:
        raise CannotError(f"{name} is not there any more")
    actions: list[Action] = []
    if model.host.live and unit.active_state not in RESTING:
        actions.append(StopUnit(unit.name, unit.active_state or "", unit.mask is not None))
    actions += disabled(unit, sight)
    word, lasts = "disable", DISABLED
    if remedy == "e":
        word, lasts, more = kept_off(unit, trigger, sight)
        actions += more
    known = shipped.returns if shipped else ""
    notes: tuple[str, ...] = (f"What is known of it: {known}",) if known else ()
    if unit.mask is not None and isinstance(actions[0] if actions else None, StopUnit):
        notes += (f"{name} runs although it is masked: undo can not start it again.",)
    return Off(f"{word} {name}", tuple(actions), lasts, notes, reload=True)


def disabled(unit: Unit, sight: Sight) -> Iterator[Action]:
    """Take the links away that pull a unit in; those that a package ships in /usr stay."""
    for link in unit.links:
        place = sight.place(link.path, follow=False)
        if place and place.startswith(SWITCHED) and (node := sight.node(place)).kind == "link":
            yield RemoveLink(place, node)


def kept_off(unit: Unit, trigger: Trigger, sight: Sight) -> tuple[str, str, tuple[Action, ...]]:
    """A mask; where the unit's own file is in its place, a drop-in that leaves a timer no times."""
    path = f"/etc/systemd/system/{unit.name}"
    place = sight.place(path, follow=False)
    if place is None:
        raise CannotError(f"{path} can not be made: there is no /etc/systemd/system")
    node = sight.node(place)
    if node.kind == "link" and node.target == MASK:
        return "disable and mask", MASKED, ()
    if node.kind in ("absent", "link"):
        return "disable and mask", MASKED, (PutLink(place, node, Node("link", target=MASK)),)
    if trigger.kind != "timer":
        return "disable", DISABLED, ()
    drop_in = created(sight, f"{place}.d/zz-certaudit.conf", NO_TIMES, 0o644)
    return "disable and empty the times of", EMPTIED, drop_in


def cron_off(model: Model, trigger: Trigger, sight: Sight, remedy: Literal["d", "e"]) -> Off:
    """Comment the line out; with (e) a package's own file is diverted as dpkg-divert(1) does."""
    shipped = mechanism_of_file(trigger.source.path)
    debian = shipped is not None and shipped.packaging == "deb" and model.host.cron == "vixie-debian"
    if remedy == "e" and debian and sight.place(DIVERSIONS) is not None:
        return diverted(trigger, sight)
    return line_off(trigger, sight, shipped)


def line_off(trigger: Trigger, sight: Sight, shipped: Mechanism | None = None) -> Off:
    """A ``#`` in front of one line."""
    path, number = trigger.source.path, trigger.source.line or 0

    def comment(text: str) -> str:
        lines = text.splitlines(keepends=True)
        if not 0 < number <= len(lines) or not lines[number - 1].strip(" \t\r\n#"):
            raise CannotError(f"{path} has no command on line {number} any more")
        lines[number - 1] = "#" + lines[number - 1]
        return "".join(lines)

    lasts = "It stays off until somebody takes the # away."
    if shipped is not None:
        lasts = shipped.returns
    return Off(f"comment out line {number} of {path}", (edited(sight, path, comment),), lasts)


def diverted(trigger: Trigger, sight: Sight) -> Off:
    """Move the packaged file to a name cron does not read, and tell dpkg that it lives there now."""
    place = sight.place(trigger.source.path, follow=False)
    node = sight.node(place) if place else ABSENT
    if place is None or node.kind != "file":
        raise CannotError(f"{trigger.source.path} is no file")
    away = f"{trigger.source.path}.diverted"
    if sight.node(f"{place}.diverted").kind != "absent":
        raise CannotError(f"{away} is there already")
    entry = f"{trigger.source.path}\n{away}\n:\n"
    database = sight.place(DIVERSIONS) or DIVERSIONS
    if sight.node(database).kind == "file":
        record: tuple[Action, ...] = (edited(sight, database, lambda text: text + entry),)
    else:
        record = created(sight, database, entry, 0o644)
    lasts = "dpkg keeps a diverted file away over upgrades and asks nothing; undo ends the diversion."
    title = f"divert {trigger.source.path}"
    return Off(title, (MoveFile(place, node, f"{place}.diverted"), *record), lasts, locks=(DPKG_LOCK,))


def script_off(trigger: Trigger, sight: Sight) -> Off:
    """Take the execute bits of a run-parts(8) script away."""
    place = sight.place(trigger.source.path, follow=False)
    node = sight.node(place) if place else ABSENT
    if place is None or node.kind != "file":
        raise CannotError(f"{trigger.source.path} is no file of its own", *off_commands(trigger))
    after = replace(node, mode=(node.mode or 0) & ~0o111, mtime=None)
    lasts = "It stays off until somebody makes it executable again, as a package that owns it may do."
    return Off(f"make {trigger.source.path} not executable", (ChangeMode(place, node, after),), lasts)
