"""Which trigger started a run: explained inference from start lines, arguments and delays.

Law: never confidently wrong. A start line in time, with arguments that fit and nothing else in sight, is
high; a fingerprint alone is at most medium; two that fit are unknown, and both are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from certaudit.catalogue import mentions_client
from certaudit.facts import Start, Typed
from certaudit.linking.claims import (
    PEOPLE,
    SLEEPING,
    SNUG,
    WHOLE,
    Claim,
    allowed,
    began,
    by_hand,
    claims,
    could_start,
    likely,
    owners_of,
    sleeps,
    spellings,
    trigger_arguments,
    wrapped,
)
from certaudit.linking.firings import lateness
from certaudit.linking.paths import Linked
from certaudit.model import Actor, Confidence, Evidence
from certaudit.parsers.letsencrypt_log import LogRun

__all__ = ["Around", "Attribution", "attribute", "could_start"]

QUIET = frozenset(
    {"-q", "--quiet", "-n", "--non-interactive", "--noninteractive", "--no-random-sleep-on-renew"}
)
LOCKED = timedelta(minutes=2)  # as near to a run, a start that met a lock is worth a word
PROMPT = timedelta(seconds=5)  # a client typed with sudo is called at once
BREAK = timedelta(seconds=2)  # certbot's own change of file in mid-run takes no time


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
class Around:
    """What the other runs and starts tell about one run.

    ``sole``: starts that no other run fits, in a span that the client's log covers; ``shared``: starts
    that other runs fit as well; ``doubtful``: starts that their timer's schedule does not explain, and
    ``unproven`` those in a time that the logs do not cover as a whole;
    ``steady``: triggers whose starts nearly all led to a run; ``people``: what a person started by
    ``systemctl``, with the line that says so; ``typed``: calls in shell histories that do not say when;
    ``crowded``: (trigger, run) where several runs share an elapse; ``pressed``: runs right before
    which two triggers started, each by a start of its own; ``orphans``: when cron started a client by
    a line that no longer stands; ``two_clocks``: the logs were written in two zones somewhere.
    """

    sole: frozenset[Start] = frozenset()
    shared: frozenset[Start] = frozenset()
    doubtful: frozenset[Start] = frozenset()
    unproven: frozenset[Start] = frozenset()
    steady: frozenset[str] = frozenset()
    people: tuple[tuple[Start, Start], ...] = ()
    typed: tuple[Typed, ...] = ()
    crowded: frozenset[tuple[str, LogRun]] = frozenset()
    pressed: frozenset[LogRun] = frozenset()
    orphans: tuple[datetime, ...] = ()
    two_clocks: bool = False


def attribute(
    run: LogRun,
    starts: Sequence[Start],
    linked: Sequence[Linked],
    covered: bool,
    around: Around = Around(),
) -> Attribution:
    """Who started a run.

    ``starts`` are those near the run that no other run explains; ``covered`` tells whether logs of
    starts reach back to it.
    """
    found = best_answer(run, starts, linked, covered, around)
    return replace(found, because=(*found.because, *turned_away(run, starts, linked)))


def turned_away(run: LogRun, starts: Sequence[Start], linked: Sequence[Linked]) -> tuple[str, ...]:
    """The starts just before a run that are not its own, for their client met another's lock."""
    near = [s for s in starts if s.locked and abs(began(run) - s.time) <= LOCKED]
    names = {one.trigger.id: s for s in near for one in owners_of(s, linked)}
    return tuple(
        f"the start of {name} at {start.time:%H:%M:%S} is not it: another instance was at work then"
        for name, start in names.items()
    )


def best_answer(
    run: LogRun, starts: Sequence[Start], linked: Sequence[Linked], covered: bool, around: Around
) -> Attribution:
    """Who started a run, by the start that fits it best, by a person's line, by what it looks like."""
    fitting = plausible(claims(run, starts, linked))
    best = nearest(fitting)
    exact, person = by_person(run, starts, linked, best)
    if person is not None:
        return person
    names = sorted({claim.name for claim in best})
    if exact:
        names.append("a person's command")
    if len(names) == 1:
        rivals = {c.name for c in fitting} - {best[0].name}
        return from_claim(best[0], run, around, alone=not rivals)
    if names:
        return Attribution(because=(f"the start lines fit more than one trigger: {', '.join(names)}",))
    found = by_fingerprint(run, linked, covered, around)
    return by_history(run, around, found) if found.confidence == "unknown" else found


