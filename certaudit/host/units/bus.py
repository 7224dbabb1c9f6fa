"""The system manager asked over D-Bus with pystemd: org.freedesktop.systemd1(5).

Law: pystemd is imported here, inside functions, and nowhere else; only properties and lists are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from certaudit.host.units.live import LiveState, ManagerError
from certaudit.parsers.unit_name import unit_type

SERVICE = b"org.freedesktop.systemd1"
MANAGER_PATH = b"/org/freedesktop/systemd1"
UNIT_PREFIX = b"/org/freedesktop/systemd1/unit"
MANAGER = b"org.freedesktop.systemd1.Manager"
PROPERTIES = b"org.freedesktop.DBus.Properties"


class BusUnavailableError(ManagerError):
    """There is no bus to ask, or nothing to ask it with."""


class Pystemd(Struct, frozen=True):
    """The parts of pystemd that are used; it ships no types."""

    dbuslib: Any
    error: type[Exception]


def pystemd() -> Pystemd:
    """Import pystemd. Raise ``BusUnavailableError`` where it is not installed."""
    try:
        from pystemd import dbusexc, dbuslib  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        raise BusUnavailableError("pystemd is not installed") from None
    return Pystemd(dbuslib, dbusexc.DBusBaseError)


class BusManager:
    """The manager of this machine on an open system bus."""

    backend = "dbus"

    def __init__(self, bus: Any, library: Pystemd) -> None:  # noqa: ANN401
        """``bus`` is an open ``pystemd.dbuslib.DBus``. Raise ``ManagerError``."""
        self._bus = bus
        self._library = library
        self.version: str | None = text(self._all(MANAGER_PATH, MANAGER).get(b"Version")) or None

    def loaded(self) -> Mapping[str, LiveState]:
        """``ListUnits``: name, description, load state, active state ... of each."""
        units = self._call(MANAGER_PATH, MANAGER, b"ListUnits")
        return {text(unit[0]): LiveState(text(unit[2]), text(unit[3])) for unit in units}

    def details(self, names: Iterable[str]) -> Mapping[str, LiveState]:
        """One ``GetAll`` for each unit, two for a timer."""
        found: dict[str, LiveState] = {}
        for name in names:
            path = self._library.dbuslib.path_encode(UNIT_PREFIX, name.encode())
            unit = self._all(path, SERVICE + b".Unit")
            timer = self._all(path, SERVICE + b".Timer") if unit_type(name) == "timer" else {}
            found[name] = live_state(unit, timer)
        return found

    def _all(self, path: bytes, interface: bytes) -> Mapping[bytes, Any]:
        found = self._call(path, PROPERTIES, b"GetAll", interface)
        return found if isinstance(found, dict) else {}

    def _call(self, path: bytes, interface: bytes, member: bytes, *args: bytes) -> Any:  # noqa: ANN401
        arguments = self._library.dbuslib.apply_signature(b"s" * len(args), list(args)) if args else []
        try:
            return self._bus.call_method(SERVICE, path, interface, member, arguments).body
        except self._library.error as error:
            raise ManagerError(f"{member.decode()}: {error}") from error


def open_bus() -> BusManager:
    """The manager behind the system bus. Raise ``BusUnavailableError``, saying what is missing."""
    library = pystemd()
    bus = library.dbuslib.DBus()
    try:
        bus.open()
        return BusManager(bus, library)
    except (library.error, ManagerError) as error:
        raise BusUnavailableError(f"no answer on the system bus: {error}") from error


def live_state(unit: Mapping[bytes, Any], timer: Mapping[bytes, Any]) -> LiveState:
    """The properties of org.freedesktop.systemd1.Unit and .Timer as a record."""
    return LiveState(
        load_state=text(unit.get(b"LoadState")),
        active_state=text(unit.get(b"ActiveState")),
        file_state=text(unit.get(b"UnitFileState")) or None,
        fragment=text(unit.get(b"FragmentPath")) or None,
        drop_ins=texts(unit.get(b"DropInPaths")),
        need_reload=bool(unit.get(b"NeedDaemonReload")),
        triggers=texts(unit.get(b"Triggers")),
        triggered_by=texts(unit.get(b"TriggeredBy")),
        active_since=unit.get(b"ActiveEnterTimestamp"),
        last_start=unit.get(b"InactiveExitTimestamp"),
        last_end=unit.get(b"InactiveEnterTimestamp"),
        next_elapse=timer.get(b"NextElapseUSecRealtime"),
        next_monotonic=timer.get(b"NextElapseUSecMonotonic"),
        last_trigger=timer.get(b"LastTriggerUSec"),
    )


def text(value: bytes | str | None) -> str:
    """The bus speaks bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def texts(values: Iterable[bytes] | None) -> tuple[str, ...]:
    """A list of names or paths, in the bus's order."""
    return tuple(text(value) for value in values or ())
