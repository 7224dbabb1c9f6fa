"""What certaudit calls armed against what real cron daemons run, line by line.

``CERTAUDIT_SEED`` repeats a run; ``CERTAUDIT_CASES`` multiplies the number of trees.
"""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from certaudit.facts import Candidate
from certaudit.host.machine import open_host
from certaudit.model import Schedule
from certaudit.sources import cron
from certaudit.sources.scripts import ScriptMachine
from tests.conformance import cron_lab
from tests.conformance.cron_lab import Lab, Records
from tests.conformance.cron_tables import Tables

SEED = int(os.environ.get("CERTAUDIT_SEED") or random.randrange(10**6))
RUNS = int(os.environ.get("CERTAUDIT_CASES") or 1)
DEBIAN = shutil.which("cron", path="/usr/sbin")
FILES, USERS = 260, 60


def needed(obstacle: str | None) -> None:
    """Skip with the reason, or fail if the real thing is required."""
    if obstacle is None:
        return
    if os.environ.get("CERTAUDIT_LIVE") == "require":
        pytest.fail(obstacle)
    pytest.skip(obstacle)


def judged(place: Lab) -> tuple[Candidate, ...]:
    """Every line of the tree, as certaudit judges it just before the minute."""
    host = open_host(place.tree, place.moment - timedelta(seconds=1))
    host = replace(host, live=True)  # the number of hard links counts on the machine itself
    return cron.collect(host, ScriptMachine(host))[0]


def expected(place: Lab, lines: tuple[Candidate, ...]) -> Records:
    """The records of the lines that are armed and due, each command run by its own shell."""
    for line in lines:
        trigger, entry = line.trigger, line.entries[0]
        now = due(trigger.schedule, place.moment)
        if trigger.state == "armed" and now:
            cron_lab.replay(place, entry.text or "", entry.environment)
    return cron_lab.records(place.work / "replayed")


def due(schedule: Schedule | None, moment: datetime) -> bool:
    """Whether a line runs in the first minute of a daemon that starts just before it."""
    if schedule is None:
        return False
    return schedule.expression == ("@reboot",) or schedule.next_earliest == moment


@pytest.mark.parametrize("run", range(RUNS))
def test_debians_cron(run: int) -> None:
    needed(cron_lab.obstacle() or (None if DEBIAN else "Debian's cron is not installed"))
    with cron_lab.lab() as place:
        tables = Tables(place.tree, random.Random(f"{SEED} {run}"), place.moment)
        tables.make(FILES, USERS)
        lines = judged(place)
        want = expected(place, lines)
        ran = cron_lab.run(place, [str(DEBIAN), "-f", "-L", "15"])
        about = f"CERTAUDIT_SEED={SEED}: {tables.files} files, {tables.lines} commands"
        differences = compared(place.tree, want, ran)
    assert not differences, "\n".join([about, *differences[:40]])
    assert sum(want.values()) > 80


def compared(tree: Path, want: Records, ran: Records) -> list[str]:
    """The differences, each with the line it stems from."""
    found = []
    for record in sorted((want - ran) + (ran - want)):
        side = "only certaudit" if want[record] > ran[record] else "only the daemon"
        found.append(f"{side}: {record!r}{whence(tree, record)}")
    return found


def whence(tree: Path, record: str) -> str:
    """The file and the text that a record's number stands in."""
    number = record.rpartition("|")[2].split(" ")[0]
    for file in sorted(tree.rglob("*")):
        text = file.read_text(errors="replace") if file.is_file() else ""
        if f"{cron_lab.RECORDER} {number}" in text:
            status = file.lstat()
            return f" in {file.relative_to(tree)} {status.st_mode:o} {status.st_uid} {text!r}"
    return ""
