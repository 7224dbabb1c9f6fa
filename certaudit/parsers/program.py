"""The name of a program, by which the parsers and the linking tell what a command is."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath


@lru_cache(maxsize=4096)  # asked several times for every command
def program_name(path: str) -> str:
    """The last part of the path that a program is called by; "" where there is none."""
    return PurePosixPath(path).name
