"""What a run of certbot was and did, as far as its log proves it."""

from __future__ import annotations

from datetime import timezone
from pathlib import Path

import pytest

from certaudit.parsers.letsencrypt_log import LogPart, LogRun, parse_logs

SEED_LOG = Path(__file__).parents[2] / "fixtures/logs/letsencrypt/1.21.0-seed.log"
HEAD_21 = (
    "2024-05-02 00:14:09,000:DEBUG:certbot._internal.main:certbot version: 2.1.0",
    "2024-05-02 00:14:09,001:DEBUG:certbot._internal.main:Arguments: ['-q']",
)


def one(*lines: str) -> LogRun:
    (run,) = parse_logs([LogPart("/log", lines)], timezone.utc)
    return run


def debug(clock: str, message: str, logger: str = "certbot._internal.renewal") -> str:
    return f"2024-05-02 {clock}:DEBUG:{logger}:{message}"


def notice(clock: str, text: str) -> str:
    return debug(clock, f"Notifying user: {text}", "certbot._internal.display.obj")


SELECTED = debug(
    "00:14:10,000",
    "Selected authenticator <x> and installer None",
    "certbot._internal.plugins.selection",
)
SELECTED_BOTH = SELECTED.replace("installer None", "installer <y>")
REQUEST = notice("00:14:10,100", "Requesting a certificate for example.org")
DEPLOY = notice("00:14:10,200", "Deploying certificate")


@pytest.mark.parametrize(
    ("lines", "subcommand"),
    [
        ((), None),
        ((SELECTED,), None),
        ((REQUEST,), None),
        ((SELECTED_BOTH, REQUEST), None),
        ((SELECTED, REQUEST), "certonly"),
        ((SELECTED_BOTH, REQUEST, DEPLOY), "run"),
        (
            (notice("00:14:10,000", "Found the following certs:"), "  Certificate Name: x"),
            "certificates",
        ),
        ((notice("00:14:10,000", "No certificates found."),), "certificates"),
        ((notice("00:14:10,000", "Processing /x/renewal/a.conf"),), "renew"),
        ((notice("00:14:10,000", "No renewals were attempted."),), "renew"),
        ((debug("00:14:10,000", "no renewal failures"),), "renew"),
        ((debug("00:14:10,000", "Expected interfaces: None", "certbot._internal.main"),), "plugins"),
        (
            (
                debug(
                    "00:14:10,000",
                    "Removed /etc/letsencrypt/renewal/a.conf",
                    "certbot._internal.storage",
                ),
            ),
            "delete",
        ),
        (
            (
                debug(
                    "00:14:10,000", "Revoking /x/cert.pem using Account Key", "certbot._internal.main"
                ),
                debug("00:14:11,000", "Removed /x/renewal/a.conf", "certbot._internal.storage"),
            ),
            "revoke",
        ),
        (
            (notice("00:14:10,000", "Certificate not yet due for renewal; no action taken."),),
            "certonly",
        ),
        (
            (SELECTED, notice("00:14:10,000", "Simulating renewal of an existing certificate for a")),
            None,  # reconfigure does that too
        ),
        (
            (
                HEAD_21[1].replace("'-q'", "'--dry-run'"),
                SELECTED,
                notice("00:14:10,000", "Simulating renewal of an existing certificate for a"),
            ),
            "certonly",
        ),
    ],
)
def test_subcommand_is_what_the_log_proves(lines: tuple[str, ...], subcommand: str | None) -> None:
    head = HEAD_21[:1] if lines and ":Arguments: " in lines[0] else HEAD_21
    assert one(*head, *lines).subcommand == subcommand


def test_a_certonly_that_was_not_due_counts_once_and_is_complete() -> None:
    run = one(
        *HEAD_21,
        notice("00:14:10,000", "Certificate not yet due for renewal"),
        debug("00:14:10,001", "Keeping the existing certificate", "certbot._internal.main"),
        notice("00:14:10,002", "Certificate not yet due for renewal; no action taken."),
    )
    assert [o.outcome for o in run.outcomes] == ["not_due"]
    assert run.complete


def test_a_person_may_replace_a_certificate_that_is_not_due() -> None:
    run = one(
        *HEAD_21,
        notice("00:14:10,000", "Certificate not yet due for renewal"),
        notice("00:14:20,000", "Renewing an existing certificate for example.org"),
        debug(
            "00:14:25,000",
            "Writing certificate to /etc/letsencrypt/archive/example.org/cert2.pem.",
            "certbot._internal.storage",
        ),
    )
    assert [(o.lineage, o.outcome, o.generation) for o in run.outcomes] == [
        ("example.org", "renewed", 2)
    ]


