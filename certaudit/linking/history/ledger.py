"""The ledger: every run with what started it, every generation with the run that made it.

Law: one execution is one run however many sources saw it. A generation's own dates never suffice for
"high"; where evidence is gone the answer is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from certaudit.facts import Login, Start, Typed
from certaudit.history import Hole
from certaudit.linking.history.around import Around, Attribution
from certaudit.linking.history.attribution import attribute
from certaudit.linking.history.claims import began, owners_of
from certaudit.linking.history.clocks import (
    Shifted,
    aligned,
    in_their_zone,
    stretches_apart,
    told_by_server,
)
from certaudit.linking.history.matching import match
from certaudit.linking.paths import Linked
from certaudit.model import (
    Confidence,
    Evidence,
    Generation,
    HookCall,
    Lineage,
    MadeBy,
    Outcome,
    Relation,
    Run,
)
from certaudit.parsers.letsencrypt_log import LogEvidence, LogOutcome, LogRun
from certaudit.records import replace

BACKDATED = timedelta(hours=2)  # Let's Encrypt sets notBefore one hour back
CLOCKS = timedelta(minutes=10)


class Horizon(Struct, frozen=True):
    """How far back the logs reach: of the client's own, and of what tells starts; and their holes."""

    client: datetime | None
    starts: datetime | None
    holes: tuple[Hole, ...] = ()

    @property
    def lost(self) -> tuple[Hole, ...]:
        """The times of which a start, or a run, may be missing."""
        return (Hole(None, self.starts, "no log of starts reaches back to it"), *self.holes)


def runs(
    logged: Iterable[LogRun],
    starts: Sequence[Start],
    linked: Sequence[Linked],
    horizon: Horizon,
    typed: tuple[Typed, ...] = (),
    logins: tuple[Login, ...] = (),
) -> tuple[Run, ...]:
    """Every run in order of time, with ids r1, r2, ...

    ``typed`` are the client calls in shell histories that do not say when; ``logins``: who was there.
    """
    logs = tuple(logged)
    placed = aligned(logs, starts, linked)
    apart = stretches_apart(placed)
    starts = in_their_zone(starts, apart)
    matched = match([one.run for one in placed], starts, linked, horizon.client, apart, horizon.lost)
    two_clocks = any(one.by for one in placed) or any(told_by_server(log) for log in logs)
    around = replace(matched.around, typed=typed, logins=logins, two_clocks=two_clocks)
    found: list[tuple[datetime, Run]] = []
    used: set[Start] = set()
    for log, one, left in zip(logs, placed, matched.starts, strict=True):
        since = horizon.starts
        covered = since is not None and since <= began(one.run) - timedelta(minutes=15)
        answer = attribute(one.run, left, linked, covered, around)
        answer = with_clock(answer, one) if one.by else answer
        used.update([answer.start] if answer.start else [])
        found.append((began(log), from_log(log, answer)))
    for start in starts:
        run = from_start(start, linked, horizon, around) if start not in used else None
        found.extend([(start.time, run)] if run else [])
    found.sort(key=lambda pair: pair[0])
    return tuple(replace(run, id=f"r{number}") for number, (_, run) in enumerate(found, 1))


def with_clock(answer: Attribution, one: Shifted) -> Attribution:
    """An answer that rests on the clocks of two logs being apart, which is said."""
    hours = one.by / timedelta(hours=1)
    way = "ahead of" if hours > 0 else "behind"
    note = f"the client's log is {abs(hours):g} h {way} the system's there, as the runs around it show"
    sure = answer.confidence
    if sure == "high" and not one.proven:
        sure = "medium"
    return replace(answer, confidence=sure, because=(*answer.because, note))


def from_log(log: LogRun, answer: Attribution) -> Run:
    """A run that the client's own log shows."""
    return Run(
        id="",
        client="certbot",
        version=log.version,
        started=log.started,
        ended=log.ended,
        arguments=log.arguments,
        subcommand=log.subcommand,
        outcomes=tuple(outcome(o) for o in log.outcomes),
        trigger=answer.trigger,
        actor=answer.actor,
        confidence=answer.confidence,
        because=answer.because,
        evidence=answer.evidence + tuple(evidence(e) for e in log.evidence),
        entry_point=log.entry_point,
        hooks=tuple(
            HookCall(h.kind, h.command, h.time, h.failed, Evidence(h.where, h.line, h.command, h.time))
            for h in log.hooks
        ),
    )


