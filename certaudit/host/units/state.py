"""The state of a unit file: enabled, linked, masked, static ... as ``systemctl is-enabled`` says it.

Law: what ``systemctl --root=DIR is-enabled`` prints for the same tree; systemctl(1) "is-enabled",
systemd.unit(5) "[Install] section options". ``UpheldBy=`` counts from systemd 254 on.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from certaudit.errors import ParseError, UnreadableError
from certaudit.facts import Setting
from certaudit.host.units.search import Directory, UnitTree, is_under
from certaudit.parsers.exec_line import expand_specifiers, unit_specifiers
from certaudit.parsers.unit_file import UnitFile, merged
from certaudit.parsers.unit_name import (
    INSTANCE,
    MAY_ALIAS,
    MAY_TEMPLATE,
    alias_allowed,
    instance_of,
    name_kind,
    template_of,
    unit_type,
    with_instance,
)
from certaudit.parsers.unit_words import next_word

FOLLOW_MAX = 64


class BadUnitError(Exception):
    """The state cannot be told: systemctl fails, or lists the unit as ``bad``."""


class Found(Struct):
    """A unit file on the way from a name to the file that counts."""

    name: str
    path: str
    mode: str = ""  # regular | masked | alias | linked
    target: str = ""
    install: list[UnitFile] = field(default_factory=list)


class Install(Struct, frozen=True):
    """What the ``[Install]`` sections of a unit and its drop-ins add up to."""

    aliases: tuple[str, ...]
    rules: bool
    also: bool
    default: str | None  # the instance of a template that ``enable`` links


class UnitStates:
    """File states of the units of one tree."""

    def __init__(self, tree: UnitTree, *, upholds: bool) -> None:
        """``upholds``: this systemd knows ``UpheldBy=`` and ``.upholds`` directories."""
        self.tree = tree
        self.upholds = upholds
        nodes = (node for directory in tree.directories for node in directory.nodes)
        self.standing = frozenset(n.name for n in nodes if n.is_file or n.target is not None)
        self.linked = {
            d.path: tuple(n for n in d.nodes if n.target is not None) for d in tree.directories
        }
        kinds = ("wants", "requires", "upholds") if upholds else ("wants", "requires")
        self.pulled: dict[str, dict[str, list[str]]] = {}
        for directory in tree.directories:
            pulled = self.pulled[directory.path] = {}
            for link in directory.dependencies:
                if link.kind in kinds and link.target is not None and not link.linked_directory:
                    for name in {link.name, template_of(link.name) or link.name}:
                        pulled.setdefault(name, []).append(link.name)

    def state(self, name: str) -> str | None:
        """The word for a unit's name; ``None`` where no file leads to it, ``bad`` for broken ones."""
        try:
            found = self._discover(name)
            if found is None:
                return "bad" if name in self.standing else None
            if found.mode == "masked":
                return "masked-runtime" if is_under(found.path, ("/run",)) else "masked"
            return self._regular(name, found)
        except (BadUnitError, UnreadableError):
            return "bad"

    def _regular(self, name: str, found: Found) -> str:
        folder, _, base = found.path.rpartition("/")
        search = self.tree.search
        if name != base and name_kind(found.name) != "instance":
            return "alias"
        if folder in search.generators or folder == search.transient:
            return "generated" if folder in search.generators else "transient"
        install = install_of(found, upholds=self.upholds)
        state = self._switched(found, install)
        if state is None and self._switched(found, None) is not None:
            state = "indirect"
        if state is None and install.rules:
            state = "disabled"
        return state or ("indirect" if install.also else "static")

    def _switched(self, found: Found, install: Install | None) -> str | None:
        """Which links make the unit enabled or linked; with ``install``, only those it names."""
        enabled, linked = set[str](), set[str]()
        below = False
        for directory in self.tree.directories:
            how = self._in_directory(directory, found.name, install, below=below)
            where = self._where(directory)
            if how == "enabled" and where in ("own", "shared"):
                return "enabled"
            if how is not None:
                (enabled if how == "enabled" else linked).add(where)
            below = below or found.path.startswith(directory.path + "/")
        if "runtime" in enabled:
            return "enabled-runtime"
        if enabled and name_kind(found.name) == "instance":
            return "static"
        if "own" in linked:
            return "linked"
        return "linked-runtime" if "runtime" in linked else None

    def _where(self, directory: Directory) -> str:
        search = self.tree.search
        if search.persistent in directory.names:
            return "own"
        if search.shared in directory.names:
            return "shared"
        return "runtime" if is_under(directory.path, ("/run",)) else "other"

    def _in_directory(
        self, directory: Directory, name: str, install: Install | None, *, below: bool
    ) -> str | None:
        """``enabled`` or ``linked`` where this directory holds such a link to the unit."""
        known = known_names(name, install) if install else None
        pulled = self.pulled[directory.path].get(name, ())
        if pulled and (known is None or not known.isdisjoint(pulled)):
            return "enabled"
        linked = False
        for node in self.linked[directory.path]:
            same_name = node.name == name and not below
            points_here = (node.target or "").rpartition("/")[2] == name
            if same_name and points_here:
                linked = True
            elif (same_name or points_here) and (known is None or node.name in known):
                return "enabled"
        return "linked" if linked else None

    def _discover(self, name: str) -> Found | None:
        """The file that counts for a name, links followed; ``None`` where there is none at all."""
        found = self._search(name)
        if found is None:
            return None
        for _ in range(FOLLOW_MAX):
            if found.mode not in ("alias", "linked"):
                return found
            base = found.target.rpartition("/")[2]
            if found.mode == "linked" or base == found.name:
                found = self._followed(found)
                continue
            if name_kind(found.name) == "instance" and name_kind(base) == "template":
                base = with_instance(base, instance_of(found.name))
                if base == found.name:
                    found = self._followed(found)
                    continue
            further = self._search(base)
            if further is None:
                raise BadUnitError
            found = further
        raise BadUnitError

    def _followed(self, found: Found) -> Found:
        if not self._load(found, found.target):
            raise BadUnitError
        return found

    def _search(self, name: str) -> Found | None:
        """The file of that name that comes first, or its template's, with its drop-ins."""
        if name_kind(name) is None:
            raise BadUnitError
        found = Found(name, "")
        template = template_of(name) if name_kind(name) == "instance" else None
        candidates = [(d, n) for n in (name, template) if n for d in self.tree.directories]
        if not any(self._load(found, f"{d.path}/{n}") for d, n in candidates):
            return None
        if found.mode != "masked":
            owners = [n for n in (name, template) if n]
            directories = [d for n in owners for d in self.tree.drop_in_directories((n,))]
            found.install.extend(self._read(path, name) for path in self.tree.drop_ins(directories))
        return found

    def _load(self, found: Found, path: str) -> bool:
        """Look at one path; False where nothing is there. Raise ``BadUnitError`` for what is no unit."""
        target = self.tree.link_text(path)
        if target is not None:
            destination = self.tree.chased(path, target)
            if destination is not None:
                self._load_link(found, path, destination)
            return destination is not None
        entry = self.tree.root.entry(path)
        if entry is None:
            return False
        kind = unit_type(found.name)
        if name_kind(found.name) != "plain" and kind not in MAY_TEMPLATE:
            raise BadUnitError
        found.path = path
        if self.tree.is_null(path):
            found.mode = "masked"
            return True
        found.install.append(self._read(path, found.name))
        found.mode = "regular"
        return True

    def _load_link(self, found: Found, path: str, destination: str) -> None:
        inside = is_under(destination, self.tree.search.all_directories)
        if inside and not alias_allowed(path.rpartition("/")[2], destination.rpartition("/")[2]):
            raise BadUnitError
        found.path, found.target = path, destination
        null = destination == "/dev/null"  # a link to any other empty file is followed first
        found.mode = "masked" if null else "alias" if inside else "linked"

    def _read(self, path: str, name: str) -> UnitFile:
        """One file of the unit of that name; ``BadUnitError`` where systemctl would give up."""
        if self.tree.masks(path):
            return UnitFile(path)
        file = self.tree.parsed(path)
        install = [s for s in file.settings if s.section == "Install"]
        if file.refused or not all(acceptable(setting, name) for setting in install):
            raise BadUnitError
        return file


