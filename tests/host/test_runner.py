"""Starting systemctl and journalctl, and nothing else."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from certaudit.errors import CertauditError
from certaudit.host.process import (
    Completed,
    ProgramError,
    ProgramMissingError,
    ProgramOutputError,
    ProgramRefusedError,
    ProgramTimeoutError,
    start,
)
from certaudit.host.runner import ALLOWED, find_program, run

JOURNALCTL = find_program("journalctl")
needs_journalctl = pytest.mark.skipif(JOURNALCTL is None, reason="no journalctl on this machine")


def shell(
    script: str,
    timeout: float = 10,
    limit: int = 1000,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> Completed:
    """Any program behind the allow-list, which systemctl and journalctl cannot stand for."""
    argv = ["/bin/sh", "-c", script]
    return start(argv, timeout=timeout, limit=limit, env=env or {}, stdin=stdin)


@pytest.mark.parametrize(
    "program",
    ["/bin/sh", "journalctl", "bin/journalctl", "/tmp/journalctl", "/usr/bin/../bin/journalctl"],
)
def test_a_program_off_the_list_is_refused(program: str) -> None:
    with pytest.raises(ProgramRefusedError):
        run(Path(program), ["--version"])


def test_the_list_is_short() -> None:
    assert sorted(map(str, ALLOWED)) == [
        "/bin/journalctl",
        "/bin/systemctl",
        "/usr/bin/journalctl",
        "/usr/bin/systemctl",
    ]
    assert find_program("sh") is None


@needs_journalctl
def test_an_allowed_program_runs_with_english_messages() -> None:
    assert JOURNALCTL is not None
    done = run(JOURNALCTL, ["--file=/nonexistent/x.journal"], env={"LC_ALL": "de_DE.UTF-8"})
    assert (done.returncode, done.stdout) == (1, b"")
    assert "No such file or directory" in done.stderr


@needs_journalctl
def test_a_zero_byte_in_an_argument_is_a_typed_error() -> None:
    assert JOURNALCTL is not None
    with pytest.raises(ProgramMissingError):
        run(JOURNALCTL, ["a\0b"])


def test_output_status_and_errors_are_kept_apart() -> None:
    assert shell("echo out; echo err >&2; exit 3") == Completed(3, b"out\n", "err\n")
    assert shell("kill -TERM $$").returncode == -15
    assert shell("printf '\\377' >&2").stderr == "\ufffd"


def test_no_input_and_no_inherited_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    assert shell("cat; echo ${SECRET-none} $HOOK; pwd", env={"HOOK": "y"}).stdout == b"none y\n/\n"


def test_input_of_any_length_goes_in_and_a_program_need_not_read_it() -> None:
    data = bytes(range(256)) * 4000
    done = shell("cat | sha256sum", stdin=data)
    assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()
    assert shell("exit 0", stdin=data).returncode == 0
    assert shell("cat", stdin=b"") == Completed(0, b"", "")


def test_a_missing_program_is_a_typed_error() -> None:
    with pytest.raises(ProgramMissingError):
        start(["/nonexistent/program"], timeout=1, limit=1, env={})


def test_more_output_than_allowed_is_an_error_that_keeps_the_beginning() -> None:
    with pytest.raises(ProgramOutputError) as caught:
        shell("while :; do echo 0123456789; done", limit=15)
    assert caught.value.output == b"0123456789\n0123"
    assert len(shell("printf '%015d' 0", limit=15).stdout) == 15


def test_endless_errors_do_not_fill_the_memory() -> None:
    done = shell("i=0; while [ $i -lt 3000 ]; do printf '%0100d' 0 >&2; i=$((i+1)); done")
    assert len(done.stderr) == 1 << 16


def test_a_timeout_ends_the_whole_group(tmp_path: Path) -> None:
    script = f"sleep 60 & echo $! > {tmp_path}/child; wait"
    began = time.monotonic()
    with pytest.raises(ProgramTimeoutError, match="did not end within"):
        shell(script, timeout=0.5)
    assert time.monotonic() - began < 5
    child = int((tmp_path / "child").read_text())
    assert _ended(child)


def test_a_program_that_closes_its_output_and_stays_is_ended() -> None:
    with pytest.raises(ProgramTimeoutError):
        shell("exec >&- 2>&-; exec sleep 60", timeout=0.3)


def test_errors_are_certaudits() -> None:
    assert issubclass(ProgramError, CertauditError)


def _ended(pid: int) -> bool:
    """Whether the process is gone, or only waits for its parent to notice."""
    for _ in range(50):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False
