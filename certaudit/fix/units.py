"""How units are switched off: the system's and those of users' own managers.

Law: by links, as systemctl(1) disable and mask do, so that a host and an image are changed alike; a
running unit is stopped first, a service in the middle of a renewal never is. What a user's manager
reads is changed in that user's directory and stays that user's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from certaudit.catalogue import mechanism_of_unit
from certaudit.facts import Unit
from certaudit.fix.sight import CannotError, Sight, created
from certaudit.linking.words import listing, off_commands, trigger_name
from certaudit.model import Model, RenewalPath, Trigger
from certaudit.plan import Action, Node, PutLink, RemoveLink, StopUnit

MASK = "/dev/null"
SYSTEM = "/etc/systemd/system"
SWITCHED = ("/etc/", "/run/")  # where systemctl(1) disable takes links away
RESTING = frozenset({None, "inactive", "failed"})
DROP_IN = "zz-certaudit.conf"
# An empty assignment takes back all that was assigned before; a path or socket unit without anything
# to watch is refused by the manager (systemd.timer(5), systemd.path(5), systemd.socket(5)).
EMPTY = {
    "timer": "[Timer]\nOnCalendar=\n",
    "path": "[Path]\nPathChanged=\n",
    "socket": "[Socket]\nListenStream=\n",
}
DISABLED = (
    "A disabled unit is the absence of a link: reinstallation after a purge, /etc restored on a new "
    "server and a first boot that applies presets enable it again."
)
MASKED = (
    "The mask, a link in /etc, holds over upgrades, reinstallation, a restored /etc and first boots; "
    "only `systemctl unmask` ends it."
)
MASKED_FOR_USER = "The mask, a link in the user's own directory, holds until somebody takes it away."
EMPTIED = "The drop-in holds over upgrades and first boots, until somebody takes it away."


class Off(Struct, frozen=True):
    """The actions that switch a trigger off, and what is to be said of them."""

    title: str
    actions: tuple[Action, ...]
    lasts: str
    notes: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    reload: bool = False
    user: str | None = None
    background: tuple[str, ...] = ()


def unit_off(model: Model, trigger: Trigger, sight: Sight, remedy: Literal["d", "e"]) -> Off:
    """Stop and disable a unit, and with (e) keep it off. Raise ``CannotError``."""
    name = trigger_name(trigger.id)
    shipped = mechanism_of_unit(name)
    if name.startswith("snap.") or (shipped and shipped.packaging == "snap"):
        raise CannotError(
            f"snapd writes {name} anew at each refresh, so only snapd can switch it off, and keeps a "
            "timer off only from snapd 2.61 on (`snap version` tells)",
            *off_commands(trigger),
        )
    pulled = pulled_in(model, trigger)
    if pulled:
        return service_masked(model, trigger, pulled, sight, remedy)
    unit = sight.unit(name)
    if unit is None:
        raise CannotError(f"{name} is not there any more")
    stop = stopped(model, trigger, unit)
    plain: tuple[str, str, tuple[Action, ...]] = ("disable", DISABLED, ())
    word, lasts, more = kept_off(model, unit, trigger, sight) if remedy == "e" else plain
    notes: tuple[str, ...] = ()
    if unit.mask is not None and stop:
        notes = (f"{name} runs although it is masked: undo can not start it again.",)
    actions = (*stop, *disabled(unit, sight), *more)
    return Off(
        f"{word} {name}", actions, lasts, notes, reload=True, user=unit.manager,
        background=(shipped.returns,) if shipped else (),
    )  # fmt: skip


def stopped(model: Model, trigger: Trigger, unit: Unit) -> tuple[StopUnit, ...]:
    """Stop what runs. Raise ``CannotError`` for a service that is at work."""
    if not model.host.live or unit.active_state in RESTING:
        return ()
    name = f"{unit.manager}/{unit.name}" if unit.manager else unit.name
    if trigger.kind == "boot" and unit.active_state in ("activating", "deactivating", "reloading"):
        raise CannotError(
            f"{name} is at work right now, and is not interrupted: try again when it ended"
        )
    return (StopUnit(name, unit.active_state or "", unit.mask is not None),)


def disabled(unit: Unit, sight: Sight) -> Iterator[Action]:
    """Take the links away that pull a unit in; those that a package ships in /usr stay.

    For a user's manager only that user's own links count: those in /etc are every user's.
    """
    own = user_directory(unit, sight)
    where = (f"{own}/",) if own else SWITCHED
    for link in unit.links:
        place = sight.place(link.path, follow=False)
        if place and place.startswith(where) and (node := sight.node(place)).kind == "link":
            yield RemoveLink(place, node)


def user_directory(unit: Unit, sight: Sight) -> str | None:
    """Where a user keeps units, or ``None`` for the system's.

    Raise ``CannotError`` where it, or the unit's own drop-in directory, leads out of the user's home: a
    file made there would be the user's in a place that is not.
    """
    if unit.manager is None:
        return None
    home = sight.home(unit.manager) or f"/home/{unit.manager}"
    named = f"{home}/.config/systemd/user"
    folder, inside = sight.place(named), sight.place(home)
    drop_ins = sight.place(f"{folder}/{unit.name}.d")
    straight = folder is not None and inside is not None and folder.startswith(f"{inside}/")
    if not straight or drop_ins != f"{folder}/{unit.name}.d":
        raise CannotError(f"{named} is a link or leads through one", *off_by_user(unit))
    return folder


def off_by_user(unit: Unit) -> tuple[str, ...]:
    """How a user's unit is switched off by hand."""
    return (f"systemctl --user -M {unit.manager}@ disable --now {unit.name}",)


