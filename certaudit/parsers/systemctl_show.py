"""What ``systemctl show`` and ``systemctl list-units`` print: systemctl(1).

Law: output of a run with LC_ALL=C and TZ=UTC; unknown lines are passed over.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone

from certaudit.parsers.unit_name import name_kind

TIMESTAMP = re.compile(r"[A-Z][a-z]{2} (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? UTC")


def parse_show(text: str) -> tuple[dict[str, str], ...]:
    """The properties of each unit in turn; a blank line divides units. Never raises."""
    units: list[dict[str, str]] = [{}]
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if equals:
            units[-1][key] = value
        elif not line and units[-1]:
            units.append({})
    return tuple(unit for unit in units if unit)


def parse_list_units(text: str) -> tuple[tuple[str, str, str], ...]:
    """(name, load state, active state) of each line of ``list-units --plain --no-legend``."""
    found = []
    for line in text.split("\n"):
        words = line.split()
        if words and name_kind(words[0]) is None:
            words = words[1:]  # a mark in front of a failed or missing unit
        if len(words) >= 3 and name_kind(words[0]):
            found.append((words[0], words[1], words[2]))
    return tuple(found)


def parse_timestamp(value: str) -> int | None:
    """Microseconds since 1970 of ``Mon 2026-11-23 12:00:00 UTC``; ``None`` for everything else."""
    match = TIMESTAMP.fullmatch(value)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(group) for group in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000_000 + int((match[7] or "0").ljust(6, "0"))
