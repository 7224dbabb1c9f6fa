"""What kind of machine this is: name, distribution, init, clock zone, cron daemon.

Law: read from the machine's own files only (live also from /run); what the tree does not hold is
``None``, never a guess dressed as a fact.
"""

from __future__ import annotations

import shlex
from datetime import timezone, tzinfo
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from certaudit.errors import UnreadableError
from certaudit.host.root import Root
from certaudit.model import Evidence

UNIT_DIRECTORIES = ("/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")
PROGRAM_DIRECTORIES = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
CRONIE_FAMILIES = frozenset({"rhel", "fedora", "suse", "opensuse", "arch", "amzn"})
CRON_PROCESSES = frozenset({"cron", "crond", "fcron", "supercronic", "go-crond"})
OTHER_INITS = {
    "/sbin/openrc-init": "openrc",
    "/sbin/openrc": "openrc",
    "/etc/inittab": "sysvinit",
    "/etc/runit": "runit",
    "/etc/s6": "s6",
}


class CronDaemon(Struct, frozen=True):
    """Which cron reads the tables: decides names, modes and dialect.

    ``name`` is ``vixie-debian``, ``cronie``, ``busybox``, ``systemd-cron``, ``fcron`` or ``None``;
    ``installed`` is ``None`` where the tree does not hold the directories that would show it.
    ``units`` are the names of the unit that runs it.
    """

    name: str | None
    installed: bool | None
    units: tuple[str, ...] = ()
    evidence: Evidence | None = None


def os_release(root: Root) -> dict[str, str]:
    """os-release(5) as a mapping; empty where the tree holds none."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            text = root.text(path)
        except UnreadableError:
            continue
        pairs = (line.partition("=") for line in text.splitlines() if "=" in line and line[:1] != "#")
        return {key.strip(): unquoted(value) for key, _, value in pairs}
    return {}


def unquoted(value: str) -> str:
    """A value of os-release(5) without its shell quotes."""
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value.strip()


def host_name(root: Root) -> str | None:
    """The first word of /etc/hostname that is no comment."""
    try:
        lines = root.text("/etc/hostname").splitlines()
    except UnreadableError:
        return None
    return next((line.strip() for line in lines if line.strip() and line[0] != "#"), None)


def users(root: Root) -> tuple[tuple[str, int | None, str], ...]:
    """The users of passwd(5): name, number, home."""
    try:
        lines = root.text("/etc/passwd").splitlines()
    except UnreadableError:
        return ()
    rows = [line.split(":") for line in lines]
    return tuple(
        (r[0], int(r[2]) if r[2].isascii() and r[2].isdigit() else None, r[5])
        for r in rows
        if len(r) > 5
    )


def find_init(root: Root, *, live: bool) -> str | None:
    """``systemd``, another init's name, or ``None`` where nothing tells.

    Live, sd_booted(3) decides. An image is taken to boot systemd if it holds a unit directory and
    shows no other init.
    """
    if live:
        return "systemd" if root.exists("/run/systemd/system") else other_init(root) or "none"
    if not any(root.exists(directory) for directory in UNIT_DIRECTORIES):
        return other_init(root)
    target = root.link("/sbin/init") or root.link("/usr/sbin/init")
    if target and PurePosixPath(target).name == "systemd":
        return "systemd"
    return other_init(root) or "systemd"


def other_init(root: Root) -> str | None:
    """The init other than systemd that the tree shows, or ``None``."""
    target = root.link("/sbin/init") or root.link("/usr/sbin/init") or ""
    if PurePosixPath(target).name == "busybox":
        return "busybox"
    return next((name for path, name in OTHER_INITS.items() if root.exists(path)), None)


def find_zone(root: Root) -> tzinfo | None:
    """The zone of the machine's clock: the link /etc/localtime, else /etc/timezone (Debian)."""
    target = root.link("/etc/localtime") or ""
    if "zoneinfo/" in target and (zone := named_zone(target.rpartition("zoneinfo/")[2])):
        return zone
    try:
        with root.open("/etc/localtime") as stream:
            return ZoneInfo.from_file(stream)
    except (UnreadableError, ValueError, OSError):
        pass
    try:
        return named_zone(root.text("/etc/timezone").strip())
    except UnreadableError:
        return None


def named_zone(name: str) -> tzinfo | None:
    """The zone of that IANA name, or ``None`` if there is none."""
    if name.upper() in ("UTC", "ETC/UTC"):
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def find_cron(root: Root, unit_names: frozenset[str]) -> CronDaemon:
    """The cron daemon of the tree, by its program, else by its unit, else by the distribution."""
    generator = "system-generators/systemd-crontab-generator"
    for directory in ("/usr/lib/systemd/", "/lib/systemd/"):
        if root.exists(directory + generator):
            return CronDaemon("systemd-cron", True, ("cron.target",), Evidence(directory + generator))
    by_program = (
        ("/usr/sbin/cron", "vixie-debian", ("cron.service",)),
        ("/usr/sbin/crond", "cronie", ("crond.service", "cronie.service")),
        ("/usr/sbin/fcron", "fcron", ("fcron.service",)),
    )
    for program, name, units in by_program:
        found = root.entry(program) if root.exists(program) else None
        if found is not None:
            is_busybox = found.path.name == "busybox"
            return CronDaemon("busybox" if is_busybox else name, True, units, Evidence(program))
    for unit, name in (
        ("cron.service", "vixie-debian"),
        ("crond.service", "cronie"),
        ("cronie.service", "cronie"),
    ):
        if unit in unit_names:
            return CronDaemon(name, True, (unit,), Evidence(unit))
    absent = all(root.exists(directory) for directory in ("/usr/sbin", "/usr/bin"))
    return CronDaemon(None if absent else family_cron(root), False if absent else None)


def cron_runs(root: Root) -> bool | None:
    """Does a cron daemon run on this machine now (proc(5)); ``None`` where /proc does not tell."""
    try:
        processes = [name for name in root.names("/proc") if name.isdigit()]
    except UnreadableError:
        return None
    seen = False
    for process in processes:
        try:
            name = root.text(f"/proc/{process}/comm").strip()
        except UnreadableError:  # it has ended
            continue
        if name in CRON_PROCESSES:
            return True
        seen = True
    return False if seen else None


def family_cron(root: Root) -> str | None:
    """The cron that the distribution of a partial tree ships, or ``None``."""
    release = os_release(root)
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    if family & {"debian", "ubuntu"} or root.exists("/etc/debian_version"):
        return "vixie-debian"
    if family & CRONIE_FAMILIES or root.exists("/etc/redhat-release"):
        return "cronie"
    if family & {"alpine"}:
        return "busybox"
    try:
        table = root.text("/etc/crontab")
    except UnreadableError:
        return None
    return "vixie-debian" if "run-parts --report" in table else None
