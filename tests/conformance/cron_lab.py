"""A real cron daemon over generated tables, in mount and process namespaces of its own.

Law: the machine's own /etc, /run, /dev and spool are covered, never written to; no clock is set: with
libfaketime the daemon alone believes that a minute is about to begin, without it one is waited for.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

from tests.packages import debs

RECORDER = "/run/lab/r"
SENTINEL = "sentinel"
WATCHER = "watcher"  # whose crontab runs it
# A Sunday, the first of the month and of the year: every @-form is due in its first minute.
FAKE_MOMENT = datetime(2034, 1, 1, tzinfo=timezone.utc)
LEAD = 3  # seconds between the daemon's start and the minute, with libfaketime
QUIET = 1.5  # seconds without a new record: all have come
PATIENCE = 40.0  # seconds after the minute began
SHOWN = "$LOGNAME|$HOME|$SHELL|$PATH|$HOGE|$FUGA|$*"
COVERED = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/pam.d", "/home", "/srv")
TABLES = ("/etc/crontab", "/etc/cron.d", "/var/spool/cron")

Records = Counter[str]


@dataclass(frozen=True, slots=True)
class Lab:
    """``tree``: the root that certaudit reads. ``work``: what the daemon's commands write to."""

    tree: Path
    work: Path
    moment: datetime

    @property
    def ran(self) -> Path:
        """One line for each command that ran."""
        return self.work / "lab" / "ran"

    def records(self) -> Records:
        """What ran so far, each with how often."""
        return records(self.ran)


def records(file: Path) -> Records:
    """The lines of a record, each with how often it stands there."""
    return Counter(file.read_bytes().decode(errors="replace").split("\n")[:-1])


def obstacle() -> str | None:
    """Why no daemon can be run here, on one line; ``None`` if one can."""
    if os.environ.get("CERTAUDIT_LIVE") == "off":
        return "CERTAUDIT_LIVE=off"
    if os.geteuid() != 0:
        return "needs root, for mount namespaces and the owners of crontabs"
    if shutil.which("unshare") is None:
        return "needs unshare (util-linux)"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True, check=False
    )
    return None if tried.returncode == 0 else f"unshare: {tried.stderr.decode().strip()}"


@cache
def faketime() -> Path | None:
    """libfaketime's library, the installed one or that of the package; ``None`` without."""
    roots = [Path("/")]
    with suppress(debs.DebsError):
        roots.append(debs.unpacked("libfaketime"))
    found = (file for root in roots for file in root.glob("usr/lib/*/faketime/libfaketime.so.1"))
    return next(found, None)


@contextmanager
def lab() -> Iterator[Lab]:
    """A fresh lab; its directory is gone afterwards."""
    top = Path(tempfile.mkdtemp(prefix="certaudit-cron-"))
    top.chmod(0o755)
    try:
        for name in ("tree", "run", "dev", "lab", "empty"):
            (top / name).mkdir(mode=0o755)
        record = top / "lab" / "ran"
        record.touch()
        record.chmod(0o666)
        script(top / "lab" / "r", f'printf "%s\\n" "{SHOWN}" >>/run/lab/ran')
        script(top / "replay", f'printf "%s\\n" "{SHOWN}" >>{top}/replayed')
        (top / "replayed").touch()
        script(top / "mail", "cat >/dev/null")
        moment = FAKE_MOMENT if faketime() else coming_minute()
        yield Lab(top / "tree", top, moment)
    finally:
        shutil.rmtree(top)


