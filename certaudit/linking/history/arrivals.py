"""Since when each packaged trigger is on the machine, and with what it came.

Law: an installation in a whole log of a package manager is high; what such a log merely shows to have
been there before is a bound and no moment. The time of a file list alone is never more than low.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from certaudit.facts import Shipper
from certaudit.history import Arrival, Coverage, Migration, PackageChange
from certaudit.linking.history.coverage import oldest

COURSE = timedelta(days=7)  # what was installed within a week of a release move came in its course
GONE = frozenset({"remove", "purge"})


def arrivals(
    shippers: Iterable[Shipper],
    changes: Sequence[PackageChange],
    moves: Sequence[Migration],
    logs: Sequence[Coverage],
) -> tuple[Arrival, ...]:
    """One answer for each trigger that a package brought."""
    return tuple(arrival(shipper, changes, moves, logs) for shipper in shippers)


def arrival(
    shipper: Shipper,
    changes: Sequence[PackageChange],
    moves: Sequence[Migration],
    logs: Sequence[Coverage],
) -> Arrival:
    """How one trigger came: with the last installation of its package that no removal followed.

    Where a package log has a hole after that, the package may have gone and come again in it.
    """
    own = [change for change in changes if change.package == shipper.package]
    installed = next((c for c in reversed(own) if c.action == "install"), None)
    removed = next((c for c in reversed(own) if c.action in GONE), None)
    if installed is not None and (removed is None or removed.time <= installed.time):
        return Arrival(
            trigger=shipper.trigger,
            package=shipper.package,
            version=installed.new,
            time=installed.time,
            command=installed.command,
            requested_by=installed.requested_by,
            confidence="medium" if hole_after(installed.time, logs) else "high",
            migration=course(installed.time, moves),
            evidence=(*installed.evidence, *([shipper.evidence] if shipper.evidence else [])),
        )
    return already_there(shipper, own, oldest(logs, "packages"))


def hole_after(time: datetime, logs: Iterable[Coverage]) -> bool:
    """Is something missing in a package log after a moment?"""
    holes = [hole for log in logs if log.kind == "packages" for hole in log.holes]
    return any(hole.until is None or hole.until > time for hole in holes)


def already_there(shipper: Shipper, own: Sequence[PackageChange], since: datetime | None) -> Arrival:
    """A trigger whose installation no log shows: by when its package was there at the latest."""
    first = next((change for change in own if change.action != "install"), None)
    evidence = (shipper.evidence,) if shipper.evidence else ()
    if first is not None:
        return Arrival(
            shipper.trigger, shipper.package, first.old, None, since or first.time,
            confidence="medium", evidence=(*first.evidence, *evidence),
        )  # fmt: skip
    if since is not None and not own:
        return Arrival(
            shipper.trigger, shipper.package, None, None, since, confidence="medium", evidence=evidence
        )
    return Arrival(
        shipper.trigger, shipper.package, None, None, shipper.unpacked,
        confidence="low" if shipper.unpacked else "unknown", evidence=evidence,
    )  # fmt: skip


def course(time: datetime, moves: Iterable[Migration]) -> Migration | None:
    """The release move in whose course something was installed."""
    near = [m for m in moves if m.time - COURSE <= time <= m.until + COURSE]
    return min(near, key=lambda m: abs(m.until - time), default=None)
