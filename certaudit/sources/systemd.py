"""Timers, path and socket units, and boot services, as candidates for a trigger.

Law: a unit is judged here by its own switch alone (enabled, masked, active); whether its commands
reach a client is for linking to say. A static service is no trigger: it is what a trigger starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from certaudit.catalogue import mechanism_of_unit
from certaudit.errors import ParseError, UnreadableError
from certaudit.facts import Candidate, Entry, Unit
from certaudit.host.machine import Host
from certaudit.model import (
    ChainStep,
    Evidence,
    Gap,
    HalfSwitched,
    Reason,
    Schedule,
    Source,
    Trigger,
    TriggerState,
)
from certaudit.parsers import calendar
from certaudit.records import replace
from certaudit.sources.managers import managers
from certaudit.sources.services import Services
from certaudit.sources.timer_times import last_firing, schedule_of, times

ACTIVE = frozenset({"active", "activating", "reloading"})
ENABLED = frozenset({"enabled", "enabled-runtime", "generated", "transient"})
NEEDS_A_FIRST_RUN = frozenset({"OnUnitActiveSec", "OnUnitInactiveSec"})
KINDS = ("timer", "path", "socket")


class Switch(Struct, frozen=True):
    """A unit's own switch: the state it gives a trigger, and why."""

    state: TriggerState
    reasons: tuple[Reason, ...]
    half: HalfSwitched | None = None
    certain: bool = True
    gaps: tuple[Gap, ...] = ()


def collect(host: Host) -> tuple[tuple[Candidate, ...], tuple[HalfSwitched, ...]]:
    """Every timer, path, socket and boot service with the commands it starts, and the half-switched."""
    candidates: list[Candidate] = []
    half: list[HalfSwitched] = []
    for manager in managers(host):
        services = Services(host, manager)
        for name in manager.systemd.names():
            unit = manager.systemd.unit(name) if name.rpartition(".")[2] in KINDS else None
            if unit is None or unit.name != name or is_template(name):
                continue
            switch = with_vain_mask(judge(unit, host), unit)
            candidates.append(from_unit(unit, switch, host, services))
            half.extend([switch.half] if switch.half else [])
        candidates.extend(boot_services(services))
    return tuple(candidates), tuple(half)


def is_template(name: str) -> bool:
    """``foo@.timer``: a template itself starts nothing."""
    return "@." in name


def evidence_of(unit: Unit) -> Evidence:
    """The file that defines a unit, or the link that names it."""
    where = unit.fragment or unit.mask or (unit.links[0].path if unit.links else unit.name)
    return Evidence(where)


def switched_by(unit: Unit, *, wanted: bool, masked: bool) -> tuple[Evidence, ...]:
    """The files that switch a unit on or off: its mask, or the link that wants it and its own file."""
    if masked and unit.mask:
        return (Evidence(unit.mask),)
    links = tuple(Evidence(link.path) for link in unit.links[:1]) if wanted else ()
    return (*links, evidence_of(unit))


def pulled_in(unit: Unit) -> bool:
    """Does something start this unit at boot: enabled, or a link in a target's directory."""
    return unit.file_state in ENABLED or any(link.by.endswith(".target") for link in unit.links)


def at_boot(unit: Unit) -> bool:
    """Does a service start at boot by itself: not one that only other services pull in."""
    if unit.links:
        return any(not link.by.endswith(".service") for link in unit.links)
    return unit.file_state in ENABLED


def judge(unit: Unit, host: Host) -> Switch:
    """The state that a unit's own switch gives it, live or as an image will boot."""
    if unit.dangling:
        return dangling(unit, host)
    masked = (unit.file_state or "").startswith("masked")
    wanted = pulled_in(unit) and not masked
    if unit.active_state is not None:
        return judge_live(unit, wanted=wanted, masked=masked)
    here = switched_by(unit, wanted=wanted, masked=masked)
    if masked:
        return Switch("off", (Reason("masked", f"{unit.name} is masked", here),))
    if wanted:
        text = f"{unit.name} is enabled: it starts at boot"
        return Switch("armed", (Reason("enabled", text, here),))
    if unit.file_state == "disabled" and enabled_by_first_boot(unit, host):
        text = (
            f"{unit.name} is disabled, but the first boot of this image applies presets: they enable it"
        )
        return Switch(
            "armed", (Reason("first-boot-preset", text, (Evidence("/etc/machine-id"), *here)),)
        )
    text = f"{unit.name} is {unit.file_state or 'not enabled'}: nothing starts it at boot"
    return Switch("off", (Reason("not-enabled", text, here),))


