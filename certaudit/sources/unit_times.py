"""When the manager itself remembers the last start and end of a unit: evidence where no log is left.

Law: only a live manager answers; it knows the last start alone, and forgets it at a reboot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from certaudit.host.machine import Host
from certaudit.linking.history.starts import Observed, local
from certaudit.model import Evidence
from certaudit.parsers.events import UnitEvent, UnitPhase


def observed(host: Host, units: Iterable[str]) -> Iterator[Observed]:
    """The last start of each service, and its end if it has one (org.freedesktop.systemd1(5))."""
    for name in units:
        unit = host.systemd.unit(name) if name.endswith(".service") else None
        if unit is None or unit.last_start is None or unit.last_start > host.as_of:
            continue
        yield told(host, unit.name, "starting", "InactiveExitTimestamp", unit.last_start)
        if unit.last_end is not None and unit.last_start <= unit.last_end <= host.as_of:
            yield told(host, unit.name, "deactivated", "InactiveEnterTimestamp", unit.last_end)


def told(host: Host, unit: str, phase: UnitPhase, key: str, moment: datetime) -> Observed:
    """One moment that the manager remembers of a unit."""
    time = local(moment, host.zone)
    where = Evidence(f"systemd:{unit}", None, f"{key}={time:%Y-%m-%d %H:%M:%S %z}", time)
    return Observed(time, UnitEvent(phase, unit, None), where)
