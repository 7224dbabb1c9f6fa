"""What one execution of certbot left in its log: the records this parser gives out.

Law: frozen; times are aware. Nothing is concluded here that the log does not say: what is not
known is ``None``, ``unknown`` or an empty tuple.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

OutcomeWord = Literal["renewed", "not_due", "failed", "simulated", "unknown"]


class LogPart(Struct, frozen=True):
    """One log file, already decompressed and decoded (``errors="replace"``) by the caller.

    ``where`` is its path inside the audited machine; ``lines`` is its text, one or more whole lines at a
    time, the last of them with or without its newline.
    """

    where: str
    lines: Iterable[str]


class LogEvidence(Struct, frozen=True):
    """One decisive line: the file, the line counted from 1, its text (cut) and its time."""

    where: str
    line: int
    text: str
    time: datetime


class LogOutcome(Struct, frozen=True):
    """What a run did to one lineage.

    ``lineage`` is the renewal conf's name where certbot said it, else the name of the archive or live
    directory, else ``None``. ``renewed`` covers a first issue too (``generation`` 1). ``error`` is what
    certbot said went wrong, also where a certificate had been written before (an installer that did
    not restart) and where a dry run failed.
    """

    lineage: str | None
    outcome: OutcomeWord
    generation: int | None
    time: datetime
    where: str
    line: int
    reason: str
    error: str | None = None


class LogHook(Struct, frozen=True):
    """A hook that certbot began to run.

    ``kind`` is ``pre``, ``deploy``, ``post``, ``manual-auth``, ``manual-cleanup`` or ``unknown``.
    ``failed`` is ``None`` where the log ends with the hook's start.
    """

    kind: str
    command: str
    time: datetime
    where: str
    line: int
    failed: bool | None


class LogRun(Struct, frozen=True):
    """One execution of certbot, as its own log tells it.

    ``started`` is ``None`` where the head of the run is lost; ``first_seen`` and ``ended`` are the
    times of the first and last record there is. ``complete``: the log shows certbot's own end of the
    work; without it the run was cut, killed, is still running, or its command leaves no such mark.
    ``subcommand`` is ``None`` where the log does not prove it. ``delay`` (seconds) was slept from
    ``delay_at``. ``exit_error`` is the exception that ended the run, one line.

    ``header_offset`` is the distance from UTC that a ``Date:`` header of a server's answer proves for
    this run's times; it wins over the zone the caller assumed. ``ambiguous``: a time lies in the hour
    that a change from summer time repeats and nothing settled which of the two was meant.
    """

    version: str | None
    entry_point: str | None
    arguments: tuple[str, ...] | None
    subcommand: str | None
    dry_run: bool
    forced: bool
    started: datetime | None
    first_seen: datetime
    ended: datetime
    complete: bool
    delay: float | None
    delay_at: datetime | None
    outcomes: tuple[LogOutcome, ...]
    hooks: tuple[LogHook, ...]
    exit_error: str | None
    where: str
    line: int
    text: str
    evidence: tuple[LogEvidence, ...]
    header_offset: timedelta | None = None
    ambiguous: bool = False
