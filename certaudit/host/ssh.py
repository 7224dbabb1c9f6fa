"""Files of other hosts, over the system's own OpenSSH: looked at, written beside their place, put there.

Law: ssh's own configuration, agent and known hosts decide the way; nothing is ever asked (BatchMode) and
an unknown or changed host key is refused, whatever the configuration says. Bytes go through the standard
input, so no key stands on a command line. Whoever looks at the other host sees the old file or the new
one, and nobody sees a key who could not before.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from msgspec import Struct

from certaudit.errors import CertauditError, ParseError
from certaudit.host.consented import find, run_ssh
from certaudit.host.process import Completed, ProgramError
from certaudit.host.writer import temporary
from certaudit.parsers.remote_files import BEGIN, RemoteFile, parse_files
from certaudit.plan import Node

CONNECT = 10  # seconds
TIMEOUT = 60.0
OPTIONS = (
    "-T", "-x", "-a",
    "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", f"ConnectTimeout={CONNECT}",
    "-o", "ConnectionAttempts=1", "-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3",
    "-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no", "-o", "LogLevel=ERROR",
)  # fmt: skip
# One line each, without "!" and backslash: the login shell that hands them on may be any.
LOOK = (
    "echo certaudit:begin; for p; do case $p in */*) d=${p%/*};; *) d=.;; esac; "
    'if test -h "$p"; then echo link; elif test -d "$p"; then echo directory; '
    'elif test -f "$p"; then if test -r "$p"; then LC_ALL=C ls -ldn -- "$p"; cat -- "$p"; '
    "else echo closed; fi; "
    'elif test -e "$p"; then echo other; elif test -d "${d:-/}"; then echo absent; '
    "else echo nowhere; fi; done; echo certaudit:end"
)
STAGE = (
    'umask 077; rm -f -- "$1"; (set -C; cat > "$1") || exit 7; '
    'test "$2" = - || chown -- "$2" "$1" || exit 8; chmod -- "$3" "$1" || exit 8; '
    f'sync -- "$1" 2>/dev/null || :; set -- "$1"; {LOOK}'
)
COMMIT = (
    'n=$#; while test "$n" -gt 0; do t=$1; p=$2; shift 2; n=$((n - 2)); '
    'test -d "$p" && exit 9; mv -f -- "$t" "$p" || exit 9; sync -- "$p" 2>/dev/null || :; '
    f'set -- "$@" "$p"; done; {LOOK}'
)
REMOVE = 'rm -f -- "$@"; echo certaudit:begin'


class RemoteError(CertauditError):
    """Another host can not be reached, or does not do what was asked; what was there is still there."""


class RestrictedError(RemoteError):
    """The account there runs no commands of ours."""


class Way(Struct, frozen=True):
    """How to come to another host: ``[USER@]HOST`` and options of ssh(1)."""

    host: str
    options: tuple[str, ...] = ()


def beside(path: str) -> str:
    """Where the successor of a file is written."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{temporary(name)}"


class Shell:
    """Other hosts, by commands over ssh."""

    def look(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """What stands at some paths. Raise ``RemoteError``."""
        return files(way, self._shell(way, LOOK, paths), paths)

    def stage(self, way: Way, path: str, data: bytes, node: Node) -> None:
        """Write a file's successor beside it, with the owner and mode of ``node``, whole and synced."""
        owner = "-" if node.uid is None or node.gid is None else f"{node.uid}:{node.gid}"
        done = self._shell(way, STAGE, (beside(path), owner, f"{node.mode or 0o600:04o}"), data)
        written = files(way, done, [beside(path)])[beside(path)].node
        if not node.same_as(written):
            raise RemoteError(f"{way.host}:{path}: its successor {node.difference(written)}")

    def commit(self, way: Way, paths: Sequence[str]) -> dict[str, RemoteFile]:
        """Put what was staged in its place, one file after the other; what stands there then."""
        words = [word for path in paths for word in (beside(path), path)]
        return files(way, self._shell(way, COMMIT, words), paths)

    def remove(self, way: Way, paths: Sequence[str]) -> None:
        """Take files away."""
        self._shell(way, REMOVE, paths)

    def sweep(self, way: Way, paths: Sequence[str]) -> None:
        """Take away what was staged and not put in its place."""
        self.remove(way, [beside(path) for path in paths])

    def _shell(self, way: Way, script: str, words: Sequence[str], stdin: bytes = b"") -> Completed:
        """Run one of our scripts there. Raise ``RemoteError``."""
        program = find("ssh")
        if program is None:
            raise RemoteError(f"{way.host}: there is no ssh on this machine")
        there = ["exec", "/bin/sh", "-c", shlex.quote(script), "sh", *map(shlex.quote, words)]
        argv = [program, *OPTIONS, *way.options, "--", way.host, " ".join(there)]
        try:
            done = run_ssh(argv, stdin, timeout=TIMEOUT)
        except ProgramError as error:
            raise RemoteError(f"{way.host}: {error}") from error
        if done.returncode == 255:
            raise RemoteError(f"{way.host} can not be reached: {reason(done.stderr)}")
        if BEGIN not in done.stdout and done.returncode not in (7, 8, 9):
            raise RestrictedError(f"{way.host} runs no command for this account: {reason(done.stderr)}")
        if done.returncode != 0:
            raise RemoteError(f"{way.host}: {reason(done.stderr)}")
        return done


def files(way: Way, done: Completed, paths: Sequence[str]) -> dict[str, RemoteFile]:
    """The records of an answer. Raise ``RemoteError`` for one that is none."""
    try:
        return parse_files(done.stdout, tuple(paths))
    except ParseError as error:
        raise RemoteError(f"{way.host}: {error.reason}") from None


def reason(stderr: str) -> str:
    """The last line that ssh or a program there said."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1].rstrip(".")[:200] if lines else "it gives no reason"
