"""The running manager's answers laid over the files."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.facts import Unit
from certaudit.host.root import Root
from certaudit.host.units import bus, systemctl
from certaudit.host.units.bus import BusUnavailableError, open_bus
from certaudit.host.units.files import UnitFiles
from certaudit.host.units.live import LiveState, LiveUnits, ManagerError, moment
from certaudit.host.units.systemd import live_systemd

USR = "usr/lib/systemd/system"
NEXT = 1_795_478_400_000_000  # 2026-11-24 00:00 UTC
BOOTED = Path("/run/systemd/system").exists()


class Answers:
    """A manager that answers from a table and counts the questions."""

    backend = "dbus"
    version = "252.39-1~deb12u2"

    def __init__(self, states: Mapping[str, LiveState]) -> None:
        self.states = states
        self.asked: list[list[str]] = []

    def loaded(self) -> Mapping[str, LiveState]:
        return {name: LiveState(s.load_state, s.active_state) for name, s in self.states.items()}

    def details(self, names: Iterable[str]) -> Mapping[str, LiveState]:
        self.asked.append(list(names))
        return {name: self.states[name] for name in self.asked[-1] if name in self.states}


class Silent(Answers):
    """A manager that goes away after the first answer."""

    def details(self, names: Iterable[str]) -> Mapping[str, LiveState]:
        raise ManagerError("connection reset")


@pytest.fixture
def files(tmp_path: Path) -> UnitFiles:
    units = {
        "certbot.timer": "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n",
        "certbot.service": "[Service]\nExecStart=/usr/bin/certbot renew\n",
        "nginx.service": "[Service]\nExecStart=/usr/sbin/nginx\n",
        "rest.service": "[Service]\nExecStart=/bin/true\n",
        "tpl@.timer": "[Timer]\nOnCalendar=daily\n",
    }
    (tmp_path / USR).mkdir(parents=True)
    for name, text in units.items():
        (tmp_path / USR / name).write_text(text)
    (tmp_path / "lib").symlink_to("usr/lib")
    return UnitFiles(Root(tmp_path))


def known(units: LiveUnits, name: str) -> Unit:
    found = units.unit(name)
    assert found is not None
    return found


TIMER = LiveState(
    "loaded",
    "active",
    file_state="enabled",
    fragment="/lib/systemd/system/certbot.timer",
    need_reload=True,
    triggers=("certbot.service",),
    active_since=NEXT - 5_000_000,
    last_start=NEXT - 5_000_000,
    last_end=0,
    next_elapse=NEXT,
    next_monotonic=0,
    last_trigger=(1 << 64) - 1,
)
STATES = {
    "certbot.timer": TIMER,
    "certbot.service": LiveState("loaded", "inactive", "static", triggered_by=("certbot.timer",)),
    "nginx.service": LiveState("loaded", "active", "enabled"),
    "adhoc.timer": LiveState("loaded", "active", "transient", "/run/systemd/transient/adhoc.timer"),
    "missing.service": LiveState("not-found", "inactive"),
}


def test_a_timer_gets_what_the_manager_says(files: UnitFiles) -> None:
    units = LiveUnits(files, Answers(STATES))
    unit = known(units, "certbot.timer")
    assert (unit.file_state, unit.load_state, unit.active_state) == ("enabled", "loaded", "active")
    assert unit.fragment == "/lib/systemd/system/certbot.timer"  # the same file, by the manager's name
    assert unit.need_reload is True
    assert unit.next_elapse == datetime(2026, 11, 24, tzinfo=timezone.utc)
    assert unit.last_trigger is None
    assert unit.last_end is None
    assert (
        unit.active_since == unit.last_start == datetime(2026, 11, 23, 23, 59, 55, tzinfo=timezone.utc)
    )
    assert unit.last("Timer", "OnCalendar") == "daily"
    assert known(units, "certbot.service").triggered_by == ("certbot.timer",)
    assert (units.backend, units.version, units.gaps) == ("dbus", "252.39-1~deb12u2", ())


def test_names_have_what_is_loaded_but_not_what_is_missing(files: UnitFiles) -> None:
    units = LiveUnits(files, Answers(STATES))
    assert "adhoc.timer" in units.names()
    assert "missing.service" not in units.names()
    assert units.unit("missing.service") is None
    adhoc = known(units, "adhoc.timer")
    assert (adhoc.fragment, adhoc.file_state, adhoc.active_state) == (
        "/run/systemd/transient/adhoc.timer",
        "transient",
        "active",
    )


def test_what_is_not_loaded_is_inactive_and_a_template_is_nothing(files: UnitFiles) -> None:
    units = LiveUnits(files, Answers(STATES))
    assert known(units, "rest.service").active_state == "inactive"
    assert known(units, "tpl@.timer").active_state is None


def test_the_questions_are_few(files: UnitFiles) -> None:
    manager = Answers(STATES)
    units = LiveUnits(files, manager)
    for name in (*units.names(), *units.names()):
        units.unit(name)
    assert manager.asked == [["adhoc.timer", "certbot.timer", "nginx.service"], ["certbot.service"]]


def test_a_manager_that_goes_away_is_a_gap(files: UnitFiles) -> None:
    units = LiveUnits(files, Silent(STATES))
    unit = known(units, "certbot.timer")
    assert (unit.active_state, unit.next_elapse) == ("active", None)
    assert [gap.aspect for gap in units.gaps] == ["systemd"]


def test_a_timer_that_counts_from_boot(files: UnitFiles) -> None:
    state = LiveState("loaded", "active", next_elapse=0, next_monotonic=10_000_000_000_000)
    unit = known(LiveUnits(files, Answers({"certbot.timer": state})), "certbot.timer")
    assert unit.next_elapse is not None
    assert unit.next_elapse > datetime.now(timezone.utc)


def test_properties_as_the_bus_gives_them() -> None:
    unit = {
        b"LoadState": b"loaded",
        b"ActiveState": b"active",
        b"UnitFileState": b"enabled",
        b"FragmentPath": b"/lib/systemd/system/certbot.timer",
        b"DropInPaths": [b"/etc/systemd/system/certbot.timer.d/a.conf"],
        b"NeedDaemonReload": False,
        b"Triggers": [b"certbot.service"],
        b"TriggeredBy": [],
        b"ActiveEnterTimestamp": NEXT,
        b"InactiveExitTimestamp": NEXT,
        b"InactiveEnterTimestamp": 0,
    }
    timer = {b"NextElapseUSecRealtime": NEXT, b"NextElapseUSecMonotonic": 0, b"LastTriggerUSec": 0}
    assert bus.live_state(unit, timer) == LiveState(
        "loaded",
        "active",
        "enabled",
        "/lib/systemd/system/certbot.timer",
        ("/etc/systemd/system/certbot.timer.d/a.conf",),
        need_reload=False,
        triggers=("certbot.service",),
        active_since=NEXT,
        last_start=NEXT,
        last_end=0,
        next_elapse=NEXT,
        next_monotonic=0,
        last_trigger=0,
    )


def test_properties_as_systemctl_prints_them() -> None:
    unit = {
        "LoadState": "loaded",
        "ActiveState": "active",
        "UnitFileState": "",
        "FragmentPath": "/x",
        "DropInPaths": "/a /b",
        "NeedDaemonReload": "yes",
        "Triggers": 'certbot.service "a\\\\x2db.service"',
        "ActiveEnterTimestamp": "Tue 2026-11-24 00:00:00 UTC",
        "NextElapseUSecRealtime": "",
        "NextElapseUSecMonotonic": "1h 2min 3.500s",
        "LastTriggerUSec": "n/a",
    }
    assert systemctl.live_state(unit) == LiveState(
        "loaded",
        "active",
        None,
        "/x",
        ("/a", "/b"),
        need_reload=True,
        triggers=("certbot.service", "a\\x2db.service"),
        active_since=NEXT,
        next_monotonic=3_723_500_000,
    )


def test_times() -> None:
    assert moment(NEXT + 5) == datetime(2026, 11, 24, 0, 0, 0, 5, tzinfo=timezone.utc)
    assert [moment(never) for never in (None, 0, (1 << 64) - 1, 1 << 63)] == [None] * 4


def test_without_pystemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pystemd", None)
    with pytest.raises(BusUnavailableError, match="pystemd is not installed"):
        open_bus()


def test_without_a_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pystemd")
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    with pytest.raises(BusUnavailableError, match="no answer on the system bus"):
        open_bus()


def test_where_systemd_has_not_booted_its_files_answer(files: UnitFiles) -> None:
    found = live_systemd(files.root)
    assert isinstance(found, UnitFiles)
    assert (found.backend, found.gaps) == ("unit-files", ())


@pytest.mark.skipif(BOOTED, reason="the manager of this machine would answer")
def test_a_manager_that_cannot_be_asked_is_a_gap(
    files: UnitFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    (files.root.directory / "run/systemd/system").mkdir(parents=True)
    found = live_systemd(Root(files.root.directory))
    assert found.backend == "unit-files"
    assert [gap.aspect for gap in found.gaps] == ["systemd"]
    assert "Run certaudit as root" in found.gaps[0].reason
