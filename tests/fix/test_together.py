"""What else is at work meanwhile: another certaudit, a certbot, and somebody who watches for keys."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from certaudit.fix import perform
from certaudit.fix.perform import DriftError
from certaudit.host.writer import LockedError
from tests.fix.faults import watched
from tests.fix.machines import HERE, Bench, bench

Note = Callable[[str, int], None]
LOCK = "etc/letsencrypt/.certbot.lock"
NOBODY = 65534
OPEN = os.open  # not the one that is watched
# As certbot._internal.lock does: lockf(3) on the file, then a look whether it is still that file.
HOLDS = """
import fcntl, os, sys, time
handle = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o600)
fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
os.remove(sys.argv[1])
"""
ROUNDS = 4


@pytest.fixture
def machine(tmp_path: Path) -> Bench:
    return bench(HERE / "many-paths.machine", tmp_path)


@contextmanager
def certbot_at_work(machine: Bench, seconds: float) -> Iterator[None]:
    """A process that holds certbot's lock for a while."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(machine.root / LOCK), str(seconds)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield
        process.terminate()


def test_a_renewal_that_is_going_on_is_waited_for(machine: Bench) -> None:
    plan = machine.plan()
    before = time.monotonic()
    with certbot_at_work(machine, 1.0):
        record = machine.apply(plan)
        assert time.monotonic() - before > 1.0
    assert record.whole
    assert not (machine.root / LOCK).exists()


def test_one_that_does_not_end_is_said_and_nothing_is_changed(
    machine: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = machine.manifest()
    plan = machine.plan()
    monkeypatch.setattr(perform, "PATIENCE", 0.2)
    with certbot_at_work(machine, 60.0):
        with pytest.raises(LockedError, match="a renewal or an installation is going on"):
            machine.apply(plan)
        (machine.root / LOCK).unlink()
    assert machine.manifest() == before
    assert machine.store.records() == ()


def test_a_renewal_that_ended_in_between_is_drift(machine: Bench) -> None:
    plan = machine.plan()
    archive = machine.root / "etc/letsencrypt/archive/hoge.example"
    (archive / "fullchain2.pem").write_bytes((archive / "fullchain1.pem").read_bytes())
    with pytest.raises(DriftError, match="changed since the plan was made"):
        machine.apply(plan)


def test_a_certbot_that_starts_in_the_middle_finds_the_lock_held(machine: Bench, faults: Note) -> None:
    """Asked at every call that changes the machine, by another process, as certbot asks."""
    held: list[bool] = []

    def hook(number: int, call: Callable[[], object]) -> object:
        if (machine.root / LOCK).exists() and machine.store.plans.is_dir():
            held.append(is_held(machine.root / LOCK))
        return call()

    plan = machine.plan()
    with watched(hook):
        record = machine.apply(plan)
        machine.undo(record)
    assert len(held) > 100
    # before the lock is taken, and while it is given back, nothing is written in the machine
    assert held.count(False) <= 4
    faults("certbots started in the middle", len(held))


def is_held(path: Path) -> bool:
    """Would another process be refused the lock?"""
    child = os.fork()
    if child == 0:
        try:
            # not os.open, which is watched here: it would ask again, in a child of this child
            fcntl.lockf(path.open("ab"), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


@pytest.mark.parametrize("apart", [False, True], ids=["one-state", "two-states"])
def test_of_two_certauditors_one_is_refused(apart: bool, tmp_path: Path, faults: Note) -> None:
    for number in range(ROUNDS):
        machine = bench(HERE / "many-paths.machine", tmp_path / str(number))
        before = machine.manifest()
        states = [
            machine.store.directory,
            machine.store.directory.with_name("other" if apart else "state"),
        ]
        both = [started(machine, state) for state in states]
        codes = sorted((one.wait(), one.stderr.read() if one.stderr else "")[0] for one in both)
        assert 1 in codes, codes  # it was done, and commands are left to run
        assert set(codes) <= {0, 1, 4}, codes  # the other was refused, or had nothing to do
        assert machine.findings() == []
        for state in dict.fromkeys(states):
            taken_back(state)
        assert machine.manifest() == before
    faults("pairs of certauditors", ROUNDS)


def started(machine: Bench, state: Path) -> subprocess.Popen[str]:
    """``certaudit fix --yes`` that runs now."""
    verb = [sys.executable, "-m", "certaudit", "fix", str(machine.root), "--yes"]
    where = ["--as-of", machine.as_of.isoformat(), "--state-dir", str(state)]
    return subprocess.Popen(
        [*verb, *where], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def taken_back(state: Path) -> None:
    """``certaudit undo --yes`` for all that stands there."""
    command = [sys.executable, "-m", "certaudit", "undo", "--yes", "--state-dir", str(state)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can watch as somebody else")
def test_nobody_ever_reads_a_key() -> None:
    """Another user tries all the time to read what is written, with an umask that forbids nothing."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        machine = bench(HERE / "many-paths.machine", Path(folder))
        before = machine.manifest()
        plan = machine.plan()
        mask = os.umask(0)
        watcher, result = watching(machine)
        try:
            for _ in range(ROUNDS * 3):
                machine.undo(machine.apply(plan))
        finally:
            os.umask(mask)
            os.kill(watcher, 15)
            _, status = os.waitpid(watcher, 0)
        looks, found = (int(word) for word in os.read(result, 99).split()[-2:])
        assert os.waitstatus_to_exitcode(status) == 0
        assert (looks > 50, found) == (True, 0)
        assert machine.manifest() == before


def watching(machine: Bench) -> tuple[int, int]:
    """A process of nobody's that reads what it can, until it is ended: its id, and where it tells."""
    places = [machine.root / "srv", machine.root / "etc", machine.store.directory]
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        os.read(reader, 1)  # it has looked once
        return child, reader
    try:
        watch(places, writer)
    finally:
        os._exit(1)


def watch(places: list[Path], writer: int) -> None:
    """Look until SIGTERM comes, then tell how often, and how many keys were seen."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    looks = found = 0
    while not ended:
        for top in places:
            found += sum(b"PRIVATE KEY" in data for data in readable(top))
        looks += 1
        if looks == 1:
            os.write(writer, b".")
    os.write(writer, f" {looks} {found}".encode())
    os._exit(0)


def readable(top: Path) -> Iterator[bytes]:
    """The content of each file below a directory that may be read by whoever runs this."""
    for folder, _, names in os.walk(top):
        for name in names:
            try:
                with open(os.path.join(folder, name), "rb") as stream:  # noqa: PTH118, PTH123
                    yield stream.read()
            except OSError:
                continue
