"""Which consumers' configuration files name a certificate or key file.

Law: a search for absolute paths in text, the same for every consumer; no configuration language is
understood beyond its comment sign. A path counts where it is one of the wanted files, leads to one
through links, or, for consumers that take whole directories, is the directory of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from msgspec import Struct

from certaudit.errors import UnreadableError
from certaudit.facts import Reference
from certaudit.host.root import Entry, Root
from certaudit.model import Evidence, Gap

SIZE_LIMIT = 256 << 10


class Consumer(Struct, frozen=True):
    """A program that serves certificates: where it is configured and what begins a comment there."""

    name: str
    places: tuple[str, ...]
    comments: tuple[str, ...] = ("#",)
    directories: bool = False  # a directory in its configuration stands for all files in it


CONSUMERS = (
    Consumer("nginx", ("/etc/nginx", "/usr/local/etc/nginx", "/usr/local/nginx/conf")),
    Consumer("apache", ("/etc/apache2", "/etc/httpd")),
    Consumer("haproxy", ("/etc/haproxy",), directories=True),
    Consumer("postfix", ("/etc/postfix",)),
    Consumer("dovecot", ("/etc/dovecot",)),
    Consumer("exim", ("/etc/exim4", "/etc/exim")),
    Consumer("lighttpd", ("/etc/lighttpd",)),
    Consumer("caddy", ("/etc/caddy",)),
    Consumer("traefik", ("/etc/traefik",)),
    Consumer("hitch", ("/etc/hitch",)),
    Consumer("varnish", ("/etc/varnish",), ("#", "//")),
    Consumer("stunnel", ("/etc/stunnel",), ("#", ";")),
    Consumer("openvpn", ("/etc/openvpn",), ("#", ";")),
    Consumer("strongswan", ("/etc/ipsec.conf", "/etc/swanctl", "/etc/strongswan", "/etc/ipsec.d")),
    Consumer("ocserv", ("/etc/ocserv",)),
    Consumer("coturn", ("/etc/turnserver.conf", "/etc/coturn")),
    Consumer("vsftpd", ("/etc/vsftpd.conf", "/etc/vsftpd")),
    Consumer("proftpd", ("/etc/proftpd",)),
    Consumer("pure-ftpd", ("/etc/pure-ftpd",)),
    Consumer("mosquitto", ("/etc/mosquitto",)),
    Consumer("prosody", ("/etc/prosody",), ("--",)),
    Consumer("ejabberd", ("/etc/ejabberd",), directories=True),
    Consumer("postgresql", ("/etc/postgresql", "/var/lib/pgsql")),
    Consumer("mysql", ("/etc/mysql", "/etc/my.cnf", "/etc/my.cnf.d")),
    Consumer("redis", ("/etc/redis", "/etc/redis.conf")),
    Consumer("slapd", ("/etc/ldap", "/etc/openldap")),
    Consumer("bind", ("/etc/bind", "/etc/named.conf"), ("//", "#")),
    Consumer("unbound", ("/etc/unbound",)),
    Consumer("squid", ("/etc/squid",)),
    Consumer("freeradius", ("/etc/freeradius", "/etc/raddb")),
    Consumer("tomcat", ("/etc/tomcat9", "/etc/tomcat10", "/etc/tomcat"), ("<!--",)),
    Consumer("webmin", ("/etc/webmin",)),
    Consumer("gitlab", ("/etc/gitlab",)),
    Consumer("grafana", ("/etc/grafana",), ("#", ";")),
    Consumer("asterisk", ("/etc/asterisk",), (";",)),
    Consumer("inspircd", ("/etc/inspircd",)),
)
_PATH = re.compile(r"/[^\s\"'`;,=(){}<>|&$*?]+")
_LIKELY = re.compile(r"\.(?:pem|crt|cert|cer|key|bundle|combined)$|letsencrypt|/live/", re.IGNORECASE)
_INACTIVE = re.compile(r"(?:~|\.(?:bak|old|orig|save|dpkg-\w+|rpm\w+|disabled|swp|\d))$")


def find_references(
    root: Root, wanted: Iterable[str], consumers: Iterable[Consumer] = CONSUMERS
) -> tuple[tuple[Reference, ...], tuple[Gap, ...]]:
    """Every line of a consumer's configuration that names one of the wanted files.

    ``Reference.path`` is the path as the line has it. Files of ``*-available`` directories count only
    where ``*-enabled`` links to them; backups, binary files and files over 256 KiB do not count.
    Relative paths are not resolved: they depend on the consumer.
    """
    names = frozenset(wanted)
    targets = names | {r for r in (_resolved(root, n) for n in names) if r}
    parents = frozenset(str(PurePosixPath(n).parent) for n in names)
    found: dict[tuple[str, str, str, int | None], Reference] = {}
    closed: list[Evidence] = []
    for consumer in consumers:
        for path in config_files(root, consumer):
            try:
                data = root.read(path, SIZE_LIMIT)
            except UnreadableError as error:
                closed.append(Evidence(path, text=str(error)))
                continue
            if b"\0" in data or b"/" not in data:
                continue
            for line, token, text in _paths(data.decode("utf-8", "replace"), consumer):
                if _names(root, token, targets) or (
                    consumer.directories and token.rstrip("/") in parents
                ):
                    reference = Reference(consumer.name, token, Evidence(path, line, text))
                    found.setdefault((consumer.name, token, path, line), reference)
    return tuple(found.values()), _gap(closed)


def _gap(closed: list[Evidence]) -> tuple[Gap, ...]:
    if not closed:
        return ()
    text = f"configuration files of consumers could not be read: {len(closed)}"
    return (Gap("references", text, tuple(closed[:3])),)


def config_files(
    root: Root, consumer: Consumer, left_out: list[Evidence] | None = None
) -> Iterator[str]:
    """The files that count, each once, by resolved path; those behind ``*-enabled`` links too.

    ``left_out`` gets the closed places and the files that count but for their size.
    """
    left_out = [] if left_out is None else left_out
    seen: set[str] = set()
    for place in consumer.places:
        try:
            entry = root.entry(place)
            linked = list(_enabled(root, place)) if entry and entry.is_dir else []
        except UnreadableError as error:
            left_out.append(Evidence(place, text=str(error)))
            continue
        if entry is None:
            continue
        own = [entry] if entry.is_file else [f for f in root.walk(place) if not _available(f)]
        for file in (*own, *linked):
            path = str(file.path)
            if path in seen or _INACTIVE.search(file.path.name):
                continue
            seen.add(path)
            if file.size < SIZE_LIMIT:
                yield path
            else:
                left_out.append(Evidence(path, text=f"{path}: {SIZE_LIMIT} bytes or more"))


def _available(file: Entry) -> bool:
    return any(part.endswith("-available") for part in file.path.parts)


def _enabled(root: Root, place: str) -> Iterator[Entry]:
    for name in root.names(place):
        if name.endswith("-enabled"):
            for link in root.names(f"{place}/{name}"):
                entry = root.entry(f"{place}/{name}/{link}")
                if entry and entry.is_file:
                    yield entry


def _paths(text: str, consumer: Consumer) -> Iterator[tuple[int, str, str]]:
    """``(line number, path, the line)`` for every absolute path outside comments."""
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if "/" not in bare or bare.startswith(consumer.comments):
            continue
        for sign in consumer.comments:
            bare = bare.partition(f" {sign}")[0]
        for match in _PATH.finditer(bare):
            yield number, match.group().rstrip("]:"), bare


def _names(root: Root, token: str, targets: frozenset[str]) -> bool:
    return token in targets or (_LIKELY.search(token) is not None and _resolved(root, token) in targets)


def _resolved(root: Root, path: str) -> str | None:
    try:
        entry = root.entry(path)
    except UnreadableError:
        return None
    return str(entry.path) if entry else None
