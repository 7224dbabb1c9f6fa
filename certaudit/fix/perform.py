"""A plan done and verified: the only module that makes a writer.

Law: everything that was seen when planning is looked at again before the first write; each act is on
record before it is done and is read back after it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath

from msgspec import Struct

from certaudit.errors import CertauditError, UnreadableError
from certaudit.facts import Unit
from certaudit.fix import outward
from certaudit.fix.checkpoint import Store
from certaudit.fix.outward import OutwardError
from certaudit.fix.sight import bytes_of, digest
from certaudit.host.hosts import Hosts
from certaudit.host.identity import users
from certaudit.host.root import Root
from certaudit.host.ssh import RemoteError
from certaudit.host.units.files import UnitFiles
from certaudit.host.units.live import ManagerError
from certaudit.host.units.switch import UnitSwitch
from certaudit.host.units.systemd import Systemd
from certaudit.host.writer import Form, WriteError, Writer
from certaudit.parsers.remote_files import RemoteFile
from certaudit.plan import (
    NO_FILE,
    OUTWARD,
    Action,
    ChangeMode,
    CopyParts,
    MakeDirectory,
    MoveFile,
    Node,
    Plan,
    PutLink,
    Record,
    ReloadUnit,
    RemoveLink,
    SendParts,
    Step,
    StopUnit,
    WriteText,
)
from certaudit.records import replace

PATIENCE = 600.0  # seconds to wait for a renewal that is going on: certbot may sleep for 480 of them


class DriftError(CertauditError):
    """The machine is not as it was seen: nothing was written."""

    def __init__(self, differences: tuple[str, ...]) -> None:
        super().__init__("nothing was changed: " + "; ".join(differences))
        self.differences = differences


class PartlyError(CertauditError):
    """A plan or its undoing stopped on the way; the record tells how far it came."""

    def __init__(self, record: Record, reason: str) -> None:
        super().__init__(reason)
        self.record = record


class Machine(Struct, frozen=True):
    """A machine to plan for, as ``Sight`` says, and to change."""

    root: Root
    systemd: Systemd | None
    writer: Writer
    live: bool
    remote: Hosts | None = None  # other hosts, where a person agreed to it

    def place(self, path: str, *, follow: bool = True) -> str | None:
        """As ``Sight``."""
        pure = PurePosixPath(path)
        try:
            if follow and (entry := self.root.entry(path)) is not None:
                return str(entry.path)
            if follow and (text := self.root.link(path)) is not None:
                return self.place(str(pure.parent / text))
            parent = self.root.entry(pure.parent)
        except (UnreadableError, RecursionError):
            return None
        return str(parent.path / pure.name) if parent is not None and parent.is_dir else None

    def node(self, place: str) -> Node:
        """As ``Sight``."""
        return self.writer.node(place)

    def read(self, place: str) -> bytes:
        """As ``Sight``."""
        return self.writer.read(place)

    def names(self, directory: str) -> tuple[str, ...]:
        """As ``Sight``."""
        try:
            return self.root.names(directory)
        except UnreadableError:
            return ()

    def unit(self, name: str) -> Unit | None:
        """As ``Sight``."""
        user, _, own = name.rpartition("/")
        if not user:
            return self.systemd.unit(name) if self.systemd else None
        known = {account: number for account, number, _ in users(self.root)}
        unit = UnitFiles(self.root, user, self.home(user), known.get(user)).unit(own)
        if unit is None or not self.live:
            return unit
        with contextlib.suppress(ManagerError):  # that user's manager does not run
            return replace(unit, active_state=UnitSwitch().active(name))
        return unit

    def home(self, user: str) -> str | None:
        """As ``Sight``."""
        return next((home for name, _, home in users(self.root) if name == user), None)


def machine_at(directory: Path, systemd: Systemd | None = None, *, remote: bool = False) -> Machine:
    """The machine whose root file system a directory holds, with the way to other hosts if agreed.

    Raise ``TargetError``.
    """
    root = Root(directory)
    live = root.directory == Path("/")
    return Machine(root, systemd, Writer(root.directory), live, Hosts() if remote else None)


def apply(plan: Plan, machine: Machine, store: Store, now: datetime, by: str) -> Record:
    """Do a plan, holding the store's lock. The record of it, all done.

    Raise ``DriftError`` or another ``CertauditError`` before anything is written, ``PartlyError`` after.
    """
    with locked(plan, machine):
        switch = switch_for(plan, machine)
        there = elsewhere(plan, machine)
        check(plan, machine, switch, there)
        data = {n: content(a, machine) for n, a in copies(plan)}
        replaced = {n: machine.read(a.path) for n, a in copies(plan) if is_lost(a) and n not in there}
        replaced |= {n: there[n].data for n, a in copies(plan) if is_lost(a) and n in there}
        record = store.begin(plan, now, by, replaced)
        failures: list[str] = []
        try:
            for step, numbers in numbered(plan):
                try:
                    record = do_step(step, numbers, data, machine, switch, store, record)
                except OutwardError as error:  # keeps no other host or consumer from its own
                    failures.append(str(error))
                    record = store.record(record.id)
        except CertauditError as error:
            raise PartlyError(store.record(record.id), str(error)) from error
    failures += outward.still_older(record)
    if failures:
        raise PartlyError(record, "; ".join(failures))
    return record


def copies(plan: Plan) -> Iterator[tuple[int, CopyParts | SendParts]]:
    """The actions that write certificates and keys, here or elsewhere, with their numbers."""
    for number, action in enumerate(plan.actions):
        if isinstance(action, (CopyParts, SendParts)):
            yield number, action


def is_lost(action: CopyParts | SendParts) -> bool:
    """Would the bytes that are replaced be nowhere else?"""
    return action.before.kind == "file" and not action.kept


def numbered(plan: Plan) -> Iterator[tuple[Step, range]]:
    """Each step with the numbers of its actions in the whole plan."""
    start = 0
    for step in plan.steps:
        yield step, range(start, start + len(step.actions))
        start += len(step.actions)


@contextmanager
def locked(plan: Plan, machine: Machine, *, again: bool = False) -> Iterator[None]:
    """Certbot's and dpkg's own locks, where the directories that hold them are there.

    ``again``: whoever held them for this plan before may have been killed and left certbot's file.
    """
    with ExitStack() as stack:
        for path in sorted({path for step in plan.steps for path in step.locks}):
            place = machine.place(path, follow=False)
            if place is not None:
                remove = again and place.endswith("/.certbot.lock")
                stack.enter_context(machine.writer.lock(place, PATIENCE, remove=remove))
        yield


def switch_for(plan: Plan, machine: Machine) -> UnitSwitch | None:
    """The running manager, if the plan needs it."""
    reloads = any(step.reload for step in plan.steps)
    needed = machine.live and (reloads or any(isinstance(a, ReloadUnit) for a in plan.actions))
    booted = machine.live and machine.root.entry("/run/systemd/system") is not None
    return UnitSwitch() if needed and booted else None


def elsewhere(plan: Plan, machine: Machine) -> dict[int, RemoteFile]:
    """What stands at the places on other hosts. Raise ``DriftError`` where that can not be seen."""
    try:
        return outward.look(plan, machine.remote)
    except RemoteError as error:
        raise DriftError((str(error),)) from error


def check(plan: Plan, machine: Machine, switch: UnitSwitch | None, there: dict[int, RemoteFile]) -> None:
    """Raise ``DriftError`` unless all is as it was seen when planning."""
    found: list[str] = []
    expected: dict[str, Node] = {}
    for action in plan.actions:
        if isinstance(action, StopUnit):
            active = switch.active(action.unit) if switch else ""
            if active != action.active:
                found.append(f"{action.unit} is {active or 'not known'}, was {action.active}")
            continue
        if isinstance(action, NO_FILE):
            continue
        present = expected.get(action.path) or machine.node(action.path)
        if not action.before.same_as(present):
            found.append(f"{action.path} {action.before.difference(present)}")
        expected[action.path] = action.after
        if isinstance(action, MoveFile):
            expected[action.to] = action.before
    found += outward.drift(plan, there)
    if found:
        raise DriftError(tuple(found))


def content(action: CopyParts | SendParts, machine: Machine) -> bytes:
    """The bytes to write. Raise ``DriftError`` where the live files have changed."""
    data = b"".join(machine.read(source) for source in action.sources)
    if digest(data) != action.after.digest:
        raise DriftError((f"{' and '.join(action.sources)} changed since the plan was made",))
    return data


def do_step(
    step: Step,
    numbers: range,
    data: dict[int, bytes],
    machine: Machine,
    switch: UnitSwitch | None,
    store: Store,
    record: Record,
) -> Record:
    """Do one step; files that belong together are all written before the first is put in its place."""
    if any(isinstance(action, OUTWARD) for action in step.actions):
        return outward.do_step(step, numbers, data, machine.remote, switch, store, record)
    staged = [n for n in numbers if n in data]
    try:
        for number in staged:
            record = store.mark(record, number, "begun")
            action = record.plan.actions[number]
            assert isinstance(action, CopyParts)  # noqa: S101 - for the reader of types
            machine.writer.stage(action.path, data[number], form_of(action.after))
        for number in numbers:
            action = record.plan.actions[number]
            if number not in data:
                record = store.mark(record, number, "begun")
            do(action, machine, switch)
            verify(action, machine)
            record = store.mark(record, number, "done")
    except CertauditError:
        for number in staged:
            sweep(record.plan.actions[number], machine)
        raise
    if step.reload and switch:
        switch.reload(step.user)
    return record


def form_of(node: Node) -> Form:
    """How a file with this node is written; its time only where it is one from before."""
    return Form(node.mode or 0o600, node.uid, node.gid, node.mtime)


def do(action: Action, machine: Machine, switch: UnitSwitch | None) -> None:
    """Do one action; a copy has been staged before."""
    writer = machine.writer
    if isinstance(action, WriteText):
        writer.replace(action.path, bytes_of(action.text), form_of(action.after))
    elif isinstance(action, CopyParts):
        writer.commit(action.path)
    elif isinstance(action, PutLink):
        writer.link(action.path, action.after)
    elif isinstance(action, RemoveLink):
        writer.remove(action.path)
    elif isinstance(action, ChangeMode):
        writer.change_mode(action.path, action.after.mode or 0)
    elif isinstance(action, MoveFile):
        writer.move(action.path, action.to)
    elif isinstance(action, MakeDirectory):
        writer.make_directory(action.path, form_of(action.after))
    elif isinstance(action, StopUnit) and switch:
        switch.stop(action.unit)


def verify(action: Action, machine: Machine) -> None:
    """Raise ``WriteError`` unless what was done can be seen."""
    if isinstance(action, NO_FILE):
        return
    present = machine.node(action.path)
    if not action.after.same_as(present):
        raise WriteError(f"{action.path} {action.after.difference(present)} after it was written")


def sweep(action: Action, machine: Machine) -> None:
    """Take away what an interrupted write left."""
    if not isinstance(action, NO_FILE):
        with contextlib.suppress(CertauditError):
            machine.writer.sweep(action.path)
