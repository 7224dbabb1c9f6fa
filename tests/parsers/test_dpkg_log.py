"""dpkg.log: real lines, real breakage."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.dpkg_log import LoggedChange, parse_changes, stamp

TOKYO = ZoneInfo("Asia/Tokyo")
TEXT = """\
2023-06-03 13:58:02 startup archives unpack
2023-06-03 13:58:03 install python3-certbot:all <none> 1.21.0-1build1
2023-06-03 13:58:03 status half-installed python3-certbot:all 1.21.0-1build1
2023-06-03 13:58:04 upgrade base-files:amd64 11ubuntu5.7 12ubuntu4.3
2023-06-03 13:58:05 configure certbot:all 1.21.0-1build1 <none>
2023-06-03 13:58:06 trigproc man-db:amd64 2.10.2-1 <none>
2023-06-04 09:00:00 remove anacron:amd64 2.3-31ubuntu2 <none>
2023-06-04 09:00:01 purge anacron:amd64 2.3-31ubuntu2 <none>
2013-12-03 16:10:51 upgrade dpkg 1.16.12ubuntu1 1.16.12ubuntu2
2023-02-30 09:00:00 install no-such-day:all <none> 1
2023-06-04 09:00:02 install cut:all <no
"""


def changes(text: str) -> list[LoggedChange]:
    return list(parse_changes(enumerate(text.split("\n"), 1), "/var/log/dpkg.log", TOKYO))


def test_the_lines_that_change_a_package() -> None:
    found = [(c.line, c.action, c.package, c.old, c.new) for c in changes(TEXT)]
    assert found == [
        (2, "install", "python3-certbot", None, "1.21.0-1build1"),
        (4, "upgrade", "base-files", "11ubuntu5.7", "12ubuntu4.3"),
        (7, "remove", "anacron", "2.3-31ubuntu2", None),
        (8, "purge", "anacron", "2.3-31ubuntu2", None),
        (9, "upgrade", "dpkg", "1.16.12ubuntu1", "1.16.12ubuntu2"),
    ]


def test_a_change_keeps_its_line_and_its_time_in_the_machines_zone() -> None:
    change = changes(TEXT)[0]
    assert change.time == datetime(2023, 6, 3, 4, 58, 3, tzinfo=timezone.utc)
    assert change.text == "2023-06-03 13:58:03 install python3-certbot:all <none> 1.21.0-1build1"
    assert change.where == "/var/log/dpkg.log"


@pytest.mark.parametrize(
    ("line", "moment"),
    [
        ("2023-06-03 13:58:02 startup archives unpack", datetime(2023, 6, 3, 13, 58, 2, tzinfo=TOKYO)),
        ("2023-06-31 13:58:02 startup archives unpack", None),
        ("Jun  3 13:58:02 web1 dpkg", None),
        ("", None),
    ],
)
def test_when_a_line_was_written(line: str, moment: datetime | None) -> None:
    assert stamp(line, TOKYO) == moment


@given(st.text())
def test_nothing_escapes(text: str) -> None:
    changes(text)
    stamp(text, TOKYO)


@given(
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} install [a-z0-9:.+-]{0,9} \S* \S*",
        fullmatch=True,
    )
)
def test_no_date_and_no_name_escapes(line: str) -> None:
    for change in changes(line):
        assert change.time.tzinfo is TOKYO
        assert change.package and ":" not in change.package
