"""A plan taken back, newest action first.

Law: nothing is touched where anything is other than certaudit left it, unless that file was named. It
works from wherever a plan or its undoing stopped: what stands as it was before needs nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from certaudit.errors import CertauditError
from certaudit.fix import outward
from certaudit.fix.checkpoint import Store
from certaudit.fix.perform import (
    DriftError,
    Machine,
    PartlyError,
    copies,
    form_of,
    locked,
    numbered,
    sweep,
    switch_for,
)
from certaudit.fix.sight import bytes_of, digest
from certaudit.host.ssh import RemoteError
from certaudit.host.units.live import ManagerError
from certaudit.host.units.switch import UnitSwitch
from certaudit.linking.words import count
from certaudit.parsers.certificate import parse_pem
from certaudit.plan import (
    NO_FILE,
    Action,
    ChangeMode,
    CopyParts,
    FileAction,
    LaterFile,
    MakeDirectory,
    MoveFile,
    Node,
    Record,
    ReloadUnit,
    RunCommand,
    SendParts,
    Step,
    StopUnit,
    WriteText,
)


def changes(record: Record, machine: Machine) -> tuple[str, ...]:
    """What is other than certaudit left it, by path; () if all stands."""
    return tuple(text for _, text in differing(record, machine))


def differing(record: Record, machine: Machine) -> Iterator[tuple[FileAction, str]]:
    """The begun or done actions whose place is neither as they found it nor as they left it.

    Where several actions of a plan have the same place, the last one tells.
    """
    settled: set[str] = set()
    for number in range(len(record.progress) - 1, -1, -1):
        action = record.plan.actions[number]
        if record.progress[number] not in ("begun", "done") or isinstance(action, NO_FILE):
            continue
        if action.path in settled:
            continue
        settled.add(action.path)
        present = machine.node(action.path)
        found = [action.after, *begun_from(record, action.path)]
        if not any(node.same_as(present) for node in found):
            yield action, f"{action.path} {action.after.difference(present)}{how_much(action, machine)}"
        elif isinstance(action, MoveFile) and not (
            action.before.same_as(present) or action.before.same_as(machine.node(action.to))
        ):
            yield action, f"{action.to} {action.before.difference(machine.node(action.to))}"


def differing_elsewhere(record: Record, machine: Machine) -> Iterator[tuple[SendParts, str]]:
    """As ``differing``, on other hosts if somebody agreed to look there. Raise ``RemoteError``."""
    if machine.remote is None:
        return
    numbers = [n for n in range(len(record.progress)) if opened(record, n)]
    for number, file in outward.look(record.plan, machine.remote, numbers).items():
        action = record.plan.actions[number]
        assert isinstance(action, SendParts)  # noqa: S101 - for the reader of types
        if not any(node.same_as(file.node) for node in (action.before, action.after)):
            yield action, f"{action.where} {action.after.difference(file.node)}"


def how_much(action: FileAction, machine: Machine) -> str:
    """By how much a file's content is other than it was left, in a few words in brackets."""
    try:
        data = machine.read(action.path)
        if isinstance(action, CopyParts):
            leaf = parse_pem(data, action.path).leaf
            return f" (a certificate that expires on {leaf.not_after:%Y-%m-%d})" if leaf else ""
    except CertauditError:
        return ""
    if not isinstance(action, WriteText):
        return ""
    old, new = action.text.splitlines(), data.decode("utf-8", "surrogateescape").splitlines()
    signs = [line[:1] for line in difflib.unified_diff(old, new, lineterm="", n=0)][2:]
    more, less = signs.count("+"), signs.count("-")
    return f" ({count(more, 'line')} added, {less} removed)" if more or less else ""


def begun_from(record: Record, path: str) -> list[Node]:
    """What stood at a path before the actions of a record that are open or were being undone."""
    actions = [a for a in record.plan.actions if not isinstance(a, NO_FILE) and a.path == path]
    return [action.before for action in actions]


def undo(
    record: Record,
    machine: Machine,
    store: Store,
    forced: frozenset[str],
    kept: frozenset[str] = frozenset(),
) -> Record:
    """Take a plan back, newest action first, holding the store's lock.

    Places in ``forced`` are restored whatever stands there now, those in ``kept`` are left as they are.
    Places on other hosts are left as they are where nobody agreed to change them. Raise ``DriftError``
    before anything is written, ``PartlyError`` after.
    """
    with locked(record.plan, machine, again=True):
        settled = forced | kept
        changed = tuple(text for a, text in differing(record, machine) if a.path not in settled)
        try:
            there = differing_elsewhere(record, machine)
            changed += tuple(text for a, text in there if a.where not in settled)
        except RemoteError as error:
            why = f"{error}; without --remote, all but other hosts is taken back"
            raise DriftError((why,)) from error
        if changed:
            raise DriftError(changed)
        lost = [
            n
            for n, a in copies(record.plan)
            if opened(record, n)
            and (a.where if isinstance(a, SendParts) else a.path) not in kept
            and (machine.remote or isinstance(a, CopyParts))
            and old_bytes(record, n, a, machine, store) is None
        ]
        if lost:
            places = dict(copies(record.plan))
            raise DriftError(tuple(f"the former bytes of {places[n].path} are nowhere" for n in lost))
        switch = switch_for(record.plan, machine)
        try:
            for step, numbers in reversed(list(numbered(record.plan))):
                record = undo_step(step, numbers, machine, switch, store, record, kept)
            record = reload_again(record, switch, store)
        except CertauditError as error:
            raise PartlyError(store.record(record.id), str(error)) from error
    return record


