"""Real syslog files: no crash, and a second, naive reader finds the same starts and commands."""

from __future__ import annotations

import os
import re
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.parsers.events import CronCommand, UnitEvent, classify
from certaudit.parsers.syslog import LogLines, LogText, parse_lines

UTC = timezone.utc
CORPUS = os.environ.get("CERTAUDIT_CORPUS")
FILES = sorted(p for p in Path(CORPUS, "syslog").rglob("*") if p.is_file()) if CORPUS else []
NAIVE = re.compile(
    r"^(?:<\d+>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) +(\S+) "
    r"(?:systemd(?:\[\d+\])?: (Starting .*)\.\.\.|CROND?(?:\[\d+\])?: (\(\S+\) CMD \(.*\)))$"
)
ENGLISH = re.compile(r"^(?:<\d+>)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ")

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS, reason="CERTAUDIT_CORPUS names no folder of real logs"),
]


def read(*paths: Path) -> LogLines:
    files = [
        LogText(p.name, list(enumerate(p.read_text(errors="replace").split("\n"), 1)), None)
        for p in paths
    ]
    return parse_lines(files, UTC, datetime(2026, 11, 23, tzinfo=UTC))


def test_there_are_files() -> None:
    assert len(FILES) > 40


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_the_naive_reader_finds_the_same(path: Path) -> None:
    naive = Counter[str]()
    for text in path.read_text(errors="replace").split("\n"):
        match = NAIVE.match(text)
        if match:
            naive[re.sub(r"\s+", "", match[2] or match[3])] += 1
    found = Counter[str]()
    for line in read(path).lines:
        event = classify(line)
        if isinstance(event, UnitEvent) and event.phase == "starting":
            names = [name for name in (event.unit, event.description) if name]
            found[re.sub(r"\s+", "", "Starting " + " - ".join(names))] += 1
        elif isinstance(event, CronCommand):
            found[re.sub(r"\s+", "", f"({event.user}) CMD ({event.command})")] += 1
    assert found == naive


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_every_english_stamp_is_dated(path: Path) -> None:
    lines = path.read_text(errors="replace").split("\n")
    stamped = [n for n, line in enumerate(lines, 1) if ENGLISH.match(line)]
    assert [line.line for line in read(path).lines if line.year_inferred] == stamped


@pytest.mark.parametrize(
    ("name", "undated"),
    [
        ("ndsp_arabic_locale_ubuntu24.txt", 14),
        ("nsdyanone_french_journal.txt", 11),
        ("nextcloud_snap_752_german_ellipsized.txt", 7),
        ("menetekel_rfc3164_variants.txt", 0),
    ],
)
def test_other_languages_are_counted(name: str, undated: int) -> None:
    assert read(*(p for p in FILES if p.name == name)).undated == undated


@pytest.mark.parametrize(
    ("folder", "family"), [("arne_debian9_lxc", "syslog"), ("latinmol_ubuntu18", "syslog")]
)
def test_a_rotation_family_runs_forward(folder: str, family: str) -> None:
    paths = [p for p in FILES if p.parent.name == folder and p.name.startswith(family)]
    paths.sort(key=lambda p: int(p.suffix[1:] or 0), reverse=True)
    result = read(*paths)
    assert result.undated == 0
    times = [line.time for line in result.lines]
    assert len({time.year for time in times}) == 1
    assert times[-1] - times[0] == max(times) - min(times)
