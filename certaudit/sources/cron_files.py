"""Which files a cron daemon takes for crontabs: names, places, modes, owners, links.

Law: the rules are those of the found daemon, as ``parsers.file_names`` has them; a file it passes
over has a Reason that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from certaudit.errors import UnreadableError
from certaudit.host.identity import users
from certaudit.host.machine import Host
from certaudit.model import Evidence, Reason
from certaudit.parsers import file_names
from certaudit.parsers.crontab import Daemon as Dialect
from certaudit.parsers.file_names import CronDaemon as Daemon

SPOOLS = ("/var/spool/cron/crontabs", "/var/spool/cron/tabs", "/var/spool/cron", "/etc/crontabs")
# Debian compiles the one place in; the others are told theirs when they are built or started.
DEBIAN_SPOOL = "/var/spool/cron/crontabs"
Account = tuple[int | None, str]  # number and home


def file_off(host: Host, path: str) -> Reason | None:
    """Why the daemon passes over a file of /etc/cron.d, or ``None`` if it reads it."""
    daemon = daemon_of(host)
    if path != "/etc/crontab":
        good, why = file_names.cron_d_name_ok(PurePosixPath(path).name, daemon)
        if not good:
            text = f"{daemon_words(daemon)} does not read {path}: {why}"
            return Reason("name-ignored", text, (Evidence(path),))
    entry = host.root.entry(path)
    if entry is None or not entry.is_file:
        return None
    links = entry.links if host.live else 1  # unpacking an image may join equal files
    good, why = file_names.cron_d_mode_ok(
        entry.mode,
        owner_of(host, entry.uid),
        daemon,
        links=links,
        symlink_uid=link_owner(host, path),
    )
    return None if good else Reason("file-refused", f"cron refuses {path}: {why}", (Evidence(path),))


def owner_of(host: Host, uid: int) -> int:
    """A file's owner, where the owner of the tree's root directory stands for root."""
    return 0 if uid == host.root.root_uid else (uid or 1)


def link_owner(host: Host, path: str) -> int | None:
    """The owner of a symlink; ``None`` without one, or where the tree cannot say."""
    if host.root.link(path) is None:
        return None
    try:
        parent = host.root.entry(PurePosixPath(path).parent)
        if parent is None:
            return None
        found = host.root.outside(parent.path / PurePosixPath(path).name).lstat()
    except (UnreadableError, OSError):
        return None
    return owner_of(host, found.st_uid)


def spool_off(host: Host, path: str, accounts: Mapping[str, Account]) -> Reason | None:
    """Why the daemon passes over a file of the spool, or ``None`` if it takes it for a crontab."""
    name, here = PurePosixPath(path).name, (Evidence(path),)
    if accounts and name not in accounts:
        return Reason("no-such-user", f"there is no user {name}", here)
    daemon = daemon_of(host)
    good, why = file_names.spool_name_ok(name, daemon)
    if good and host.cron.name == "vixie-debian" and str(PurePosixPath(path).parent) != DEBIAN_SPOOL:
        good, why = False, f"it reads {DEBIAN_SPOOL}"
    if not good:
        return Reason("name-ignored", f"{daemon_words(daemon)} does not read {path}: {why}", here)
    good, why = spool_file_ok(host, path, accounts.get(name, (None, ""))[0], daemon)
    return None if good else Reason("file-refused", f"cron refuses {path}: {why}", here)


def spool_file_ok(host: Host, path: str, user: int | None, daemon: Daemon) -> file_names.Answer:
    """Whether the daemon takes what lies there, and why not; ``user`` is its user's number."""
    entry = host.root.entry(path)
    if entry is None or not entry.is_file:
        return True, ""
    if daemon == "vixie-debian" and host.root.link(path) is not None:
        return False, "it is a symbolic link"
    if not host.live and modes_lost(host, path):
        return True, ""
    owner = owner_of(host, entry.uid)
    links = entry.links if host.live else 1
    return file_names.spool_mode_ok(
        entry.mode & 0o7777, owner, owner if user is None else user, daemon, links=links
    )


def modes_lost(host: Host, path: str) -> bool:
    """Was the tree unpacked without its modes (from git, say), so that they are no evidence?

    No cron leaves its spool open to everybody: Debian's is 1730, cronie's 0700.
    """
    spool = host.root.entry(str(PurePosixPath(path).parent))
    return spool is not None and bool(spool.mode & 0o004)


def daemon_of(host: Host) -> Daemon:
    """Whose rules count: the found daemon's, else those of Debian's cron."""
    known: dict[str | None, Daemon] = {
        "cronie": "cronie",
        "busybox": "busybox",
        "systemd-cron": "systemd-cron",
    }
    return known.get(host.cron.name, "vixie-debian")


def table_daemon(host: Host) -> Dialect:
    """Whose grammar a table is read by."""
    name = daemon_of(host)
    return name if name in ("cronie", "busybox") else "vixie-debian"


def daemon_words(name: str) -> str:
    """A cron daemon as a person knows it."""
    return {"vixie-debian": "Debian's cron", "busybox": "busybox crond"}.get(name, name)


def users_of(host: Host) -> dict[str, Account]:
    """Number and home of each user of /etc/passwd; empty where the tree holds none."""
    return {name: (number, home) for name, number, home in users(host.root)}
