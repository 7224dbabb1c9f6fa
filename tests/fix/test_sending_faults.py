"""Whatever happens to a connection: every file there is the old one or the new one, and undo works."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from certaudit.errors import CertauditError
from certaudit.fix.perform import DriftError, PartlyError
from certaudit.host.ssh import beside
from certaudit.plan import Plan
from tests.fix.machines import Bench
from tests.fix.other_hosts import OtherHosts
from tests.fix.test_sending import PAIR, STEPS, give, machine, others

__all__ = ["others"]
LOST = ("before", "after", "cut")
KILLED = ("kill-before", "kill-after")
NAMES = ("fullchain.pem", "privkey.pem")


@pytest.fixture
def here(tmp_path: Path, others: OtherHosts) -> Iterator[Bench]:
    found = machine(tmp_path, PAIR)
    mask = os.umask(0)
    give(found, others.home("backup.example.org") / "tls", 1)
    yield found
    os.umask(mask)


class There:
    """The other host's directory, and what may be found in it."""

    def __init__(self, here: Bench, others: OtherHosts) -> None:
        self.tls = others.home("backup.example.org") / "tls"
        archive = here.root / "etc/letsencrypt/archive/hoge.example"
        self.known = {
            name: [(archive / name.replace(".", f"{n}.")).read_bytes() for n in (1, 2)] for name in NAMES
        }
        self.before = self.state()

    def state(self) -> dict[str, tuple[int, bytes]]:
        return {name: (mode(self.tls / name), (self.tls / name).read_bytes()) for name in NAMES}

    def check(self) -> None:
        """Old or new, in the old modes, and nothing beside it that others could read a key in."""
        for name, (found, data) in self.state().items():
            assert data in self.known[name]
            assert found == self.before[name][0]
        for path in self.tls.iterdir():
            if path.name not in NAMES:
                assert path.name in {Path(beside(name)).name for name in NAMES}
                assert b"PRIVATE KEY" not in path.read_bytes() or mode(path) == 0o600


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def in_a_child(act: Callable[[], object]) -> None:
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def settle(here: Bench, there: There, others: OtherHosts) -> None:
    """With the connection whole again, take back all that stands; then all is as before."""
    others.whole()
    for record in here.store.records():
        if record.stands:
            here.undo(record)
    (here.root / "etc/letsencrypt/.certbot.lock").unlink(missing_ok=True)
    there.check()
    assert there.state() == there.before
    shutil.rmtree(here.store.plans, ignore_errors=True)


def calls(here: Bench, plan: Plan, others: OtherHosts) -> int:
    others.whole()
    here.apply(plan)
    return others.connections


def test_a_connection_lost_anywhere_while_sending(
    here: Bench,
    others: OtherHosts,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there, plan = There(here, others), here.plan(STEPS)
    most = calls(here, plan, others)
    settle(here, there, others)
    for number in range(1, most + 1):
        for what in LOST:
            others.break_at(number, what)
            with pytest.raises((DriftError, PartlyError)) as caught:
                here.apply(plan)
            there.check()
            assert isinstance(caught.value, DriftError) == (number == 1), caught.value
            settle(here, there, others)
    with capsys.disabled():
        sys.stdout.write(f"\n{most * len(LOST)} connections lost while sending\n")


def test_a_connection_lost_anywhere_while_taking_back(
    here: Bench,
    others: OtherHosts,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there, plan = There(here, others), here.plan(STEPS)
    record = here.apply(plan)
    others.whole()
    here.undo(record)
    most = others.connections
    for number in range(1, most + 1):
        for what in LOST:
            others.whole()
            record = here.apply(plan)
            others.break_at(number, what)
            with pytest.raises(CertauditError):
                here.undo(record)
            there.check()
            settle(here, there, others)
    with capsys.disabled():
        sys.stdout.write(f"\n{most * len(LOST)} connections lost while taking back\n")


def test_killed_at_any_connection(
    here: Bench,
    others: OtherHosts,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there, plan = There(here, others), here.plan(STEPS)
    most = calls(here, plan, others)
    settle(here, there, others)
    for number in range(1, most + 1):
        for what in KILLED:
            others.break_at(number, what)
            in_a_child(lambda: here.apply(plan))
            assert others.connections == number
            there.check()
            settle(here, there, others)
    with capsys.disabled():
        sys.stdout.write(f"\n{most * len(KILLED)} kills while sending\n")
