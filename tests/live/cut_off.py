"""Run in a box: send a pair to a host whose connections end after so many bytes; what stands then.

Arguments: certbot's archive of the lineage, the directory there, how many places to cut at. Prints JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from certaudit.fix.sight import digest
from certaudit.host.hosts import Hosts
from certaudit.host.ssh import RemoteError, Way
from certaudit.plan import Node

LONGEST = 18_000  # bytes from here that the three connections take, and some more
ORDER = Path("/run/cut-off")
WAY = Way("cut.example.org")
NAMES = ("fullchain.pem", "privkey.pem")
MODES = (0o644, 0o640)


def main(archive: Path, there: Path, cuts: int) -> None:
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
        ORDER.write_text(str(LONGEST * (number + 1) // cuts))
        try:
            send(there, pair[1])
            whole += 1
        except RemoteError:
            lost += 1
        wrong += [f"cut {number}: {text}" for text in faults(there, pair)]
    sys.stdout.write(json.dumps({"lost": lost, "whole": whole, "wrong": wrong}))


def send(there: Path, new: list[bytes]) -> None:
    """Both files, as a plan sends them."""
    hosts = Hosts()
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
        if path.name.endswith("~"):
            if b"PRIVATE" in path.read_bytes() and path.stat().st_mode & 0o007:
                found.append(f"{path.name} holds a key that others may read")
            path.unlink()
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
