"""The answer in one sentence."""

from __future__ import annotations

from certaudit.linking.verdict import verdict
from certaudit.model import Deployment, Finding, Gap, HostInfo, Lineage, MadeBy, Model, Report, Result
from tests.linking.makers import NOW, generation, lineage, path

HOST = HostInfo("web1", "/image", live=False, as_of=NOW)
TIMER = path("timer:certbot.timer>certbot.service>certbot", hidden_for=("a.example",))
OWNER = path("cron:/etc/cron.d/x:4>/usr/local/sbin/renew>certbot")
MADE = MadeBy("r1", "timer:certbot.timer", "trigger", "high")


def flagged(rule: str, *messages: str) -> Result:
    return Result(rule, "flagged", "high", tuple(Finding("a.example", "high", m) for m in messages))


def hidden(*places: Deployment, made: MadeBy | None = None) -> str:
    generations = (generation(1, made_by=made, written=NOW),) if made else ()
    one = lineage(owner=OWNER.id, live=2, generations=generations)
    model = Model(HOST, paths=(TIMER, OWNER), lineages=(one,), deployments=places)
    return verdict(Report(model, "", (flagged("hidden-renewal-path", "m"),)))


def place(generation: int | None, name: str = "x", status: str = "stale") -> Deployment:
    return Deployment(f"copy:/{name}", "a.example", "copy", f"/{name}", generation, status)  # type: ignore[arg-type]


def test_a_hidden_path_is_told_as_a_story() -> None:
    assert hidden() == (
        "certbot.timer renews a.example behind the back of /etc/cron.d/x:4 (/usr/local/sbin/renew), "
        "and leaves out its distribution."
    )


def test_how_often_it_won_is_part_of_it() -> None:
    assert " (once that the logs show, last on 2024-03-01), and leaves out" in hidden(made=MADE)


def test_stale_copies_are_part_of_it() -> None:
    assert hidden(place(1)).endswith(
        "its distribution: 1 copy still holds generation 1, the live one is 2."
    )
    several = hidden(place(1, "a"), place(0, "b"), place(2, "c", "current"))
    assert several.endswith(": 2 copies still hold generations 0 and 1, the live one is 2.")


def test_the_worst_finding_else_and_how_many_more() -> None:
    results = (
        flagged("stale-copy", "one place holds an older one"),
        flagged("no-renewal-path", "nothing renews a.example", "nothing renews b.example"),
    )
    report = Report(Model(HOST, lineages=(lineage(),)), "", results)
    assert verdict(report) == "Nothing renews a.example (2 more findings)."


def test_a_rule_without_a_rank_speaks_too() -> None:
    report = Report(Model(HOST, lineages=(lineage(),)), "", (flagged("half-switched-unit", "x is on."),))
    assert verdict(report) == "X is on."


def test_a_name_at_the_beginning_is_not_written_large() -> None:
    model = Model(HOST, lineages=(lineage(),))
    told = flagged("expired-or-expiring", "a.example expired on 2024-02-01")
    assert verdict(Report(model, "", (told,))) == "a.example expired on 2024-02-01."


def clean(*lineages: Lineage, gaps: int = 0) -> str:
    seen = tuple(Gap("logs", f"closed {n}") for n in range(gaps))
    results = tuple(Result(f"rule-{n}", "not_assessed", "high") for n in range(gaps))
    return verdict(Report(Model(HOST, lineages=lineages, gaps=seen), "", results))


def test_silence_says_of_what() -> None:
    assert clean() == "No certbot certificate is managed here."
    assert clean(lineage(owner=TIMER.id)) == (
        "a.example has one renewer, certbot.timer, and nothing renews it behind its back."
    )
    assert clean(lineage(), lineage("b.example")) == (
        "Nothing renews any of the 2 certificates behind its owner's back."
    )


def test_a_renewer_that_was_not_seen_is_not_called_the_one_renewer() -> None:
    assert clean(lineage(renewers=()), gaps=1) == (
        "What renews a.example was not found, as far as could be seen: 1 question stayed open."
    )
    many = [lineage(f"{x}.example", renewers=()) for x in "abc"]
    assert clean(*many, gaps=1).startswith("What renews 3 certificates was not found, ")


def test_silence_with_gaps_says_how_far_it_could_be_seen() -> None:
    text = clean(lineage(renewers=(TIMER.id,)), gaps=2)
    assert text.endswith(", as far as could be seen: 2 questions stayed open.")
