"""Files of other hosts where the account may do nothing but rsync: the same as ``ssh``, by rsync(1).

Law: as ``ssh``. rsync itself writes beside a place and renames, and all files of one directory at the
end of the transfer (--delay-updates). What it has to read or write on this side lies in a directory of
ours, mode 0700, and is taken away at once. It takes nothing away on the other host, so it makes no file
there that was not there before: that could not be undone.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from certaudit.host.consented import find, run_ssh
from certaudit.host.process import Completed, ProgramError
from certaudit.host.sftp import folder
from certaudit.host.ssh import OPTIONS, TIMEOUT, RemoteError, Way, reason
from certaudit.parsers.remote_files import RemoteFile
from certaudit.plan import ABSENT, Node

# links as links, mode, owner and group by number; whatever size and time say, the bytes are sent
KEEPING = ("-lpog", "--numeric-ids", "--ignore-times", f"--timeout={TIMEOUT:.0f}")
# What rsync(1) and rrsync(1) there say of one file, with its name in the same line.
NOT_THERE, CLOSED = "No such file or directory", "Permission denied"


class Rsync:
    """Other hosts, by rsync over ssh; what was staged waits in this object."""

    def __init__(self) -> None:
        self._staged: dict[str, tuple[bytes, Node]] = {}

    def look(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """What stands at some paths. Raise ``RemoteError``."""
        return {path: self._fetched(way, path) for path in paths}

    def stage(self, way: Way, path: str, data: bytes, node: Node) -> None:
        """As ``ssh``, but that nothing is sent yet: it is only asked whether that would be taken."""
        self._send(way, {path: (data, node)}, "--dry-run")
        self._staged[path] = data, node

    def commit(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """Send what was staged, directory by directory; what stands there then."""
        for parent in dict.fromkeys(path.rpartition("/")[0] for path in paths):
            mine = {p: self._staged[p] for p in paths if p.rpartition("/")[0] == parent}
            self._send(way, mine, "--delay-updates")
        return self.look(way, paths)

    def remove(self, way: Way, paths: Sequence[str]) -> None:
        """Refuse: see the law above."""
        raise RemoteError(f"{way.host}: rsync takes no file away: {', '.join(paths)}")

    def sweep(self, way: Way, paths: Sequence[str]) -> None:
        """Forget what was staged.

        What a transfer that was cut off has left, in a directory of mode 0700 beside the place, is taken
        up by the next one: rsync(1), --partial-dir.
        """
        for path in paths:
            self._staged.pop(path, None)

    def _send(self, way: Way, files: Mapping[str, tuple[bytes, Node]], how: str) -> None:
        """Send files of one directory under their own names. Raise ``RemoteError``."""
        with folder() as here:
            copies = []
            for path, (data, node) in files.items():
                parent, slash, name = path.rpartition("/")
                copies.append(put(Path(here, name), data, node))
            done = self._run(way, [how, "--", *copies, f"{way.host}:{parent}{slash}"])
        if done.returncode != 0:
            raise RemoteError(f"{way.host}: rsync: {reason(done.stderr)}")

    def _fetched(self, way: Way, path: str) -> RemoteFile:
        """What stands at a path, by a copy of it. Raise ``RemoteError``."""
        with folder() as here:
            copy = Path(here, "copy")
            done = self._run(way, ["--", f"{way.host}:{path}", str(copy)])
            if done.returncode == 0:
                return seen(copy)
            said = [line for line in done.stderr.splitlines() if path.rpartition("/")[2] in line]
            if any(NOT_THERE in line for line in said):
                return RemoteFile(ABSENT, fixed=True)
            if any(CLOSED in line for line in said):
                return RemoteFile(Node("other"), closed=True)
            raise RemoteError(f"{way.host}: rsync: {reason(done.stderr)}")

    def _run(self, way: Way, words: Sequence[str]) -> Completed:
        """Run rsync over an ssh of ours. Raise ``RemoteError``."""
        program, ssh = find("rsync"), find("ssh")
        if program is None or ssh is None:
            raise RemoteError(f"{way.host}: there is no {'ssh' if program else 'rsync'} on this machine")
        shell = shlex.join([ssh, *OPTIONS, *way.options])
        try:
            return run_ssh([program, "-e", shell, *KEEPING, *words], b"", timeout=TIMEOUT)
        except ProgramError as error:
            raise RemoteError(f"{way.host}: {error}") from error


def put(file: Path, data: bytes, node: Node) -> str:
    """Write one file as it is to be on the other host; its path."""
    file.touch(0o600)
    file.write_bytes(data)
    file.chmod(node.mode or 0o600)
    if os.geteuid() == 0 and node.uid is not None and node.gid is not None:
        os.chown(file, node.uid, node.gid)
    return str(file)


def seen(copy: Path) -> RemoteFile:
    """What a copy tells of the file it was made of; a directory and what is no file leave none."""
    try:
        found = copy.lstat()
    except FileNotFoundError:
        return RemoteFile(Node("directory"))
    if not stat.S_ISREG(found.st_mode):
        return RemoteFile(Node("link" if stat.S_ISLNK(found.st_mode) else "other"))
    data = copy.read_bytes()
    owner = (found.st_uid, found.st_gid) if os.geteuid() == 0 else (None, None)
    mode = stat.S_IMODE(found.st_mode)
    return RemoteFile(Node("file", hashlib.sha256(data).hexdigest(), mode, *owner), data)
