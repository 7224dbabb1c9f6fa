"""When a run of certbot was: zones, the repeated hour, and what a server's date proves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from certaudit.parsers.letsencrypt_log import LogPart, LogRun, parse_logs

TOKYO = ZoneInfo("Asia/Tokyo")
BERLIN = ZoneInfo("Europe/Berlin")
UTC = timezone.utc


def read(*lines: str, zone: ZoneInfo | timezone = UTC) -> list[LogRun]:
    return list(parse_logs([LogPart("/log", lines)], zone))


def one(*lines: str, zone: ZoneInfo | timezone = UTC) -> LogRun:
    (run,) = read(*lines, zone=zone)
    return run


def fold(clock: str, message: str, logger: str = "certbot._internal.main") -> str:
    return f"2024-10-27 {clock},000:DEBUG:{logger}:{message}"


def answer(clock: str, gmt: str) -> tuple[str, ...]:
    return (
        fold(clock, "Received response:", "acme.client"),
        "HTTP 200",
        "Server: nginx",
        f"Date: Sun, 27 Oct 2024 {gmt} GMT",
        "",
        "{}",
    )


def starts(*lines: str, zone: ZoneInfo | timezone = BERLIN) -> Iterator[tuple[int, bool]]:
    for run in read(*lines, zone=zone):
        assert run.started is not None
        yield run.started.astimezone(UTC).hour, run.ambiguous


VERSION = "certbot version: 2.9.0"


def test_the_repeated_hour_is_settled_by_a_server_s_date() -> None:
    first = (fold("02:30:00", VERSION), *answer("02:30:01", "00:30:01"))
    second = (fold("02:30:00", VERSION), *answer("02:30:01", "01:30:01"))
    assert list(starts(*first)) == [(0, False)]
    assert list(starts(*second)) == [(1, False)]
    assert one(*second, zone=BERLIN).header_offset == timedelta(hours=1)


def test_the_repeated_hour_is_settled_by_the_order_of_the_runs() -> None:
    lines = (fold("02:40:00", VERSION), fold("02:10:00", VERSION), fold("03:10:00", VERSION))
    assert list(starts(*lines)) == [(0, True), (1, False), (2, False)]


def test_the_repeated_hour_is_marked_where_nothing_settles_it() -> None:
    assert list(starts(fold("02:30:00", VERSION))) == [(0, True)]
    assert list(starts(fold("01:30:00", VERSION))) == [(23, False)]


def test_a_container_in_utc_is_found_out_by_a_server_s_date() -> None:
    lines = (fold("12:30:00", VERSION), *answer("12:30:01", "12:30:01"))
    assert list(starts(*lines, zone=TOKYO)) == [(12, False)]
    headless = one(*answer("12:30:01", "12:30:01"), zone=TOKYO)
    assert headless.first_seen == datetime(2024, 10, 27, 12, 30, 1, tzinfo=UTC)
    assert headless.header_offset == timedelta(0)


def test_a_date_that_is_no_offset_proves_nothing() -> None:
    lines = (fold("12:30:00", VERSION), *answer("12:30:01", "12:37:31"))
    assert one(*lines, zone=TOKYO).header_offset is None
    assert list(starts(*lines, zone=TOKYO)) == [(3, False)]


def test_a_date_in_a_body_or_a_hook_s_output_proves_nothing() -> None:
    body = (
        fold("12:30:01", "Received response:", "acme.client"),
        "HTTP 200",
        "",
        "Date: Sun, 27 Oct 2024 12:30:01 GMT",
        fold("12:30:02", "Output from push:", "certbot.hooks"),
        "Date: Sun, 27 Oct 2024 12:30:02 GMT",
    )
    assert one(fold("12:30:00", VERSION), *body, zone=TOKYO).header_offset is None


def test_a_record_of_a_day_that_does_not_exist_ends_no_run() -> None:
    nowhere = "2024-02-30 12:30:03,000:DEBUG:certbot._internal.renewal:Storing nonce: x"
    run = one(fold("12:30:00", VERSION), fold("12:30:01", "Storing nonce: x"), nowhere)
    assert run.ended == datetime(2024, 10, 27, 12, 30, 1, tzinfo=UTC)


def test_a_run_without_its_head_is_read_in_the_zone_of_the_version_before() -> None:
    over = "2018-01-15 03:17:40,401:DEBUG:certbot.renewal:no renewal failures"
    old = ["2018-01-15 03:17:40,001:DEBUG:certbot.main:certbot version: 0.21.1", over]
    tail = ["2018-01-15 15:17:40,401:DEBUG:certbot.renewal:no renewal failures"]
    first, second = parse_logs([LogPart("/log.1", old), LogPart("/log", tail)], TOKYO)
    assert first.started == datetime(2018, 1, 15, 3, 17, 40, 1000, UTC)
    assert (second.version, second.started) == (None, None)
    assert second.first_seen == datetime(2018, 1, 15, 15, 17, 40, 401000, UTC)
    (alone,) = parse_logs([LogPart("/log", tail)], TOKYO)
    assert alone.first_seen == datetime(2018, 1, 15, 15, 17, 40, 401000, TOKYO)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "UTC"])
@pytest.mark.parametrize("night", ["2024-03-10", "2024-03-31", "2024-04-07", "2024-10-27", "2024-11-03"])
def test_each_line_has_the_offset_of_its_own_time_in_a_night_of_changes(zone: str, night: str) -> None:
    here = ZoneInfo(zone)
    walls = [datetime.fromisoformat(f"{night} 00:00:00") + timedelta(minutes=7 * n) for n in range(40)]
    due = "INFO:certbot.renewal:Cert is due for renewal, auto-renewing..."
    run = one(
        f"{walls[0]},000:DEBUG:certbot.main:{VERSION}", *(f"{w},000:{due}" for w in walls), zone=here
    )
    seen = [(line.time.replace(tzinfo=None), line.time.utcoffset()) for line in run.evidence[1:]]
    assert seen == [(wall, wall.replace(tzinfo=here).utcoffset()) for wall in walls]
    later = [wall.replace(tzinfo=here, fold=1).utcoffset() for wall in walls]
    assert run.ambiguous == any(
        a is not None and b is not None and a > b for (_, a), b in zip(seen, later, strict=True)
    )
