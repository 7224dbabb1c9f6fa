"""certaudit with a fault in the middle: ``python -m tests.live.faulty FAULT NUMBER ARGUMENT...``.

Before its call NUMBER that changes a disk the fault happens: the process is killed, the bus of the
machine ends, the machine reboots without a word to anybody, or a certbot starts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from certaudit.cli import run
from tests.fix.faults import watched

BUS = ("dbus.socket", "dbus.service")
OTHER = "/run/other-certbot"


def killed() -> None:
    """As kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


def bus_gone() -> None:
    """The system bus and its socket end."""
    subprocess.run(["/usr/bin/systemctl", "stop", *BUS], check=False, capture_output=True)


def rebooted() -> None:
    """As if the power had failed: nothing is stopped, nothing is synced."""
    subprocess.run(["/usr/bin/systemctl", "reboot", "--force", "--force"], check=False)
    time.sleep(60)


def certbot_started() -> None:
    """A certbot that somebody starts; its words and its exit code are kept."""
    done = subprocess.run(["/usr/bin/certbot", "renew"], check=False, capture_output=True, text=True)
    with open(OTHER, "w") as file:  # noqa: PTH123 - os.open is watched
        file.write(f"{done.returncode} {done.stdout}{done.stderr}")


FAULTS: dict[str, Callable[[], None]] = {
    "kill": killed,
    "bus": bus_gone,
    "reboot": rebooted,
    "certbot": certbot_started,
}


def main(fault: str, at: int, arguments: list[str]) -> int:
    """Run a command line; say on stderr how many such calls it made."""
    last = 0

    def hook(number: int, call: Callable[[], object]) -> object:
        nonlocal last
        last = number
        if number == at:
            FAULTS[fault]()
        return call()

    with watched(hook):
        code = run(arguments)
    sys.stderr.write(f"calls: {last}\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
