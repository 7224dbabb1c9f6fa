"""Services that systemd refuses, drop-ins that it reads in part, values that it passes over."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.facts import Candidate
from certaudit.host.machine import open_host
from certaudit.sources import systemd

TIMER = "[Timer]\nOnCalendar=daily\n{more}[Install]\nWantedBy=timers.target\n"
UNITS = "etc/systemd/system"
AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)


def timer(
    root: Path, service: str, *, more: str = "", drop_in: str = "", name: str = "renew"
) -> Candidate:
    """The enabled timer of a machine with this service."""
    (root / f"{UNITS}/timers.target.wants").mkdir(parents=True)
    (root / f"{UNITS}/{name}.service.d").mkdir()
    (root / f"{UNITS}/{name}.timer").write_text(TIMER.format(more=more))
    (root / f"{UNITS}/timers.target.wants/{name}.timer").symlink_to(f"../{name}.timer")
    (root / f"{UNITS}/{name}.service").write_text(f"[Service]\nType=oneshot\n{service}")
    (root / f"{UNITS}/{name}.service.d/a.conf").write_text(drop_in)
    (found,) = systemd.collect(open_host(root, AS_OF))[0]
    return found


def commands(found: Candidate) -> list[tuple[str, ...] | None]:
    return [entry.argv for entry in found.entries]


@pytest.mark.parametrize(
    ("line", "name", "fault"),
    [
        ("ExecStart=certbot/renew", "renew", "no program in 'certbot/renew'"),
        ('ExecStart=/usr/bin/certbot "renew', "renew", "unbalanced quotes"),
        ("ExecStart=/usr/bin/certbot renew %f", "a--b", "%f has no value here"),
    ],
)
def test_a_service_that_systemd_refuses(tmp_path: Path, line: str, name: str, fault: str) -> None:
    found = timer(tmp_path, f"{line}\n", name=name)
    (reason,) = found.conditions
    assert reason.code == "unit-refused"
    assert reason.text == f"systemd refuses {name}.service: {fault}"
    assert reason.evidence[0].line == 3
    assert commands(found) == [tuple(line.partition("=")[2].split())]


@pytest.mark.parametrize("line", ["ExecStart=-certbot/renew", "ExecStart=/usr/bin/certbot renew %f"])
def test_a_service_that_it_takes(tmp_path: Path, line: str) -> None:
    found = timer(tmp_path, f"ExecStartPre=/bin/true\n{line}\n", name="a-b")
    assert (found.trigger.state, found.conditions) == ("armed", ())
    assert commands(found)[0] == ("/bin/true",)


def test_a_drop_in_is_read_up_to_its_fault(tmp_path: Path) -> None:
    drop_in = "[Service]\nExecStart=\nExecStart=/bin/a ; bin/b\nExecStartPost=/bin/c\n"
    found = timer(tmp_path, "ExecStart=/usr/bin/certbot renew\n", drop_in=drop_in)
    assert (found.conditions, commands(found)) == ((), [("/bin/a",)])


def test_a_value_of_another_type_leaves_the_old_one(tmp_path: Path) -> None:
    lines = ("RandomizedDelaySec=1h", "RandomizedDelaySec=", "RandomizedDelaySec=often")
    more = "\n".join((*lines, "Persistent=y", "Persistent=", "Persistent=maybe\n"))
    found = timer(tmp_path, "ExecStart=/usr/bin/certbot renew\n", more=more)
    schedule = systemd.scheduled(found, open_host(tmp_path, AS_OF))
    assert schedule is not None
    assert (schedule.random_delay, schedule.persistent) == (3600.0, True)
