"""Programs that are started only because a person agreed to a plan that names them.

Law: the test of a consumer's configuration, a consumer's reload, the owner's own steps, and ssh with
its kin; never by an audit. No input but what is given, an environment of our own, and an end in time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from certaudit.host.process import Completed, start

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LIMIT = 16 << 20
AGENT = ("HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR")
SHELL = "/bin/sh"


def find(name: str) -> str | None:
    """The absolute path of a program of this system, or ``None``."""
    places = (Path(folder, name) for folder in PATH.split(":"))
    return next((str(path) for path in places if os.access(path, os.X_OK)), None)


def run(argv: Sequence[str], *, timeout: float, env: Mapping[str, str] | None = None) -> Completed:
    """Run a program by its absolute path. Raise ``ProgramError``."""
    settings = {"PATH": PATH, "LC_ALL": "C", "HOME": "/root", **(env or {})}
    return start(argv, timeout=timeout, limit=LIMIT, env=settings)


def run_ssh(argv: Sequence[str], stdin: bytes, *, timeout: float, cwd: str = "/") -> Completed:
    """Run ssh or a kin of it as this user does: with home and agent. Raise ``ProgramError``."""
    own = {name: os.environ[name] for name in AGENT if name in os.environ}
    settings = {**own, "PATH": PATH, "LC_ALL": "C"}
    return start(argv, timeout=timeout, limit=LIMIT, env=settings, stdin=stdin, cwd=cwd)