def by_person(
    run: LogRun, starts: Sequence[Start], linked: Sequence[Linked], best: list[Claim]
) -> tuple[bool, Attribution | None]:
    """Whether a sudo line fits a run exactly, and the answer where it is a person's.

    Where a trigger's start with these arguments fits as well, a client just called with sudo is the
    likelier one of the two only if the trigger's command had other work to do first.
    """
    people = [(s, by_hand(run, s, linked)) for s in starts if s.kind in PEOPLE]
    exact = [s for s, fit in people if fit]
    loose = [s for s, fit in people if fit is None]
    if not exact:
        return False, manual(loose[-1], "low") if loose and not best else None
    rivals = [claim for claim in best if claim.arguments]
    if not rivals:
        return True, manual(exact[-1], "low" if broken(run) else "high" if run.started else "medium")
    late = began(run) - exact[-1].time > PROMPT or not mentions_client(exact[-1].command or "")
    if late or broken(run) or any(claim.close for claim in rivals):
        return True, None
    return True, manual(exact[-1], "medium")


def plausible(found: list[Claim]) -> list[Claim]:
    """Of claims, those whose arguments can fit; else those that the run fills or that bound it.

    A unit's command may have been changed since, or a timer's; a cron line with other arguments in an
    open span says nothing.
    """
    good = likely(found)
    if good:
        return good
    return [c for c in found if c.start.ended is not None or (c.close and c.start.kind == "unit")]


def nearest(found: list[Claim]) -> list[Claim]:
    """Of claims, those by the last start of each trigger; a bounded start beats an open one.

    Not where the command sleeps first: hours bound nothing.
    """
    bounded = [claim for claim in found if claim.start.ended is not None and claim.prompt]
    close = [claim for claim in bounded or found if claim.close]
    last: dict[str, Claim] = {}
    for claim in sorted(close or bounded or found, key=lambda c: c.start.time):
        last[claim.name] = claim
    return list(last.values())


def manual(start: Start, confidence: Confidence) -> Attribution:
    """A person started it; a shell history is a file that its user can change, so it is never high."""
    when = f"{start.time:%Y-%m-%d %H:%M:%S}"
    if start.kind == "sudo":
        because = (f"{start.user} ran `{start.command}` with sudo at {when}",)
        return Attribution(None, "manual", confidence, because, (start.evidence,), start)
    because = (f"{start.user} typed `{start.command}` at {when}, by the shell's own history",)
    sure: Confidence = "medium" if confidence == "high" else confidence
    return Attribution(None, "manual", sure, because, (start.evidence,), start)


def from_claim(claim: Claim, run: LogRun, around: Around, *, alone: bool) -> Attribution:
    """The one trigger whose start line fits, or the person who started its unit."""
    start = claim.start
    person = next((sudo for unit, sudo in around.people if unit == start), None)
    if person is not None:
        found = manual(person, "low" if broken(run) else "high" if alone and claim.close else "medium")
        return Attribution(
            None, "manual", found.confidence, found.because, (*found.evidence, start.evidence), start
        )
    seconds = f"{claim.lag.total_seconds():.0f}"
    because = [f"{claim.name} started at {start.time:%Y-%m-%d %H:%M:%S}, {seconds} s before"]
    if start.ended is not None:
        because.append(f"the run lies within that start, which ended at {start.ended:%H:%M:%S}")
    if claim.arguments:
        because.append("the logged arguments are those of its command")
    if claim.arguments is False:
        because.append("but the logged arguments differ from those of its command today")
    confidence, why = sureness(claim, run, around, alone=alone)
    return Attribution(
        claim.name, "trigger", confidence, (*because, *([why] if why else [])), (start.evidence,), start
    )


def sureness(claim: Claim, run: LogRun, around: Around, *, alone: bool) -> tuple[Confidence, str | None]:
    """How sure a claim that stands is, with what lowers it or makes it so."""
    if claim.start in around.doubtful:
        return "low", "but its timer's times do not tell this start from one made by hand"
    if broken(run):
        return "low", "but the run's lines lie in two files with a break: they may be two runs"
    if not alone:
        return "medium", "but the start of another trigger fits as well"
    if claim.start in around.shared:
        return "low", "but another run fits that start as well"
    if run in around.pressed:
        return "medium", "but another trigger started in the same seconds"
    if claim.start in around.unproven:
        return "medium", "but the logs do not cover all the time in which the timer may have fired"
    return by_place(claim, run, around)


