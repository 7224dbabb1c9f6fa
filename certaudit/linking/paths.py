"""Trigger -> chain -> client -> lineages: which paths there are, and which of them are armed.

Law: a trigger that is switched on is dormant where every client call it leads to is stopped (a false
guard, a failing condition, a missing program), and the reason names what stops it. A path is armed only
if it can renew at least one lineage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Protocol

from msgspec import Struct, field

from certaudit.catalogue import mentions_client
from certaudit.facts import Candidate, Entry, Hooks, LineageFact
from certaudit.linking import distribution
from certaudit.linking.distribution import Hooked
from certaudit.linking.due import upstream, version_numbers
from certaudit.linking.invocations import ELSEWHERE, Invocation, Options, find, handed_on, may_run_input
from certaudit.linking.others import named_in, not_followed, other_called
from certaudit.linking.reach import reach
from certaudit.model import (
    Distribution,
    Evidence,
    Gap,
    Reason,
    RenewalPath,
    Trigger,
    TriggerState,
)
from certaudit.parsers.certbot_options import DROPPED
from certaudit.parsers.shell import Command, Guard, Trace
from certaudit.records import replace

NO_SLEEP = "no-random-sleep-on-renew"
SYSTEM_CERTBOT = frozenset({"/usr/bin/certbot", "/bin/certbot", "/usr/bin/letsencrypt"})
VALIDATED = ("pre", "post", "deploy")
Traced = tuple[tuple[Entry, Trace], ...]


class Local(Protocol):
    """What is asked of the machine about a call; both answer yes only where it is certain."""

    def missing(self, name: str, search_path: Sequence[str]) -> bool:
        """Is a program not on a search path?"""

    def barred(self, user: str | None, directory: str) -> bool:
        """Is a user kept from writing to certbot's directory?"""


class Lineages(Struct, frozen=True):
    """What certbot would find in each config directory, and whether that directory could be read."""

    by_config: Mapping[str, tuple[LineageFact, ...]]
    hooks: Mapping[str, Hooks]
    work: Hooked = field(default_factory=dict)
    release: str | None = None  # of the system's certbot, where there is no other

    @property
    def options(self) -> Options:
        """The options of cli.ini, which certbot reads from fixed places in any case."""
        first = next(iter(self.hooks.values()), None)
        return tuple((name, value) for name, value, _, _ in first.cli_ini) if first else ()

    def of(self, config_dir: str) -> tuple[LineageFact, ...]:
        """The lineages of one config directory."""
        return self.by_config.get(config_dir.rstrip("/") or "/", ())


class Linked(Struct, frozen=True):
    """One trigger that leads to a client, with its paths.

    ``sleepless``: cli.ini tells certbot not to sleep before it renews.
    """

    trigger: Trigger
    paths: tuple[RenewalPath, ...]
    candidate: Candidate
    logs: tuple[str, ...] = ()  # where its calls write their log, if not in the usual place
    sleepless: bool = False


def link(
    candidate: Candidate,
    traced: Traced,
    lineages: Lineages,
    machine: Local,
) -> Linked | None:
    """A candidate as a trigger with its paths; ``None`` if it never leads to a client."""
    made = all_calls(traced, lineages.options)
    calls = [(by_release(call, lineages.release), later) for call, later in made]
    renewing = [(call, later) for call, later in calls if call.renews]
    if not renewing:
        return None
    stop = stopped(candidate, [call for call, _ in renewing], machine)
    every = (command for _, trace in traced for command in trace.commands)
    beside = dict.fromkeys(distribution.beside(every, (call for call, _ in calls)))
    trigger = replace(candidate.trigger, beside=tuple(beside))
    if stop and trigger.state == "armed":
        trigger = replace(trigger, state="dormant", reasons=(*stop, *trigger.reasons))
    elif stop:
        trigger = replace(trigger, reasons=(*trigger.reasons, *stop))
    paths = build(candidate, trigger, renewing, lineages, machine)
    logs = tuple(c.arguments.logs_dir for c, _ in renewing if c.arguments.logs_dir and not c.contained)
    sleepless = any(name == NO_SLEEP for name, _ in lineages.options)
    return Linked(trigger, paths, candidate, logs, sleepless)


def all_calls(traced: Traced, options: Options = ()) -> Iterator[tuple[Invocation, tuple[Command, ...]]]:
    """Every client call with the commands that follow it, over all entries."""
    for position, (entry, trace) in enumerate(traced):
        after = tuple(c for _, later in traced[position + 1 :] for c in later.commands)
        for call in find(entry, trace.commands, options):
            rest = tuple(c for c in trace.commands if c.number > call.command.number)
            yield call, rest + after


