"""The Host: one audited machine, composed of its files, its units, its journal and its clock.

Law: live is an image at ``/`` that can also speak. The moment of the audit belongs to the host; nothing
else asks what time it is.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from certaudit.errors import TargetError, UnreadableError
from certaudit.host.identity import (
    CronDaemon,
    find_cron,
    find_init,
    find_zone,
    host_name,
    os_release,
)
from certaudit.host.journal import Journal
from certaudit.host.logs.scan import Progress, unwatched
from certaudit.host.root import Root
from certaudit.host.runner import find_program
from certaudit.host.units.files import UnitFiles
from certaudit.host.units.systemd import Systemd, live_systemd
from certaudit.model import Evidence, Gap, HostInfo

if TYPE_CHECKING:
    from certaudit.host.root import MachinePath

ROOT_SIGNS = ("/etc", "/usr", "/var")
BOOTED = "/run/systemd/system"  # sd_booted(3)


class Host(Struct, frozen=True):
    """Everything that can be asked of one machine."""

    root: Root
    systemd: Systemd
    as_of: datetime
    zone: tzinfo
    live: bool
    init: str | None
    cron: CronDaemon
    info: HostInfo
    journal: Journal | None = None
    gaps: tuple[Gap, ...] = ()
    progress: Progress = unwatched  # who is told how far the reading of its logs is

    def path_exists(self, path: MachinePath) -> bool | None:
        """``Root.exists``, as it will be once the machine runs with its init.

        A booted systemd has /run/systemd/system; of the rest of an image's /run nothing is known.
        """
        text = str(path).rstrip("/")
        if not self.live and text == "/run" and self.init == "systemd":
            return True
        if not self.live and text in (BOOTED, "/run/systemd"):
            return None if self.init is None else self.init == "systemd"
        found = self.root.exists(path)
        return None if not found and not self.live and text.startswith("/run/") else found


def open_host(target: Path, as_of: datetime | None, progress: Progress = unwatched) -> Host:
    """The machine whose root file system ``target`` holds; ``/`` is the one this runs on.

    ``as_of`` without a zone is a moment of the machine's own clock; ``None`` is now. Raise
    ``TargetError`` where there is no such machine.
    """
    root = Root(target)
    if not any(root.exists(sign) for sign in ROOT_SIGNS):
        raise TargetError(f"{target}: holds no root file system (no etc, usr or var in it)")
    live = root.directory == Path("/")
    init = find_init(root, live=live)
    systemd: Systemd = live_systemd(root) if live and init == "systemd" else UnitFiles(root)
    zone = find_zone(root)
    shown_zone = zone or timezone.utc
    moment = as_of or datetime.now(timezone.utc)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=shown_zone)
    cron = find_cron(root, frozenset(systemd.names()))
    gaps: list[Gap] = []
    if zone is None:
        gaps.append(Gap("clock", "the machine's time zone is not known: local times are read as UTC"))
    info = HostInfo(
        name=host_name(root) or "unknown",
        target=str(target),
        live=live,
        as_of=moment.astimezone(shown_zone),
        os=os_release(root).get("PRETTY_NAME"),
        init=init,
        cron=cron.name,
        systemd=systemd.backend if init == "systemd" else None,
    )
    if live and os.geteuid() != 0:
        gaps.append(Gap("access", "not run as root: closed files were not seen; run it with sudo"))
    journal = find_journal(root, moment, gaps, live=live)
    return Host(
        root=root,
        systemd=systemd,
        as_of=moment.astimezone(shown_zone),
        zone=shown_zone,
        live=live,
        init=init,
        cron=cron,
        info=info,
        journal=journal,
        gaps=tuple(gaps),
        progress=progress,
    )


def find_journal(root: Root, moment: datetime, gaps: list[Gap], *, live: bool) -> Journal | None:
    """The machine's journal, or ``None`` where it keeps none; without journalctl a Gap."""
    files = journal_files(root, gaps)
    if not files and not (live and root.exists(BOOTED)):
        return None
    program = find_program("journalctl")
    if program is None:
        reason = "there is a journal, and no journalctl on this machine to read it"
        gaps.append(Gap("journal", reason, (Evidence("/var/log/journal"),)))
        return None
    return Journal(program, None if live else files, until=moment)


def journal_files(root: Root, gaps: list[Gap]) -> tuple[Path, ...]:
    """The journal files of a tree, as paths on our disk, resolved inside its root."""
    found: list[Path] = []
    for top in ("/var/log/journal", "/run/log/journal"):
        try:
            for machine in root.names(top):
                for name in root.names(f"{top}/{machine}"):
                    entry = root.entry(f"{top}/{machine}/{name}")
                    if name.endswith((".journal", ".journal~")) and entry and entry.is_file:
                        found.append(root.outside(entry.path))
        except UnreadableError as error:
            gaps.append(Gap("journal", str(error), (Evidence(top),)))
    return tuple(found)
