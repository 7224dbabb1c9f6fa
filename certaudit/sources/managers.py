"""The service managers of a machine: the system's, and those of users who have units of their own.

Law: a user's manager runs only while that user is logged in, unless it lingers (loginctl(1)); live, its
units are read from files, because its bus is not the auditor's.
"""

from __future__ import annotations

from msgspec import Struct

from certaudit.errors import UnreadableError
from certaudit.host.identity import users
from certaudit.host.machine import Host
from certaudit.host.units.files import UnitFiles, lingering
from certaudit.host.units.systemd import Systemd
from certaudit.model import Evidence, Reason


class ServiceManager(Struct, frozen=True):
    """One manager; ``idle`` says why it does not run by itself, ``home`` where its user lives."""

    systemd: Systemd
    user: str | None = None
    home: str = "/root"
    uid: int | None = 0
    idle: Reason | None = None


def managers(host: Host) -> tuple[ServiceManager, ...]:
    """The system's manager first, then one for each user with a unit directory."""
    if host.init != "systemd":
        return ()
    try:
        linger = frozenset(lingering(host.root))
    except UnreadableError:
        linger = frozenset()
    found = [ServiceManager(host.systemd)]
    for name, uid, home in users(host.root):
        if home.startswith("/") and host.root.exists(f"{home}/.config/systemd/user"):
            files = UnitFiles(host.root, name, home, uid)
            text = f"{name} does not linger: its manager runs only while {name} is logged in"
            idle = (
                None
                if name in linger
                else Reason("no-linger", text, (Evidence(f"{home}/.config/systemd"),))
            )
            found.append(ServiceManager(files, name, home, uid, idle))
    return tuple(found)
