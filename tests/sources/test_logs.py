"""What the logs of a whole tree give: other log directories, the sessions of cron jobs, the journal."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certaudit.model import Run
from certaudit.parsers.journal import parse_entry
from certaudit.parsers.power import PowerEvent
from certaudit.sources.logs import from_entries, from_entry
from tests.audits import audit_text

SITE = "include ../base/site.machine\n"
LOG = """
| 2024-02-20 03:00:02,{0}:DEBUG:certbot._internal.main:certbot version: 2.1.0
| 2024-02-20 03:00:02,{0}:DEBUG:certbot._internal.main:Arguments: ['--logs-dir', '{1}']
| 2024-02-20 03:00:03,{0}:DEBUG:certbot._internal.renewal:no renewal failures
"""


def runs(text: str, tmp_path: Path) -> tuple[Run, ...]:
    return audit_text(SITE + text, tmp_path / "root").model.runs


def test_a_log_directory_that_a_script_names_is_read(tmp_path: Path) -> None:
    text = """
file /etc/cron.d/renew
| 0 3 * * * root /usr/local/sbin/renew
file /usr/local/sbin/renew 0755
| #!/bin/sh
| certbot renew --logs-dir /srv/acme/logs
file /srv/acme/logs/letsencrypt.log"""
    found = runs(text + LOG.format("100", "/srv/acme/logs"), tmp_path)
    assert "/srv/acme/logs/letsencrypt.log" in {e.where for run in found for e in run.evidence}


def test_a_log_directory_that_cli_ini_names_is_read(tmp_path: Path) -> None:
    text = """
file /etc/cron.d/renew
| 0 3 * * * root certbot renew
replace /etc/letsencrypt/cli.ini
| logs-dir = /srv/acme/logs
file /srv/acme/logs/letsencrypt.log"""
    found = runs(text + LOG.format("100", "x"), tmp_path)
    assert "/srv/acme/logs/letsencrypt.log" in {e.where for run in found for e in run.evidence}


def test_the_session_of_a_cron_job_bounds_its_run(tmp_path: Path) -> None:
    text = """
file /etc/cron.d/renew
| 0 3 * * * root /usr/local/sbin/renew
file /usr/local/sbin/renew 0755
| #!/bin/sh
| apt-get -q update
| certbot renew
file /var/log/syslog mtime=2024-02-20T04:00:00+00:00
| 2024-02-19T00:00:01.000000+01:00 hogehoge kernel: hello
| 2024-02-20T03:00:01.203000+01:00 hogehoge CRON[5102]: (root) CMD (/usr/local/sbin/renew)
file /var/log/auth.log mtime=2024-02-20T04:00:00+00:00
| {0}:00:01.200000+01:00 h CRON[5101]: {1} opened for user root(uid=0) by (uid=0)
| {0}:00:01.201000+01:00 h CRON[90]: {1} opened for user www-data(uid=33) by (uid=0)
| {0}:03:22.700000+01:00 h CRON[5101]: {1} closed for user root
file /var/log/letsencrypt/letsencrypt.log
| 2024-02-20 03:03:20,100:DEBUG:certbot._internal.main:certbot version: 2.1.0
| 2024-02-20 03:03:20,100:DEBUG:certbot._internal.main:Arguments: []
| 2024-02-20 03:03:22,500:DEBUG:certbot._internal.renewal:no renewal failures
""".format("2024-02-20T03", "pam_unix(cron:session): session")
    (run,) = [r for r in runs(text, tmp_path) if r.arguments == ()]
    assert run.trigger == "cron:/etc/cron.d/renew:1"
    assert "the run lies within that start, which ended at 03:03:22" in run.because


def sleeping(missing: int | None) -> str:
    """A cron line that sleeps, its six runs each in a file of certbot's own rotation, less one."""
    lines = ["file /etc/cron.d/renew", "| 0 3 * * * root sleep 1200; certbot renew"]
    lines += ["file /var/log/syslog mtime=2024-02-20T04:00:00+00:00"]
    lines += ["| 2024-02-01T00:00:01.000000+01:00 hogehoge kernel: hello"]
    line = "03:00:01.203000+01:00 hogehoge CRON[5102]: (root) CMD (sleep 1200; certbot renew)"
    lines += [f"| 2024-02-{day}T{line}" for day in range(15, 21)]
    for day in (day for day in range(15, 21) if 20 - day != missing):
        number = f".{20 - day}" if day < 20 else ""
        head = f"| 2024-02-{day} 03:20:02,100:DEBUG:certbot._internal"
        lines += [f"file /var/log/letsencrypt/letsencrypt.log{number}"]
        lines += [f"{head}.main:certbot version: 2.1.0", f"{head}.main:Arguments: []"]
        lines += [f"{head}.renewal:no renewal failures"]
    return "\n".join(lines) + "\n"


def test_beside_a_missing_file_of_the_log_nothing_says_that_no_other_run_fits(tmp_path: Path) -> None:
    whole = runs(sleeping(None), tmp_path / "whole")
    found = [run.confidence for run in whole if run.arguments == ()]
    assert found == ["medium"] + ["high"] * 5  # the log of runs begins within the first one
    less = runs(sleeping(2), tmp_path / "less")
    rest = {run.ended.day: run.confidence for run in less if run.arguments == () and run.ended}
    assert rest == {15: "medium", 16: "high", 17: "medium", 19: "medium", 20: "high"}


@pytest.mark.parametrize("zone", [timezone.utc, timezone(timedelta(hours=9))])
def test_an_entry_of_the_journal_keeps_unit_and_invocation(zone: timezone) -> None:
    entry = parse_entry(
        '{"__REALTIME_TIMESTAMP": "1700000000000000", "__CURSOR": "s=ab;i=2;b=1", "_PID": "1",'
        ' "SYSLOG_IDENTIFIER": "systemd", "UNIT": "certbot.service", "INVOCATION_ID": "0c44",'
        ' "MESSAGE": "Starting certbot.service - Certbot..."}'
    )
    found = from_entry(entry, zone)
    assert found is not None
    assert (found.unit, found.invocation) == ("certbot.service", "0c44")
    assert found.time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    assert found.evidence.where == "journal:s=ab;i=2"


def entry_of_boot(seconds: int, boot: str) -> str:
    return (
        f'{{"__REALTIME_TIMESTAMP": "17000000{seconds:02}000000", "__CURSOR": "s=ab;i={seconds};b=1",'
        f' "_BOOT_ID": "{boot}", "SYSLOG_IDENTIFIER": "CRON", "_PID": "9", "MESSAGE": "(root) CMD (x)"}}'
    )


def test_a_boot_lies_between_two_entries_of_the_journal() -> None:
    entries = [parse_entry(entry_of_boot(n, boot)) for n, boot in ((1, "a"), (2, "a"), (9, "b"))]
    found = list(from_entries(entries, timezone.utc))
    told = [(o.event.what, o.time.second) for o in found if isinstance(o.event, PowerEvent)]
    assert told == [("off", 22), ("boot", 29)]
    assert len(found) == 5
