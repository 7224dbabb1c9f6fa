"""Which lines of people's shell histories are kept, and that nothing else of them is."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certaudit.facts import Typed
from certaudit.host.machine import open_host
from certaudit.model import Evidence
from certaudit.parsers.shell_history import ShellCommand
from certaudit.sources.shell_history import Histories, collect
from tests.audits import audit_text

AS_OF = datetime(2023, 12, 1, tzinfo=timezone.utc)
THEN = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
PASSWD = "root:x:0:0::/root:/bin/bash\nhoge:x:1000:1000::/srv/hoge:/bin/zsh\n"


def histories(root: Path, **files: str) -> Histories:
    for path, text in {"etc/passwd": PASSWD, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    (root / "etc/localtime").symlink_to("/usr/share/zoneinfo/UTC")
    return collect(open_host(root, AS_OF))


def commands(found: Histories) -> list[str]:
    return [o.event.command for o in found.observed if isinstance(o.event, ShellCommand)]


def test_a_dated_call_of_a_client(tmp_path: Path) -> None:
    found = histories(tmp_path, **{"root/.bash_history": "#1700000000\nsudo certbot renew\n"})
    (line,) = found.observed
    assert line.event == ShellCommand("root", "certbot renew")
    assert line.evidence == Evidence("/root/.bash_history", 2, "certbot renew", THEN)
    assert (found.typed, found.gaps) == ((), ())


def test_a_call_without_a_time(tmp_path: Path) -> None:
    found = histories(tmp_path, **{"root/.bash_history": "ls\ncertbot renew --force-renewal\n"})
    where = Evidence("/root/.bash_history", 2, "certbot renew --force-renewal")
    assert found.typed == (Typed("certbot renew --force-renewal", "root", where),)
    assert found.observed == ()


def test_of_a_line_only_the_call_itself_is_kept(tmp_path: Path) -> None:
    text = "mysql -phunter2 -e 'x' && TOKEN=hunter2 certbot renew; curl -u a:hunter2 https://x/certbot\n"
    found = histories(tmp_path, **{"root/.bash_history": text})
    assert [one.command for one in found.typed] == ["certbot renew"]
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "vi /etc/letsencrypt/cli.ini",
        "grep certbot /var/log/syslog",
        "systemctl status certbot.timer",
        "apt install certbot",
        "echo 'certbot renew",
    ],
)
def test_a_line_that_only_speaks_of_a_client_is_not_kept(text: str, tmp_path: Path) -> None:
    found = histories(tmp_path, **{"root/.bash_history": text})
    assert (found.typed, found.observed) == ((), ())


def test_the_start_of_a_clients_unit_counts(tmp_path: Path) -> None:
    text = ": 1700000000:0;systemctl start certbot.service\n: 1700000001:0;systemctl start cron\n"
    assert commands(histories(tmp_path, **{"root/.zsh_history": text})) == [
        "systemctl start certbot.service"
    ]


def test_homes_of_the_password_file_and_of_home_are_looked_at_once_each(tmp_path: Path) -> None:
    files = {
        "srv/hoge/.zsh_history": ": 1700000000:0;sudo certbot renew",
        "home/fuga/.bash_history": "#1700000000\nsudo certbot certificates",
    }
    found = histories(tmp_path, **files)
    assert [o.event for o in found.observed] == [
        ShellCommand("hoge", "certbot renew"),
        ShellCommand("fuga", "certbot certificates"),
    ]


def test_what_was_typed_after_the_moment_of_the_audit_is_left_out(tmp_path: Path) -> None:
    later = int((AS_OF + timedelta(hours=1)).timestamp())
    found = histories(tmp_path, **{"root/.bash_history": f"#{later}\ncertbot renew"})
    assert found.observed == ()


def test_a_history_that_is_no_file_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    os.mkfifo(tmp_path / "root/.bash_history")
    (gap,) = histories(tmp_path).gaps
    assert gap.aspect == "history"
    assert gap.evidence[0].where == "/root/.bash_history"


def test_a_client_that_a_person_called_without_becoming_root_is_not_kept(tmp_path: Path) -> None:
    found = histories(tmp_path, **{"srv/hoge/.bash_history": "certbot renew\nsudo certbot plugins\n"})
    assert [one.command for one in found.typed] == ["certbot plugins"]


def test_a_secret_in_a_call_never_gets_into_the_model(tmp_path: Path) -> None:
    text = """
include ../base/site.machine
file /root/.bash_history
| certbot renew --eab-hmac-key hunter2hunter2
file /var/log/syslog mtime=2024-02-20T04:00:00+00:00
| 2024-02-19T00:00:01.000000+01:00 hogehoge kernel: hello
file /var/log/letsencrypt/letsencrypt.log
| 2024-02-20 03:03:20,100:DEBUG:certbot._internal.main:certbot version: 1.21.0
| 2024-02-20 03:03:20,100:DEBUG:certbot._internal.main:Arguments: ['--eab-hmac-key', 'hunter2hunter2']
| 2024-02-20 03:03:22,500:DEBUG:certbot._internal.renewal:no renewal failures
"""
    model = audit_text(text, tmp_path / "root").model
    (run,) = model.runs
    assert (run.actor, run.confidence) == ("manual", "low")
    assert run.because[-1] == (
        "root's shell history holds `certbot renew --eab-hmac-key ***`, without saying when"
    )
    assert "hunter2" not in repr(model)
