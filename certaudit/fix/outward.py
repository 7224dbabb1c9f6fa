"""What a plan does beyond the files of the machine: other hosts, the owner's steps, running consumers.

Law: with ``perform`` and ``undo`` the only code that holds what changes anything. A host, command or
consumer that fails keeps the others of the plan from nothing: it is said at the end.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterable
from pathlib import PurePosixPath

from certaudit.errors import CertauditError, ParseError
from certaudit.fix.checkpoint import Store
from certaudit.host import consented, wire
from certaudit.host.hosts import Hosts
from certaudit.host.process import Completed, ProgramError
from certaudit.host.ssh import RemoteError, Way, reason
from certaudit.host.units.switch import UnitSwitch
from certaudit.parsers.endpoint import parse_endpoint
from certaudit.parsers.remote_files import RemoteFile
from certaudit.plan import Plan, Record, ReloadUnit, RunCommand, SendParts, Served, Step

TEST_TIMEOUT, COMMAND_TIMEOUT = 60.0, 600.0  # seconds
PATIENCE = 15.0  # seconds until a reloaded consumer serves what it has read


class OutwardError(CertauditError):
    """A host, command or consumer has not done its part."""


def way_of(action: SendParts) -> Way:
    """How to come to the host of an action."""
    return Way(action.host, action.options)


def sends(plan: Plan, numbers: Iterable[int] | None = None) -> dict[Way, dict[int, SendParts]]:
    """The actions for other hosts, by host, with their numbers."""
    found: dict[Way, dict[int, SendParts]] = {}
    for number in range(len(plan.actions)) if numbers is None else numbers:
        action = plan.actions[number]
        if isinstance(action, SendParts):
            found.setdefault(way_of(action), {})[number] = action
    return found


def look(
    plan: Plan, remote: Hosts | None, numbers: Iterable[int] | None = None
) -> dict[int, RemoteFile]:
    """What stands at the places on other hosts now, by number of action. Raise ``RemoteError``."""
    found: dict[int, RemoteFile] = {}
    for way, actions in sends(plan, numbers).items():
        if remote is None:
            raise RemoteError(f"{way.host} is to be changed, and nobody agreed to that: --remote does")
        files = remote.look(way, [action.path for action in actions.values()])
        found |= {number: files[action.path] for number, action in actions.items()}
    return found


def drift(plan: Plan, there: dict[int, RemoteFile]) -> list[str]:
    """The places on other hosts that are not as they were when the plan was made."""
    return [
        f"{action.where} {action.before.difference(there[number].node)}"
        for actions in sends(plan).values()
        for number, action in actions.items()
        if not action.before.same_as(there[number].node)
    ]


def do_step(
    step: Step,
    numbers: range,
    data: dict[int, bytes],
    remote: Hosts | None,
    switch: UnitSwitch | None,
    store: Store,
    record: Record,
) -> Record:
    """Do a step of one host, one consumer or the owner's own. Raise ``OutwardError``."""
    for way, actions in sends(record.plan, numbers).items():
        if remote is None:
            raise OutwardError(f"{way.host}: nobody agreed to send anything there")
        record = send(remote, way, actions, data, store, record)
    for number in numbers:
        action = record.plan.actions[number]
        if isinstance(action, RunCommand):
            if not record.plan.live:
                raise OutwardError(f"{action.command} belongs to {record.plan.target}, not to this host")
            record = store.mark(record, number, "begun")
            run(action)
            record = store.mark(record, number, "done")
        elif isinstance(action, ReloadUnit):
            record = store.mark(record, number, "begun")
            reload(action, switch)
            record = store.mark(record, number, "done")
    return record


