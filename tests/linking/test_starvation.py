"""How often an owner ran in vain."""

from __future__ import annotations

from datetime import timedelta

from certaudit.history import Firing, Starvation
from certaudit.linking.history.starvation import starvations
from certaudit.model import Evidence, Generation, MadeBy, Outcome, OutcomeKind, Relation, Run
from tests.linking.makers import NOW, generation, lineage

OWNER = "cron:/etc/cron.d/renew:1"


def made(number: int, days: float, relation: Relation) -> Generation:
    return generation(
        number,
        written=NOW + timedelta(days=days),
        relation=relation,
        made_by=MadeBy(confidence="medium"),
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
    owner: str | None = f"{OWNER}>certbot",
) -> list[Starvation]:
    return list(starvations(lineage(owner=owner, generations=generations), runs, firings))


def test_runs_and_firings_in_vain_since_the_first_stolen_renewal() -> None:
    (found,) = starved(
        made(1, 0, "owner"),
        made(2, 60, "stolen"),
        made(3, 120, "stolen"),
        runs=(run(30), run(70), run(130), run(140, "failed"), run(150, trigger="timer:certbot.timer")),
        firings=(firing(10, False), firing(80, False), firing(90, None), firing(91, True)),
    )
    assert (found.since, found.until) == (NOW + timedelta(days=60), None)
    assert found.times == 3
    assert (found.first, found.last) == (NOW + timedelta(days=70), NOW + timedelta(days=130))
    assert [e.where for e in found.evidence] == ["/var/log/letsencrypt/letsencrypt.log"] * 2
    assert found.confidence == "medium"


def test_the_owners_next_own_renewal_ends_it() -> None:
    (found,) = starved(
        made(1, 0, "stolen"), made(2, 60, "owner"), firings=(firing(10, False), firing(70, False))
    )
    assert (found.until, found.times) == (NOW + timedelta(days=60), 1)


def test_silent_where_nothing_was_stolen_or_nothing_ran_in_vain() -> None:
    idle = (firing(10, False),)
    assert starved(made(1, 0, "owner"), made(2, 60, "unknown"), firings=idle) == []
    assert starved(made(1, 0, "stolen"), firings=(firing(10, None),)) == []
    assert starved(made(1, 0, "stolen"), firings=idle, owner=None) == []
