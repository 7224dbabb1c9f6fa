"""The last firing that a timer remembers, by its stamp, and since when it is masked."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from certaudit.host.machine import open_host
from certaudit.sources.systemd import collect
from certaudit.sources.timer_times import last_firing
from tests.sources.test_systemd import FILE, NOON, TIMER, at, put, with_times

STAMP = "var/lib/systemd/timers/stamp-certbot.timer"


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


def test_a_masked_timer_is_off_since_its_mask_was_made(tmp_path: Path) -> None:
    root = tmp_path
    put(root, FILE[1:], TIMER)
    put(
        root,
        "usr/lib/systemd/system/certbot.service",
        "[Service]\nExecStart=/usr/bin/certbot -q renew\n",
    )
    mask = root / "etc/systemd/system/certbot.timer"
    mask.parent.mkdir(parents=True, exist_ok=True)
    mask.symlink_to("/dev/null")
    os.utime(mask, (at(2).timestamp(), at(2).timestamp()), follow_symlinks=False)
    (candidate,), _ = collect(open_host(root, NOON))
    assert (candidate.trigger.state, candidate.trigger.off_since) == ("off", at(2))
