"""Debian packages, downloaded once with apt-get and kept in the user's cache.

Law: a package is unpacked, never installed: of its maintainer scripts nothing runs. Those of another
suite come from the machine's own mirror by lists of our own; /etc/apt stays as it is.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.live.root import locked, sources

DOWNLOAD_TIMEOUT = 240.0  # seconds for all that is missing
UNPACK_TIMEOUT = 60.0  # seconds for one package


KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class DebsError(Exception):
    """Packages cannot be had here; the text says why, on one line."""


class NoSuiteError(DebsError):
    """The machine's mirror does not hold this suite, or no more."""


def cache_directory(suite: str | None = None) -> Path:
    """Where packages are kept (XDG Base Directory Specification); other suites' apart."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "certaudit" / "packages" / (suite or "")


def available(names: Sequence[str], suite: str | None = None) -> set[str]:
    """Those of the names that apt knows, or that are in the cache already."""
    cached = {name for name in names if cached_file(name, suite)}
    missing = [name for name in names if name not in cached]
    if not missing or shutil.which("apt-cache") is None:
        return cached
    words = ["apt-cache", *lists(suite), "show", "--no-all-versions", *missing]
    lines = run(words, UNPACK_TIMEOUT).stdout.splitlines()
    return cached | {line.partition(": ")[2] for line in lines if line.startswith("Package: ")}


def fetch(names: Sequence[str], suite: str | None = None) -> dict[str, Path]:
    """The package file of each name, downloaded where it is not cached; raise ``DebsError``.

    ``suite`` is another one than the machine's own, such as ``trixie``.
    """
    missing = [name for name in names if not cached_file(name, suite)]
    if missing:
        download(missing, suite)
    found = {name: cached_file(name, suite) for name in names}
    absent = sorted(name for name, file in found.items() if file is None)
    if absent:
        raise DebsError(f"apt-get did not download {', '.join(absent)}")
    return {name: file for name, file in found.items() if file is not None}


def cached_file(name: str, suite: str | None = None) -> Path | None:
    """The newest cached file of a package, or ``None``."""
    found = cache_directory(suite).glob(f"{name}_*.deb")
    files = sorted(found, key=lambda file: file.stat().st_mtime)
    return files[-1] if files else None


def download(names: Sequence[str], suite: str | None = None) -> None:
    """Put packages into the cache; a file is there whole or not at all."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise DebsError("apt-get or dpkg-deb is not installed")
    cache = cache_directory(suite)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        words = ["apt-get", *lists(suite), "-q", "download", *names]
        done = run(words, DOWNLOAD_TIMEOUT, cwd=scratch)
        if done.returncode != 0 and suite is not None:  # the lists may be older than the archive
            (cache / "apt" / "fetched").unlink(missing_ok=True)
            lists(suite)
            done = run(words, DOWNLOAD_TIMEOUT, cwd=scratch)
        said(done, "download")
        for file in Path(scratch).glob("*.deb"):
            file.replace(cache / file.name)


def said(result: subprocess.CompletedProcess[str], what: str) -> None:
    """Raise ``DebsError`` with apt's last word where it failed."""
    if result.returncode != 0:
        words = (result.stderr.strip().splitlines() or ["no message"])[-1]
        kind = NoSuiteError if "does not have a Release file" in result.stderr else DebsError
        raise kind(f"apt-get cannot {what}: {words}")


def lists(suite: str | None) -> list[str]:
    """The options by which apt sees a suite alone, its lists fetched if they are not there yet."""
    if suite is None:
        return []
    place = cache_directory(suite) / "apt"
    options = [
        f"Dir::Etc::sourcelist={place}/sources.list", "Dir::Etc::sourceparts=-",
        f"Dir::State::lists={place}/lists", f"Dir::State::status={place}/status",
        f"Dir::Cache={place}", "APT::Sandbox::User=",
    ]  # fmt: skip
    words = [word for option in options for word in ("-o", option)]
    for name in ("lists/partial", "archives/partial"):
        (place / name).mkdir(parents=True, exist_ok=True)
    with locked(place / "lock"):
        if not (place / "fetched").exists():
            (place / "status").touch()
            (place / "sources.list").write_text(source(suite))
            said(run(["apt-get", *words, "-q", "update"], DOWNLOAD_TIMEOUT), f"read {suite}")
            (place / "fetched").touch()
    return words


def source(suite: str) -> str:
    """The line of sources.list(5) for a suite."""
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    return f"deb {signed}{mirror()} {suite} main\n"


def mirror() -> str:
    """The first archive that the machine's own sources name."""
    file = sources()
    lines = file.read_text().splitlines() if file else []
    found = (re.search(r"\bhttps?://\S+", line) for line in lines if not line.startswith("#"))
    uri = next((match[0] for match in found if match), None)
    if uri is None:
        raise DebsError("there is no list of Debian package sources under /etc/apt")
    return uri


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


def unpacked(name: str, suite: str | None = None) -> Path:
    """One package unpacked in the cache, for the programs in it; raise ``DebsError``."""
    file = fetch([name], suite)[name]
    finished = cache_directory(suite) / f"{file.stem}.unpacked"
    if not finished.is_dir():
        scratch = Path(tempfile.mkdtemp(dir=finished.parent))
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
