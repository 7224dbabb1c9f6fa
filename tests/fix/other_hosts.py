"""Other hosts for tests without a network: a program named ssh that runs what it is given, here.

It stands for the connection alone: the shell and the programs behind it are this machine's own. A home
directory stands for each host. Files beside it tell it where the connection breaks.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from certaudit.host import consented

PROGRAM = """#!{python}
import os, subprocess, sys
here = os.path.dirname(os.path.abspath(__file__))
host, command = sys.argv[-2], sys.argv[-1]
def told(name):
    try:
        return open(os.path.join(here, name)).read().split()
    except FileNotFoundError:
        return []
count = int((told("count") or ["0"])[0]) + 1
open(os.path.join(here, "count"), "w").write(str(count))
open(os.path.join(here, "asked"), "a").write(" ".join(sys.argv[1:]) + "\\0")
home = os.path.join(here, "hosts", host.rpartition("@")[2])
what, at = (told("break") or ["", "0"])[:2]
if not os.path.isdir(home):
    sys.exit(sys.stderr.write("ssh: connect to host port 22: Connection refused\\n") and 255)
data = sys.stdin.buffer.read()
if count == int(at) and what == "before":
    sys.exit(255)
if count == int(at) and what == "kill-before":
    os.kill(os.getppid(), 9)
    sys.exit(255)
if count == int(at) and what == "cut":
    data = data[: len(data) // 2]
done = subprocess.run(["/bin/sh", "-c", command], input=data, capture_output=True, cwd=home)
if count == int(at) and what == "kill-after":
    os.kill(os.getppid(), 9)
if count == int(at) and what in ("after", "cut"):
    sys.exit(255)
sys.stdout.buffer.write(done.stdout)
sys.stderr.buffer.write(done.stderr)
sys.exit(done.returncode)
"""


@dataclass(frozen=True, slots=True)
class OtherHosts:
    """The hosts below one directory, and the connections to them."""

    directory: Path

    def home(self, name: str) -> Path:
        """The home directory on a host, made if need be."""
        path = self.directory / "hosts" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def break_at(self, number: int, what: str) -> None:
        """Let connection ``number`` from now fail: before, after, cut, kill-before or kill-after."""
        (self.directory / "count").write_text("0")
        (self.directory / "break").write_text(f"{what} {number}")

    def whole(self) -> None:
        """No connection breaks any more."""
        self.break_at(0, "never")

    @property
    def connections(self) -> int:
        """How many there were since the last ``break_at`` or ``whole``."""
        return int((self.directory / "count").read_text())

    @property
    def asked(self) -> list[str]:
        """Every command line of ssh."""
        path = self.directory / "asked"
        return path.read_text().split("\0")[:-1] if path.exists() else []


def other_hosts(directory: Path, monkeypatch: pytest.MonkeyPatch) -> OtherHosts:
    """Put the stand-in before the system's ssh for as long as a test runs."""
    directory.mkdir()
    program = directory / "ssh"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    for name in ("sftp", "rsync"):
        refusing = directory / name
        refusing.write_text(f"#!/bin/sh\necho no {name} here >&2\nexit 255\n")
        refusing.chmod(0o755)
    monkeypatch.setattr(consented, "PATH", f"{directory}:{os.environ['PATH']}")
    return OtherHosts(directory)
