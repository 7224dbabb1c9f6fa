"""Which trigger started a run: explained inference from start lines, arguments and delays.

Law: never confidently wrong. A start line in time, with arguments that fit and nothing else in sight, is
high; a fingerprint alone is at most medium; two that fit are unknown, and both are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from certaudit.catalogue import mentions_client
from certaudit.facts import Entry, Start
from certaudit.linking.paths import Linked
from certaudit.model import Actor, Confidence, Evidence, RenewalPath
from certaudit.parsers.letsencrypt_log import LogRun

EARLY = timedelta(seconds=2)  # a client's first line is never before its start but for clock grain
DIRECT = timedelta(seconds=90)  # a client called at once writes its first line within this
WRAPPED = timedelta(minutes=10)  # a wrapper may do other work first
SLEEPING = timedelta(hours=13)  # a line that sleeps a random time: at most 43,200 s in any package
END_SLACK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who started a run, how sure that is, and why."""

    trigger: str | None = None
    actor: Actor = "unknown"
    confidence: Confidence = "unknown"
    because: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    start: Start | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A start that fits a run, and the trigger it belongs to."""

    start: Start
    linked: Linked
    lag: timedelta
    arguments: bool | None  # do the arguments fit: None where that cannot be told


def owners_of(start: Start, linked: Sequence[Linked]) -> tuple[Linked, ...]:
    """The triggers that a start line can belong to."""
    return tuple(one for one in linked if could_start(start, one))


def could_start(start: Start, one: Linked) -> bool:
    """Does a start line tell of this trigger?"""
    if start.kind == "unit":
        return any(entry.unit in start.units for entry in one.candidate.entries)
    if start.kind == "cron" and one.trigger.kind in ("cron", "run-parts"):
        if any(reason.code == "guard-false" for reason in one.trigger.reasons):
            return False  # cron logs the line, and the line does nothing
        user = one.trigger.user in (start.user, None)
        return user and is_line(start.command or "", one.candidate.entries[0])
    return start.kind == "anacron" and one.trigger.id == f"anacron:{start.command}"


def is_line(logged: str, entry: Entry) -> bool:
    """Is what cron logged the command of this line, whatever blanks and escaped % stand in it?

    A script of run-parts has no command of its own: there the line is that which runs its directory,
    behind one or five words for the schedule, and the user.
    """
    words = logged.replace("\\%", "%").split()
    if entry.text is not None:
        return bool(words) and entry.text.replace("\\%", "%").split() == words
    line = entry.chain[0].text.replace("\\%", "%").split()
    return bool(words) and any(line[skipped:] == words for skipped in (1, 2, 5, 6))


def allowed(one: Linked) -> timedelta:
    """How long after its start a trigger's client may write its first line."""
    texts = " ".join(step.text for path in one.paths for step in path.chain)
    if "sleep" in texts or "rand" in texts.lower():
        return SLEEPING
    wrapped = any(len(path.chain) > 1 for path in one.paths)
    return WRAPPED if wrapped else DIRECT


def fits(run: LogRun, start: Start, one: Linked) -> bool:
    """Does a run lie within what this start can have begun?"""
    began = run.started or run.first_seen
    if start.time > began + EARLY:
        return False
    if start.ended is not None:
        return began <= start.ended + EARLY and run.ended <= start.ended + END_SLACK
    slack = allowed(one) if run.started else allowed(one) + timedelta(seconds=480)
    return began - start.time <= slack


def arguments_fit(run: LogRun, path: RenewalPath) -> bool | None:
    """Do a run's logged arguments equal a path's, which the log writes without the verb?"""
    if run.arguments is None or "?" in path.argv:
        return None
    expected = list(path.argv[1:])
    if path.subcommand in expected:
        expected.remove(path.subcommand)
    return expected == list(run.arguments)


def trigger_arguments(run: LogRun, one: Linked) -> bool | None:
    """Do a run's arguments fit any path of a trigger?"""
    answers = [arguments_fit(run, path) for path in one.paths]
    return True if True in answers else (None if None in answers else False)


