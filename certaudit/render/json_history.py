"""The past as JSON: the parts that the report and the timeline share.

Law: as ``json_v1``: fields may be added, never renamed or dropped.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from certaudit.history import Arrival, Coverage, LeftBehind, Migration, PackageChange, Starvation
from certaudit.model import Evidence, HostInfo

Json = dict[str, Any]


def time(moment: datetime | None) -> str | None:
    """ISO 8601 with offset."""
    return moment.isoformat() if moment is not None else None


def evidence(line: Evidence) -> Json:
    """The contract's E."""
    return {"where": line.where, "line": line.line, "text": line.text, "time": time(line.time)}


def host(info: HostInfo) -> Json:
    """The machine."""
    return {
        "name": info.name,
        "target": info.target,
        "live": info.live,
        "as_of": time(info.as_of),
        "os": info.os,
        "init": info.init,
        "cron": info.cron,
        "systemd": info.systemd,
    }


def package_change(found: PackageChange) -> Json:
    """A package that came, changed or went."""
    return {
        "time": time(found.time),
        "action": found.action,
        "package": found.package,
        "old": found.old,
        "new": found.new,
        "command": found.command,
        "requested_by": found.requested_by,
        "evidence": [evidence(e) for e in found.evidence],
    }


def migration(found: Migration) -> Json:
    """A move from one release to another."""
    return {
        "time": time(found.time),
        "until": time(found.until),
        "old": found.old,
        "new": found.new,
        "evidence": [evidence(e) for e in found.evidence],
    }


def arrival(found: Arrival) -> Json:
    """Since when a packaged trigger is there."""
    return {
        "package": found.package,
        "version": found.version,
        "time": time(found.time),
        "before": time(found.before),
        "command": found.command,
        "requested_by": found.requested_by,
        "confidence": found.confidence,
        "migration": migration(found.migration) if found.migration else None,
        "evidence": [evidence(e) for e in found.evidence],
    }


def starvation(found: Starvation) -> Json:
    """A time in which the owner came too late."""
    return {
        "since": time(found.since),
        "until": time(found.until),
        "times": found.times,
        "first": time(found.first),
        "last": time(found.last),
        "idle": found.idle,
        "confidence": found.confidence,
        "evidence": [evidence(e) for e in found.evidence],
    }


def left_behind(found: LeftBehind, as_of: datetime) -> Json:
    """How long a copy stayed behind; ``seconds`` up to now where it still is."""
    ended = found.until if found.state == "ended" else as_of if found.state == "still" else None
    return {
        "deployment": found.deployment,
        "where": found.where,
        "state": found.state,
        "since": time(found.since),
        "until": time(found.until),
        "seconds": round((ended - found.since).total_seconds()) if ended else None,
        "confidence": found.confidence,
        "because": found.because,
    }


def coverage(found: Coverage) -> Json:
    """Which time a log covers."""
    return {
        "kind": found.kind,
        "source": found.source,
        "since": time(found.since),
        "until": time(found.until),
        "holes": [
            {"since": time(h.since), "until": time(h.until), "reason": h.reason} for h in found.holes
        ],
    }
