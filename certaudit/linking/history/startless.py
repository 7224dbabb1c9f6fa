"""Who started a run that no start line explains: by its terminal, its arguments, a shell's history.

Law: never high. A fingerprint counts only where the logs of starts are lost and one trigger alone has
it, which can have been on and have fired then.
"""

from __future__ import annotations

from collections.abc import Sequence

from certaudit.facts import Login
from certaudit.linking.history.around import Around, Attribution
from certaudit.linking.history.claims import (
    LONGEST_SLEEP,
    allowed,
    began,
    broken,
    is_spelled,
    trigger_arguments,
)
from certaudit.linking.history.firings import lateness
from certaudit.linking.history.terminals import gives_terminal, had_terminal, typed
from certaudit.linking.paths import Linked
from certaudit.model import Confidence
from certaudit.parsers.letsencrypt_log import LogRun
from certaudit.records import replace


def by_run_alone(run: LogRun, linked: Sequence[Linked], covered: bool, around: Around) -> Attribution:
    """Who started a run, by what it looks like; ``covered``: logs of starts reach back to it."""
    found = by_terminal(run, linked) or by_fingerprint(run, linked, covered, around)
    return found if found.trigger else by_history(run, covered, around, found)


def by_terminal(run: LogRun, linked: Sequence[Linked]) -> Attribution | None:
    """A person, where the run had a terminal and no trigger can have given it one."""
    if not had_terminal(run) or broken(run) or any(gives_terminal(one) for one in linked):
        return None
    why = "it renewed without the random sleep before it, which certbot leaves out at a terminal only"
    return Attribution(None, "manual", "medium" if linked else "low", (why,))


def by_fingerprint(run: LogRun, linked: Sequence[Linked], covered: bool, around: Around) -> Attribution:
    """No start line fits: what the arguments and the schedules alone tell."""
    if covered:
        return Attribution(because=("no start line near it, in logs that reach back to it",))
    lost = "no log of starts reaches back to it"
    same = [one for one in linked if run.arguments and trigger_arguments(run, one) and in_time(run, one)]
    names = sorted({one.trigger.id for one in same if one.trigger.state != "dormant"})
    armed = [one for one in same if was_on(one, run)]
    if len(names) == 1 and armed and not broken(run):
        found = of_the_only(armed[0], run, names[0], around)
        return replace(found, because=(lost, *found.because))
    if armed and len(names) > 1:
        return Attribution(because=(f"no log of starts reaches back; {', '.join(names)} fit",))
    return Attribution(because=(lost,))


def of_the_only(one: Linked, run: LogRun, name: str, around: Around) -> Attribution:
    """The one trigger that calls the client with a run's arguments and can have fired then."""
    because = [f"of the armed triggers only {name} calls the client with these arguments"]
    if one.trigger.state != "armed":
        because = [f"only {name} calls the client with these arguments: it is off, but fired since then"]
    sure: Confidence = "low" if typed(run) else "medium"
    if (name, run) in around.crowded:
        sure = "low"
        because.append("but so do other runs that day")
    elif lateness(one, began(run)) is None:
        sure = "low"
        because.append("but when it fires is not known")
    return Attribution(name, "trigger", sure, tuple(because))


def was_on(one: Linked, run: LogRun) -> bool:
    """Can a trigger have been on at a run: it is today, or it fired later and was switched off since?

    Of one that does not write down when it fires, nothing tells for how long it had been off.
    """
    trigger = one.trigger
    if trigger.state != "off":
        return trigger.state == "armed"
    if trigger.off_since is not None and trigger.off_since <= began(run):
        return False
    return trigger.last_fired is not None  # ``in_time``: not before the run


def by_history(run: LogRun, covered: bool, around: Around, found: Attribution) -> Attribution:
    """What a shell history without times adds where no trigger is known: support, and no more.

    It suffices for medium where its user was there, and no start line of a trigger is near the run in
    logs that reach back to it.
    """
    same = [one for one in around.typed if is_spelled(run, one.command)]
    if not same:
        return found
    present = [(t, x) for t in same for x in around.logins if was_there(x, run, t.user)]
    last, login = present[-1] if present else (same[-1], None)
    why = f"{last.user}'s shell history holds `{last.command}`, without saying when"
    because, lines = (*found.because, why), (*found.evidence, last.evidence)
    sure: Confidence = "low" if found.confidence == "unknown" else found.confidence
    if login is not None:
        because = (*because, f"{login.user} was logged in at {login.terminal} then")
        lines = (*lines, login.evidence)
        sure = "medium" if covered and not broken(run) else sure
    known = sure != "low" or typed(run)
    return Attribution(None, "manual", sure, because, lines) if known else found


def was_there(login: Login, run: LogRun, user: str) -> bool:
    """Was a user logged in when a run began? root is whom others become."""
    return login.since <= began(run) <= login.until and user in (login.user, "root")


def in_time(run: LogRun, one: Linked) -> bool:
    """Do a trigger's schedule, and the last firing it remembers, allow a run at this time?"""
    last = one.trigger.last_fired
    slack = allowed(one) if run.started else allowed(one) + LONGEST_SLEEP
    if last is not None and began(run) > last + slack:
        return False
    late = lateness(one, began(run))
    return late is None or late <= allowed(one)
