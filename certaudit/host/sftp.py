"""Files of other hosts where the account may do nothing but sftp: the same as ``ssh``, in its few words.

Law: as ``ssh``. What sftp has to read or write on this side lies in a directory of ours, mode 0700, and
is taken away at once. Where sftp can not keep the owner of a file, the file is left as it is.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

from certaudit.errors import ParseError
from certaudit.host.consented import find, run_ssh
from certaudit.host.process import ProgramError
from certaudit.host.ssh import OPTIONS, TIMEOUT, RemoteError, Way, beside, reason
from certaudit.parsers.remote_files import RemoteFile, parse_listing
from certaudit.plan import ABSENT, Node
from certaudit.records import replace

MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
LETTERS = {"-p": "-P", "-l": "-oUser"}  # where sftp has another word for an option of ssh


def folder() -> tempfile.TemporaryDirectory[str]:
    """A private directory for a moment, in memory where the machine has such a place."""
    return tempfile.TemporaryDirectory(prefix="certaudit-", dir=MEMORY if MEMORY.is_dir() else None)


class Sftp:
    """Other hosts, by sftp(1) in batch mode."""

    def look(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """What stands at some paths. Raise ``RemoteError``."""
        with folder() as here:
            commands = [f"-ls -na {directory(path)}" for path in paths]
            commands += [f"-get {path} {here}/{number}" for number, path in enumerate(paths)]
            answer = self._batch(way, commands)
            try:
                return {
                    path: found(answer, path, Path(here, str(number)))
                    for number, path in enumerate(paths)
                }
            except ParseError as error:
                raise RemoteError(f"{way.host}: {error.reason}") from None

    def stage(self, way: Way, path: str, data: bytes, node: Node) -> None:
        """As ``ssh``."""
        with folder() as here:
            source = Path(here, "new")
            source.touch(0o600)
            source.write_bytes(data)
            put = f"put -f {source} {beside(path)}"
            mode = f"chmod {node.mode or 0o600:04o} {beside(path)}"
            self._batch(way, [f"-rm {beside(path)}", put, mode])
        there = self.look(way, [path, beside(path)])
        old, new = there[path], there[beside(path)]
        if not node.same_as(new.node):
            raise RemoteError(f"{way.host}:{path}: its successor {node.difference(new.node)}")
        if old.owner and old.owner != new.owner:
            raise RemoteError(f"{way.host}:{path} belongs to {old.owner}, which sftp can not keep")

    def commit(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """As ``ssh``; a server without the renaming of POSIX refuses, and nothing is changed."""
        self._batch(way, [f"rename {beside(path)} {path}" for path in paths])
        return self.look(way, paths)

    def remove(self, way: Way, paths: Sequence[str]) -> None:
        """As ``ssh``."""
        self._batch(way, [f"-rm {path}" for path in paths])

    def sweep(self, way: Way, paths: Sequence[str]) -> None:
        """As ``ssh``."""
        self.remove(way, [beside(path) for path in paths])

    def _batch(self, way: Way, commands: Sequence[str]) -> str:
        """Run some commands, which end at the first that fails. Raise ``RemoteError``."""
        program = find("sftp")
        if program is None:
            raise RemoteError(f"{way.host}: there is no sftp on this machine")
        options = [word for word in OPTIONS if word not in ("-T", "-x", "-a")]
        argv = [program, "-b", "-", *options, *own(way.options), "--", way.host]
        script = "".join(f"{command}\n" for command in commands)
        try:
            done = run_ssh(argv, script.encode(), timeout=TIMEOUT)
        except ProgramError as error:
            raise RemoteError(f"{way.host}: {error}") from error
        if done.returncode != 0:
            raise RemoteError(f"{way.host}: sftp: {reason(done.stderr)}")
        return done.stdout.decode("utf-8", "replace")


def own(options: Sequence[str]) -> list[str]:
    """Options of ssh(1) as sftp(1) has them."""
    words = [LETTERS.get(word, word) for word in options]
    pairs = zip(words[::2], words[1::2], strict=True)
    return [w for a, b in pairs for w in ((f"{a}={b}",) if a == "-oUser" else (a, b))]


def directory(path: str) -> str:
    """The directory of a path, as sftp names it."""
    folder, slash, _ = path.rpartition("/")
    return folder or ("/" if slash else ".")


def found(answer: str, path: str, fetched: Path) -> RemoteFile:
    """What stands at a path: its directory's listing, and what was fetched. Raise ``ParseError``."""
    listed = parse_listing(answer, directory(path))
    if listed is None:
        return RemoteFile(ABSENT, nowhere=True)
    file = listed.get(path.rpartition("/")[2])
    if file is None:
        return RemoteFile(ABSENT)
    if file.node.kind != "file":
        return file
    if not fetched.exists():
        return RemoteFile(Node("other"), closed=True)
    data = fetched.read_bytes()
    return replace(file, node=replace(file.node, digest=hashlib.sha256(data).hexdigest()), data=data)
