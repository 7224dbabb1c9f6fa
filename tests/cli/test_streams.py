"""The command line and what it writes to: terminals, pipes, full disks; bugs and interrupts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pyte
import pytest

from fixtures.machine import MACHINES, build
from tests.cli.test_command_line import AS_OF, Ran, started


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(MACHINES / "demo.machine", tmp_path_factory.mktemp("streams") / "demo").root


# Terminals and pipes


def on_a_terminal(words: list[str], **environment: str) -> tuple[str, list[str]]:
    """What a terminal of 80 columns receives, and what it shows."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR")}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "certaudit", *words],
        dimensions=(400, 80),
        env={**kept, "TERM": "xterm-256color", **environment},
        encoding="utf-8",
        timeout=60,
    )
    child.expect(pexpect.EOF)
    child.close()
    screen = pyte.Screen(80, 400)
    pyte.Stream(screen).feed(child.before)
    return child.before, [line.rstrip() for line in screen.display]


def test_colours_only_where_they_are_wanted(demo: Path) -> None:
    words = ["audit", str(demo), "--as-of", AS_OF]
    assert "\x1b[" in on_a_terminal(words)[0]
    assert "\x1b[" not in on_a_terminal([*words, "--no-color"])[0]
    assert "\x1b[" not in on_a_terminal(words, NO_COLOR="1")[0]
    assert "\x1b[" not in on_a_terminal(words, TERM="dumb")[0]
    assert "\x1b[" not in started(*words).stdout


def test_the_terminal_never_has_to_wrap(demo: Path) -> None:
    sent, shown = on_a_terminal(["audit", str(demo), "--as-of", AS_OF, "--no-color"])
    lines = [line.rstrip() for line in sent.replace("\r\n", "\n").split("\n")]
    assert max(map(len, lines)) <= 80
    assert [line for line in shown if line] == [line for line in lines if line]


def test_a_pipe_that_is_closed_early(demo: Path) -> None:
    command = f"{sys.executable} -m certaudit audit {demo} --as-of {AS_OF} --format json | head -c 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("{", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ran = Ran(capfd, "audit", str(demo), "--as-of", AS_OF, "--output", "/dev/full")
    assert ran.refused and "No space left" in ran.err
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a descriptor for the child
        done = subprocess.run(
            [sys.executable, "-m", "certaudit", "audit", str(demo), "--as-of", AS_OF],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    errors = done.stderr
    assert (done.returncode, errors.count("\n")) == (2, 1)
    assert "No space left" in errors


# What goes wrong inside

# A shell starts what it puts into the background with SIGINT ignored, and children inherit that.
AS_IN_A_TERMINAL = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


def patched(body: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process in which ``observe`` has another body."""
    code = AS_IN_A_TERMINAL + (
        "import os, sys, time\nimport certaudit.audit\n"
        f"def observe(*_):\n    {body}\n"
        "certaudit.audit.observe = observe\n"
        "from certaudit.cli import run\nsys.exit(run(sys.argv[1:]))\n"
    )
    words = (sys.executable, "-c", code, *words)
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "error", ["1 / 0", "raise RecursionError('x\\ny')", "raise OSError(5, 'bad disk')"]
)
def test_a_bug_is_one_line_and_70(error: str, demo: Path) -> None:
    done = patched(error, "audit", str(demo), "--as-of", AS_OF)
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.startswith("certaudit: this is a bug in certaudit: ")
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_an_interrupt_is_130(demo: Path) -> None:
    done = patched("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", "audit", str(demo))
    assert (done.returncode, done.stderr) == (130, "certaudit: interrupted\n")


def test_control_c_from_a_terminal(demo: Path) -> None:
    code = AS_IN_A_TERMINAL + (
        "import sys, time\nimport certaudit.audit\n"
        "certaudit.audit.observe = lambda *_: time.sleep(30)\n"
        "from certaudit.cli import run\nprint('ready', flush=True)\nsys.exit(run(sys.argv[1:]))\n"
    )
    words = [sys.executable, "-c", code, "audit", str(demo)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=20)
    assert child.returncode == 130
    assert errors == "certaudit: interrupted\n"
