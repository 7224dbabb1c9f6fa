"""What a box leaves on the machine when it is gone, which must be nothing."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.live.keeper import CGROUP, CGROUPS, UPPER

FILES = ("/run/systemd/nspawn", "/run/layers")


@dataclass(frozen=True, slots=True)
class Footprint:
    """By what the parts of a running box can be recognized later.

    ``processes`` are process ids with their start times, as ids are used again: the keeper and all
    that share a namespace of process ids with the box's PID 1, without which none of them can live.
    """

    keeper: int
    processes: frozenset[tuple[int, str]]

    @classmethod
    def of(cls, keeper: int, leader: int) -> Footprint:
        """The footprint of a box that is up."""
        running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        inside = [process for process in running if namespace(process) == namespace(leader)]
        times = ((process, started(process)) for process in (keeper, *inside))
        return cls(keeper, frozenset((process, start) for process, start in times if start))

    def remains(self) -> list[str]:
        """What is still there: processes, the cgroup, mounts and files."""
        found = [f"process {process}" for process, start in self.processes if started(process) == start]
        if CGROUP.format(self.keeper) in cgroups():
            found.append(f"cgroup {CGROUP.format(self.keeper)}")
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        found += [mount for mount in mounts if str(UPPER) in mount]
        return found + [path for path in FILES if Path(path).exists()]

    def after(self, seconds: float) -> list[str]:
        """What is still there after at most some seconds."""
        until = time.monotonic() + seconds
        while (found := self.remains()) and time.monotonic() < until:
            time.sleep(0.05)
        return found


def namespace(process: int) -> str:
    """The namespace of process ids that a process is in; empty if it has gone."""
    try:
        return str(Path(f"/proc/{process}/ns/pid").readlink())
    except OSError:
        return ""


def started(process: int) -> str:
    """When a process started, in ticks since boot (proc(5)); empty if it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def cgroups() -> list[str]:
    """The names at the top of the cgroup2 hierarchy, also where this machine mounts none."""
    script = f"mount -t cgroup2 cgroup2 {CGROUPS} && ls {CGROUPS}"
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
