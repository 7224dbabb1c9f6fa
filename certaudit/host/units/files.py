"""Units as their files describe them, for the system manager or a user's: systemd.unit(5).

Law: only files are read; what the manager has in memory is not known here. A unit is built when asked
for and kept.
"""

from __future__ import annotations

import re

from certaudit.errors import UnreadableError
from certaudit.facts import Unit
from certaudit.host.identity import os_release
from certaudit.host.root import Root
from certaudit.host.units.search import UnitTree, printable, system_search_path, user_search_path
from certaudit.host.units.state import UnitStates
from certaudit.model import Gap
from certaudit.parsers.preset import PresetRule, parse_preset, preset_rule
from certaudit.parsers.unit_file import UnitFile, merged, refusing, up_to
from certaudit.parsers.unit_name import name_and_prefixes, name_kind, unit_type

VENDOR = ("/usr/lib/systemd/system", "/lib/systemd/system")
LIBRARY = re.compile(r"libsystemd-shared-(\d+)\S*\.so")
LIBRARY_FOLDERS = ("/usr/lib", "/lib", "/usr/lib64")
UPHOLDS_SINCE = 254
MERGED_SINCE = 255  # Debian and Ubuntu built systemd for a split /usr until then
LINGER = "/var/lib/systemd/linger"
PRESETS = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/lib/systemd", "/usr/lib/systemd")


