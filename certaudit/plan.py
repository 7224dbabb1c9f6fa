"""Every noun of a repair: what was seen, what is to be done, and what has been done.

Law: frozen Structs, no library but msgspec; a plan is data plus what was seen when it was made. A path
is resolved inside the machine: no component of it but the last may be a link. No bytes of a private key
are in any of these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from certaudit.records import replace

NodeKind = Literal["absent", "file", "link", "directory", "other"]
Progress = Literal["planned", "begun", "done", "undone"]
Remedy = Literal["a", "b", "c", "d", "e", "owner", "resync"]

REMEDIES: dict[Remedy, str] = {
    "a": "hand the certificate out in a deploy hook, so that every path does",
    "b": "let the owner's script hand out whenever the certificate is newer than the copies",
    "c": "autorenew = False for this one certificate",
    "d": "switch the trigger off",
    "e": "switch the trigger off so that upgrades and first boots leave it off",
    "owner": "say in certaudit.toml who is meant to renew it",
    "resync": "bring what holds or serves the certificate up to date",
}


class Node(Struct, frozen=True):
    """What stands at one path: lstat(2), the bytes' SHA-256, a link's text.

    ``mtime`` is in nanoseconds; ``uid`` and ``gid`` are ``None`` where whoever writes decides.
    """

    kind: NodeKind
    digest: str | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    mtime: int | None = None
    target: str | None = None
    links: int = 1

    def same_as(self, other: Node) -> bool:
        """The same kind, bytes, mode, owner and link text; times do not count."""
        if self.kind != other.kind:
            return False
        if self.kind == "link":
            return self.target == other.target
        owners = ((self.uid, other.uid), (self.gid, other.gid))
        if any(None not in pair and pair[0] != pair[1] for pair in owners):
            return False
        return (self.digest, self.mode) == (other.digest, other.mode)

    def difference(self, other: Node) -> str:
        """What is other in ``other``, in a few words."""
        if self.kind != other.kind:
            names = {"absent": "not there", "file": "a file", "link": "a link", "other": "no file"}
            return f"is {names.get(other.kind, other.kind)}, was {names.get(self.kind, self.kind)}"
        if self.target != other.target:
            return f"points at {other.target}, not at {self.target}"
        if self.digest != other.digest:
            return "has other content"
        if self.mode != other.mode:
            return f"has mode {other.mode or 0:04o}, not {self.mode or 0:04o}"
        return f"belongs to {other.uid}:{other.gid}, not to {self.uid}:{self.gid}"


ABSENT = Node("absent")


class Held(Struct, frozen=True):
    """What a file of certificates and keys holds, as far as a person may see it.

    ``size`` is in bytes; ``serial`` (lower-case hex) and ``expires`` (ISO 8601) are of its first
    certificate, ``None`` where it has none.
    """

    size: int
    serial: str | None = None
    expires: str | None = None


class WriteText(Struct, frozen=True):
    """A text file made, or its whole text replaced; owner and mode of a file that is there are kept.

    Bytes that are no UTF-8 are surrogates in ``text`` and ``old``, as ``surrogateescape`` makes them.
    """

    path: str
    before: Node
    after: Node
    text: str
    old: str = ""


class CopyParts(Struct, frozen=True):
    """A certificate, key or combined file written as the bytes of ``sources``, one after the other.

    ``kept`` are the files whose bytes, one after the other, are those of the file before; () where
    there are none such, and a copy has to be kept beside the record. ``old`` and ``new`` are what the
    file holds before and after, ``secret`` whether a private key is in it.
    """

    path: str
    before: Node
    after: Node
    sources: tuple[str, ...]
    kept: tuple[str, ...] = ()
    secret: bool = False
    old: Held | None = None
    new: Held | None = None


class PutLink(Struct, frozen=True):
    """A symbolic link made, in the place of nothing or of another link."""

    path: str
    before: Node
    after: Node


class RemoveLink(Struct, frozen=True):
    """A symbolic link taken away."""

    path: str
    before: Node
    after: Node = ABSENT


class ChangeMode(Struct, frozen=True):
    """Another mode for a file."""

    path: str
    before: Node
    after: Node


class MoveFile(Struct, frozen=True):
    """A file under another name in its own directory; ``before`` and ``after`` are of ``path``."""

    path: str
    before: Node
    to: str
    after: Node = ABSENT


class MakeDirectory(Struct, frozen=True):
    """A directory made."""

    path: str
    before: Node
    after: Node


class LaterFile(Struct, frozen=True):
    """A file that a script of the plan makes when it runs; applying does nothing about it.

    Undone by taking it away, and with ``folder`` the directory that the script makes for it, if nothing
    else is in it.
    """

    path: str
    folder: bool


class StopUnit(Struct, frozen=True):
    """A running unit stopped through the manager of this machine; undone by starting it.

    USER/NAME is a unit of that user's own manager.
    ``masked``: it was masked on disk while it ran, so that systemd will not start it again.
    """

    unit: str
    active: str
    masked: bool = False


class SendParts(Struct, frozen=True):
    """As ``CopyParts``, on another host: ``host`` is ``[USER@]NAME``, ``options`` are ssh's own."""

    host: str
    path: str
    before: Node
    after: Node
    sources: tuple[str, ...]
    options: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    secret: bool = False
    old: Held | None = None
    new: Held | None = None

    @property
    def where(self) -> str:
        """The place as ssh's tools name it."""
        return f"{self.host}:{self.path}"