def with_vain_mask(switch: Switch, unit: Unit) -> Switch:
    """A switch and what a mask in /run does to it: nothing against /etc, else until the boot."""
    if unit.vain_mask and switch.state == "armed":
        text = f"{unit.vain_mask} masks nothing: {unit.fragment} counts before /run"
        vain = Reason("vain-mask", text, (Evidence(unit.vain_mask), Evidence(unit.fragment or "")))
        return replace(switch, reasons=(*switch.reasons, vain))
    if unit.mask and unit.mask.startswith("/run/") and unit.links and switch.state == "off":
        text = f"{unit.name} is enabled, and the mask {unit.mask} is gone with the next boot"
        until = Reason("mask-until-boot", text, (Evidence(unit.mask), Evidence(unit.links[0].path)))
        return replace(switch, reasons=(*switch.reasons, until))
    return switch


def enabled_by_first_boot(unit: Unit, host: Host) -> bool:
    """Will PID 1 enable a disabled unit, because the image says it has never been booted?

    machine-id(5): "uninitialized" makes the next boot a first one, and that applies the presets of
    systemd.preset(5), by which a unit is enabled unless a rule says otherwise.
    """
    if unit.manager is not None:
        return False
    try:
        first = host.root.text("/etc/machine-id").strip() == "uninitialized"
    except UnreadableError:
        return False
    rule = host.systemd.preset(unit.name) if first else None
    return first and (rule is None or rule.enable)


def dangling(unit: Unit, host: Host) -> Switch:
    """A link names a unit whose file the tree does not hold."""
    link = Evidence(unit.links[0].path, None, f"-> {unit.links[0].target}")
    vendor = ("/lib/systemd/system", "/usr/lib/systemd/system")
    if any(host.root.exists(directory) for directory in vendor):
        text = f"{unit.name} is enabled, but its unit file is not there"
        return Switch("dormant", (Reason("unit-file-missing", text, (link,)),))
    text = f"{unit.name} is enabled; its own file is not part of this tree"
    gap = Gap("units", f"the file of {unit.name} is not part of this tree", (link,))
    return Switch("armed", (Reason("enabled", text, (link,)),), certain=False, gaps=(gap,))


def judge_live(unit: Unit, *, wanted: bool, masked: bool) -> Switch:
    """As ``judge``, on a machine whose manager answers."""
    active = unit.active_state in ACTIVE
    said = Evidence(f"systemd:{unit.name}", None, f"ActiveState={unit.active_state}")
    here = (*switched_by(unit, wanted=wanted, masked=masked), said)
    if active and wanted:
        return Switch(
            "armed", (Reason("enabled-and-active", f"{unit.name} is enabled and active", here),)
        )
    if active:
        word = "masked" if masked else (unit.file_state or "not enabled")
        text = f"{unit.name} is {word}, but still active until it is stopped or the machine reboots"
        what = "masked-active" if masked else "disabled-active"
        if not masked and unit.file_state not in ("disabled", None):
            return Switch("armed", (Reason("active", f"{unit.name} is active", here),))
        half = HalfSwitched(
            unit.name, "masked-active" if what == "masked-active" else "disabled-active", text, here
        )
        return Switch("armed", (Reason(what, text, here),), half)
    if wanted:
        text = f"{unit.name} is not running, but enabled: it starts at the next boot"
        half = HalfSwitched(unit.name, "enabled-inactive", text, here)
        return Switch("armed", (Reason("enabled-inactive", text, here),), half)
    code = "masked" if masked else "not-enabled"
    return Switch(
        "off",
        (Reason(code, f"{unit.name} is {unit.file_state or 'off'} and {unit.active_state}", here),),
    )


def from_unit(unit: Unit, switch: Switch, host: Host, services: Services) -> Candidate:
    """A timer, path or socket unit as a candidate."""
    state, reasons = switch.state, switch.reasons
    stop = without_times(unit) if unit.kind == "timer" and unit.fragment else None
    stop = stop or services.manager.idle
    if stop and state == "armed":
        state, reasons = "dormant", (stop, *reasons)
    target = target_of(unit)
    entries, conditions, gaps = services.started(unit, target)
    presumed = None
    if unit.dangling and (mechanism := mechanism_of_unit(unit.name)):
        entries = (presumed_entry(unit, mechanism.services[0], mechanism.runs),)
        presumed = mechanism.id
    trigger = Trigger(
        id=trigger_id(unit.kind, unit),
        kind=unit.kind,
        state=state,
        source=Source(evidence_of(unit).where),
        user=unit.manager or "root",
        file_state=unit.file_state,
        active_state=unit.active_state,
        reasons=reasons,
        last_fired=last_firing(unit, host),
        off_since=host.root.written(unit.mask) if state == "off" and unit.mask else None,
        certain=switch.certain,
    )
    return Candidate(trigger, entries, conditions, switch.gaps + gaps, presumed, unit)


