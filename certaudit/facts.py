"""What the sources found, before anything is concluded from it.

Law: as ``model``: frozen, no library but msgspec. A fact says what stands where (file and line); what
it means for a certificate is for ``linking`` to say.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from certaudit.history import LogKind
from certaudit.model import ChainStep, Evidence, Gap, Reason, Trigger


class Setting(Struct, frozen=True):
    """One ``Key=Value`` of a unit after drop-ins are merged; an empty assignment has reset the list."""

    section: str
    key: str
    value: str
    path: str
    line: int


class UnitLink(Struct, frozen=True):
    """A link that pulls a unit in: ``by`` wants, requires or upholds it; ``path`` is the link itself."""

    kind: Literal["wants", "requires", "upholds"]
    by: str
    path: str
    target: str


class Unit(Struct, frozen=True):
    """A systemd unit as its files and, live, the manager describe it.

    ``file_state`` and ``active_state`` are systemd's own words (``None``: unknown, as in an image).
    ``manager`` is ``None`` for the system manager, else the user whose manager owns the unit. Behind a
    ``mask``, ``fragment`` and ``settings`` are those that unmasking would bring back.
    """

    name: str
    file_state: str | None
    fragment: str | None
    drop_ins: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    links: tuple[UnitLink, ...] = ()
    aliases: tuple[str, ...] = ()
    load_state: str | None = None
    active_state: str | None = None
    need_reload: bool | None = None
    next_elapse: datetime | None = None
    last_trigger: datetime | None = None
    active_since: datetime | None = None
    last_start: datetime | None = None  # when it last left "inactive": a oneshot service's last run
    last_end: datetime | None = None
    triggered_by: tuple[str, ...] = ()
    manager: str | None = None
    mask: str | None = None  # the link or empty file that masks it
    vain_mask: str | None = None  # a mask in /run that its own file beats
    dangling: bool = False  # a .wants link names it, but no unit file is in the tree
    refused: Setting | None = None  # the command line for which systemd refuses the unit

    def all(self, section: str, key: str) -> tuple[Setting, ...]:
        """Every value of a key, in order, after resets."""
        return tuple(s for s in self.settings if s.section == section and s.key == key)

    def last(self, section: str, key: str) -> str | None:
        """The value that counts for a key that holds one, or ``None``."""
        found = self.all(section, key)
        return found[-1].value if found else None

    @property
    def kind(self) -> str:
        """The unit's type: what follows the last dot of its name."""
        return self.name.rpartition(".")[2]


class CertificateFile(Struct, frozen=True):
    """One certificate that a PEM file holds; dates are aware, the serial is lower-case hex."""

    path: str
    serial: str
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]
    fingerprint: str  # SHA-256 of the DER, hex
    public_key: str  # SHA-256 of SubjectPublicKeyInfo, hex: the only thing ever kept of a key
    issuer: str = ""
    modified: datetime | None = None


class LineageFact(Struct, frozen=True):
    """One ``renewal/NAME.conf`` with what ``live/`` and ``archive/`` hold of it."""

    name: str
    config_dir: str
    conf: str
    version: str | None
    authenticator: str | None
    installer: str | None
    autorenew: bool
    renew_before_expiry: str | None
    hooks: tuple[tuple[str, str, int | None], ...]  # (key, command, line in the conf)
    params: tuple[tuple[str, str], ...]
    live: int | None
    live_dir: str
    archive_dir: str
    generations: tuple[tuple[int, CertificateFile], ...]
    keys: tuple[tuple[int, str], ...]  # (generation, public key hash of privkeyN.pem)
    broken: tuple[Reason, ...] = ()
    unattended: tuple[Reason, ...] = ()
    dead_hooks: tuple[Reason, ...] = ()
    server: str | None = None
    complete: tuple[int, ...] = ()  # numbers with all four files: certbot examines the newest of them


class CopyFact(Struct, frozen=True):
    """A file outside ``archive/`` whose leaf certificate or key belongs to a lineage.

    ``part`` says what the file holds: ``cert`` (leaf, with or without chain), ``key``, ``combined``.
    """

    path: str
    part: Literal["cert", "key", "combined"]
    fingerprint: str | None
    public_key: str
    key_matches: bool | None = None  # combined files: does the key fit the certificate
    modified: datetime | None = None


class Reference(Struct, frozen=True):
    """A consumer's configuration that names a file."""

    consumer: str
    path: str
    evidence: Evidence


