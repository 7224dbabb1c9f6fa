"""Units as certaudit has them from files are those that a real manager has loaded.

Names, fragments, drop-ins in order, file states, merged settings and command lines of generated trees.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certaudit.facts import Setting, Unit
from certaudit.host.root import Root
from certaudit.host.units.files import UnitFiles
from certaudit.parsers.environment import parse_environment
from certaudit.parsers.exec_line import (
    expand_specifiers,
    failing_specifiers,
    read_exec_line,
    unit_specifiers,
)
from certaudit.parsers.timespan import parse_timespan
from certaudit.parsers.unit_file import TIMERS
from certaudit.parsers.unit_words import boolean
from tests.live.box import Box
from tests.live.unit_trees import CALENDARS, Family
from tests.summary import SEED, scaled, timed
from tests.summary import compared as noted

FAMILIES = scaled(12)
OBJECTS = "/org/freedesktop/systemd1/unit"
INTERFACE = "org.freedesktop.systemd1"
# One answer a line, in the order of the arguments: PATH INTERFACE, twice for each unit.
ASK = """
while [ $# -gt 0 ]; do
  busctl --json=short call org.freedesktop.systemd1 "$1" org.freedesktop.DBus.Properties GetAll s "$2"
  shift 2
done
"""
BATCH = 200
EVERY_SERVICE = "/etc/systemd/system/service.d/zz.conf"
EXEC = ("ExecStart", "ExecStartPost")
Properties = dict[str, Any]


@dataclass(slots=True)
class Comparison:
    """What was compared, and where the two differ."""

    files: UnitFiles
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def same(self, unit: str, what: str, theirs: object, mine: object) -> None:
        """Note one comparison."""
        self.counts[what] += 1
        if theirs != mine:
            self.wrong.append(f"{unit}: {what}: systemd {theirs!r}, certaudit {mine!r}")


def test_files_give_what_the_manager_has_loaded(base_root: Path, tmp_path: Path) -> None:
    families = [
        Family(tmp_path, f"fam{number}", random.Random(f"{SEED}/{number}")) for number in range(FAMILIES)
    ]
    for family in families:
        family.make()
    families[0].write(EVERY_SERVICE, "[Service]\nEnvironment=EVERY=%p\n")
    names = [name for family in families for name in family.names]
    with Box(base_root) as box:
        box.put(tmp_path)
        box.output("/usr/bin/systemctl", "daemon-reload")
        known = sorted({*names, *packaged(box)})
        with timed("units"):
            units = properties(box, known, f"{INTERFACE}.Unit")
            details = properties(box, known, None)
            compared = Comparison(UnitFiles(Root(Path(f"/proc/{box.leader}/root"))))
            for name in known:
                compare(name, units[name], details[name], compared)
    counts = ", ".join(f"{count} {what}" for what, count in sorted(compared.counts.items()))
    summary = f"CERTAUDIT_SEED={SEED}: {len(known)} names in {FAMILIES} trees: {counts}"
    noted("names of units: booted manager", len(known))
    noted("settings and states of units: booted manager", sum(compared.counts.values()))
    assert not compared.wrong, "\n".join([summary, *compared.wrong])
    assert compared.counts["fragment"] >= 4 * FAMILIES, "the trees have become too poor"
    assert compared.counts["command lines: ExecStart"] >= FAMILIES


def packaged(box: Box) -> list[str]:
    """The services and timers that the packages of the box bring, but for templates."""
    listed = box.output("/usr/bin/systemctl", "list-unit-files", "--no-legend", "*.service", "*.timer")
    found = (line.split()[0] for line in listed.splitlines())
    return [name for name in found if "@." not in name and not name.startswith("fam")]


def properties(box: Box, names: list[str], interface: str | None) -> dict[str, Properties]:
    """All properties of units on the bus; without an interface, those of the unit's own type."""
    found: list[Properties] = []
    for start in range(0, len(names), BATCH):
        asked = [
            word
            for name in names[start : start + BATCH]
            for word in (object_path(name), interface or f"{INTERFACE}.{kind(name).title()}")
        ]
        answers = box.output("/bin/sh", "-c", ASK, "sh", *asked).splitlines()
        found.extend(json.loads(answer)["data"][0] for answer in answers)
    return {
        name: {key: value["data"] for key, value in answer.items()}
        for name, answer in zip(names, found, strict=True)
    }


def object_path(name: str) -> str:
    """A unit's object: every byte but letters and digits as ``_xx``, a digit in front too (sd-bus)."""
    letters = [
        chr(byte)
        if chr(byte).isascii() and chr(byte).isalnum() and (at or not chr(byte).isdigit())
        else f"_{byte:02x}"
        for at, byte in enumerate(name.encode())
    ]
    return f"{OBJECTS}/{''.join(letters)}"


def kind(name: str) -> str:
    """The unit's type."""
    return name.rpartition(".")[2]


def compare(name: str, theirs: Properties, details: Properties, seen: Comparison) -> None:
    """One name: what it is, and what it holds if both have a unit of their own for it."""
    unit, state = seen.files.unit(name), theirs["LoadState"]
    if contested(unit, name, seen.files):
        seen.counts["left out (two files claim the unit: the order of loading decides)"] += 1
    elif unit is None or (unit.fragment is None and unit.mask is None):
        seen.same(name, "existence", state in ("loaded", "masked"), False)
    elif state == "masked":
        seen.same(name, "mask", theirs["FragmentPath"], unit.mask)
    elif state == "not-found":
        seen.same(name, "broken file", "bad", unit.file_state)
    elif state == "bad-setting":
        seen.same(name, "refused", refused(unit), True)
    elif state != "error":
        seen.same(name, "not refused", refused(unit), False)
        compare_files(name, theirs, unit, seen)
        if len(theirs["Names"]) <= 2 and name == unit.name:
            compare_settings(unit, details, seen)


def contested(unit: Unit | None, name: str, files: UnitFiles) -> bool:
    """Does a name lead to another file than the unit it is said to be a name of, or one of its names?"""
    if unit is None:
        return False
    leads = {files.tree.fragment(each) for each in (name, unit.name, *unit.aliases)}
    return len(leads) > 1


def refused(unit: Unit) -> bool:
    """Does systemd refuse the unit: for a command line, or for want of commands or times?"""
    if unit.kind == "service":
        does = any(commands_of(setting, unit.name) for setting in unit.all("Service", "ExecStart"))
        return unit.refused is not None or not (does or unit.all("Unit", "SuccessAction"))
    return unit.kind == "timer" and not any(unit.all("Timer", key) for key in TIMERS)


def compare_files(name: str, theirs: Properties, unit: Unit, seen: Comparison) -> None:
    """The files of a unit, and its names."""
    seen.same(name, "main name", theirs["Id"], unit.name)
    seen.same(name, "fragment", theirs["FragmentPath"], unit.fragment)
    seen.same(name, "aliases", sorted(theirs["Names"]), sorted({unit.name, *unit.aliases}))
    if len(theirs["Names"]) <= 2:  # beyond, systemd orders drop-ins by a hash of the names
        seen.same(name, "drop-ins", theirs["DropInPaths"], list(unit.drop_ins))
    if name == unit.name:
        seen.same(name, "file state", theirs["UnitFileState"], unit.file_state)


def compare_settings(unit: Unit, details: Properties, seen: Comparison) -> None:
    """What the merged files say."""
    if unit.kind == "timer":
        compare_timer(unit, details, seen)
    elif unit.kind == "service":
        compare_service(unit, details, seen)


def compare_timer(unit: Unit, details: Properties, seen: Comparison) -> None:
    """When it fires, and what it starts."""
    name = unit.name
    started = unit.last("Timer", "Unit") or name.replace(".timer", ".service")
    main = seen.files.unit(started)
    theirs = details["Unit"]  # under the name it has until its own file has been read
    seen.same(name, "timer's unit", theirs, theirs if theirs == started or not main else main.name)
    calendars = [setting.value for setting in unit.all("Timer", "OnCalendar")]
    if not name.startswith("fam"):
        seen.same(name, "number of calendars", len(details["TimersCalendar"]), len(calendars))
        return
    specs = [spec for _, spec, _ in details["TimersCalendar"]][::-1]
    seen.same(name, "calendars", specs, [CALENDARS[text] for text in calendars])
    count = len(unit.all("Timer", "OnBootSec"))
    seen.same(name, "monotonic times", len(details["TimersMonotonic"]), count)
    for key, usual in (("RandomizedDelay", 0.0), ("Accuracy", 60.0)):
        text = unit.last("Timer", f"{key}Sec")
        seconds = usual if text is None else parse_timespan(text)
        seen.same(name, key, details[f"{key}USec"], seconds * 1e6)
    persistent = boolean(unit.last("Timer", "Persistent") or "no")
    seen.same(name, "persistent", details["Persistent"], persistent)


def compare_service(unit: Unit, details: Properties, seen: Comparison) -> None:
    """Its command lines, and of a generated one its environment and user.

    The specifiers of a unit's own file have the values of the name that was asked for first.
    """
    theirs: Properties = {
        f"command lines: {key}": [
            (shown(path), argv, ignored) for path, argv, ignored, *_ in details[key]
        ]
        for key in EXEC
    }
    if unit.name.startswith("fam"):
        theirs["environment"] = sorted(details["Environment"])
        theirs["user"] = details["User"]
        theirs["environment files"] = [
            f"{'-' if optional else ''}{path}" for path, optional in details["EnvironmentFiles"]
        ]
    mine = [service(unit, asked) for asked in (unit.name, *unit.aliases)]
    agreed = next((one for one in mine if all(one[what] == theirs[what] for what in theirs)), mine[0])
    for what, value in theirs.items():
        seen.same(unit.name, what, value, agreed[what])


def service(unit: Unit, asked: str) -> Properties:
    """A service's settings as certaudit has them; its own file's specifiers by the name asked for."""

    def named(setting: Setting) -> str:
        return asked if setting.path == unit.fragment else unit.name

    def expanded(text: str, setting: Setting) -> str:
        return expand_specifiers(text, unit_specifiers(named(setting)))[0]

    environment = {
        key: expanded(value, setting)
        for setting in unit.all("Service", "Environment")
        for key, value in parse_environment(setting.value)
    }
    commands = {
        f"command lines: {key}": [
            command
            for setting in unit.all("Service", key)
            for command in commands_of(setting, named(setting))
        ]
        for key in EXEC
    }
    return {
        **commands,
        "environment": sorted(f"{key}={value}" for key, value in environment.items()),
        "user": unit.last("Service", "User") or "",
        "environment files": [expanded(s.value, s) for s in unit.all("Service", "EnvironmentFile")],
    }


def commands_of(setting: Setting, name: str) -> list[tuple[str, list[str], bool]]:
    """Program, arguments, and whether a failure is ignored; ``$`` is replaced only when they run."""
    specifiers = unit_specifiers(name)
    return [
        (
            shown(expand_specifiers(command.program, specifiers)[0]),
            [expand_specifiers(word, specifiers)[0] for word in command.argv],
            command.ignore_failure,
        )
        for command in read_exec_line(setting.value, failing_specifiers(name)).commands
    ]


def shown(program: str) -> str:
    """A program; the one that is looked up has the same name wherever it is found."""
    return "echo" if program in ("echo", "/usr/bin/echo") else program
