"""The parser of certbot's log, on samples of every era it has to read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from certaudit.parsers.letsencrypt_log import (
    LogEvidence,
    LogHook,
    LogOutcome,
    LogPart,
    LogRun,
    parse_logs,
)

SAMPLES = Path(__file__).parents[2] / "fixtures" / "logs" / "letsencrypt"
LOG = "/var/log/letsencrypt/letsencrypt.log"
TOKYO = ZoneInfo("Asia/Tokyo")
UTC = timezone.utc

HEAD_21 = (
    "2024-05-02 00:14:09,000:DEBUG:certbot._internal.main:certbot version: 2.1.0",
    "2024-05-02 00:14:09,001:DEBUG:certbot._internal.main:Arguments: ['-q']",
)


def sample(name: str, zone: ZoneInfo | timezone = TOKYO) -> list[LogRun]:
    with (SAMPLES / name).open(encoding="utf-8", newline="\n") as lines:
        return list(parse_logs([LogPart(LOG, lines)], zone))


def read(*lines: str, zone: ZoneInfo | timezone = UTC) -> list[LogRun]:
    return list(parse_logs([LogPart(LOG, lines)], zone))


def one(*lines: str, zone: ZoneInfo | timezone = UTC) -> LogRun:
    (run,) = read(*lines, zone=zone)
    return run


def said(run: LogRun) -> list[tuple[str | None, str, int | None, int]]:
    return [(o.lineage, o.outcome, o.generation, o.line) for o in run.outcomes]


def hooks(run: LogRun) -> list[tuple[str, str, bool | None]]:
    return [(h.kind, h.command, h.failed) for h in run.hooks]


def tokyo(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=TOKYO)  # type: ignore[misc, arg-type]


def debug(clock: str, message: str, logger: str = "certbot._internal.renewal") -> str:
    return f"2024-05-02 {clock}:DEBUG:{logger}:{message}"


def notice(clock: str, text: str) -> str:
    return debug(clock, f"Notifying user: {text}", "certbot._internal.display.obj")


def test_letsencrypt_0_4_counts_in_utc_and_names_what_was_written() -> None:
    (run,) = sample("0.4.0-not-due.log")
    assert run.version == "0.4.2"
    assert run.arguments == ("--agree-tos", "--text")
    assert run.subcommand is None
    assert run.started == datetime(2016, 3, 7, 4, 12, 1, 102000, tzinfo=UTC)
    assert run.ended == datetime(2016, 3, 7, 4, 12, 7, 512000, tzinfo=UTC)
    assert not run.complete
    assert said(run) == [
        (None, "not_due", None, 6),
        ("shop.example.org", "renewed", 3, 10),
    ]


def test_0_9_begins_with_the_level_record_and_names_the_conf_that_failed() -> None:
    first, second = sample("0.9.3-failed.log")
    assert (first.line, second.line) == (1, 19)
    assert first.text == "2016-11-22 08:00:03,520:DEBUG:certbot.main:Root logging level set at 20"
    assert first.version == second.version == "0.9.3"
    assert first.subcommand == "renew"
    assert first.exit_error == "Error: 1 renew failure(s), 0 parse failure(s)"
    assert first.complete
    assert said(first) == [("mail.example.org", "failed", None, 7)]
    assert second.arguments == ("--no-self-upgrade",)
    assert second.subcommand is None
    assert not second.complete
    assert second.started == datetime(2016, 11, 22, 20, 0, 2, 120000, tzinfo=UTC)


def test_a_level_record_is_the_next_run_s_even_where_the_first_one_is_cut_off() -> None:
    """Else every run of the file would reach to the first record of the next one."""
    with (SAMPLES / "0.9.3-failed.log").open(encoding="utf-8", newline="\n") as lines:
        texts = list(lines)
    assert "Root logging level" in texts[0]
    assert "Root logging level" in texts[18]
    cut = texts[2:6] + texts[18:]
    first, second = parse_logs([LogPart(LOG, cut)], TOKYO)
    assert (first.line, second.line) == (1, 5)
    assert first.version == second.version == "0.9.3"
    assert first.ended == tokyo(2016, 11, 22, 17, 0, 3, 600000)


def test_0_21_wrote_utc_whatever_the_machine_s_zone() -> None:
    (run,) = sample("0.21.1-utc.log")
    assert run.started == datetime(2018, 1, 15, 3, 17, 40, 1000, tzinfo=UTC)
    assert run.started.utcoffset() == timedelta(hours=9)
    assert run.subcommand == "renew"
    assert run.complete
    assert said(run) == [
        ("www.example.org", "not_due", None, 7),
        ("mail.example.org", "not_due", None, 9),
    ]


def test_0_27_raw_hook_output_that_looks_like_a_run_begins_none() -> None:
    (run,) = sample("0.27.0-hooks.log")
    assert run.arguments == ("-q",)
    assert run.started == tokyo(2018, 10, 28, 6, 25, 4, 10000)
    assert said(run) == [("www.example.org", "renewed", 5, 13)]
    assert hooks(run) == [
        ("pre", "systemctl stop nginx", False),
        ("deploy", "/usr/local/sbin/push-certs.sh", True),
        ("post", "systemctl start nginx", None),
    ]
    assert run.subcommand == "renew"
    assert run.complete
    assert run.exit_error is None


def test_1_9_first_issue_and_a_server_s_date_that_proves_the_zone() -> None:
    (run,) = sample("1.9.0-certonly.log", UTC)
    assert run.subcommand == "certonly"
    assert run.entry_point == "/usr/bin/certbot"
    assert run.header_offset == timedelta(hours=9)
    assert run.started == datetime(2020, 11, 2, 1, 0, 0, 100000, tzinfo=UTC)
    assert said(run) == [("example.org", "renewed", 1, 20)]
    assert run.complete


def test_1_21_the_seed_s_two_runs_exactly() -> None:
    renewed, not_due = sample("1.21.0-seed.log")
    assert renewed.delay == 108.38739903275234
    assert renewed.delay_at == tokyo(2023, 11, 30, 20, 5, 2, 132000)
    assert renewed.outcomes == (
        LogOutcome(
            lineage="hogehoge.example.org",
            outcome="renewed",
            generation=4,
            time=tokyo(2023, 11, 30, 20, 7, 33, 512000),
            where=LOG,
            line=19,
            reason="Writing certificate to /etc/letsencrypt/archive/hogehoge.example.org/cert4.pem.",
        ),
    )
    assert renewed.hooks[0] == LogHook(
        kind="manual-auth",
        command="/hogehoge/auth-hook.php",
        time=tokyo(2023, 11, 30, 20, 6, 51, 892000),
        where=LOG,
        line=15,
        failed=False,
    )
    assert [e.line for e in renewed.evidence] == [1, 2, 3, 6, 9, 10, 11, 12, 15, 16, 19, 23, 24, 26]
    started = tokyo(2023, 12, 3, 3, 47, 55, 753000)
    prefix = "2023-12-03 03:47:56,136:DEBUG:certbot._internal."
    assert not_due == LogRun(
        version="1.21.0",
        entry_point="/usr/bin/certbot",
        arguments=("-q",),
        subcommand="renew",
        dry_run=False,
        forced=False,
        started=started,
        first_seen=started,
        ended=tokyo(2023, 12, 3, 3, 47, 56, 136000),
        complete=True,
        delay=None,
        delay_at=None,
        outcomes=(
            LogOutcome(
                lineage="hogehoge.example.org",
                outcome="not_due",
                generation=None,
                time=tokyo(2023, 12, 3, 3, 47, 56, 134000),
                where=LOG,
                line=33,
                reason="Certificate not yet due for renewal",
            ),
        ),
        hooks=(),
        exit_error=None,
        where=LOG,
        line=27,
        text="2023-12-03 03:47:55,753:DEBUG:certbot._internal.main:certbot version: 1.21.0",
        evidence=not_due.evidence,
    )
    assert [e.line for e in not_due.evidence] == [27, 28, 29, 31, 33, 37, 38, 39, 41]
    assert not_due.evidence[-1] == LogEvidence(
        LOG, 41, f"{prefix}renewal:no renewal failures", tokyo(2023, 12, 3, 3, 47, 56, 136000)
    )


def test_2_1_wrapped_announcement_broken_conf_and_failure_count_once_each() -> None:
    (run,) = sample("2.1.0-several.log")
    assert said(run) == [
        ("a-rather-long-name-for-a-machine-in-a-rack.intern.example.org", "not_due", None, 7),
        ("broken.example.org", "failed", None, 9),
        ("www.example.org", "failed", None, 15),
    ]
    assert run.outcomes[2].error == (
        "Failed to renew certificate www.example.org with error: Some challenges have failed."
    )
    assert run.exit_error == "certbot.errors.Error: 1 renew failure(s), 1 parse failure(s)"
    assert run.complete
    assert run.subcommand == "renew"


def test_2_9_a_written_certificate_stays_renewed_when_hook_and_installer_fail() -> None:
    (run,) = sample("2.9.0-deploy.log")
    assert run.arguments == ("-q", "--no-random-sleep-on-renew")
    assert said(run) == [("www.example.org", "renewed", 12, 8)]
    assert (run.outcomes[0].error or "").endswith("with error: nginx restart failed:")
    assert hooks(run) == [("deploy", "/etc/letsencrypt/renewal-hooks/deploy/push", True)]
    assert run.delay is None


def test_4_0_a_dry_run_simulates_also_where_it_fails() -> None:
    (run,) = sample("4.0.0-dry-run.log")
    assert run.dry_run
    assert said(run) == [
        ("one.example.org", "simulated", None, 9),
        ("two.example.org", "simulated", None, 13),
    ]
    assert [o.error is None for o in run.outcomes] == [True, False]
    assert run.hooks == ()
    assert run.exit_error == "certbot.errors.Error: 1 renew failure(s), 0 parse failure(s)"


def test_5_1_renewal_information_decides_nothing_by_itself() -> None:
    (run,) = sample("5.1.0-ari.log")
    assert said(run) == [
        ("one.example.org", "not_due", None, 7),
        ("two.example.org", "renewed", 2, 13),
    ]
    assert hooks(run) == [
        ("deploy", "systemctl reload nginx", False),
        ("post", "logger renewed", False),
    ]
    assert run.delay == 12.0
    assert run.complete


def test_results_in_one_record_as_1_10_wrote_them_with_windows_paths() -> None:
    run = one(
        *HEAD_21,
        notice("00:14:10,000", r"Processing C:\Certbot\renewal\win.example.org.conf"),
        debug("00:14:10,001", "Certificate is due for renewal, auto-renewing..."),
        notice("00:14:11,000", "") + "\r\n",
        "Congratulations, all renewals succeeded. The following certs have been renewed:\r\n",
        "  C:\\Certbot\\live\\win.example.org\\fullchain.pem (success)\r\n",
    )
    assert said(run) == [("win.example.org", "renewed", None, 7)]
    assert run.evidence[-1].text == r"  C:\Certbot\live\win.example.org\fullchain.pem (success)".strip()


def test_results_add_no_lineage_where_the_conf_s_name_and_its_live_directory_differ() -> None:
    run = one(
        *HEAD_21,
        notice("00:14:10,000", "Processing /etc/letsencrypt/renewal/copy.conf"),
        notice("00:14:10,001", "Certificate not yet due for renewal"),
        notice(
            "00:14:10,002",
            "  /etc/letsencrypt/live/example.org/fullchain.pem expires on 2024-07-01 (skipped)",
        ),
    )
    assert said(run) == [("copy", "not_due", None, 4)]


@pytest.mark.parametrize(
    "line",
    [
        "certbot version: 2.1.0",
        " 2024-05-02 00:14:10,000:DEBUG:certbot._internal.main:certbot version: 2.1.0",
        "> 2024-05-02 00:14:10,000:DEBUG:certbot._internal.main:certbot version: 2.1.0",
        "2024-05-02 00:14:10,000:DEBUG:certbot._internal.main:the certbot version: 2.1.0",
        "2024-05-02 00:14:10,000:DEBUG:certbot._internal.main:certbot version: of this hook",
        "2024-05-02 00:14:10,000:DEBUG:my.hook:certbot version: 2.1.0",
        "2024-05-02 00:14:10,000:DEBUG:certbot._internal.log:Root logging level set at 30",
        "2024-05-02 00:14:10.000:DEBUG:certbot._internal.main:certbot version: 2.1.0",
        "2024-13-02 00:14:10,000:DEBUG:certbot._internal.main:certbot version: 2.1.0",
        "2024-05-02T00:14:10,000:DEBUG:certbot._internal.main:certbot version: 2.1.0",
    ],
)
def test_no_second_run_begins_with(line: str) -> None:
    assert len(read(*HEAD_21, line)) == 1


def test_what_is_no_log_gives_no_run() -> None:
    assert read("", "Saving debug log to /var/log/letsencrypt/letsencrypt.log", "\0\0\0", "{}") == []


def test_two_runs_killed_at_once_are_two() -> None:
    assert len(read(HEAD_21[0], HEAD_21[0])) == 2


def test_output_of_a_hook_ends_with_the_next_record_of_certbot() -> None:
    run = one(
        *HEAD_21,
        debug("00:14:20,000", "Output from push:", "certbot.hooks"),
        debug("00:14:15,000", "Exiting abnormally:", "certbot._internal.log"),
        debug("00:14:20,001", "no renewal failures"),
    )
    assert run.exit_error is None
    assert run.complete


def test_a_very_long_line_is_read_from_its_beginning_only() -> None:
    body = "x" * 70_000
    run = one(HEAD_21[0], debug("00:14:09,001", "Arguments: ['" + body + "']", "certbot._internal.main"))
    assert run.arguments is None
    assert len(run.evidence[-1].text) == 1_000


@pytest.mark.parametrize(
    ("literal", "arguments"),
    [
        ("[]", ()),
        ("['-q']", ("-q",)),
        ("[u'--text', '-n']", ("--text", "-n")),
        (
            r"""['--deploy-hook', "echo 'a' \\ \n", '\xe9\u20ac']""",
            ("--deploy-hook", "echo 'a' \\ \n", "é€"),
        ),
        (r"['\udce9']", ("\N{REPLACEMENT CHARACTER}",)),
        (r"['\U99999999']", None),
        ("['a' 'b']", None),
        ("['a',]", None),
        ("[__import__('os')]", None),
        ("['a'", None),
        ("[1]", None),
        ("('a',)", None),
    ],
)
def test_arguments_are_read_and_never_evaluated(literal: str, arguments: tuple[str, ...] | None) -> None:
    run = one(HEAD_21[0], HEAD_21[1].partition("['-q']")[0] + literal)
    assert run.arguments == arguments
