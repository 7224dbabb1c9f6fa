"""The package managers' logs: when the packages of ACME clients, of triggers and of the system came.

Law: only lines about packages that can tell who renews; what a log cannot give becomes a Gap. A file
list of dpkg tells whose a file is; its time is no log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, tzinfo

from msgspec import Struct, field

from certaudit.catalogue import clients, mechanism_of_file, mechanism_of_unit
from certaudit.errors import UnreadableError
from certaudit.facts import LogSpan, Shipper
from certaudit.host.logs.files import LogFile, rotated
from certaudit.host.logs.scan import search
from certaudit.host.machine import Host
from certaudit.host.root import Root
from certaudit.model import Evidence, Gap, Trigger
from certaudit.parsers import dnf_log, dpkg_log
from certaudit.parsers.apt_history import AptTransaction, parse_history
from certaudit.parsers.dpkg_log import LoggedChange
from certaudit.sources.spans import span

FILE_LISTS = "/var/lib/dpkg/info"
VENDOR = ("/lib/systemd/", "/usr/lib/systemd/")
# What starts jobs, and what carries the release: their coming and going changes who renews.
SYSTEM_PACKAGES = (
    "base-files", "cron", "cronie", "anacron", "systemd-cron", "systemd-sysv", "sysvinit-core", "snapd",
)  # fmt: skip


class LineLog(Struct, frozen=True):
    """A log with a line for each package; ``ends`` are what may follow a package's name there."""

    base: str
    ends: tuple[str, ...]
    parse: Callable[[Iterable[tuple[int, str]], str, tzinfo], Iterator[LoggedChange]]
    stamp: Callable[[str, tzinfo], datetime | None]


LINE_LOGS = (
    LineLog("dpkg.log", (":",), dpkg_log.parse_changes, dpkg_log.stamp),
    LineLog("dnf.rpm.log", ("-",), dnf_log.parse_changes, dnf_log.stamp),
)


class PackageLogs(Struct):
    """What the package managers' logs of one machine gave."""

    names: frozenset[str] = frozenset()  # of the packages that were looked for
    changes: list[LoggedChange] = field(default_factory=list)
    transactions: list[AptTransaction] = field(default_factory=list)
    shippers: list[Shipper] = field(default_factory=list)
    spans: list[LogSpan] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


def collect(host: Host, triggers: Sequence[Trigger]) -> PackageLogs:
    """The changes of every package of interest, up to the moment of the audit."""
    found = PackageLogs(shippers=list(shippers(host.root, triggers)))
    names = {name for client in clients() for name in client.packages}
    names.update(SYSTEM_PACKAGES, (shipper.package for shipper in found.shippers))
    found.names = frozenset(names)
    for log in LINE_LOGS:
        line_log(host, log, found)
    apt_histories(host, found.names, found)
    return found


def line_log(host: Host, log: LineLog, found: PackageLogs) -> None:
    """The wanted lines of one log that has a line for each package, and of its older files."""
    files = files_of(host, "/var/log", log.base, found)
    literals = sorted(f" {name}{end}".encode() for name in found.names for end in log.ends)
    since: datetime | None = None
    seen: list[tuple[str, datetime]] = []
    for file, one in zip(files, search(files, literals), strict=True):
        since = since or (log.stamp(one.first, host.zone) if one.first is not None else None)
        for change in log.parse(one.lines, str(file.path), host.zone):
            if change.package in found.names and change.time <= host.as_of:
                found.changes.append(change)
                seen.append((change.where, change.time))
        damaged(file, one.problems, found)
    if files:
        found.spans.append(span("packages", log.base, since, files, seen))


def apt_histories(host: Host, names: frozenset[str], found: PackageLogs) -> None:
    """The transactions of apt that touch a wanted package; do-release-upgrade keeps a log of its own."""
    apt_history(host, files_of(host, "/var/log/dist-upgrade", "history.log", found), names, found)
    files = files_of(host, "/var/log/apt", "history.log", found)
    seen = apt_history(host, files, names, found)
    if files:
        since = min((time for _, time in seen), default=None)
        found.spans.append(span("packages", "apt", since, files, seen))


def apt_history(
    host: Host, files: Iterable[LogFile], names: frozenset[str], found: PackageLogs
) -> list[tuple[str, datetime]]:
    """The wanted transactions of one log; gives (file, start) of all."""
    seen: list[tuple[str, datetime]] = []
    for file in files:
        for done in parse_history(enumerate(file.lines(), 1), str(file.path), host.zone):
            if done.start <= host.as_of:
                seen.append((done.where, done.start))
                wanted = any(change.package in names for change in done.changes)
                found.transactions.extend([done] if wanted else [])
        damaged(file, file.problems, found)
    return seen


def files_of(host: Host, directory: str, base: str, found: PackageLogs) -> tuple[LogFile, ...]:
    """The files of one log; a Gap where the directory is closed."""
    try:
        return rotated(host.root, directory, base)
    except UnreadableError as error:
        found.gaps.append(Gap("packages", str(error), (Evidence(directory),)))
        return ()


def damaged(file: LogFile, problems: Iterable[str], found: PackageLogs) -> None:
    """What could not be read of a file, as Gaps."""
    for problem in dict.fromkeys(problems):
        found.gaps.append(Gap("packages", f"{file.path}: {problem}", (Evidence(str(file.path)),)))


def shippers(root: Root, triggers: Iterable[Trigger]) -> Iterator[Shipper]:
    """The package of each trigger that one brought."""
    for trigger in triggers:
        path = trigger.source.path
        unit = trigger.id.partition(":")[2] if trigger.kind == "timer" else ""
        known = mechanism_of_unit(unit) or mechanism_of_file(path)
        if known is not None and known.packages and not administrators(path, known.files):
            yield shipped(root, trigger, known.packages[0])
        elif path.startswith(VENDOR) and (package := owner_of(root, path)):
            yield shipped(root, trigger, package)


def administrators(path: str, files: Sequence[str]) -> bool:
    """Is a file in /etc no package's: a unit of the administrator's under a package's name?"""
    return path.startswith("/etc/") and path not in files


def owner_of(root: Root, path: str) -> str | None:
    """The package whose file list names a path, as ``dpkg -S`` would say."""
    for name in names_in(root, FILE_LISTS):
        if name.endswith(".list") and line_of(root, f"{FILE_LISTS}/{name}", path):
            return name.removesuffix(".list").partition(":")[0]
    return None


def shipped(root: Root, trigger: Trigger, package: str) -> Shipper:
    """A trigger with its package, and the line of the package's file list that names its file."""
    for file in (f"{FILE_LISTS}/{package}.list", f"{FILE_LISTS}/{package}:amd64.list"):
        line = line_of(root, file, trigger.source.path)
        entry = root.entry(file) if line else None
        if entry is not None:
            return Shipper(
                trigger.id, package, Evidence(file, line, trigger.source.path), entry.modified
            )
    return Shipper(trigger.id, package)


def line_of(root: Root, file: str, path: str) -> int | None:
    """The line of a file list that names a path, in either spelling of a merged /usr."""
    try:
        lines = root.text(file).splitlines()
    except UnreadableError:
        return None
    bare = path.removeprefix("/usr")
    return next((n for n, line in enumerate(lines, 1) if line.removeprefix("/usr") == bare), None)


def names_in(root: Root, directory: str) -> tuple[str, ...]:
    """The names in a directory; () where it is closed or not there."""
    try:
        return root.names(directory)
    except UnreadableError:
        return ()