def acceptable(setting: Setting, name: str) -> bool:
    """Are the names in an ``Also=`` or ``DefaultInstance=`` of the unit ones that can be?"""
    if setting.key == "Also":
        words = expand_specifiers(setting.value, unit_specifiers(name))[0].split()
        return all(name_kind(word) is not None for word in words)
    if setting.key == "DefaultInstance" and name_kind(name) == "template":
        value = expand_specifiers(setting.value, unit_specifiers(name))[0]
        return not value or INSTANCE.fullmatch(value) is not None
    return True


def install_of(found: Found, *, upholds: bool) -> Install:
    """The rules that ``systemctl enable`` would follow for this unit."""
    settings = [s for s in merged(found.install) if s.section == "Install"]
    plain = tuple(words_of(settings, "Alias")) if unit_type(found.name) in MAY_ALIAS else ()
    keys = ("WantedBy", "RequiredBy", "UpheldBy") if upholds else ("WantedBy", "RequiredBy")
    also = [
        s for file in found.install for s in file.settings if (s.section, s.key) == ("Install", "Also")
    ]
    return Install(
        aliases=plain,
        rules=bool(plain) or any(any(words_of(settings, key)) for key in keys),
        also=any(s.value for s in also),
        default=default_instance(found),
    )


def default_instance(found: Found) -> str | None:
    """The last ``DefaultInstance=`` of a template; an empty one takes it back."""
    default = None
    if name_kind(found.name) == "template":
        for setting in (s for file in found.install for s in file.settings):
            if (setting.section, setting.key) == ("Install", "DefaultInstance"):
                default = expand_specifiers(setting.value, unit_specifiers(found.name))[0]
    return default or None


def words_of(settings: list[Setting], key: str) -> Iterator[str]:
    """The words of every value of a key; the rest of a value with a quote left open is dropped."""
    for setting in settings:
        at = 0
        while setting.key == key:
            try:
                word, at = next_word(setting.value, at, escapes=False)
            except ParseError:
                break
            if word is None:
                break
            yield word


def known_names(name: str, install: Install) -> set[str]:
    """The names of links that ``enable`` would make for this unit."""
    names = {name, *install.aliases}
    if install.default and name_kind(name) == "template":
        names.add(with_instance(name, install.default))
    return names
