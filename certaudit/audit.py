"""The two steps of an audit: ``observe`` a host into a Model, and let rules answer about it.

Law: the only module that knows both sources and rules; it decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from certaudit.catalogue import mechanisms
from certaudit.facts import CopyFact, LineageFact, Package
from certaudit.history import History
from certaudit.host.machine import Host
from certaudit.linking import deployments as deploying
from certaudit.linking import ownership
from certaudit.linking.comfort import false_comforts
from certaudit.linking.distribution import hook_work
from certaudit.linking.history import ledger, starts
from certaudit.linking.history.arrivals import arrivals
from certaudit.linking.history.coverage import coverage
from certaudit.linking.history.fired import firings
from certaudit.linking.history.left_behind import left_behind
from certaudit.linking.history.packages import changes, migrations
from certaudit.linking.history.starvation import starvations
from certaudit.linking.history.two_logs import on_one_clock
from certaudit.linking.lineages import lineage_of
from certaudit.linking.paths import (
    Lineages,
    Linked,
    all_calls,
    candidate_gaps,
    hook_commands,
    link,
    scripts_of,
)
from certaudit.linking.redaction import redacted
from certaudit.linking.verdict import verdict
from certaudit.model import (
    Finding,
    Gap,
    HalfSwitched,
    Lineage,
    Model,
    Policy,
    RenewalPath,
    Report,
    Result,
    Run,
    Trigger,
)
from certaudit.records import replace
from certaudit.rules import Rule, run_rule
from certaudit.sources import cron, logins, logs, packages, served, shell_history, systemd, unit_times
from certaudit.sources.certbot import collect_lineages
from certaudit.sources.certbot_hooks import collect_hooks
from certaudit.sources.certbot_installed import installed_certbots
from certaudit.sources.containers import container_gaps
from certaudit.sources.copies import find_copies
from certaudit.sources.dead_hooks import closed_hooks, with_dead_hooks
from certaudit.sources.others import configured_gaps
from certaudit.sources.references import find_references
from certaudit.sources.scripts import ScriptMachine, followed, trace, unreadable_gaps
from certaudit.sources.served import Ask
from certaudit.sources.supervisors import supervised_gaps
from certaudit.sources.unit_starts import unit_starts

DEFAULT_CONFIG = "/etc/letsencrypt"
DEFAULT_LOGS = "/var/log/letsencrypt"


def observe(host: Host, policy: Policy, ask: Ask | None = None) -> Model:
    """Everything that can be known of a host, tied together.

    ``ask`` connects to an address and tells which certificate it serves; without it none is asked.
    """
    gaps: list[Gap] = [*host.gaps]
    machine = ScriptMachine(host)
    timers, half = systemd.collect(host)
    jobs, cron_gaps = cron.collect(host, machine)
    gaps.extend(cron_gaps)
    units = unit_starts(host, machine)
    traced = [(one, units.joined(trace(one, machine))) for one in (*timers, *jobs)]
    calls = [call for _, t in traced for call, _ in all_calls(t)]
    others = {call.config_dir for call in calls if call.config_dir.startswith("/")} - {DEFAULT_CONFIG}
    lineages, facts = read_lineages(host, [DEFAULT_CONFIG, *sorted(others)], gaps)
    hooks = {
        command: hook_work(followed(command, machine)) for command in hook_commands(lineages, calls)
    }
    installed = installed_certbots(host.root)
    only = installed[0].version if len(installed) == 1 else None
    lineages = replace(lineages, work=hooks, release=only)
    linked = [
        replace(one, trigger=replace(one.trigger, schedule=systemd.scheduled(one.candidate, host)))
        for candidate, steps in traced
        if (one := link(candidate, steps, lineages, machine))
    ]
    gaps.extend(gap for candidate, steps in traced for gap in candidate_gaps(candidate, steps, machine))
    gaps.extend(unreadable_gaps(machine))
    gaps.extend(container_gaps(host.root))
    gaps.extend(supervised_gaps(host))
    gaps.extend(configured_gaps(host.root))
    gaps.extend(host.systemd.gaps)
    model = tie(host, policy, linked, facts, installed, half, gaps)
    return model if ask is None else with_served(host, model, facts, ask)


def with_served(host: Host, model: Model, facts: tuple[LineageFact, ...], ask: Ask) -> Model:
    """A Model with what is served where, as far as addresses answer."""
    found, gaps = served.collect(host.root, model, ask)
    places = (*model.deployments, *deploying.of_served(found, facts))
    return replace(model, deployments=places, gaps=(*model.gaps, *gaps))


def read_lineages(
    host: Host, directories: Sequence[str], gaps: list[Gap]
) -> tuple[Lineages, tuple[LineageFact, ...]]:
    """The lineages and hooks of every config directory."""
    by_config, hooks = {}, {}
    for directory in directories:
        found, found_gaps = collect_lineages(host.root, directory)
        hooks[directory], hook_gaps = collect_hooks(host.root, directory)
        by_config[directory] = with_dead_hooks(host.root, found, hooks[directory])
        # without the usual directory there is no certbot to speak of: the rules say so (``absent``)
        known = (host.root.exists(place) for place in (directory, f"{directory}/renewal"))
        empty = directory == DEFAULT_CONFIG and False in known
        hook_gaps += closed_hooks(host.root, hooks[directory])
        gaps.extend(g for g in (*(() if empty else found_gaps), *hook_gaps) if g not in gaps)
    return Lineages(by_config, hooks), tuple(fact for found in by_config.values() for fact in found)


def tie(
    host: Host,
    policy: Policy,
    linked: list[Linked],
    facts: tuple[LineageFact, ...],
    installed: tuple[Package, ...],
    half: Iterable[HalfSwitched],
    gaps: list[Gap],
) -> Model:
    """The second round: what the paths named (logs, copies), and everything joined."""
    paths = tuple(path for one in linked for path in one.paths)
    version = installed[0].version if installed else None
    lineages = tuple(lineage_of(fact, version) for fact in facts)
    lineages, paths, problems = ownership.assign(lineages, paths, policy, gaps)
    found = logs.collect(host, wanted(host, linked))
    gaps.extend(found.gaps)
    holes = tuple(hole for log in coverage(found.spans) for hole in log.holes)
    horizon = ledger.Horizon(found.client_since, found.starts_since, holes)
    people = shell_history.collect(host)
    gaps.extend(people.gaps)
    remembered = unit_times.observed(host, services_of(linked))
    seen = on_one_clock([*found.observed, *people.observed, *remembered])
    joined = starts.join(seen, descriptions(host, linked))
    present, closed = logins.collect(host)
    gaps.extend(closed)
    runs = ledger.runs(found.runs, joined, linked, horizon, people.typed, present)
    lineages = tuple(ledger.generations(x, runs, existed(host, x, paths, runs)) for x in lineages)
    copies, copy_gaps = find_copies(host.root, facts, sorted(scripts_of(linked)))
    gaps.extend(copy_gaps)
    references, reference_gaps = find_references(host.root, places_of(facts, copies))
    gaps.extend(reference_gaps)
    triggers = tuple(one.trigger for one in linked)
    installations = packages.collect(host, triggers)
    gaps.extend(installations.gaps)
    past = [start for start in joined if start.time <= host.as_of]
    reach = coverage([*found.spans, *installations.spans])
    model = Model(
        host=host.info,
        triggers=triggers,
        paths=paths,
        lineages=lineages,
        runs=runs,
        deployments=deploying.deployments(copies, references, facts, paths, policy),
        gaps=tuple(dict.fromkeys(gaps)),
        policy=policy,
        policy_problems=problems,
        half_switched=tuple(h for h in half if any(is_half(h, t) for t in triggers)),
        absent=absent(host),
        horizon=(
            ("client", horizon.client),
            ("starts", horizon.starts),
            (
                "packages",
                min((c.since for c in reach if c.kind == "packages" and c.since), default=None),
            ),
        ),
        history=History(coverage=reach, firings=firings(past, linked, runs, horizon.client)),
    )
    model = replace(model, history=with_past(model, installations))
    return redacted(replace(model, comforts=false_comforts(model)))


def with_past(model: Model, found: packages.PackageLogs) -> History:
    """What the packages, the firings and the copies tell of the past."""
    shipping = [shipper.package for shipper in found.shippers]
    changed = changes(found.changes, found.transactions, found.names, shipping)
    moves = migrations(changed)
    return replace(
        model.history,
        packages=changed,
        migrations=moves,
        arrivals=arrivals(found.shippers, changed, moves, model.history.coverage),
        starvations=tuple(
            s
            for x in model.lineages
            for s in starvations(x, model.owners_trigger(x), model.runs, model.history.firings)
        ),
        left_behind=tuple(
            b
            for x in model.lineages
            for b in left_behind(x, model.deployments, model.paths, model.host.as_of)
        ),
    )


def places_of(facts: Iterable[LineageFact], copies: Iterable[CopyFact]) -> list[str]:
    """The files a consumer's configuration may name: copies, and what lies in live/ and archive/."""
    parts = ("cert", "chain", "fullchain", "privkey")
    live = [f"{fact.live_dir}/{part}.pem" for fact in facts for part in parts]
    archive = [
        f"{f.archive_dir}/{part}{n}.pem" for f in facts for n, _ in f.generations for part in parts
    ]
    return [*(copy.path for copy in copies), *live, *archive]


