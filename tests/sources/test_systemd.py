"""A unit's own switch, what it starts, and triggers from the files of a machine."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certaudit.facts import Setting, Unit, UnitLink
from certaudit.host.machine import Host, open_host
from certaudit.model import Evidence, Gap, HalfSwitched, Reason, TriggerState
from certaudit.records import replace
from certaudit.sources.systemd import (
    Switch,
    collect,
    judge,
    scheduled,
    services_name,
    target_of,
    trigger_id,
)

UTC = timezone.utc
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
FILE = "/usr/lib/systemd/system/certbot.timer"
WANTS = "/etc/systemd/system/timers.target.wants/certbot.timer"
LINK = UnitLink("wants", "timers.target", WANTS, FILE)
MASK = "/etc/systemd/system/certbot.timer"
TWICE = ("*-*-* 00,12:00:00",)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def put(root: Path, path: str, text: str = "") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "usr/lib/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/UTC")
    return open_host(tmp_path, NOON)


def timer(file_state: str | None, active: str | None = None, **other: object) -> Unit:
    return replace(Unit("certbot.timer", file_state, FILE, active_state=active), **other)  # type: ignore[arg-type]


ENABLED = timer("enabled", links=(LINK,))
MASKED = timer("masked", mask=MASK, links=(LINK,))
STATIC_WANTED = timer("static", links=(LINK,))
SAID = Evidence("systemd:certbot.timer", None, "ActiveState=active")
AT_REST = Evidence("systemd:certbot.timer", None, "ActiveState=inactive")
WANTED = (Evidence(WANTS), Evidence(FILE))


def switch(state: TriggerState, code: str, text: str, *evidence: Evidence) -> Switch:
    return Switch(state, (Reason(code, text, evidence),))


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (ENABLED, switch("armed", "enabled", "certbot.timer is enabled: it starts at boot", *WANTED)),
        (
            STATIC_WANTED,
            switch("armed", "enabled", "certbot.timer is enabled: it starts at boot", *WANTED),
        ),
        (MASKED, switch("off", "masked", "certbot.timer is masked", Evidence(MASK))),
        (
            replace(MASKED, file_state="masked-runtime"),
            switch("off", "masked", "certbot.timer is masked", Evidence(MASK)),
        ),
        (
            timer("disabled"),
            switch(
                "off",
                "not-enabled",
                "certbot.timer is disabled: nothing starts it at boot",
                Evidence(FILE),
            ),
        ),
        (
            timer("static"),
            switch(
                "off",
                "not-enabled",
                "certbot.timer is static: nothing starts it at boot",
                Evidence(FILE),
            ),
        ),
        (
            timer(None),
            switch(
                "off",
                "not-enabled",
                "certbot.timer is not enabled: nothing starts it at boot",
                Evidence(FILE),
            ),
        ),
        # what another service pulls in does not start at boot
        (
            timer("static", links=(replace(LINK, by="backup.service"),)),
            switch(
                "off",
                "not-enabled",
                "certbot.timer is static: nothing starts it at boot",
                Evidence(FILE),
            ),
        ),
    ],
)
def test_the_switch_of_an_image(host: Host, unit: Unit, expected: Switch) -> None:
    assert judge(unit, host) == expected


def live(unit: Unit, active: str) -> Unit:
    return replace(unit, active_state=active)


STILL = "but still active until it is stopped or the machine reboots"


@pytest.mark.parametrize(
    ("unit", "state", "code", "text", "half"),
    [
        (
            live(ENABLED, "active"),
            "armed", "enabled-and-active", "certbot.timer is enabled and active", None,
        ),
        (
            live(STATIC_WANTED, "active"),
            "armed", "enabled-and-active", "certbot.timer is enabled and active", None,
        ),
        (
            timer("disabled", "active"),
            "armed", "disabled-active", f"certbot.timer is disabled, {STILL}", "disabled-active",
        ),
        (
            timer(None, "active"),
            "armed", "disabled-active", f"certbot.timer is not enabled, {STILL}", "disabled-active",
        ),
        (
            live(MASKED, "active"),
            "armed", "masked-active", f"certbot.timer is masked, {STILL}", "masked-active",
        ),
        (timer("static", "active"), "armed", "active", "certbot.timer is active", None),
        (
            live(ENABLED, "inactive"),
            "armed",
            "enabled-inactive",
            "certbot.timer is not running, but enabled: it starts at the next boot",
            "enabled-inactive",
        ),
        (
            timer("disabled", "inactive"),
            "off", "not-enabled", "certbot.timer is disabled and inactive", None,
        ),
        (live(MASKED, "inactive"), "off", "masked", "certbot.timer is masked and inactive", None),
        (timer(None, "inactive"), "off", "not-enabled", "certbot.timer is off and inactive", None),
    ],
)  # fmt: skip
def test_the_switch_of_a_live_machine(
    host: Host, unit: Unit, state: TriggerState, code: str, text: str, half: str | None
) -> None:
    found = judge(unit, host)
    assert (found.state, [(r.code, r.text) for r in found.reasons]) == (state, [(code, text)])
    said = SAID if unit.active_state == "active" else AT_REST
    if unit.mask:
        here: tuple[Evidence, ...] = (Evidence(MASK), said)
    else:
        here = (*WANTED, said) if unit.links else (Evidence(FILE), said)
    assert found.reasons[0].evidence == here
    expected = HalfSwitched(unit.name, half, text, here) if half else None  # type: ignore[arg-type]
    assert found.half == expected
    assert found.certain


@pytest.mark.parametrize("active", ["activating", "reloading"])
def test_what_is_on_its_way_is_active(host: Host, active: str) -> None:
    assert judge(timer("disabled", active), host).state == "armed"


@pytest.mark.parametrize("active", ["failed", "deactivating"])
def test_what_has_failed_is_off(host: Host, active: str) -> None:
    assert judge(timer("disabled", active), host).state == "off"


DANGLING = Unit("certbot.timer", "enabled", None, links=(LINK,), dangling=True)
NAMED = Evidence(WANTS, None, f"-> {FILE}")


def test_a_link_to_a_unit_that_is_gone(host: Host) -> None:
    text = "certbot.timer is enabled, but its unit file is not there"
    assert judge(DANGLING, host) == switch("dormant", "unit-file-missing", text, NAMED)


def test_a_link_in_a_tree_without_packaged_units(tmp_path: Path) -> None:
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    text = "certbot.timer is enabled; its own file is not part of this tree"
    gap = Gap("units", "the file of certbot.timer is not part of this tree", (NAMED,))
    assert judge(DANGLING, open_host(tmp_path, NOON)) == Switch(
        "armed", (Reason("enabled", text, (NAMED,)),), None, certain=False, gaps=(gap,)
    )


FIRST = "certbot.timer is disabled, but the first boot of this image applies presets: they enable it"


@pytest.mark.parametrize(
    ("machine_id", "preset", "unit", "armed"),
    [
        ("uninitialized\n", None, timer("disabled"), True),
        ("uninitialized\n", "enable certbot.*\ndisable *\n", timer("disabled"), True),
        ("uninitialized\n", "disable *\n", timer("disabled"), False),
        ("", None, timer("disabled"), False),
        ("0123456789abcdef0123456789abcdef\n", None, timer("disabled"), False),
        ("uninitialized\n", None, timer("static"), False),
        ("uninitialized\n", None, timer("masked", mask=MASK), False),
        ("uninitialized\n", None, timer("disabled", manager="alice"), False),
        ("uninitialized\n", None, timer("disabled", "inactive"), False),
    ],
)
def test_the_first_boot_of_an_image(
    host: Host, machine_id: str, preset: str | None, unit: Unit, armed: bool
) -> None:
    root = host.root.directory
    put(root, "etc/machine-id", machine_id)
    if preset:
        put(root, "usr/lib/systemd/system-preset/90-default.preset", preset)
    found = judge(unit, open_host(root, NOON))
    if armed:
        here = (Evidence("/etc/machine-id"), Evidence(FILE))
        assert found == Switch("armed", (Reason("first-boot-preset", FIRST, here),))
    else:
        assert found.state == "off"


@pytest.mark.parametrize(
    ("name", "section", "key", "value", "target"),
    [
        ("certbot.timer", "", "", "", "certbot.service"),
        ("a.timer", "Timer", "Unit", "renew.service", "renew.service"),
        ("a.timer", "Path", "Unit", "renew.service", "a.service"),
        ("a.path", "Path", "Unit", "renew.service", "renew.service"),
        ("a.socket", "Socket", "Service", "renew.service", "renew.service"),
        ("acme@web.timer", "Timer", "Unit", "acme-run@%i.service", "acme-run@web.service"),
        ("acme@web.timer", "", "", "", "acme@web.service"),
    ],
)
def test_the_unit_that_is_started(name: str, section: str, key: str, value: str, target: str) -> None:
    settings = (Setting(section, key, value, "/x", 1),) if key else ()
    assert target_of(Unit(name, None, "/x", settings=settings)) == target


def test_specifiers_of_a_timers_unit() -> None:
    assert services_name("%p-%I@%N.service", "acme@web.timer") == "acme-web@acme@web.service"


def test_the_id_of_a_users_timer() -> None:
    assert trigger_id("timer", timer("enabled")) == "timer:certbot.timer"
    assert trigger_id("timer", timer("enabled", manager="alice")) == "timer:alice/certbot.timer"


TIMER = "[Timer]\nOnCalendar=*-*-* 00,12:00:00\nRandomizedDelaySec=43200\nPersistent=true\n"


def test_a_packaged_timer_from_its_files(host: Host) -> None:
    root = host.root.directory
    put(root, FILE[1:], TIMER)
    put(
        root,
        "usr/lib/systemd/system/certbot.service",
        "[Service]\nExecStart=/usr/bin/certbot -q renew\n",
    )
    (root / WANTS[1:]).parent.mkdir(parents=True)
    (root / WANTS[1:]).symlink_to(FILE)
    put(root, "usr/lib/systemd/system/acme@.timer", TIMER)
    stamp = root / "var/lib/systemd/timers/stamp-certbot.timer"
    put(root, "var/lib/systemd/timers/stamp-certbot.timer")
    fired = datetime(2026, 7, 1, 1, tzinfo=UTC)
    os.utime(stamp, (fired.timestamp(), fired.timestamp()))
    audited = open_host(root, NOON)
    (candidate,), half = collect(audited)
    found = candidate.trigger
    assert (found.id, found.state, found.source.path, found.user) == (
        "timer:certbot.timer", "armed", FILE, "root",
    )  # fmt: skip
    assert found.last_fired == fired
    schedule = scheduled(candidate, audited)
    assert schedule is not None
    assert (schedule.expression, schedule.random_delay, schedule.persistent) == (TWICE, 43200.0, True)
    assert (schedule.next_earliest, schedule.next_latest) == (NOON, NOON + 12 * HOUR + MINUTE)
    assert schedule.longest_gap == 24 * 3600.0
    assert [(e.argv, e.unit, e.via) for e in candidate.entries] == [
        (("/usr/bin/certbot", "-q", "renew"), "certbot.service", ("certbot.service",))
    ]
    assert half == ()


def test_a_masked_timer_is_off_since_its_mask_was_made(host: Host) -> None:
    root = host.root.directory
    put(root, FILE[1:], TIMER)
    put(
        root,
        "usr/lib/systemd/system/certbot.service",
        "[Service]\nExecStart=/usr/bin/certbot -q renew\n",
    )
    mask = root / "etc/systemd/system/certbot.timer"
    mask.parent.mkdir(parents=True, exist_ok=True)
    mask.symlink_to("/dev/null")
    made = datetime(2026, 7, 1, 2, tzinfo=UTC)
    os.utime(mask, (made.timestamp(), made.timestamp()), follow_symlinks=False)
    (candidate,), _ = collect(open_host(root, NOON))
    assert (candidate.trigger.state, candidate.trigger.off_since) == ("off", made)


def test_a_known_link_stands_for_the_packages_unit(tmp_path: Path) -> None:
    (tmp_path / WANTS[1:]).parent.mkdir(parents=True)
    (tmp_path / WANTS[1:]).symlink_to(FILE)
    (candidate,), _ = collect(open_host(tmp_path, NOON))
    assert (candidate.trigger.state, candidate.trigger.certain) == ("armed", False)
    assert candidate.presumed == "certbot-deb-timer"
    assert [(e.argv, e.via) for e in candidate.entries] == [
        (("/usr/bin/certbot", "-q", "renew"), ("certbot.service",))
    ]


def test_an_enabled_timer_without_times_is_dormant(host: Host) -> None:
    root = host.root.directory
    put(root, FILE[1:], TIMER)
    (root / WANTS[1:]).parent.mkdir(parents=True)
    (root / WANTS[1:]).symlink_to(FILE)
    put(root, "etc/systemd/system/certbot.timer.d/off.conf", "[Timer]\nOnCalendar=\n")
    (candidate,), _ = collect(open_host(root, NOON))
    assert candidate.trigger.state == "dormant"
    assert [r.code for r in candidate.trigger.reasons][:2] == ["no-times", "enabled"]


def test_a_service_that_starts_at_boot(host: Host) -> None:
    root = host.root.directory
    service = "[Service]\nExecStart=/usr/local/bin/renew\n[Install]\nWantedBy=multi-user.target\n"
    for name in ("renew", "helper", "masked"):
        put(root, f"usr/lib/systemd/system/{name}.service", service)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir()
    for name in ("renew", "masked"):
        (wants / f"{name}.service").symlink_to(f"/usr/lib/systemd/system/{name}.service")
    (root / "etc/systemd/system/masked.service").symlink_to("/dev/null")
    candidates, _ = collect(open_host(root, NOON))
    assert [(c.trigger.id, c.trigger.kind, c.trigger.state) for c in candidates] == [
        ("boot:masked.service", "boot", "off"),
        ("boot:renew.service", "boot", "armed"),
    ]
