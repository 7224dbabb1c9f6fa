from __future__ import annotations

import contextlib
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.parsers.calendar import CalendarSpec, Component, next_after, normalize, parse

BERLIN = ZoneInfo("Europe/Berlin")
UTC = timezone.utc


def firings(expression: str, start: datetime, count: int) -> list[str]:
    spec = parse(expression, start.tzinfo)
    found = []
    for _ in range(count):
        following = next_after(spec, start)
        if following is None:
            break
        found.append(following.isoformat())
        start = following
    return found


def test_record() -> None:
    assert parse("Mon..Wed,Sun 2030-*~01,02 00/12:05:00.5 Europe/Berlin") == CalendarSpec(
        weekdays=(0, 1, 2, 6),
        years=(Component(2030),),
        days=(Component(1), Component(2)),
        end_of_month=True,
        hours=(Component(0, None, 12),),
        minutes=(Component(5),),
        microseconds=(Component(500_000),),
        timezone="Europe/Berlin",
    )


@pytest.mark.parametrize(
    ("expression", "normalized"),
    [
        ("*-*-* 00,12:00:00", "*-*-* 00,12:00:00"),
        ("daily", "*-*-* 00:00:00"),
        ("weekly", "Mon *-*-* 00:00:00"),
        ("quarterly UTC", "*-01,04,07,10-01 00:00:00 UTC"),
        ("bi-annually", "*-01,07-01 00:00:00"),
        ("Sat,Thu,Mon..Wed,Sat..Sun", "Mon..Thu,Sat,Sun *-*-* 00:00:00"),
        ("Mon,Sun 12-*-* 2,1:23", "Mon,Sun 2012-*-* 01,02:23:00"),
        ("05:40:23.4200004/3.1700005", "*-*-* 05:40:23.420000/3.170001"),
        ("*:2/3", "*-*-* *:02/3:00"),
        ("08:05:40..45/2", "*-*-* 08:05:40..44/2"),
        ("@1395716396", "2014-03-25 02:59:56 UTC"),
        ("*-*~1,3 04:00", "*-*~01,03 04:00:00"),
        ("02:30 CEST", "*-*-* 02:30:00 CEST"),
    ],
)
def test_normalized_form(expression: str, normalized: str) -> None:
    spec = parse(expression, BERLIN)
    assert normalize(spec) == normalized
    assert parse(normalized, BERLIN) == spec


@pytest.mark.parametrize(
    "expression",
    [
        *("", "test", " UTC", "Mon..", "Sun..Mon", "25:00", "*-13-*", "*-*~29", "1.5:00"),
        *("7:00 Nowhere", "00:00:00/0.00000001", "00+00/00:00", "*~*-*", "*-*-* 00:00:60.1..x"),
        *("9" * 5000, "@-1", "é", "2200-01-01", "*:0/61", ",".join(["1"] * 242) + ":00"),
    ],
)
def test_refused(expression: str) -> None:
    with pytest.raises(ParseError):
        parse(expression)


def test_twice_a_day_in_the_host_zone() -> None:
    start = datetime(2026, 6, 1, 11, tzinfo=BERLIN)
    assert firings("*-*-* 00,12:00:00", start, 2) == [
        "2026-06-01T12:00:00+02:00",
        "2026-06-02T00:00:00+02:00",
    ]


def test_strictly_after() -> None:
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert firings("12:00", noon, 1) == ["2026-06-02T12:00:00+00:00"]
    assert firings("12:00", noon - timedelta(microseconds=1), 1) == ["2026-06-01T12:00:00+00:00"]


def test_a_skipped_hour_is_passed_over() -> None:
    start = datetime(2024, 3, 30, 12, tzinfo=BERLIN)
    assert firings("02:30", start, 2) == ["2024-04-01T02:30:00+02:00", "2024-04-02T02:30:00+02:00"]


def test_a_repeated_hour_fires_once() -> None:
    start = datetime(2024, 10, 26, 12, tzinfo=BERLIN)
    assert firings("02:30", start, 2) == ["2024-10-27T02:30:00+02:00", "2024-10-28T02:30:00+01:00"]


def test_a_named_zone_is_answered_in_the_host_zone() -> None:
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert firings("12:00 Europe/Berlin", start, 1) == ["2026-01-01T20:00:00+09:00"]


def test_never() -> None:
    assert firings("*-02-30", datetime(2026, 1, 1, tzinfo=UTC), 1) == []
    assert firings("2020-01-01", datetime(2026, 1, 1, tzinfo=UTC), 1) == []


def test_naive_moment_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="aware"):
        next_after(parse("daily"), datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))


@given(st.text() | st.text(alphabet="*-:/~.,0123456789 MonTueUTC@"))
def test_nothing_but_parse_error(text: str) -> None:
    with contextlib.suppress(ParseError):
        spec = parse(text, BERLIN)
        assert parse(normalize(spec), BERLIN) == spec


NUMBERS = st.integers(0, 31).map(str)
TIMES = st.builds("{}:{}:{}".format, NUMBERS | st.just("*"), NUMBERS, NUMBERS | st.just("*"))
DATES = st.builds("*-{}{}{} ".format, NUMBERS | st.just("*"), st.sampled_from("-~"), NUMBERS)
ZONES: list[tzinfo] = [BERLIN, UTC, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Tokyo")]


@settings(deadline=None, max_examples=60)
@given(
    st.builds("{}{}{}".format, DATES | st.just(""), TIMES, st.sampled_from(["", " CEST", " CET"])),
    st.integers(0, 230 * 366 * 86400),
    st.sampled_from(ZONES),
)
def test_the_next_firing_is_later(expression: str, epoch: int, zone: tzinfo) -> None:
    moment = datetime.fromtimestamp(epoch, zone)
    with contextlib.suppress(ParseError):
        following = next_after(parse(expression, zone), moment)
        assert following is None or following.astimezone(UTC) > moment.astimezone(UTC)
