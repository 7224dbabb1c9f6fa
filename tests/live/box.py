"""A box: a throw-away container with a real systemd, to run commands in.

Law: nothing of the machine changes and nothing stays behind. The box has its own processes, mounts,
network (loopback only) and cgroup; what is written in it is memory. Its clock is the machine's own:
commands run without CAP_SYS_TIME, so that nothing in a box can set it. A box is no security
boundary otherwise: it runs as the machine's root.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO
from zoneinfo import ZoneInfo

from tests.live import root as roots
from tests.live.keeper import CGROUP, CGROUPS, UPPER, Order
from tests.summary import timed

CHECKOUT = Path(__file__).resolve().parents[2]
KEEPER = (
    "/usr/bin/unshare", "--mount", "--propagation", "private",
    sys.executable, "-I", str(Path(__file__).with_name("keeper.py")),
)  # fmt: skip
PROGRAMS = ("systemd-nspawn", "mmdebstrap", "unshare", "nsenter", "setpriv", "tar")
CAP_SYS_ADMIN = 21
BOOT_TIMEOUT = 60.0
DOWN_TIMEOUT = 40.0
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
WRITE = 'mkdir -p "${1%/*}" && cat >"$1" && chmod "$2" "$1"'


class BoxError(Exception):
    """A box that does not boot, or a step of the bench that fails in it."""


def why_not() -> str | None:
    """One line that says why no box can run here, or ``None``."""
    if platform.system() != "Linux":
        return "it needs Linux"
    if os.geteuid() != 0:
        return "it needs root"
    if not int(status("self")["CapEff"], 16) >> CAP_SYS_ADMIN & 1:
        return "it needs CAP_SYS_ADMIN (a container must be privileged)"
    missing = [program for program in PROGRAMS if not shutil.which(program, path=roots.CLEAN_PATH)]
    if missing:
        return f"missing: {', '.join(missing)} (apt-get install systemd-container mmdebstrap)"
    if "cgroup2" not in Path("/proc/filesystems").read_text().split():
        return "the kernel has no cgroup2"
    if roots.sources() is None:
        return "there is no list of Debian package sources under /etc/apt"
    return None


def status(process: int | str) -> dict[str, str]:
    """The fields of /proc/PID/status (proc(5))."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


