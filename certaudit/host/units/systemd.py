"""What can be asked of a machine's systemd, whoever answers: the bus, systemctl, or its files.

Law: read-only. Every answer has the same shape; what the one who answers cannot see is a gap.
"""

from __future__ import annotations

from typing import Protocol

from certaudit.facts import Unit
from certaudit.host.root import Root
from certaudit.host.units.files import UnitFiles
from certaudit.model import Gap
from certaudit.parsers.preset import PresetRule

BOOTED = "/run/systemd/system"  # sd_booted(3)


class Systemd(Protocol):
    """The units of one manager."""

    @property
    def backend(self) -> str:
        """Who answers: ``dbus``, ``systemctl`` or ``unit-files``."""

    @property
    def version(self) -> str | None:
        """The version of systemd, as far as it is known: ``252`` or ``252.39-1~deb12u2``."""

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be seen so far, and how to see it."""

    @property
    def has_vendor_units(self) -> bool:
        """Is there a directory of packaged units, so that a missing unit file means something?"""

    def names(self) -> tuple[str, ...]:
        """Every name with a unit file, mask, alias or ``.wants`` link, or loaded; sorted."""

    def unit(self, name: str) -> Unit | None:
        """The unit behind a name (``Unit.name`` is its main name); ``None`` if there is none."""

    def preset(self, name: str) -> PresetRule | None:
        """The preset rule for a unit; ``None`` means that none applies, which enables it."""


def live_systemd(root: Root) -> Systemd:
    """The manager of the machine this runs on: over D-Bus, else through systemctl, else its files.

    Files alone, without a gap, where systemd has not booted this machine.
    """
    files = UnitFiles(root)
    if root.entry(BOOTED) is None:
        return files
    # an image has no manager to ask, and need not pay for the way to one
    from certaudit.host.units.bus import open_bus  # noqa: PLC0415
    from certaudit.host.units.live import LiveUnits, ManagerError  # noqa: PLC0415
    from certaudit.host.units.systemctl import Systemctl  # noqa: PLC0415

    try:
        return LiveUnits(files, open_bus())
    except ManagerError as error:
        refused = str(error)
    try:
        return LiveUnits(files, Systemctl())
    except ManagerError as error:
        refused = f"{refused}; {error}"
    reason = (
        f"the running manager could not be asked ({refused}): which units are active and when timers "
        "fire next is not known. Run certaudit as root, with dbus up"
    )
    files.add_gap(Gap("systemd", reason))
    return files
