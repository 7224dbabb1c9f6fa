"""How often an owner came too late."""

from __future__ import annotations

from datetime import timedelta

from certaudit.history import Firing, Starvation
from certaudit.linking.history.starvation import starvations
from certaudit.model import (
    Evidence,
    Generation,
    MadeBy,
    Outcome,
    OutcomeKind,
    Relation,
    Run,
    Schedule,
    Source,
    Trigger,
)
from tests.linking.makers import NOW, generation, lineage

OWNER = "cron:/etc/cron.d/renew:1"


def made(number: int, days: float, relation: Relation, due: float | None = 0) -> Generation:
    """A generation of that day; due 60 days later, or so many days later still."""
    time = NOW + timedelta(days=days)
    return generation(
        number,
        written=time,
        relation=relation,
        made_by=MadeBy(confidence="medium"),
        due=None if due is None else time + timedelta(days=60 + due),
    )


def run(days: float, outcome: OutcomeKind = "not_due", trigger: str = OWNER) -> Run:
    time = NOW + timedelta(days=days)
    lines = (Evidence("/var/log/letsencrypt/letsencrypt.log", int(days), "run", time),)
    done = (Outcome("a.example", outcome),)
    return Run("r", "certbot", None, time, time, (), "renew", done, trigger, evidence=lines)


def firing(days: float, called: bool | None, trigger: str = OWNER) -> Firing:
    time = NOW + timedelta(days=days)
    return Firing(trigger, time, None, called, None, Evidence("/var/log/syslog", int(days), "CMD", time))


def starved(
    *generations: Generation,
    runs: tuple[Run, ...] = (),
    firings: tuple[Firing, ...] = (),
    every: float | None = 1,
) -> list[Starvation]:
    """What comes of it for an owner that fires once in so many days."""
    often = Schedule(("x",), longest_gap=every and every * 86_400)
    owner = Trigger(OWNER, "cron", "armed", Source("/etc/cron.d/renew", 1), schedule=often)
    return list(starvations(lineage(generations=generations), owner, runs, firings))


def days(moments: list[Starvation]) -> list[tuple[int, int, int, int]]:
    return [(s.times, (s.first - NOW).days, (s.last - NOW).days, s.idle) for s in moments]


def test_the_first_firing_after_each_theft_came_too_late_and_no_other() -> None:
    last = firing(121, False)
    found = starved(
        made(1, 0, "owner"),
        made(2, 60, "stolen"),
        made(3, 120, "stolen"),
        runs=(run(30), run(61), run(62), run(130), run(140, "failed"), run(61, trigger="timer:x.timer")),
        firings=(firing(10, False), firing(80, False), firing(90, None), firing(91, True), last),
    )
    assert days(found) == [(2, 61, 121, 5)]
    assert (found[0].since, found[0].until) == (NOW + timedelta(days=60), None)
    assert [e.place for e in found[0].evidence] == [
        "/var/log/letsencrypt/letsencrypt.log:61",
        "/var/log/syslog:121",
    ]
    assert found[0].confidence == "medium"


def test_the_owners_next_own_renewal_ends_it() -> None:
    idle = (firing(61, False), firing(121, False))
    (found,) = starved(made(1, 0, "owner"), made(2, 60, "stolen"), made(3, 120, "owner"), firings=idle)
    assert (found.until, found.times, found.idle) == (NOW + timedelta(days=120), 1, 1)


def test_a_renewal_before_its_time_is_missed_when_it_would_have_been_due() -> None:
    early = (made(1, 0, "owner"), made(2, 20, "stolen"))
    assert starved(*early, firings=(firing(21, False), firing(59, False))) == []
    assert days(starved(*early, firings=(firing(21, False), firing(60.5, False)))) == [(1, 60, 60, 2)]
    replaced = (*early, made(3, 50, "stolen"))
    assert starved(*replaced, firings=(firing(21, False), firing(60.5, False))) == []


def test_a_firing_that_others_must_have_come_before_is_not_the_one() -> None:
    taken = (made(1, 0, "owner"), made(2, 60, "stolen"))
    assert starved(*taken, firings=(firing(63, False),)) == []
    assert days(starved(*taken, firings=(firing(63, False),), every=7)) == [(1, 63, 63, 1)]
    assert starved(*taken, firings=(firing(61, False),), every=None) == []


def test_silent_where_nothing_was_stolen_or_nothing_ran_in_vain() -> None:
    idle = (firing(61, False),)
    assert starved(made(1, 0, "owner"), made(2, 60, "unknown"), firings=idle) == []
    assert starved(made(1, 0, "owner"), made(2, 60, "stolen"), firings=(firing(61, None),)) == []
    assert starved(made(2, 60, "stolen"), firings=idle) == []
    assert starved(made(1, 0, "owner", due=None), made(2, 60, "stolen"), firings=idle) == []
    assert list(starvations(lineage(), None, (), idle)) == []