class ServedFact(Struct, frozen=True):
    """What an address shows to whoever asks for a name of a lineage: its leaf's SHA-256 fingerprint."""

    lineage: str
    address: str
    fingerprint: str
    evidence: tuple[Evidence, ...] = ()


class Hooks(Struct, frozen=True):
    """Directory and global hooks of one certbot config directory."""

    config_dir: str
    directory: tuple[tuple[str, str], ...]  # (kind pre|deploy|post, path) that certbot would run
    ignored: tuple[tuple[str, str, str], ...]  # (kind, path, why not)
    cli_ini: tuple[tuple[str, str, str, int], ...]  # (option, value, file, line)


class Start(Struct, frozen=True):
    """Evidence that something began at a moment: a unit, a cron command, what a person typed.

    ``sudo`` is a line of sudo's own log, ``shell`` a dated line of a person's shell history; ``power``:
    the machine booted, fell asleep or woke (``command``: boot, off, sleep, wake).
    ``units`` are the service names the text can mean (old systemd logs only the Description).
    ``ended`` and ``failed`` are ``None`` where no line tells; a cron command's end is that of its PAM
    session. ``locked``: its client said that another instance was running. ``user_manager``: the unit
    is one of a user's own manager. ``pid`` is that of a cron command, ``invocation`` a unit's
    INVOCATION_ID (systemd.exec(5)). ``tty`` is the terminal that sudo was called at, if any.
    """

    kind: Literal["unit", "cron", "anacron", "sudo", "shell", "power"]
    time: datetime
    evidence: Evidence
    units: tuple[str, ...] = ()
    user: str | None = None
    command: str | None = None
    ended: datetime | None = None
    failed: bool | None = None
    locked: bool = False
    user_manager: bool = False
    pid: int | None = None
    invocation: str | None = None
    tty: str | None = None


class Apart(Struct, frozen=True):
    """A time in which the client's log was ``by`` ahead of the log of starts, by the latter's clock.

    ``on_utc``: the client's clock was UTC, so that the other may well have been the machine's own.
    """

    since: datetime
    until: datetime
    by: timedelta
    on_utc: bool = False


class Typed(Struct, frozen=True):
    """A call of a client in a shell history that does not say when."""

    command: str
    user: str
    evidence: Evidence


class Login(Struct, frozen=True):
    """A person was logged in at a terminal."""

    user: str
    terminal: str
    since: datetime
    until: datetime
    evidence: Evidence


class Package(Struct, frozen=True):
    """An installed package of an ACME client."""

    name: str
    version: str
    manager: str  # dpkg | rpm | snap | pip
    evidence: Evidence


class LogPiece(Struct, frozen=True):
    """One file of a rotated log, with the first and last moment that were seen in it, if any were.

    ``problem`` is what kept it from being read to its end.
    """

    path: str
    first: datetime | None = None
    last: datetime | None = None
    problem: str | None = None


class LogSpan(Struct, frozen=True):
    """One log with its files, oldest first; ``since`` is where its oldest file begins."""

    kind: LogKind
    source: str
    since: datetime | None
    pieces: tuple[LogPiece, ...] = ()


class Shipper(Struct, frozen=True):
    """The package that a trigger's file belongs to, and the line of its file list, if there is one."""

    trigger: str
    package: str
    evidence: Evidence | None = None
    unpacked: datetime | None = None  # the file list's own time: written anew at every upgrade


class Entry(Struct, frozen=True):
    """One command that a trigger starts: an Exec line (``argv``) or a text for a shell.

    ``via`` names what lies between the trigger and the command (units, in order); ``chain`` the lines
    that lead there, this command's own last. ``environment`` is what the starter sets, ``stdin`` what
    it gives the command to read.
    """

    chain: tuple[ChainStep, ...]
    via: tuple[str, ...] = ()
    argv: tuple[str, ...] | None = None
    text: str | None = None
    shell: str = "/bin/sh"
    environment: tuple[tuple[str, str], ...] = ()
    user: str | None = "root"
    unit: str | None = None
    stdin: str | None = None


class Candidate(Struct, frozen=True):
    """Something that starts commands by itself, judged by its own switch alone.

    ``entries`` run in order, each after the former's success. ``presumed`` names the known mechanism
    whose commands stand in for a unit file that a partial tree does not hold. ``unit`` is the timer,
    path or socket unit that the trigger is.
    """

    trigger: Trigger
    entries: tuple[Entry, ...]
    conditions: tuple[Reason, ...] = ()  # failing Condition*= of its units
    unknown: tuple[Gap, ...] = ()
    presumed: str | None = None
    unit: Unit | None = None
