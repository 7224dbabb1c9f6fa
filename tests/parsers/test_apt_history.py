"""apt's history.log: real stanzas, and stanzas that were cut."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.apt_history import AptChange, AptTransaction, parse_history

TOKYO = ZoneInfo("Asia/Tokyo")
WHERE = "/var/log/apt/history.log"
TEXT = """\

Start-Date: 2023-06-03  13:58:01
Commandline: apt install certbot
Requested-By: admin (1000)
Install: python3-acme:amd64 (1.21.0-1, automatic), certbot:amd64 (1.21.0-1build1)
Upgrade: base-files:amd64 (11ubuntu5.7, 12ubuntu4.3)
End-Date: 2023-06-03  13:58:20

Start-Date: 2023-06-04  09:00:00
Commandline: apt purge anacron
Remove: ubuntu-standard:amd64 (1.481)
Purge: anacron:amd64 (2.3-31ubuntu2)
Error: Sub-process /usr/bin/dpkg returned an error code (1)
End-Date: 2023-06-04  09:00:03

Start-Date: 2023-06-05  06:12:09
Upgrade: snapd:amd64 (2.58+22.04, 2.58+22.04.1)
Reinstall: cron:amd64 (3.0pl1-137ubuntu3)
"""


def at(day: int, hour: int, minute: int, second: int) -> datetime:
    return datetime(2023, 6, day, hour, minute, second, tzinfo=TOKYO)


def transactions(text: str) -> list[AptTransaction]:
    return list(parse_history(enumerate(text.split("\n"), 1), WHERE, TOKYO))


def test_the_transactions_of_a_file() -> None:
    assert transactions(TEXT) == [
        AptTransaction(
            at(3, 13, 58, 1), at(3, 13, 58, 20), "apt install certbot", "admin",
            (
                AptChange("install", "python3-acme", None, "1.21.0-1", 5),
                AptChange("install", "certbot", None, "1.21.0-1build1", 5),
                AptChange("upgrade", "base-files", "11ubuntu5.7", "12ubuntu4.3", 6),
            ),
            WHERE, 2,
        ),
        AptTransaction(
            at(4, 9, 0, 0), at(4, 9, 0, 3), "apt purge anacron", None,
            (
                AptChange("remove", "ubuntu-standard", "1.481", None, 11),
                AptChange("purge", "anacron", "2.3-31ubuntu2", None, 12),
            ),
            WHERE, 9, "Sub-process /usr/bin/dpkg returned an error code (1)",
        ),
        AptTransaction(
            at(5, 6, 12, 9), None, None, None,
            (
                AptChange("upgrade", "snapd", "2.58+22.04", "2.58+22.04.1", 17),
                AptChange("reinstall", "cron", None, "3.0pl1-137ubuntu3", 18),
            ),
            WHERE, 16,
        ),
    ]  # fmt: skip


def test_a_stanza_without_a_date_is_no_transaction() -> None:
    text = (
        "Commandline: apt install certbot\nStart-Date: 2023-13-03  13:58:01\nInstall: certbot:all (1)\n"
    )
    assert transactions(text) == []


def test_a_stanza_that_was_cut_gives_way_to_the_next() -> None:
    text = "Start-Date: 2023-06-03  13:58:01\nCommandline: apt ins\nStart-Date: 2023-06-04  09:00:00\n"
    assert [t.line for t in transactions(text)] == [1, 3]
    assert [t.end for t in transactions(text)] == [None, None]


KEYS = ["Start-Date", "End-Date", "Install", "Upgrade", "Requested-By", "Error", "x", ""]


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from([":", ": ", ""]), st.text())))
def test_nothing_escapes(parts: list[tuple[str, str, str]]) -> None:
    for found in transactions("\n".join("".join(part) for part in parts)):
        assert found.start.tzinfo is TOKYO


@given(st.text(alphabet="ab1:() ,.+-~automatic", max_size=200))
def test_no_list_of_packages_escapes(text: str) -> None:
    for found in transactions(f"Start-Date: 2023-06-03  13:58:01\nInstall: {text}\n"):
        assert all(c.package and c.new for c in found.changes)