def send(
    remote: Hosts,
    way: Way,
    actions: dict[int, SendParts],
    data: dict[int, bytes],
    store: Store,
    record: Record,
) -> Record:
    """Write the files of one host: all of them beside their places first, then each into its own."""
    paths = [action.path for action in actions.values()]
    for number in actions:
        record = store.mark(record, number, "begun")
    try:
        for number, action in actions.items():
            remote.stage(way, action.path, data[number], action.after)
    except RemoteError as error:
        with contextlib.suppress(RemoteError):
            remote.sweep(way, paths)
            for number in actions:
                record = store.mark(record, number, "undone")
        raise OutwardError(f"{error}; nothing was changed on {way.host}") from error
    try:
        found = remote.commit(way, paths)
    except RemoteError as error:
        raise OutwardError(f"{error}; what stands on {way.host} now is not known") from error
    wrong = [
        f"{action.where} {action.after.difference(found[action.path].node)} after it was written"
        for action in actions.values()
        if not action.after.same_as(found[action.path].node)
    ]
    if wrong:
        raise OutwardError("; ".join(wrong))
    for number in actions:
        record = store.mark(record, number, "done")
    return record


def take_back(action: SendParts, old: bytes, remote: Hosts) -> None:
    """Bring back what stood at a place on another host. Raise ``RemoteError``."""
    way = way_of(action)
    remote.sweep(way, [action.path])
    if action.before.same_as(remote.look(way, [action.path])[action.path].node):
        return
    if action.before.kind == "absent":
        remote.remove(way, [action.path])
        return
    remote.stage(way, action.path, old, action.before)
    found = remote.commit(way, [action.path])[action.path].node
    if not action.before.same_as(found):
        raise RemoteError(f"{action.where} {action.before.difference(found)} after it was restored")


def run(action: RunCommand) -> None:
    """Run one of the owner's steps as certbot runs a hook. Raise ``OutwardError``."""
    told = {"RENEWED_LINEAGE": action.lineage, "RENEWED_DOMAINS": action.domains}
    argv = (consented.SHELL, "-c", action.command)
    try:
        done = consented.run(argv, timeout=COMMAND_TIMEOUT, env=told)
    except ProgramError as error:
        raise OutwardError(f"{action.command}: {error}") from error
    if done.returncode != 0:
        raise OutwardError(f"{action.command} ended with {said(done)}")


def reload(action: ReloadUnit, switch: UnitSwitch | None) -> None:
    """Test a consumer's configuration and let its unit reload. Raise ``OutwardError``."""
    name = PurePosixPath(action.test[0]).name
    try:
        if switch is None or switch.active(action.unit) != "active":
            return  # it reads the files when it is started
        done = consented.run(action.test, timeout=TEST_TIMEOUT)
        if done.returncode != 0:
            raise OutwardError(f"{action.unit} was not reloaded: {name} ended with {said(done)}")
        switch.reload_unit(action.unit)
    except OutwardError:
        raise
    except CertauditError as error:
        raise OutwardError(f"{action.unit} was not reloaded: {error}") from error


def said(done: Completed) -> str:
    """How a program ended, and its last word: of its errors, else of its output."""
    return f"status {done.returncode}: {reason(done.stderr or done.stdout.decode('utf-8', 'replace'))}"


def still_older(record: Record) -> tuple[str, ...]:
    """What is said of addresses that serve an older certificate after the reloads, given some time.

    An address that nothing answers at, or that shows a certificate of another lineage, tells nothing.
    """
    reloads = [
        action
        for action, state in zip(record.plan.actions, record.progress, strict=True)
        if isinstance(action, ReloadUnit) and state == "done"
    ]
    waiting = dict.fromkeys(served for action in reloads for served in action.served)
    until = time.monotonic() + PATIENCE
    while waiting := {one: None for one in waiting if shown(one) in one.older}:
        if time.monotonic() > until:
            break
        time.sleep(0.2)
    return tuple(f"{one.address} still serves an older {one.name} after the reload" for one in waiting)


def shown(served: Served) -> str | None:
    """The SHA-256 of the certificate that an address serves, or ``None``."""
    try:
        der = wire.leaf(parse_endpoint(served.address), served.name)
    except (wire.WireError, ParseError):
        return None
    return hashlib.sha256(der).hexdigest()
