"""The Debian root that every box boots over, built once by mmdebstrap and kept in the user's cache.

Law: a finished root is never written to again; a box lays an overlay over it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.summary import timed

RECIPE = 1  # to be raised with every change below that alters the result
PACKAGES = (
    "usr-is-merged", "systemd", "systemd-sysv", "dbus", "cron", "rsyslog", "logrotate", "certbot",
    "pebble", "openssl", "ca-certificates", "tzdata", "libfaketime", "python3", "libpam-systemd",
)  # fmt: skip
SOURCES = (
    Path("/etc/apt/sources.list.d/debian.sources"),
    Path("/etc/apt/sources.list.d/ubuntu.sources"),
    Path("/etc/apt/sources.list"),
)
# No shims of a version manager: mmdebstrap starts one Python program per package.
CLEAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
HOSTNAME = "web1"
UNWANTED = ("/usr/share/doc", "/usr/share/man", "/usr/share/locale", "/usr/share/info")
EXCLUDES = "".join(f"path-exclude={directory}/*\\n" for directory in UNWANTED)
TIMEOUT = 900.0  # seconds for a build over a slow network
HOOKS = (
    f"--essential-hook=printf '{EXCLUDES}' >\"$1\"/etc/dpkg/dpkg.cfg.d/small",
    "--customize-hook=rm -rf " + " ".join(f'"$1"{directory}/*' for directory in UNWANTED),
    # Empty, not missing: the manager then makes an id, and does not apply presets as on a first boot.
    '--customize-hook=: >"$1"/etc/machine-id',
    f'--customize-hook=echo {HOSTNAME} >"$1"/etc/hostname',
    f'--customize-hook=echo 127.0.0.1 localhost {HOSTNAME} >"$1"/etc/hosts',
    '--customize-hook=rm -f "$1"/etc/resolv.conf',
)


class RootError(Exception):
    """The root cannot be built here."""


def root(extra: tuple[str, ...] = ()) -> Path:
    """A directory with the base packages and ``extra`` ones, built now if it is not in the cache.

    A second caller waits for the first. Raise ``RootError`` with the last words of mmdebstrap.
    """
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    name = f"root-{key(extra)}"
    finished = cache / name
    if not finished.is_dir():
        with locked(cache / f"{name}.lock") as lock:
            if not finished.is_dir():
                with timed("root"):
                    build(extra, finished, lock)
    return finished


def cache_directory() -> Path:
    """Where roots are kept (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "certaudit"


def key(extra: tuple[str, ...] = ()) -> str:
    """What identifies a root: the machine, its suite, the packages and this recipe."""
    parts = (platform.machine(), suite(), str(RECIPE), *sorted({*PACKAGES, *extra}))
    return f"{suite()}-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:12]}"


def suite() -> str:
    """The release of this machine, which is also the one that is built."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")


def sources() -> Path | None:
    """The machine's own list of package sources."""
    return next((path for path in SOURCES if path.is_file() and path.stat().st_size), None)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold an exclusive lock; the descriptor may be handed to a child, which then holds it too."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def build(extra: tuple[str, ...], finished: Path, lock: int) -> None:
    """Build beside the final place and move it there when it is whole."""
    source = sources()
    if source is None:
        raise RootError("there is no list of Debian package sources under /etc/apt")
    partial = finished.with_name(f"{finished.name}.partial")
    discard(partial)
    sys.stderr.write(f"certaudit: building {finished} (once, about a minute) ...\n")
    done = subprocess.run(
        command(extra, partial, source),
        env={"PATH": CLEAN_PATH, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        pass_fds=(lock,),  # an orphaned mmdebstrap keeps others from the same place until it ends
        check=False,
    )
    if done.returncode != 0:
        discard(partial)
        raise RootError(f"mmdebstrap: {done.stdout.strip()[-2000:]}")
    partial.rename(finished)


def command(extra: tuple[str, ...], target: Path, source: Path) -> list[str]:
    """The recipe."""
    return [
        "mmdebstrap", "--quiet", "--mode=root", "--variant=apt", "--format=directory",
        f"--include={','.join((*PACKAGES, *extra))}",
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Install-Recommends "false"',
        "--dpkgopt=force-unsafe-io",
        *HOOKS, suite(), str(target), str(source),
    ]  # fmt: skip


def discard(directory: Path) -> None:
    """Remove what an interrupted build left; nothing is mounted in it, mounts end with mmdebstrap."""
    if directory.exists():
        shutil.rmtree(directory)
