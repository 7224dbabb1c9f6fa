"""The system manager asked through systemctl(1), where D-Bus or pystemd is not at hand.

Law: two verbs only, ``list-units`` and ``show``, run by ``host/runner``; the answers are those of
``bus``, times in whole seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from certaudit.errors import ParseError
from certaudit.host.process import ProgramError
from certaudit.host.runner import find_program, run
from certaudit.host.units.live import LiveState, ManagerError
from certaudit.parsers.systemctl_show import parse_list_units, parse_show, parse_timestamp
from certaudit.parsers.timespan import parse_timespan
from certaudit.parsers.unit_words import split_words

TIMEOUT = 30.0
BATCH = 200  # names in one call
PROPERTIES = (
    "Id,LoadState,ActiveState,UnitFileState,FragmentPath,DropInPaths,NeedDaemonReload,Triggers,TriggeredBy,"
    "ActiveEnterTimestamp,InactiveExitTimestamp,InactiveEnterTimestamp,NextElapseUSecRealtime,"
    "NextElapseUSecMonotonic,LastTriggerUSec"
)


class Systemctl:
    """The manager of this machine behind systemctl."""

    backend = "systemctl"

    def __init__(self) -> None:
        """Raise ``ManagerError`` where systemctl is missing or the manager does not answer it."""
        self.version: str | None = None
        shown = parse_show(self._run("show", "--property=Version"))
        self.version = shown[0].get("Version") or None if shown else None

    def loaded(self) -> Mapping[str, LiveState]:
        """``list-units --all``."""
        output = self._run("list-units", "--all", "--full", "--plain", "--no-legend", "--no-pager")
        return {name: LiveState(load, active) for name, load, active in parse_list_units(output)}

    def details(self, names: Iterable[str]) -> Mapping[str, LiveState]:
        """``show`` for a few hundred units at a time."""
        wanted = list(names)
        found: dict[str, LiveState] = {}
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            output = self._run("show", f"--property={PROPERTIES}", "--", *batch)
            found.update({unit["Id"]: live_state(unit) for unit in parse_show(output) if "Id" in unit})
        return found

    def _run(self, *args: str) -> str:
        program = find_program("systemctl")
        if program is None:
            raise ManagerError("systemctl is not installed")
        try:
            done = run(program, args, timeout=TIMEOUT, env={"TZ": "UTC"})
        except ProgramError as error:
            raise ManagerError(str(error)) from error
        if done.returncode != 0:
            raise ManagerError(f"systemctl {args[0]}: {done.stderr.strip() or done.returncode}")
        return done.stdout.decode("utf-8", "replace")


def live_state(unit: Mapping[str, str]) -> LiveState:
    """The properties that ``systemctl show`` prints as a record."""
    return LiveState(
        load_state=unit.get("LoadState", ""),
        active_state=unit.get("ActiveState", ""),
        file_state=unit.get("UnitFileState") or None,
        fragment=unit.get("FragmentPath") or None,
        drop_ins=listed(unit, "DropInPaths"),
        need_reload=unit.get("NeedDaemonReload") == "yes",
        triggers=listed(unit, "Triggers"),
        triggered_by=listed(unit, "TriggeredBy"),
        active_since=parse_timestamp(unit.get("ActiveEnterTimestamp", "")),
        last_start=parse_timestamp(unit.get("InactiveExitTimestamp", "")),
        last_end=parse_timestamp(unit.get("InactiveEnterTimestamp", "")),
        next_elapse=parse_timestamp(unit.get("NextElapseUSecRealtime", "")),
        next_monotonic=since_boot(unit.get("NextElapseUSecMonotonic", "")),
        last_trigger=parse_timestamp(unit.get("LastTriggerUSec", "")),
    )


def listed(unit: Mapping[str, str], key: str) -> tuple[str, ...]:
    """A list of names or paths; what holds a backslash stands in quotes."""
    return split_words(unit.get(key, ""), relaxed=True)


def since_boot(value: str) -> int | None:
    """Microseconds of a span as systemctl prints it; ``None`` for none or ``infinity``."""
    try:
        seconds = parse_timespan(value) if value else math.inf
    except ParseError:
        return None
    return None if math.isinf(seconds) else int(seconds * 1_000_000)
