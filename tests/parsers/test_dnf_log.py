"""dnf.rpm.log: real lines, real breakage."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.dnf_log import parse_changes, stamp
from certaudit.parsers.dpkg_log import LoggedChange

NEW_YORK = ZoneInfo("America/New_York")
TEXT = """\
2024-02-05T10:39:58-0500 INFO --- logging initialized ---
2024-02-05T10:40:02-0500 SUBDEBUG Installed: python3-certbot-2.6.0-1.el9.noarch
2024-02-05T10:40:03-0500 SUBDEBUG Installed: certbot-2.6.0-1.el9.noarch
2024-03-01T05:12:11Z SUBDEBUG Upgrade: openssl-libs-1:3.0.7-27.el9.x86_64
2024-03-01T05:12:12Z SUBDEBUG Upgraded: openssl-libs-1:3.0.7-25.el9.x86_64
2024-03-02T05:12:12+0000 SUBDEBUG Erase: certbot-2.6.0-1.el9.noarch
2024-03-02T05:12:12+0000 INFO warning: /etc/x created as /etc/x.rpmnew
2024-03-02T05:12:12+00 SUBDEBUG Installed: cut
"""


def changes(text: str) -> list[LoggedChange]:
    return list(parse_changes(enumerate(text.split("\n"), 1), "/var/log/dnf.rpm.log", NEW_YORK))


def test_the_lines_that_change_a_package() -> None:
    found = [(c.line, c.action, c.package, c.old, c.new) for c in changes(TEXT)]
    assert found == [
        (2, "install", "python3-certbot", None, "2.6.0-1.el9"),
        (3, "install", "certbot", None, "2.6.0-1.el9"),
        (4, "upgrade", "openssl-libs", None, "3.0.7-27.el9"),
        (6, "remove", "certbot", "2.6.0-1.el9", None),
    ]


def test_times_have_their_own_offset() -> None:
    assert changes(TEXT)[1].time == datetime(2024, 2, 5, 15, 40, 3, tzinfo=timezone.utc)
    assert changes(TEXT)[2].time == datetime(2024, 3, 1, 5, 12, 11, tzinfo=timezone.utc)
    assert changes(TEXT)[2].time.tzinfo is NEW_YORK


@pytest.mark.parametrize(
    "line",
    ["2024-02-31T10:39:58-0500 INFO x", "2024-02-05T10:39:58+9900 INFO x", "Feb 5 10:39:58 x", ""],
)
def test_what_has_no_time(line: str) -> None:
    assert stamp(line, NEW_YORK) is None


@given(st.text())
def test_nothing_escapes(text: str) -> None:
    changes(text)
    stamp(text, NEW_YORK)


@given(
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{4} "
        r"SUBDEBUG Installed: [a-z0-9:.+~^-]{0,30}",
        fullmatch=True,
    )
)
def test_no_date_and_no_name_escapes(line: str) -> None:
    for change in changes(line):
        assert change.time.tzinfo is NEW_YORK
        assert change.package and change.new
