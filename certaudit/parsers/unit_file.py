"""The format of unit files: systemd.syntax(7), and how a unit's files add up: systemd.unit(5).

Law: what systemd itself would ignore is left out and named in ``problems``, with its line; values stay
as written, quotes and specifiers included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from certaudit.errors import ParseError
from certaudit.facts import Setting
from certaudit.parsers.exec_line import failing_specifiers, read_exec_line
from certaudit.parsers.timespan import parse_timespan
from certaudit.parsers.unit_words import BLANK, boolean
from certaudit.records import replace

LONG_LINE = 1 << 20  # bytes; systemd refuses the file at a longer line
LINE_END = re.compile(r"\r\n|\n\r|[\n\r\0]")  # as systemd's read_line()
REPLACED = "\ufffd"  # what a reader put in place of bytes that are no UTF-8

# An empty assignment to one key of a group resets all of it: systemd.timer(5), systemd.path(5),
# systemd.socket(5), and "ConditionArchitecture=..." in systemd.unit(5).
TIMERS = frozenset(
    {"OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec", "OnCalendar"}
)
PATHS = frozenset({"PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty"})
# Dependencies cannot be taken back by a drop-in (systemd.unit(5), the note on After=).
NEVER_RESET = frozenset(
    {
        "After",
        "Before",
        "BindsTo",
        "Conflicts",
        "JoinsNamespaceOf",
        "OnFailure",
        "OnSuccess",
        "PartOf",
        "PropagatesReloadTo",
        "PropagatesStopTo",
        "ReloadPropagatedFrom",
        "Requires",
        "Requisite",
        "StopPropagatedFrom",
        "Upholds",
        "Wants",
    }
)
EXEC = frozenset(
    {
        *("ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost"),
        *("ExecReload", "ExecStop", "ExecStopPost"),
    }
)
# Typed settings: a value of another type, the empty one included, is passed over and the old one
# stays (config_parse_sec and config_parse_bool of conf-parser.c; load-fragment-gperf.gperf.in).
SPANS = frozenset({"AccuracySec", "RandomizedDelaySec"})
BOOLEANS = frozenset(
    {
        *("OnClockChange", "OnTimezoneChange", "Persistent", "WakeSystem"),
        *("RemainAfterElapse", "FixedRandomDelay", "DeferReactivation"),
    }
)
TRIGGERS = frozenset({"Timer", "Path", "Automount"})  # Unit= there holds the first value, not the last


class Problem(Struct, frozen=True):
    """Something that systemd ignores, or (``fatal``) that makes it refuse the rest of the file."""

    line: int
    text: str
    fatal: bool = False


class UnitFile(Struct, frozen=True):
    """One unit file or drop-in: its settings in order, empty ones included, and what is wrong."""

    path: str
    settings: tuple[Setting, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether systemd fails to load the file: a line too long, a broken section header."""
        return any(problem.fatal for problem in self.problems)


def parse_unit_file(text: str, path: str = "") -> UnitFile:
    """The settings of a unit file, each with the line on which it begins. Never raises.

    ``path`` is copied into the settings. After a fatal problem nothing more is read, as in systemd.
    """
    settings: list[Setting] = []
    problems: list[Problem] = []
    section: str | None = None
    for number, line in logical_lines(text):
        found = statement(line)
        if isinstance(found, str):
            section = found
        elif isinstance(found, tuple) and section is not None:
            settings.append(Setting(section, *found, path=path, line=number))
        elif isinstance(found, tuple):
            problems.append(Problem(number, f"{found[0]}= stands before any section"))
        elif found is not None:
            problems.append(Problem(number, found.text, found.fatal))
            if found.fatal:
                break
    return UnitFile(path, tuple(settings), tuple(problems))