def by_release(call: Invocation, release: str | None) -> Invocation:
    """A call of the system's certbot, refused where its release knows one of the options no more."""
    version = version_numbers(release)
    if call.contained or version is None or call.command.program not in SYSTEM_CERTBOT:
        return call
    gone = [name for name in call.arguments.dropped if DROPPED[name] <= version]
    if not gone:
        return call
    refused = f"--{gone[0]}, which {upstream(release)} does not have any more"
    return replace(call, arguments=replace(call.arguments, refused=refused))


def candidate_gaps(candidate: Candidate, traced: Traced, machine: Local) -> tuple[Gap, ...]:
    """What could not be followed, where it may hide a client, also of a candidate that leads to none.

    What is switched off hides nothing that runs.
    """
    calls = [call for call, _ in all_calls(traced) if call.renews]
    stopped = candidate.trigger.state == "off" or bool(candidate.conditions)
    if not calls and stopped:
        return ()
    gaps = [*candidate.unknown] if calls else []
    for entry, trace in traced:
        gaps += [] if stopped else others_called(trace, machine)
        for place in trace.unresolved:
            if mentions_client(place.text) or named_in(place.text):
                where = Evidence(place.place.path, place.place.line or None, place.place.text)
                gaps.append(Gap("scripts", place.reason, (where,)))
        gaps += [
            not_seen(command, f"what {command.argv[0]} runs is not followed")
            for command in trace.commands
            if handed_on(command)
        ]
        if may_run_input(entry, trace) and not any(map(handed_on, trace.commands)):
            step = entry.chain[-1]
            reason = "whether something runs the text behind the % is not followed"
            gaps.append(Gap("scripts", reason, (Evidence(step.path, step.line, step.text),)))
    text = "which certificates a client renews in a container or another root is not seen"
    gaps.extend(not_seen(call.command, text) for call in calls if call.config_dir == ELSEWHERE)
    return tuple(gaps)


def others_called(trace: Trace, machine: Local) -> Iterator[Gap]:
    """A Gap for every call of a client that is not followed, but for one that is not there."""
    for command in trace.commands:
        other = other_called(command)
        search = dict(command.environment).get("PATH", "").split(":")
        if other is not None and not machine.missing(command.argv[0] or "", search):
            place = command.place
            yield not_followed(other, Evidence(place.path, place.line or None, place.text))


def not_seen(command: Command, reason: str) -> Gap:
    """A command behind which a client does what cannot be seen here."""
    where = Evidence(command.place.path, command.place.line or None, command.place.text)
    return Gap("scripts", reason, (where,))


def stopped(candidate: Candidate, calls: list[Invocation], machine: Local) -> tuple[Reason, ...]:
    """What keeps every client call of a switched-on trigger from happening, or () if one happens."""
    if candidate.conditions:
        return candidate.conditions
    reasons = [call_stop(call, machine) for call in calls]
    found = [reason for reason in reasons if reason is not None]
    return tuple(dict.fromkeys(found)) if found and len(found) == len(reasons) else ()


def call_stop(call: Invocation, machine: Local) -> Reason | None:
    """Why one client call does not happen here, or ``None`` if it does."""
    if call.blocked is not None:
        return guard_reason(call.blocked)
    program = call.command.argv[0]
    search = dict(call.command.environment).get("PATH", "").split(":")
    if program and "/" in program and not program.startswith("/"):  # relative to where it is called
        program = call.command.program if (call.command.program or "").startswith("/") else None
    place = call.command.place
    where = Evidence(place.path, place.line or None, place.text)
    if program and not call.contained and machine.missing(program, search):
        return Reason("program-missing", f"the program it calls, {program}, is not there", (where,))
    if call.arguments.refused:
        return Reason("refused", f"certbot refuses {call.arguments.refused[:80]}", (where,))
    user = call.command.user or call.entry.user
    if not call.contained and machine.barred(user, call.config_dir):
        text = f"{user} may not write to {call.config_dir}, where certbot puts its lock"
        return Reason("no-permission", text, (where,))
    hook = None if call.contained else refused_hook(call, machine)
    return Reason("hook-missing", hook, (where,)) if hook else None


def refused_hook(call: Invocation, machine: Local) -> str | None:
    """The hook of the call, or of cli.ini, for which certbot ends before it renews anything.

    ``hooks.validate_hooks``, as soon as the options are read, looks for the first word of each; those
    saved in a renewal conf it never looks at (tried with certbot 2.1.0). A program of a package is
    not judged: a partial tree lacks it.
    """
    if call.arguments.disable_hook_validation:
        return None
    for kind, command in call.arguments.hooks:
        program = next(iter(command.split(None, 1)), "")
        own = program.startswith("/") and not program.startswith(distribution.SYSTEM_PROGRAMS)
        if kind in VALIDATED and own and machine.missing(program, ()):
            return f"certbot ends at once: its {kind} hook {program} is not there"
    return None


