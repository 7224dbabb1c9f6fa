"""Which starts can have begun a run: what fits, how closely, and what speaks against it.

Law: a claim says only that a start can have begun a run. Whether it did is for ``attribution``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from certaudit.catalogue import mentions_client
from certaudit.facts import Entry, Start
from certaudit.linking.history.terminals import gives_terminal, had_terminal
from certaudit.linking.paths import Linked
from certaudit.model import RenewalPath
from certaudit.parsers.letsencrypt_log import LogRun

EARLY = timedelta(seconds=0.5)  # a start is logged before its client is called; logs differ by this
WHOLE = timedelta(seconds=1)  # an end in whole seconds (RFC 3164) may be this much later in truth
SNUG = timedelta(seconds=15)  # a client called at once: 0.4 to 1.3 s on an ordinary machine
DIRECT = timedelta(seconds=90)  # a client called at once writes its first line within this
WRAPPED = timedelta(minutes=10)  # a wrapper may do other work first
SLEEPING = timedelta(hours=13)  # a line that sleeps a random time: at most 43,200 s in any package
LONGEST_SLEEP = timedelta(seconds=480)  # certbot's own, before the first lineage that is due
END_SLACK = timedelta(seconds=30)
BY_HAND = timedelta(seconds=30)
BREAK = timedelta(seconds=2)  # certbot's own change of file in mid-run takes no time
SOON = timedelta(seconds=5)  # systemctl has its unit started at once
ANACRONTAB = "/etc/anacrontab"
PEOPLE = frozenset({"sudo", "shell"})
NOBODYS = PEOPLE | {"power"}  # starts that are no trigger's
BY_SNAP = "--preconfigured-renewal"  # the snap adds it to every call (certbot/_internal/snap_config.py)
UNITS = frozenset({"timer", "path", "socket", "boot"})


class Claim(Struct, frozen=True):
    """A start that fits a run, and the trigger it belongs to.

    ``arguments``: do they fit (``None``: cannot be told). ``whole``: the run fills the start from its
    beginning to its end. ``prompt``: the trigger's command does not sleep before it calls the client.
    ``headed``: the run's own beginning is in its log.
    """

    start: Start
    linked: Linked
    lag: timedelta
    arguments: bool | None
    whole: bool
    prompt: bool = True
    headed: bool = True

    @property
    def name(self) -> str:
        """The trigger's id."""
        return self.linked.trigger.id

    @property
    def close(self) -> bool:
        """The run begins right after the start, or fills it."""
        return self.whole or (self.prompt and self.lag <= SNUG)

    @property
    def rank(self) -> tuple[bool, bool, bool, timedelta]:
        """The better the smaller."""
        return (self.arguments is not True, not self.whole, not self.close, self.lag)


def began(run: LogRun) -> datetime:
    """When a run began, as far as its log shows."""
    return run.started or run.first_seen


def broken(run: LogRun) -> bool:
    """Do a run's lines lie in two files with a break between them?"""
    pairs = zip(run.evidence, run.evidence[1:], strict=False)
    return any(a.where != b.where and b.time - a.time > BREAK for a, b in pairs)


def claims(run: LogRun, starts: Iterable[Start], linked: Sequence[Linked]) -> list[Claim]:
    """Every start that can have begun a run, with each trigger it can belong to."""
    found = []
    for start in starts:
        for one in owners_of(start, linked):
            if fits(run, start, one):
                lag, same = began(run) - start.time, trigger_arguments(run, one)
                whole = is_whole(run, start, one)
                headed = run.started is not None
                found.append(Claim(start, one, lag, same, whole, not sleeps(one), headed))
    return found


def likely(found: Sequence[Claim]) -> list[Claim]:
    """Of claims, those whose arguments can fit, and those that the run fills.

    A unit's command may have been changed since; but where a start can belong to two triggers, the
    one whose arguments fit it is.
    """
    told = {c.start for c in found if c.arguments is not False}
    return [c for c in found if c.arguments is not False or (c.whole and c.start not in told)]


