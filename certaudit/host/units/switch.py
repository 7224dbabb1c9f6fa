"""Stops and starts units of the running manager, and lets it read unit files again.

Law: nothing else is asked of the manager here; with ``writer`` the only code that changes a machine.
Over the bus with pystemd, as org.freedesktop.systemd1(5) says, else through systemctl.
"""

from __future__ import annotations

import contextlib
import pwd
import time
from collections.abc import Sequence
from pathlib import Path

from certaudit.host.process import Completed, ProgramError
from certaudit.host.runner import find_program, run
from certaudit.host.units.bus import BusUnavailableError, pystemd
from certaudit.host.units.live import ManagerError

TIMEOUT = 30.0  # seconds
MANAGER = (
    b"org.freedesktop.systemd1",
    b"/org/freedesktop/systemd1",
    b"org.freedesktop.systemd1.Manager",
)
RESTING = frozenset({"inactive", "failed", ""})


class UnitSwitch:
    """The running manager of this machine: over the bus, else through systemctl.

    USER/NAME is a unit of that user's manager, which answers nobody but that user: systemctl is run as
    the user then. (--machine=USER@ needs a session bus, which a server may not have.)
    """

    def __init__(self) -> None:
        try:
            self._library = pystemd()
            bus = self._library.dbuslib.DBus()
            bus.open()
            self._bus = bus
        except BusUnavailableError:
            self._bus = None
        except self._library.error:
            self._bus = None

    def active(self, unit: str) -> str:
        """The unit's ActiveState. Raise ``ManagerError``."""
        state = ("show", "--property=ActiveState", "--value")
        if "/" in unit:
            return self._of(unit, *state).strip()
        path = self._path(unit)
        arguments = (b"org.freedesktop.systemd1.Unit", b"ActiveState")
        found = self._asked(path, b"org.freedesktop.DBus.Properties", b"Get", *arguments)
        if found is None:
            return self._of(unit, *state).strip()
        return found.decode() if isinstance(found, bytes) else str(found)

    def stop(self, unit: str) -> None:
        """Stop a unit and wait until it rests. Raise ``ManagerError``."""
        if "/" in unit or not self._told(b"StopUnit", unit.encode(), b"replace"):
            self._of(unit, "stop")
        self._wait(unit, resting=True)

    def start(self, unit: str) -> None:
        """Start a unit and wait until it runs. Raise ``ManagerError``."""
        if "/" in unit or not self._told(b"StartUnit", unit.encode(), b"replace"):
            self._of(unit, "start")
        self._wait(unit, resting=False)

    def reload(self, user: str | None = None) -> None:
        """Let the manager, or that user's, read all unit files again. Raise ``ManagerError``.

        A user's manager that does not run has nothing to read.
        """
        if user is not None:
            with contextlib.suppress(ManagerError):
                self._systemctl("daemon-reload", user=user)
        elif not self._told(b"Reload"):
            self._systemctl("daemon-reload")

    def reload_unit(self, unit: str) -> None:
        """Let a running service read its configuration again, and wait for the end of that.

        Through systemctl, which alone tells how the job has ended. Raise ``ManagerError``.
        """
        self._systemctl("reload", "--", unit)

    def _wait(self, unit: str, *, resting: bool) -> None:
        until = time.monotonic() + TIMEOUT
        while (self.active(unit) in RESTING) != resting:
            if time.monotonic() > until:
                word = "stopped" if resting else "started"
                raise ManagerError(f"{unit} has not {word} within {TIMEOUT:.0f} s")
            time.sleep(0.02)

    def _path(self, unit: str) -> bytes:
        if self._bus is None:
            return b""
        path: bytes = self._library.dbuslib.path_encode(MANAGER[1] + b"/unit", unit.encode())
        return path

    def _told(self, member: bytes, *args: bytes) -> bool:
        """Was the manager told over the bus?"""
        return self._asked(MANAGER[1], MANAGER[2], member, *args) is not None

    def _asked(self, path: bytes, interface: bytes, member: bytes, *args: bytes) -> object | None:
        """The answer over the bus; ``None``: it gave none, and gives none from now on.

        A bus may end while a plan is done. systemctl then reaches the manager on its own socket, and
        says what is wrong where the manager itself refused.
        """
        if self._bus is None:
            return None
        library = self._library
        arguments = library.dbuslib.apply_signature(b"s" * len(args), list(args)) if args else []
        try:
            body = self._bus.call_method(MANAGER[0], path, interface, member, arguments).body
        except library.error:
            self._bus = None
            return None
        return "" if body is None else body

    def _of(self, unit: str, *args: str) -> str:
        user, _, name = unit.rpartition("/")
        return self._systemctl(*args, "--", name, user=user)

    def _systemctl(self, *args: str, user: str = "") -> str:
        program = find_program("systemctl")
        if program is None:
            raise ManagerError("neither the bus nor systemctl answers")
        try:
            done = as_user(user, program, args) if user else run(program, args, timeout=TIMEOUT)
        except ProgramError as error:
            raise ManagerError(str(error)) from error
        if done.returncode != 0:
            raise ManagerError(f"systemctl {args[0]}: {done.stderr.strip() or done.returncode}")
        return done.stdout.decode("utf-8", "replace")


def as_user(name: str, program: Path, args: Sequence[str]) -> Completed:
    """What ``systemctl --user`` answers that user. Raise ``ProgramError``."""
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        raise ProgramError(f"there is no user {name} here") from None
    env = {"XDG_RUNTIME_DIR": f"/run/user/{account.pw_uid}", "HOME": account.pw_dir}
    who = (account.pw_uid, account.pw_gid)
    return run(program, ("--user", *args), timeout=TIMEOUT, env=env, account=who)
