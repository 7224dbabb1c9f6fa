"""What an audit may start: systemctl and journalctl of this machine, to read.

Law: by absolute path, with a fixed environment and no input. Nothing found on an audited machine can
be started here; what a person agreed to is started by ``consented``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from certaudit.host.process import Completed, ProgramRefusedError, start

ALLOWED = frozenset(
    Path(folder, name) for folder in ("/usr/bin", "/bin") for name in ("systemctl", "journalctl")
)
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}


def find_program(name: str) -> Path | None:
    """The path of an allowed program on this machine, or None where it has none."""
    for folder in ("/usr/bin", "/bin"):
        path = Path(folder, name)
        if path in ALLOWED and os.access(path, os.X_OK):
            return path
    return None


def run(
    program: Path,
    args: Sequence[str],
    *,
    timeout: float = 30.0,
    max_output_bytes: int = 64 << 20,
    env: Mapping[str, str] | None = None,
    account: tuple[int, int] | None = None,
) -> Completed:
    """Run an allowed program to its end.

    ``env`` is added to an environment of PATH and LC_ALL=C alone; ``account`` is the user and group
    that it runs as, without any other group (default: one's own). Raises ``ProgramRefusedError``,
    ``ProgramMissingError``, ``ProgramTimeoutError``, ``ProgramOutputError``; a status other than
    0 is no error here.
    """
    if program not in ALLOWED:
        raise ProgramRefusedError(f"{program} is not a program that certaudit starts")
    settings = {**(env or {}), **_ENVIRONMENT}
    argv = [str(program), *args]
    return start(argv, timeout=timeout, limit=max_output_bytes, env=settings, account=account)
