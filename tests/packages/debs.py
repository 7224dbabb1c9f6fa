"""Debian packages, downloaded once with apt-get and kept in the user's cache.

Law: a package is unpacked, never installed: of its maintainer scripts nothing runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

DOWNLOAD_TIMEOUT = 240.0  # seconds for all that is missing
UNPACK_TIMEOUT = 60.0  # seconds for one package


class DebsError(Exception):
    """Packages cannot be had here; the text says why, on one line."""


def cache_directory() -> Path:
    """Where packages are kept (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "certaudit" / "packages"


def available(names: Sequence[str]) -> set[str]:
    """Those of the names that the machine's apt knows, or that are in the cache already."""
    cached = {name for name in names if cached_file(name)}
    missing = [name for name in names if name not in cached]
    if not missing or shutil.which("apt-cache") is None:
        return cached
    shown = run(["apt-cache", "show", "--no-all-versions", *missing], UNPACK_TIMEOUT)
    lines = shown.stdout.splitlines()
    return cached | {line.partition(": ")[2] for line in lines if line.startswith("Package: ")}


def fetch(names: Sequence[str]) -> dict[str, Path]:
    """The package file of each name, downloaded where it is not cached; raise ``DebsError``."""
    missing = [name for name in names if not cached_file(name)]
    if missing:
        download(missing)
    found = {name: cached_file(name) for name in names}
    absent = sorted(name for name, file in found.items() if file is None)
    if absent:
        raise DebsError(f"apt-get did not download {', '.join(absent)}")
    return {name: file for name, file in found.items() if file is not None}


def cached_file(name: str) -> Path | None:
    """The newest cached file of a package, or ``None``."""
    files = sorted(cache_directory().glob(f"{name}_*.deb"), key=lambda file: file.stat().st_mtime)
    return files[-1] if files else None


def download(names: Sequence[str]) -> None:
    """Put packages into the cache; a file is there whole or not at all."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise DebsError("apt-get or dpkg-deb is not installed")
    cache_directory().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_directory()) as scratch:
        result = run(["apt-get", "-q", "download", *names], DOWNLOAD_TIMEOUT, cwd=scratch)
        if result.returncode != 0:
            words = (result.stderr.strip().splitlines() or ["no message"])[-1]
            raise DebsError(f"apt-get cannot download: {words}")
        for file in Path(scratch).glob("*.deb"):
            file.replace(cache_directory() / file.name)


def unpack(files: Iterable[Path], root: Path) -> None:
    """Unpack the files of packages below ``root``, as dpkg would: a link to a directory stays one."""
    tar = ["tar", "--extract", "--keep-directory-symlink", "--preserve-permissions", "-C", str(root)]
    for file in files:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", file], stdout=subprocess.PIPE) as source:
            result = subprocess.run(
                tar, stdin=source.stdout, capture_output=True, timeout=UNPACK_TIMEOUT, check=False
            )
        if result.returncode != 0 or source.returncode != 0:
            raise DebsError(f"{file.name}: {result.stderr.decode(errors='replace').strip()}")


def unpacked(name: str) -> Path:
    """One package unpacked in the cache, for the programs in it; raise ``DebsError``."""
    file = fetch([name])[name]
    finished = cache_directory() / f"{file.stem}.unpacked"
    if not finished.is_dir():
        scratch = Path(tempfile.mkdtemp(dir=cache_directory()))
        scratch.chmod(0o755)
        unpack([file], scratch)
        try:
            scratch.rename(finished)
        except OSError:  # somebody else was quicker
            shutil.rmtree(scratch)
    return finished


def run(command: list[str], timeout: float, cwd: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program of the machine, in English, and give back what it said."""
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            timeout=timeout,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DebsError(f"{command[0]} took longer than {timeout:.0f} s") from error