def kept_off(
    model: Model, unit: Unit, trigger: Trigger, sight: Sight
) -> tuple[str, str, tuple[Action, ...]]:
    """A mask; where the unit's own file is in its place, a drop-in that leaves nothing to wait for."""
    folder = user_directory(unit, sight) or SYSTEM
    place = sight.place(f"{folder}/{unit.name}", follow=False)
    if place is None:
        raise CannotError(f"{folder}/{unit.name} can not be made: there is no {folder}")
    others = beside_boot(model, trigger)
    if others:
        raise CannotError(
            f"{listing(others)} starts {unit.name} too, so it can not be masked; remedy d only keeps it "
            "from starting at boot",
            others=("d",),
        )
    owner = sight.node(folder) if unit.manager else Node("directory")
    node = sight.node(place)
    lasts = MASKED_FOR_USER if unit.manager else MASKED
    if node.kind == "link" and node.target == MASK:
        return "disable and mask", lasts, ()
    if node.kind in ("absent", "link"):
        mask = Node("link", uid=owner.uid, gid=owner.gid, target=MASK)
        return "disable and mask", lasts, (PutLink(place, node, mask),)
    if trigger.kind not in EMPTY:
        return "disable", f"{DISABLED} It can not be masked: its own file is in {folder}.", ()
    text = (
        f"# Written by certaudit: this {trigger.kind} must not start anything. A mask can not be laid "
        f"over a unit in {folder}.\n{EMPTY[trigger.kind]}"
    )
    drop_in = created(sight, f"{place}.d/{DROP_IN}", text, 0o644, owner)
    what = "times" if trigger.kind == "timer" else "conditions"
    return f"disable and empty the {what} of", EMPTIED, drop_in


def beside_boot(model: Model, trigger: Trigger) -> list[str]:
    """The other armed triggers of a service that starts at boot: a mask would stop them too."""
    name = trigger_name(trigger.id)
    armed = [p for p in model.paths if p.armed and p.trigger != trigger.id]
    return sorted(
        {trigger_name(p.trigger) for p in armed if trigger.kind == "boot" and name in units(p)}
    )


def units(path: RenewalPath) -> list[str]:
    """The units between a path's trigger and its client."""
    return [part for part in path.id.split(">")[1:] if part.endswith(".service")]


def pulled_in(model: Model, trigger: Trigger) -> list[str]:
    """The units that a trigger's own service brings along and that call the client, if all calls are so.

    The trigger itself then serves another purpose, and switching it off would end that.
    """
    chains = [units(p) for p in model.paths if p.trigger == trigger.id and p.armed and p.lineages]
    direct = 0 if trigger.kind == "boot" else 1
    if not chains or any(len(chain) <= direct for chain in chains):
        return []
    return list(dict.fromkeys(chain[-1] for chain in chains))


def service_masked(
    model: Model, trigger: Trigger, services: list[str], sight: Sight, remedy: Literal["d", "e"]
) -> Off:
    """Mask the service that another one pulls in; what pulls it in goes on. Raise ``CannotError``."""
    name = trigger_name(trigger.id)
    if remedy == "d" or len(services) > 1 or "/" in name:
        raise CannotError(
            f"{name} starts {listing(services)} only by the way of another service, and switching it "
            "off would end that too: take the reference to it out of that service",
            f"systemctl list-dependencies --reverse {services[0]}",
            others=("e",) if len(services) == 1 and "/" not in name else (),
        )
    service = services[0]
    unit = sight.unit(service)
    others = {p.trigger for p in model.paths if p.armed and service in units(p)} - {trigger.id}
    chains = [units(p) for p in model.paths if p.trigger == trigger.id and service in units(p)]
    pullers = [sight.unit(puller) for chain in chains for puller in chain[:-1]] + [sight.unit(name)]
    needed = [u.name for u in pullers if u and requires(u, service)]
    place = sight.place(f"{SYSTEM}/{service}", follow=False)
    node = sight.node(place) if place else None
    if unit is None or place is None or node is None or node.kind not in ("absent", "link"):
        raise CannotError(f"{service} can not be masked: its own file is in {SYSTEM}")
    if others or needed:
        who = listing([*needed, *(trigger_name(t) for t in sorted(others))])
        raise CannotError(f"{service} can not be masked: {who} needs it")
    mask = PutLink(place, node, Node("link", target=MASK))
    notes = (
        f"{name} goes on; what it starts does not bring {service} along any more.",
        f"{service} can not be started by hand either, until it is unmasked.",
    )
    return Off(f"mask {service}, which {name} brings along", (mask,), MASKED, notes, reload=True)


def requires(unit: Unit, service: str) -> bool:
    """Would a unit fail to start without this service (systemd.unit(5), Requires=, BindsTo=)?"""
    keys = ("Requires", "BindsTo", "Requisite")
    return any(service in s.value.split() for key in keys for s in unit.all("Unit", key))
