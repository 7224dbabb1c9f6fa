"""The only code that starts a process; which programs may be started, ``runner`` and ``consented`` say.

Law: no shell, no inherited environment; every run ends in time, with its whole process group, and
never fills the memory. What goes in goes through the standard input, never onto a command line.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import IO

from msgspec import Struct

from certaudit.errors import CertauditError

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


class Completed(Struct, frozen=True):
    """How a program ended. ``returncode`` is -N after signal N; ``stderr`` is cut at 64 KiB."""

    returncode: int
    stdout: bytes
    stderr: str


def start(
    argv: Sequence[str],
    *,
    timeout: float,
    limit: int,
    env: Mapping[str, str],
    stdin: bytes | None = None,
    cwd: str = "/",
    account: tuple[int, int] | None = None,
) -> Completed:
    """Run a program by its absolute path, with ``stdin`` as its input (``None``: none at all).

    ``account`` is the user and group that it runs as, without any other group (default: one's own).

    Raise ``ProgramMissingError``, ``ProgramTimeoutError`` after ``timeout`` seconds,
    ``ProgramOutputError`` beyond ``limit`` bytes of output; a status other than 0 is no error here.
    """
    user, group = account or (None, None)
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell; who may call says the module's law
            list(argv),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            user=user,
            group=group,
            extra_groups=None if account is None else [],
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
        raise ProgramMissingError(f"{argv[0]} could not be started: {error}") from error
    with process:
        try:
            return _collect(process, argv[0], timeout, limit, stdin or b"")
        except BaseException:
            _kill_group(process)
            raise


def _collect(
    process: subprocess.Popen[bytes], name: str, timeout: float, limit: int, stdin: bytes
) -> Completed:
    deadline = time.monotonic() + timeout
    stdout, stderr = bytearray(), bytearray()
    left = memoryview(stdin)
    with selectors.DefaultSelector() as selector:
        for pipe, buffer in ((process.stdout, stdout), (process.stderr, stderr)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, buffer)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready or time.monotonic() > deadline:
                raise ProgramTimeoutError(f"{name} did not end within {timeout:g} s")
            for key, events in ready:
                if events & selectors.EVENT_WRITE:
                    left = _write_from(key.fileobj, left)  # type: ignore[arg-type]
                    done = not left
                else:
                    done = not _read_into(key.fileobj, key.data)  # type: ignore[arg-type]
                if done:
                    selector.unregister(key.fileobj)
                    if key.fileobj is process.stdin:
                        process.stdin.close()
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


def _write_from(pipe: IO[bytes], left: memoryview) -> memoryview:
    """What is still to be written; nothing where the program does not read it."""
    try:
        return left[os.write(pipe.fileno(), left[:_CHUNK]) :]
    except BrokenPipeError:
        return left[:0]


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End the program, not yet waited for, and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # the whole group is gone
        return
