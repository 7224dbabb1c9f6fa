"""Commands that have the manager start a service: what that service runs belongs to who asked for it.

Law: systemctl(1) and service(8): ``start``, ``restart`` and ``reload-or-restart`` run a service that is
not running; a name without a suffix is a service. One level is followed.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from certaudit.catalogue import mentions_client
from certaudit.facts import Entry
from certaudit.host.machine import Host
from certaudit.linking.others import other_called
from certaudit.model import ChainStep
from certaudit.parsers.program import program_name
from certaudit.parsers.shell import Command, Trace, follow
from certaudit.records import replace
from certaudit.sources.managers import managers
from certaudit.sources.scripts import ScriptMachine, Traced, start_of
from certaudit.sources.services import Services

STARTING = frozenset({"start", "restart", "reload-or-restart"})
ELSEWHERE = ("-H", "-M", "--host", "--machine", "--user")


class UnitStarts(Struct, frozen=True):
    """What the services of the system manager run, for the commands that start them.

    ``services`` is ``None`` where systemd is not the init.
    """

    services: Services | None
    machine: ScriptMachine

    def joined(self, traced: Traced) -> Traced:
        """The entries with what each service runs that they start, in its place in the order."""
        if self.services is None:
            return traced
        return tuple(pair for one in traced for pair in self._entry(*one, self.services))

    def _entry(self, entry: Entry, trace: Trace, services: Services) -> Iterator[tuple[Entry, Trace]]:
        rest = trace
        for command in trace.commands:
            found = tuple(self._run(entry, command, services))
            if found:
                before = tuple(c for c in rest.commands if c.number <= command.number)
                yield entry, Trace(before, ())
                yield from found
                rest = replace(rest, commands=rest.commands[len(before) :])
        yield entry, rest

    def _run(self, entry: Entry, command: Command, services: Services) -> Iterator[tuple[Entry, Trace]]:
        """What one command has the manager run, where that has to do with a client."""
        if any(guard.holds is False for guard in command.guards):
            return
        for name in started(command):
            unit = services.manager.systemd.unit(name)
            if unit is None or unit.name == entry.unit:
                continue
            entries, stops, _ = services.started(unit, unit.name)
            for one in () if stops else entries:
                trace = follow(start_of(one), self.machine)
                if any(map(is_client, trace.commands)):
                    yield placed(one, entry, command, unit.name), trace


def is_client(command: Command) -> bool:
    """Does a command speak of a client, or call one that is not followed?"""
    return mentions_client(" ".join(map(str, command.argv))) or other_called(command) is not None


def unit_starts(host: Host, machine: ScriptMachine) -> UnitStarts:
    """Those of a host's system manager."""
    system = next((manager for manager in managers(host) if manager.user is None), None)
    return UnitStarts(Services(host, system) if system else None, machine)


def placed(started: Entry, entry: Entry, command: Command, unit: str) -> Entry:
    """An entry of a service with the lines that lead to the command which starts it before its own."""
    asked = tuple(ChainStep(p.path, p.line or None, p.text) for p in command.chain)
    known = {(step.path, step.line) for step in entry.chain}
    chain = (*entry.chain, *(step for step in asked if (step.path, step.line) not in known))
    scripts = (script for script in command.scripts if script != entry.chain[0].path)
    via = (*entry.via, *scripts, unit, *started.via)
    return replace(started, chain=(*chain, *started.chain), via=via)


def started(command: Command) -> tuple[str, ...]:
    """The services that a command asks the system manager to start."""
    words = [word for word in command.argv if word is not None]
    if len(words) < len(command.argv) or not words:
        return ()
    name, plain = program_name(words[0]), [word for word in words[1:] if word[:1] != "-"]
    if any(word.startswith(ELSEWHERE) for word in words[1:]):
        return ()
    if name == "service" and len(plain) == 2 and plain[1] in STARTING:
        return (service(plain[0]),)
    if name == "systemctl" and plain and plain[0] in STARTING:
        return tuple(service(word) for word in plain[1:])
    return ()


def service(name: str) -> str:
    """A unit's name as systemctl completes it."""
    return name if "." in name else f"{name}.service"
