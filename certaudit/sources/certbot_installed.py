"""Which certbot is installed, by whom, and with which plugins.

Law: only what files say; no package manager is asked. A version is reported as its owner wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from certaudit.errors import UnreadableError
from certaudit.facts import Package
from certaudit.host.root import Root
from certaudit.model import Evidence
from certaudit.parsers.certbot_options import PLUGINS

DPKG_STATUS = "/var/lib/dpkg/status"
DPKG_NAMES = ("certbot", "python3-certbot", "python-certbot", "letsencrypt", "python-letsencrypt")
STATUS_LIMIT = 64 << 20
SNAP_YAML = "/snap/certbot/current/meta/snap.yaml"
SNAPS = "/var/lib/snapd/snaps"
RPM_SIGNS = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
SITE_PATTERNS = (
    "/usr/lib/python3*/dist-packages",
    "/usr/lib/python3*/site-packages",
    "/usr/local/lib/python3*/dist-packages",
    "/usr/local/lib/python3*/site-packages",
    "/opt/certbot/lib/python3*/site-packages",
    "/opt/eff.org/certbot/venv/lib/python*/site-packages",
    "/root/.local/share/letsencrypt/lib/python*/site-packages",
)
# The plugins that the certbot project itself publishes; each is a module beside ``certbot``.
OWN_PLUGINS = PLUGINS - {"manual", "standalone", "webroot"}
_DIST = re.compile(r"(certbot|letsencrypt)-(\d[^-]*?)(?:-py[\d.]+)?\.(?:dist-info|egg-info)")
_SNAP_FILE = re.compile(r"certbot_(x?\d+)\.snap")


def installed_certbots(root: Root) -> tuple[Package, ...]:
    """Every installed certbot: snap, dpkg, then Python environments; one entry an installation.

    A snap that is only known by its file has an empty version: the file name tells the revision.
    """
    return (*_snap(root), *_dpkg(root), *_python(root))


def lacks_plugin(root: Root, plugin: str) -> bool:
    """Is one of certbot's own plugins certainly missing?

    Only where a ``certbot`` module is in the tree and neither it nor any other Python directory has
    the plugin beside it; with the snap, whose plugins are snaps of their own, it can not be known.
    """
    if plugin not in OWN_PLUGINS or any(_snap(root)):
        return False
    sites = [path for pattern in SITE_PATTERNS for path in _expand(root, pattern)]
    module = "certbot_" + plugin.replace("-", "_")
    if not any(root.exists(f"{site}/certbot") for site in sites):
        return False
    return all(root.exists(f"{site}/{module}") is False for site in sites)


def _snap(root: Root) -> Iterator[Package]:
    try:
        text = root.text(SNAP_YAML)
    except UnreadableError:
        yield from _snap_files(root)
        return
    found = re.search(r"^version:[ \t]*['\"]?([^\s'\"]+)", text, re.MULTILINE)
    line = text.count("\n", 0, found.start()) + 1 if found else None
    yield Package("certbot", found.group(1) if found else "", "snap", Evidence(SNAP_YAML, line))


def _snap_files(root: Root) -> Iterator[Package]:
    found = [(m.group(), m.group(1)) for m in map(_SNAP_FILE.fullmatch, _names(root, SNAPS)) if m]
    if found:
        newest = max(found, key=lambda pair: int(pair[1].lstrip("x")))[0]
        yield Package("certbot", "", "snap", Evidence(f"{SNAPS}/{newest}"))


def _dpkg(root: Root) -> Iterator[Package]:
    """Stanzas of dpkg's status file whose state is ``installed`` (deb822, dpkg(1))."""
    try:
        text = root.text(DPKG_STATUS, STATUS_LIMIT)
    except UnreadableError:
        return
    found: list[Package] = []
    for match in re.finditer(rf"^Package: ({'|'.join(DPKG_NAMES)})$", text, re.MULTILINE):
        end = text.find("\n\n", match.start())
        stanza = text[match.start() : end if end >= 0 else len(text)]
        version = re.search(r"^Version: (\S+)$", stanza, re.MULTILINE)
        if version and re.search(r"^Status: \S+ \S+ installed$", stanza, re.MULTILINE):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Package(match.group(1), version.group(1), "dpkg", Evidence(DPKG_STATUS, line)))
    yield from sorted(found, key=lambda p: DPKG_NAMES.index(p.name))[:1]


def _python(root: Root) -> Iterator[Package]:
    """Metadata directories of pip and setuptools; those a distribution's package brought are its own."""
    by_rpm = any(root.exists(sign) for sign in RPM_SIGNS)
    for pattern in SITE_PATTERNS:
        for site in _expand(root, pattern):
            if pattern.startswith("/usr/lib/python3*/dist"):
                continue
            manager = "rpm" if by_rpm and site.startswith("/usr/lib/") else "pip"
            for match in filter(None, map(_DIST.fullmatch, _names(root, site))):
                where = Evidence(f"{site}/{match.group()}")
                yield Package(match.group(1), match.group(2), manager, where)


def _expand(root: Root, pattern: str) -> tuple[str, ...]:
    """The directories in the tree that a glob pattern names, sorted."""
    found: tuple[str, ...] = ("",)
    for part in pattern.strip("/").split("/"):
        if "*" in part:
            found = tuple(f"{d}/{n}" for d in found for n in _names(root, d) if fnmatchcase(n, part))
        else:
            found = tuple(f"{d}/{part}" for d in found if root.exists(f"{d}/{part}"))
    return found


def _names(root: Root, directory: str) -> tuple[str, ...]:
    try:
        return root.names(directory)
    except UnreadableError:
        return ()
