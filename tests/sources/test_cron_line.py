"""What cronie gives a line beyond its text: zone, delay, home."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.facts import Candidate
from certaudit.host.machine import open_host
from certaudit.records import replace
from certaudit.sources import cron
from certaudit.sources.scripts import ScriptMachine

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)


def line(root: Path, above: str, *, program: str = "crond", live: bool = False) -> Candidate:
    """The one line of a machine with this cron daemon, in UTC."""
    for directory in ("etc/cron.d", "usr/sbin", "usr/bin", "root"):
        (root / directory).mkdir(parents=True)
    (root / "usr/sbin" / program).touch()
    (root / "etc/timezone").write_text("Etc/UTC\n")
    (root / "etc/cron.d/renew").write_text(f"{above}\n0 3 * * * root certbot renew\n")
    (root / "etc/cron.d/renew").chmod(0o644)
    host = replace(open_host(root, AS_OF), live=live)
    (found,) = cron.collect(host, ScriptMachine(host))[0]
    return found


@pytest.mark.parametrize(
    ("above", "hour", "expression"),
    [
        ("A=b", 3, "0 3 * * *"),
        ("CRON_TZ=Asia/Tokyo", 18, "CRON_TZ=Asia/Tokyo 0 3 * * *"),
        ("CRON_TZ=Nowhere/City", 3, "CRON_TZ=Nowhere/City 0 3 * * *"),
    ],
)
def test_the_zone_of_a_line(tmp_path: Path, above: str, hour: int, expression: str) -> None:
    schedule = line(tmp_path, above).trigger.schedule
    assert schedule is not None and schedule.next_earliest is not None
    assert schedule.next_earliest.astimezone(timezone.utc).hour == hour
    assert schedule.expression == (expression,)


def test_debians_cron_knows_no_zone(tmp_path: Path) -> None:
    schedule = line(tmp_path, "CRON_TZ=Asia/Tokyo", program="cron").trigger.schedule
    assert schedule is not None
    assert schedule.next_earliest == datetime(2026, 6, 1, 3, tzinfo=timezone.utc)


@pytest.mark.parametrize(("delay", "seconds"), [("45", 2700.0), ("2000", None), ("-1", None)])
def test_a_delay_by_lot(tmp_path: Path, delay: str, seconds: float | None) -> None:
    schedule = line(tmp_path, f"RANDOM_DELAY={delay}").trigger.schedule
    assert schedule is not None and schedule.next_earliest and schedule.next_latest
    assert schedule.random_delay == seconds
    assert (schedule.next_latest - schedule.next_earliest).total_seconds() == (seconds or 0)


def test_cronie_starts_nothing_without_a_home(tmp_path: Path) -> None:
    trigger = line(tmp_path, "HOME=/nowhere", live=True).trigger
    assert (trigger.state, trigger.reasons[0].code) == ("dormant", "no-home")


@pytest.mark.parametrize(("program", "live"), [("crond", False), ("cron", True)])
def test_a_home_that_does_not_count(tmp_path: Path, program: str, live: bool) -> None:
    assert line(tmp_path, "HOME=/nowhere", program=program, live=live).trigger.state == "armed"


READERS = [  # each may run what it reads, as dash and bash do
    "cat | sh",
    "tee /dev/null | bash",
    "sh -c 'cat | sh'",
    "read l; $l",
    'while read l; do eval "$l"; done',
    'eval "$(cat)"',
    "$(cat)",
    "sh -c 'read a; exec $a'",
    "cat > /opt/made; /opt/made",
    "cat > /dev/null; sh",
    "/opt/lines",
]


@pytest.mark.parametrize(
    ("command", "state", "code"),
    [
        ("sh%certbot renew", "armed", "cron-line"),
        ("bash -s -- x%sleep 60%certbot renew%", "armed", "cron-line"),
        ("at now%certbot renew", "armed", "cron-line"),
        ("su - hoge%certbot renew", "armed", "cron-line"),
        ("/opt/own%certbot renew", "armed", "cron-line"),
        ("certbot renew%yes%", "armed", "cron-line"),
        ("mail -s x root%certbot renew", "off", "cut-at-percent"),
        ("cat > /srv/x%certbot renew", "off", "cut-at-percent"),
        ("sleep $((RANDOM % 60)); certbot renew", "off", "cut-at-percent"),
        ("certbot renew; [ $(date +%u) = 1 ] && x", "off", "cut-at-percent"),
        ("sh -c 'sleep $((RANDOM % 60)); certbot renew'", "off", "cut-at-percent"),
        ("sh -c 'sleep $((RANDOM \\% 60)); certbot renew'", "armed", "cron-line"),
        ("certbot renew -q; sh -c 'echo \"half'%x", "armed", "cron-line"),
        ('certbot renew -q; eval "echo \'half"%x', "armed", "cron-line"),
        ("sh < /opt/plain%certbot renew", "armed", "cron-line"),
        ("sh < /dev/null%certbot renew", "off", "cut-at-percent"),
        ("cat%certbot renew", "off", "cut-at-percent"),
        ("cat | mail root%certbot renew", "off", "cut-at-percent"),
        ("read l; echo $l%certbot renew", "off", "cut-at-percent"),
        *((f"{reader}%certbot -q renew%", "armed", "cron-line") for reader in READERS),
        ("certbot renew -q; echo 'half%x'", "off", "cut-at-percent"),
        ("certbot renew -q &&%x", "off", "cut-at-percent"),
        ("certbot renew -q; cat <<E%x", "armed", "cron-line"),
    ],
)
def test_what_follows_a_percent_sign_is_input(
    tmp_path: Path, command: str, state: str, code: str
) -> None:
    for name in ("etc/cron.d", "usr/sbin", "opt"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "usr/sbin/cron").touch()
    (tmp_path / "etc/cron.d/renew").write_text(f"0 3 * * * root {command}\n")
    (tmp_path / "etc/cron.d/renew").chmod(0o644)
    (tmp_path / "opt/lines").write_text("#!/bin/sh\nwhile read l; do $l; done\n")
    (tmp_path / "opt/lines").chmod(0o755)
    host = open_host(tmp_path, AS_OF)
    (found,) = cron.collect(host, ScriptMachine(host))[0]
    assert (found.trigger.state, found.trigger.reasons[0].code) == (state, code)