class UnitFiles:
    """The units of one manager, from files alone."""

    backend = "unit-files"

    def __init__(
        self, root: Root, manager: str | None = None, home: str | None = None, uid: int | None = None
    ) -> None:
        """Scan the unit directories of the system manager, or of the user ``manager``'s.

        ``home`` is that user's home directory and ``uid`` its number (for /run/user).
        """
        self.root = root
        self.manager = manager
        release = systemd_release(root)
        self.version = None if release is None else str(release)
        if manager is None:
            search = system_search_path(split_usr=split_usr(root, release))
        else:
            search = user_search_path(home or f"/home/{manager}", uid)
        self.tree = UnitTree(root, search)
        self._states = UnitStates(self.tree, upholds=release is None or release >= UPHOLDS_SINCE)
        self._presets: tuple[PresetRule, ...] | None = None
        self._units: dict[str, Unit] = {}
        self._read_problems: list[str] = []
        self._noted: list[Gap] = []

    def add_gap(self, gap: Gap) -> None:
        """Keep what someone else could not see of these units."""
        self._noted.append(gap)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be seen: closed directories, and files met so far that could not be read."""
        problems = dict.fromkeys((*self.tree.problems, *self._read_problems))
        found = [*self._noted, *(Gap("units", problem) for problem in problems)]
        if self.manager is None and self.tree.directories and not self.has_vendor_units:
            where = " nor ".join(VENDOR)
            found.append(Gap("units", f"neither {where} is in this tree: packaged units are not known"))
        return tuple(found)

    @property
    def has_vendor_units(self) -> bool:
        """Is there a directory of packaged units, so that a missing unit file means something?"""
        return any(path in directory.names for directory in self.tree.directories for path in VENDOR)

    def names(self) -> tuple[str, ...]:
        """Every name with a file, a mask, an alias or a ``.wants`` link, sorted."""
        return self.tree.names()

    def unit(self, name: str) -> Unit | None:
        """The unit behind a name, or ``None`` where neither a file nor a link tells of one.

        ``Unit.name`` is the main name of an alias. For an instance the template's files count, their
        specifiers as written. Behind a mask, ``fragment`` and ``settings`` are those that unmasking
        would bring back.
        """
        if name not in self._units:
            built = self._built(name)
            if built is None:
                return None
            self._units[name] = built
        return self._units[name]

    def file_state(self, name: str) -> str | None:
        """What ``systemctl is-enabled`` says of exactly this name: ``alias`` for another name.

        ``None``: no file leads to it; ``bad``: what leads to it is broken.
        """
        return self._states.state(name)

    def preset(self, name: str) -> PresetRule | None:
        """The preset rule that applies to a unit; ``None``: none does, which enables it."""
        if self._presets is None:
            self._presets = self._read_presets()
        return preset_rule(self._presets, name)

    def _built(self, name: str) -> Unit | None:
        if name_kind(name) is None:
            return None
        main = self.tree.main_name(name)
        aliases = self.tree.aliases(main)
        links = self.tree.links((main, *aliases))
        fragment = self.tree.fragment(main)
        if fragment is None:
            state = self._states.state(main) if main in self.tree.targets or self._stands(main) else None
            if state is None and not links:
                return None
            return Unit(
                main, state, None, links=links, manager=self.manager, dangling=not self._stands(main)
            )
        mask = fragment if self.tree.masks(fragment) else None
        shown = self._behind(fragment) if mask else fragment
        drop_ins = self._drop_ins(main, aliases)
        files = [self._read(path) for path in ((shown, *drop_ins) if shown else drop_ins)]
        refused = refusing(files[0], main) if shown else None
        return Unit(
            name=main,
            file_state=self._states.state(main),
            fragment=shown,
            drop_ins=tuple(map(printable, drop_ins)),
            settings=merged(up_to(file, refusing(file, main)) for file in files),
            links=links,
            aliases=aliases,
            manager=self.manager,
            mask=mask,
            vain_mask=None if mask else self._vain_mask(fragment),
            refused=refused,
        )

    def _stands(self, name: str) -> bool:
        """Does anything of this name stand in a unit directory, broken as it may be?"""
        return name in self.tree.named

    def _behind(self, mask: str) -> str | None:
        """The file that a mask hides: the next of its name with something in it."""
        for node in self.tree.named.get(mask.rpartition("/")[2], ()):
            if node.path != mask and node.is_file and not self.tree.masks(node.path):
                return node.path
        return None

    def _vain_mask(self, fragment: str) -> str | None:
        """The mask of ``systemctl mask --runtime`` that a file in a stronger directory beats."""
        nodes = self.tree.named.get(fragment.rpartition("/")[2], ())
        masks = (n.path for n in nodes if n.path.startswith("/run/") and self.tree.masks(n.path))
        return next((path for path in masks if path != fragment), None)

    def _drop_ins(self, main: str, aliases: tuple[str, ...]) -> tuple[str, ...]:
        owners = [name_and_prefixes(name) for name in (main, *aliases)] + [(unit_type(main),)]
        return self.tree.drop_ins(d for names in owners for d in self.tree.drop_in_directories(names))

    def _read(self, path: str) -> UnitFile:
        """The settings of one file; none, and a gap, where it cannot be read."""
        if self.tree.masks(path):
            return UnitFile(printable(path))
        try:
            file = self.tree.parsed(path)
        except UnreadableError as error:
            self._read_problems.append(printable(str(error)))
            return UnitFile(printable(path))
        self._read_problems.extend(f"{file.path}:{p.line}: {p.text}" for p in file.problems if p.fatal)
        return file

    def _read_presets(self) -> tuple[PresetRule, ...]:
        kind = "system-preset" if self.manager is None else "user-preset"
        files: dict[str, str] = {}
        for folder in PRESETS:
            for name in self._listed(f"{folder}/{kind}"):
                if name.endswith(".preset"):
                    files.setdefault(name, f"{folder}/{kind}/{name}")
        rules: list[PresetRule] = []
        for name in sorted(files):
            if not self.tree.masks(files[name]):
                rules.extend(parse_preset(self._text(files[name]), printable(files[name])))
        return tuple(rules)

    def _listed(self, directory: str) -> tuple[str, ...]:
        try:
            return self.root.names(directory)
        except UnreadableError as error:
            self._read_problems.append(str(error))
            return ()

    def _text(self, path: str) -> str:
        try:
            return self.root.text(path)
        except UnreadableError as error:
            self._read_problems.append(printable(str(error)))
            return ""


def systemd_release(root: Root) -> int | None:
    """The major version of the tree's systemd, told by the name of its private library."""
    found: list[int] = []
    for folder in LIBRARY_FOLDERS:
        triplets = [n for n in listed(root, folder) if n.endswith(("-gnu", "-gnueabihf", "-musl"))]
        for place in (folder, *(f"{folder}/{triplet}" for triplet in triplets)):
            matches = map(LIBRARY.match, listed(root, f"{place}/systemd"))
            found.extend(int(match[1]) for match in matches if match)
    return max(found, default=None)


def listed(root: Root, directory: str) -> tuple[str, ...]:
    """The names in a directory, () if it is closed."""
    try:
        return root.names(directory)
    except UnreadableError:
        return ()


def split_usr(root: Root, release: int | None) -> bool:
    """Was this systemd built for a split /usr, so that it names its units below /lib?

    True of Debian, Ubuntu and their kin before systemd 255; by the distribution's version where the
    tree does not hold systemd.
    """
    about = os_release(root)
    family = {about.get("ID", ""), *about.get("ID_LIKE", "").split()}
    if family.isdisjoint({"debian", "ubuntu"}):
        return False
    if release is not None:
        return release < MERGED_SINCE
    version = re.match(r"\d+", about.get("VERSION_ID", ""))
    newest = {"debian": 12, "raspbian": 12, "ubuntu": 23}.get(about.get("ID", ""))
    return version is not None and newest is not None and int(version[0]) <= newest


def lingering(root: Root) -> tuple[str, ...]:
    """The users whose managers start at boot (loginctl(1), enable-linger).

    Raise ``UnreadableError`` where the directory may not be listed.
    """
    return tuple(name for name in root.names(LINGER) if printable(name) == name)
