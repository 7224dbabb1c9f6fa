"""What a unit runs once something starts it: its Exec lines, and those of the units it pulls in.

Law: systemd.service(5) and systemd.unit(5): ExecStartPre, ExecStart, ExecStartPost in order; Wants,
Requires, BindsTo, Upholds and links pull units in, OnSuccess follows success. Nothing is run.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from certaudit.errors import UnreadableError
from certaudit.facts import Entry, Setting, Unit
from certaudit.host.machine import Host
from certaudit.model import ChainStep, Evidence, Gap, Reason
from certaudit.parsers import exec_line
from certaudit.parsers.environment import parse_environment, parse_environment_file
from certaudit.sources.managers import ServiceManager

EXEC_KEYS = ("ExecStartPre", "ExecStart", "ExecStartPost")
PULLS = ("Wants", "Requires", "BindsTo", "Upholds", "Requisite", "OnSuccess")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # systemd.exec(5), $PATH
MAX_UNITS = 32  # a trigger that pulls in more is a boot target, no renewal
Started = tuple[tuple[Entry, ...], tuple[Reason, ...], tuple[Gap, ...]]


class Services(Struct):
    """The services of one manager, looked up as triggers need them."""

    host: Host
    manager: ServiceManager
    _links: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index which units the links in ``X.wants`` and the like pull in."""
        for name in self.manager.systemd.names():
            unit = self.manager.systemd.unit(name)
            for link in unit.links if unit and unit.kind == "service" else ():
                if not link.by.endswith(".target"):
                    self._links.setdefault(link.by, []).append(name)

    def started(self, starter: Unit, first: str) -> Started:
        """The commands run when ``starter`` makes the manager start ``first``.

        Also the failing conditions of the starter and of ``first``, and what could not be seen.
        """
        entries: list[Entry] = []
        conditions = list(failing_conditions(starter, self.host))
        gaps: list[Gap] = []
        for via in self._closure(first):
            unit = self.manager.systemd.unit(via[-1])
            if unit is None or (unit.fragment is None and unit.mask is None):
                if via[-1] == first and not starter.dangling:
                    conditions.extend(self._missing(starter, first))
                continue
            if (unit.file_state or "").startswith("masked"):
                if via[-1] == first:
                    mask = Evidence(unit.mask or unit.name)
                    conditions.append(Reason("service-masked", f"{first} is masked", (mask,)))
                continue
            if via[-1] == first and unit.name != starter.name:
                conditions.extend(failing_conditions(unit, self.host))
            if unit.refused is not None and via[-1] != first:
                continue
            if unit.refused is not None:
                conditions.append(refused_by_systemd(unit, unit.refused))
            names = () if unit.name == starter.name else via
            entries.extend(self._entries(unit, names, gaps))
        return tuple(entries), tuple(conditions), tuple(gaps)

    def _missing(self, starter: Unit, first: str) -> Iterator[Reason]:
        if any(self.host.root.exists(d) for d in ("/lib/systemd/system", "/usr/lib/systemd/system")):
            where = Evidence(starter.fragment or starter.name)
            yield Reason("service-missing", f"{first}, which it starts, is not there", (where,))

    def _closure(self, first: str) -> Iterator[tuple[str, ...]]:
        """``first`` and every service it brings along, each with the units that lead to it."""
        pending: list[tuple[str, ...]] = [(first,)]
        seen = {first}
        while pending and len(seen) <= MAX_UNITS:
            via = pending.pop(0)
            yield via
            unit = self.manager.systemd.unit(via[-1])
            if unit is None:
                continue
            named = [w for key in PULLS for s in unit.all("Unit", key) for w in s.value.split()]
            for name in [*named, *self._links.get(unit.name, ())]:
                if name not in seen and name.endswith((".service", ".target")) and not standard(name):
                    seen.add(name)
                    pending.append((*via, name))

    def _entries(self, unit: Unit, via: tuple[str, ...], gaps: list[Gap]) -> Iterator[Entry]:
        environment = self._environment(unit, gaps)
        named, _ = exec_line.expand_specifiers(
            unit.last("Service", "User") or "", self._specifiers(unit)
        )
        user = named or unit.manager or "root"
        for key in EXEC_KEYS:
            for setting in unit.all("Service", key):
                step = ChainStep(setting.path, setting.line, f"{key}={setting.value}")
                for argv in self._commands(setting, unit, environment):
                    yield Entry((step,), via, argv, environment=environment, user=user, unit=unit.name)

    def _commands(
        self, setting: Setting, unit: Unit, environment: tuple[tuple[str, str], ...]
    ) -> Iterator[tuple[str, ...]]:
        failing = exec_line.failing_specifiers(unit.name)
        for command in exec_line.read_exec_line(setting.value, failing).commands:
            full = exec_line.expand_command(command, dict(environment), self._specifiers(unit))
            yield full.arguments
        if setting == unit.refused:  # what it was meant to run
            yield tuple(setting.value.split())

    def _environment(self, unit: Unit, gaps: list[Gap]) -> tuple[tuple[str, str], ...]:
        """``Environment=`` and ``EnvironmentFile=`` of a service, later ones winning."""
        known = {"PATH": PATH, "HOME": self.manager.home}
        specifiers = self._specifiers(unit)
        for setting in unit.all("Service", "Environment"):
            for key, value in parse_environment(setting.value):
                known[key], _ = exec_line.expand_specifiers(value, specifiers)
        for setting in unit.all("Service", "EnvironmentFile"):
            path, _ = exec_line.expand_specifiers(setting.value.removeprefix("-"), specifiers)
            try:
                known.update(parse_environment_file(self.host.root.text(path)))
            except UnreadableError as error:
                if not setting.value.startswith("-") and self.host.root.exists(path) is not False:
                    here = Evidence(setting.path, setting.line, f"EnvironmentFile={setting.value}")
                    gaps.append(Gap("units", f"EnvironmentFile of {unit.name}: {error}", (here,)))
        return tuple(sorted(known.items()))

    def _specifiers(self, unit: Unit) -> dict[str, str]:
        return exec_line.unit_specifiers(
            unit.name,
            user=unit.manager or "root",
            home=self.manager.home,
            uid=self.manager.uid,
            host=self.host.info.name,
        )


