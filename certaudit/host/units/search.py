"""Where a manager looks for unit files, and what stands in those directories: systemd.unit(5).

Law: one scan, highest precedence first, every real directory once; a file is read when it is asked for.
Which file a name leads to follows systemd 252's name map.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from operator import itemgetter
from pathlib import PurePosixPath

from msgspec import Struct

from certaudit.errors import UnreadableError
from certaudit.facts import UnitLink
from certaudit.host.root import Root
from certaudit.parsers.unit_file import UnitFile, parse_unit_file
from certaudit.parsers.unit_name import (
    TYPES,
    alias_allowed,
    instance_of,
    name_kind,
    template_of,
    with_instance,
)

# A link that an archive or a git checkout without symlinks wrote out as a file with its target.
WRITTEN_LINK = re.compile(r"[^\s=\[\]]{1,250}\n?")
FOLLOW_MAX = 8  # as systemd's unit_ids_map_get()
DIRECTORY_KINDS = (".wants", ".requires", ".upholds", ".d")


class SearchPath(Struct, frozen=True):
    """The directories of one manager; ``all_directories`` keeps two names of one directory."""

    all_directories: tuple[str, ...]
    persistent: str  # where ``systemctl enable`` writes
    shared: str | None = None  # where ``systemctl --global enable`` writes
    generators: frozenset[str] = frozenset()
    transient: str | None = None


def system_search_path(*, split_usr: bool) -> SearchPath:
    """The compiled-in load path of the system manager; /lib before /usr/lib on split-usr builds."""
    vendor = ("/lib/systemd/system", "/usr/lib/systemd/system")
    return SearchPath(
        (
            "/etc/systemd/system.control",
            "/run/systemd/system.control",
            "/run/systemd/transient",
            "/run/systemd/generator.early",
            "/etc/systemd/system",
            "/etc/systemd/system.attached",
            "/run/systemd/system",
            "/run/systemd/system.attached",
            "/run/systemd/generator",
            "/usr/local/lib/systemd/system",
            *(vendor if split_usr else vendor[::-1]),
            "/run/systemd/generator.late",
        ),
        persistent="/etc/systemd/system",
        generators=frozenset(f"/run/systemd/generator{x}" for x in ("", ".early", ".late")),
        transient="/run/systemd/transient",
    )


def user_search_path(home: str, uid: int | None) -> SearchPath:
    """The load path of a user's manager, the XDG variables unset; without ``uid`` no /run/user."""
    run = None if uid is None else f"/run/user/{uid}/systemd"
    config, data = f"{home}/.config/systemd", f"{home}/.local/share/systemd"

    def at_run(*names: str) -> tuple[str, ...]:
        return () if run is None else tuple(f"{run}/{name}" for name in names)

    return SearchPath(
        (
            f"{config}/user.control",
            *at_run("user.control", "transient", "generator.early"),
            f"{config}/user",
            "/etc/xdg/systemd/user",
            "/etc/systemd/user",
            *at_run("user"),
            "/run/systemd/user",
            *at_run("generator"),
            f"{data}/user",
            "/usr/local/share/systemd/user",
            "/usr/share/systemd/user",
            "/usr/local/lib/systemd/user",
            "/usr/lib/systemd/user",
            *at_run("generator.late"),
        ),
        persistent=f"{config}/user",
        shared="/etc/systemd/user",
        generators=frozenset(at_run("generator", "generator.early", "generator.late")),
        transient=f"{run}/transient" if run else None,
    )


class Node(Struct, frozen=True):
    """A name in a unit directory that is a unit's: ``target`` is the text of a link."""

    name: str
    path: str
    target: str | None
    is_file: bool


class Dependency(Struct, frozen=True):
    """One name in an ``OWNER.wants`` directory; ``target`` is ``None`` if it is no link."""

    kind: str  # wants | requires | upholds
    owner: str
    name: str
    path: str
    target: str | None
    linked_directory: bool  # the directory itself is a link


class Directory(Struct, frozen=True):
    """What one unit directory holds; ``names`` are all by which the load path knows it."""

    path: str
    names: tuple[str, ...]
    nodes: tuple[Node, ...]
    dependencies: tuple[Dependency, ...]
    drop_in_owners: frozenset[str]


