"""Run in a box: send a pair to a host whose connections end after so many bytes; what stands then.

Arguments: ssh or rsync, certbot's archive of the lineage, the directory there, how many places to cut
at. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from certaudit.fix.sight import digest
from certaudit.host.hosts import Hosts
from certaudit.host.rsync import Rsync
from certaudit.host.ssh import RemoteError, Way
from certaudit.plan import Node

LONGEST = {"ssh": 18_000, "rsync": 28_000}  # bytes from here that all connections take, and some more
ORDER = Path("/run/cut-off")
WAY = Way("cut.example.org")
NAMES = ("fullchain.pem", "privkey.pem")
MODES = (0o644, 0o640)


def main(tool: str, archive: Path, there: Path, cuts: int) -> None:
    """Try each cut."""
    pair = [
        [(archive / f"{part}{n}.pem").read_bytes() for part in ("fullchain", "privkey")] for n in (1, 2)
    ]
    lost = whole = 0
    wrong: list[str] = []
    for number in range(cuts):
        for name, data, mode in zip(NAMES, pair[0], MODES, strict=True):
            (there / name).write_bytes(data)
            (there / name).chmod(mode)
        ORDER.write_text(str(LONGEST[tool] * (number + 1) // cuts))
        try:
            send(Rsync() if tool == "rsync" else Hosts(), there, pair[1])
            whole += 1
        except RemoteError:
            lost += 1
        if [(there / name).read_bytes() for name in NAMES] not in pair:
            wrong.append(f"cut {number}: certificate and key have parted")
        wrong += [f"cut {number}: {text}" for text in faults(there, pair)]
    left = sorted(path.name for path in there.iterdir())
    sys.stdout.write(json.dumps({"lost": lost, "whole": whole, "wrong": wrong, "left": left}))


def send(hosts: Hosts | Rsync, there: Path, new: list[bytes]) -> None:
    """Both files, as a plan sends them."""
    for name, data, mode in zip(NAMES, new, MODES, strict=True):
        hosts.stage(WAY, str(there / name), data, Node("file", digest(data), mode, 0, 0))
    hosts.commit(WAY, [str(there / name) for name in NAMES])


def faults(there: Path, pair: list[list[bytes]]) -> list[str]:
    """What is neither old nor new, or open to others."""
    found = []
    for name, mode, known in zip(NAMES, MODES, zip(*pair, strict=True), strict=True):
        if (there / name).read_bytes() not in known:
            found.append(f"{name} is neither old nor new")
        if (there / name).stat().st_mode & 0o7777 != mode:
            found.append(f"{name} has another mode")
    for path in there.iterdir():
        if path.is_dir():  # where rsync keeps what is whole until the end
            if path.stat().st_mode & 0o077:
                found.append(f"{path.name} is open to others")
        elif path.name.endswith("~"):
            if b"PRIVATE" in path.read_bytes() and path.stat().st_mode & 0o007:
                found.append(f"{path.name} holds a key that others may read")
            path.unlink()
    return found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
