"""When the installed certbot looks for the programs of hooks, and what the shell that runs one says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from certaudit.host.root import Root
from certaudit.sources.dead_hooks import dead_command

CERTBOT = os.environ.get("CERTAUDIT_CERTBOT") or shutil.which("certbot")

pytestmark = pytest.mark.skipif(CERTBOT is None, reason="no certbot is installed on this machine")


def renew(config: Path, *flags: str) -> tuple[int, str]:
    """A run without a lineage: it succeeds unless its options are refused."""
    assert CERTBOT is not None
    words = [CERTBOT, "renew", "-n", "--config-dir", str(config), "--work-dir", f"{config}-w"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(config), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [*words, "--logs-dir", f"{config}-l", *flags],
        capture_output=True, text=True, timeout=120, env=environment, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("option", ["--pre-hook", "--post-hook", "--deploy-hook", "--renew-hook"])
def test_a_hook_of_the_call_is_looked_for_before_anything_else(tmp_path: Path, option: str) -> None:
    gone = str(tmp_path / "gone")
    code, told = renew(tmp_path / "le", option, f"{gone} --all")
    assert (code, f"hook command {gone} in the PATH" in told) == (1, True)
    assert renew(tmp_path / "le", option, f"{gone} --all", "--disable-hook-validation")[0] == 0


def test_so_is_one_of_cli_ini(tmp_path: Path) -> None:
    ini = tmp_path / "cli.ini"
    ini.write_text(f"deploy-hook = {tmp_path}/gone\n")
    code, told = renew(tmp_path / "le", "-c", str(ini))
    assert (code, "deploy-hook command" in told) == (1, True)


@pytest.mark.parametrize(
    ("text", "mode", "code"),
    [
        ("#!/bin/sh\nexit 0\n", 0o755, 0),
        ("#!/bin/sh\nexit 0\n", 0o644, 126),
        ("#!/usr/bin/hogehoge\n", 0o755, 127),
        ("#!/bin/sh\r\nexit 0\r\n", 0o755, 127),
        ("exit 0\n", 0o755, 0),
        (None, 0, 127),
    ],
)
def test_what_the_shell_of_a_hook_says(tmp_path: Path, text: str | None, mode: int, code: int) -> None:
    script = tmp_path / "hook"
    if text is not None:
        script.write_text(text)
        script.chmod(mode)
    ran = subprocess.run(["/bin/sh", "-c", str(script)], capture_output=True, check=False)
    assert ran.returncode == code
    assert (dead_command(Root(Path("/")), str(script)) is None) == (code == 0)
