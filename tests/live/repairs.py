"""What the tests of repairs in a box share: the machine as a list of all that a repair may touch."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.live import systemctl
from tests.live.box import Box
from tests.live.story import COPIES, LINEAGE, LIVE
from tests.live.variation import Variation

WHERE = (
    "/etc /srv /home /var/spool/cron /usr/local /opt /var/lib/dpkg/diversions "
    "/var/lib/systemd/deb-systemd-helper-*"
)
# Kind, mode, owner, time and target of all but directories' times, and the sums of files.
LISTING = f"""
find {WHERE} ! -type d -printf '%p %y %m %U:%G %T@ %l\\n' | sort
find {WHERE} -type d -printf '%p %m %U:%G\\n' | sort
find {WHERE} -type f -exec sha256sum {{}} + | sort
systemctl list-unit-files --no-legend --no-pager 'certbot*' '*.timer' '*.path' '*.service' | sort
systemctl list-units --all --plain --no-legend --no-pager '*.timer' '*.path' | sort
"""
APPLIED = (0, 1, 4)


def listing(box: Box) -> list[str]:
    """Every file that a repair could touch, and what the manager says of its units."""
    return box.output("/bin/bash", "-c", f"shopt -s nullglob\n{LISTING}").splitlines()


def repaired(box: Box, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``certaudit fix --yes``, which must not fail otherwise than by refusing."""
    done = box.certaudit("fix", "--yes", *arguments)
    assert done.returncode in APPLIED, done.stderr + done.stdout
    return done


def undone(box: Box, *arguments: str) -> None:
    """``certaudit undo --yes``, which must succeed."""
    done = box.certaudit("undo", "--yes", *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr + done.stdout


def report(box: Box) -> dict[str, Any]:
    """What an audit says now."""
    found = json.loads(box.certaudit("audit", "--format", "json").stdout)
    assert isinstance(found, dict)
    return found


def lineage(found: dict[str, Any]) -> dict[str, Any]:
    """The story's lineage in a report."""
    mine = next(x for x in found["lineages"] if x["name"] == LINEAGE)
    assert isinstance(mine, dict)
    return mine


def renewers(found: dict[str, Any]) -> set[str]:
    """The triggers of the armed paths that renew the story's lineage."""
    return {path.partition(">")[0] for path in lineage(found)["renewers"]}


def same_bytes(box: Box) -> bool:
    """Do both hosts' copies equal the live certificate and key, byte for byte?"""
    pairs = [(LIVE, copy) for copy in COPIES]
    pairs += [(live.replace("fullchain", "privkey"), copy.replace("fullchain", "privkey"))
              for live, copy in pairs]  # fmt: skip
    return all(box.run("/usr/bin/cmp", "-s", live, copy).returncode == 0 for live, copy in pairs)


def states(box: Box, variation: Variation) -> dict[str, tuple[str | None, str | None]]:
    """What the manager says of a variation's units."""
    found: dict[str, tuple[str | None, str | None]] = {}
    for name in variation.units:
        user, _, unit = name.rpartition("/")
        found[name] = (
            systemctl.file_state(box, unit, user or None),
            systemctl.active_state(box, unit, user or None),
        )
    return found


def still_fires(box: Box, trigger: str) -> bool:
    """Would a trigger start its command by itself, by systemd, cron's own file and run-parts(8)?"""
    kind, _, name = trigger.partition(":")
    if kind in ("timer", "path"):
        user, _, unit = name.rpartition("/")
        return systemctl.active_state(box, unit, user or None) == "active"
    if kind == "run-parts":
        return name in box.output("run-parts", "--test", name.rpartition("/")[0]).split()
    path, _, line = name.rpartition(":")
    if not box.exists(path):
        return False
    return not box.read(path).splitlines()[int(line) - 1].startswith("#")
