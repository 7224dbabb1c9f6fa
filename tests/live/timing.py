"""How long the parts of the bench take, gathered for the summary of a test run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_measured: list[tuple[str, float]] = []


@contextmanager
def timed(part: str) -> Iterator[None]:
    """Note the seconds that the body takes, if it succeeds."""
    start = time.monotonic()
    yield
    _measured.append((part, time.monotonic() - start))


def drain() -> list[tuple[str, float]]:
    """What was noted since the last call, in order: (part, seconds)."""
    taken = list(_measured)
    _measured.clear()
    return taken
