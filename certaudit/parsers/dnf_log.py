"""/var/log/dnf.rpm.log: which package rpm installed, upgraded or erased when.

Law: models what dnf 4 logs for each element of a transaction (``LoggingTransactionDisplay``): a time
with its offset from UTC, a level, a word, and the package as name-[epoch:]version-release.arch. Of the
pairs that an upgrade writes only the new side counts; dnf5 keeps no such log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone, tzinfo

from certaudit.history import PackageAction
from certaudit.parsers.dpkg_log import LoggedChange, moment

_STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:Z|([+-])(\d\d):?(\d\d)?) ", re.ASCII)
_ELEMENT = re.compile(
    r"(?:SUBDEBUG|INFO) (\w{1,20}): ([A-Za-z0-9][\w.+-]{0,200})-(?:\d+:)?([\w.+~^]+-[\w.+~^]+)\.\w+\s*",
    re.ASCII,
)
_ACTIONS: dict[str, PackageAction] = {
    "Installed": "install",
    "Install": "install",
    "Reinstall": "reinstall",
    "Upgrade": "upgrade",
    "Downgrade": "downgrade",
    "Erase": "remove",
    "Erased": "remove",
}


def parse_changes(lines: Iterable[tuple[int, str]], where: str, zone: tzinfo) -> Iterator[LoggedChange]:
    """The changes among numbered lines of one file; every other line is passed over. Never raises."""
    for number, raw in lines:
        stamped = _STAMP.match(raw)
        found = _ELEMENT.fullmatch(raw, stamped.end()) if stamped else None
        time = stamp(raw, zone)
        action = _ACTIONS.get(found[1]) if found else None
        if found is not None and time is not None and action is not None:
            gone = action == "remove"
            old, new = (found[3], None) if gone else (None, found[3])
            yield LoggedChange(time, action, found[2], old, new, where, number, raw.rstrip())


def stamp(raw: str, zone: tzinfo) -> datetime | None:
    """When a line was written, in the caller's zone; ``None`` for what is no line of this log."""
    found = _STAMP.match(raw)
    if found is None:
        return None
    hours, minutes = int(found[8] or 0), int(found[9] or 0)
    if hours > 23 or minutes > 59:
        return None
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if found[7] == "-" else 1)
    time = moment(found.groups()[:6], timezone(offset))
    return time.astimezone(zone) if time is not None and 1970 <= time.year < 9999 else None
