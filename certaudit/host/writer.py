"""The only code that changes the files of a machine (``units.switch`` stops and starts its units).

Law: a path is walked from the root directory component by component and no link is ever followed; a
file is written beside its place with its final owner and mode, synced, and renamed over it, so that
whoever looks sees the old file or the new one and nobody sees a key who could not before.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from msgspec import Struct

from certaudit.errors import CertauditError
from certaudit.plan import ABSENT, Node
from certaudit.records import replace

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
LARGEST = 16 << 20


class WriteError(CertauditError):
    """A change could not be made; what was there is still there."""


class LockedError(CertauditError):
    """Somebody else holds the lock."""


class Form(Struct, frozen=True):
    """How a file is to be written: mode, and what is set only if not ``None``; ``mtime`` in ns."""

    mode: int
    uid: int | None = None
    gid: int | None = None
    mtime: int | None = None


def temporary(name: str) -> str:
    """The name beside a file under which its successor is written.

    cron, certbot's hook directories and run-parts pass over names that end in a tilde.
    """
    return f".{name}.certaudit~"


class Writer:
    """The files below one root directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The open directory of a path, no link followed on the way, and the last component."""
        parts = PurePosixPath(path).parts[1:]
        if not path.startswith("/") or not parts or ".." in parts:
            raise WriteError(f"{path}: no path inside the machine")
        here = os.open(self.directory, DIRECTORY & ~os.O_NOFOLLOW)
        try:
            for part in parts[:-1]:
                below = os.open(part, DIRECTORY, dir_fd=here)
                os.close(here)
                here = below
            yield here, parts[-1]
        finally:
            os.close(here)

    def node(self, path: str) -> Node:
        """What stands at a path. Raise ``WriteError`` where it can not be looked at."""
        try:
            with self._parent(path) as (parent, name):
                return node_at(parent, name)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return ABSENT
            raise WriteError(f"{path}: {error.strerror}") from error

    def read(self, path: str) -> bytes:
        """The bytes of a regular file. Raise ``WriteError``."""
        with self._errors(path), self._parent(path) as (parent, name):
            return content(parent, name)

    def replace(self, path: str, data: bytes, form: Form) -> None:
        """Put a file there, or another one in its place; attributes, ACL and label are kept."""
        self.stage(path, data, form)
        self.commit(path)

    def stage(self, path: str, data: bytes, form: Form) -> None:
        """Write a file's successor beside it, whole and synced; ``commit`` puts it in its place."""
        with self._errors(path), self._parent(path) as (parent, name):
            clear(parent, temporary(name))
            handle = os.open(temporary(name), CREATE, 0o600, dir_fd=parent)
            try:
                write_all(handle, data)
                if form.uid is not None and form.gid is not None:
                    os.fchown(handle, form.uid, form.gid)
                keep_attributes(parent, name, handle)
                os.fchmod(handle, form.mode)
                if form.mtime is not None:
                    os.utime(handle, ns=(form.mtime, form.mtime))
                os.fsync(handle)
            except OSError:
                with contextlib.suppress(OSError):
                    clear(parent, temporary(name))
                raise
            finally:
                os.close(handle)

    def commit(self, path: str) -> None:
        """Put what was staged in its place, at once for whoever looks."""
        with self._errors(path), self._parent(path) as (parent, name):
            os.rename(temporary(name), name, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)

    def link(self, path: str, node: Node) -> None:
        """Put a symbolic link there, in the place of nothing or of a link or file."""
        with self._errors(path), self._parent(path) as (parent, name):
            beside = temporary(name)
            clear(parent, beside)
            os.symlink(node.target or "", beside, dir_fd=parent)
            try:
                if node.uid is not None and node.gid is not None:
                    os.chown(beside, node.uid, node.gid, dir_fd=parent, follow_symlinks=False)
                if node.mtime is not None:
                    times = (node.mtime, node.mtime)
                    os.utime(beside, ns=times, dir_fd=parent, follow_symlinks=False)
                os.rename(beside, name, src_dir_fd=parent, dst_dir_fd=parent)
            except OSError:
                with contextlib.suppress(OSError):
                    clear(parent, beside)
                raise
            os.fsync(parent)

    def remove(self, path: str) -> None:
        """Take a file or link away."""
        with self._errors(path), self._parent(path) as (parent, name):
            os.unlink(name, dir_fd=parent)
            os.fsync(parent)

    def change_mode(self, path: str, mode: int) -> None:
        """Another mode for a regular file; its content and times stay."""
        with self._errors(path), self._parent(path) as (parent, name):
            handle = os.open(name, READ, dir_fd=parent)
            try:
                os.fchmod(handle, mode)
                os.fsync(handle)
            finally:
                os.close(handle)

    def move(self, path: str, to: str) -> None:
        """Another name for a file in its own directory; what has that name must not be there."""
        with self._errors(path), self._parent(path) as (parent, name):
            new = PurePosixPath(to).name
            if node_at(parent, new).kind != "absent":
                raise WriteError(f"{to}: is there already")
            os.rename(name, new, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)

    def make_directory(self, path: str, form: Form) -> None:
        """A new directory, which is there with its owner and mode or not at all."""
        with self._errors(path), self._parent(path) as (parent, name):
            if node_at(parent, name).kind != "absent":
                raise WriteError(f"{path}: is there already")
            beside = temporary(name)
            clear(parent, beside)
            os.mkdir(beside, 0o700, dir_fd=parent)
            try:
                handle = os.open(beside, DIRECTORY, dir_fd=parent)
                try:
                    if form.uid is not None and form.gid is not None:
                        os.fchown(handle, form.uid, form.gid)
                    os.fchmod(handle, form.mode)
                    os.fsync(handle)
                finally:
                    os.close(handle)
                os.rename(beside, name, src_dir_fd=parent, dst_dir_fd=parent)
            except OSError:
                with contextlib.suppress(OSError):
                    clear(parent, beside)
                raise
            os.fsync(parent)

    def remove_directory(self, path: str) -> None:
        """Take a directory away, unless there is something in it."""
        with self._errors(path), self._parent(path) as (parent, name):
            try:
                os.rmdir(name, dir_fd=parent)
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise
            os.fsync(parent)

    def sweep(self, path: str) -> None:
        """Take away what an interrupted write left beside a path."""
        with contextlib.suppress(WriteError), self._errors(path), self._parent(path) as (parent, name):
            clear(parent, temporary(name))

    @contextmanager
    def lock(self, path: str, patience: float, *, remove: bool = False) -> Iterator[None]:
        """Hold a lock file with lockf(3), as certbot and dpkg do; try for ``patience`` seconds.

        A file made for it is taken away again, as certbot does; with ``remove`` one that was there too,
        which somebody left who was killed. Raise ``LockedError``, ``WriteError``.
        """
        with ExitStack() as stack:
            with self._errors(path):
                parent, name = stack.enter_context(self._parent(path))
                handle, made = wait_for_lock(parent, name, path, patience)
            stack.callback(os.close, handle)
            try:
                yield
            finally:
                if made or remove:
                    with contextlib.suppress(OSError):
                        os.unlink(name, dir_fd=parent)

    @contextmanager
    def _errors(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WriteError(f"{path}: {error.strerror or error}") from error


def node_at(parent: int, name: str) -> Node:
    """lstat(2) of a name in an open directory, with the bytes' digest or the link's text."""
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return ABSENT
    node = Node(
        "other", None, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, found.st_mtime_ns
    )
    if stat.S_ISLNK(found.st_mode):
        return replace(node, kind="link", mode=None, target=os.readlink(name, dir_fd=parent))
    if stat.S_ISDIR(found.st_mode):
        return replace(node, kind="directory")
    if not stat.S_ISREG(found.st_mode):
        return node
    digest = hashlib.sha256(content(parent, name)).hexdigest()
    return replace(node, kind="file", digest=digest, links=found.st_nlink)


def content(parent: int, name: str) -> bytes:
    """The bytes of a regular file of at most 16 MiB; ``OSError`` otherwise."""
    with os.fdopen(os.open(name, READ, dir_fd=parent), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, "too large")
    return data


def write_all(handle: int, data: bytes) -> None:
    """Every byte of ``data``."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def keep_attributes(parent: int, name: str, handle: int) -> None:
    """Give a file's successor its extended attributes: ACL and SELinux label are among them."""
    try:
        old = os.open(name, READ, dir_fd=parent)
    except FileNotFoundError:
        return
    try:
        wanted = {key: os.getxattr(old, key) for key in os.listxattr(old)}
        for key, value in wanted.items():
            if not has(handle, key) or os.getxattr(handle, key) != value:
                os.setxattr(handle, key, value)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(old)


def has(handle: int, key: str) -> bool:
    """Does an open file carry this extended attribute?"""
    return key in os.listxattr(handle)


def clear(parent: int, name: str) -> None:
    """Take away a left-over temporary file or directory."""
    if node_at(parent, name).kind == "directory":
        os.rmdir(name, dir_fd=parent)
        return
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


def wait_for_lock(parent: int, name: str, path: str, patience: float) -> tuple[int, bool]:
    """An open, locked file, and whether it was made for this.

    Raise ``LockedError`` if it is not free in ``patience`` seconds.
    """
    until = time.monotonic() + patience
    while True:
        made = node_at(parent, name).kind == "absent"
        handle = try_lock(parent, name)
        if handle is not None:
            return handle, made
        if time.monotonic() >= until:
            raise LockedError(f"{path} is held: a renewal or an installation is going on")
        time.sleep(0.1)


def try_lock(parent: int, name: str) -> int | None:
    """An open, locked file of that name, or ``None`` if somebody else has it.

    The holder before may have taken the file away after it was opened here (certbot does): then the
    lock is worth nothing and another try is due.
    """
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine, there = os.fstat(handle), os.stat(name, dir_fd=parent, follow_symlinks=False)
        if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino):
            return handle
    except (BlockingIOError, PermissionError, FileNotFoundError):
        pass
    os.close(handle)
    return None
