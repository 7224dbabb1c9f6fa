"""The files of the audited machine, read so that nothing outside its root is ever touched.

Law: every path is resolved here, component by component, with symlinks (absolute, ``..``, loops)
followed *inside* the root as chroot(2) would; only regular files are opened, without blocking, and
never for writing. What is not there, what cannot be read and what cannot be known are three answers.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO

from msgspec import Struct

from certaudit.errors import TargetError, UnreadableError

MAX_LINKS = 40  # as path_resolution(7): more is ELOOP
DEEPEST = 60  # components; a longer path is followed from the top
TEXT_LIMIT = 4 << 20
BUFFER = 1 << 16  # bytes: most files are read at once

MachinePath = PurePosixPath | str


class Entry(Struct, frozen=True):
    """What lstat(2) and, for links, the resolved target say of one path inside the machine."""

    path: PurePosixPath  # resolved: no component is a link
    mode: int
    uid: int
    gid: int
    size: int
    modified: datetime
    device: int
    inode: int
    links: int

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_dir(self) -> bool:
        """A directory."""
        return stat.S_ISDIR(self.mode)

    @property
    def executable(self) -> bool:
        """Some execute bit is set: root could run it (access(2))."""
        return bool(self.mode & 0o111)


class Resolved(Struct, frozen=True):
    """What became of a path. ``gone``: the directory that would hold it is there, and it is not."""

    entry: Entry | None = None
    error: UnreadableError | None = None
    gone: bool = False
    followed: int = 0  # links on the way


class Root:
    """A directory that holds a root file system; ``/`` for the machine this runs on."""

    def __init__(self, directory: Path) -> None:
        """Raise ``TargetError`` where ``directory`` is no readable directory."""
        try:
            found = os.stat(directory)
        except OSError as error:
            raise TargetError(f"{directory}: {error.strerror}") from error
        # However "/" is spelt, it is this machine and no image. Asked by the node: /proc/PID/root of a
        # container is a link that reads "/", too.
        here = os.path.samestat(found, os.stat("/"))
        self.directory = Path("/") if here else Path(os.path.abspath(directory))
        self._top = str(self.directory).rstrip("/")
        if not stat.S_ISDIR(found.st_mode):
            raise TargetError(f"{directory}: not a directory")
        # An image unpacked by an ordinary user belongs to that user as a whole; the owner of its
        # root directory stands for root there.
        self.root_uid = found.st_uid
        self._resolve = lru_cache(maxsize=20_000)(self._resolve_uncached)

    def outside(self, path: PurePosixPath) -> Path:
        """Where a *resolved* path lies on our disk."""
        return self.directory / str(path).lstrip("/")

    def entry(self, path: MachinePath) -> Entry | None:
        """The file, directory or other node behind a path, links followed; ``None`` if not there.

        Raise ``UnreadableError`` where a directory on the way may not be searched or links loop.
        """
        resolved = self._resolve(str(path))
        if resolved.error is not None:
            raise resolved.error
        return resolved.entry

    def exists(self, path: MachinePath) -> bool | None:
        """Is something there? ``None`` where the tree is partial or closed and it cannot be known.

        Absence counts only where the directory that would hold the thing is present, for a dangling
        link the directory it leads to; the machine this runs on is never partial.
        """
        resolved = self._resolve(str(path))
        if resolved.entry is not None:
            return True
        whole = resolved.error is None and self.directory == Path("/")
        return False if resolved.gone or whole else None

    def link(self, path: MachinePath) -> str | None:
        """The text of a symlink, or ``None`` if the last component is none."""
        above, _, name = str(path).rstrip("/").rpartition("/")
        try:
            parent = self.entry(above)
            if parent is None:
                return None
            return os.readlink(f"{self._top}{str(parent.path).rstrip('/')}/{name}")
        except (UnreadableError, OSError, ValueError):
            return None

    def written(self, path: MachinePath) -> datetime | None:
        """When what lies at a path was last written, a link itself and not what it leads to."""
        above, _, name = str(path).rstrip("/").rpartition("/")
        try:
            parent = self.entry(above or "/")
            if parent is None:
                return None
            found = os.lstat(self.outside(parent.path / name))
        except (UnreadableError, OSError, ValueError):
            return None
        return datetime.fromtimestamp(found.st_mtime, timezone.utc)

    def names(self, directory: MachinePath) -> tuple[str, ...]:
        """The sorted names in a directory, () if it is not there; ``UnreadableError`` if closed."""
        found = self.entry(directory)
        if found is None or not found.is_dir:
            return ()
        try:
            return tuple(sorted(os.listdir(self.outside(found.path))))
        except OSError as error:
            raise UnreadableError(f"{directory}: {error.strerror}") from error

    def open(self, path: MachinePath) -> IO[bytes]:
        """A regular file, opened for reading.

        Raise ``UnreadableError`` for anything else: missing, a directory, a FIFO, a device, closed.
        """
        found = self.entry(path)
        if found is None:
            raise UnreadableError(f"{path}: no such file")
        if not found.is_file:
            raise UnreadableError(f"{path}: {kind_of(found.mode)}, not a regular file")
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
            handle = os.open(f"{self._top}{found.path}", flags)
        except OSError as error:
            raise UnreadableError(f"{path}: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise UnreadableError(f"{path}: changed into something else while being opened")
        return os.fdopen(handle, "rb", BUFFER)

    def read(self, path: MachinePath, limit: int = TEXT_LIMIT) -> bytes:
        """The bytes of a regular file of at most ``limit`` bytes; ``UnreadableError`` otherwise."""
        with self.open(path) as stream:
            try:
                data = stream.read(limit + 1)
            except OSError as error:
                raise UnreadableError(f"{path}: {error.strerror}") from error
        if len(data) > limit:
            raise UnreadableError(f"{path}: larger than {limit} bytes")
        return data

    def text(self, path: MachinePath, limit: int = TEXT_LIMIT) -> str:
        """The text of a regular file; bytes that are no UTF-8 become U+FFFD."""
        return self.read(path, limit).decode("utf-8", "replace")

    def walk(self, top: MachinePath, *, skip: frozenset[str] = frozenset()) -> Iterator[Entry]:
        """Every regular file below a directory on that directory's own device, links not followed.

        ``skip`` are resolved directory paths to leave out. Closed directories are passed over.
        """
        start = self.entry(top)
        if start is None or not start.is_dir:
            return
        pending = [start.path]
        while pending:
            here = pending.pop()
            if str(here) in skip:
                continue
            try:
                with os.scandir(self.outside(here)) as scan:
                    nodes = sorted(scan, key=lambda node: node.name)
            except OSError:
                continue
            for node in nodes:
                try:
                    found = node.stat(follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISDIR(found.st_mode) and found.st_dev == start.device:
                    pending.append(here / node.name)
                elif stat.S_ISREG(found.st_mode):
                    yield entry_of(here / node.name, found)

    def _resolve_uncached(self, path: str) -> Resolved:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if "\0" in path:
            return Resolved()
        if not parts or parts[-1] == ".." or len(parts) > DEEPEST:
            return self._walk(path, "", parts, 0)
        above = self._resolve("/" + "/".join(parts[:-1]))
        if above.entry is None or not above.entry.is_dir:
            return Resolved(error=above.error)
        here = str(above.entry.path).rstrip("/")
        return self._walk(path, here, parts[-1:], above.followed)

    def _walk(self, path: str, here: str, parts: list[str], followed: int) -> Resolved:
        """Follow ``parts`` from the resolved directory ``here``; ``followed`` links lie behind.

        ``here`` is text, without a slash at its end: this runs for every path that is asked for.
        """
        todo = parts[::-1]
        found: os.stat_result | None = None
        while todo:
            part = todo.pop()
            if part == "..":
                here, found = here.rpartition("/")[0], None
                continue
            place = f"{here}/{part}"
            try:
                found = os.lstat(self._top + place)
                target = os.readlink(self._top + place) if stat.S_ISLNK(found.st_mode) else None
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
                    return Resolved(gone=not todo and error.errno != errno.ENOTDIR)
                return Resolved(error=UnreadableError(f"{place}: {error.strerror}"))
            if target is None:
                here = place
                continue
            followed += 1
            if followed > MAX_LINKS:
                return Resolved(error=UnreadableError(f"{path}: too many levels of symbolic links"))
            if target.startswith("/"):
                here = ""
            found = None
            todo.extend([p for p in target.split("/") if p not in ("", ".")][::-1])
        if found is None:
            found = os.lstat(self._top + here) if here else os.stat(self.directory)
        return Resolved(entry_of(PurePosixPath(here or "/"), found), followed=followed)


def entry_of(path: PurePosixPath, found: os.stat_result) -> Entry:
    """An ``Entry`` from what stat(2) answered."""
    return Entry(
        path=path,
        mode=found.st_mode,
        uid=found.st_uid,
        gid=found.st_gid,
        size=found.st_size,
        modified=datetime.fromtimestamp(found.st_mtime, timezone.utc),
        device=found.st_dev,
        inode=found.st_ino,
        links=found.st_nlink,
    )


def kind_of(mode: int) -> str:
    """What a node is, in the words of stat(1)."""
    kinds = {
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFBLK: "a block device",
        stat.S_IFCHR: "a character device",
        stat.S_IFLNK: "a symbolic link",
    }
    return kinds.get(stat.S_IFMT(mode), "no regular file")
