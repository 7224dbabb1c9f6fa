"""Scripts that the real run-parts takes, and anacrontab lines that the real anacron runs."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath

import pytest

from certaudit.host.machine import open_host
from certaudit.parsers.anacrontab import parse_anacrontab
from certaudit.sources import cron
from certaudit.sources.scripts import ScriptMachine
from tests.conformance.cron_tables import NAMES
from tests.packages import debs
from tests.summary import SEED, compared, scaled

TABLES = 12
RUN_PARTS = shutil.which("run-parts")
MODES = (0o755, 0o755, 0o755, 0o700, 0o644, 0o744, 0o711, 0o110, 0o001, 0o4755, 0o777)
PERIODS: tuple[str, ...] = ("1", "7", "0", "07", "@monthly", "@yearly", "@daily", "@weekly")
PERIODS += ("@monthlyx", "@Monthly", "-1", "x", "")
# No delay but 0: jobs run in the order of their delays, and each leaves its variables to the next.
DELAYS = ("0", "00", "000", "-1", "x", "5m", "", "99999999999")
IDENTIFIERS = ("job", "cron.daily", "a/b", "j-1", "#j", "=j", "j=", "a\\b", "'q'")
BLANKS = (" ", " ", "\t", "  ")
OTHER_LINES = (
    "", "# comment", "  # comment", "SHELL=/bin/sh", "HOGE=x", " HOGE = x y", "HOGE=", "=x",
    "HOGE x", "junk", "\t",
    "START_HOURS_RANGE=0-23", "RANDOM_DELAY=0", "# 1 0 commented {c}", "1 0", "@monthly", "1 0 name",
)  # fmt: skip
TAILS = ("", "", "", " a", " a b", " # c", " a\\ b", " a=b", "  ", "\t", " \\", " 'x y'")


@pytest.mark.skipif(RUN_PARTS is None, reason="run-parts is not installed")
def test_run_parts(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    folder = tmp_path / "etc/cron.daily"
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(rng.choice(MODES))
    for number, target in enumerate(("plain", "nowhere", "../../usr", "b.conf", "link1")):
        (folder / f"link{number}").symlink_to(target)
    (folder / "directory").mkdir()
    for directory in ("usr/sbin", "usr/bin"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "usr/sbin/cron").touch()
    (tmp_path / "etc/crontab").write_text("1 1 * * * root run-parts --report /etc/cron.daily\n")
    answer = subprocess.run([str(RUN_PARTS), "--test", folder], capture_output=True, check=False)
    taken = {line.rpartition(b"/")[2].decode() for line in answer.stdout.splitlines()}
    host = open_host(tmp_path, datetime(2026, 1, 1, tzinfo=timezone.utc))
    found = cron.collect(host, ScriptMachine(host))[0]
    scripts = [c.trigger for c in found if c.trigger.kind == "run-parts"]
    armed = {PurePosixPath(t.source.path).name for t in scripts if t.state == "armed"}
    compared("files of cron.daily: run-parts", len(list(folder.iterdir())))
    assert armed == taken, f"CERTAUDIT_SEED={SEED}"
    assert len(taken) > 5


@pytest.fixture(scope="module")
def anacron() -> str:
    """The real anacron, installed or from its package."""
    installed = shutil.which("anacron", path="/usr/sbin")
    if installed:
        return installed
    try:
        return str(debs.unpacked("anacron") / "usr/sbin/anacron")
    except debs.DebsError as error:
        if os.environ.get("CERTAUDIT_LIVE") == "require":
            pytest.fail(str(error))
        pytest.skip(str(error))


def anacrontab(rng: random.Random, recorder: Path) -> str:
    """A table of good and bad lines, each command with a number of its own."""
    lines = []
    for number in range(25):
        command = f"{recorder} {number}"
        if rng.random() < 0.25:
            lines.append(rng.choice(OTHER_LINES).replace("{c}", command))
            continue
        odd = rng.random() < 0.5
        words = [rng.choice(PERIODS[:3]), "0", f"id{number}"]
        if odd:
            at = rng.randrange(3)
            words[at] = rng.choice((PERIODS, DELAYS, IDENTIFIERS)[at])
            if at == 2:
                words[2] += str(number)
        blank = rng.choice(BLANKS)
        lines.append(
            rng.choice(("", "", "", " ", "#")) + blank.join([*words, command]) + rng.choice(TAILS)
        )
    return "\n".join(lines) + rng.choice(("\n", "\n", ""))


@pytest.mark.skipif(os.geteuid() != 0, reason="anacron wants to be root")
@pytest.mark.parametrize("run", range(scaled(TABLES)))
def test_anacron(anacron: str, tmp_path: Path, run: int) -> None:
    (tmp_path / "spool").mkdir()
    recorder, ran = tmp_path / "r", tmp_path / "ran"
    recorder.write_text(f'#!/bin/sh\nprintf "%s|%s\\n" "$HOGE" "$*" >>{ran}\n')
    recorder.chmod(0o755)
    ran.touch()
    text = anacrontab(random.Random(f"{SEED} {run}"), recorder)
    (tmp_path / "table").write_text(text)
    options = ["-d", "-n", "-f", "-t", str(tmp_path / "table"), "-S", str(tmp_path / "spool")]
    known = {"PATH": "/usr/bin:/bin"}
    subprocess.run([anacron, *options], env=known, capture_output=True, timeout=30, check=False)
    real = sorted(ran.read_text().splitlines())
    ran.write_text("")
    for job in parse_anacrontab(text).jobs:
        environment = {**known, **dict(job.environment)}
        subprocess.run(["/bin/sh", "-c", job.command], env=environment, timeout=10, check=False)
    mine = sorted(ran.read_text().splitlines())
    compared("lines of anacrontabs: anacron", len(text.splitlines()))
    assert mine == real, f"CERTAUDIT_SEED={SEED}: {set(mine) ^ set(real)}\n{text}"
    assert real