class Box:
    """A booted container over ``root``, from entering the context to leaving it.

    Without ``root`` the base packages' one is taken, built if need be; ``saved`` is what another
    box over the same root has left (``save``). ``read_only`` and ``writable`` paths of this machine
    are shown inside at their own place, as are the checkout and the interpreter that runs this.
    After ``lifetime`` seconds the box ends in any case.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        saved: Path | None = None,
        read_only: Iterable[Path] = (),
        writable: Iterable[Path] = (),
        name: str = roots.HOSTNAME,
        zone: str = "Etc/UTC",
        lifetime: float = 1800.0,
    ) -> None:
        lower = tuple(str(path) for path in (saved, root or roots.root()) if path)
        shown = outermost((CHECKOUT, *interpreter(), *read_only))
        self._order = Order(lower, shown, tuple(map(str, writable)), name, zone, lifetime)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._console: IO[bytes] | None = None
        self._limits: tuple[str, ...] = ()

    def __enter__(self) -> Box:
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    def up(self) -> None:
        """Boot, and return when systemd has started everything. Raise ``BoxError``."""
        self._console = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - as long as the box
        with timed("boot"):
            self._keeper = subprocess.Popen(
                [*KEEPER, self._order.text()],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._console,
                env={"PATH": roots.CLEAN_PATH},
                start_new_session=True,
            )
            try:
                self._wait_for_boot()
            except BaseException:
                with contextlib.suppress(BoxError):
                    self.down()
                raise

    def down(self) -> None:
        """End the box at once and wait until nothing is left of it. Raise ``BoxError``."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        with timed("down"):
            keeper.communicate(timeout=DOWN_TIMEOUT)
        console, self._console = self.console(), None
        if keeper.returncode != 0:
            subprocess.run(KEEPER, env={"PATH": roots.CLEAN_PATH}, check=True)
            raise BoxError(f"the keeper failed:\n{console}")

    def reboot(self) -> None:
        """Reboot the machine in the box; its file system stays as it is."""
        before = self.leader
        self.run("/usr/bin/systemctl", "reboot")
        self.await_boot(before)

    def await_boot(self, before: int) -> None:
        """Return when a reboot has ended that something in the box began; ``before`` was its PID 1."""
        with timed("reboot"):
            self._wait_for_boot(before)

    def console(self) -> str:
        """What the box and its keeper have printed so far."""
        if self._console is None:
            return ""
        self._console.seek(0)
        return self._console.read().decode("utf-8", "replace")

    @property
    def keeper(self) -> int:
        """The keeper's process id, which names the box's cgroup. Raise ``BoxError`` if it is down."""
        if self._keeper is None:
            raise BoxError("the box is down")
        return self._keeper.pid

    @property
    def leader(self) -> int:
        """The box's PID 1 as this machine counts. Raise ``BoxError`` while there is none."""
        scope = self._kept(CGROUPS) / CGROUP.format(self.keeper) / "payload/init.scope"
        try:
            processes = (scope / "cgroup.procs").read_text().split()
        except OSError as error:
            raise BoxError("systemd is not up") from error
        if not processes:
            raise BoxError("systemd is not up")
        return int(processes[0])

    def _kept(self, path: Path) -> Path:
        """A path of the keeper's mount namespace, seen from outside."""
        return Path(f"/proc/{self.keeper}/root", *path.parts[1:])

    @property
    def zone(self) -> ZoneInfo:
        """The box's local time."""
        return ZoneInfo(self._order.zone)

    def _wait_for_boot(self, before: int | None = None) -> None:
        until = time.monotonic() + BOOT_TIMEOUT
        while not self._booted(before):
            if self._keeper is None or self._keeper.poll() is not None or time.monotonic() > until:
                raise BoxError(f"the box did not boot:\n{self.console()}")
            time.sleep(0.02)

    def _booted(self, before: int | None) -> bool:
        try:
            leader = self.leader
            if leader == before:
                return False
            self._limits = limits(leader)
            state = self.run("/usr/bin/systemctl", "is-system-running", timeout=10).stdout.strip()
        except (BoxError, OSError):
            return False
        return state in ("running", "degraded")

    def run(
        self,
        *command: str | Path,
        user: str = "root",
        env: Mapping[str, str] | None = None,
        stdin: str = "",
        timeout: float = 120.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the box; its exit code passes through.

        The environment is a plain one with ``env`` added. Raise ``subprocess.TimeoutExpired``; the
        program has then been killed.
        """
        return subprocess.run(
            self.argv(*command, user=user, env=env),
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def output(self, *command: str | Path, stdin: str = "", user: str = "root") -> str:
        """The output of a program that must succeed. Raise ``BoxError`` with what it said."""
        done = self.run(*command, stdin=stdin, user=user)
        if done.returncode != 0:
            raise BoxError(f"{command}: exit {done.returncode}: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def argv(
        self, *command: str | Path, user: str = "root", env: Mapping[str, str] | None = None
    ) -> list[str]:
        """The command line on this machine that runs a program in the box.

        nsenter(1) keeps the caller's capabilities, so they are cut to those of the box's PID 1.
        """
        spaces = ["-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]
        enter = ["/usr/bin/nsenter", "-t", str(self.leader), *spaces]
        become = ["/usr/bin/setpriv", "--inh-caps=-all", *self._limits]
        settings = {**ENVIRONMENT, **self._identity(user), **(env or {})}
        if user != "root":
            become += [f"--reuid={user}", f"--regid={user}", "--init-groups"]
        become += ["--pdeathsig=KILL", "/usr/bin/env", "-i"]
        return [*enter, *become, *(f"{k}={v}" for k, v in settings.items()), *map(str, command)]

    def _identity(self, user: str) -> dict[str, str]:
        if user == "root":
            return {"HOME": "/root", "USER": "root"}
        fields = self.output("/usr/bin/getent", "passwd", user).strip().split(":")
        return {"HOME": fields[5], "USER": user, "XDG_RUNTIME_DIR": f"/run/user/{fields[2]}"}

    def certaudit(
        self, *arguments: str, user: str = "root", timeout: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """Run this checkout's certaudit in the box."""
        env = {"PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
        command = (sys.executable, "-m", "certaudit", *arguments)
        return self.run(*command, user=user, env=env, timeout=timeout)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Put a text file into the box, with its directories."""
        self.output("/bin/sh", "-c", WRITE, "sh", path, f"{mode:o}", stdin=text)

    def read(self, path: str) -> str:
        """The text of a file in the box."""
        return self.output("/bin/cat", "--", path)

    def exists(self, path: str) -> bool:
        """Is there something behind this path in the box?"""
        return self.run("/usr/bin/test", "-e", path).returncode == 0

    def put(self, tree: Path) -> None:
        """Lay a directory tree over the box's file system, as root's files, as of now."""
        pack = ["tar", "-C", str(tree), "--owner=0", "--group=0", "--mode=go-w", "-cf", "-", "."]
        packed = subprocess.run(pack, capture_output=True, check=True)
        unpack = self.argv("/bin/tar", "-C", "/", "--no-overwrite-dir", "--touch", "-xf", "-")
        subprocess.run(unpack, input=packed.stdout, capture_output=True, check=True)

    def collect(self, paths: Iterable[str], destination: Path) -> Path:
        """Copy files and directories of the box, with owners, modes and times, below a directory."""
        relative = [path.lstrip("/") for path in paths]
        pack = self.argv("/bin/tar", "-C", "/", "--numeric-owner", "-cf", "-", "--", *relative)
        packed = subprocess.run(pack, capture_output=True, check=False)
        if packed.returncode != 0:
            raise BoxError(f"collecting {relative}: {packed.stderr.decode().strip()}")
        destination.mkdir(parents=True, exist_ok=True)
        unpack = ["tar", "-C", str(destination), "--numeric-owner", "-xpf", "-"]
        subprocess.run(unpack, input=packed.stdout, check=True)
        return destination

    def save(self, destination: Path) -> Path:
        """Copy all that was written in the box to a new directory, for other boxes to start from.

        They must be given the same root; only root can remove the directory.
        """
        self.output("/usr/bin/journalctl", "--sync")
        subprocess.run(["cp", "-a", str(self._kept(UPPER)), str(destination)], check=True)
        return destination


def limits(leader: int) -> tuple[str, ...]:
    """The options of setpriv(1) that leave a command no more capabilities than ``leader`` has."""
    bounding = int(status(leader)["CapBnd"], 16)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    drop = [f"-cap_{number}" for number in range(last + 1) if not bounding >> number & 1]
    return (f"--bounding-set={','.join(drop)}",) if drop else ()


def interpreter() -> tuple[Path, ...]:
    """The virtual environment and the Python below it; one under /usr the box has of its own."""
    prefixes = (Path(sys.prefix), Path(sys.base_prefix))
    return tuple(prefix for prefix in prefixes if not prefix.is_relative_to("/usr"))


def outermost(paths: Iterable[Path]) -> tuple[str, ...]:
    """The paths that lie in none of the others, each once."""
    found = {path.resolve() for path in paths}
    return tuple(sorted(str(p) for p in found if not any(other in p.parents for other in found)))
