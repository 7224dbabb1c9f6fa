"""What systemctl prints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.systemctl_show import parse_list_units, parse_show, parse_timestamp

SHOW = """\
Id=certbot.timer
ActiveState=active
Description=a=b

Id=certbot.service
ActiveState=inactive
"""
LIST = """\
certbot.timer loaded active waiting Run certbot twice daily
● nginx.service loaded failed failed A high performance web server
display-manager.service not-found inactive dead display-manager.service

junk
"""


def test_show() -> None:
    assert parse_show(SHOW) == (
        {"Id": "certbot.timer", "ActiveState": "active", "Description": "a=b"},
        {"Id": "certbot.service", "ActiveState": "inactive"},
    )
    assert parse_show("\n\n") == ()


def test_list_units() -> None:
    assert parse_list_units(LIST) == (
        ("certbot.timer", "loaded", "active"),
        ("nginx.service", "loaded", "failed"),
        ("display-manager.service", "not-found", "inactive"),
    )


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("Tue 2026-11-24 00:00:00 UTC", 1_795_478_400_000_000),
        ("Tue 2026-11-24 00:00:00.25 UTC", 1_795_478_400_250_000),
        ("", None),
        ("n/a", None),
        ("Tue 2026-11-24 00:00:00 CET", None),
        ("Tue 2026-13-24 00:00:00 UTC", None),
    ],
)
def test_timestamps(text: str, microseconds: int | None) -> None:
    assert parse_timestamp(text) == microseconds


@given(st.text())
def test_nothing_escapes(text: str) -> None:
    parse_show(text)
    parse_list_units(text)
    parse_timestamp(text)
