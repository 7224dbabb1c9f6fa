"""What certaudit calls armed against what real cron daemons run, line by line."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from certaudit.facts import Candidate
from certaudit.host.machine import open_host
from certaudit.model import Schedule
from certaudit.parsers.crontab import Daemon
from certaudit.records import replace
from certaudit.sources import cron
from certaudit.sources.scripts import ScriptMachine
from tests.conformance import cron_lab
from tests.conformance.cron_lab import Lab, Records
from tests.conformance.cron_tables import Tables
from tests.packages import debs
from tests.summary import SEED, compared, scaled

DEBIAN = shutil.which("cron", path="/usr/sbin")
RELEASE = "trixie"  # the first with cronie, and with a crond in busybox
FILES, USERS = 260, 60
LEAST: dict[Daemon, int] = {"vixie-debian": 80, "cronie": 80, "busybox": 30}  # commands that run
Command = list[str]


def debian() -> Command:
    """Debian's cron, the installed one: it needs its own libraries and PAM."""
    needed(None if DEBIAN else "Debian's cron is not installed")
    return [str(DEBIAN), "-f", "-L", "15"]


def cronie() -> Command:
    """cronie."""
    return [*newer("cronie", "usr/sbin/crond"), "-n", "-m", "off"]


def busybox() -> Command:
    """busybox crond."""
    return [*newer("busybox", "usr/bin/busybox"), "crond", "-f", "-l", "0"]


def newer(package: str, program: str) -> Command:
    """A program of the first Debian release that has it, by that release's loader and libc."""
    libc = next(debs.unpacked("libc6", RELEASE).rglob("libc.so.6"))
    loader = next(libc.parent.glob("ld-linux*.so.*"))
    whole = debs.unpacked(package, RELEASE) / program
    return [str(loader), "--library-path", str(libc.parent), str(whole)]


DAEMONS: dict[Daemon, Callable[[], Command]] = {
    "vixie-debian": debian,
    "cronie": cronie,
    "busybox": busybox,
}


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
    replay, found = str(place.work / "replay"), Counter[str]()
    for record, count in cron_lab.records(place.work / "replayed").items():
        found[record.replace(replay, cron_lab.RECORDER)] += count
    return found


def due(schedule: Schedule | None, moment: datetime) -> bool:
    """Whether a line runs in the first minute of a daemon that starts just before it."""
    if schedule is None:
        return False
    return schedule.expression == ("@reboot",) or schedule.next_earliest == moment


@pytest.mark.parametrize("daemon", DAEMONS)
@pytest.mark.parametrize("run", range(scaled(1)))
def test_what_is_armed_is_what_the_daemon_runs(daemon: Daemon, run: int) -> None:
    needed(cron_lab.obstacle())
    try:
        command = DAEMONS[daemon]()
    except debs.DebsError as error:
        needed(str(error))
        return
    with cron_lab.lab() as place:
        tables = Tables(place.tree, random.Random(f"{SEED} {run}"), place.moment, daemon)
        tables.make(FILES, USERS)
        lines = judged(place)
        want = expected(place, lines)
        ran = cron_lab.run(place, command)
        about = f"CERTAUDIT_SEED={SEED}: {tables.files} files, {tables.lines} commands"
        different = differences(place.tree, want, ran)
    compared(f"cron lines: {daemon}", tables.lines)
    compared(f"crontab files: {daemon}", tables.files)
    assert not different, "\n".join([about, *different[:40]])
    assert sum(want.values()) > LEAST[daemon]


def differences(tree: Path, want: Records, ran: Records) -> list[str]:
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
