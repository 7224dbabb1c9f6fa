"""Real letsencrypt.log files: no crash, and a second, naive reader finds the same runs."""

from __future__ import annotations

import os
import re
from ast import literal_eval
from datetime import timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pytest

from certaudit.parsers.letsencrypt_log import LogPart, LogRun, parse_logs

UTC = timezone.utc
CORPUS = os.environ.get("CERTAUDIT_CORPUS")
LOGS = sorted(Path(CORPUS, "logs").iterdir()) if CORPUS else []
EXCERPTS = sorted(Path(CORPUS, "logs_issues").iterdir()) if CORPUS else []
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}:")
COUNT = re.compile(r"(\d+) run\(s\): (.*)")
NOTED = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \[")

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS, reason="CERTAUDIT_CORPUS names no folder of real logs"),
]


class Naive(NamedTuple):
    started: str
    version: str
    arguments: list[str] | None


def text(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").split("\n")


def runs(path: Path) -> list[LogRun]:
    return list(parse_logs([LogPart(path.name, text(path))], UTC))


def naive(path: Path) -> list[Naive]:
    """What grep would find: each version line and the arguments that follow it."""
    found: list[Naive] = []
    level = ""
    for line in text(path):
        if not STAMP.match(line):
            continue
        if ".main:Root logging level" in line or ".cli:Root logging level" in line:
            level = line[:23]
        elif ":certbot version: " in line or ":letsencrypt version: " in line:
            found.append(Naive(level or line[:23], line.rstrip().rsplit(" ", 1)[1], None))
            level = ""
        elif "main:Arguments: [" in line or "cli:Arguments: [" in line:
            cut = not line.rstrip().endswith("]")
            value = None if cut else literal_eval(line.partition("Arguments: ")[2].strip())
            found[-1] = found[-1]._replace(arguments=value)
    return found


def index_notes() -> dict[str, str]:
    if not CORPUS:
        return {}
    rows = Path(CORPUS, "INDEX.tsv").read_text(encoding="utf-8").splitlines()
    cells = [row.split("\t") for row in rows]
    return {c[0].partition("/")[2]: c[5] for c in cells if c[0].startswith("logs/") and len(c) > 5}


NOTES = index_notes()


def test_there_are_files() -> None:
    assert len(LOGS) > 40
    assert len(EXCERPTS) > 20


@pytest.mark.parametrize("path", LOGS + EXCERPTS, ids=lambda path: str(path.name))
def test_the_naive_reader_finds_the_same_runs(path: Path) -> None:
    headed = [run for run in runs(path) if run.version is not None]
    assert [
        Naive(run.text[:23], run.version or "", None if run.arguments is None else list(run.arguments))
        for run in headed
    ] == naive(path)


@pytest.mark.parametrize("path", LOGS, ids=lambda path: str(path.name))
def test_runs_start_when_the_log_says(path: Path) -> None:
    for run in runs(path):
        assert run.started is not None
        assert run.ended >= run.started
        wall = run.started + (run.header_offset or timedelta(0))
        assert f"{wall:%Y-%m-%d %H:%M:%S},{wall.microsecond // 1000:03}" == run.text[:23]


@pytest.mark.parametrize("name", sorted(n for n, note in NOTES.items() if COUNT.match(note)))
def test_the_index_counts_the_same(name: str) -> None:
    noted = COUNT.match(NOTES[name])
    assert noted is not None and CORPUS
    found = runs(Path(CORPUS, "logs", name))
    assert len(found) == int(noted[1])
    told = NOTED.findall(noted[2])
    starts = [run.text[:19] for run in found]
    assert all(start in starts for start in told)


@pytest.mark.parametrize("name", sorted(n for n, note in NOTES.items() if COUNT.match(note)))
def test_the_index_tells_the_same_outcomes(name: str) -> None:
    noted = COUNT.match(NOTES[name])
    assert noted is not None and CORPUS
    starts = {run.text[:19]: run for run in runs(Path(CORPUS, "logs", name))}
    for part in noted[2].split(" || "):
        start = NOTED.search(part)
        if start is None:
            continue
        run = starts[start[1]]
        words = part.partition(" => ")[2]
        kinds = {o.outcome for o in run.outcomes}
        if "EXIT-ABNORMAL" in words:
            assert run.exit_error
            assert run.complete
        if words.startswith("SUCCESS"):
            assert "renewed" in kinds
        if words.startswith("not-due"):
            assert "not_due" in kinds
        if "due->renew, renew-failures=1" in words:
            assert kinds == {"failed"}
        if words == "no outcome line":
            assert not run.exit_error
            assert kinds <= {"unknown"}