def standard(name: str) -> bool:
    """A target of systemd.special(7): everything hangs on it, so it leads nowhere in particular."""
    return name.endswith(".target") and name.partition(".")[0] in {
        "basic", "default", "final", "getty", "graphical", "local-fs", "multi-user", "network",
        "network-online", "nss-lookup", "paths", "remote-fs", "shutdown", "sockets", "sysinit",
        "time-sync", "timers", "umount",
    }  # fmt: skip


def refused_by_systemd(unit: Unit, line: Setting) -> Reason:
    """Why nothing can start this unit."""
    fault = exec_line.read_exec_line(line.value, exec_line.failing_specifiers(unit.name)).fault
    here = Evidence(line.path, line.line, f"{line.key}={line.value}")
    return Reason("unit-refused", f"systemd refuses {unit.name}: {fault}", (here,))


def failing_conditions(unit: Unit, host: Host) -> Iterator[Reason]:
    """The file conditions of a unit that do not hold (systemd.unit(5), Conditions and Asserts)."""
    for setting in unit.settings:
        kind = setting.key.removeprefix("Condition").removeprefix("Assert")
        if setting.section != "Unit" or kind == setting.key or kind not in CONDITIONS:
            continue
        value = setting.value
        if value.startswith("|"):  # one of several that suffice: not judged alone
            continue
        negated, path = value.startswith("!"), value.removeprefix("!").strip()
        holds = CONDITIONS[kind](host, path)
        if holds is not None and holds == negated:
            here = Evidence(setting.path, setting.line, f"{setting.key}={setting.value}")
            text = f"{setting.key}={setting.value} of {unit.name} does not hold"
            yield Reason("condition-false", text, (here,))


def _executable(host: Host, path: str) -> bool | None:
    found = host.root.exists(path)
    entry = host.root.entry(path) if found else None
    return entry.is_file and entry.executable if entry else found


def _directory(host: Host, path: str) -> bool | None:
    found = host.path_exists(path)
    entry = host.root.entry(path) if found and host.root.exists(path) else None
    return entry.is_dir if entry else found


CONDITIONS = {
    "PathExists": lambda host, path: host.path_exists(path),
    "PathIsDirectory": _directory,
    "FileIsExecutable": _executable,
}