def owners_of(start: Start, linked: Sequence[Linked]) -> tuple[Linked, ...]:
    """The triggers that a start line can belong to."""
    if start.kind in NOBODYS:
        return ()
    return tuple(one for one in linked if could_start(start, one))


def could_start(start: Start, one: Linked) -> bool:
    """Does a start line tell of this trigger?"""
    if start.kind == "unit":
        if start.user_manager != of_a_user(one):
            return False
        return any(entry.unit in start.units for entry in one.candidate.entries)
    if start.kind == "cron" and one.trigger.kind in ("cron", "run-parts"):
        if any(reason.code == "guard-false" for reason in one.trigger.reasons):
            return False  # cron logs the line, and the line does nothing
        user = one.trigger.user in (start.user, None)
        return user and is_line(start.command or "", one.candidate.entries[0])
    return start.kind == "anacron" and anacron_job(one) == start.command


def anacron_job(one: Linked) -> str | None:
    """The anacron job that runs a trigger's command: its own, or that which runs its directory."""
    kind, _, name = one.trigger.id.partition(":")
    if kind == "anacron":
        return name
    first = one.candidate.entries[0].chain[0]
    words = first.text.split(None, 3)  # anacrontab(5): period, delay, job identifier, command
    return words[2] if kind == "run-parts" and first.path == ANACRONTAB and len(words) > 3 else None


def of_a_user(one: Linked) -> bool:
    """Is a trigger a unit of a user's own manager: ``timer:USER/NAME``?"""
    return "/" in one.trigger.id.partition(":")[2] and one.trigger.kind in UNITS


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


def command_texts(one: Linked) -> str:
    """What lies between a trigger and its client, without certbot's own word for not sleeping."""
    texts = (step.text for path in one.paths for step in path.chain)
    return " ".join(texts).lower().replace("--no-random-sleep-on-renew", "")


def sleeps(one: Linked) -> bool:
    """Does a trigger's command sleep before it calls the client?"""
    text = command_texts(one)
    return "sleep" in text or "rand" in text


def longest_sleep(one: Linked) -> timedelta:
    """How long a command sleeps at most: the largest number in it."""
    numbers = [
        int(found) for found in re.findall(r"(?<![\d.*/:])\d{2,5}(?![\d.*/:])", command_texts(one))
    ]
    return timedelta(seconds=max(numbers)) if numbers else SLEEPING


def wrapped(one: Linked) -> bool:
    """Does a script lie between a trigger and its client, or another command of its unit before it?"""
    return any(len(path.chain) > 1 for path in one.paths) or len(one.candidate.entries) > 1


def allowed(one: Linked) -> timedelta:
    """How long after its start a trigger's client may write its first line."""
    if sleeps(one):
        return min(longest_sleep(one) + DIRECT, SLEEPING)
    return WRAPPED if wrapped(one) else DIRECT


def calls(one: Linked) -> int:
    """How many runs one start of a trigger makes at most; a loop's count is not known."""
    unknown = any("?" in path.argv for path in one.paths)
    return 1000 if unknown else len(one.paths)


def fits(run: LogRun, start: Start, one: Linked) -> bool:
    """Does a run lie within what this start can have begun?"""
    early = EARLY if start.time.microsecond else timedelta(0)  # whole seconds are cut off, not rounded
    if start.time > began(run) + early or speaks_against(run, start, one):
        return False
    if outlived(run, start, one) or (had_terminal(run) and not gives_terminal(one)):
        return False
    if start.locked and calls(one) == 1:
        return False  # its one call ended at another's lock, before it wrote a log
    if start.ended is not None:
        blur = WHOLE if run.started is None and not start.ended.microsecond else timedelta(0)
        return began(run) <= start.ended + blur + EARLY and run.ended <= start.ended + END_SLACK
    slack = allowed(one) if run.started else allowed(one) + LONGEST_SLEEP
    return began(run) - start.time <= slack


