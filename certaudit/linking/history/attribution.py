"""Which trigger started a run: explained inference from start lines, arguments and delays.

Law: never confidently wrong. A start line in time, with arguments that fit and nothing else in sight, is
high; a fingerprint alone is at most medium; two that fit are unknown, and both are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from certaudit.catalogue import mentions_client
from certaudit.facts import Start
from certaudit.linking.history.around import Around, Attribution
from certaudit.linking.history.claims import (
    EARLY,
    PEOPLE,
    SLEEPING,
    SNUG,
    WHOLE,
    Claim,
    began,
    broken,
    by_hand,
    claims,
    likely,
    names_unit,
    owners_of,
    sleeps,
    wrapped,
)
from certaudit.linking.history.startless import by_run_alone
from certaudit.linking.history.terminals import typed
from certaudit.linking.paths import Linked
from certaudit.model import Confidence
from certaudit.parsers.letsencrypt_log import LogRun
from certaudit.records import replace

LOCKED = timedelta(minutes=2)  # as near to a run, a start that met a lock is worth a word
PROMPT = timedelta(seconds=5)  # a client typed with sudo is called at once
EXCHANGED = "but it and another run fit each other's start as well"
ALONE = Around()


def attribute(
    run: LogRun,
    starts: Sequence[Start],
    linked: Sequence[Linked],
    covered: bool,
    around: Around = ALONE,
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
    if person is not None and person.confidence == "high" and run in around.exchanged:
        return replace(person, confidence="medium", because=(*person.because, EXCHANGED))
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
    return by_run_alone(run, linked, covered, around)


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
    rivals = [claim for claim in best if claim.arguments or claim.whole]
    if at_no_terminal(exact[-1]):
        return False, None if best else manual(exact[-1], "low")
    if not rivals:
        return True, manual(exact[-1], "low" if broken(run) else "high" if run.started else "medium")
    late = began(run) - exact[-1].time > PROMPT or not mentions_client(exact[-1].command or "")
    if late or broken(run) or any(claim.close for claim in rivals):
        return True, None
    return True, manual(exact[-1], "medium")


def at_no_terminal(person: Start) -> bool:
    """Was sudo called without a terminal: by a script, as far as one can tell, that a trigger runs?"""
    return person.kind == "sudo" and person.tty is None


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
        how = "with sudo" if start.tty else "with sudo, as a script does, without a terminal,"
        because = (f"{start.user} ran `{start.command}` {how} at {when}",)
        return Attribution(None, "manual", confidence, because, (start.evidence,), start)
    because = (f"{start.user} typed `{start.command}` at {when}, by the shell's own history",)
    sure: Confidence = "medium" if confidence == "high" else confidence
    return Attribution(None, "manual", sure, because, (start.evidence,), start)


def from_claim(claim: Claim, run: LogRun, around: Around, *, alone: bool) -> Attribution:
    """The one trigger whose start line fits, or the person who started its unit."""
    start = claim.start
    person = next((sudo for unit, sudo in around.people if unit == start), None)
    if person is not None:
        return by_systemctl(claim, person, run, around, alone=alone)
    if start in around.disproved and alone:
        return not_the_timers(claim, run, around)
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


def by_systemctl(
    claim: Claim, person: Start, run: LogRun, around: Around, *, alone: bool
) -> Attribution:
    """A person who started the unit that a run is of."""
    doubt = of_others(claim, run, around, alone=alone)
    sure = doubt[0] if doubt else "high" if claim.close else "medium"
    found = manual(person, "low" if broken(run) or at_no_terminal(person) else sure)
    because = (*found.because, *(doubt[1:] if doubt else ()))
    return replace(
        found, because=because, evidence=(*found.evidence, claim.start.evidence), start=claim.start
    )


def not_the_timers(claim: Claim, run: LogRun, around: Around) -> Attribution:
    """A start of a timer's unit after the timer fired for the last time: something else made it.

    Its stamp is the time of a file, so it suffices for medium only where a person's line agrees.
    """
    start, last = claim.start, claim.linked.trigger.last_fired
    fired = f"{last:%Y-%m-%d %H:%M:%S}" if last else "an earlier time"
    because = (
        f"{' or '.join(start.units)} was started at {start.time:%Y-%m-%d %H:%M:%S}",
        f"not by {claim.linked.trigger.id}, which fired last at {fired}",
    )
    line = next((one for one in reversed(around.typed) if names_unit(one.command, start)), None)
    if line is None:
        return Attribution(None, "manual", "low", because, (start.evidence,), start)
    why = f"{line.user}'s shell history holds `{line.command}`, without saying when"
    sure: Confidence = "low" if broken(run) else "medium"
    lines = (line.evidence, start.evidence)
    return Attribution(None, "manual", sure, (*because, why), lines, start)


def sureness(claim: Claim, run: LogRun, around: Around, *, alone: bool) -> tuple[Confidence, str | None]:
    """How sure a claim that stands is, with what lowers it or makes it so."""
    if claim.start in around.doubtful:
        return "low", "but its timer's times do not tell this start from one made by hand"
    if broken(run):
        return "low", "but the run's lines lie in two files with a break: they may be two runs"
    doubt = of_others(claim, run, around, alone=alone)
    if doubt is not None:
        return doubt
    if claim.start in around.unproven:
        return "medium", "but the logs do not cover all the time in which the timer may have fired"
    if claim.arguments is not False and outlasts(run, claim.start):
        return "medium", "but it went on after that start had ended"
    return by_place(claim, run, around)


def outlasts(run: LogRun, start: Start) -> bool:
    """Did a run go on after what seems to have called it was at its end, which waits for its client?

    So it is where a lock turned the start's own client away, and the run's beginning is lost.
    """
    return start.ended is not None and run.ended - start.ended > WHOLE + EARLY


def of_others(
    claim: Claim, run: LogRun, around: Around, *, alone: bool
) -> tuple[Confidence, str] | None:
    """How sure other starts and other runs leave a claim, with why; ``None``: as it is."""
    if not alone:
        return "medium", "but the start of another trigger fits as well"
    if claim.start in around.shared:
        return "low", "but another run fits that start as well"
    if run in around.pressed:
        return "medium", "but another trigger started in the same seconds"
    if run in around.exchanged:
        return "medium", EXCHANGED
    return None


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
        other = (wrapped(one) or sleeps(one)) and claim.name not in around.steady
        return "low" if other else "medium", None
    if claim.arguments and encloses(claim, run) and not typed(run):
        return "high", None
    if (wrapped(one) or sleeps(one)) and claim.name not in around.steady:
        return "medium", "but its command may not call the client each time"
    if start.ended is not None and claim.arguments is None:
        return ("high" if start.ended - run.ended <= SNUG else "medium"), None
    # where the command sleeps, hours bound nothing: then its end must be the run's
    bounded = start.ended is not None and (claim.prompt or start.ended - run.ended <= SNUG)
    if bounded or (claim.close and run.started):
        return "high", None
    return loosely(claim, run, around)


def encloses(claim: Claim, run: LogRun) -> bool:
    """Does a run begin right after its start, and does that one end with it?

    A command that did not call the client this time is over at once and encloses nothing, unless it
    has other work to do; that ends when it ends.
    """
    ended = claim.start.ended
    if ended is None or not (claim.headed and claim.prompt and claim.lag <= SNUG):
        return False
    return run.ended > claim.start.time + WHOLE and -WHOLE <= ended - run.ended <= WHOLE


def loosely(claim: Claim, run: LogRun, around: Around) -> tuple[Confidence, str | None]:
    """How sure an open start some time before the run is."""
    if around.two_clocks:
        return "medium", "but somewhere in these logs the clocks are hours apart"
    if any(timedelta(0) <= began(run) - orphan <= SLEEPING for orphan in around.orphans):
        return "medium", "but cron ran a line that no longer stands, and that may have slept till then"
    if claim.start in around.sole and claim.arguments and claim.name in around.steady:
        return "high", "no other run fits that start, and the client's log covers it"
    return "medium", None
