"""Crontabs of real machines: every file parses, and the known ones give what they hold."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.parsers.crontab import (
    Crontab,
    Daemon,
    interval,
    next_firing,
    parse_system_crontab,
    parse_user_crontab,
)

FOLDER = Path(os.environ.get("CERTAUDIT_CORPUS", "/nonexistent")) / "cron"
FILES = sorted(FOLDER.iterdir()) if FOLDER.is_dir() else []
DAEMONS: tuple[Daemon, ...] = ("vixie-debian", "cronie", "busybox")
MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not FILES, reason="CERTAUDIT_CORPUS names no folder with cron/"),
]


def text_of(path: Path) -> str:
    return path.read_text(errors="surrogateescape")


def is_system(path: Path) -> bool:
    """Files of cron.d and /etc/crontab name a user on each line; by what their first entry says."""
    if "spool" in path.name or "crontab_user" in path.name:
        return False
    users = [entry.user for entry in parse_system_crontab(text_of(path), "cronie").entries]
    return bool(users) and set(users) <= {"root", "www-data", "ubuntu"}


def every_table(path: Path) -> list[Crontab]:
    text = text_of(path)
    tables = [parse_user_crontab(text, daemon) for daemon in DAEMONS]
    return tables + [parse_system_crontab(text, daemon) for daemon in DAEMONS]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_parses_in_every_dialect(path: Path) -> None:
    lines = text_of(path).count("\n") + 1
    for table in every_table(path):
        assert len(table.entries) + len(table.errors) + len(table.commented) <= lines + 1


def test_schedules_fire() -> None:
    counted = 0
    for path in FILES:
        parse = parse_system_crontab if is_system(path) else parse_user_crontab
        for entry in parse(text_of(path), "cronie").entries:
            counted += 1
            if entry.schedule != "@reboot":
                assert next_firing(entry.schedule, MOMENT, "cronie") is not None, entry
                assert interval(entry.schedule, "cronie") is not None, entry
    assert counted >= 40


def test_system_and_user_crontabs_are_told_apart() -> None:
    system = [path for path in FILES if is_system(path)]
    assert len(system) >= 15
    assert len(FILES) - len(system) >= 10


def test_packaged_line() -> None:
    found = [
        entry
        for path in FILES
        if is_system(path)
        for entry in parse_system_crontab(text_of(path), "cronie").entries
        if "-d /run/systemd/system" in entry.command
    ]
    assert len(found) >= 8
    assert {entry.schedule for entry in found} <= {"0 */12 * * *", "* */1 * * *"}
    assert all(entry.stdin is None for entry in found)
