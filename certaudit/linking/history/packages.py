"""dpkg's lines and apt's transactions as one history of packages, and the release moves in it.

Law: dpkg tells what was done, apt what was asked for and by whom; one change is one, whichever told
it. A release is named only by the version of base-files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from certaudit.catalogue import clients
from certaudit.history import Migration, PackageChange
from certaudit.model import Evidence
from certaudit.parsers.apt_history import AptChange, AptTransaction
from certaudit.parsers.dpkg_log import LoggedChange
from certaudit.parsers.release import release_of
from certaudit.records import replace

RELEASE = "base-files"
SLACK = timedelta(seconds=5)  # the two logs are written by two programs
LONGEST = timedelta(hours=6)  # of a transaction whose end is not in the log: a release upgrade
ONE_MOVE = timedelta(days=7)  # release moves that follow each other as one: 18.04 to 20.04 to 22.04


def changes(
    dpkg: Iterable[LoggedChange],
    apt: Sequence[AptTransaction],
    names: frozenset[str],
    shipping: Iterable[str],
) -> tuple[PackageChange, ...]:
    """The changes of the packages named that tell something, in order of time.

    ``shipping`` are those that bring a trigger. Of the system's own packages an upgrade within a
    release tells nothing.
    """
    told = {name for client in clients() for name in client.packages} | set(shipping)
    found = [with_transaction(change, apt) for change in dpkg]
    asked = [(done, change) for done in apt for change in done.changes if change.package in names]
    found.extend([c for done, change in asked if (c := from_apt(done, change, found))])
    kept = [c for c in found if c.package in told or c.action != "upgrade" or moved(c)]
    return tuple(sorted(kept, key=lambda c: (c.time, c.package)))


def with_transaction(change: LoggedChange, apt: Sequence[AptTransaction]) -> PackageChange:
    """A line of dpkg with the command that caused it."""
    own = PackageChange(
        change.time, change.action, change.package, change.old, change.new,
        evidence=(Evidence(change.where, change.line, change.text, change.time),),
    )  # fmt: skip
    done = next((t for t in apt if within(change.time, t) and listed(change.package, t)), None)
    if done is None:
        return own
    evidence = (*own.evidence, line_of(done, done.line))
    return replace(own, command=done.command, requested_by=done.requested_by, evidence=evidence)


def within(time: datetime, done: AptTransaction) -> bool:
    """Does a moment lie in a transaction?"""
    return done.start - SLACK <= time <= (done.end or done.start + LONGEST) + SLACK


def listed(package: str, done: AptTransaction) -> AptChange | None:
    """What a transaction says of a package."""
    return next((change for change in done.changes if change.package == package), None)


def line_of(done: AptTransaction, line: int) -> Evidence:
    """A line of apt's history as evidence."""
    who = f" (requested by {done.requested_by})" if done.requested_by else ""
    text = f"{done.command or 'no command line: a program that uses the library of apt'}{who}"
    return Evidence(done.where, line, text, done.start)


def from_apt(
    done: AptTransaction, change: AptChange, known: Sequence[PackageChange]
) -> PackageChange | None:
    """A change that apt alone tells: dpkg's own log does not reach back to it."""
    if any(k.package == change.package and within(k.time, done) for k in known):
        return None
    return PackageChange(
        done.start, change.action, change.package, change.old, change.new, done.command,
        done.requested_by, (line_of(done, change.line),),
    )  # fmt: skip


def moved(change: PackageChange) -> bool:
    """Is this the package that carries the release, going to another release?"""
    if change.package != RELEASE or change.new is None:
        return False
    return change.old is None or name_of(change.old) != name_of(change.new)


def name_of(version: str) -> str:
    """The release that a version of base-files belongs to, in words; short-lived ones by the version."""
    stem = version.partition("ubuntu")[0] if "ubuntu" in version else version
    return release_of(version) or f"a release with base-files {stem}"


def migrations(found: Iterable[PackageChange]) -> tuple[Migration, ...]:
    """The release moves, those that follow each other within a week as one."""
    moves: list[Migration] = []
    for change in found:
        if not moved(change) or change.new is None:
            continue
        last = moves[-1] if moves else None
        if last is not None and change.old is not None and change.time - last.until <= ONE_MOVE:
            evidence = (*last.evidence, *change.evidence)
            moves[-1] = replace(last, until=change.time, new=name_of(change.new), evidence=evidence)
        else:
            old = name_of(change.old) if change.old else None
            moves.append(Migration(change.time, change.time, old, name_of(change.new), change.evidence))
    return tuple(moves)
