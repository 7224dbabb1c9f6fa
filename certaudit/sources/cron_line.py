"""What a cron daemon gives one line: its environment, its times, and whether it can start it at all.

Law: as the found daemon does it. Sources: crontab(5) of each; ``load_entry`` of ``entry.c``,
``find_jobs`` of ``cron.c`` and ``cron_change_user_permanently`` of ``security.c`` of cronie 1.7.2;
``set_env_vars`` of ``crond.c`` of busybox 1.37.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from certaudit.host.identity import named_zone
from certaudit.host.machine import Host
from certaudit.model import Evidence, Reason, Schedule
from certaudit.parsers import crontab
from certaudit.parsers.crontab import CronEntry, Daemon
from certaudit.sources.cron_files import table_daemon

# Unless the table says otherwise. busybox hands on its own, which is not known.
PATHS: dict[Daemon, str] = {
    "vixie-debian": "/usr/bin:/bin",
    "cronie": "/usr/bin:/bin:/usr/sbin:/sbin",
    "busybox": "/usr/bin:/bin",
}
LONGEST_DELAY = 24 * 60  # minutes; cronie ignores a RANDOM_DELAY beyond
Environment = tuple[tuple[str, str], ...]


def environment_of(line: CronEntry, user: str, home: str | None, daemon: Daemon) -> Environment:
    """The environment of a command, sorted by name: no line of a table changes LOGNAME."""
    usual = "/root" if user == "root" else f"/home/{user}"
    known = {"SHELL": "/bin/sh", "PATH": PATHS[daemon], "HOME": home or usual}
    known |= {**dict(line.environment), "LOGNAME": user}
    return tuple(sorted(known.items()))


def no_home(host: Host, environment: Environment) -> Reason | None:
    """Cronie starts no command whose HOME is no directory; ``None`` where it is, or may be.

    Only of the machine itself: an image may have been taken without its homes.
    """
    home = dict(environment)["HOME"]
    if not host.live or table_daemon(host) != "cronie" or host.path_exists(home) is not False:
        return None
    text = f"cronie does not start it: there is no directory {home}"
    return Reason("no-home", text, (Evidence(home),))


def schedule_of(line: CronEntry, host: Host) -> Schedule:
    """When a cron line fires next and how far apart its firings lie.

    Under cronie ``CRON_TZ`` above the line names the zone of its times, and up to ``RANDOM_DELAY``
    minutes may pass.
    """
    daemon, known = table_daemon(host), dict(line.environment)
    if daemon != "cronie":
        return firings(line.schedule, host.as_of.astimezone(host.zone), daemon, None, 0)
    name = known.get("CRON_TZ") or None
    zone: tzinfo = host.zone if name is None else named_zone(name) or timezone.utc  # tzset(3)
    moment = host.as_of.astimezone(zone)
    return firings(line.schedule, moment, daemon, name, delay_of(known.get("RANDOM_DELAY", "0")))


def delay_of(text: str) -> int:
    """Minutes of ``RANDOM_DELAY``; none where cronie finds the value bad."""
    return int(text) if text.isascii() and text.isdigit() and int(text) <= LONGEST_DELAY else 0


@lru_cache(maxsize=4096)
def firings(text: str, moment: datetime, daemon: Daemon, zone: str | None, delay: int) -> Schedule:
    """The next firing after a moment and the longest gap; tables repeat their schedules."""
    following = crontab.next_firing(text, moment, daemon)
    gap = crontab.interval(text, daemon)
    return Schedule(
        (text if zone is None else f"CRON_TZ={zone} {text}",),
        random_delay=delay * 60.0 or None,
        next_earliest=following,
        next_latest=following + timedelta(minutes=delay) if following else None,
        longest_gap=gap.total_seconds() if gap else None,
    )
