"""Apply and undo is the identity on running machines that nobody thought of.

A machine is put together from pieces, repaired and given back, in one box: what a piece made is taken
away again, so that the next machine starts from the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.live.box import Box
from tests.live.repairs import listing, repaired, undone
from tests.live.root import root
from tests.live.story import LINEAGE, Told
from tests.live.variation import RENEW

MACHINES = 25 if os.environ.get("CERTAUDIT_FAULTS") == "all" else 3
ETC = "/etc/systemd/system"


@dataclass(frozen=True, slots=True)
class Piece:
    """Shell commands that add something to a machine, and those that take it away."""

    add: str
    take: str


def unit(name: str, text: str, *, enable: bool, state: str = "start") -> Piece:
    """A timer or path unit of the administrator's own, with its service."""
    stem, _, kind = name.rpartition(".")
    section = {"timer": "Timer", "path": "Path"}[kind]
    service = f"[Service]\\nType=oneshot\\nExecStart={RENEW}\\n"
    body = f"[{section}]\\n{text}\\n[Install]\\nWantedBy=multi-user.target\\n"
    on = f"systemctl -q enable {name}; " if enable else ""
    return Piece(
        f"printf '{service}' >{ETC}/{stem}.service; printf '{body}' >{ETC}/{name}; "
        f"systemctl daemon-reload; {on}systemctl {state} {name}",
        f"systemctl -q disable --now {name} || true; rm -rf {ETC}/{name} {ETC}/{stem}.service "
        f"{ETC}/{name}.d; systemctl daemon-reload; systemctl reset-failed {name} || true",
    )


def file(path: str, text: str, mode: str = "644") -> Piece:
    """A file."""
    return Piece(f"printf '{text}' >{path}; chmod {mode} {path}", f"rm -f {path}")


DROPPED = unit("dropped.timer", "OnCalendar=daily", enable=True)
POLICY = f'# mine\\n[lineages."{LINEAGE}"]\\nowner = "cron:/etc/cron.d/renew-wildcard"\\n'
PIECES = {
    "timer": unit("mine.timer", "OnCalendar=monthly", enable=True),
    "timer-with-drop-in-directory": Piece(
        f"install -d -m 750 {ETC}/dropped.timer.d; {DROPPED.add}",
        DROPPED.take,
    ),
    "timer-not-enabled": unit("loose.timer", "OnCalendar=yearly", enable=False),
    "timer-stopped": unit("still.timer", "OnCalendar=weekly", enable=True, state="stop"),
    "path": unit("asked.path", "PathChanged=/srv/ask", enable=True),
    "cron": file("/etc/cron.d/more", f"1 2 3 * * root {RENEW}\\n# end"),
    "crontab": Piece(f"printf '5 4 1 * * {RENEW}\\n' | crontab -", "crontab -r"),
    "daily": file("/etc/cron.daily/renew", f"#!/bin/sh\\nexec {RENEW}\\n", "750"),
    "daily-link": Piece(
        f"printf '#!/bin/sh\\n{RENEW}\\n' >/usr/local/sbin/linked; chmod 755 /usr/local/sbin/linked; "
        "ln -s /usr/local/sbin/linked /etc/cron.daily/linked",
        "rm -f /etc/cron.daily/linked /usr/local/sbin/linked",
    ),
    "disabled": Piece(
        "systemctl -q disable certbot.timer", "systemctl -q enable certbot.timer"
    ),
    "stopped": Piece("systemctl stop certbot.timer", "systemctl start certbot.timer || true"),  # masked
    "runtime-mask": Piece(
        "systemctl -q stop certbot.timer; systemctl -q mask --runtime certbot.timer",
        "systemctl -q unmask --runtime certbot.timer; systemctl start certbot.timer",
    ),
    "policy": file("/etc/certaudit.toml", POLICY),
}  # fmt: skip


@pytest.fixture(scope="module")
def box(told: Told) -> Iterator[Box]:
    with Box(root(), saved=told.saved, zone=told.zone) as booted:
        yield booted


@settings(
    max_examples=MACHINES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(
    chosen=st.sets(st.sampled_from(sorted(PIECES)), min_size=2, max_size=6),
    letter=st.sampled_from("cdea"),
)
def test_a_repair_and_its_undoing_change_nothing(box: Box, chosen: set[str], letter: str) -> None:
    names = sorted(chosen)
    clean = listing(box)
    try:
        shell(box, *(PIECES[name].add for name in names))
        before = listing(box)
        for arguments in ((), ("--remedy", f"{LINEAGE}={letter}")):
            done = repaired(box, *arguments)
            assert "takes it back" in done.stdout, done.stdout + done.stderr
            undone(box)
            assert listing(box) == before, (names, arguments)
    finally:
        shell(box, *(PIECES[name].take for name in reversed(names)))
    assert steady(listing(box)) == steady(clean)


def shell(box: Box, *commands: str) -> None:
    """Shell commands, one after the other."""
    for command in commands:
        box.output("/bin/bash", "-c", command)


def steady(lines: list[str]) -> list[str]:
    """A listing without what putting a piece in and out leaves: times of links, units once loaded."""
    return [line.split()[0] for line in lines if line.startswith("/")]
