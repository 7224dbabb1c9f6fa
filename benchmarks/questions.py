"""``python -m benchmarks.questions``: the seconds that systemd takes to answer what an audit asks it.

For a machine that systemd has booted, as root.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from certaudit.host.root import Root
from certaudit.host.units.bus import open_bus
from certaudit.host.units.files import UnitFiles
from certaudit.host.units.live import LiveState, LiveUnits, Manager


class Timed:
    """A manager, and the seconds that its answers took."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self.backend, self.version = manager.backend, manager.version
        self.seconds = 0.0

    def loaded(self) -> Mapping[str, LiveState]:
        """As the manager's."""
        began = time.perf_counter()
        found = self._manager.loaded()
        self.seconds += time.perf_counter() - began
        return found

    def details(self, names: Iterable[str]) -> Mapping[str, LiveState]:
        """As the manager's."""
        began = time.perf_counter()
        found = self._manager.details(names)
        self.seconds += time.perf_counter() - began
        return found


def main() -> None:
    """Ask, and print the seconds."""
    manager = Timed(open_bus())
    units = LiveUnits(UnitFiles(Root(Path("/"))), manager)
    for name in units.names():
        units.unit(name)
    print(f"{manager.seconds:.4f}")


if __name__ == "__main__":
    main()
