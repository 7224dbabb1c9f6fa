"""Copies of certificates and keys outside certbot's own directories.

Law: a file is a copy by what it holds (the leaf's SHA-256 fingerprint, the key's public half), never by
its name. Names and first bytes only decide what is worth reading. What was not looked at is a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

from certaudit.errors import ParseError, UnreadableError
from certaudit.facts import CopyFact, LineageFact
from certaudit.host.root import Entry, Root
from certaudit.model import Evidence, Gap
from certaudit.parsers.certificate import PemFile, parse_pem

TOPS = ("/etc", "/srv", "/opt", "/usr/local", "/var/lib")
SIZE_LIMIT = 256 << 10
SMALLEST = 100  # no certificate or private key is shorter in PEM
SNIFF = 2048
FILE_LIMIT = 200_000

# Storage of containers, snaps and package managers: other machines' files, or nobody's.
STORAGE = frozenset(
    f"/var/lib/{name}"
    for name in (
        "docker",
        "containers",
        "containerd",
        "lxc",
        "lxd",
        "lxcfs",
        "incus",
        "machines",
        "portables",
        "kubelet",
        "rancher",
        "libvirt",
        "snapd",
        "flatpak",
        "dpkg",
        "apt",
        "rpm",
    )
)
OWN = ("archive", "live", "keys", "csr", "accounts")

_HINT = re.compile(
    r"\.(?:pem|crt|cert|cer|key|fullchain|chain|ca-bundle|bundle|der|combined)(?:[.~_-][^/]*)?$|"
    r"(?:fullchain|privkey|haproxy|ssl-cert)[^/]*$",
    re.IGNORECASE,
)
_NO_PEM = re.compile(
    r"\.(?:conf|cfg|ini|ya?ml|json|xml|html?|css|js|mjs|map|php|py|pyc|pyo|pl|pm|rb|sh|go|h|c|cc|cpp|"
    r"hpp|so(?:\.\d+)*|o|a|la|service|timer|socket|target|mount|path|rules|list|md5sums|shlibs|triggers|"
    r"postinst|preinst|postrm|prerm|md|rst|txt|log|gz|bz2|xz|zst|zip|tar|png|jpe?g|gif|svg|ico|webp|"
    r"woff2?|ttf|otf|eot|mo|po|pot|sql|sqlite3?|db|frm|ibd|MY[ID]|lock|pid|sock|desktop|toml|lua|vim|"
    r"el|elc|jar|class|war|exe|dll|whl|patch|diff|csv|tsv|mp[34]|wav|pdf)$",
    re.IGNORECASE,
)


class _Scan(Struct):
    """What one search has seen so far."""

    fingerprints: frozenset[str]
    public_keys: frozenset[str]
    copies: list[CopyFact] = field(default_factory=list)
    unread: list[Evidence] = field(default_factory=list)
    looked_at: int = 0


def find_copies(
    root: Root, lineages: Sequence[LineageFact], extra_dirs: Sequence[str] = (), limit: int = FILE_LIMIT
) -> tuple[tuple[CopyFact, ...], tuple[Gap, ...]]:
    """Every regular file below ``TOPS`` and ``extra_dirs`` that holds a lineage's leaf or key.

    Each directory is searched on its own file system, in files under 256 KiB; the answer is sorted by
    path. A symbolic link is no copy, it follows what it points at. After ``limit`` files the search
    ends with a gap that names the last file. A file that holds a known key or leaf of any generation
    counts, older ones too; which generation it is, its fingerprint tells.
    """
    certificates = [c for x in lineages for _, c in x.generations]
    keys = {k for x in lineages for _, k in x.keys} | {c.public_key for c in certificates}
    scan = _Scan(frozenset(c.fingerprint for c in certificates), frozenset(keys))
    if not keys:
        text = "no certificate of a lineage could be read, so no copy could be recognised"
        return (), (Gap("copies", text),) if lineages else ()
    gaps: list[Gap] = []
    for entry in _files(root, _tops(root, extra_dirs, gaps), _skipped(root, lineages)):
        if scan.looked_at >= limit:
            text = f"looked for copies in {limit} files only, then stopped at {entry.path}"
            gaps.append(Gap("copies", text))
            break
        scan.looked_at += 1
        _look(root, entry, scan)
    return tuple(sorted(scan.copies, key=lambda c: c.path)), (*gaps, *_unread(scan))


def _unread(scan: _Scan) -> tuple[Gap, ...]:
    if not scan.unread:
        return ()
    text = f"files that may be copies could not be read: {len(scan.unread)}"
    return (Gap("copies", text, tuple(scan.unread[:3])),)


def _tops(root: Root, extra_dirs: Iterable[str], gaps: list[Gap]) -> tuple[Entry, ...]:
    """The directories to walk, links resolved; one inside another on the same device only once."""
    found: list[Entry] = []
    for path in dict.fromkeys((*TOPS, *extra_dirs)):
        try:
            entry = root.entry(path)
        except UnreadableError as error:
            gaps.append(Gap("copies", str(error)))
            continue
        if entry is None or not entry.is_dir or entry.path == entry.path.parent:
            continue  # "/" is no place that anything is copied to
        if not any(_covers(other, entry) for other in found):
            found.append(entry)
    return tuple(found)


def _covers(outer: Entry, inner: Entry) -> bool:
    return inner.device == outer.device and inner.path.is_relative_to(outer.path)


def _skipped(root: Root, lineages: Sequence[LineageFact]) -> frozenset[str]:
    """Resolved paths that are not entered: foreign storage and certbot's own directories."""
    own = {f"{x.config_dir}/{name}" for x in lineages for name in OWN}
    own |= {d for x in lineages for d in (x.live_dir, x.archive_dir) if d.startswith("/")}
    found = {resolved for path in own | STORAGE if (resolved := _resolved(root, path))}
    return frozenset(found)


