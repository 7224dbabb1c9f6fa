"""Where a command sends a file over ssh: scp(1), rsync(1) and ``ssh HOST 'cat > FILE'``.

Law: pure; only words that stand for themselves count, and only options that choose the way (port, key,
user, config, jump). Options that loosen the check of host keys are left out. ``None`` is "not known".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from msgspec import Struct

from certaudit.errors import ParseError
from certaudit.parsers.program import program_name

WORD = re.compile(r"[A-Za-z0-9_@%+=:,./~-]+")
PLACE = re.compile(r"((?:[A-Za-z0-9_.-]+@)?[A-Za-z0-9_.-]+):(?!:)(.*)")
LIVE = re.compile(r"/live/[^/]+/?$")
PARTS = ("cert", "chain", "fullchain", "privkey")
FILE = re.compile(r"[A-Za-z0-9_@%+=,./-]+")
WRITES = re.compile(
    r"(?:umask\s+0?77\s*(?:;|&&)\s*)?(?:cat\s*>\|?\s*|tee\s+|dd\s+of=)([^\s;|&<>]+)(?:\s*>\s*/dev/null)?\s*"
)
# Options with a value: those that choose the way, and those that do not matter here.
WAY = {"ssh": "pilFJ", "scp": "PiFJ"}
VALUED = {"ssh": "bBcDeEILmOopQRSwWilFJ", "scp": "cDFiJloPSX"}
# of ssh_config(5): what a certaudit that checks host keys and asks nothing may take over
SAFE = re.compile(r"(?:Port|User|IdentityFile|IdentitiesOnly|HostName|HostKeyAlias|ProxyJump)=", re.I)
RSYNC_VALUED = frozenset({
    "-B", "-T", "-f", "--backup-dir", "--bwlimit", "--chmod", "--chown", "--contimeout", "--exclude",
    "--exclude-from", "--files-from", "--groupmap", "--include", "--include-from", "--info",
    "--log-file", "--out-format", "--partial-dir", "--password-file", "--port", "--rsync-path",
    "--suffix", "--temp-dir", "--timeout", "--usermap",
})  # fmt: skip


class Sending(Struct, frozen=True):
    """A way to another host, and the files there that a command may write, by the form of its words.

    ``host`` is ``[USER@]NAME``; ``options`` are those of ssh(1). A path without a slash in front begins
    in the user's home. ``directory`` is the last word where it may be a directory: then the files lie
    in it under the names in ``names``.
    """

    host: str
    path: str
    names: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    tool: str = "scp"


def parse_place(text: str) -> Sending:
    """``[USER@]HOST:PATH`` as a policy names it. Raise ``ParseError``."""
    match = PLACE.fullmatch(text)
    path = home(match[2]) if match else None
    if match is None or path is None or path.endswith("/"):
        raise ParseError(f'"{text}" is no place: try "/etc/tls/site.pem" or "host:/etc/tls/site.pem"')
    return Sending(match[1], path)


def is_remote(text: str) -> bool:
    """Does a place lie on another host?"""
    return not text.startswith("/") and PLACE.fullmatch(text) is not None


def sending(command: str, written: str = "") -> Sending | None:
    """What a command sends and where.

    ``command`` are its expanded words, joined by blanks; ``written`` is its line in the script, which
    alone shows what was quoted.
    """
    words = command.split()
    tool = program_name(words[0]) if words else ""
    if tool == "ssh":
        return by_ssh(words[1:])
    if tool not in ("scp", "rsync") or not all(WORD.fullmatch(word) for word in words):
        return None
    return by_scp(words[1:]) if tool == "scp" else by_rsync(words[1:], quoted(written))


def may_send(command: str, host: str) -> bool:
    """May a command that is not understood write files on a host, as far as its words tell?"""
    words = command.split()
    tool = program_name(words[0]) if words else ""
    if tool not in ("scp", "rsync", "sftp", "ssh"):
        return False
    places = [word.partition(":")[0] for word in words[1:] if ":" in word or tool in ("ssh", "sftp")]
    writes = tool != "ssh" or any(sign in command for sign in (">", "tee ", "of=", "$", "`"))
    return writes and any(place == host or not WORD.fullmatch(place) for place in places)


def by_ssh(words: list[str]) -> Sending | None:
    """``ssh [OPTIONS] HOST 'cat > FILE'`` and the like."""
    options, rest = ssh_options(words, "ssh")
    if options is None or len(rest) < 2 or not WORD.fullmatch(rest[0]):
        return None
    match = WRITES.fullmatch(" ".join(rest[1:]).strip("'\""))
    path = home(match[1]) if match else None
    return Sending(rest[0], path, (), options, "ssh") if path else None


def by_scp(words: list[str]) -> Sending | None:
    """``scp [OPTIONS] FILE... HOST:PLACE``."""
    options, rest = ssh_options(words, "scp")
    return None if options is None else to_place(rest, options, "scp")


def by_rsync(words: list[str], written: list[str]) -> Sending | None:
    """``rsync [OPTIONS] FILE... HOST:PLACE``; the shell of ``-e`` is read from the line as written."""
    options: tuple[str, ...] = ()
    shell = remote_shell(written)
    if any(word == "-e" or word.startswith("--rsh") for word in words):
        if shell is None or not all(WORD.fullmatch(word) for word in shell) or shell[:1] != ["ssh"]:
            return None
        found, rest = ssh_options(shell[1:], "ssh")
        if found is None or rest:
            return None
        options = found
        at = next(n for n, word in enumerate(words) if word == "-e" or word.startswith("--rsh"))
        inline = words[at].startswith("--rsh=")
        words = words[:at] + words[at + len(shell) + (0 if inline else 1) :]
    plain: list[str] = []
    skip = False
    for word in words:
        if not skip and not word.startswith("-"):
            plain.append(word)
        skip = not skip and word in RSYNC_VALUED
    return to_place(plain, options, "rsync")


def remote_shell(written: list[str]) -> list[str] | None:
    """The words of ``-e 'ssh -p 2222'`` in a line; ``None`` if it has none."""
    for word, after in zip(written, [*written[1:], ""], strict=False):
        if word in ("-e", "--rsh"):
            return after.split()
        if word.startswith("--rsh="):
            return word.partition("=")[2].split()
    return None


def quoted(written: str) -> list[str]:
    """The words of a line of a script, quotes removed; [] where it can not be told."""
    try:
        return shlex.split(written)
    except ValueError:
        return []


def to_place(words: list[str], options: tuple[str, ...], tool: str) -> Sending | None:
    """The last word as the place that the words before it are sent to."""
    match = PLACE.fullmatch(words[-1]) if len(words) > 1 else None
    path = home(match[2] or ".") if match else None
    if match is None or path is None or any(PLACE.fullmatch(word) for word in words[:-1]):
        return None
    names = [name for word in words[:-1] for name in names_of(word, tool)]
    return Sending(match[1], path, tuple(names), options, tool) if names else None


def names_of(word: str, tool: str) -> tuple[str, ...]:
    """The names below the place that a source is written under; () where that can not be told.

    Of a directory only certbot's own is known: rsync sends what is in it where the word ends with a
    slash, else the directory.
    """
    if LIVE.search(word):
        inside = tool == "rsync" and word.endswith("/")
        return tuple(f"{'' if inside else PurePosixPath(word).name + '/'}{part}.pem" for part in PARTS)
    return () if word.endswith("/") else (PurePosixPath(word).name,)


def home(path: str) -> str | None:
    """A path as it is from the user's home; ``None`` for what a shell would have to expand."""
    path = path.removeprefix("~/")
    plain = FILE.fullmatch(path) and not path.startswith(("-", "//"))
    return path if plain and ".." not in PurePosixPath(path).parts else None


def ssh_options(words: list[str], tool: str) -> tuple[tuple[str, ...] | None, list[str]]:
    """The options that choose the way, in ssh's own form, and the words after them."""
    found: list[str] = []
    left = list(words)
    while left and left[0].startswith("-") and left[0] != "--":
        word = left.pop(0)
        letter = next((c for c in word[1:] if c in VALUED[tool]), None)
        if letter is None:
            continue
        value = word.partition(letter)[2] or (left.pop(0) if left else None)
        if value is None:
            return None, []
        found += chosen(letter, value, tool)
    if left[:1] == ["--"]:
        left.pop(0)
    return tuple(found), left


def chosen(letter: str, value: str, tool: str) -> Iterator[str]:
    """An option as ssh takes it, if it chooses the way."""
    if letter == "o":
        yield from ("-o", value) if SAFE.match(value) else ()
    elif letter in WAY[tool]:
        yield from ("-p" if tool == "scp" and letter == "P" else f"-{letter}", value)