class UnitTree:
    """The unit directories of one manager, scanned when made."""

    def __init__(self, root: Root, search: SearchPath) -> None:
        """Read the directories; ``problems`` names those that could not be read."""
        self.root = root
        self.search = search
        self.live = str(root.directory) == "/"
        # Asked again and again for the same few hundred paths.
        self.link_text = cache(self._link_text)
        self.masks = cache(self._masks)
        self.parsed = cache(self._parsed)
        self.problems: list[str] = []
        resolved: dict[str, list[str]] = {}
        for path in search.all_directories:
            real = self._real(path)
            if real is not None:
                resolved.setdefault(real, []).append(path)
        self.directories = [self._scan(tuple(names)) for names in resolved.values()]
        self.named: dict[str, list[Node]] = {}  # those of the stronger directory first
        for node in (n for directory in self.directories for n in directory.nodes):
            self.named.setdefault(node.name, []).append(node)
        # Links may point to a directory of the load path by its own or by its resolved name.
        self.expanded = tuple(dict.fromkeys((*search.all_directories, *resolved)))
        self.targets = self._targets()
        self.other_names = self._other_names()
        self._pulling: dict[str, list[tuple[int, Dependency]]] = {}
        for number, link in enumerate(d for each in self.directories for d in each.dependencies):
            self._pulling.setdefault(link.name, []).append((number, link))

    def _real(self, path: str) -> str | None:
        try:
            entry = self.root.entry(path)
        except UnreadableError as error:
            self.problems.append(str(error))
            return None
        return str(entry.path) if entry is not None and entry.is_dir else None

    def _listed(self, path: str) -> tuple[str, ...]:
        try:
            return self.root.names(path)
        except UnreadableError as error:
            self.problems.append(str(error))
            return ()

    def _scan(self, names: tuple[str, ...]) -> Directory:
        path = names[0]
        nodes, dependencies, owners = list[Node](), list[Dependency](), set[str]()
        for name in self._listed(path):
            whole = f"{path}/{name}"
            if name_kind(name):
                nodes.append(self._node(name, whole))
                continue
            suffix = next((s for s in DIRECTORY_KINDS if name.endswith(s)), None)
            owner = name.removesuffix(suffix) if suffix else ""
            if suffix == ".d" and (name_kind(owner) or owner in TYPES):
                owners.add(owner)
            elif suffix and (name_kind(owner) or owner in TYPES):
                dependencies.extend(self._dependencies(suffix[1:], owner, whole))
        return Directory(path, names, tuple(nodes), tuple(dependencies), frozenset(owners))

    def _node(self, name: str, path: str) -> Node:
        target = self.link_text(path)
        if target is not None:
            return Node(name, path, target, is_file=False)
        try:
            entry = self.root.entry(path)
        except UnreadableError:
            entry = None
        return Node(name, path, None, is_file=entry is not None and entry.is_file)

    def _dependencies(self, kind: str, owner: str, path: str) -> Iterator[Dependency]:
        linked = self.root.link(path) is not None
        for name in self._listed(path):
            whole = f"{path}/{name}"
            yield Dependency(kind, owner, name, whole, self.link_text(whole), linked)

    def _link_text(self, path: str) -> str | None:
        """The target of a symlink, or ``None``.

        In an image a file with nothing but a unit's path in it counts as the link it once was.
        """
        target = self.root.link(path)
        if target is not None or self.live:
            return target
        try:
            entry = self.root.entry(path)
            small = entry is not None and entry.is_file and 0 < entry.size <= 250
            text = self.root.text(path) if small else ""
        except UnreadableError:
            return None
        text = text.removesuffix("\n") if WRITTEN_LINK.fullmatch(text) else ""
        return text if text == "/dev/null" or name_kind(text.rpartition("/")[2]) else None

    def chased(self, link: str, target: str) -> str | None:
        """Where a link points inside the root, its last component not followed.

        What does not exist is taken as written; ``None`` where nothing of the kind can be there.
        Raise ``UnreadableError`` for a loop of links and closed directories.
        """
        whole = PurePosixPath(link).parent / target
        missing: list[str] = []
        here = whole
        while here.name not in ("", ".."):
            missing.insert(0, here.name)
            here = here.parent
            entry = self.root.entry(here)
            if entry is not None:
                return str(entry.path.joinpath(*missing)) if entry.is_dir else None
        return None

    def is_null(self, path: str) -> bool | None:
        """Is this /dev/null, a device or an empty file, links followed? ``None``: it is not there.

        Raise ``UnreadableError`` where that cannot be said.
        """
        if path == "/dev/null":
            return True
        entry = self.root.entry(path)
        if entry is None:
            return None
        return (entry.is_file and entry.size == 0) or stat.S_ISCHR(entry.mode)

    def _masks(self, path: str) -> bool:
        """Does this file or link hide what has the same name and less precedence?

        An image may lack /dev/null, so a link to it counts by its text.
        """
        try:
            target = self.link_text(path)
            if target is not None and self.chased(path, target) == "/dev/null":
                return True
            return self.is_null(path) is True
        except UnreadableError:
            return False

    def _parsed(self, path: str) -> UnitFile:
        """The settings of one file. Raise ``UnreadableError`` where it cannot be read."""
        return parse_unit_file(self.root.text(path), printable(path))

    def _targets(self) -> dict[str, str]:
        """Name -> the path of its file, or the name that a link makes it an alias of."""
        targets: dict[str, str] = {}
        for node in (n for directory in self.directories for n in directory.nodes):
            if node.name in targets:
                continue
            if node.target is None:
                if node.is_file:
                    targets[node.name] = node.path
                continue
            destination = self._destination(node.path, node.target)
            if destination is None:
                continue
            if not is_under(destination, self.expanded):
                targets[node.name] = node.path
            elif alias_allowed(node.name, destination.rpartition("/")[2]):
                targets[node.name] = destination.rpartition("/")[2]
        return targets

    def _destination(self, link: str, target: str) -> str | None:
        try:
            return self.chased(link, target)
        except UnreadableError:
            return None

    def _follow(self, name: str) -> str | None:
        """Where a name's links end (``unit_ids_map_get``): an instance there may mean its template."""
        target = self.targets.get(name)
        for _ in range(FOLLOW_MAX):
            if target is None or target.startswith("/"):
                return target
            target = self.targets.get(target) or self.targets.get(template_of(target) or "")
        return None

    def fragment(self, name: str) -> str | None:
        """The path of the file that a unit's name leads to, a template's for an instance."""
        found = self._follow(name)
        template = template_of(name) if found is None else None
        return self._follow(template) if template else found

    def main_name(self, name: str) -> str:
        """The name that a unit goes by: its file's, aliases resolved."""
        fragment = self.fragment(name)
        if fragment is None:
            return name
        main = fragment.rpartition("/")[2]
        if name_kind(main) == "template" and instance_of(name):
            return with_instance(main, instance_of(name))
        return main

    def _other_names(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for name in self.targets:
            main = self.main_name(name)
            if main != name and self._follow(name) is not None:
                found.setdefault(main, []).append(name)
        return {main: tuple(sorted(names)) for main, names in found.items()}

    def aliases(self, main: str) -> tuple[str, ...]:
        """The other names of a unit, sorted."""
        names = set(self.other_names.get(main, ()))
        if name_kind(main) == "instance" and self._follow(main) is None:
            for alias in self.other_names.get(template_of(main) or "", ()):
                if name_kind(alias) == "template":
                    names.add(with_instance(alias, instance_of(main)))
        return tuple(sorted(name for name in names if self.main_name(name) == main and name != main))

    def names(self) -> tuple[str, ...]:
        """Every name that stands in a directory or in a ``.wants`` directory, sorted."""
        pulled = {link.name for directory in self.directories for link in directory.dependencies}
        return tuple(sorted(self.named.keys() | {name for name in pulled if name_kind(name)}))

    def links(self, names: Sequence[str]) -> tuple[UnitLink, ...]:
        """The links that pull in a unit of these names, masked and overridden ones left out."""
        seen: set[tuple[str, str, str]] = set()
        found: list[UnitLink] = []
        pulling = (numbered for name in dict.fromkeys(names) for numbered in self._pulling.get(name, ()))
        for _, link in sorted(pulling, key=itemgetter(0)):
            key = (link.kind, link.owner, link.name)
            if key in seen:
                continue
            seen.add(key)
            if link.target is not None and not self.masks(link.path):
                found.append(UnitLink(link.kind, link.owner, link.path, link.target))  # type: ignore[arg-type]
        return tuple(found)

    def drop_in_directories(self, names: Sequence[str]) -> Iterator[str]:
        """The ``.d`` directories of these names in each unit directory, highest precedence first."""
        for directory in self.directories:
            for name in names:
                if name in directory.drop_in_owners:
                    yield f"{directory.path}/{name}.d"

    def drop_ins(self, directories: Iterable[str]) -> tuple[str, ...]:
        """The ``.conf`` files of these directories in the order in which they apply.

        Of equal names the first counts; the rest is sorted by file name, wherever it lies.
        """
        found: dict[str, str] = {}
        for directory in directories:
            real = self._real(directory)
            for name in self._listed(directory) if real else ():
                if name.endswith(".conf"):
                    found.setdefault(name, f"{real}/{name}")
        return tuple(found[name] for name in sorted(found, key=os.fsencode))


def is_under(path: str, directories: Sequence[str]) -> bool:
    """Does a path lie below one of the directories?"""
    return any(path.startswith(directory + "/") for directory in directories)


def printable(path: str) -> str:
    """A path whose bytes that are no UTF-8 became U+FFFD, fit for a report."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
