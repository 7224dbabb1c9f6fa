"""Lines of syslog files with their moments: RFC 3164 stamps (local, no year) and RFC 3339 stamps.

Law: a line gets a moment that its rotation family supports, or it is counted as undated. Formats:
RFC 3164 section 4.1, RFC 3339 section 5.6, as rsyslog, syslog-ng, busybox syslogd and
``journalctl -o short`` write them to /var/log/syslog, messages, cron.log, auth.log, daemon.log.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
    )
}
_SEVERITIES = frozenset(
    ("emerg", "panic", "alert", "crit", "err", "error", "warning", "warn", "notice", "info", "debug")
)
_NO_YEAR = 2000  # stands in a stamp without a year; a leap year, so that Feb 29 exists
_FIRST_YEAR = 1972  # the first leap year of Unix time: the walk into the past ends here
_LAST_YEAR = 9998  # a moment stays a datetime in every zone
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_LONG_GAP = timedelta(days=30)  # more silence than a machine in use leaves in its log
_RESUME = timedelta(days=3)  # how far a log may step over a spell of a wrong clock
_BOOT = 3000  # lines that a machine writes until its clock is set
_ROTATION = timedelta(days=62)  # between a file's last chosen line and its last write


class LogText(Struct, frozen=True):
    """One file of a rotation family.

    ``lines`` are (line number from 1, text), all of them or only those of interest, in file order.
    ``newest`` is the file's modification time (aware) where that can be trusted, else None.
    """

    where: str
    lines: Iterable[tuple[int, str]]
    newest: datetime | None


class LogLine(Struct, frozen=True):
    """One dated line. ``time`` carries a fixed offset, so times compare and subtract as instants.

    ``host`` and ``program`` are "" where the line has none; ``text`` is the line without its end.
    """

    time: datetime
    host: str
    program: str
    pid: int | None
    message: str
    where: str
    line: int
    text: str
    year_inferred: bool


class LogLines(Struct, frozen=True):
    """The dated lines of a family in file order, and how many had a stamp that gives no moment.

    Undated are months in another language, impossible dates, and RFC 5424 framing. Lines without
    anything like a stamp (continuations) are neither.
    """

    lines: tuple[LogLine, ...]
    undated: int


class _Stamp(NamedTuple):
    wall: datetime  # naive local time; year _NO_YEAR where the stamp has none
    has_year: bool
    offset: timezone | None
    end: int  # where the rest of the line begins


class _Raw(NamedTuple):
    where: str
    line: int
    text: str
    stamp: _Stamp


def parse_lines(files: Sequence[LogText], zone: tzinfo, as_of: datetime) -> LogLines:
    """Read one rotation family, ``files`` from oldest to newest; no error escapes for any text.

    ``zone`` is the machine's zone, ``as_of`` the aware moment of the audit. The year of a stamp
    without one is inferred from the newest line back: nothing lies more than a day after ``as_of``;
    a line is at most a day later than its successor, else a New Year lies between; Feb 29 falls in
    a leap year and takes the lines that follow it without a long gap along; a spell of a wrong clock
    (less than a day and a boot's lines, in a log that goes on) does not count as a New Year; a file's
    ``newest`` lowers the bound if its last line fits it. More than a year of silence cannot be seen.
    """
    raws: list[_Raw] = []
    bounds: dict[int, datetime] = {}
    undated = 0
    for file in files:
        first = len(raws)
        for number, text in file.lines:
            line = text.rstrip("\r\n")
            stamp = _read_stamp(line)
            if stamp is not None:
                raws.append(_Raw(file.where, number, line, stamp))
            elif _looks_dated(line):
                undated += 1
        if file.newest is not None and len(raws) > first:
            bounds[len(raws) - 1] = _wall(file.newest, zone)
    walls = _YearWalk(raws, bounds, zone, _wall(as_of, zone)).walls()
    return LogLines(tuple(_moments(raws, walls, zone)), undated)


def _wall(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


# Stamps


def _read_stamp(text: str) -> _Stamp | None:
    start = _after_priority(text)
    month = _MONTHS.get(text[start : start + 3])
    try:
        if month is not None:
            return _bsd_stamp(text, start, month)
        if text[start + 4 : start + 5] == "-":
            return _iso_stamp(text, start)
    except ValueError:  # no such day, hour or offset
        return None
    return None


def _after_priority(text: str) -> int:
    """Where the stamp begins: after ``<25>``, RFC 3164 section 4.1.1."""
    if not text.startswith("<"):
        return 0
    end = text.find(">", 2, 5)
    return end + 1 if end > 0 and text[1:end].isdecimal() else 0


def _bsd_stamp(text: str, start: int, month: int) -> _Stamp | None:
    """``Nov 30 20:03:53``, ``Sep  2 ...`` and the unpadded ``Nov 1 ...``."""
    at = start + 6
    day = text[start + 4 : at]
    if day.endswith(" "):
        day, at = day[0], at - 1
    clock = _clock(text, at + 1)
    if text[start + 3 : start + 4] != " " or text[at : at + 1] != " " or clock is None:
        return None
    hour, minute, second, micro, end = clock
    wall = datetime(_NO_YEAR, month, _number(day.lstrip(" ")), hour, minute, second, micro)  # noqa: DTZ001
    return _Stamp(wall, False, None, end + 1) if text[end : end + 1] == " " else None


def _iso_stamp(text: str, start: int) -> _Stamp | None:
    """``2026-11-23T08:09:13.387436+00:00``, with Z, ``+0000``, or no offset (then local time)."""
    if text[start + 7 : start + 8] != "-" or text[start + 10 : start + 11] != "T":
        return None
    year = _number(text[start : start + 4])
    month, day = _number(text[start + 5 : start + 7]), _number(text[start + 8 : start + 10])
    clock = _clock(text, start + 11)
    if clock is None or not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    hour, minute, second, micro, end = clock
    space = text.find(" ", end, end + 7)
    if space < 0:
        return None
    wall = datetime(year, month, day, hour, minute, second, micro)  # noqa: DTZ001
    return _Stamp(wall, True, _offset(text[end:space]), space + 1)


def _clock(text: str, at: int) -> tuple[int, int, int, int, int] | None:
    """(hour, minute, second, microsecond, end) of ``20:03:53`` or ``20:03:53.387436``."""
    if text[at + 2 : at + 3] != ":" or text[at + 5 : at + 6] != ":":
        return None
    hour, minute = _number(text[at : at + 2]), _number(text[at + 3 : at + 5])
    second = _number(text[at + 6 : at + 8])
    second -= second == 60  # a leap second, which datetime lacks
    end = at + 8
    if text[end : end + 1] != ".":
        return hour, minute, second, 0, end
    start = end = end + 1
    while text[end : end + 1].isdecimal():
        end += 1
    return hour, minute, second, _number(text[start : min(end, start + 6)].ljust(6, "0")), end


def _number(digits: str) -> int:
    if digits.isascii() and digits.isdecimal():
        return int(digits)
    raise ValueError(digits)


@lru_cache(maxsize=64)
def _offset(text: str) -> timezone | None:
    if text in ("Z", "z"):
        return timezone.utc
    if not text:
        return None
    digits = text[1:].replace(":", "").ljust(4, "0")
    if text[0] not in "+-" or len(digits) != 4:
        raise ValueError(text)
    delta = timedelta(hours=_number(digits[:2]), minutes=_number(digits[2:]))
    return timezone(-delta if text[0] == "-" else delta)


def _looks_dated(text: str) -> bool:
    """Whether a line without a readable stamp has the shape of one, in any language."""
    start = _after_priority(text)
    if start and text.startswith("1 ", start):  # RFC 5424
        return True
    head = text[start : start + 64]
    if head[4:5] == "-" and head[7:8] == "-" and head[10:11] == "T":
        return True
    words = head.split(None, 4)
    return any(
        len(day) <= 4 and day.isdecimal() and _is_clock(clock) for day, clock in pairwise(words[:4])
    )


def _is_clock(word: str) -> bool:
    return word[2:3] == word[5:6] == ":" and (word[:2] + word[3:5] + word[6:8]).isdecimal()


# Years


class _YearWalk:
    """The walk from the newest line to the oldest that gives every stamp its year.

    ``bounds`` maps the index of a file's last line to the local time of the file's last write.
    """

    def __init__(
        self, raws: Sequence[_Raw], bounds: dict[int, datetime], zone: tzinfo, as_of: datetime
    ) -> None:
        self._raws = raws
        self._bounds = bounds
        self._zone = zone
        self._ceiling = as_of + _DAY
        self._bound = as_of  # the time of the line after the one being dated
        self._resume: datetime | None = None  # the line after the last long gap
        self._spell = as_of  # the line before that gap
        self._walls: list[datetime] = []  # newest first

    def walls(self) -> list[datetime]:
        """The local times with their years, in the order of the lines."""
        for index in range(len(self._raws) - 1, -1, -1):
            stamp = self._raws[index].stamp
            if index in self._bounds and not stamp.has_year:
                self._lower(stamp.wall, self._bounds[index])
            wall = self._pinned(stamp) if stamp.has_year else self._inferred(stamp.wall)
            self._walls.append(wall)
            self._advance(index, wall)
        self._walls.reverse()
        return self._walls

    def _pinned(self, stamp: _Stamp) -> datetime:
        if stamp.offset is None:
            return stamp.wall
        return _wall(stamp.wall.replace(tzinfo=stamp.offset), self._zone)

    def _lower(self, wall: datetime, newest: datetime) -> None:
        """Let a file's last write lower the bound, if the file's last line fits it."""
        if newest < self._bound and newest - _latest(wall, newest + _DAY) <= _ROTATION:
            self._bound = newest

    def _inferred(self, wall: datetime) -> datetime:
        limit = min(self._bound + _DAY, self._ceiling)
        found = _latest(wall, limit)
        if self._resume is not None:
            resumed = _latest(wall, min(self._resume + _DAY, self._ceiling))
            if resumed > found and self._resume - resumed <= _RESUME:
                return resumed
        if _is_leap_day(wall):
            self._pull(found, limit.year - (wall > _yearless(limit)) - found.year)
        return found

    def _pull(self, before: datetime, years: int) -> None:
        """Move the lines that follow Feb 29 without a long gap back by ``years`` as well."""
        for at in range(len(self._walls) - 1, -1, -1):
            stamp = self._raws[len(self._raws) - 1 - at].stamp
            if years <= 0 or stamp.has_year or _is_leap_day(stamp.wall):
                break
            wall = self._walls[at].replace(year=max(self._walls[at].year - years, _FIRST_YEAR))
            if wall - before > _LONG_GAP:
                break
            self._walls[at] = before = wall
            self._bound, self._resume = self._walls[-1], None

    def _advance(self, index: int, wall: datetime) -> None:
        if self._bound - wall > _LONG_GAP:
            self._resume = self._bound if self._boot_apart(index) else None
            self._spell = wall
        elif self._spell - wall > _DAY:
            self._resume = None
        self._bound = min(wall, self._ceiling)

    def _boot_apart(self, index: int) -> bool:
        """Whether no more lines than a boot writes lie between a line and its successor."""
        line, after = self._raws[index], self._raws[index + 1 : index + 2]
        return bool(after) and line.where == after[0].where and after[0].line - line.line < _BOOT


def _is_leap_day(wall: datetime) -> bool:
    return wall.month == 2 and wall.day == 29


def _yearless(wall: datetime) -> datetime:
    return wall.replace(year=_NO_YEAR)


def _latest(wall: datetime, limit: datetime) -> datetime:
    """A ``wall`` without year in the last one that keeps it from lying after ``limit``."""
    year = limit.year - (wall > _yearless(limit))
    if _is_leap_day(wall):
        while year > _FIRST_YEAR and not isleap(year):
            year -= 1
    return wall.replace(year=max(year, _FIRST_YEAR))


# Moments


def _moments(raws: Sequence[_Raw], walls: Sequence[datetime], zone: tzinfo) -> Iterable[LogLine]:
    before: datetime | None = None
    for raw, wall in zip(raws, walls, strict=True):
        stamp = raw.stamp
        if stamp.offset is None:
            time = before = _instant(wall, zone, before)
        else:
            time = before = stamp.wall.replace(tzinfo=stamp.offset)
        host, program, pid, message = _split_rest(raw.text, stamp.end)
        yield LogLine(
            time, host, program, pid, message, raw.where, raw.line, raw.text, not stamp.has_year
        )


def _instant(wall: datetime, zone: tzinfo, before: datetime | None) -> datetime:
    """The instant of a local time; in an hour that comes twice, the one that goes on from ``before``.

    A local time that a zone skips (spring) moves on by the length of the gap, as mktime(3) does.
    """
    early, late = wall.replace(tzinfo=zone), wall.replace(tzinfo=zone, fold=1)
    offset = early.utcoffset() or timedelta(0)
    if offset == (late.utcoffset() or timedelta(0)):
        return wall.replace(tzinfo=_timezone(offset))
    first, second = _fixed(early, zone), _fixed(late, zone)
    if before is not None and first + _MINUTE < before <= second + _MINUTE:
        return second
    return first


def _fixed(local: datetime, zone: tzinfo) -> datetime:
    real = local.astimezone(timezone.utc).astimezone(zone)
    offset = real.utcoffset() or timedelta(0)
    return real.replace(tzinfo=_timezone(offset), fold=0)


@lru_cache(maxsize=64)
def _timezone(offset: timedelta) -> timezone:
    return timezone(offset)


# The rest of the line


def _split_rest(text: str, start: int) -> tuple[str, str, int | None, str]:
    """(host, program, pid, message) of ``hogehoge systemd[1]: Starting Certbot...``."""
    space = text.find(" ", start)
    if space < 0:
        return text[start:], "", None, ""
    at = _after_facility(text, space + 1)
    colon = text.find(":", at)
    tag = text[at:colon] if colon > at else ""
    program, bracket, pid = tag.partition("[")
    if not tag or (" " in tag and not (bracket and tag.endswith("]"))):
        return text[start:space], "", None, text[at:]
    body = colon + 2 if text[colon + 1 : colon + 2] == " " else colon + 1
    digits = pid[:-1]
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None
    return text[start:space], program, number, text[body:]


def _after_facility(text: str, at: int) -> int:
    """Where the tag begins: busybox syslogd writes ``cron.info`` before it."""
    space = text.find(" ", at, at + 24)
    _, dot, severity = text[at:space].partition(".") if space > 0 else ("", "", "")
    return space + 1 if dot and severity in _SEVERITIES else at
