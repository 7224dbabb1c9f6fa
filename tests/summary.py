"""What a test run tells at its end: the cases that were compared, and how long its parts took.

Law: a test notes, the notes travel in its report (so they also come from a worker of pytest-xdist),
and ``conftest.py`` prints them once. A run has one seed and one scale, both read here alone.
"""

from __future__ import annotations

import os
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

# The same for all runs, so that a red one is the change's own; "draw" draws one for this run.
if os.environ.get("CERTAUDIT_SEED") == "draw":
    os.environ["CERTAUDIT_SEED"] = str(random.randrange(10**6))
SEED = os.environ.get("CERTAUDIT_SEED") or "1"
SCALE = float(os.environ.get("CERTAUDIT_CASES") or 1)
PROPERTY = "certaudit summary"
Note = tuple[str, str, float]  # "cases", "faults" or "seconds", of what, how many

_notes: list[Note] = []


def scaled(number: int, least: int = 1) -> int:
    """A number of generated cases, times ``CERTAUDIT_CASES``."""
    return max(least, int(number * SCALE))


def compared(what: str, cases: int) -> None:
    """Note that so many generated cases were held against a real program, or a known truth."""
    _notes.append(("cases", what, cases))


def tried(kind: str, number: int) -> None:
    """Note that so many faults of a kind were made to happen."""
    _notes.append(("faults", kind, number))


@contextmanager
def timed(part: str) -> Iterator[None]:
    """Note the seconds that the body takes, if it succeeds."""
    start = time.monotonic()
    yield
    _notes.append(("seconds", part, time.monotonic() - start))


def drain() -> list[Note]:
    """What was noted since the last call, in order."""
    taken = list(_notes)
    _notes.clear()
    return taken


class Summary:
    """Gathers the notes of all tests, and the seconds of each directory of tests."""

    def __init__(self) -> None:
        self.cases: defaultdict[str, int] = defaultdict(int)
        self.faults: defaultdict[str, int] = defaultdict(int)
        self.parts: defaultdict[str, list[float]] = defaultdict(list)
        self.directories: defaultdict[str, float] = defaultdict(float)

    def add(self, note: Note) -> None:
        """Take one note."""
        kind, what, number = note
        if kind == "cases":
            self.cases[what] += int(number)
        elif kind == "faults":
            self.faults[what] += int(number)
        else:
            self.parts[what].append(number)

    def spent(self, nodeid: str, seconds: float) -> None:
        """Take the duration of one phase of a test."""
        above = nodeid.partition("::")[0].split("/")[1:-1]
        self.directories["/".join(above[:1]) or "."] += seconds

    def lines(self) -> Iterator[str]:
        """The summary, as it is printed."""
        if self.cases:
            again = f"CERTAUDIT_SEED={SEED} CERTAUDIT_CASES={SCALE:g} repeats them"
            yield f"generated cases compared ({again}):"
            yield from (f"  {number:>8,}  {what}" for what, number in sorted(self.cases.items()))
        if self.faults:
            kinds = ", ".join(f"{number} {kind}" for kind, number in self.faults.items())
            yield f"faults tried: {sum(self.faults.values())}: {kinds}"
        if self.parts:
            said = (f"{part} {described(seconds)}" for part, seconds in self.parts.items())
            yield f"parts of the bench: {', '.join(said)}"
        most = sorted(self.directories.items(), key=lambda item: -item[1])
        if most:
            yield f"seconds by directory: {', '.join(f'{name} {spent:.0f}' for name, spent in most)}"


def described(seconds: list[float]) -> str:
    """``0.41 s``, or how many, their mean and the longest."""
    if len(seconds) == 1:
        return f"{seconds[0]:.2f} s"
    return f"{len(seconds)} x {sum(seconds) / len(seconds):.2f} s (at most {max(seconds):.2f})"