def guard_reason(guard: Guard) -> Reason:
    """A guard that is false here, with what makes it so."""
    because = f": {guard.because}" if guard.because else ""
    where = Evidence(guard.place.path, guard.place.line or None, guard.place.text)
    return Reason("guard-false", f"its guard `{guard.text}` does not hold{because}", (where,))


def build(
    candidate: Candidate,
    trigger: Trigger,
    renewing: list[tuple[Invocation, tuple[Command, ...]]],
    lineages: Lineages,
    machine: Local,
) -> tuple[RenewalPath, ...]:
    """The renewal paths of one trigger, their ids made unique."""
    paths: list[RenewalPath] = []
    ids: dict[str, int] = {}
    for call, later in renewing:
        base = path_id(candidate, call)
        ids[base] = ids.get(base, 0) + 1
        name = base if ids[base] == 1 else f"{base}#{ids[base]}"
        paths.append(one_path(name, trigger, call, later, lineages, call_stop(call, machine)))
    if candidate.presumed or not trigger.certain:
        paths = [replace(path, certain=False) for path in paths]
    return tuple(paths)


def path_id(candidate: Candidate, call: Invocation) -> str:
    """``TRIGGER>UNIT>SCRIPT>CLIENT``: what lies between a trigger and the client, in order."""
    via = list(call.entry.via)
    scripts = [s for s in call.command.scripts if not candidate.trigger.id.endswith(s)]
    return ">".join([candidate.trigger.id, *via, *dict.fromkeys(scripts), call.client])


def one_path(
    name: str,
    trigger: Trigger,
    call: Invocation,
    later: tuple[Command, ...],
    lineages: Lineages,
    stop: Reason | None,
) -> RenewalPath:
    """One client call as a renewal path."""
    known = lineages.of(call.config_dir)
    reached = reach(replace(call.arguments, config_dir=call.config_dir), known)
    names = reached.lineages
    state: TriggerState = trigger.state
    reasons: tuple[Reason, ...] = ()
    if state == "armed" and stop is not None:
        state, reasons = "dormant", (stop,)
    elif state == "armed" and not names:
        state, reasons = "dormant", (Reason("no-lineage", "it finds no lineage it could renew"),)
    return RenewalPath(
        id=name,
        trigger=trigger.id,
        state=state,
        client=call.client,
        subcommand=call.arguments.subcommand,
        argv=tuple(word if word is not None else "?" for word in call.argv),
        chain=call.chain,
        lineages=names,
        distribution=tuple(distributions(call, later, lineages, names)),
        config_dir=call.config_dir,
        forced=call.arguments.force,
        reasons=reasons,
        skipped=reached.skipped,
        certain=reached.certain,
    )


def distributions(
    call: Invocation, later: tuple[Command, ...], lineages: Lineages, names: tuple[str, ...]
) -> Iterator[Distribution]:
    """Everything that runs after a renewal on this path: shared hooks first, its own after."""
    facts = [fact for fact in lineages.of(call.config_dir) if fact.name in names]
    hooks = lineages.hooks.get(call.config_dir.rstrip("/"))
    if not call.contained:
        yield from distribution.shared_hooks(hooks, facts, lineages.work)
    yield from distribution.command_line_hooks(call, lineages.work)
    yield from distribution.steps(call, later)


def hook_commands(lineages: Lineages, calls: Iterable[Invocation]) -> frozenset[str]:
    """Every command that certbot would run as a hook: of directories, cli.ini, confs and calls."""
    hooks = list(lineages.hooks.values())
    found = {path for h in hooks for _, path in h.directory}
    found |= {value for h in hooks for name, value, _, _ in h.cli_ini if name.endswith("-hook")}
    found |= {
        command for facts in lineages.by_config.values() for f in facts for _, command, _ in f.hooks
    }
    return frozenset(
        found | {command for call in calls for _, command in call.arguments.hooks if command}
    )


def scripts_of(linked: Iterable[Linked]) -> frozenset[str]:
    """The directories that wrapper scripts' steps write to: where copies are to be looked for."""
    targets = (
        target
        for one in linked
        for path in one.paths
        for step in path.distribution
        for target in step.targets
    )
    found = (PurePosixPath(t) for t in targets if t.startswith("/"))
    return frozenset(str(p) for path in found for p in (path, path.parent))
