"""Which files a rotated log has, and which time each of them shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from certaudit.facts import LogPiece, LogSpan
from certaudit.history import LogKind
from certaudit.host.logs.files import LogFile


def span(
    kind: LogKind,
    source: str,
    since: datetime | None,
    files: Sequence[LogFile],
    seen: Iterable[tuple[str, datetime]],
) -> LogSpan:
    """A log as a span; ``seen`` are the (file, time) of what was found in it, files oldest first."""
    times: dict[str, list[datetime]] = {}
    for where, time in seen:
        times.setdefault(where, []).append(time)
    return LogSpan(
        kind, source, since, tuple(piece(file, times.get(str(file.path), [])) for file in files)
    )


def piece(file: LogFile, times: Sequence[datetime]) -> LogPiece:
    """One file with what was seen in it."""
    return LogPiece(
        str(file.path),
        min(times, default=None),
        max(times, default=None),
        file.problems[0] if file.problems else None,
    )
