"""Which time each log covers, and what is missing within it.

Law: a hole is said only where its cause was seen: a number missing between rotated files, a file that
was damaged. That nothing was logged is no hole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from certaudit.facts import LogPiece, LogSpan
from certaudit.history import Coverage, Hole, LogKind

NUMBER = re.compile(r"\.(\d{1,4})(?:\.[a-z0-9]{1,4})?$")
MISSING: tuple[tuple[LogKind, str], ...] = (
    ("client", "certbot's log"), ("starts", "log of starts"), ("packages", "package log")
)  # fmt: skip
NAMES = {"/var/log/letsencrypt/letsencrypt.log": "certbot's log", "apt": "apt's history"}


def coverage(spans: Sequence[LogSpan]) -> tuple[Coverage, ...]:
    """Each log that is there, by kind; and each kind of which there is none."""
    found = [covered(span) for span in spans if span.since is not None]
    kinds = {one.kind for one in found}
    found += [Coverage(kind, source, None) for kind, source in MISSING if kind not in kinds]
    order = [kind for kind, _ in MISSING]
    return tuple(sorted(found, key=lambda one: order.index(one.kind)))


def covered(span: LogSpan) -> Coverage:
    """One log's span with its holes."""
    seen = span.pieces if span.kind != "packages" else ()  # there only what is wanted was looked at
    last = max((piece.last for piece in seen if piece.last), default=None)
    source = NAMES.get(span.source, span.source)
    return Coverage(span.kind, source, span.since, last, tuple(holes(span.pieces)))


def holes(pieces: Sequence[LogPiece]) -> Iterator[Hole]:
    """What is missing between, or at the end of, the files of a log, oldest first."""
    for position, piece in enumerate(pieces):
        later = pieces[position + 1] if position + 1 < len(pieces) else None
        until = after(pieces[position + 1 :])
        if piece.problem is not None:
            yield Hole(piece.last, until, f"{piece.path}: {piece.problem}")
        numbers = number(piece), number(later) if later else None
        if numbers[0] is not None and numbers[1] is not None and numbers[0] - numbers[1] > 1:
            lost = [str(n) for n in range(numbers[1] + 1, numbers[0])]
            what = f"number {lost[0]} is" if len(lost) == 1 else f"numbers {lost[0]} to {lost[-1]} are"
            yield Hole(before(pieces[: position + 1]), until, f"{what} missing beside {piece.path}")


def number(piece: LogPiece) -> int | None:
    """The number of a rotated file; ``None`` for the live one and for names with a date."""
    found = NUMBER.search(piece.path)
    return int(found[1]) if found else None


def after(pieces: Iterable[LogPiece]) -> datetime | None:
    """The first moment that later files show."""
    return next((piece.first for piece in pieces if piece.first), None)


def before(pieces: Sequence[LogPiece]) -> datetime | None:
    """The last moment that earlier files show."""
    return next((piece.last for piece in reversed(pieces) if piece.last), None)


def oldest(found: Iterable[Coverage], kind: LogKind) -> datetime | None:
    """How far back the logs of a kind reach."""
    return min((one.since for one in found if one.kind == kind and one.since), default=None)
