"""The bar for a person who waits: on a terminal, after a second, and gone in the end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pyte
import pytest

from fixtures.machine import MACHINES, build

SCRIPT = """
import sys
from certaudit.cli import progress, run
progress.PATIENCE = float(sys.argv[1])
code = run(sys.argv[2:])
print("rich.progress" in sys.modules, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(MACHINES / "demo.machine", tmp_path_factory.mktemp("progress") / "demo").root


def on_a_terminal(patience: str, demo: Path, **environment: str) -> str:
    """All that an audit whose report goes to a file writes on a terminal."""
    words = ["audit", str(demo), "--as-of", "2023-12-03T12:24:00+09:00", "--output", os.devnull]
    child = pexpect.spawn(
        sys.executable,
        ["-c", SCRIPT, patience, *words],
        env={**os.environ, "TERM": "xterm", **environment},
        dimensions=(24, 80),
        encoding="utf-8",
        timeout=60,
    )
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 1  # findings
    return child.before or ""


def test_a_long_wait_shows_how_far_it_is_and_leaves_nothing(demo: Path) -> None:
    written = on_a_terminal("-1", demo)
    assert "reading logs" in written and "bytes" in written.replace("kB", "bytes")
    screen = pyte.Screen(80, 24)
    pyte.Stream(screen).feed(written)
    assert [line.rstrip() for line in screen.display if line.strip()] == ["True"]


def test_a_short_wait_shows_nothing_and_costs_no_import(demo: Path) -> None:
    assert on_a_terminal("60", demo).split() == ["False"]


def test_a_terminal_without_any_control_is_left_alone(demo: Path) -> None:
    assert on_a_terminal("-1", demo, TERM="dumb") == "certaudit: reading the machine ...\r\nFalse\r\n"
