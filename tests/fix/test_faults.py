"""Whatever happens in the middle: every file is the old one or the new one, and undo works.

Each call that changes a disk is tried.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from certaudit.errors import CertauditError
from certaudit.plan import NO_FILE, CopyParts, Plan
from tests.fix.faults import counted, failing, killed, watched
from tests.fix.machines import HERE, Bench, bench

ERRORS = (errno.ENOSPC, errno.EROFS, errno.EIO)


MEMORY = "/dev/shm"  # thousands of syncs need no disk


@pytest.fixture(scope="module")
def machine() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield bench(HERE / "many-paths.machine", Path(folder))


@pytest.fixture(scope="module")
def plan(machine: Bench) -> Plan:
    return machine.plan()


def old_or_new(machine: Bench, plan: Plan) -> None:
    """Every place is as some action of the plan found it or left it."""
    for action in plan.actions:
        if isinstance(action, NO_FILE):
            continue
        path = machine.root / action.path[1:]
        states = [a for a in plan.actions if not isinstance(a, NO_FILE) and a.path == action.path]
        nodes = [node for a in states for node in (a.before, a.after)]
        if not os.path.lexists(path):
            assert "absent" in {n.kind for n in nodes}
        elif path.is_symlink():
            assert str(path.readlink()) in {n.target for n in nodes}
        elif path.is_file():
            data = hashlib.sha256(path.read_bytes()).hexdigest()
            assert data in {n.digest for n in nodes}
            assert path.stat().st_mode & 0o7777 in {n.mode for n in nodes}


def no_key_is_open(machine: Bench, plan: Plan) -> None:
    """No file that others may read holds a key, where the plan writes or records."""
    copies = (action.path for action in plan.actions if isinstance(action, CopyParts))
    places = {(machine.root / path[1:]).parent for path in copies}
    for top in (*places, machine.store.directory):
        for path in top.rglob("*"):
            if path.is_file() and path.stat().st_mode & 0o004:
                assert b"PRIVATE KEY" not in path.read_bytes(), path


def same(machine: Bench, before: dict[str, tuple[object, ...]]) -> bool:
    """Is the machine as it was, but for the lock file that whoever is killed leaves, as certbot does?"""
    (machine.root / "etc/letsencrypt/.certbot.lock").unlink(missing_ok=True)
    return machine.manifest() == before


def settle(machine: Bench) -> None:
    """Take back all that stands."""
    for record in machine.store.records():
        if record.stands:
            machine.undo(record)
    shutil.rmtree(machine.store.plans, ignore_errors=True)


def test_killed_anywhere_while_applying(
    machine: Bench, plan: Plan, faults: Callable[[str, int], None]
) -> None:
    before = machine.manifest()
    calls = counted(lambda: machine.apply(plan))
    settle(machine)
    assert machine.manifest() == before
    for number in range(1, calls + 2):  # after one call is before the next
        last = number > calls
        killed(lambda: machine.apply(plan), calls if last else number, after=last)
        old_or_new(machine, plan)
        no_key_is_open(machine, plan)
        settle(machine)
        assert same(machine, before), number
    faults("kills while applying", calls + 1)


def test_killed_anywhere_while_undoing(
    machine: Bench, plan: Plan, faults: Callable[[str, int], None]
) -> None:
    before = machine.manifest()
    calls = counted(lambda: machine.undo(machine.apply(plan))) - counted(lambda: machine.apply(plan))
    settle(machine)
    for number in range(1, calls + 1):
        record = machine.apply(plan)
        killed(partial(machine.undo, record), number, after=number % 2 == 0)
        old_or_new(machine, plan)
        settle(machine)
        assert same(machine, before), number
    faults("kills while undoing", calls)


def test_any_call_failing_while_applying(
    machine: Bench, plan: Plan, faults: Callable[[str, int], None]
) -> None:
    before = machine.manifest()
    calls = counted(lambda: machine.apply(plan))
    settle(machine)
    said = 0
    for number in range(1, calls + 1):
        raised = failing(lambda: machine.apply(plan), number, ERRORS[number % 3])
        assert raised is None or isinstance(raised, CertauditError), (number, raised)
        said += raised is not None
        old_or_new(machine, plan)
        no_key_is_open(machine, plan)
        settle(machine)
        assert same(machine, before), (number, raised)
    assert said > calls // 2
    faults("failing calls while applying", calls)


def test_any_call_failing_while_undoing(
    machine: Bench, plan: Plan, faults: Callable[[str, int], None]
) -> None:
    before = machine.manifest()
    calls = counted(lambda: machine.undo(machine.apply(plan))) - counted(lambda: machine.apply(plan))
    settle(machine)
    for number in range(1, calls + 1):
        record = machine.apply(plan)
        raised = failing(partial(machine.undo, record), number, ERRORS[number % 3])
        assert raised is None or isinstance(raised, CertauditError), (number, raised)
        settle(machine)
        assert same(machine, before), (number, raised)
    faults("failing calls while undoing", calls)


def test_no_key_is_readable_by_others_at_any_instant(machine: Bench, plan: Plan) -> None:
    """Looked at after every single call, with an umask that forbids nothing."""
    before = machine.manifest()
    looks = 0

    def hook(number: int, call: Callable[[], object]) -> object:
        nonlocal looks
        answer = call()
        looks += 1
        no_key_is_open(machine, plan)
        return answer

    mask = os.umask(0)
    try:
        with watched(hook):
            record = machine.apply(plan)
            machine.undo(record)
    finally:
        os.umask(mask)
    assert looks > 100
    assert machine.manifest() == before