def absent(host: Host) -> tuple[str, ...]:
    """The subjects that the tree does not hold at all."""
    subjects = {"renewal": f"{DEFAULT_CONFIG}/renewal", "cron": "/etc/cron.d"}
    return tuple(name for name, path in subjects.items() if not host.root.exists(path))


def services_of(linked: Iterable[Linked]) -> set[str]:
    """The units that run a client."""
    return {entry.unit for one in linked for entry in one.candidate.entries if entry.unit}


def is_half(half: HalfSwitched, trigger: Trigger) -> bool:
    """Is a trigger's unit half switched? What systemd refuses will not run after a boot either."""
    refused = any(reason.code == "unit-refused" for reason in trigger.reasons)
    return half.unit in trigger.id and not (refused and half.what == "enabled-inactive")


def wanted(host: Host, linked: Iterable[Linked]) -> logs.Wanted:
    """What the logs are searched for."""
    entries = [entry for one in linked for entry in one.candidate.entries]
    units = services_of(linked)
    units |= {one.trigger.id.partition(":")[2] for one in linked if one.trigger.kind == "timer"}
    lines = {entry.chain[0].text for entry in entries if entry.unit is None}
    # cron logs the command without schedule and user: five fields and a user, five, or an @-word
    texts = {line.split(None, n)[-1].partition("%")[0] for line in lines for n in (6, 5, 2, 1)}
    directories = {DEFAULT_LOGS, *(logs_dir.rstrip("/") for one in linked for logs_dir in one.logs)}
    return logs.Wanted(
        units=tuple(sorted(units)),
        descriptions=tuple(sorted(descriptions(host, linked))),
        commands=tuple(sorted(texts)),
        log_directories=tuple(sorted(directories)),
    )