def statement(line: str) -> str | tuple[str, str] | Problem | None:
    """A logical line as a section's name, a (key, value), a problem, or ``None`` where it is blank."""
    text = line.strip(BLANK)
    if len(text) > LONG_LINE:
        return Problem(0, "line too long", fatal=True)
    if REPLACED in text:
        return Problem(0, "not UTF-8, ignored")
    if text[:1] == "[":
        return section_header(text)
    key, equals, value = text.partition("=")
    if equals and key:
        return key.rstrip(BLANK), value.lstrip(BLANK)
    return Problem(0, "no assignment, ignored") if text else None


def section_header(text: str) -> str | Problem:
    """The name between the brackets."""
    name = text[1:-1]
    if text[-1] != "]" or len(text) < 2 or any(c < " " or c in "\"'\\" for c in name):
        return Problem(0, f"invalid section header {text[:80]}", fatal=True)
    return name


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations joined, comments left out, each with its first line's number.

    A trailing backslash becomes a space; comments between a line and its continuation are skipped.
    """
    start, parts = 0, list[str]()
    for number, line in enumerate(LINE_END.split(text), 1):
        if line.lstrip(BLANK)[:1] in ("#", ";") and line.strip(BLANK):
            continue
        piece = line.removeprefix("\ufeff")
        start = start if parts else number
        if (len(piece) - len(piece.rstrip("\\"))) % 2:
            parts.append(piece[:-1] + " ")
            continue
        yield start, "".join([*parts, piece])
        parts = []
    if parts:
        yield start, "".join(parts)


def refusing(file: UnitFile, name: str) -> Setting | None:
    """The command line at which systemd stops reading a file of the unit ``name``, or ``None``.

    Of the unit's own file that means it refuses the unit, of a drop-in that the rest does not count
    (``unit_load_dropin`` passes over what ``config_parse`` returns).
    """
    failing = failing_specifiers(name)
    for setting in file.settings:
        command = setting.section == "Service" and setting.key in EXEC and bool(setting.value)
        if command and read_exec_line(setting.value, failing).refused:
            return setting
    return None


def up_to(file: UnitFile, last: Setting | None) -> UnitFile:
    """A file without what stands behind this setting."""
    if last is None:
        return file
    return replace(file, settings=file.settings[: file.settings.index(last) + 1])


def merged(files: Iterable[UnitFile]) -> tuple[Setting, ...]:
    """The settings that count when a fragment and its drop-ins are read in this order.

    An empty assignment removes what was set before, for single values and lists alike; neighbours it
    takes along and the keys it cannot reset are those of systemd 252.
    """
    kept: list[Setting] = []
    for setting in (s for file in files for s in file.settings):
        if of_another_type(setting):
            continue
        if setting.section in TRIGGERS and setting.key == "Unit":
            if setting.value and not any(same_key(setting, s) for s in kept):
                kept.append(setting)
        elif setting.value:
            kept.append(setting)
        elif setting.key not in NEVER_RESET or setting.section != "Unit":
            group = reset_group(setting)
            kept = [s for s in kept if s.section != setting.section or reset_group(s) != group]
    return tuple(kept)


def of_another_type(setting: Setting) -> bool:
    """Is the value of a timer's setting none that this setting can hold?"""
    if setting.section != "Timer":
        return False
    if setting.key in SPANS:
        try:
            parse_timespan(setting.value)
        except ParseError:
            return True
    return setting.key in BOOLEANS and boolean(setting.value) is None


def same_key(a: Setting, b: Setting) -> bool:
    """Both assign the same key of the same section."""
    return (a.section, a.key) == (b.section, b.key)


def reset_group(setting: Setting) -> str:
    """The name of what an empty assignment to this key resets: the key itself or its group."""
    section, key = setting.section, setting.key
    if section == "Timer" and key in TIMERS:
        return "On*"
    if section == "Path" and key in PATHS:
        return "Path*"
    if section == "Socket" and key.startswith("Listen"):
        return "Listen*"
    if section == "Unit" and key.startswith(("Condition", "Assert")):
        return "Condition*" if key.startswith("Condition") else "Assert*"
    return key