def _resolved(root: Root, path: str) -> str | None:
    try:
        entry = root.entry(path)
    except UnreadableError:
        return None
    return str(entry.path) if entry else None


def _files(root: Root, tops: Sequence[Entry], skip: frozenset[str]) -> Iterator[Entry]:
    seen: set[tuple[int, str]] = set()
    for top in tops:
        if any(str(top.path) == s or str(top.path).startswith(s + "/") for s in skip):
            continue
        for entry in root.walk(top.path, skip=skip):
            key = (entry.device, str(entry.path))
            if key not in seen:
                seen.add(key)
                yield entry


def _look(root: Root, entry: Entry, scan: _Scan) -> None:
    """Read one file if its size, its name or its first bytes say that it may hold a certificate."""
    name = entry.path.name
    hinted = _HINT.search(name) is not None
    if not SMALLEST <= entry.size < SIZE_LIMIT or (not hinted and _NO_PEM.search(name)):
        return
    path = str(entry.path)
    try:
        if not hinted:
            with root.open(entry.path) as stream:
                if b"-----BEGIN " not in stream.read(SNIFF):
                    return
        data = root.read(entry.path, SIZE_LIMIT)
        held = parse_pem(data, path, entry.modified)
    except UnreadableError as error:
        if hinted:
            scan.unread.append(Evidence(path, text=str(error)))
        return
    except OSError as error:
        scan.unread.append(Evidence(path, text=str(error.strerror)))
        return
    except ParseError:
        return  # not a certificate or key that any server could use
    copy = _copy(entry, held, scan)
    if copy is not None:
        scan.copies.append(copy)


def _copy(entry: Entry, held: PemFile, scan: _Scan) -> CopyFact | None:
    leaf = held.leaf
    known_leaf = leaf is not None and (
        leaf.fingerprint in scan.fingerprints or leaf.public_key in scan.public_keys
    )
    key = next((k for k in held.keys if k in scan.public_keys), None)
    if not known_leaf and key is None:
        return None
    path = str(entry.path)
    if leaf is None or (key is not None and not held.certificates):
        return CopyFact(path, "key", None, key or "", None, entry.modified)
    if held.keys:
        return CopyFact(
            path, "combined", leaf.fingerprint, leaf.public_key, held.key_matches, entry.modified
        )
    return CopyFact(path, "cert", leaf.fingerprint, leaf.public_key, None, entry.modified)
