"""Entries of systemd's journal as ``journalctl -o json`` prints them, one object a line.

Law: one line gives one entry or one ``ParseError``. Fields: systemd.journal-fields(7); shapes of
values (string, null, array of bytes, array of values): systemd.io/JOURNAL_EXPORT_FORMATS.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from msgspec import Struct

from certaudit.errors import ParseError

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_INIT_CGROUP = "/init.scope"


class JournalEntry(Struct, frozen=True):
    """One entry. ``time`` is UTC, when the journal received it; ids are lower-case hex.

    ``unit``: the unit that a service manager speaks of, else the one whose process logged.
    ``user_unit``: that unit belongs to the user manager of ``uid``. ``job_type`` and
    ``message_id`` are set in systemd's own messages. ``program`` and ``message`` are "" if absent.
    """

    time: datetime
    cursor: str
    unit: str | None
    user_unit: bool
    invocation_id: str | None
    job_type: str | None
    message_id: str | None
    program: str
    pid: int | None
    uid: int | None
    message: str
    hostname: str | None
    boot_id: str | None


def parse_entry(text: str | bytes, line: int | None = None) -> JournalEntry:
    """One line of ``journalctl -o json``; ``line`` (from 1) goes into the ``ParseError``.

    An entry needs ``__REALTIME_TIMESTAMP`` (microseconds since 1970, a string or a number) and
    ``__CURSOR``. A field given several times counts with its first value; bytes are read as UTF-8
    with replacement; a value that journalctl left out as too large (null) counts as absent.
    """
    fields = _object(text, line)
    time, cursor = _time(fields.get("__REALTIME_TIMESTAMP")), _text(fields.get("__CURSOR"))
    if time is None or not cursor:
        raise ParseError("a journal entry without time or cursor", line)
    unit, user_unit = _unit(fields)
    return JournalEntry(
        time=time,
        cursor=cursor,
        unit=unit,
        user_unit=user_unit,
        invocation_id=_first(fields, "INVOCATION_ID", "USER_INVOCATION_ID", "_SYSTEMD_INVOCATION_ID"),
        job_type=_first(fields, "JOB_TYPE"),
        message_id=_first(fields, "MESSAGE_ID"),
        program=_first(fields, "SYSLOG_IDENTIFIER", "_COMM") or "",
        pid=_number(_first(fields, "_PID", "SYSLOG_PID")),
        uid=_number(_first(fields, "_UID")),
        message=_first(fields, "MESSAGE") or "",
        hostname=_first(fields, "_HOSTNAME"),
        boot_id=_first(fields, "_BOOT_ID"),
    )


def _object(text: str | bytes, line: int | None) -> dict[str, object]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested without end
        raise ParseError("not a JSON object of a journal entry", line) from None
    if not isinstance(fields, dict):
        raise ParseError("not a JSON object of a journal entry", line)
    return fields


def _time(value: object) -> datetime | None:
    micros = _number(str(value)) if isinstance(value, str | int) else None
    if micros is None:
        return None
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return None


def _unit(fields: dict[str, object]) -> tuple[str | None, bool]:
    """(unit, whether of a user manager). Any process can send UNIT=, so it counts from PID 1 only."""
    if _first(fields, "_PID") == "1" or _first(fields, "_SYSTEMD_CGROUP") == _INIT_CGROUP:
        unit = _first(fields, "UNIT")
        if unit is not None:
            return unit, False
    unit = _first(fields, "USER_UNIT", "_SYSTEMD_USER_UNIT")
    return (unit, True) if unit is not None else (_first(fields, "_SYSTEMD_UNIT"), False)


def _first(fields: dict[str, object], *names: str) -> str | None:
    for name in names:
        value = _text(fields.get(name))
        if value is not None:
            return value
    return None


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
        return bytes(value).decode("utf-8", "replace")
    return next((text for text in map(_member, value) if text is not None), None)


def _member(value: object) -> str | None:
    """One of several values of a field: a string or, not nested further, an array of bytes."""
    if isinstance(value, list) and any(isinstance(part, list) for part in value):
        return None
    return _text(value)


def _number(digits: str | None) -> int | None:
    if digits is None or not (digits.isascii() and digits.isdecimal() and len(digits) < 20):
        return None
    return int(digits)