class RunCommand(Struct, frozen=True):
    """A step or hook of the owner's own, run by a shell as after a renewal. It can not be undone.

    ``lineage`` and ``domains`` are certbot's RENEWED_LINEAGE and RENEWED_DOMAINS; ``source`` is where it
    stands.
    """

    command: str
    lineage: str
    domains: str
    source: str


class Served(Struct, frozen=True):
    """An address that must serve a certificate to whoever asks for ``name``; SHA-256 fingerprints.

    ``older`` are the generations it may have served until then.
    """

    address: str
    name: str
    fingerprint: str
    serial: str
    older: tuple[str, ...] = ()


class ReloadUnit(Struct, frozen=True):
    """A consumer that reads its files again: its own test of its configuration, then its unit's reload.

    Undone by the same, once the files are back.
    """

    unit: str
    test: tuple[str, ...]
    served: tuple[Served, ...] = ()


FileAction = WriteText | CopyParts | PutLink | RemoveLink | ChangeMode | MoveFile | MakeDirectory
Outward = SendParts | RunCommand | ReloadUnit
Action = FileAction | LaterFile | StopUnit | Outward
OUTWARD = (SendParts, RunCommand, ReloadUnit)
# actions that change no file of the machine
NO_FILE = (LaterFile, StopUnit, SendParts, RunCommand, ReloadUnit)


class Alternative(Struct, frozen=True):
    """A remedy that could be chosen: what it would be and its price, or why it can not be had."""

    remedy: Remedy
    title: str
    price: tuple[str, ...] = ()
    refused: str | None = None


class Step(Struct, frozen=True):
    """One thing a person decides on: a remedy for a trigger or certificate, with its actions in order.

    ``lasts`` tells what brings the old state back, ``notes`` the price, ``others`` the remedies that
    could be chosen instead (``alternatives``: all five, with their price). ``background`` is good to
    know and decides nothing. ``locks`` are certbot's and dpkg's own lock files to hold meanwhile.
    ``commands`` are left for a person to run afterwards.
    """

    rules: tuple[str, ...]
    subjects: tuple[str, ...]
    remedy: Remedy
    title: str
    actions: tuple[Action, ...]
    lasts: str = ""
    notes: tuple[str, ...] = ()
    others: tuple[Remedy, ...] = ()
    locks: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    trigger: str | None = None
    reload: bool = False  # unit files change: the running manager has to read them again
    user: str | None = None  # whose manager that is; None: the system's
    alternatives: tuple[Alternative, ...] = ()
    background: tuple[str, ...] = ()


class Refusal(Struct, frozen=True):
    """What certaudit will not do by itself, why, and what a person could do instead."""

    rules: tuple[str, ...]
    subjects: tuple[str, ...]
    why: str
    commands: tuple[str, ...] = ()
    others: tuple[Remedy, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


class Plan(Struct, frozen=True):
    """The repair of one machine, as it was seen at ``as_of``."""

    host: str
    target: str
    live: bool
    as_of: datetime
    steps: tuple[Step, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    unseen: tuple[str, ...] = ()  # places on other hosts that nobody agreed to look at
    off_already: tuple[str, ...] = ()  # what was found switched off, and what brings it back

    @property
    def actions(self) -> tuple[Action, ...]:
        """Every action, in order."""
        return tuple(action for step in self.steps for action in step.actions)

    @property
    def commands(self) -> tuple[str, ...]:
        """What is left for a person to run afterwards, each once."""
        return tuple(dict.fromkeys(c for step in self.steps for c in step.commands))


class Record(Struct, frozen=True):
    """A plan that was begun: when, by whom, and how far each of its actions has come."""

    id: str
    plan: Plan
    started: datetime
    by: str
    progress: tuple[Progress, ...]

    @property
    def stands(self) -> bool:
        """Is anything of it in force, or half done?"""
        return any(state in ("begun", "done") for state in self.progress)

    @property
    def whole(self) -> bool:
        """Was all of it done, and nothing undone?"""
        return all(state == "done" for state in self.progress)


def with_steps(plan: Plan, steps: tuple[Step, ...]) -> Plan:
    """The plan with only these steps."""
    return replace(plan, steps=steps)
