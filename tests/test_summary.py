"""What a run tells at its end, also where workers of pytest-xdist run the tests."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.summary import Summary

CHECKOUT = Path(__file__).parent.parent


@pytest.mark.skipif(not shutil.which("dash"), reason="dash is not installed")
@pytest.mark.parametrize("workers", ["0", "2"])
def test_counts_seed_and_scale_are_told(workers: str) -> None:
    words = ["-n", workers, "-p", "no:cacheprovider", "tests/parsers/shell/test_conformance.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, "-k", "generated and dash"],
        cwd=CHECKOUT,
        env={**os.environ, "CERTAUDIT_SEED": "77", "CERTAUDIT_CASES": "0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "CERTAUDIT_SEED=77 CERTAUDIT_CASES=0.1 repeats" in done.stdout
    assert re.search(r"^ +4  scripts: dash$", done.stdout, re.MULTILINE)
    assert re.search(r"^seconds by directory: parsers \d+", done.stdout, re.MULTILINE)


def test_notes_of_one_thing_add_up() -> None:
    told = Summary()
    for note in (("cases", "hoge", 2000.0), ("cases", "hoge", 1.0), ("seconds", "boot", 0.5)):
        told.add(note)
    for note in (("faults", "kills", 600.0), ("faults", "kills", 17.0), ("faults", "full disks", 3.0)):
        told.add(note)
    assert [line for line in told.lines() if "hoge" in line] == ["     2,001  hoge"]
    assert "faults tried: 620: 617 kills, 3 full disks" in told.lines()
    assert list(told.lines())[-1] == "parts of the bench: boot 0.50 s"