def scheduled(candidate: Candidate, host: Host) -> Schedule | None:
    """When a candidate fires. Of timers it is worked out here: it takes long, and most lead nowhere."""
    unit = candidate.unit
    return schedule_of(unit, host) if unit and unit.kind == "timer" else candidate.trigger.schedule


def trigger_id(kind: str, unit: Unit) -> str:
    """``timer:NAME``, and ``timer:USER/NAME`` for a unit of a user's manager."""
    return f"{kind}:{unit.manager}/{unit.name}" if unit.manager else f"{kind}:{unit.name}"


def presumed_entry(unit: Unit, service: str, runs: tuple[str, ...]) -> Entry:
    """What the known package's unit of that name runs, where the tree holds only the link."""
    step = ChainStep(unit.links[0].path, None, " ".join(runs))
    return Entry((step,), (service,), runs, unit=service)


def target_of(unit: Unit) -> str:
    """The unit that a timer, path or socket starts: ``Unit=``, ``Service=``, else the same name."""
    section, key = {"timer": ("Timer", "Unit"), "path": ("Path", "Unit")}.get(
        unit.kind, ("Socket", "Service")
    )
    named = unit.last(section, key)
    stem = unit.name.rpartition(".")[0]
    return services_name(named, unit.name) if named else f"{stem}.service"


def services_name(named: str, unit: str) -> str:
    """``Unit=`` of a template instance with its own instance name filled in."""
    stem = unit.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    return (
        named.replace("%i", instance).replace("%I", instance).replace("%p", prefix).replace("%N", stem)
    )


def without_times(unit: Unit) -> Reason | None:
    """Why a timer that is switched on never fires, or ``None`` if it does (systemd.timer(5))."""
    keys = {setting.key for setting in times(unit)}
    if keys == {"OnCalendar"} and not any(readable(s.value) for s in times(unit)):
        text = f"{unit.name} never fires: systemd cannot read its OnCalendar="
        lines = tuple(Evidence(s.path, s.line, f"{s.key}={s.value}") for s in times(unit))
        return Reason("bad-calendar", text, lines)
    if not keys:
        where = unit.drop_ins[-1] if unit.drop_ins else unit.fragment or ""
        text = f"{unit.name} has no times left: {where} empties them"
        if not unit.drop_ins:
            text = f"{unit.name} names no times"
        return Reason("no-times", text, (Evidence(where),))
    if keys <= NEEDS_A_FIRST_RUN:
        text = f"{unit.name} counts from a run of its unit, and nothing makes the first one"
        return Reason("never-first", text, tuple(Evidence(s.path, s.line) for s in times(unit)))
    return None


def readable(expression: str) -> bool:
    """Is a calendar expression one (systemd.time(7))? systemd passes over a line that is none.

    A zone's own abbreviation at its end is taken for one.
    """
    try:
        calendar.parse(re.sub(r"\s+[A-Z]{3,5}$", "", expression))
    except ParseError:
        return False
    return True


def boot_services(services: Services) -> Iterator[Candidate]:
    """Services that a target pulls in at boot, each with its own commands."""
    for name in services.manager.systemd.names():
        if not name.endswith(".service") or is_template(name):
            continue
        unit = services.manager.systemd.unit(name)
        if unit is None or unit.name != name:
            continue
        if not (at_boot(unit) or is_masked_boot(unit) or by_generator(unit, services.host)):
            continue
        switch = judge_boot(unit)
        entries, conditions, gaps = services.started(unit, name)
        trigger = Trigger(
            id=trigger_id("boot", unit),
            kind="boot",
            state=switch.state,
            source=Source(evidence_of(unit).where),
            user=unit.manager or "root",
            file_state=unit.file_state,
            active_state=unit.active_state,
            reasons=switch.reasons,
            certain=switch.certain,
        )
        yield Candidate(trigger, entries, conditions, gaps)


def by_generator(unit: Unit, host: Host) -> bool:
    """``rc-local.service`` of an executable /etc/rc.local (systemd-rc-local-generator(8))."""
    if unit.name != "rc-local.service" or unit.manager is not None:
        return False
    try:
        entry = host.root.entry("/etc/rc.local")
    except UnreadableError:
        return False
    return bool(entry and entry.is_file and entry.executable)


def is_masked_boot(unit: Unit) -> bool:
    """A masked service with a link that would pull it in."""
    return (unit.file_state or "").startswith("masked") and bool(unit.links)


def judge_boot(unit: Unit) -> Switch:
    """A service that starts at boot; whether it runs now says nothing about the next boot."""
    here = (evidence_of(unit),)
    if (unit.file_state or "").startswith("masked"):
        return Switch("off", (Reason("masked", f"{unit.name} is masked", here),))
    return Switch("armed", (Reason("enabled", f"{unit.name} starts at boot", here),))
