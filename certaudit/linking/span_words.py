"""How far the logs reach, in words: part of every answer, since no answer is better than its logs."""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.history import Coverage, Hole
from certaudit.linking.words import day, listing
from certaudit.model import Model

SAID = {"client": "certbot's log", "starts": "log of starts", "packages": "package log"}


def reach(model: Model) -> str:
    """``certbot's log from 2023-09-10, starts (syslog) from 2023-11-19, packages from ...``."""
    return ", ".join(kind_words(model, kind) for kind in SAID)


def kind_words(model: Model, kind: str) -> str:
    """One kind of log: since when, by which of its files."""
    logs = [log for log in model.history.coverage if log.kind == kind and log.since]
    if not logs:
        return f"no {SAID[kind]}"
    first = min(log.since for log in logs if log.since)
    if kind == "client":
        return f"certbot's log from {day(first)}"
    return f"{kind} ({listing([log.source for log in logs])}) from {day(first)}"


def holes(model: Model) -> Iterator[str]:
    """What is missing within the spans, a sentence each."""
    for log in model.history.coverage:
        for hole in log.holes:
            yield hole_words(log, hole)


def hole_words(log: Coverage, hole: Hole) -> str:
    """One hole."""
    since = f"after {day(hole.since)}" if hole.since else "from its beginning"
    until = f"until {day(hole.until)}" if hole.until else "to its end"
    return f"{log.source} has a hole, {since} {until}: {hole.reason}"
