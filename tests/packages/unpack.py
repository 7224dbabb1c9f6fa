"""Image roots made of real Debian packages: ``python -m tests.packages.unpack DIR [ROOT]``.

A root of another suite than the machine's own has it behind an ``@``.

Law: what maintainer scripts do to units is done by Debian's own deb-systemd-helper on the root alone,
and dpkg's status is written from the packages; nothing else is imitated but the few files named here.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.packages import debs

BASE = ("base-files", "base-passwd", "init-system-helpers", "coreutils", "dash", "debianutils")
CRON = ("cron", "cron-daemon-common")
SYSTEMD = (*BASE, *CRON, "systemd", "systemd-sysv")
SYSVINIT = (*BASE, *CRON, "sysvinit-core", "initscripts", "sysv-rc")
CERTBOT = (
    "certbot",
    "python3-certbot",
    "python3-acme",
    "python3-certbot-nginx",
    "python3-certbot-apache",
)
# Clients of other kinds, and daemons with units, timers or cron lines of their own.
OTHERS = (
    "dehydrated", "acmetool", "lego", "certmonger", "caddy", "uacme", "lacme", "acme-tiny",
    "monit", "haproxy",
    "nginx-common", "certspotter", "logrotate", "mdadm", "exim4-base", "getssl", "step-cli",
)  # fmt: skip
ROOTS = {
    "systemd": (*SYSTEMD, *CERTBOT),
    "sysvinit": (*SYSVINIT, *CERTBOT),
    "anacron": (*SYSTEMD, *CERTBOT, "anacron"),
    "systemd-cron": (*BASE, "cron-daemon-common", "systemd", "systemd-sysv", "systemd-cron", *CERTBOT),
    "others": (*SYSTEMD, *OTHERS),
    "everything": (*SYSTEMD, *CERTBOT, *OTHERS, "anacron"),
    "systemd@bullseye": (*SYSTEMD, *CERTBOT),
    "sysvinit@bullseye": (*SYSVINIT, *CERTBOT),
    "systemd@trixie": (*SYSTEMD, *CERTBOT),
    "sysvinit@trixie": (*SYSVINIT, *CERTBOT),
    "cronie@trixie": (*BASE, "cron-daemon-common", "cronie", "systemd", "systemd-sysv", *CERTBOT),
    "systemd-cron@trixie": (*BASE, "cron-daemon-common", "systemd", "systemd-cron", *CERTBOT),
    "acmetool@trixie": (*SYSTEMD, "acmetool", "certmonger", "dehydrated"),
}
NOT_EVERYWHERE = {*OTHERS, "cron-daemon-common"}
MERGED = ("bin", "sbin", "lib", "lib64")
COPIED = {  # by a postinst
    "usr/share/base-passwd/passwd.master": "etc/passwd",
    "usr/share/base-passwd/group.master": "etc/group",
    "usr/share/sysvinit/inittab": "etc/inittab",
}
SCRIPT_ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "DPKG_MAINTSCRIPT_PACKAGE": "image",
}
ENABLED = re.compile(r"deb-systemd-helper enable '?([\w@.-]+)'?")


def make(name: str, root: Path) -> tuple[str, ...]:
    """Unpack the named root into a new directory; give back the packages that were to be had."""
    chosen, suite = ROOTS[name], name.partition("@")[2] or None
    known = debs.available(chosen, suite)
    absent = sorted(set(chosen) - known - NOT_EVERYWHERE)
    if absent:
        raise debs.DebsError(f"apt does not know {', '.join(absent)}")
    files = debs.fetch([package for package in chosen if package in known], suite)
    for directory in MERGED:
        (root / "usr" / directory).mkdir(parents=True)
        (root / directory).symlink_to(f"usr/{directory}")
    debs.unpack(files.values(), root)
    for source, target in COPIED.items():
        if (root / source).exists():
            shutil.copy(root / source, root / target)
    (root / "var/lib/dpkg").mkdir(parents=True, exist_ok=True)
    (root / "var/lib/dpkg/status").write_text("\n".join(stanza(file) for file in files.values()))
    for file in files.values():
        for unit in enabled_units(file):
            enable(root, unit)
    return tuple(files)


def stanza(file: Path) -> str:
    """What dpkg's status says of an installed package."""
    fields = debs.run(["dpkg-deb", "--field", str(file)], debs.UNPACK_TIMEOUT).stdout
    name, _, others = fields.partition("\n")
    return f"{name}\nStatus: install ok installed\n{others}"


def enabled_units(file: Path) -> list[str]:
    """The units that a package's postinst enables."""
    shown = debs.run(["dpkg-deb", "--info", str(file), "postinst"], debs.UNPACK_TIMEOUT)
    return list(dict.fromkeys(ENABLED.findall(shown.stdout)))


def enable(root: Path, unit: str) -> None:
    """Enable a unit as its package does; older helpers would change this machine instead."""
    helper = debs.unpacked("init-system-helpers") / "usr/bin/deb-systemd-helper"
    if "DPKG_ROOT" not in helper.read_text():
        raise debs.DebsError("this release's deb-systemd-helper knows no DPKG_ROOT")
    subprocess.run(
        ["perl", str(helper), "enable", unit],
        env={**SCRIPT_ENVIRONMENT, "DPKG_ROOT": str(root)},
        check=True,
        capture_output=True,
        timeout=20,
    )


def main(arguments: list[str]) -> int:
    """Make one root or all of them below a directory."""
    if not 1 <= len(arguments) <= 2 or (len(arguments) == 2 and arguments[1] not in ROOTS):
        sys.stderr.write(f"usage: python -m tests.packages.unpack DIR [{'|'.join(ROOTS)}]\n")
        return 2
    for name in arguments[1:] or ROOTS:
        target = Path(arguments[0]) / name
        target.mkdir(parents=True)
        try:
            sys.stdout.write(f"{target}: {', '.join(make(name, target))}\n")
        except debs.DebsError as error:
            sys.stderr.write(f"{name}: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