def script(path: Path, body: str) -> None:
    """Write an executable shell script."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def coming_minute() -> datetime:
    """The next minute that leaves time to write the tables first."""
    soon = datetime.now(timezone.utc) + timedelta(seconds=80)
    return soon.replace(second=0, microsecond=0)


def run(place: Lab, daemon: Sequence[str], timeout: float = 110.0) -> Records:
    """Start the daemon, wait until the minute's commands have run, and end it."""
    library = faketime()
    preload = ["env", "-i", "TZ=UTC", "PATH=/usr/bin:/bin"]  # what busybox hands on to its commands
    if library is not None:
        shutil.copy(library, place.work / "lab" / "faketime.so")
        start = (place.moment - timedelta(seconds=LEAD)).strftime("@%Y-%m-%d %H:%M:%S")
        preload += ["LD_PRELOAD=/run/lab/faketime.so", f"FAKETIME={start}", "NO_FAKE_STAT=1"]
    commands = [*covers(place), f"exec {shlex.join([*preload, *daemon])}"]
    flags = ["--mount", "--pid", "--net", "--fork", "--kill-child", "--propagation", "private"]
    output = (place.work / "output").open("wb")
    with (
        output,
        syslog(place) as said,
        subprocess.Popen(
            ["unshare", *flags, "sh", "-ec", "\n".join(commands)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            wait(place, process, timeout, said)
        finally:
            process.kill()
    return place.records()


def covers(place: Lab) -> Iterator[str]:
    """The shell commands that lay the tree over the machine, for this namespace alone."""
    tree, work = place.tree, place.work
    yield f"mount -n -t tmpfs tmpfs {work}/run && mkdir {work}/run/lab"
    yield f"mount -n --bind {work}/lab {work}/run/lab"
    yield f"mount -n -t tmpfs tmpfs {work}/dev && touch {work}/dev/log"
    yield f"mount -n --bind {work}/log {work}/dev/log"
    for name in ("null", "zero", "urandom", "random", "tty"):
        yield f"touch {work}/dev/{name} && mount -n --bind /dev/{name} {work}/dev/{name}"
    for path in (*COVERED, *TABLES):
        if (tree / path[1:]).exists() and Path(path).exists():
            yield f"mount -n --bind {tree}{path} {path}"
    mail = shutil.which("sendmail", path="/usr/sbin:/usr/lib")
    if mail:
        yield f"mount -n --bind {work}/mail {os.path.realpath(mail)}"
    yield f"mount -n --move {work}/dev /dev"
    yield f"mount -n --move {work}/run /run"


@contextmanager
def syslog(place: Lab) -> Iterator[list[str]]:
    """What the daemon logs to its /dev/log, as it comes."""
    said: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(place.work / "log"))
        (place.work / "log").chmod(0o666)
        reader = threading.Thread(target=receive, args=(listener, said), daemon=True)
        reader.start()
        yield said
        listener.shutdown(socket.SHUT_RDWR)
        reader.join()


def receive(listener: socket.socket, said: list[str]) -> None:
    """Gather datagrams until the socket is shut down."""
    while data := listener.recv(1 << 16):
        said.append(data.decode(errors="replace"))


def wait(place: Lab, process: subprocess.Popen[bytes], timeout: float, said: list[str]) -> None:
    """Return once the sentinel has run and nothing more comes; raise if the daemon fails."""
    end = time.monotonic() + timeout
    last, since = -1, time.monotonic()
    while time.monotonic() < end:
        time.sleep(0.1)
        if process.poll() is not None:
            raise RuntimeError(f"the daemon ended: {(place.work / 'output').read_text()[-2000:]}")
        size = place.ran.stat().st_size
        if size != last:
            last, since = size, time.monotonic()
        elif time.monotonic() - since > QUIET and any(
            line.endswith(SENTINEL) for line in place.records()
        ):
            return
    raise RuntimeError(f"the sentinel did not run: {said[-20:]}")


def replay(place: Lab, command: str, environment: Sequence[tuple[str, str]]) -> None:
    """Run a command by its own shell and environment; the recorder writes to ``replayed``."""
    known = dict(environment)
    subprocess.run(
        [known["SHELL"], "-c", command.replace(RECORDER, str(place.work / "replay"))],
        env=known,
        cwd=place.work / "empty",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=20,
        check=False,
    )
