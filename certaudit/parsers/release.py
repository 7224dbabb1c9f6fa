"""Which release of Debian or Ubuntu a version of the package base-files belongs to.

Law: base-files carries ``/etc/debian_version`` and ``os-release``, so its version changes with the
release and names it: Debian's major version is the release; Ubuntu's are those of its long-term ones.
"""

from __future__ import annotations

import re

_DEBIAN = re.compile(r"(\d{1,2})(?:\.\d+)?(?:\+deb\d+u\d+)?", re.ASCII)
_UBUNTU = {
    "7.2ubuntu5": "Ubuntu 14.04",
    "9.4ubuntu4": "Ubuntu 16.04",
    "10.1ubuntu2": "Ubuntu 18.04",
    "11ubuntu5": "Ubuntu 20.04",
    "12ubuntu4": "Ubuntu 22.04",
    "13ubuntu10": "Ubuntu 24.04",
}
_OLDEST = 7  # base-files follows the release's number since wheezy


def release_of(version: str) -> str | None:
    """``Ubuntu 22.04`` of ``12ubuntu4.3``, ``Debian 12`` of ``12.4+deb12u5``; ``None`` if not known."""
    if "ubuntu" in version:
        stem, _, update = version.partition("ubuntu")
        return _UBUNTU.get(f"{stem}ubuntu{update.partition('.')[0]}")
    found = _DEBIAN.fullmatch(version)
    return f"Debian {found[1]}" if found and int(found[1]) >= _OLDEST else None