def by_place(claim: Claim, run: LogRun, around: Around) -> tuple[Confidence, str | None]:
    """How sure the place of a run after, or within, the one start that fits it makes it."""
    start, one = claim.start, claim.linked
    if claim.arguments is False and (start.failed or typed(run)):
        return (
            "low",
            "and are what a person types, or the unit failed: its own run may have been locked out",
        )
    if claim.whole:
        return "high", None
    if claim.arguments is False:
        return "medium", None
    if start.ended is not None and claim.arguments is None:
        return ("high" if start.ended - run.ended <= SNUG else "medium"), None
    if claim.arguments and encloses(claim, run) and not typed(run):
        return "high", None
    if (wrapped(one) or sleeps(one)) and claim.name not in around.steady:
        return "medium", "but its command may not call the client each time"
    # where the command sleeps, hours bound nothing: then its end must be the run's
    bounded = start.ended is not None and (claim.prompt or start.ended - run.ended <= SNUG)
    if bounded or (claim.close and run.started):
        return "high", None
    return loosely(claim, run, around)


def encloses(claim: Claim, run: LogRun) -> bool:
    """Does a run begin right after its start, and end right before that one's end?

    A command that did not call the client this time is over at once, and encloses nothing.
    """
    ended = claim.start.ended
    if ended is None or not (claim.headed and claim.prompt and claim.lag <= SNUG):
        return False
    return run.ended > claim.start.time + WHOLE and -WHOLE <= ended - run.ended <= SNUG


def loosely(claim: Claim, run: LogRun, around: Around) -> tuple[Confidence, str | None]:
    """How sure an open start some time before the run is."""
    if around.two_clocks:
        return "medium", "but somewhere in these logs the clocks are hours apart"
    if any(timedelta(0) <= began(run) - orphan <= SLEEPING for orphan in around.orphans):
        return "medium", "but cron ran a line that no longer stands, and that may have slept till then"
    if claim.start in around.sole and claim.arguments and claim.name in around.steady:
        return "high", "no other run fits that start, and the client's log covers it"
    return "medium", None


def typed(run: LogRun) -> bool:
    """Can a person have typed this: nothing in it is for a run that nobody watches?"""
    return run.delay is None and not QUIET & set(run.arguments or ())


def broken(run: LogRun) -> bool:
    """Do a run's lines lie in two files with a break between them?"""
    pairs = zip(run.evidence, run.evidence[1:], strict=False)
    return any(a.where != b.where and b.time - a.time > BREAK for a, b in pairs)


def by_fingerprint(run: LogRun, linked: Sequence[Linked], covered: bool, around: Around) -> Attribution:
    """No start line fits: what the arguments and the schedules alone tell."""
    if covered:
        return Attribution(because=("no start line near it, in logs that reach back to it",))
    lost = "no log of starts reaches back to it"
    same = [one for one in linked if run.arguments and trigger_arguments(run, one) and in_time(run, one)]
    names = sorted({one.trigger.id for one in same if one.trigger.state != "dormant"})
    armed = [one for one in same if one.trigger.state == "armed"]
    if len(names) == 1 and armed and not broken(run):
        why = f"of the armed triggers only {names[0]} calls the client with these arguments"
        because = (lost, why)
        if (names[0], run) in around.crowded:
            return Attribution(names[0], "trigger", "low", (*because, "but so do other runs that day"))
        if lateness(armed[0], began(run)) is None:
            return Attribution(names[0], "trigger", "low", (*because, "but when it fires is not known"))
        return Attribution(names[0], "trigger", "low" if typed(run) else "medium", because)
    if armed and len(names) > 1:
        return Attribution(because=(f"no log of starts reaches back; {', '.join(names)} fit",))
    return Attribution(because=(lost,))


def by_history(run: LogRun, around: Around, found: Attribution) -> Attribution:
    """What a shell history without times adds to an answer that is not known: support, and no more."""
    if not typed(run) or run.arguments is None:
        return found
    words = " ".join(run.arguments)
    same = [one for one in around.typed if words in spellings(one.command.split()[1:])]
    if not same:
        return found
    last = same[-1]
    why = f"{last.user}'s shell history holds `{last.command}`, without saying when"
    return Attribution(None, "manual", "low", (*found.because, why), (last.evidence,))


def in_time(run: LogRun, one: Linked) -> bool:
    """Does a trigger's schedule allow a run at this time?"""
    late = lateness(one, began(run))
    return late is None or late <= allowed(one)
