"""Other hosts, each in the way that its account allows: by commands over ssh, else by sftp.

Law: as ``ssh``. Which way it is shows when a host is first looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

from certaudit.host.sftp import Sftp
from certaudit.host.ssh import RemoteError, RestrictedError, Shell, Way, beside
from certaudit.parsers.remote_files import RemoteFile
from certaudit.plan import Node


class Hosts:
    """Other hosts, as this user reaches them."""

    def __init__(self) -> None:
        self._restricted: set[Way] = set()

    def look(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """What stands at some paths. Raise ``RemoteError``, ``RestrictedError`` where no way is open."""
        if way in self._restricted:
            return Sftp().look(way, paths)
        try:
            return Shell().look(way, paths)
        except RestrictedError as error:
            try:
                found = Sftp().look(way, paths)
            except RemoteError:
                raise error from None
            self._restricted.add(way)
            return found

    def stage(self, way: Way, path: str, data: bytes, node: Node) -> None:
        """Write a file's successor beside it, with the owner and mode of ``node``."""
        self._by(way).stage(way, path, data, node)

    def commit(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """Put what was staged in its place, one file after the other; what stands there then."""
        return self._by(way).commit(way, paths)

    def remove(self, way: Way, paths: Sequence[str]) -> None:
        """Take files away."""
        self._by(way).remove(way, paths)

    def sweep(self, way: Way, paths: Sequence[str]) -> None:
        """Take away what was staged and not put in its place."""
        self.remove(way, [beside(path) for path in paths])

    def _by(self, way: Way) -> Shell | Sftp:
        return Sftp() if way in self._restricted else Shell()
