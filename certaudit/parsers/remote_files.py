"""What another host's shell says of files there: the answer of ``host.ssh`` read into records.

Law: pure. A regular file is shown by a line of ``ls -ldn`` (POSIX: mode, links, owner, group, size) and
its bytes, everything else by one word. What a login shell prints before the first mark is passed over.
"""

from __future__ import annotations

import hashlib
import re

from msgspec import Struct

from certaudit.errors import ParseError
from certaudit.plan import ABSENT, Node, NodeKind

BEGIN, END = b"certaudit:begin\n", b"certaudit:end\n"
LINE = re.compile(rb"-([r-][w-][xsS-][r-][w-][xsS-][r-][w-][xtT-])([.+@]?) +(\d+) +(\d+) +(\d+) +(\d+) ")
KINDS: dict[bytes, NodeKind] = {
    b"absent": "absent", b"link": "link", b"directory": "directory", b"other": "other",
}  # fmt: skip


class RemoteFile(Struct, frozen=True):
    """What stands at a path of another host, with a regular file's bytes.

    ``closed``: this user may not read it. ``nowhere``: the directory that would hold it is not there.
    ``listed``: an access list or the like goes beyond its mode. ``owner``: as sftp names user and group.
    ``fixed``: the account can not take away a file that was made there.
    """

    node: Node
    data: bytes = b""
    closed: bool = False
    nowhere: bool = False
    listed: bool = False
    owner: str = ""
    fixed: bool = False


def parse_files(answer: bytes, paths: tuple[str, ...]) -> dict[str, RemoteFile]:
    """One record a path, in the order asked. Raise ``ParseError`` for an answer that is none."""
    start = answer.find(BEGIN)
    if start < 0:
        raise ParseError("the answer has no beginning")
    rest = answer[start + len(BEGIN) :]
    found: dict[str, RemoteFile] = {}
    for path in paths:
        found[path], rest = one(rest)
    if not rest.startswith(END):
        raise ParseError("the answer is cut off, or a file changed while it was read")
    return found


def one(rest: bytes) -> tuple[RemoteFile, bytes]:
    """The first record, and what follows it."""
    line, mark, after = rest.partition(b"\n")
    match = LINE.match(line)
    if match is not None:
        size = int(match[6])
        data = after[:size]
        return RemoteFile(node_of(match, data), data, listed=match[2] == b"+"), after[size:]
    if not mark or (line not in KINDS and line not in (b"closed", b"nowhere")):
        raise ParseError("the answer is cut off, or a file changed while it was read")
    kind = KINDS.get(line, "absent" if line == b"nowhere" else "other")
    node = ABSENT if kind == "absent" else Node(kind)
    return RemoteFile(node, closed=line == b"closed", nowhere=line == b"nowhere"), after


# ls(1) as sftp(1) prints it with -na: mode, "?" or links, owner, group, size, date, name
LISTED = re.compile(r"([-dlbcps])([r-]\S{8})([.+@]?) +(?:\?|\d+) +(\S+) +(\S+) +\d+ .{11,12} (.+)")
ECHO = "sftp> "


def parse_listing(answer: str, directory: str) -> dict[str, RemoteFile] | None:
    """What lies in a directory, by name, without the bytes; ``None`` where it is not there.

    Raise ``ParseError`` where it was not asked for.
    """
    lines = iter(answer.splitlines())
    if not any(line == f"{ECHO}-ls -na {directory}" for line in lines):
        raise ParseError("sftp does not say what it was asked")
    found: dict[str, RemoteFile] = {}
    for line in lines:
        if line.startswith(ECHO):
            break
        if match := LISTED.fullmatch(line.rstrip()):
            found[match[6].rpartition("/")[2]] = listed(match)
    return found if "." in found else None


def listed(match: re.Match[str]) -> RemoteFile:
    """One line of a listing."""
    kinds: dict[str, NodeKind] = {"-": "file", "d": "directory", "l": "link"}
    kind = kinds.get(match[1], "other")
    if kind != "file":
        return RemoteFile(Node(kind))
    node = Node("file", None, mode_of(match[2]))  # sftp may name the owners by name or by number
    return RemoteFile(node, listed=match[3] == "+", owner=f"{match[4]}:{match[5]}")


def node_of(match: re.Match[bytes], data: bytes) -> Node:
    """A regular file by its line and its bytes; its time is not asked for."""
    digest = hashlib.sha256(data).hexdigest()
    links, uid, gid = (int(match[n]) for n in (3, 4, 5))
    return Node("file", digest, mode_of(match[1].decode()), uid, gid, links=links)


def mode_of(letters: str) -> int:
    """``rw-r-----`` as a number (ls(1), chmod(1))."""
    mode = 0
    for place, letter in enumerate(letters):
        if letter not in "-ST":
            mode |= 0o400 >> place
        if letter in "sStT":
            mode |= 0o4000 >> (place // 3)
    return mode
