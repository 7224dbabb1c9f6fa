"""The terminal report on records made by hand: colour, folding, and texts that strangers wrote."""

from __future__ import annotations

import re
from datetime import datetime, timezone

import pytest

from certaudit.model import (
    Deployment,
    Evidence,
    Finding,
    Fix,
    Gap,
    HostInfo,
    Lineage,
    Model,
    Reason,
    RenewalPath,
    Report,
    Result,
    Source,
    Trigger,
)
from certaudit.records import replace
from certaudit.render import terminal

NOW = datetime(2024, 3, 15, 8, tzinfo=timezone.utc)
HOST = HostInfo("web1", "/image", live=False, as_of=NOW)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def report(*findings: Finding, gaps: tuple[Gap, ...] = (), host: HostInfo = HOST) -> Report:
    worst = findings[0].severity if findings else "high"
    result = Result("stale-copy", "flagged" if findings else "passed", worst, findings)
    return Report(Model(host, gaps=gaps), "The answer.", (result,))


def plain(found: Report, width: int = 80) -> str:
    return terminal.render(found, colour=False, width=width)


def lineage(name: str = "example.org") -> Lineage:
    conf = f"/etc/letsencrypt/renewal/{name}.conf"
    return Lineage(
        name, "certbot", (name,), conf, "/etc/letsencrypt", "webroot", True, 2, None, None, None
    )


def test_the_answer_comes_first_and_the_machine_after_it() -> None:
    lines = plain(report()).splitlines()
    assert lines[0] == "The answer."
    assert lines[2] == "web1 · init not known · /image · as of 2024-03-15 08:00 +0000"
    assert lines[3].startswith("Logs: no log of certbot read, ")


def test_a_live_machine_is_called_live() -> None:
    assert "web1 · init not known · live ·" in plain(report(host=replace(HOST, live=True, target="/")))


def test_a_finding_shows_its_evidence_as_file_and_line_and_its_fix_as_commands() -> None:
    fix = Fix("switch certbot.timer off", True, ("systemctl disable --now certbot.timer",))
    found = Finding(
        "example.org", "high", "It is so.", "medium", (Evidence("/a/b", 7, "the text"),), (fix,)
    )
    lines = plain(report(found, host=replace(HOST, live=True, target="/"))).splitlines()[5:]
    assert lines == [
        "HIGH   stale-copy  example.org  (confidence medium)",
        "       It is so.",
        "       /a/b:7  the text",
        "       -> switch certbot.timer off",
        "          systemctl disable --now certbot.timer",
        "",
    ]


def test_a_command_for_an_image_is_none_for_this_machine() -> None:
    off = Fix("switch it off", True, ("systemctl disable --now x.timer", f"cp {'/a' * 17} {'/b' * 17}"))
    declare = Fix("declare it", True, ('owner = "x"',), commands=False)
    found = Finding("x", "high", "It is so.", "high", (), (off, declare))
    lines = plain(report(found)).splitlines()[5:]
    assert lines[:2] == [
        "Commands after web1# are for that machine itself, not for this one; `certaudit",
        "fix /image` works on the image.",
    ]
    assert lines[5:] == [
        "       -> switch it off",
        "          web1# systemctl disable --now x.timer",
        f"          web1# cp {'/a' * 17} \\",
        f"              {'/b' * 17}",
        "       -> declare it",
        '          owner = "x"',
        "",
    ]
    nothing = plain(report(Finding("x", "high", "It is so.", "high", (), (declare,))))
    assert "Commands after" not in nothing


def test_evidence_beyond_the_first_lines_is_counted() -> None:
    lines = tuple(Evidence("/a", n) for n in range(1, 12))
    text = plain(report(Finding("x", "low", "It is so.", "high", lines)))
    assert "/a:8\n" in text
    assert "/a:9" not in text
    assert "... and 3 more lines: --format json has all" in text


def test_gaps_are_shown_with_the_questions_they_leave_open() -> None:
    gap = Gap("logs", "letsencrypt.log.2.gz: damaged", (Evidence("/var/log/letsencrypt"),))
    found = report(gaps=(gap,))
    still_open = replace(found, results=(Result("starved-job", "not_assessed", "medium"),))
    text = plain(still_open)
    assert "Not seen\n  logs      letsencrypt.log.2.gz: damaged  /var/log/letsencrypt\n" in text
    assert "Left open by this: starved-job" in text


def test_a_client_that_keeps_to_itself_is_shown_among_the_clients() -> None:
    text = plain(report(gaps=(Gap("apart", "caddy is at work here"), Gap("clients", "lego is, too"))))
    assert "Not seen\n  clients   caddy is at work here\n  clients   lego is, too\n" in text
    assert "apart" not in text


def test_colour_only_repeats_what_the_words_say() -> None:
    found = report(Finding("example.org", "high", "It is so.", "high", (Evidence("/a", 1, "x"),)))
    coloured = terminal.render(found, colour=True, width=80)
    assert "\x1b[" in coloured
    bare = "\n".join(line.rstrip() for line in ANSI.sub("", coloured).split("\n"))
    assert bare == plain(found)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_long_path_folds_and_loses_nothing(width: int) -> None:
    path = "/srv/" + "/".join(f"directory{n}" for n in range(30))
    text = plain(report(Finding("x", "low", "It is so.", "high", (Evidence(path, 1),))), width)
    assert max(map(len, text.splitlines())) <= width
    assert f"{path}:1" in text.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize(
    "hostile",
    ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x00", "\x08", "\u202e", "\u2066", "\x7f", "a\rb"],
)
def test_what_a_terminal_would_obey_is_not_passed_on(hostile: str) -> None:
    found = Finding(
        f"s{hostile}", "high", f"m{hostile}", "high", (Evidence(f"/a{hostile}", 1, hostile),)
    )
    gap = Gap("logs", f"g{hostile}")
    text = plain(report(found, gaps=(gap,), host=replace(HOST, name=f"web1{hostile}")))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)


def test_markup_in_a_text_stays_text() -> None:
    text = plain(report(Finding("x", "low", "see [bold]this[/bold] :smile: [link=x]", "high", ())))
    assert "see [bold]this[/bold] :smile: [link=x]" in text


def test_an_idle_trigger_and_a_place_are_listed_under_their_lineage() -> None:
    off = Reason("masked", "certbot.timer is masked")
    trigger = Trigger("timer:certbot.timer", "timer", "off", Source("/x"), reasons=(off,))
    path = RenewalPath(
        "timer:certbot.timer>certbot", trigger.id, "off", "certbot", "renew", (), (), ("example.org",)
    )
    place = Deployment("copy:/srv/a.pem", "example.org", "copy", "/srv/a.pem", 1, "stale")
    one = replace(lineage(), owner_because="no armed path was found that can renew it")
    model = Model(HOST, (trigger,), (path,), (one,), (), (place,))
    text = plain(Report(model, "The answer."))
    assert "  owner     nobody: no armed path was found that can renew it\n" in text
    assert "  not       certbot.timer  off: certbot.timer is masked\n" in text
    assert "  places    stale    /srv/a.pem  generation 1\n" in text


def test_triggers_are_shown_where_there_is_no_certificate() -> None:
    on = Reason("enabled", "certbot.timer is enabled")
    trigger = Trigger("timer:certbot.timer", "timer", "armed", Source("/x"), reasons=(on,))
    text = plain(Report(Model(HOST, (trigger,)), "The answer."))
    assert "  armed     certbot.timer: certbot.timer is enabled\n" in text
