"""What every answer rests on: a place that was read, and a place that could not be.

Law: as ``model``, which hands these on under its own name.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

Confidence = Literal["high", "medium", "low", "unknown"]


class Evidence(Struct, frozen=True):
    """What was read: a file and line, a journal cursor, a bus property; redacted before it gets here."""

    where: str
    line: int | None = None
    text: str = ""
    time: datetime | None = None

    @property
    def place(self) -> str:
        """``file:line`` as a person types it."""
        return self.where if self.line is None else f"{self.where}:{self.line}"


class Gap(Struct, frozen=True):
    """What could not be looked at, and why; never a statement about what is not there."""

    aspect: str
    reason: str
    evidence: tuple[Evidence, ...] = ()
