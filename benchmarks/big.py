"""A big server: 300 units, 50 MB of logs, 5 lineages.

``python -m benchmarks.big DIR`` builds it, to be audited or profiled by hand.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from fixtures.machine import MACHINES, build_text

UNITS = 300
LOG_BYTES = 50_000_000
AS_OF = "2026-11-20T00:00:00+00:00"
NOW = datetime.fromisoformat(AS_OF)


def machine_text() -> str:
    """Five lineages, one of them renewed by its owner's script, the rest by the packaged timer."""
    lines = [f"as-of {AS_OF}", "include ../base/debian-12.machine", "host big", "zone UTC"]
    for number in range(1, 6):
        name = f"site{number}.example.org"
        lines += [
            f"lineage {name}",
            f"generation {name} 1 from=2026-08-20T04:17:00Z days=90",
            f"generation {name} 2 from=2026-10-20T04:17:00Z days=90",
            f"conf {name} version=2.1.0 authenticator=standalone",
        ]
    lines += [
        "file /etc/cron.d/renew",
        "| 17 4 * * * root /usr/local/sbin/renew",
        "file /usr/local/sbin/renew 0755",
        "| #!/bin/sh",
        "| certbot renew --cert-name site1.example.org --deploy-hook 'systemctl reload nginx'",
    ]
    return "\n".join(lines) + "\n"


def write_units(root: Path) -> None:
    """As many units as a busy server has, most of them services that a target pulls in."""
    units = root / "usr/lib/systemd/system"
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    for number in range(UNITS - 40):
        text = (
            f"[Unit]\nDescription=Service {number}\nAfter=network.target\n\n[Service]\n"
            f"ExecStart=/usr/sbin/daemon{number} --foreground\nRestart=on-failure\n\n"
            "[Install]\nWantedBy=multi-user.target\n"
        )
        (units / f"daemon{number}.service").write_text(text)
        (wants / f"daemon{number}.service").symlink_to(f"/usr/lib/systemd/system/daemon{number}.service")
    for number in range(40):
        text = f"[Timer]\nOnCalendar=*-*-* {number % 24}:00:00\nUnit=daemon{number}.service\n"
        (units / f"job{number}.timer").write_text(text)


def write_logs(root: Path) -> None:
    """A syslog of five files, of which one line in two thousand is about certbot."""
    size = LOG_BYTES // 5
    for file in range(5):
        end = NOW - timedelta(days=7 * file)
        noise = "".join(noise_line(end - timedelta(days=7), n) for n in range(2000))
        block = (
            noise
            + stamp(end - timedelta(hours=1))
            + " big systemd[1]: Starting certbot.service - Certbot...\n"
        )
        path = root / "var/log" / ("syslog" if file == 0 else f"syslog.{file}")
        path.write_text(block * (size // len(block)))
        os.utime(path, (end.timestamp(), end.timestamp()))


def noise_line(start: datetime, number: int) -> str:
    """A line of no interest."""
    when = stamp(start + timedelta(seconds=number))
    return f"{when} big kernel: [{number}.5] [UFW BLOCK] IN=eth0 SRC=192.0.2.{number % 250}\n"


def stamp(when: datetime) -> str:
    """The traditional stamp of syslog."""
    return f"{when.astimezone(timezone.utc):%b} {when.day:>2} {when:%H:%M:%S}"


def build_big(into: Path) -> Path:
    """Build the server below ``into`` and return its root."""
    build_text(machine_text(), into, MACHINES / "big.machine")
    write_units(into)
    write_logs(into)
    return into


if __name__ == "__main__":
    print(build_big(Path(sys.argv[1])))