def test_a_certonly_that_failed_is_named_by_its_command_line_only() -> None:
    head = (HEAD_21[0], HEAD_21[1].replace("['-q']", "['--cert-name', 'web', '-d', 'example.org']"))
    exit_ = (
        debug("00:14:12,000", "Exiting abnormally:", "certbot._internal.log"),
        "Traceback (most recent call last):",
        '  File "/usr/bin/certbot", line 8, in <module>',
        "ValueError: inner",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        '  File "/usr/bin/certbot", line 9, in <module>',
        "certbot.errors.AuthorizationError: Some challenges have failed.",
    )
    named, unnamed = one(*head, REQUEST, *exit_), one(*HEAD_21, REQUEST, *exit_)
    error = "certbot.errors.AuthorizationError: Some challenges have failed."
    assert [(o.lineage, o.outcome, o.error) for o in named.outcomes] == [("web", "failed", error)]
    assert [(o.lineage, o.outcome, o.error) for o in unnamed.outcomes] == [(None, "failed", error)]
    assert named.exit_error == error
    assert one(*HEAD_21, *exit_).outcomes == ()


def test_killed_in_its_sleep_is_unknown_and_incomplete() -> None:
    run = one(
        *HEAD_21,
        notice("00:14:10,000", "Processing /etc/letsencrypt/renewal/a.conf"),
        debug("00:14:10,001", "Certificate is due for renewal, auto-renewing..."),
        debug("00:14:10,002", "Non-interactive renewal: random delay of 301 seconds"),
    )
    assert [(o.lineage, o.outcome) for o in run.outcomes] == [("a", "unknown")]
    assert (run.complete, run.delay) == (False, 301.0)


def test_a_conf_s_complaint_in_another_subcommand_is_no_failed_renewal() -> None:
    complaint = "Renewal configuration file /x/renewal/a.conf produced an unexpected error: e. Skipping."
    run = one(*HEAD_21, debug("00:14:10,000", complaint, "certbot._internal.cert_manager"))
    assert run.outcomes == ()


def test_older_certbots_tell_unnamed_lineages_apart_from_broken_ones() -> None:
    run = one(
        "2019-01-01 00:00:00,000:DEBUG:certbot.main:certbot version: 0.31.0",
        "2019-01-01 00:00:01,000:INFO:certbot.renewal:Cert not yet due for renewal",
        "2019-01-01 00:00:02,000:WARNING:certbot.renewal:Renewal configuration file"
        " /etc/letsencrypt/renewal/b.conf is broken. Skipping.",
        "2019-01-01 00:00:03,000:INFO:certbot.renewal:Cert is due for renewal, auto-renewing...",
        "2019-01-01 00:00:04,000:WARNING:certbot.renewal:Attempting to renew cert (c) from"
        " /etc/letsencrypt/renewal/c.conf produced an unexpected error: x. Skipping.",
        "2019-01-01 00:00:05,000:ERROR:certbot.renewal:"
        "  /etc/letsencrypt/live/c/fullchain.pem (failure)",
    )
    assert [(o.lineage, o.outcome) for o in run.outcomes] == [
        (None, "not_due"),
        ("b", "failed"),
        ("c", "failed"),
    ]


@pytest.mark.parametrize(
    ("arguments", "dry_run", "forced"),
    [
        ("['--dry-run']", True, False),
        ("['--dry']", True, False),
        ("['--force-renewal']", False, True),
        ("['--force-renew']", False, True),
        ("['--renew-by-default']", False, True),
        ("['--force-interactive', '-d', 'dry-run']", False, False),
    ],
)
def test_dry_and_forced_runs_by_their_arguments(arguments: str, dry_run: bool, forced: bool) -> None:
    run = one(HEAD_21[0], HEAD_21[1].replace("['-q']", arguments))
    assert (run.dry_run, run.forced) == (dry_run, forced)


def test_a_headless_file_soon_after_a_finished_run_is_another_run() -> None:
    """What it did was perhaps started by other hands."""
    lines = SEED_LOG.read_text(encoding="utf-8").splitlines()[26:]
    later = [line.replace(" 03:47:", " 04:07:") for line in lines[4:]]
    first, second = parse_logs([LogPart("/log.1", lines), LogPart("/log", later)], timezone.utc)
    assert (first.complete, first.ended.hour) == (True, 3)
    assert (second.started, second.first_seen.hour) == (None, 4)
