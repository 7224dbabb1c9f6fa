"""Faults at any call that changes a disk: the process killed before or after it, or the call failing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CHANGING = (
    "chown",
    "fchmod",
    "fchown",
    "fsync",
    "mkdir",
    "open",
    "rename",
    "rmdir",
    "setxattr",
    "symlink",
    "unlink",
    "utime",
    "write",
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
Hook = Callable[[int, Callable[[], object]], object]


@contextmanager
def watched(hook: Hook) -> Iterator[None]:
    """Let ``hook(number, call)`` make each call of ``os`` that changes a disk."""
    count = 0
    real = {name: getattr(os, name) for name in CHANGING}

    def wrapped(name: str) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal count
            opened = name == "open" and isinstance(args[1], int)
            if opened and (args[0] == os.devnull or not args[1] & WRITING):  # type: ignore[operator]
                return real[name](*args, **kwargs)
            count += 1
            return hook(count, lambda: real[name](*args, **kwargs))

        return call

    for name in CHANGING:
        setattr(os, name, wrapped(name))
    try:
        yield
    finally:
        for name, function in real.items():
            setattr(os, name, function)


def counted(act: Callable[[], object]) -> int:
    """How many such calls an act makes."""
    last = 0

    def hook(number: int, call: Callable[[], object]) -> object:
        nonlocal last
        last = number
        return call()

    with watched(hook):
        act()
    return last


def killed(act: Callable[[], object], at: int, *, after: bool) -> None:
    """Do an act in a process that is killed with SIGKILL just before or after its call number ``at``."""

    def hook(number: int, call: Callable[[], object]) -> object:
        if number == at and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return call()
        finally:
            if number == at:
                os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        try:
            with watched(hook):
                act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"call {at} was never made"


def failing(act: Callable[[], object], at: int, error: int) -> Exception | None:
    """Do an act whose call number ``at`` fails; what it raised."""

    def hook(number: int, call: Callable[[], object]) -> object:
        if number == at:
            raise OSError(error, os.strerror(error))
        return call()

    with watched(hook):
        try:
            act()
        except Exception as raised:
            return raised
    return None
