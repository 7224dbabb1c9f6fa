"""When a timer fires: whether it names times at all, the next firing, and the longest gap."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certaudit.facts import Setting, Unit
from certaudit.host.machine import Host, open_host
from certaudit.model import Evidence, Reason
from certaudit.records import replace
from certaudit.sources.systemd import collect, without_times
from certaudit.sources.timer_times import gap_of, last_firing, window

UTC = timezone.utc
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
FILE = "/usr/lib/systemd/system/certbot.timer"
TWICE = ("*-*-* 00,12:00:00",)
TIMER = "[Timer]\nOnCalendar=*-*-* 00,12:00:00\nPersistent=true\n"
STAMP = "var/lib/systemd/timers/stamp-certbot.timer"
HOUR = timedelta(hours=1)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/UTC")
    return open_host(tmp_path, NOON)


def put(root: Path, path: str, text: str = "") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def with_times(*pairs: tuple[str, str]) -> Unit:
    settings = (Setting("Timer", key, value, FILE, n) for n, (key, value) in enumerate(pairs, 2))
    return Unit("certbot.timer", "enabled", FILE, settings=tuple(settings))


@pytest.mark.parametrize(
    "keys", [("OnCalendar",), ("OnBootSec",), ("OnUnitActiveSec", "OnActiveSec"), ("OnStartupSec",)]
)
def test_a_timer_that_fires(keys: tuple[str, ...]) -> None:
    value = "02:30 CEST" if keys == ("OnCalendar",) else "1h"
    assert without_times(with_times(*((key, value) for key in keys))) is None


def test_a_timer_none_of_whose_lines_can_be_read() -> None:
    bad = ("OnCalendar", "every day at three")
    found = without_times(with_times(bad))
    assert found is not None
    assert found.code == "bad-calendar"
    assert without_times(with_times(bad, ("OnCalendar", "daily"))) is None
    assert without_times(with_times(bad, ("OnBootSec", "1h"))) is None


def test_a_timer_without_times() -> None:
    empty = with_times(("Persistent", "true"))
    assert without_times(empty) == Reason("no-times", "certbot.timer names no times", (Evidence(FILE),))
    drop_in = "/etc/systemd/system/certbot.timer.d/off.conf"
    emptied = replace(empty, drop_ins=("/etc/a.conf", drop_in))
    text = f"certbot.timer has no times left: {drop_in} empties them"
    assert without_times(emptied) == Reason("no-times", text, (Evidence(drop_in),))


def test_a_timer_that_counts_from_a_run_that_never_was() -> None:
    unit = with_times(("OnUnitInactiveSec", "1h"), ("OnUnitActiveSec", "12h"))
    text = "certbot.timer counts from a run of its unit, and nothing makes the first one"
    assert without_times(unit) == Reason("never-first", text, (Evidence(FILE, 3), Evidence(FILE, 2)))


def at(hour: int, minute: int = 0, day: int = 1) -> datetime:
    return datetime(2026, 7, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "spread", "last", "earliest", "latest"),
    [
        # without a delay the next elapse is the next firing
        (at(10), 0, at(0), at(12), at(12)),
        (at(13), 0, at(12), at(0, day=2), at(0, day=2)),
        # the elapse after the last firing is still to come, though its own time has passed
        (at(13), 6, at(1), at(13), at(18)),
        (at(13), 6, at(12, 30), at(0, day=2), at(6, day=2)),
        (at(10), 6, at(1), at(12), at(18)),
        # a last firing from long ago: only elapses that the delay can still hold back count
        (at(10), 6, at(1, day=1) - timedelta(days=30), at(12), at(18)),
        (at(13), 6, at(1, day=1) - timedelta(days=30), at(13), at(18)),
        # no firing is known: the pending elapse may or may not have fired
        (at(13), 6, None, at(13), at(6, day=2)),
        (at(10), 6, None, at(12), at(18)),
    ],
)
def test_between_which_moments_a_timer_fires_next(
    host: Host, now: datetime, spread: int, last: datetime | None, earliest: datetime, latest: datetime
) -> None:
    assert window(TWICE, spread * HOUR, last, replace(host, as_of=now)) == (earliest, latest)


def test_a_timer_that_fires_no_more(host: Host) -> None:
    assert window(("2020-01-01",), HOUR, None, host) == (None, None)
    assert window((), HOUR, at(1), host) == (None, None)
    assert window(("no calendar",), HOUR, None, host) == (None, None)


def test_times_are_those_of_the_machines_zone(host: Host) -> None:
    east = replace(host, zone=timezone(9 * HOUR))
    earliest, latest = window(("*-*-* 00:00:00",), 0 * HOUR, None, east)
    assert earliest == latest == at(15)
    assert earliest is not None
    assert earliest.utcoffset() == 9 * HOUR


def test_the_longest_gap_between_firings() -> None:
    assert gap_of(TWICE, NOON, 3600.0) == 13 * 3600.0
    assert gap_of(("Mon *-*-* 03:00:00", "Tue *-*-* 03:00:00"), NOON, 0.0) == 6 * 86400.0
    assert gap_of(("2020-01-01",), NOON, 0.0) is None


def fired(root: Path, text: str) -> datetime | None:
    """What a stamp of certbot.timer tells, of a timer with this text."""
    put(root, FILE[1:], text)
    put(
        root,
        "usr/lib/systemd/system/certbot.service",
        "[Service]\nExecStart=/usr/bin/certbot -q renew\n",
    )
    put(root, STAMP)
    os.utime(root / STAMP, (at(1).timestamp(), at(1).timestamp()))
    (candidate,), _ = collect(open_host(root, NOON))
    return candidate.trigger.last_fired


def test_a_timer_that_is_not_persistent_any_more_leaves_its_stamp_as_it_was(tmp_path: Path) -> None:
    kept, left = tmp_path / "kept", tmp_path / "left"
    assert fired(kept, TIMER) == at(1)
    assert fired(left, TIMER.replace("Persistent=true", "Persistent=false")) is None


def test_a_users_timer_has_its_stamp_at_home(tmp_path: Path) -> None:
    stamp = "home/alice/.local/share/systemd/timers/stamp-certbot.timer"
    put(tmp_path, "etc/passwd", "alice:x:1000:1000::/home/alice:/bin/sh\n")
    put(tmp_path, stamp)
    os.utime(tmp_path / stamp, (at(1).timestamp(), at(1).timestamp()))
    unit = with_times(("OnCalendar", "daily"), ("Persistent", "yes"))
    audited = open_host(tmp_path, NOON)
    assert last_firing(replace(unit, manager="alice"), audited) == at(1)
    assert last_firing(replace(unit, manager="bob"), audited) is None
    assert last_firing(unit, audited) is None
