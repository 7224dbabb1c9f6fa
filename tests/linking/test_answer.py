"""The paragraph: who renewed it, who is meant to, since when, what that left, what is next."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from certaudit.history import Arrival, Coverage, History, Hole, LeftBehind, Starvation
from certaudit.linking.answer import either, opening, paragraph
from certaudit.linking.history.past_words import holes, reach
from certaudit.model import (
    Actor,
    Deployment,
    Gap,
    Generation,
    HostInfo,
    Lineage,
    MadeBy,
    Model,
    Reason,
    Relation,
)
from certaudit.records import replace
from tests.linking.makers import NOW, generation, lineage, path, step

OWNER, TIMER = "cron:/etc/cron.d/renew:1", "timer:certbot.timer"
AS_OF = NOW + timedelta(days=70)
HOST = HostInfo("web1", "/image", live=False, as_of=AS_OF)
EARLY = replace(HOST, as_of=NOW + timedelta(days=1))


def made(
    number: int,
    relation: Relation = "unknown",
    trigger: str | None = TIMER,
    actor: Actor = "trigger",
    confidence: str = "high",
) -> Generation:
    maker = MadeBy("r", trigger, actor, confidence, ("so it is said",))  # type: ignore[arg-type]
    written = NOW + timedelta(days=60 * (number - 1))
    return generation(number, written=written, relation=relation, made_by=maker)


def one(*generations: Generation, owner: str | None = f"{OWNER}>certbot", **given: object) -> Lineage:
    names = (f"{TIMER}>certbot", f"{OWNER}>certbot")
    return replace(lineage(owner=owner, generations=generations, renewers=names), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("last", "owner", "words"),
    [
        (
            made(2, "stolen"),
            OWNER,
            "certbot.timer renewed it last, on 2024-04-30 03:00 (generation 2), and not "
            "/etc/cron.d/renew:1, which is meant to.",
        ),
        (
            made(2, "owner", OWNER, confidence="medium"),
            OWNER,
            "/etc/cron.d/renew:1 renewed it last, on 2024-04-30 03:00 (generation 2), confidence "
            "medium, as it is meant to.",
        ),
        (
            made(2, "manual", None, "manual"),
            OWNER,
            "A person renewed it last, on 2024-04-30 03:00 (generation 2): so it is said.",
        ),
        (
            made(2, "unknown", None, "unknown", "unknown"),
            OWNER,
            "Who renewed it last, on 2024-04-30 03:00 (generation 2), is not known: so it is said; "
            "/etc/cron.d/renew:1 is meant to.",
        ),
        (
            made(2),
            None,
            "certbot.timer renewed it last, on 2024-04-30 03:00 (generation 2); nobody is known to be "
            "meant to.",
        ),
        (
            made(2),
            OWNER,
            "certbot.timer renewed it last, on 2024-04-30 03:00 (generation 2); /etc/cron.d/renew:1 is "
            "meant to, if it was there by then.",
        ),
    ],
)
def test_the_first_sentence(last: Generation, owner: str | None, words: str) -> None:
    found = one(last, owner=f"{owner}>certbot" if owner else None)
    assert opening(Model(HOST), found) == words


def test_a_lineage_without_a_certificate() -> None:
    assert opening(Model(HOST), one()) == "No certificate of a.example could be read."


def left(number: int, where: str, state: str, until: datetime | None = None) -> LeftBehind:
    since = NOW + timedelta(days=60 * (number - 1))
    return LeftBehind(
        "a.example", number, where, where, since, until, state, "medium", "it lies on another machine"  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_whole_story() -> None:
    past = History(
        arrivals=(
            Arrival(TIMER, "certbot", "2.1.0-4", NOW - timedelta(days=1), command="apt install x"),
        ),
        starvations=(
            Starvation(
                "a.example",
                NOW,
                None,
                2,
                NOW + timedelta(days=9),
                NOW + timedelta(days=60),
                "high",
                idle=7,
            ),
        ),
        left_behind=(
            left(2, "/srv/a", "ended", NOW + timedelta(days=95)),
            left(3, "/srv/a", "still"),
            left(3, "backup:/a", "unknown"),
        ),
    )
    found = one(made(1, "owner", OWNER), made(2, "stolen"), made(3, "stolen"))
    paths = (
        path(f"{TIMER}>certbot", hidden_for=("a.example",)),
        path(f"{OWNER}>certbot", distribution=(step(),)),
    )
    late = replace(HOST, as_of=NOW + timedelta(days=123))
    text = paragraph(Model(late, paths=paths, lineages=(found,), history=past), found)
    assert text == (
        "certbot.timer renewed it last, on 2024-06-29 03:00 (generation 3), and not "
        "/etc/cron.d/renew:1, which is meant to. "
        "That happened 2 times that the logs show, first on 2024-04-30. "
        "certbot.timer came with certbot 2.1.0-4 on 2024-02-29 03:00 (`apt install x`). "
        "1 copy was behind for 35 days after generation 2, until 2024-06-04 by the time of its file, "
        "and had expired by then; "
        "1 copy has been behind for 3 days since generation 3, until now. "
        "For how long backup:/a stayed behind is not known: it lies on another machine. "
        "The owner's job came too late at least 2 times, first on 2024-03-10 and last on "
        "2024-04-30; at 7 firings that the logs show since 2024-03-01 it had nothing to renew. "
        "The live one expired on 2024-04-30, and now, since it has been due from 2024-03-31 on, "
        "whichever runs first renews it: certbot.timer or /etc/cron.d/renew:1. "
        "If that is certbot.timer, what the owner does after it is left out again."
    )


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "/srv/0 is behind the live generation 2."),
        (2, "/srv/0 and /srv/1 are behind the live generation 2."),
    ],
)
def test_places_that_are_behind_whoever_left_them_so(count: int, words: str) -> None:
    found = one(made(1), live=2)
    places = tuple(
        Deployment(f"copy:/srv/{n}", "a.example", "copy", f"/srv/{n}", 1, "stale") for n in range(count)
    )
    current = Deployment("copy:/srv/x", "a.example", "copy", "/srv/x", 2, "current")
    model = Model(EARLY, lineages=(found,), deployments=(*places, current))
    assert f" {words} " in paragraph(model, found)
    known = replace(model, history=History(left_behind=(left(2, "copy:/srv/0", "still"),)))
    assert "/srv/0" not in paragraph(known, found).partition("until now")[2]


def test_several_are_a_list() -> None:
    assert [either(["a", "b", "c"][:n]) for n in (1, 2, 3)] == ["a", "a or b", "a, b or c"]


def test_a_healthy_one_is_told_shortly() -> None:
    found = replace(one(made(1, "owner", OWNER)), renewers=(f"{OWNER}>certbot",))
    model = Model(EARLY, paths=(path(f"{OWNER}>certbot"),), lineages=(found,))
    assert paragraph(model, found) == (
        "/etc/cron.d/renew:1 renewed it last, on 2024-03-01 03:00 (generation 1), as it is meant to. "
        "The live one is good until 2024-04-30, and from 2024-03-31 on /etc/cron.d/renew:1 can renew "
        "it, and nothing else."
    )


def test_nothing_will_renew_it() -> None:
    because = "no armed path was found that can renew it"
    found = one(made(1), owner=None, renewers=(), owner_because=because)
    assert paragraph(Model(EARLY, lineages=(found,)), found).endswith(
        f"The live one is good until 2024-04-30, and nothing will renew it: {because}."
    )


def test_nobody_says_so_where_something_may_that_was_not_seen() -> None:
    gap = Gap("clients", "acme.sh is at work here: what it renews is not followed")
    found = one(made(1), owner=None, renewers=(), owner_because="no armed path was found")
    assert paragraph(Model(EARLY, lineages=(found,), gaps=(gap,)), found).endswith(
        "The live one is good until 2024-04-30, and whether anything will renew it could not be seen "
        "(acme.sh is at work here: what it renews is not followed)."
    )
    held = one(made(1, "owner", TIMER), owner=f"{TIMER}>certbot", renewers=(f"{TIMER}>certbot",))
    model = Model(EARLY, lineages=(held,), gaps=(gap,), paths=(path(f"{TIMER}>certbot"),))
    assert paragraph(model, held).endswith("can renew it, and nothing else that was seen.")
    own = Gap("apart", "caddy is at work here: what it renews is not followed")
    assert "nothing will renew it" in paragraph(Model(EARLY, lineages=(found,), gaps=(own,)), found)


def test_why_nothing_will_renew_it_is_said_by_certbots_own_reason() -> None:
    reason = Reason("no-hook", "the manual authenticator has no hook")
    found = one(made(1), owner=None, renewers=(), unattended=(reason,))
    assert paragraph(Model(EARLY, lineages=(found,)), found).endswith(
        "and nothing will renew it: the manual authenticator has no hook."
    )


def test_how_far_the_logs_reach() -> None:
    hole = Hole(NOW, None, "/var/log/syslog.1: damaged after line 7")
    found = (
        Coverage("client", "certbot's log", None),
        Coverage("starts", "syslog", NOW + timedelta(days=3), holes=(hole,)),
        Coverage("starts", "journal", NOW),
        Coverage("packages", "dpkg.log", NOW),
    )
    model = Model(HOST, history=History(coverage=found))
    assert reach(model) == (
        "no log of certbot read, starts (syslog and journal) from 2024-03-01, "
        "packages (dpkg.log) from 2024-03-01"
    )
    assert list(holes(model)) == [
        "syslog has a hole, after 2024-03-01 to its end: /var/log/syslog.1: damaged after line 7"
    ]