def attribute(
    run: LogRun, starts: Sequence[Start], linked: Sequence[Linked], covered: bool
) -> Attribution:
    """Who started a run.

    ``starts`` are those near the run; ``covered`` tells whether logs of starts reach back to it.
    """
    claims = [
        Claim(start, one, (run.started or run.first_seen) - start.time, trigger_arguments(run, one))
        for start in starts
        for one in owners_of(start, linked)
        if fits(run, start, one)
    ]
    people = [s for s in starts if s.kind == "sudo" and by_hand(run, s)]
    fitting = [c for c in claims if c.arguments is not False] or claims
    best = nearest(fitting)
    names = sorted({claim.linked.trigger.id for claim in best})
    if people and not any(claim.arguments for claim in best):
        return manual(people[-1], run)
    if len(names) == 1:
        return from_claim(best[0], run, alone=len({c.linked.trigger.id for c in fitting}) == 1)
    if names:
        return Attribution(because=(f"the start lines fit more than one trigger: {', '.join(names)}",))
    return by_fingerprint(run, linked, covered)


def nearest(claims: list[Claim]) -> list[Claim]:
    """Of claims, those by the last start of each trigger; a bounded start beats an open one."""
    bounded = [claim for claim in claims if claim.start.ended is not None]
    chosen = bounded or claims
    last: dict[str, Claim] = {}
    for claim in sorted(chosen, key=lambda c: c.start.time):
        last[claim.linked.trigger.id] = claim
    return list(last.values())


def by_hand(run: LogRun, start: Start) -> bool:
    """A sudo line for a client just before the run."""
    began = run.started or run.first_seen
    near = timedelta(0) <= began - start.time + EARLY <= timedelta(seconds=30)
    return near and mentions_client(start.command or "")


def manual(start: Start, run: LogRun) -> Attribution:
    """A person started it."""
    why = f"{start.user} ran `{start.command}` with sudo at {start.time:%Y-%m-%d %H:%M:%S}"
    return Attribution(
        None, "manual", "high" if run.started else "medium", (why,), (start.evidence,), start
    )


def from_claim(claim: Claim, run: LogRun, *, alone: bool) -> Attribution:
    """The one trigger whose start line fits."""
    start = claim.start
    name = claim.linked.trigger.id
    because = [
        f"{name} started at {start.time:%Y-%m-%d %H:%M:%S}, {claim.lag.total_seconds():.0f} s before"
    ]
    if start.ended is not None:
        because.append(f"the run lies within that start, which ended at {start.ended:%H:%M:%S}")
    if claim.arguments:
        because.append("the logged arguments are those of its command")
    if claim.arguments is False:
        because.append("but the logged arguments differ from those of its command today")
    sure = alone and claim.arguments is not False
    close = start.ended is not None or claim.lag <= DIRECT
    confidence: Confidence = "high" if sure and close else "medium"
    return Attribution(name, "trigger", confidence, tuple(because), (start.evidence,), start)


def by_fingerprint(run: LogRun, linked: Sequence[Linked], covered: bool) -> Attribution:
    """No start line fits: what the arguments alone tell."""
    if covered:
        return Attribution(because=("no start line near it, in logs that reach back to it",))
    usable = [one for one in linked if one.trigger.state == "armed" and run.arguments]
    same = [one for one in usable if trigger_arguments(run, one) is True]
    names = sorted({one.trigger.id for one in same})
    if len(names) == 1:
        why = (
            "no log of starts reaches back to it",
            f"of the armed triggers only {names[0]} calls the client with these arguments",
        )
        return Attribution(names[0], "trigger", "medium", why)
    if names:
        return Attribution(because=(f"no log of starts reaches back; {', '.join(names)} fit",))
    return Attribution(because=("no log of starts reaches back to it",))


def window(starts: Sequence[Start], moment: datetime) -> Iterable[Start]:
    """The starts that can matter to a run that began at a moment."""
    return [s for s in starts if moment - SLEEPING <= s.time <= moment + EARLY]