def descriptions(host: Host, linked: Iterable[Linked]) -> dict[str, tuple[str, ...]]:
    """Which units a Description= in an old log line can mean."""
    found: dict[str, set[str]] = {}
    for one in linked:
        for entry in one.candidate.entries:
            unit = host.systemd.unit(entry.unit) if entry.unit else None
            if unit and (text := unit.last("Unit", "Description")):
                found.setdefault(text, set()).add(unit.name)
    for mechanism in mechanisms():
        for service, text in zip(mechanism.services, mechanism.descriptions, strict=False):
            found.setdefault(text, set()).add(service)
    return {text: tuple(sorted(names)) for text, names in found.items()}


def existed(
    host: Host, lineage: Lineage, paths: Sequence[RenewalPath], runs: Sequence[Run]
) -> Callable[[datetime], bool | None]:
    """Was the owner's trigger there at a moment: it had run by then, or its file is at least that old.

    A file changed later says nothing: it may have stood there before.
    """
    owner = next((p for p in paths if p.id == lineage.owner), None)
    ran = [run.ended for run in runs if owner and run.trigger == owner.trigger and run.ended]

    def at(moment: datetime) -> bool | None:
        if owner is None:
            return None
        if any(time <= moment for time in ran):
            return True
        entries = [host.root.entry(s.path) for s in owner.chain[:1] if host.root.exists(s.path)]
        times = [entry.modified for entry in entries if entry is not None]
        return True if times and max(times) <= moment else None

    return at


def audit(model: Model, rules: Sequence[Rule]) -> Report:
    """What the rules say of a Model, with the answer in one sentence."""
    results = tuple(run_rule(rule, model) for rule in rules)
    report = Report(model, "", results)
    return replace(report, verdict=verdict(report))


def ignore(report: Report, ignores: Sequence[str]) -> Report:
    """A report without the findings that ``SLUG`` or ``SLUG:SUBJECT`` leave out."""
    dropped = set(ignores)
    results = []
    for result in report.results:
        kept = tuple(
            f
            for f in result.findings
            if result.rule not in dropped and f"{result.rule}:{f.subject}" not in dropped
        )
        results.append(narrowed(result, kept) if len(kept) < len(result.findings) else result)
    return replace(report, results=tuple(results))


def narrowed(result: Result, kept: tuple[Finding, ...]) -> Result:
    """A result with fewer findings, its status and severity following."""
    if kept:
        return replace(result, findings=kept, severity=kept[0].severity)
    return replace(result, findings=(), status="passed")
