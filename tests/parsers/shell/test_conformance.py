"""What the reader says against what dash and bash really run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from certaudit.parsers.shell import Command, CommandLine, Place, Trace, follow
from tests.parsers.shell.generated import Generator
from tests.parsers.shell.machines import DirectoryMachine

SHELLS = [name for name in ("dash", "bash") if shutil.which(name)]
FAKE = """#!/bin/sh
printf '%s\\0' "${{0##*/}}" "$@" '<end>' >> '{log}'
exit {status}
"""
Argv = tuple[str, ...]


class World:
    """A directory with fake programs that note how they were called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.log = root / "log"
        (root / "there").mkdir(parents=True)
        self.bin.mkdir()
        for name, status in (("ok", 0), ("no", 1)):
            self.program(name, status)
        self.environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(root)}

    def program(self, name: str, status: int = 0) -> None:
        file = self.bin / name
        file.write_text(FAKE.format(log=self.log, status=status))
        file.chmod(0o755)

    def script(self, name: str, text: str) -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
        return file

    def run(self, shell: str, text: str) -> list[Argv]:
        self.log.write_bytes(b"")
        subprocess.run(
            [shell, "-c", text], cwd=self.root, env=self.environment, timeout=20, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        records = self.log.read_bytes().decode().split("<end>\0")
        return [tuple(record.split("\0")[:-1]) for record in records if record]

    def follow(self, shell: str, text: str) -> Trace:
        place = Place("/etc/cron.d/x", 1, text[:300])
        entry = CommandLine(text, place, tuple(self.environment.items()), f"/bin/{shell}")
        return follow(entry, DirectoryMachine(self.bin))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def same(said: Sequence[str | None], real: Sequence[str]) -> bool:
    """Does an argument list with unknown words (any number of real ones) fit a real one?"""
    if not said:
        return not real
    if said[0] is None:
        return any(same(said[1:], real[n:]) for n in range(len(real) + 1))
    return bool(real) and said[0] == real[0] and same(said[1:], real[1:])


def fakes(trace: Trace, names: Sequence[str] = ("ok", "no")) -> list[Command]:
    return [c for c in trace.commands if c.argv and c.argv[0] in names]


def predictions(trace: Trace) -> dict[int, bool | None]:
    """Whether each command runs, as guards and needs tell when the programs' statuses are known."""
    runs: dict[int, bool | None] = {}
    for command in trace.commands:
        answers: list[bool | None] = [guard.holds for guard in command.guards]
        for need in command.needs:
            if need.condition == "any-known":
                answers.append(None)
                continue
            earlier = trace.commands[need.command - 1]
            if earlier.argv[0] not in ("ok", "no"):
                answers.append(None)
                continue
            fits = (earlier.argv[0] == "ok") == (need.condition == "success")
            answers.append(False if not fits else runs[need.command])
        runs[command.number] = False if False in answers else None if None in answers else True
    return runs


def check(trace: Trace, real: list[Argv]) -> None:
    listed = fakes(trace)
    for argv in real:
        assert any(same(c.argv, argv) for c in listed), f"ran, but is not listed: {argv}"
    runs = predictions(trace)
    for command in listed:
        ran = any(same(command.argv, argv) for argv in real)
        alike = [runs[c.number] for c in listed if c.argv == command.argv]
        if runs[command.number] is True:
            assert ran, f"said to run, did not: {command}"
        if set(alike) == {False}:
            assert not ran, f"said not to run, ran: {command}"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("seed", range(60))
def test_generated_scripts_run_as_they_are_read(world: World, shell: str, seed: int) -> None:
    text = Generator(seed).script()
    check(world.follow(shell, text), world.run(shell, text))
