"""Entries of ``journalctl -o json``."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.parsers.events import ClientOutput, UnitEvent, classify
from certaudit.parsers.journal import JournalEntry, parse_entry

SAMPLE = Path(__file__).parents[2] / "fixtures" / "logs" / "journal" / "certbot-timer.json"
BASE = {"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1772352553387379"}


def entry(**fields: object) -> JournalEntry:
    return parse_entry(json.dumps({**BASE, **fields}))


def test_the_sample() -> None:
    first, second, third = map(parse_entry, SAMPLE.read_text().splitlines())
    assert first == JournalEntry(
        time=datetime(2026, 3, 1, 8, 9, 13, 387379, tzinfo=timezone.utc),
        cursor="s=00000000000000000000000000000001;i=1;b=000000000000000000000000000000b0;m=1;t=1;x=1",
        unit="certbot.service",
        user_unit=False,
        invocation_id="0000000000000000000000000000c0de",
        job_type="start",
        message_id="7d4958e842da4a758f6c1cdc7b36dcc5",
        program="systemd",
        pid=1,
        uid=0,
        message="Starting certbot.service - Certbot...",
        hostname="hogehoge",
        boot_id="000000000000000000000000000000b0",
    )
    assert (second.unit, second.message) == ("certbot.service", "\x1b[1mno renewal")
    assert {e.invocation_id for e in (first, second, third)} == {first.invocation_id}
    assert [classify(e) for e in (first, second, third)] == [
        UnitEvent("starting", "certbot.service", "Certbot"),
        ClientOutput("certbot", "\x1b[1mno renewal"),
        UnitEvent("deactivated", "certbot.service", None),
    ]


@pytest.mark.parametrize(
    ("fields", "unit", "user_unit"),
    [
        ({"_PID": "1", "UNIT": "a.service", "_SYSTEMD_UNIT": "init.scope"}, "a.service", False),
        ({"_PID": "9", "_SYSTEMD_CGROUP": "/init.scope", "UNIT": "a.service"}, "a.service", False),
        ({"_PID": "9", "UNIT": "forged.service", "_SYSTEMD_UNIT": "b.service"}, "b.service", False),
        ({"_SYSTEMD_UNIT": "user@1.service", "_SYSTEMD_USER_UNIT": "c.service"}, "c.service", True),
        ({"USER_UNIT": "d.service", "_SYSTEMD_USER_UNIT": "init.scope"}, "d.service", True),
        ({}, None, False),
    ],
)
def test_whose_unit_it_is(fields: dict[str, object], unit: str | None, user_unit: bool) -> None:
    found = entry(**fields)
    assert (found.unit, found.user_unit) == (unit, user_unit)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "text"),
        ("Zertifikat für ß", "Zertifikat für ß"),
        ("half \ud800 pair", "half ? pair"),
        (None, ""),
        ([], ""),
        ([104, 111, 255], "ho\ufffd"),
        (["first", "second"], "first"),
        ([None, [104, 105]], "hi"),
        ([[[104]]], ""),
        ({"a": 1}, ""),
        (7, ""),
    ],
)
def test_shapes_of_a_value(value: object, message: str) -> None:
    assert entry(MESSAGE=value).message == message


def test_numbers_may_be_numbers_and_pids_may_be_missing() -> None:
    found = parse_entry(b'{"__CURSOR": "c", "__REALTIME_TIMESTAMP": 1000000, "SYSLOG_PID": "12"}')
    assert (found.time.isoformat(), found.pid) == ("1970-01-01T00:00:01+00:00", 12)
    assert (found.program, found.uid, found.boot_id) == ("", None, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-- No entries --",
        "[]",
        "null",
        '{"__CURSOR": "c"}',
        '{"__REALTIME_TIMESTAMP": "1"}',
        '{"__CURSOR": "c", "__REALTIME_TIMESTAMP": "soon"}',
        '{"__CURSOR": "c", "__REALTIME_TIMESTAMP": "9999999999999999999"}',
        '{"__CURSOR": "c", "__REALTIME_TIMESTAMP": "1"',
        "[" * 100_000,
        '{"a": ' + "1" * 10_000 + "}",
    ],
)
def test_what_is_no_entry(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_entry(text, 7)
    assert caught.value.line == 7


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from([*BASE, "MESSAGE", "UNIT", "_PID", "_UID", "SYSLOG_IDENTIFIER", "JOB_TYPE"])


@given(st.dictionaries(NAMES, JSON).map(json.dumps) | st.text() | st.binary())
def test_any_text_is_an_entry_or_a_parse_error(text: str | bytes) -> None:
    try:
        found = parse_entry(text)
    except ParseError:
        return
    assert isinstance(found, JournalEntry)
