"""The life of a lineage as events, folded and unfolded, and what is ahead of it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from certaudit.history import (
    Arrival,
    Firing,
    History,
    LeftBehind,
    Migration,
    PackageChange,
    TimelineEvent,
)
from certaudit.linking.history.timeline import fold, timeline
from certaudit.model import (
    Deployment,
    Evidence,
    HookCall,
    HostInfo,
    Lineage,
    MadeBy,
    Model,
    Outcome,
    OutcomeKind,
    Run,
    Schedule,
    Source,
    Trigger,
)
from certaudit.records import replace
from tests.linking.makers import NOW, generation, lineage, path

TOKYO = timezone(timedelta(hours=9))
TODAY = NOW + timedelta(days=70)
HOST = HostInfo("web1", "/image", live=False, as_of=TODAY.astimezone(TOKYO))
OWNER = "cron:/etc/cron.d/renew:1"
TIMER = "timer:certbot.timer"


def days(number: float) -> datetime:
    return NOW + timedelta(days=number)


def run(day: float, outcome: OutcomeKind = "not_due", name: str = "r1", **given: object) -> Run:
    line = Evidence("/var/log/syslog", round(day), "Starting certbot", days(day))
    said = Evidence("/var/log/letsencrypt/letsencrypt.log", round(day), "said so", days(day))
    done = (Outcome("a.example", outcome, None, days(day), (said,)),)
    base = Run(
        name, "certbot", "2.1.0", days(day), days(day), ("-q",), "renew", done, TIMER, "trigger", "high",
        evidence=(line,),
    )  # fmt: skip
    return replace(base, **given)  # type: ignore[arg-type]


def firing(day: float, called: bool | None = False) -> Firing:
    return Firing(OWNER, days(day), None, called, None, Evidence("/var/log/syslog", round(day), "CMD"))


def model(of: Lineage, **given: object) -> Model:
    triggers = (
        Trigger(TIMER, "timer", "armed", Source("/lib/systemd/system/certbot.timer")),
        Trigger(OWNER, "cron", "armed", Source("/etc/cron.d/renew", 1)),
    )
    paths = (path(f"{TIMER}>certbot"), path(f"{OWNER}>certbot"))
    base = Model(HOST, triggers, paths, (of,))
    return replace(base, **given)  # type: ignore[arg-type]


def told(events: tuple[TimelineEvent, ...]) -> list[tuple[str, str]]:
    return [(event.kind, event.text) for event in events]


STOLEN = generation(
    2,
    written=days(60),
    relation="stolen",
    made_by=MadeBy("r2", TIMER, "trigger", "high", ("it fits",)),
)
LINEAGE = lineage(
    owner=f"{OWNER}>certbot",
    live=2,
    generations=(generation(1), STOLEN),
    not_after=days(150),
    due=days(120),
)


def test_the_story_in_order() -> None:
    hook = HookCall("deploy", "/etc/hook", days(60), None, Evidence("/log", 9))
    renewal = run(60, "renewed", "r2", hooks=(hook, hook))
    found = model(
        LINEAGE,
        runs=(run(59), renewal, run(61, "failed", "r3", actor="manual", trigger=None)),
        history=History(firings=(firing(62), firing(63, None))),
    )
    events = timeline(found, LINEAGE)
    assert told(events) == [
        ("renewed", "generation 1 by whom is not known (dated by the certificate itself)"),
        ("not-due", "certbot.timer ran: it was not due"),
        ("renewed", "generation 2 by certbot.timer, stolen from /etc/cron.d/renew:1"),
        ("hooks", "deploy /etc/hook (2 times)"),
        ("failed", "a person ran: it failed"),
        ("idle", "/etc/cron.d/renew:1 fired and did not call certbot"),
        ("fired", "/etc/cron.d/renew:1 fired; what came of it is not known"),
        ("today", "generation 2 is live"),
        ("due", "generation 2 becomes due (30 days before expiry)"),
        ("expires", "generation 2 expires"),
    ]
    stolen = events[2]
    assert (stolen.who, stolen.run, stolen.generation, stolen.relation) == (TIMER, "r2", 2, "stolen")
    assert [e.place for e in stolen.evidence] == [
        "/var/log/syslog:60",
        "/var/log/letsencrypt/letsencrypt.log:60",
    ]
    assert all(event.time.tzinfo is TOKYO for event in events)


def test_other_lineages_and_other_triggers_are_no_part_of_it() -> None:
    other = run(10, outcome="renewed", name="r9")
    other = replace(other, outcomes=(Outcome("b.example", "renewed", 1, days(10)),))
    stray = Firing("cron:/etc/cron.d/b:1", days(3), None, False, None, Evidence("/var/log/syslog", 1))
    found = model(LINEAGE, runs=(other,), history=History(firings=(stray,)))
    assert {kind for kind, _ in told(timeline(found, LINEAGE))} == {"renewed", "today", "due", "expires"}


def test_a_run_of_which_only_the_start_is_known() -> None:
    found = model(LINEAGE, runs=(run(5, outcomes=(), arguments=None),))
    assert ("unclear", "certbot.timer started certbot; its own log does not show the run") in told(
        timeline(found, LINEAGE)
    )


def test_packages_of_one_transaction_and_what_came_with_them() -> None:
    def change(name: str, seconds: float, command: str = "apt install certbot") -> PackageChange:
        time = days(-3) + timedelta(seconds=seconds)
        line = Evidence("/var/log/dpkg.log", round(seconds), "install")
        return PackageChange(time, "install", name, None, "2.1.0-4", command, "alice", (line,))

    changes = (change("python3-certbot", 0), change("certbot", 1), change("cron", 2, "apt install cron"))
    arrival = Arrival(TIMER, "certbot", "2.1.0-4", changes[1].time)
    step = Evidence("/var/log/dpkg.log", 77, "upgrade base-files")
    carrier = PackageChange(days(-4), "upgrade", "base-files", "11", "12", evidence=(step,))
    move = Migration(days(-4), days(-4) + timedelta(hours=2), "Debian 11", "Debian 12", (step,))
    past = History((carrier, *changes), (move,), (arrival,))
    assert told(timeline(model(LINEAGE, history=past), LINEAGE))[:3] == [
        ("release", "moved from Debian 11 to Debian 12, done at 2024-02-26 14:00"),
        (
            "package",
            "python3-certbot 2.1.0-4 and certbot 2.1.0-4 installed (`apt install certbot`, by alice); "
            "with it came certbot.timer",
        ),
        ("package", "cron 2.1.0-4 installed (`apt install cron`, by alice)"),
    ]


def copy(name: str, held: int, day: float) -> Deployment:
    place = f"/srv/{name}"
    return Deployment(f"copy:{place}", "a.example", "copy", place, held, "stale", modified=days(day))


def test_copies_that_got_a_generation_together() -> None:
    places = (copy("b", 2, 65), copy("a", 2, 65.001), copy("c", 2, 66), copy("old", 2, 59))
    found = model(LINEAGE, deployments=places)
    assert [text for kind, text in told(timeline(found, LINEAGE)) if kind == "copied"] == [
        "2 copies were last written, with generation 2: /srv/b and /srv/a",
        "1 copy was last written, with generation 2: /srv/c",
    ]


def test_a_generation_that_ran_out_while_copies_had_nothing_newer() -> None:
    end = LINEAGE.generations[0].not_after
    late = days(95)

    def left(until: datetime | None, state: str) -> History:
        one = LeftBehind("a.example", 2, "copy:/a", "/a", days(60), until, state, "medium", "x")  # type: ignore[arg-type]
        return History(left_behind=(one,))

    def events(past: History) -> list[TimelineEvent]:
        found = replace(model(LINEAGE, history=past), host=replace(HOST, as_of=late))
        return [event for event in timeline(found, LINEAGE) if event.kind == "expired"]

    (event,) = events(left(None, "still"))
    assert event.time == end
    assert event.text == "generation 1 expired, and 1 copy had nothing newer"
    assert len(events(left(end, "ended"))) == 1
    assert events(left(end - timedelta(seconds=1), "ended")) == []
    assert events(left(None, "unknown")) == []


def test_since_and_until_are_both_included() -> None:
    found = model(LINEAGE, runs=(run(1), run(2), run(3)))
    kinds = [event.time for event in timeline(found, LINEAGE, days(2), days(3))]
    assert kinds == [days(2), days(3)]
    assert timeline(found, LINEAGE, days(200)) == ()


def test_what_is_ahead() -> None:
    schedule = Schedule(("*-*-* 00,12:00:00",), 43200.0, True, days(71), days(71.5))
    timer = Trigger(TIMER, "timer", "armed", Source("/x"), schedule=schedule)
    one = replace(LINEAGE, renewers=(f"{TIMER}>certbot",))
    found = model(one, triggers=(timer,), deployments=(copy("a", 1, 3),))
    assert told(tuple(e for e in timeline(found, one) if e.time >= HOST.as_of)) == [
        ("today", "generation 2 is live, 1 place is behind it"),
        ("next", "certbot.timer fires, at 2024-05-12 00:00 at the latest"),
        ("expires", "generation 1, which 1 place holds, expires"),
        ("due", "generation 2 becomes due (30 days before expiry)"),
        ("expires", "generation 2 expires"),
    ]


def test_without_autorenew_nothing_becomes_due() -> None:
    one = replace(LINEAGE, autorenew=False)
    assert "due" not in [event.kind for event in timeline(model(one), one)]


def test_dull_stretches_are_one_and_no_count_is_lost() -> None:
    found = model(
        LINEAGE,
        runs=(*(run(day, name=f"r{day}") for day in range(1, 60)), run(60, "renewed", "r2"), run(61)),
        history=History(firings=tuple(firing(day + 0.5) for day in range(1, 30))),
    )
    events = timeline(found, LINEAGE)
    folded = fold(events)
    assert [(e.kind, e.count) for e in folded][:6] == [
        ("renewed", 1),
        ("not-due", 59),
        ("idle", 29),
        ("renewed", 1),
        ("not-due", 1),
        ("today", 1),
    ]
    assert (folded[1].time, folded[1].until) == (days(1), days(59))
    assert sum(event.count for event in folded) == len(events)
    assert fold(()) == ()
