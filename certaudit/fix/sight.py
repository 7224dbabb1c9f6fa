"""What a plan may look at, and how an edit of a text is planned.

Law: reading only, through the ``Sight`` that is handed in; what an earlier step of the same plan will
have changed is seen as it will be then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct, field

from certaudit.errors import CertauditError
from certaudit.facts import Unit
from certaudit.model import Source
from certaudit.parsers.certificate import holds_private_key
from certaudit.plan import ABSENT, NO_FILE, Action, MakeDirectory, MoveFile, Node, Remedy, WriteText
from certaudit.records import replace

NOBODY = Node("directory")  # whoever writes decides


class CannotError(CertauditError):
    """A remedy that is refused: why, and what a person could do instead."""

    def __init__(self, why: str, *commands: str, others: tuple[Remedy, ...] = ()) -> None:
        super().__init__(why)
        self.why = why
        self.commands = commands
        self.others = others


class Sight(Protocol):
    """A machine as far as a plan looks at it; paths are of the machine."""

    def place(self, path: str, *, follow: bool = True) -> str | None:
        """The path with every link resolved, of its directories alone without ``follow``.

        ``None`` where the directory that would hold it is not there or may not be searched.
        """

    def node(self, place: str) -> Node:
        """What stands at a resolved path."""

    def read(self, place: str) -> bytes:
        """The bytes of the file at a resolved path. Raise ``CertauditError``."""

    def names(self, directory: str) -> tuple[str, ...]:
        """The names in a directory; () if it is not there."""

    def unit(self, name: str) -> Unit | None:
        """The unit behind a name; USER/NAME is one of that user's own manager."""

    def home(self, user: str) -> str | None:
        """The home directory of a user."""


class Overlay(Struct):
    """A ``Sight`` in which the actions planned so far have been done."""

    base: Sight
    nodes: dict[str, Node] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)

    def add(self, action: Action) -> None:
        """See this action as done from now on."""
        if isinstance(action, NO_FILE):
            return
        self.nodes[action.path] = action.after
        if isinstance(action, WriteText):
            self.texts[action.path] = bytes_of(action.text)
        if isinstance(action, MoveFile):
            self.nodes[action.to] = action.before

    def place(self, path: str, *, follow: bool = True) -> str | None:
        """As ``Sight``."""
        found = self.base.place(path, follow=follow)
        if found is None:
            folder, _, name = path.rpartition("/")
            made = self.base.place(folder, follow=False)
            if made in self.nodes and self.nodes[made].kind == "directory":
                return f"{made}/{name}"
        return found

    def node(self, place: str) -> Node:
        """As ``Sight``."""
        return self.nodes[place] if place in self.nodes else self.base.node(place)

    def read(self, place: str) -> bytes:
        """As ``Sight``."""
        return self.texts[place] if place in self.texts else self.base.read(place)

    def names(self, directory: str) -> tuple[str, ...]:
        """As ``Sight``."""
        return self.base.names(directory)

    def unit(self, name: str) -> Unit | None:
        """As ``Sight``."""
        return self.base.unit(name)

    def home(self, user: str) -> str | None:
        """As ``Sight``."""
        return self.base.home(user)


def digest(data: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def bytes_of(text: str) -> bytes:
    """The bytes a text stands for."""
    return text.encode("utf-8", "surrogateescape")


def line_of(source: Source, sight: Sight) -> str:
    """A line of a file as it stands there; "" where it can not be read."""
    place = sight.place(source.path)
    if place is None or source.line is None:
        return ""
    try:
        lines = sight.read(place).decode("utf-8", "replace").splitlines()
    except CertauditError:
        return ""
    return lines[source.line - 1] if source.line <= len(lines) else ""


def edited(sight: Sight, path: str, change: Callable[[str], str]) -> WriteText:
    """A change of the text of a file that is there. Raise ``CannotError``."""
    place = sight.place(path)
    before = sight.node(place) if place else ABSENT
    if place is None or before.kind != "file":
        raise CannotError(f"{path} is no file any more")
    if before.links > 1:
        raise CannotError(f"{place} has {before.links} names (hard links): they would part")
    data = sight.read(place)
    if holds_private_key(data):
        raise CannotError(f"{place} holds a private key, which no record may show")
    old = data.decode("utf-8", "surrogateescape")
    text = change(old)
    after = replace(before, digest=digest(bytes_of(text)), mtime=None)
    return WriteText(place, before, after, text, old)


def created(
    sight: Sight, path: str, text: str, mode: int, owner: Node = NOBODY
) -> tuple[MakeDirectory | WriteText, ...]:
    """A new text file, and its directory where that is missing, owned as ``owner`` is.

    Raise ``CannotError``.
    """
    found: list[MakeDirectory | WriteText] = []
    folder, _, name = path.rpartition("/")
    place = sight.place(folder)
    if place is None:
        raise CannotError(f"{folder} can not be made: the directory above it is not there")
    if sight.node(place).kind == "absent":
        made = Node("directory", mode=0o755, uid=owner.uid, gid=owner.gid)
        found.append(MakeDirectory(place, ABSENT, made))
    elif sight.node(place).kind != "directory":
        raise CannotError(f"{folder} is no directory")
    file = f"{place.rstrip('/')}/{name}"
    if not found and sight.node(file).kind != "absent":
        raise CannotError(f"{file} is there already")
    node = Node("file", digest(bytes_of(text)), mode, owner.uid, owner.gid)
    return (*found, WriteText(file, ABSENT, node, text))
