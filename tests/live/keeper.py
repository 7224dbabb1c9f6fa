"""The process that owns one box: it boots it, and takes it away when its own input ends.

Run as ``unshare --mount --propagation private PYTHON keeper.py [ORDER]``; ORDER is JSON. Its input is
a pipe that only the process which asked for the box holds open, so however that process ends, the
box ends. Law: standard library only, and nothing outside this mount namespace but one cgroup.

Every path below is inside that namespace, where /sys/fs/cgroup is the pure cgroup2 hierarchy and
/run is empty (systemd-nspawn leaves files there).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
CGROUP = "certaudit-box-{}"  # by the keeper's process id
UPPER, WORK, MERGED = (Path("/run/layers", part) for part in ("upper", "work", "root"))
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
REBOOT = 133  # how systemd-nspawn --keep-unit asks to be started again
PATIENCE = 15.0  # seconds for a killed box to be gone
NSPAWN = (
    "/usr/bin/systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network",
    "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--suppress-sync=yes",
    "--console=pipe", "--boot",
)  # fmt: skip


@dataclass(frozen=True)
class Order:
    """What to boot: the overlay's lower directories, the uppermost first, paths shown inside at their
    own place, a host name, a time zone, and after how many seconds the box ends in any case."""

    lower: tuple[str, ...]
    read_only: tuple[str, ...]
    writable: tuple[str, ...]
    name: str
    zone: str
    lifetime: float

    def text(self) -> str:
        """The argument of this program."""
        return json.dumps(asdict(self))


def main() -> int:
    """Boot, wait for the end of input, of the box or of its lifetime, and take all away.

    Without an order only what killed keepers have left is taken away.
    """
    mount("-t", "cgroup2", "cgroup2", str(CGROUPS))
    sweep()
    if len(sys.argv) == 1:
        return 0
    order = Order(**json.loads(sys.argv[1]))
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # so that no zombie of the box outlives this
    mount_layers(order)
    until = time.monotonic() + order.lifetime
    while boot(order, until) == REBOOT:
        pass
    return 0


def boot(order: Order, until: float) -> int:
    """One life of the box, from power on to off; how systemd-nspawn ended (-9 if it was taken away)."""
    cgroup = CGROUPS / CGROUP.format(os.getpid())
    cgroup.mkdir()
    box = subprocess.Popen(
        command(order),
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        env={"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        preexec_fn=entering(cgroup),  # noqa: PLW1509 - this process has one thread
    )
    try:
        watch(box, until - time.monotonic())
    finally:
        box.kill()
        remove(cgroup)
        box.wait(PATIENCE)
        reap()
    return box.returncode


def mount_layers(order: Order) -> None:
    """An empty /run, and in it the overlay whose changes are memory."""
    # A lower directory may lie below what the next mount hides, and its name may hold a colon.
    lower = [f"/proc/{os.getpid()}/fd/{os.open(path, os.O_PATH)}" for path in order.lower]
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for directory in (UPPER, WORK, MERGED):
        directory.mkdir(parents=True)
    options = f"lowerdir={':'.join(lower)},upperdir={UPPER},workdir={WORK}"
    mount("-t", "overlay", "overlay", "-o", options, str(MERGED))
    set_zone(MERGED, order.zone)
    for path in (*order.read_only, *order.writable):
        make_reachable(MERGED, Path(path))


def set_zone(merged: Path, zone: str) -> None:
    """The machine's local time (localtime(5)), in place before anything is logged."""
    (merged / "etc/timezone").write_text(f"{zone}\n")
    link = merged / "etc/localtime"
    link.unlink(missing_ok=True)
    link.symlink_to(f"/usr/share/zoneinfo/{zone}")


def mount(*arguments: str) -> None:
    """mount(8)."""
    subprocess.run(["/bin/mount", *arguments], check=True)


def make_reachable(merged: Path, path: Path) -> None:
    """Let every user of the box come to a shown path, also where it lies below a private home."""
    for parent in reversed(path.parents):
        directory = merged / parent.relative_to("/")
        directory.mkdir(exist_ok=True)
        mode = directory.stat().st_mode
        if mode & 0o011 != 0o011:
            directory.chmod(mode | 0o011)


def command(order: Order) -> list[str]:
    """The call of systemd-nspawn."""
    shown = [f"--bind-ro={path}" for path in order.read_only]
    shown += [f"--bind={path}" for path in order.writable]
    return [*NSPAWN, f"--directory={MERGED}", f"--machine={order.name}", *shown]


def entering(cgroup: Path) -> Callable[[], None]:
    """What the child does before it becomes systemd-nspawn: live in ``cgroup``, die with its parent."""
    libc = ctypes.CDLL(None)

    def enter() -> None:
        (cgroup / "cgroup.procs").write_text("0")
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    return enter


def watch(box: subprocess.Popen[bytes], seconds: float) -> None:
    """Return when the input or the box has ended, at the latest after some seconds."""
    waiter = select.poll()
    waiter.register(sys.stdin.fileno(), select.POLLIN | select.POLLHUP)
    ended = os.pidfd_open(box.pid)
    waiter.register(ended, select.POLLIN)
    waiter.poll(max(seconds, 0) * 1000)
    os.close(ended)


def sweep() -> None:
    """Take away the boxes of keepers that were killed themselves."""
    for cgroup in CGROUPS.glob(CGROUP.format("*")):
        owner = cgroup.name.rpartition("-")[2]
        if not (Path("/proc", owner).exists() or is_of_another_machine(cgroup)):
            remove(cgroup)


def is_of_another_machine(cgroup: Path) -> bool:
    """Does it hold processes that have no id here, as those of another container (cgroups(7))?"""
    return any("0" in processes.read_text().split() for processes in cgroup.rglob("cgroup.procs"))


def remove(cgroup: Path) -> None:
    """Kill what is left in a cgroup and remove it with all below it. Raise ``TimeoutError``."""
    with contextlib.suppress(FileNotFoundError):
        (cgroup / "cgroup.kill").write_text("1")  # since Linux 5.14; else nspawn's end ends them
    until = time.monotonic() + PATIENCE
    while cgroup.exists():
        below = sorted((Path(found) for found, _, _ in os.walk(cgroup)), reverse=True)
        with contextlib.suppress(OSError):  # busy until the last process is reaped
            for directory in below:
                directory.rmdir()
        if time.monotonic() > until:
            raise TimeoutError(f"{cgroup} is still in use")
        time.sleep(0.005)


def reap() -> None:
    """Wait for the killed processes that systemd-nspawn has left to this one."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


if __name__ == "__main__":
    sys.exit(main())
