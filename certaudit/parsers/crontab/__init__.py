"""Crontabs of Debian's cron, cronie and busybox crond: which lines run, when, and with what.

Law: a line counts as an entry only if the named daemon takes it, leniencies included, and a file
that the daemon throws away as a whole says so. Sources: crontab(5) of each; ``entry.c``, ``env.c``,
``user.c`` and ``do_command.c`` of cron 3.0pl1-162 (Debian) and of cronie 1.7.2; ``crond.c`` of
busybox 1.37.
"""

from __future__ import annotations

from certaudit.parsers.crontab.fields import Daemon
from certaudit.parsers.crontab.schedule import interval, next_firing
from certaudit.parsers.crontab.table import (
    CronEntry,
    CronError,
    Crontab,
    parse_system_crontab,
    parse_user_crontab,
)

__all__ = [
    "CronEntry",
    "CronError",
    "Crontab",
    "Daemon",
    "interval",
    "next_firing",
    "parse_system_crontab",
    "parse_user_crontab",
]
