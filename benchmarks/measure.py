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

ROUNDS = 9
EMPTY = (sys.executable, "-c", "pass")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU (user and system) and wall seconds of one process."""

    cpu: float
    wall: float


def once(words: Sequence[str]) -> Cost:
    """Run a command, its output thrown away."""
    began = time.perf_counter()
    with Path(os.devnull).open("wb") as nowhere:
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