def speaks_against(run: LogRun, start: Start, one: Linked) -> bool:
    """A unit that only calls the client has failed, and this run has not: its own was another.

    So it is where certbot's lock turned the unit's run away; that leaves no line in the log.
    """
    good = run.complete and run.exit_error is None and all(o.error is None for o in run.outcomes)
    return bool(start.kind == "unit" and start.failed and good and not wrapped(one))


def outlived(run: LogRun, start: Start, one: Linked) -> bool:
    """Did a command that only calls the client go on long after this run was over: was it another?"""
    only = not wrapped(one) and calls(one) == 1
    return bool(only and run.complete and start.ended and start.ended - run.ended > DIRECT)


def is_whole(run: LogRun, start: Start, one: Linked) -> bool:
    """Does a run fill a start from its beginning to its end? It ends before what called it does."""
    if start.ended is None or wrapped(one):
        return False
    head = run.started is None or began(run) - start.time <= SNUG
    return head and -(WHOLE + EARLY) <= start.ended - run.ended <= SNUG


def arguments_fit(run: LogRun, path: RenewalPath) -> bool | None:
    """Do a run's logged arguments equal a path's, which the log writes without the verb?"""
    given = words_of(run)
    if given is None or "?" in path.argv:
        return None
    expected = [word for word in path.argv[1:] if word != BY_SNAP]
    if path.subcommand in expected:
        expected.remove(path.subcommand)
    return expected == given


def words_of(run: LogRun) -> list[str] | None:
    """The arguments that a run was given, without the one that no caller writes."""
    return None if run.arguments is None else [word for word in run.arguments if word != BY_SNAP]


def trigger_arguments(run: LogRun, one: Linked) -> bool | None:
    """Do a run's arguments fit any path of a trigger?"""
    answers = [arguments_fit(run, path) for path in one.paths]
    return True if True in answers else (None if None in answers else False)


def by_hand(run: LogRun, start: Start, linked: Sequence[Linked]) -> bool | None:
    """Did a sudo line begin this run: its arguments fit, do not (``None``), or it is none near it.

    A person may also run a trigger's own script.
    """
    lag = began(run) - start.time
    command = start.command or ""
    if timedelta(0) <= lag + EARLY <= BY_HAND and mentions_client(command):
        return True if is_spelled(run, command) else None
    ran = [one for one in linked if runs_script(command, one)]
    return any(-EARLY <= lag <= allowed(one) and bool(trigger_arguments(run, one)) for one in ran)


def is_spelled(run: LogRun, command: str) -> bool:
    """Are a run's arguments those of a command as it was typed?"""
    given = words_of(run)
    typed = [word for word in command.split()[1:] if word != BY_SNAP]
    return given is not None and " ".join(given) in spellings(typed)


def spellings(words: list[str]) -> set[str]:
    """A command's words without its verb, whichever of them that is."""
    return {" ".join(words)} | {" ".join(words[:n] + words[n + 1 :]) for n in range(len(words))}


def runs_script(command: str, one: Linked) -> bool:
    """Does a command run a script that lies between a trigger and its client?"""
    scripts = {step.path for path in one.paths for step in path.chain[1:]}
    return any(word in scripts for word in command.split())


def starts_unit(person: Start, unit: Start) -> bool:
    """Did a person's ``systemctl start`` make a unit's start? It is written down before it is done."""
    exact = person.time.microsecond and unit.time.microsecond
    near = -(timedelta(0) if exact else EARLY) <= unit.time - person.time <= SOON
    return near and names_unit(person.command or "", unit)


def names_unit(command: str, unit: Start) -> bool:
    """Is a command a ``systemctl start`` of a unit?"""
    words = command.split()
    names = {name.removesuffix(".service") for name in unit.units}
    named = any(word.removesuffix(".service") in names for word in words[1:])
    return named and bool({"start", "restart"} & set(words))