def evidence(line: LogEvidence) -> Evidence:
    """A line of the client's log as evidence."""
    return Evidence(line.where, line.line, line.text, line.time)


def outcome(found: LogOutcome) -> Outcome:
    """What a run did to one lineage, with the line that says so."""
    line = Evidence(found.where, found.line, found.reason, found.time)
    return Outcome(found.lineage, found.outcome, found.generation, found.time, (line,))


def from_start(start: Start, linked: Sequence[Linked], horizon: Horizon, around: Around) -> Run | None:
    """A run known only from what started it; ``None`` where the client need not have run.

    A cron line may end before it calls the client; where the client's own log reaches back and shows
    nothing, it did.
    """
    owners = owners_of(start, linked)
    if not owners:
        return None
    logged = horizon.client is not None and horizon.client <= start.time
    if start.kind != "unit" and (
        logged or any(not path.certain for one in owners for path in one.paths)
    ):
        return None
    sure = len(owners) == 1
    person = any(unit == start for unit, _ in around.people)
    other = start in around.disproved  # its timer remembers no firing as late as that
    confidence: Confidence = "high" if sure else "unknown"
    because = "known only from the line that started it; the client's own log does not show it"
    if start.locked:
        because = "its client found another instance at work and gave up, which leaves no log of its own"
    if sure and start in around.doubtful | around.unproven | around.disproved:
        confidence = "low" if start in around.doubtful | around.disproved else "medium"
    return Run(
        id="",
        client=owners[0].paths[0].client,
        version=None,
        started=start.time,
        ended=start.ended,
        arguments=None,
        subcommand=None,
        trigger=owners[0].trigger.id if sure and not (person or other) else None,
        actor="manual" if person or other else "trigger",
        confidence=confidence,
        because=(because,),
        evidence=(start.evidence,),
    )


def generations(
    lineage: Lineage, found: Sequence[Run], existed: Callable[[datetime], bool | None]
) -> Lineage:
    """A lineage with each generation tied to the run that made it.

    ``existed`` tells whether the owner's trigger was there at a moment.
    """
    made = tuple(attributed(lineage, g, found) for g in lineage.generations)
    related = tuple(replace(g, relation=relation(lineage, g, existed)) for g in made)
    return replace(lineage, generations=related)


def attributed(lineage: Lineage, generation: Generation, found: Sequence[Run]) -> Generation:
    """A generation with the run that made it: it says so, and its time fits the certificate's."""
    for run in reversed(found):
        for result in run.outcomes:
            if result.outcome == "renewed" and result.lineage == lineage.name:
                numbered = result.generation == generation.number
                timed = in_time(result.time or run.ended, generation)
                if timed and (numbered or result.generation is None):
                    made = MadeBy(run.id, run.trigger, run.actor, run.confidence, run.because)
                    return replace(generation, made_by=made, written=result.time or run.ended)
    return replace(generation, made_by=MadeBy(because=("no run that made it is in the logs",)))


def in_time(moment: datetime | None, generation: Generation) -> bool:
    """Can a certificate with these dates have been written at this moment?"""
    if moment is None:
        return True
    return generation.not_before - CLOCKS <= moment <= generation.not_before + BACKDATED


def relation(
    lineage: Lineage, generation: Generation, existed: Callable[[datetime], bool | None]
) -> Relation:
    """Whose a generation is: the owner's, stolen, made by a person, or not known."""
    made = generation.made_by
    if made.actor == "manual":
        return "manual"
    if made.trigger is None or lineage.owner is None:
        return "unknown"
    if lineage.owner.partition(">")[0] == made.trigger:
        return "owner"
    moment = generation.written or generation.not_before + BACKDATED
    return "stolen" if existed(moment) else "unknown"
