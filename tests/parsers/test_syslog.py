"""Stamps, years and DST of syslog files."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.syslog import LogLine, LogLines, LogText, parse_lines

UTC = timezone.utc
JST = timezone(timedelta(hours=9))
BERLIN = ZoneInfo("Europe/Berlin")
SAMPLES = Path(__file__).parents[2] / "fixtures" / "logs" / "syslog"


def family(*files: str, newest: datetime | None = None) -> list[LogText]:
    return [
        LogText(f"syslog.{len(files) - at - 1}", list(enumerate(text.splitlines(), 1)), newest)
        for at, text in enumerate(files)
    ]


def parse(*files: str, as_of: str = "2023-12-03T12:24:00+00:00") -> LogLines:
    return parse_lines(family(*files), UTC, datetime.fromisoformat(as_of))


def stamps(result: LogLines) -> list[str]:
    return [line.time.isoformat() for line in result.lines]


def years(*files: str, as_of: str, newest: str | None = None) -> list[int]:
    mtime = None if newest is None else datetime.fromisoformat(newest)
    lines = [f"{text}".replace(";", " 04:05:06 hogehoge cron[1]: x\n") for text in files]
    result = parse_lines(family(*lines, newest=mtime), UTC, datetime.fromisoformat(as_of))
    assert result.undated == 0
    return [line.time.year for line in result.lines]


def test_a_line_of_ubuntu_22_04() -> None:
    text = "Nov 30 20:03:53 hogehoge systemd[1]: Starting Certbot..."
    file = LogText("/var/log/syslog.1", [(4711, text + "\n")], None)
    result = parse_lines([file], JST, datetime(2023, 12, 3, 12, 24, tzinfo=JST))
    assert result == LogLines(
        (
            LogLine(
                time=datetime(2023, 11, 30, 20, 3, 53, tzinfo=JST),
                host="hogehoge",
                program="systemd",
                pid=1,
                message="Starting Certbot...",
                where="/var/log/syslog.1",
                line=4711,
                text=text,
                year_inferred=True,
            ),
        ),
        0,
    )


def test_a_line_of_debian_12() -> None:
    text = "2026-11-23T08:09:13.387436+01:00 host systemd[1]: Starting certbot.service - Certbot..."
    (line,) = parse(text).lines
    assert line.time == datetime(2026, 11, 23, 7, 9, 13, 387436, tzinfo=UTC)
    assert line.time.utcoffset() == timedelta(hours=1)
    assert (line.host, line.program, line.pid, line.year_inferred) == ("host", "systemd", 1, False)
    assert line.message == "Starting certbot.service - Certbot..."


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("Sep  2 10:17:11 h p: m", "2023-09-02T10:17:11+00:00"),
        ("Nov 1 10:17:11 h p: m", "2023-11-01T10:17:11+00:00"),
        ("<25>Nov 11 10:17:11 h p: m", "2023-11-11T10:17:11+00:00"),
        ("<123>Nov  1 10:17:11 h p: m", "2023-11-01T10:17:11+00:00"),
        ("Nov 11 10:17:11.5 h p: m", "2023-11-11T10:17:11.500000+00:00"),
        ("Nov 11 23:59:60 h p: m", "2023-11-11T23:59:59+00:00"),
        ("2023-11-11T10:17:11Z h p: m", "2023-11-11T10:17:11+00:00"),
        ("2023-11-11T10:17:11.123456789-03:30 h p: m", "2023-11-11T10:17:11.123456-03:30"),
        ("2023-11-11T10:17:11+0900 h p: m", "2023-11-11T10:17:11+09:00"),
        ("<30>2023-11-11T10:17:11 h p: m", "2023-11-11T10:17:11+00:00"),
    ],
)
def test_stamps_as_written(text: str, time: str) -> None:
    (line,) = parse(text).lines
    assert line.time.isoformat() == time
    assert (line.host, line.program, line.message) == ("h", "p", "m")


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("h CRON: (root) CMD (x)", ("h", "CRON", None, "(root) CMD (x)")),
        (" systemd[1]: Starting X...", ("", "systemd", 1, "Starting X...")),
        ("h postfix/pickup[53817]: C8: uid=0", ("h", "postfix/pickup", 53817, "C8: uid=0")),
        ("h nextcloud.renew-certs[42]: a [b]: c", ("h", "nextcloud.renew-certs", 42, "a [b]: c")),
        ("h kernel: [ 1.2] audit: x", ("h", "kernel", None, "[ 1.2] audit: x")),
        ("h sudo:   alice : TTY=x", ("h", "sudo", None, "  alice : TTY=x")),
        ("h cron.info crond[9]: USER root pid 10 cmd x", ("h", "crond", 9, "USER root pid 10 cmd x")),
        ("h -- MARK --", ("h", "", None, "-- MARK --")),
        ("h last message repeated: often", ("h", "", None, "last message repeated: often")),
        ("h Media Server[7]: x", ("h", "Media Server", 7, "x")),
        ("h p[x]: m", ("h", "p", None, "m")),
        ("h p:", ("h", "p", None, "")),
        ("h", ("h", "", None, "")),
    ],
)
def test_the_rest_of_a_line(rest: str, expected: tuple[str, str, int | None, str]) -> None:
    (line,) = parse(f"Nov 11 10:17:11 {rest}").lines
    assert (line.host, line.program, line.pid, line.message) == expected


@pytest.mark.parametrize(
    "text",
    [
        "nov. 20 00:02:03 hogehoge certbot[626]: x",
        "Okt 16 14:03:49 hogehoge systemd[1]: x",
        "يوليو 07 14:36:44 hogehoge systemd[1]: x",
        "Nov 31 10:00:00 hogehoge systemd[1]: x",
        "Nov 30 24:00:00 hogehoge systemd[1]: x",
        "Nov 30 2023 10:00:00 hogehoge systemd[1]: x",
        "2023-13-01T10:00:00Z hogehoge systemd[1]: x",
        "2023-12-01T10:00:00+99:00 hogehoge systemd[1]: x",
        "0001-01-01T00:00:00Z hogehoge systemd[1]: x",
        "<30>1 2023-12-01T10:00:00Z hogehoge systemd 1 - - x",
    ],
)
def test_a_stamp_without_a_moment_is_counted(text: str) -> None:
    assert parse(text, "Nov 30 10:00:00 hogehoge x: y").undated == 1
    assert len(parse(text, "Nov 30 10:00:00 hogehoge x: y").lines) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   continued",
        "-- Logs begin at Fri 2020-01-31 09:26:25 UTC, end at Wed 2020-06-17 14:45:49 UTC. --",
        "2023-12-03 03:47:55,753:DEBUG:certbot._internal.main:certbot version: 1.21.0",
        "November rain",
        "Decimal point",
    ],
)
def test_other_text_is_neither_dated_nor_counted(text: str) -> None:
    assert parse(text) == LogLines((), 0)


def test_the_line_number_is_the_callers() -> None:
    lines = [(7, "Nov 11 10:17:11 h p: a"), (4711, "Nov 11 10:17:11 h p: b")]
    result = parse_lines([LogText("x", lines, None)], UTC, datetime(2023, 12, 1, tzinfo=UTC))
    assert [line.line for line in result.lines] == [7, 4711]


def test_new_year_between_rotated_files() -> None:
    files = [
        LogText(name, list(enumerate(text.splitlines(), 1)), None)
        for name in ("syslog.1", "syslog")
        for text in [(SAMPLES / "jammy" / name).read_text()]
    ]
    result = parse_lines(files, UTC, datetime(2024, 1, 3, tzinfo=UTC))
    moments = [(x.where, x.line, x.time.year) for x in result.lines]
    assert moments[0] == ("syslog.1", 1, 2023)
    assert moments[7:9] == [("syslog.1", 8, 2023), ("syslog", 1, 2024)]
    assert {year for _, _, year in moments[8:]} == {2024}


def test_two_new_years() -> None:
    found = years("Nov 20;Dec 31;Jan  1;", "Jun  1;Dec 30;Jan  2;", as_of="2024-01-03T00:00:00+00:00")
    assert found == [2022, 2022, 2023, 2023, 2023, 2024]


def test_new_year_within_the_slack_of_a_clock() -> None:
    assert years("Dec 31;Jan  1;", as_of="2023-12-31T23:59:58+00:00") == [2023, 2024]


def test_nothing_lies_after_as_of() -> None:
    assert years("Dec  3;", as_of="2023-11-01T00:00:00+00:00") == [2022]
    assert years("Nov  1;", as_of="2023-11-01T00:00:00+00:00") == [2023]


def test_out_of_order_lines_keep_their_year() -> None:
    text = "Jan  1 00:00:05 h p: a\nDec 31 23:59:59 h p: b\nJan  1 00:00:09 h p: c"
    assert [t[:4] for t in stamps(parse(text, as_of="2024-02-01T00:00:00+00:00"))] == [
        "2024", "2023", "2024",
    ]  # fmt: skip
    text = "Mar  5 10:00:00 h p: a\nMar  5 07:00:00 h p: b\nMar  5 10:00:09 h p: c"
    assert [t[:4] for t in stamps(parse(text, as_of="2024-04-01T00:00:00+00:00"))] == ["2024"] * 3


def test_a_boot_with_a_wrong_clock_is_no_new_year() -> None:
    assert (
        years("Nov 19;Nov 20;", "Jan  1;Jan  1;Nov 21;", as_of="2023-11-30T00:00:00+00:00") == [2023] * 5
    )
    assert years("Feb 28;Mar  1;Nov  1;Mar  2;", as_of="2023-03-03T00:00:00+00:00") == [
        2023, 2023, 2022, 2023,
    ]  # fmt: skip


def test_half_years_of_silence_are_no_wrong_clock() -> None:
    lines = [(10, "Jun 20 10:00:00 h p: m"), (11, "Jan  1 10:00:00 h p: m")]
    lines.append((90_000, "Jun 21 10:00:00 h p: m"))
    result = parse_lines([LogText("f", lines, None)], UTC, datetime(2024, 6, 30, tzinfo=UTC))
    assert [line.time.year for line in result.lines] == [2023, 2024, 2024]


def test_feb_29_is_in_a_leap_year_and_takes_its_followers_along() -> None:
    as_of = "2026-06-01T00:00:00+00:00"
    assert years("Feb 28;Feb 29;Mar  1;Mar 20;", as_of=as_of) == [2024] * 4
    assert years("Feb 29;Feb 29;Mar  1;May 30;", as_of=as_of) == [2024, 2024, 2024, 2026]
    assert years("Feb 28;Feb 29;Mar  1;", as_of="2024-03-02T00:00:00+00:00") == [2024] * 3


def test_a_dated_line_bounds_those_before_it() -> None:
    text = "Dec 30;Jan  2;" + "2022-01-05T00:00:00Z h p: m"
    assert years(text, as_of="2026-06-01T00:00:00+00:00") == [2021, 2022, 2022]


def test_the_last_write_of_a_file_lowers_the_bound_if_it_fits() -> None:
    as_of = "2026-06-01T00:00:00+00:00"
    assert years("Dec 30;", as_of=as_of, newest="2023-12-31T06:25:00+00:00") == [2023]
    assert years("Dec 30;", as_of=as_of, newest="2023-06-30T06:25:00+00:00") == [2025]
    assert years("Dec 30;", as_of=as_of, newest="2030-12-31T06:25:00+00:00") == [2025]


def test_an_empty_newer_file_does_not_date_the_older() -> None:
    older = LogText("syslog.1", [(1, "Dec 30 10:00:00 h p: m")], None)
    empty = LogText("syslog", [], datetime(2025, 1, 1, tzinfo=UTC))
    (line,) = parse_lines([older, empty], UTC, datetime(2026, 6, 1, tzinfo=UTC)).lines
    assert line.time.year == 2025


def test_the_hour_that_comes_twice_follows_its_neighbours() -> None:
    text = "\n".join(
        f"Oct 29 {clock} h p: m"
        for clock in ("01:59:00", "02:10:00", "02:50:00", "02:49:58", "02:05:00", "02:55:00", "03:01:00")
    )
    result = parse_lines(family(text), BERLIN, datetime(2023, 11, 1, tzinfo=UTC))
    assert [line.time.astimezone(UTC).strftime("%H:%M:%S") for line in result.lines] == [
        "23:59:00", "00:10:00", "00:50:00", "00:49:58", "01:05:00", "01:55:00", "02:01:00",
    ]  # fmt: skip
    assert result.lines[4].time - result.lines[2].time == timedelta(minutes=15)


def test_an_ambiguous_time_alone_is_the_first_one() -> None:
    result = parse_lines(family("Oct 29 02:30:00 h p: m"), BERLIN, datetime(2023, 11, 1, tzinfo=UTC))
    assert stamps(result) == ["2023-10-29T02:30:00+02:00"]


def test_the_hour_that_is_skipped_moves_on() -> None:
    text = "Mar 26 01:59:59 h p: m\nMar 26 02:30:00 h p: m\nMar 26 03:40:00 h p: m"
    result = parse_lines(family(text), BERLIN, datetime(2023, 11, 1, tzinfo=UTC))
    assert stamps(result) == [
        "2023-03-26T01:59:59+01:00",
        "2023-03-26T03:30:00+02:00",
        "2023-03-26T03:40:00+02:00",
    ]


def test_the_debian_12_sample() -> None:
    text = (SAMPLES / "bookworm" / "syslog").read_text()
    result = parse(text, as_of="2026-03-02T00:00:00+00:00")
    assert stamps(result)[1] == "2026-03-01T08:09:13.387436+00:00"
    assert {line.program for line in result.lines} == {"systemd"}
    assert result.undated == 0


STAMP = st.one_of(
    st.builds(
        "{} {:>2} {:02}:{:02}:{:02} h p[1]: m".format,
        st.sampled_from(["Jan", "Feb", "Mar", "Jun", "Oct", "Dec", "Okt"]),
        st.integers(0, 32),
        st.integers(0, 24),
        st.integers(0, 60),
        st.integers(0, 61),
    ),
    st.just("Feb 29 10:00:00 h p: m"),
    st.datetimes().map(lambda d: d.isoformat() + "Z h p: m"),
    st.text(max_size=60),
)


@given(st.lists(st.lists(STAMP, max_size=12), max_size=4), st.sampled_from([UTC, BERLIN, JST]))
def test_any_text_gives_records(files: list[list[str]], zone: ZoneInfo) -> None:
    as_of = datetime(2025, 3, 30, 2, 30, tzinfo=UTC)
    texts = [LogText("f", list(enumerate(lines, 1)), as_of) for lines in files]
    result = parse_lines(texts, zone, as_of)
    assert len(result.lines) + result.undated <= sum(map(len, files))
    for line in result.lines:
        assert line.time.utcoffset() is not None
        assert not line.year_inferred or line.time <= as_of + timedelta(days=1, hours=2)


@given(st.lists(st.integers(0, 400 * 86400), min_size=1, max_size=30), st.sampled_from([UTC, BERLIN]))
def test_a_log_in_order_comes_back(gaps: list[int], zone: ZoneInfo) -> None:
    """Any log whose gaps are below 150 days, from its newest line back."""
    moment = datetime(2024, 5, 5, 12, tzinfo=UTC)
    moments = [moment]
    for gap in gaps:
        moment -= timedelta(seconds=gap % (150 * 86400))
        moments.insert(0, moment)
    local = [m.astimezone(zone) for m in moments]
    text = "\n".join(m.strftime("%b %d %H:%M:%S h p: m") for m in local)
    result = parse_lines(family(text), zone, moments[-1])
    found = [line.time for line in result.lines]
    assert [t.replace(tzinfo=None) for t in found] == [t.replace(tzinfo=None, fold=0) for t in local]


def test_a_long_log_takes_linear_time() -> None:
    lines = [(n, "Feb 29 10:00:00 h p[1]: m") for n in range(20_000)]
    lines += [(n, "Mar  1 10:00:00 h p[1]: " + "(" * 50) for n in range(20_000)]
    start = perf_counter()
    result = parse_lines([LogText("f", lines, None)], BERLIN, datetime(2026, 6, 1, tzinfo=UTC))
    assert {line.time.year for line in result.lines} == {2024}
    assert perf_counter() - start < 5
