"""A run of certbot and the files it lies in: rotated in the middle, or without its beginning."""

from __future__ import annotations

from certaudit.parsers.letsencrypt_log import LogPart, parse_logs
from tests.parsers.test_letsencrypt_log import LOG, SAMPLES, TOKYO, debug, notice, one, said, tokyo


def test_a_run_that_goes_on_in_the_next_file_is_one_run() -> None:
    lines = (SAMPLES / "1.21.0-seed.log").read_text(encoding="utf-8").splitlines()
    whole = list(parse_logs([LogPart(LOG, lines)], TOKYO))
    for cut in (1, 5, 11, 13, 19, 25, 26, 30):
        parts = [LogPart(LOG + ".1", lines[:cut]), LogPart(LOG, lines[cut:])]
        runs = list(parse_logs(parts, TOKYO))
        assert [(r.version, r.started, r.ended, r.complete) for r in runs] == [
            (r.version, r.started, r.ended, r.complete) for r in whole
        ]
        assert [[o.outcome for o in r.outcomes] for r in runs] == [["renewed"], ["not_due"]]
    split = list(parse_logs([LogPart(LOG + ".1", lines[:11]), LogPart(LOG, lines[11:])], TOKYO))
    assert (split[0].where, split[0].outcomes[0].where) == (LOG + ".1", LOG)
    assert split[0].outcomes[0].line == 8


def test_one_run_per_file_and_the_empty_file_at_the_bottom() -> None:
    lines = (SAMPLES / "1.21.0-seed.log").read_text(encoding="utf-8").splitlines()
    parts = [LogPart(LOG + ".2", []), LogPart(LOG + ".1", lines[:26]), LogPart(LOG, lines[26:])]
    runs = list(parse_logs(parts, TOKYO))
    assert [(r.where, r.line) for r in runs] == [(LOG + ".1", 1), (LOG, 1)]


def test_a_headless_file_far_from_the_run_before_is_a_run_of_its_own() -> None:
    lines = (SAMPLES / "1.21.0-seed.log").read_text(encoding="utf-8").splitlines()
    parts = [LogPart(LOG + ".9", lines[:8]), LogPart(LOG, lines[31:])]
    lost, tail = parse_logs(parts, TOKYO)
    assert not lost.complete
    assert [o.outcome for o in lost.outcomes] == ["unknown"]
    assert tail.started is None
    assert tail.first_seen == tokyo(2023, 12, 3, 3, 47, 56, 125000)
    assert (tail.version, tail.arguments) == (None, None)
    assert [(o.lineage, o.outcome) for o in tail.outcomes] == [("hogehoge.example.org", "not_due")]
    assert tail.subcommand == "renew"


def test_a_headless_file_right_after_a_run_that_is_over_is_a_run_of_its_own() -> None:
    lines = [
        "2024-10-26 02:11:01,917:DEBUG:certbot._internal.display.util:Notifying user: "
        "Certificate not yet due for renewal",
        "2024-10-26 02:11:03,855:DEBUG:certbot._internal.renewal:no renewal failures",
    ]
    whole = [f"2024-10-26 02:11:00,{n:03}{line[23:]}" for n, line in enumerate(lines)]
    first, second = parse_logs([LogPart(LOG + ".1", whole), LogPart(LOG, lines)], TOKYO)
    assert (first.where, first.complete) == (LOG + ".1", True)
    assert (second.where, second.started, second.complete) == (LOG, None, True)


def test_a_headless_run_learns_its_lineages_from_the_results() -> None:
    run = one(
        notice("00:00:01,000", "The following renewals succeeded:"),
        notice("00:00:01,001", "  /etc/letsencrypt/live/a.example.org/fullchain.pem (success)"),
        "  /etc/letsencrypt/live/b.example.org/fullchain.pem (success)",
        debug("00:00:01,002", "The following renewals failed:"),
        debug("00:00:01,003", "  /etc/letsencrypt/live/c.example.org/fullchain.pem (failure)"),
        "  /etc/letsencrypt/live/d.example.org/fullchain.pem (failure)",
    )
    assert said(run) == [
        ("a.example.org", "renewed", None, 2),
        ("b.example.org", "renewed", None, 3),
        ("c.example.org", "failed", None, 5),
        ("d.example.org", "failed", None, 6),
    ]
    assert run.started is None
