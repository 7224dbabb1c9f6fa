"""What the shell reader is given and what it hands back.

Law: frozen; ``None`` always means "cannot be told".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

Pairs = tuple[tuple[str, str], ...]
Condition = Literal["success", "failure", "any-known"]

# Programs that are scripts themselves and must stay leaves: ACME clients, which are the goal, and the
# system's own switches, which are known by their command line.
LEAVES = frozenset(
    [
        "certbot",
        "certbot-3",
        "certbot-auto",
        "letsencrypt",
        "letsencrypt-auto",
        "acme.sh",
        "dehydrated",
        "getssl",
        "lego",
        "acme-tiny",
        "acme_tiny.py",
        "simp_le",
        "uacme",
        "acme-client",
        "lacme",
        "lego.sh",
        "service",
        "invoke-rc.d",
        "rc-service",
        "apachectl",
        "apache2ctl",
        "run-parts",
        "which",
        "egrep",
        "fgrep",
        "zgrep",
        "gunzip",
        "zcat",
        "systemctl",
        "docker",
        "docker-compose",
        "podman",
        "snap",
        "ldd",
        "savelog",
    ]
)


class ScriptText(Struct, frozen=True):
    """An executed text file: ``path`` is resolved, ``interpreter`` the program of its ``#!`` line."""

    path: str
    text: str
    interpreter: str | None = None


class Machine(Protocol):
    """What the reader asks of the audited machine."""

    def script(self, path: str) -> ScriptText | None:
        """The text of a regular file, or ``None``: not there, no text, or not known."""

    def test(self, operator: str, path: str) -> bool | None:
        """What a file test such as ``-x`` says of a path; ``None`` if it cannot be told."""

    def which(self, name: str, search_path: Sequence[str]) -> str | None:
        """The program a name stands for, or ``None``: not found or not known."""


class Place(Struct, frozen=True):
    """A line (from 1) of a file, and the command there on one line, at most 300 characters."""

    path: str
    line: int
    text: str


class CommandLine(Struct, frozen=True):
    """A text for a shell: a cron command, or that of ``sh -c``.

    ``directory`` is where it starts; ``None``: HOME of the environment, as cron does. ``stdin`` is what
    it reads, where that is known: crontab(5), what follows a ``%``.
    """

    text: str
    place: Place
    environment: Pairs = ()
    shell: str = "/bin/sh"
    arguments: tuple[str, ...] = ()
    directory: str | None = None
    stdin: str | None = None


class Program(Struct, frozen=True):
    """An argument list that is executed without a shell; ``directory`` ``None``: not known."""

    argv: tuple[str, ...]
    place: Place
    environment: Pairs = ()
    directory: str | None = None


class Limits(Struct, frozen=True):
    """Where reading stops; what lies beyond is ``Unresolved``.

    ``depth`` counts nested compound commands, functions and scripts; ``text`` is in characters.
    """

    commands: int = 2000
    steps: int = 10_000
    depth: int = 36
    text: int = 1 << 20
    unroll: int = 64
    conditions: int = 200
    leaves: frozenset[str] = LEAVES


class Guard(Struct, frozen=True):
    """A condition for a command to run; ``because`` says what on the machine decides it."""

    text: str
    place: Place
    holds: bool | None
    because: str | None = None


class Need(Struct, frozen=True):
    """An earlier command (its number) must have ended so; ``errexit``: because of ``set -e``."""

    command: int
    condition: Condition
    errexit: bool = False


class Redirect(Struct, frozen=True):
    """A file that a command's output goes to: ``operator`` as written (``>``, ``2>>``, ``&>``)."""

    operator: str
    target: str | None


class Command(Struct, frozen=True):
    """One simple command that is not itself followed further.

    ``argv`` is expanded and without prefixes (``None``: a word that cannot be known), ``words`` the
    whole command as written. ``chain`` leads from the entry to ``place``; ``scripts`` are those
    entered on the way. ``number`` counts from 1 in the order of execution. ``stdin`` is the entry's,
    where it is left for this command to read.
    """

    number: int
    argv: tuple[str | None, ...]
    words: tuple[str, ...]
    program: str | None
    place: Place
    chain: tuple[Place, ...]
    scripts: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    needs: tuple[Need, ...] = ()
    prefixes: tuple[str, ...] = ()
    environment: Pairs = ()
    background: bool = False
    user: str | None = None
    redirects: tuple[Redirect, ...] = ()
    stdin: str | None = None


class Unresolved(Struct, frozen=True):
    """Something that could not be followed; ``text``: its words, or lines of it that name a client."""

    place: Place
    reason: str
    text: str


class Trace(Struct, frozen=True):
    """Every command that an entry can lead to, in order, and what could not be followed."""

    commands: tuple[Command, ...]
    unresolved: tuple[Unresolved, ...]
