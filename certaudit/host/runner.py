"""The only code that starts a program: systemctl and journalctl of this machine, to read.

Law: no shell, no input, no inherited environment; every run ends in time, with its whole process
group, and never fills the memory. Nothing found on an audited machine can be started here.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from certaudit.errors import CertauditError

ALLOWED = frozenset(
    Path(folder, name) for folder in ("/usr/bin", "/bin") for name in ("systemctl", "journalctl")
)
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
_CHUNK = 1 << 16
_MAX_STDERR = 1 << 16


class ProgramError(CertauditError):
    """A program could not be run, or its answer could not be had."""


class ProgramRefusedError(ProgramError):
    """The program is none of those that certaudit starts."""


class ProgramMissingError(ProgramError):
    """The program is not there, or this user may not execute it."""


class ProgramTimeoutError(ProgramError):
    """The program took too long and was killed."""


class ProgramOutputError(ProgramError):
    """The program wrote more than allowed and was killed; ``output`` is the part that was read."""

    def __init__(self, reason: str, output: bytes) -> None:
        super().__init__(reason)
        self.output = output


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended. ``returncode`` is -N after signal N; ``stderr`` is cut at 64 KiB."""

    returncode: int
    stdout: bytes
    stderr: str


def find_program(name: str) -> Path | None:
    """The path of an allowed program on this machine, or None where it has none."""
    for folder in ("/usr/bin", "/bin"):
        path = Path(folder, name)
        if path in ALLOWED and os.access(path, os.X_OK):
            return path
    return None


def run(
    program: Path,
    args: Sequence[str],
    *,
    timeout: float = 30.0,
    max_output_bytes: int = 64 << 20,
    env: Mapping[str, str] | None = None,
    account: tuple[int, int] | None = None,
) -> Completed:
    """Run ``program`` (absolute, one of ``ALLOWED``) and wait for its end, ``timeout`` in seconds.

    ``env`` is added to an environment of PATH and LC_ALL=C alone; ``account`` is the user and group
    that it runs as, without any other group (default: one's own). Raises ``ProgramRefusedError``,
    ``ProgramMissingError``, ``ProgramTimeoutError``, ``ProgramOutputError``; a status other than
    0 is no error here.
    """
    if program not in ALLOWED:
        raise ProgramRefusedError(f"{program} is not a program that certaudit starts")
    argv = [str(program), *args]
    return _run(argv, timeout, max_output_bytes, {**(env or {}), **_ENVIRONMENT}, account)


def _run(
    argv: list[str],
    timeout: float,
    limit: int,
    env: Mapping[str, str],
    account: tuple[int, int] | None = None,
) -> Completed:
    user, group = account or (None, None)
    try:
        process = subprocess.Popen(  # noqa: S603 - an allowed program, no shell
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd="/",
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if account is None else [],
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        raise ProgramMissingError(f"{argv[0]} could not be started: {error}") from error
    with process:
        try:
            return _collect(process, argv[0], timeout, limit)
        except BaseException:
            _kill_group(process)
            raise


def _collect(process: subprocess.Popen[bytes], name: str, timeout: float, limit: int) -> Completed:
    deadline = time.monotonic() + timeout
    stdout, stderr = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, buffer in ((process.stdout, stdout), (process.stderr, stderr)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, buffer)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready or time.monotonic() > deadline:
                raise ProgramTimeoutError(f"{name} did not end within {timeout:g} s")
            for key, _ in ready:
                if not _read_into(key.fileobj, key.data):  # type: ignore[arg-type]
                    selector.unregister(key.fileobj)
            if len(stdout) > limit:
                raise ProgramOutputError(f"{name} wrote more than {limit} bytes", bytes(stdout[:limit]))
            del stderr[_MAX_STDERR:]
    try:
        code = process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise ProgramTimeoutError(f"{name} did not end within {timeout:g} s") from None
    return Completed(code, bytes(stdout), stderr.decode("utf-8", "replace"))


def _read_into(pipe: IO[bytes], buffer: bytearray) -> bool:
    chunk = os.read(pipe.fileno(), _CHUNK)
    buffer += chunk
    return bool(chunk)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the program, not yet waited for, and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # the whole group is gone
        return
