"""From what a run's records said to the ``LogRun`` that is given out.

Law: times are fixed here, once everything that can prove the zone was seen; lines keep their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import TypeAlias

from msgspec import Struct, field

from certaudit.parsers.letsencrypt_log.attempts import Attempt, Attempts, Seen
from certaudit.parsers.letsencrypt_log.clock import Anchor, Clock
from certaudit.parsers.letsencrypt_log.hooks import Hooks
from certaudit.parsers.letsencrypt_log.lines import has_flag
from certaudit.parsers.letsencrypt_log.records import (
    LogEvidence,
    LogHook,
    LogOutcome,
    LogRun,
    OutcomeWord,
)
from certaudit.parsers.letsencrypt_log.subcommand import Marks, subcommand

Times: TypeAlias = Mapping[datetime, datetime]


class Found(Struct):
    """What the records of one run have said so far; ``last`` is the latest."""

    first: Seen
    headed: bool
    last: Seen
    version: str | None = None
    entry_point: str | None = None
    arguments: tuple[str, ...] | None = None
    marks: Marks = field(default_factory=set)
    attempts: Attempts = field(default_factory=Attempts)
    hooks: Hooks = field(default_factory=Hooks)
    evidence: list[Seen] = field(default_factory=list)
    delay: tuple[float, Seen] | None = None
    error: str | None = None
    complete: bool = False
    anchor: Anchor | None = None

    def seen(self) -> Iterator[Seen]:
        """Every record whose time is given out."""
        yield self.first
        yield from self.evidence
        yield self.last
        if self.delay is not None:
            yield self.delay[1]
        yield from (attempt.seen for attempt in self.attempts)
        yield from (hook.seen for hook in self.hooks)


def finished(found: Found, zone: tzinfo, floor: datetime | None, before: str | None) -> LogRun:
    """The run, in ``zone``; ``floor`` is the last moment of the run before it.

    ``before`` is the last version known before: whether a run without its head wrote UTC rests on it.
    """
    clock = Clock(zone, found.version or before, found.anchor, floor)
    times = clock.moments([seen.wall for seen in found.seen()])
    first = times[found.first.wall]
    arguments = found.arguments
    asked = None if arguments is None else has_flag(arguments, "--dry-run", "--dr")
    dry_run = bool(asked) or "dry_run" in found.marks
    word = subcommand(found.marks, found.version, found.headed, asked)
    if found.error is not None:
        found.attempts.aborted(found.error)
    return LogRun(
        version=found.version,
        entry_point=found.entry_point,
        arguments=arguments,
        subcommand=word,
        dry_run=dry_run,
        forced="forced" in found.marks or _forces(arguments or ()),
        started=first if found.headed else None,
        first_seen=first,
        ended=times[found.last.wall],
        complete=found.complete or (word == "certonly" and "issued" in found.marks),
        delay=found.delay[0] if found.delay else None,
        delay_at=times[found.delay[1].wall] if found.delay else None,
        outcomes=tuple(_outcome(a, dry_run, times) for a in found.attempts),
        hooks=_hooks(found, times),
        exit_error=found.error,
        where=found.first.where,
        line=found.first.line,
        text=found.first.text,
        evidence=tuple(LogEvidence(s.where, s.line, s.text, times[s.wall]) for s in found.evidence),
        header_offset=clock.offset,
        ambiguous=clock.ambiguous,
    )


def _forces(arguments: tuple[str, ...]) -> bool:
    return has_flag(arguments, "--force-renewal", "--force-r") or has_flag(
        arguments, "--renew-by-default", "--renew-b"
    )


def _outcome(attempt: Attempt, dry_run: bool, times: Times) -> LogOutcome:
    seen = attempt.seen
    outcome: OutcomeWord = attempt.outcome or "unknown"
    if dry_run and attempt.outcome is not None and attempt.generation is None:
        outcome = "simulated"
    return LogOutcome(
        lineage=attempt.name,
        outcome=outcome,
        generation=attempt.generation,
        time=times[seen.wall],
        where=seen.where,
        line=seen.line,
        reason=attempt.reason,
        error=attempt.error,
    )


def _hooks(found: Found, times: Times) -> tuple[LogHook, ...]:
    return tuple(
        LogHook(
            kind=hook.kind,
            command=hook.command,
            time=times[hook.seen.wall],
            where=hook.seen.where,
            line=hook.seen.line,
            failed=True if hook.failed else (None if hook.seen[:2] == found.last[:2] else False),
        )
        for hook in found.hooks
    )
