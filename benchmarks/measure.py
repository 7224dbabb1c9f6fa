"""Processes timed in pairs: CPU seconds of the whole child, the median of several runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile

ROUNDS = 9
EMPTY = (sys.executable, "-c", "pass")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU (user and system) and wall seconds of one process."""

    cpu: float
    wall: float


def once(words: Sequence[str]) -> Cost:
    """Run a command, its output thrown away: by us, as grep stops at once where it goes to /dev/null."""
    with TemporaryFile() as nowhere:
        began = time.perf_counter()
        child = subprocess.Popen(words, stdout=nowhere, stderr=nowhere)
        _, _, used = os.wait4(child.pid, 0)
    child.returncode = 0
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - began)


def paired(words: Sequence[str], rounds: int = ROUNDS) -> tuple[Cost, float]:
    """The median cost of a command, and the median ratio of its wall time to an empty Python's.

    Each round runs both, one after the other, so that a busy machine slows both.
    """
    costs, ratios = [], []
    for _ in range(rounds):
        empty, cost = once(EMPTY), once(words)
        costs.append(cost)
        ratios.append(cost.wall / empty.wall)
    return Cost(median(c.cpu for c in costs), median(c.wall for c in costs)), median(ratios)


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long one command took as another: median, least and most of the pairs."""

    wall: tuple[float, float, float]
    cpu: tuple[float, float, float]
    first: Cost
    second: Cost


def against(first: Sequence[str], second: Sequence[str], rounds: int) -> Ratio:
    """``first`` over ``second``, run in turn after one warming run of each."""
    once(first), once(second)
    pairs = [(once(first), once(second)) for _ in range(rounds)]
    wall = sorted(a.wall / b.wall for a, b in pairs)
    cpu = sorted(a.cpu / b.cpu for a, b in pairs)
    costs = [
        Cost(median(c.cpu for c in side), median(c.wall for c in side))
        for side in zip(*pairs, strict=True)
    ]
    return Ratio((median(wall), wall[0], wall[-1]), (median(cpu), cpu[0], cpu[-1]), *costs)


def peak_added(paths: Sequence[str]) -> int:
    """How many bytes of memory a search adds, workers included: proportional set size, sampled."""
    code = (
        "import sys; from benchmarks.scanner import files_of; from benchmarks.literals import LITERALS\n"
        "from certaudit.host.logs.scan import search; import certaudit.audit\n"
        "files = files_of(sys.argv[1:]); print('ready', flush=True); sys.stdin.readline()\n"
        "search(files, [text.encode() for text in LITERALS])\n"
    )
    words = (sys.executable, "-c", code, *paths)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdin is not None
        child.stdout.readline()
        before = peak = proportional(child.pid)
        child.stdin.write(b"\n")
        child.stdin.close()
        while child.poll() is None:
            peak = max(peak, proportional(child.pid))
            time.sleep(0.01)
    return peak - before


def proportional(pid: int) -> int:
    """The proportional set size of a process and its children, in bytes; 0 where it is gone."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    own = next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)
    return own + sum(proportional(int(child)) for child in children)