def opened(record: Record, number: int) -> bool:
    """Is there something of this action to take back?"""
    return record.progress[number] in ("begun", "done")


def undo_step(
    step: Step,
    numbers: range,
    machine: Machine,
    switch: UnitSwitch | None,
    store: Store,
    record: Record,
    kept: frozenset[str],
) -> Record:
    """Take one step back, its last action first; unit files are read again before a unit is started."""
    if not any(opened(record, number) for number in numbers):
        return record
    for number in reversed(numbers):
        action = record.plan.actions[number]
        out_of_reach = isinstance(action, SendParts) and machine.remote is None
        if not opened(record, number) or isinstance(action, ReloadUnit) or out_of_reach:
            continue
        sweep(action, machine)
        if not is_kept(action, kept):
            undo_action(action, number, machine, switch, store, record)
        record = store.mark(record, number, "undone")
    if step.reload and switch:
        switch.reload(step.user)
    return record


def is_kept(action: Action, kept: frozenset[str]) -> bool:
    """Is the place of an action to be left as it is?"""
    if isinstance(action, SendParts):
        return action.where in kept
    return not isinstance(action, (StopUnit, RunCommand, ReloadUnit)) and action.path in kept


def undo_action(
    action: Action,
    number: int,
    machine: Machine,
    switch: UnitSwitch | None,
    store: Store,
    record: Record,
) -> None:
    """Take one action back; what the owner's own commands did can not be."""
    if isinstance(action, StopUnit):
        start_again(action, switch)
    elif isinstance(action, LaterFile):
        take_away(action, machine)
    elif isinstance(action, SendParts):
        if machine.remote is not None:
            old = old_bytes(record, number, action, machine, store) or b""
            outward.take_back(action, old, machine.remote)
    elif not isinstance(action, (RunCommand, ReloadUnit)):
        take_back(action, number, machine, store, record)


def reload_again(record: Record, switch: UnitSwitch | None, store: Store) -> Record:
    """Let the consumers read the files that are back."""
    for number, action in enumerate(record.plan.actions):
        if isinstance(action, ReloadUnit) and opened(record, number):
            outward.reload(action, switch)
            record = store.mark(record, number, "undone")
    return record


def take_away(action: LaterFile, machine: Machine) -> None:
    """Take away what a script of the plan has made since, which is nothing if it never ran."""
    place = machine.place(action.path, follow=False)
    if place is None:
        return
    if machine.node(place).kind == "file":
        machine.writer.remove(place)
    if action.folder:
        machine.writer.remove_directory(place.rpartition("/")[0])


def start_again(action: StopUnit, switch: UnitSwitch | None) -> None:
    """Start a unit that was stopped. Raise ``ManagerError``."""
    if switch is None:
        raise ManagerError(f"{action.unit} can not be started: no manager answers")
    switch.reload(action.unit.rpartition("/")[0] or None)
    if not action.masked and switch.active(action.unit) != action.active:
        switch.start(action.unit)


def take_back(action: FileAction, number: int, machine: Machine, store: Store, record: Record) -> None:
    """Bring back what one action changed, if it did."""
    writer, before, path = machine.writer, action.before, action.path
    present = writer.node(path)
    if before.same_as(present) and before.mtime == present.mtime:
        return
    if isinstance(action, MoveFile):
        writer.move(action.to, path)
    elif isinstance(action, MakeDirectory):
        writer.remove_directory(path)
    elif isinstance(action, ChangeMode):
        writer.change_mode(path, before.mode or 0)
    elif before.kind == "absent":
        writer.remove(path)
    elif before.kind == "link":
        writer.link(path, before)
    else:
        old = bytes_of(action.old) if isinstance(action, WriteText) else b""
        if isinstance(action, CopyParts):
            old = old_bytes(record, number, action, machine, store) or b""
        writer.replace(path, old, form_of(before))


def old_bytes(
    record: Record, number: int, action: CopyParts | SendParts, machine: Machine, store: Store
) -> bytes | None:
    """What a copy held before: kept beside the record, else still in the archive; ``None``: nowhere."""
    if action.before.kind != "file":
        return b""
    data = store.replaced(record, number)
    if data is None:
        try:
            data = b"".join(machine.read(path) for path in action.kept)
        except CertauditError:
            return None
    return data if digest(data) == action.before.digest else None
