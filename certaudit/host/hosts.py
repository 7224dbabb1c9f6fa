"""Other hosts, each in the way that its account allows: by commands over ssh, else by sftp or rsync.

Law: as ``ssh``. Which way it is shows when a host is first looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from certaudit.host.rsync import Rsync
from certaudit.host.sftp import Sftp
from certaudit.host.ssh import RemoteError, RestrictedError, Shell, Way
from certaudit.parsers.remote_files import RemoteFile
from certaudit.plan import Node


class Tool(Protocol):
    """What files of other hosts are looked at and written with."""

    def look(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """What stands at some paths. Raise ``RemoteError``."""

    def stage(self, way: Way, path: str, data: bytes, node: Node) -> None:
        """Make a file's successor ready, with the owner and mode of ``node``. Raise ``RemoteError``."""

    def commit(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """Put what was staged in its place, one file after the other; what stands there then."""

    def remove(self, way: Way, paths: Sequence[str]) -> None:
        """Take files away. Raise ``RemoteError``."""

    def sweep(self, way: Way, paths: Sequence[str]) -> None:
        """Take away what was staged and not put in its place. Raise ``RemoteError``."""


class Hosts:
    """Other hosts, as this user reaches them."""

    def __init__(self) -> None:
        self._tools: dict[Way, Tool] = {}

    def look(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """As ``Tool``. Raise ``RestrictedError`` where no way is open."""
        if way in self._tools:
            return self._tools[way].look(way, paths)
        try:
            return Shell().look(way, paths)
        except RestrictedError as error:
            for tool in (Sftp(), Rsync()):
                try:
                    found = tool.look(way, paths)
                except RemoteError:
                    continue
                self._tools[way] = tool
                return found
            raise error from None

    def stage(self, way: Way, path: str, data: bytes, node: Node) -> None:
        """As ``Tool``."""
        self._by(way).stage(way, path, data, node)

    def commit(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """As ``Tool``."""
        return self._by(way).commit(way, paths)

    def remove(self, way: Way, paths: Sequence[str]) -> None:
        """As ``Tool``."""
        self._by(way).remove(way, paths)

    def sweep(self, way: Way, paths: Sequence[str]) -> None:
        """As ``Tool``."""
        self._by(way).sweep(way, paths)

    def _by(self, way: Way) -> Tool:
        return self._tools.get(way) or Shell()
