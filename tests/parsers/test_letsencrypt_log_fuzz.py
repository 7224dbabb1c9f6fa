"""Whatever a log holds, its parser gives runs and nothing else, in linear time."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certaudit.parsers.letsencrypt_log import LogPart, LogRun, parse_logs

SAMPLES = Path(__file__).parents[2] / "fixtures" / "logs" / "letsencrypt"
ZONE = ZoneInfo("Europe/Berlin")
LINES = [
    line
    for sample in sorted(SAMPLES.glob("*.log"))
    for line in sample.read_text(encoding="utf-8").splitlines()
]
HEAD = "2024-05-02 00:14:09,000:DEBUG:certbot._internal.main:certbot version: 2.1.0"


def check(parts: list[list[str]]) -> list[LogRun]:
    runs = list(parse_logs([LogPart(f"/log.{n}", part) for n, part in enumerate(parts)], ZONE))
    for run in runs:
        assert isinstance(run, LogRun)
        assert run.first_seen.utcoffset() is not None
        assert run.ended.utcoffset() is not None
        assert run.evidence
        assert all(o.time.utcoffset() is not None for o in run.outcomes)
        assert all(line > 0 for line in (run.line, *(e.line for e in run.evidence)))
    return runs


damage = st.one_of(
    st.just(lambda line: line),
    st.builds(lambda n: lambda line: line[: n % (len(line) + 1)], st.integers(0, 400)),
    st.builds(lambda n: lambda line: line[n % (len(line) + 1) :], st.integers(0, 400)),
    st.builds(
        lambda n, new: lambda line: line[: n % (len(line) + 1)] + new + line[n % (len(line) + 1) + 1 :],
        st.integers(0, 400),
        st.text(max_size=3),
    ),
    st.builds(lambda end: lambda line: line + end, st.sampled_from(["\n", "\r\n", "\r", " ", "\0"])),
)
mutated = st.builds(lambda line, change: change(line), st.sampled_from(LINES), damage)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.text(max_size=120), max_size=12), max_size=3))
def test_any_text_gives_runs_or_nothing(parts: list[list[str]]) -> None:
    check(parts)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(mutated, max_size=25), max_size=3))
def test_any_mixture_of_damaged_lines_gives_runs(parts: list[list[str]]) -> None:
    check(parts)


@settings(max_examples=400, deadline=None)
@given(st.lists(mutated.filter(lambda line: "\n" not in line), max_size=60), st.data())
def test_lines_several_at_a_time_are_read_as_one_by_one(lines: list[str], data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(lines)), max_size=5)) | {0, len(lines)})
    pages = ["".join(f"{line}\n" for line in lines[a:b]) for a, b in pairwise(cuts)]
    assert check([[page for page in pages if page]]) == check([lines])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([m for m in (line.partition(":DEBUG:")[2] for line in LINES) if m]),
    st.text(max_size=60),
    st.datetimes(),
)
def test_any_tail_and_any_time_of_a_record(message: str, tail: str, wall: object) -> None:
    stamp = f"{wall:%Y-%m-%d %H:%M:%S},000"
    runs = check(
        [[HEAD, f"{stamp}:DEBUG:{message[: len(message) // 2]}{tail}", f"{stamp}:INFO:{message}"]]
    )
    assert runs[0].version == "2.1.0"


@pytest.mark.parametrize(
    "line",
    [
        HEAD[:24] + "DEBUG:" + "a." * 30_000,
        HEAD[:24] + "DEBUG:certbot._internal.main:Arguments: [" + "'a', " * 12_000,
        HEAD[:24] + "DEBUG:certbot._internal.main:Arguments: ['" + "\\" * 60_000,
        HEAD[:24] + "DEBUG:certbot._internal.storage:Writing certificate to " + "/archive/a" * 6_000,
        HEAD[:24] + "DEBUG:certbot.x:Notifying user: " + " (success)" * 6_000,
        HEAD[:24] + "ERROR:certbot.renewal:  " + " " * 60_000 + "(failure)",
        HEAD[:24] + "DEBUG:certbot._internal.main:certbot version: " + "1" * 60_000,
        HEAD[:24] + "INFO:certbot.hooks:Running " + "-" * 60_000,
    ],
)
def test_hostile_lines_take_linear_time(line: str) -> None:
    before = process_time()
    check([[HEAD, *[line] * 20]])
    assert process_time() - before < 2


def test_memory_does_not_grow_with_what_is_not_decisive() -> None:
    noise = (f"{HEAD[:24]}DEBUG:acme.client:Storing nonce: {n}" for n in range(50_000))
    (run,) = parse_logs([LogPart("/log", (line for part in ([HEAD], noise) for line in part))], ZONE)
    assert len(run.evidence) == 1
    assert run.ended - run.first_seen == timedelta(0)


def test_a_flood_of_decisive_lines_is_bounded() -> None:
    flood = [HEAD[:24] + f"INFO:certbot.renewal:Cert not yet due for renewal {n}" for n in range(11_000)]
    (run,) = parse_logs([LogPart("/log", [HEAD, *flood])], ZONE)
    assert len(run.evidence) == 10_000
    assert len(run.outcomes) <= 10_000
