"""Which time each log covers, and where it is known to have holes."""

from __future__ import annotations

from datetime import timedelta

from certaudit.facts import LogPiece, LogSpan
from certaudit.history import Coverage, Hole
from certaudit.linking.history.coverage import coverage, oldest
from tests.linking.makers import NOW

BASE = "/var/log/letsencrypt/letsencrypt.log"


def piece(name: str, day: int | None, problem: str | None = None) -> LogPiece:
    if day is None:
        return LogPiece(BASE + name, problem=problem)
    first = NOW + timedelta(days=day)
    return LogPiece(BASE + name, first, first + timedelta(hours=12), problem)


def holes(*pieces: LogPiece) -> tuple[Hole, ...]:
    (one, *_) = coverage([LogSpan("client", BASE, NOW, pieces)])
    return one.holes


def at(day: int, hour: int = 0) -> object:
    return NOW + timedelta(days=day, hours=hour)


def test_a_whole_log_has_no_hole() -> None:
    pieces = (piece(".2.gz", -9), piece(".1", -5), piece("", -1))
    assert holes(*pieces) == ()
    assert holes(piece("-20240201.gz", -9), piece("-20240215.gz", -5), piece("", -1)) == ()


def test_a_missing_number_is_a_hole_between_its_neighbours() -> None:
    (hole,) = holes(piece(".4.gz", -9), piece(".2.gz", -5), piece("", -1))
    assert (hole.since, hole.until) == (at(-9, 12), at(-5))
    assert hole.reason == f"number 3 is missing beside {BASE}.4.gz"
    (hole,) = holes(piece(".9.gz", -9), piece(".2.gz", -5))
    assert hole.reason == f"numbers 3 to 8 are missing beside {BASE}.9.gz"


def test_a_damaged_file_is_a_hole_to_its_end() -> None:
    (hole,) = holes(piece(".1.gz", -9, "damaged after line 7"), piece("", None), piece("", -1))
    assert (hole.since, hole.until) == (at(-9, 12), at(-1))
    assert hole.reason == f"{BASE}.1.gz: damaged after line 7"


def test_every_kind_is_answered() -> None:
    found = coverage([LogSpan("starts", "syslog", NOW), LogSpan("packages", "apt", None)])
    assert found == (
        Coverage("client", "certbot's log", None),
        Coverage("starts", "syslog", NOW),
        Coverage("packages", "package log", None),
    )
    assert oldest(found, "starts") == NOW
    assert oldest(found, "packages") is None
