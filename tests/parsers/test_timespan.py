from __future__ import annotations

import contextlib
import math
import random
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.parsers.timespan import parse_timespan
from tests.summary import SEED, compared, scaled

SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
PARTS = ["1", "5", "12", ".5", "1.25", "007", "+3", "-1", "9223372036854775807", "584542", "1."]
UNITS = ["s", "sec", "seconds", "min", "m", "minutes", "M", "month", "months", "h", "hr", "hours"]
UNITS += ["d", "day", "w", "weeks", "y", "years", "ms", "msec", "us", "usec", "µs", "μs", "mon"]
UNITS += ["", "", "foo", "S", ".", "infinity"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12h 30min", 45000.0),
        ("43200", 43200.0),
        ("1h30m", 5400.0),
        ("6hours", 21600.0),
        ("2.5 s", 2.5),
        ("1M", 2629800.0),
        ("1m", 60.0),
        ("1y 2w", 31557600.0 + 1209600.0),
        ("300ms20s 5day", 432020.3),
        ("0", 0.0),
    ],
)
def test_spans(text: str, seconds: float) -> None:
    assert parse_timespan(text) == seconds


def test_infinity() -> None:
    assert parse_timespan(" infinity ") == math.inf


@pytest.mark.parametrize("text", ["", " ", "-5", "5foo", "5.", "12.34.56", "s", "584542y", "9" * 30])
def test_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_timespan(text)


@given(st.text() | st.text(alphabet="0123456789. smhdwyMunif+-\t"))
def test_nothing_but_parse_error(text: str) -> None:
    with contextlib.suppress(ParseError):
        assert parse_timespan(text) >= 0


def ask_systemd(text: str) -> int | None:
    assert SYSTEMD_ANALYZE is not None
    run = subprocess.run(
        [SYSTEMD_ANALYZE, "timespan", "--", text],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"},
    )
    found = re.search(r"μs: (\d+)", run.stdout)
    return int(found[1]) if found else None


@pytest.mark.skipif(SYSTEMD_ANALYZE is None, reason="systemd-analyze is not installed")
def test_same_answers_as_systemd() -> None:
    generator = random.Random(SEED)
    for text in [span(generator) for _ in range(scaled(150))]:
        expected = ask_systemd(text)
        try:
            got: float | None = parse_timespan(text)
        except ParseError:
            got = None
        seconds = expected if expected is None else expected / 1_000_000
        assert got == (math.inf if expected == 2**64 - 1 else seconds), text
        compared("time spans: systemd-analyze", 1)


def span(generator: random.Random) -> str:
    count = generator.choice([1, 1, 2, 3])
    parts = [
        generator.choice(PARTS) + generator.choice(["", "", " "]) + generator.choice(UNITS)
        for _ in range(count)
    ]
    return generator.choice(["", " "]).join(parts)
