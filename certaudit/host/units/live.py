"""Units as files describe them, overlaid with what the running manager says of them.

Law: read-only; one batch of questions for the units that can trigger something and what they start,
kept for the whole audit. Settings always come from the files.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Protocol

from msgspec import Struct

from certaudit.errors import CertauditError, UnreadableError
from certaudit.facts import Unit
from certaudit.host.units.files import UnitFiles
from certaudit.model import Gap
from certaudit.parsers.preset import PresetRule
from certaudit.parsers.unit_name import name_kind, unit_type
from certaudit.records import replace

TRIGGERING = frozenset({"timer", "path", "socket", "automount"})
NEVER = (0, (1 << 64) - 1)  # systemd's words for "no such moment", in microseconds
RESTING = frozenset({"inactive", ""})


class ManagerError(CertauditError):
    """The running manager did not answer."""


class LiveState(Struct, frozen=True):
    """What the manager holds of one unit; times are microseconds of the real-time clock.

    ``next_monotonic`` alone counts from boot. ``None`` and () where it was not asked.
    """

    load_state: str
    active_state: str
    file_state: str | None = None
    fragment: str | None = None
    drop_ins: tuple[str, ...] = ()
    need_reload: bool | None = None
    triggers: tuple[str, ...] = ()
    triggered_by: tuple[str, ...] = ()
    active_since: int | None = None
    last_start: int | None = None
    last_end: int | None = None
    next_elapse: int | None = None
    next_monotonic: int | None = None
    last_trigger: int | None = None


class Manager(Protocol):
    """A running manager that can be asked."""

    @property
    def backend(self) -> str:
        """How it is asked: ``dbus`` or ``systemctl``."""

    @property
    def version(self) -> str | None:
        """The version of the manager that runs."""

    def loaded(self) -> Mapping[str, LiveState]:
        """Load and active state of every loaded unit. Raise ``ManagerError``."""

    def details(self, names: Iterable[str]) -> Mapping[str, LiveState]:
        """Everything in ``LiveState`` for these units. Raise ``ManagerError``."""


class LiveUnits:
    """The system manager of the machine this runs on."""

    def __init__(self, files: UnitFiles, manager: Manager) -> None:
        """Ask which units are loaded. Raise ``ManagerError``."""
        self.files = files
        self.manager = manager
        self.loaded = dict(manager.loaded())
        self._details: Mapping[str, LiveState] | None = None
        self._units: dict[str, Unit | None] = {}
        self._problems: list[Gap] = []

    @property
    def backend(self) -> str:
        """How the manager is asked."""
        return self.manager.backend

    @property
    def version(self) -> str | None:
        """The version of the manager that runs, which after an upgrade may be older than its files."""
        return self.manager.version or self.files.version

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be seen so far."""
        return (*self.files.gaps, *self._problems)

    @property
    def has_vendor_units(self) -> bool:
        """As ``UnitFiles``."""
        return self.files.has_vendor_units

    def preset(self, name: str) -> PresetRule | None:
        """As ``UnitFiles``."""
        return self.files.preset(name)

    def names(self) -> tuple[str, ...]:
        """The names of ``UnitFiles`` and of every loaded unit that is not merely referred to."""
        loaded = (name for name, state in self.loaded.items() if state.load_state != "not-found")
        return tuple(sorted({*self.files.names(), *loaded}))

    def unit(self, name: str) -> Unit | None:
        """The unit behind a name with its live state; what is not loaded is inactive."""
        if name not in self._units:
            self._units[name] = self._built(name)
        return self._units[name]

    def _built(self, name: str) -> Unit | None:
        known = self.files.unit(name)
        main = known.name if known else name
        state = self._state(main)
        if known is None:
            if state is None or state.load_state == "not-found":
                return None
            known = Unit(main, state.file_state, state.fragment, drop_ins=state.drop_ins)
        if name_kind(main) == "template":
            return known
        if state is None:
            return replace(known, active_state="inactive")
        return self._overlaid(known, state)

    def _overlaid(self, unit: Unit, state: LiveState) -> Unit:
        return replace(
            unit,
            file_state=state.file_state or unit.file_state,
            fragment=self._reported(unit.fragment, state.fragment),
            load_state=state.load_state,
            active_state=state.active_state,
            need_reload=state.need_reload,
            next_elapse=moment(self._next(state)),
            last_trigger=moment(state.last_trigger),
            active_since=moment(state.active_since) if state.active_state == "active" else None,
            last_start=moment(state.last_start),
            last_end=moment(state.last_end),
            triggered_by=state.triggered_by,
        )

    def _reported(self, found: str | None, reported: str | None) -> str | None:
        """The manager's path for a file, if it is the same file under another name."""
        if found is None or not reported:
            return found
        try:
            mine, theirs = self.files.root.entry(found), self.files.root.entry(reported)
        except UnreadableError:
            return found
        return reported if mine is not None and theirs is not None and mine == theirs else found

    def _next(self, state: LiveState) -> int | None:
        """The sooner of a timer's next elapse by the calendar and since boot."""
        times = [state.next_elapse] if state.next_elapse not in (None, *NEVER) else []
        if state.next_monotonic is not None and state.next_monotonic not in NEVER:
            times.append(int((time.time() - time.monotonic()) * 1e6) + state.next_monotonic)
        return min((t for t in times if t is not None), default=None)

    def _state(self, name: str) -> LiveState | None:
        if self._details is None:
            self._details = self._asked()
        return self._details.get(name) or self.loaded.get(name)

    def _asked(self) -> dict[str, LiveState]:
        """The details of what triggers, what runs, and what is triggered."""
        triggers = {n for n in self.names() if unit_type(n) in TRIGGERING and name_kind(n) != "template"}
        running = {
            name
            for name, state in self.loaded.items()
            if unit_type(name) == "service" and state.active_state not in RESTING
        }
        try:
            found = dict(self.manager.details(sorted(triggers | running)))
            started = {name for state in found.values() for name in state.triggers}
            found.update(self.manager.details(sorted(started - found.keys())))
        except ManagerError as error:
            self._problems.append(Gap("systemd", f"the manager stopped answering: {error}"))
            return {}
        return found


def moment(microseconds: int | None) -> datetime | None:
    """An aware time, or ``None`` for systemd's "never"."""
    if microseconds is None or microseconds in NEVER:
        return None
    try:
        return datetime.fromtimestamp(microseconds // 1_000_000, timezone.utc).replace(
            microsecond=microseconds % 1_000_000
        )
    except (OverflowError, ValueError, OSError):
        return None
