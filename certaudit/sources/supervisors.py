"""What other service managers than systemd keep running, where that leads to a client.

Law: read, never followed into a renewal path: what supervisord, runit or s6 start here is not known for
certain, but nobody may say then that nothing renews a certificate. Sources: supervisord's manual
("Configuration File"), runsvdir(8), s6-overlay's and s6-rc's documentation of service directories.
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.catalogue import mentions_client
from certaudit.errors import UnreadableError
from certaudit.host.machine import Host
from certaudit.linking.others import named_in, other_called
from certaudit.model import Evidence, Gap
from certaudit.parsers.shell import CommandLine, Place, follow
from certaudit.parsers.supervisor import parse_commands
from certaudit.sources.scripts import ROOT_ENVIRONMENT, ScriptMachine

SUPERVISOR_FILES = ("/etc/supervisord.conf", "/etc/supervisor/supervisord.conf")
SUPERVISOR_DIRECTORIES = ("/etc/supervisor/conf.d", "/etc/supervisor.d", "/etc/supervisord.d")
SERVICE_DIRECTORIES = (
    "/etc/service", "/service", "/var/service", "/etc/runit/runsvdir/default",
    "/etc/services.d", "/etc/s6-overlay/s6-rc.d", "/etc/s6/sv",
)  # fmt: skip


def supervised_gaps(host: Host) -> tuple[Gap, ...]:
    """A Gap for every service of another manager whose command leads to a client."""
    machine = ScriptMachine(host)  # of its own: what else these services run is not asked after
    closed: list[Gap] = []
    found = [
        Gap(
            "scripts", f"{manager} keeps a client running here: what it renews is not followed", (where,)
        )
        for manager, command, where in services(host, closed)
        if leads_to_client(command, where, machine)
    ]
    return (*found, *closed)


def services(host: Host, closed: list[Gap]) -> Iterator[tuple[str, str, Evidence]]:
    """``(manager, command, where it says so)`` of each; what cannot be read goes to ``closed``."""
    placed = [f"{d}/{name}" for d in SUPERVISOR_DIRECTORIES for name in names(host, d, closed)]
    for path in (*SUPERVISOR_FILES, *(p for p in placed if p.endswith((".conf", ".ini")))):
        for number, command in parse_commands(text(host, path, closed)):
            yield "supervisord", command, Evidence(path, number, f"command={command}")
    for directory in SERVICE_DIRECTORIES:
        for name in names(host, directory, closed):
            for script in ("run", "up"):
                path = f"{directory}/{name}/{script}"
                if text(host, path, closed):
                    yield directory, path, Evidence(path)


def leads_to_client(command: str, where: Evidence, machine: ScriptMachine) -> bool:
    """Does a command call a client, or lead to one behind what cannot be followed?"""
    place = Place(where.where, where.line or 0, command)
    trace = follow(CommandLine(command, place, ROOT_ENVIRONMENT), machine)
    called = (" ".join(map(str, one.argv)) for one in trace.commands)
    if any(map(mentions_client, (*called, *(one.text for one in trace.unresolved)))):
        return True
    named = (*map(other_called, trace.commands), *(named_in(one.text) for one in trace.unresolved))
    return any(other is not None and not other.apart for other in named)


def names(host: Host, directory: str, closed: list[Gap]) -> tuple[str, ...]:
    """What lies in a directory, or nothing where it is not there or closed."""
    try:
        return host.root.names(directory)
    except UnreadableError as error:
        closed.append(Gap("scripts", str(error), (Evidence(directory),)))
        return ()


def text(host: Host, path: str, closed: list[Gap]) -> str:
    """The text of a file, empty where there is none to read."""
    try:
        found = host.root.entry(path)
        return host.root.text(path) if found and found.is_file else ""
    except UnreadableError as error:
        closed.append(Gap("scripts", str(error), (Evidence(path),)))
        return ""
