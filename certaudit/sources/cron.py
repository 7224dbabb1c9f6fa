"""Cron lines, run-parts scripts and anacron jobs, as candidates for a trigger.

Law: which files count, and which names, modes and owners, is the found daemon's own rule; a line is
judged by its own switch alone. A file that the daemon passes over is kept as off: it may explain why
somebody believed it ran.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from msgspec import Struct, field

from certaudit.catalogue import mentions_client
from certaudit.errors import UnreadableError
from certaudit.facts import Candidate, Entry
from certaudit.host.identity import cron_runs
from certaudit.host.machine import Host
from certaudit.host.root import Entry as Node
from certaudit.linking.invocations import nothing_runs
from certaudit.model import ChainStep, Evidence, Gap, Reason, Schedule, Source, Trigger, TriggerState
from certaudit.parsers import anacrontab, crontab, file_names
from certaudit.parsers.crontab import CronEntry, Crontab
from certaudit.parsers.file_names import CronDaemon as Daemon
from certaudit.parsers.file_names import RunPartsFlavour
from certaudit.parsers.program import program_name
from certaudit.parsers.shell import follow
from certaudit.parsers.shell.grammar import parse_script
from certaudit.records import replace
from certaudit.sources.cron_files import SPOOLS, daemon_of, file_off, spool_off, table_daemon, users_of
from certaudit.sources.cron_line import PATHS, environment_of, no_home, schedule_of
from certaudit.sources.scripts import ScriptMachine, as_here, start_of, trace

PERIODS = ("hourly", "daily", "weekly", "monthly", "yearly")
MOST_LINES = 2_000  # of one table; a person's has a hundred
RUN_PARTS: dict[Daemon, RunPartsFlavour] = {
    "vixie-debian": "debian",
    "systemd-cron": "debian",
    "cronie": "redhat",
    "busybox": "busybox",
}
# How the shell reader says that a text ends in the middle of a command.
HALF = re.compile(r"unterminated|(?:found|unexpected) ''$")
LOOKS_ASIDE = re.compile(r"\.(?:placeholder|dpkg-|ucf-|swp)|^\.placeholder$")


class Found(Struct):
    """Candidates and gaps, as they are gathered."""

    candidates: list[Candidate] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


class Table(Struct, frozen=True):
    """One crontab with what the daemon makes of its file: ``off`` says why it is not read."""

    path: str
    crontab: Crontab
    owner: str | None  # the user of a user's crontab; None for a system crontab
    off: Reason | None = None


def collect(host: Host, machine: ScriptMachine) -> tuple[tuple[Candidate, ...], tuple[Gap, ...]]:
    """Every cron line, run-parts script and anacron job of the machine."""
    found = Found()
    daemon = daemon_stop(host)
    tables = [*system_tables(host, found), *user_tables(host, found)]
    lines = [one for table in tables for one in from_table(table, host, machine, daemon, found)]
    found.candidates.extend(lines)
    jobs = anacron_jobs(host, found)
    found.candidates.extend(jobs)
    found.candidates.extend(run_parts(host, machine, [*lines, *jobs], found))
    return tuple(found.candidates), tuple(found.gaps)


def daemon_stop(host: Host) -> Reason | None:
    """Why no cron daemon reads any table here, or ``None`` if one does or may."""
    cron = host.cron
    if cron.installed is False:
        return Reason("no-cron-daemon", "no cron daemon is installed here")
    if host.live and host.init != "systemd" and cron_runs(host.root) is False:
        return Reason("cron-daemon-off", "no cron daemon runs here now", (Evidence("/proc"),))
    units = [unit for name in cron.units if (unit := host.systemd.unit(name)) is not None]
    if host.init != "systemd" or not units:
        return None
    for unit in units:
        running = unit.active_state in ("active", "activating", "reloading")
        masked = (unit.file_state or "").startswith("masked")
        if running or (not masked and (unit.links or (unit.file_state or "").startswith("enabled"))):
            return None
    where = Evidence(units[0].fragment or units[0].mask or units[0].name)
    state = f"{units[0].name} is {units[0].file_state or 'not enabled'}"
    return Reason("cron-daemon-off", f"the cron daemon does not run: {state}", (where,))


def system_tables(host: Host, found: Found) -> Iterator[Table]:
    """/etc/crontab and the files of /etc/cron.d, each as the daemon sees it."""
    paths = ["/etc/crontab"]
    try:
        names = host.root.names("/etc/cron.d")
    except UnreadableError as error:
        found.gaps.append(Gap("cron", str(error), (Evidence("/etc/cron.d"),)))
        names = ()
    paths += [f"/etc/cron.d/{name}" for name in names]
    for path in paths:
        text = readable(host, path, found)
        if text is None:
            continue
        known = set(users_of(host)) or None
        table = crontab.parse_system_crontab(text, table_daemon(host), known)
        off = file_off(host, path) or refused(path, table)
        yield Table(path, table, None, off)


def readable(host: Host, path: str, found: Found) -> str | None:
    """The text of a table, or ``None`` with a Gap if it is there but cannot be read."""
    try:
        if host.root.entry(path) is not None:
            return host.root.text(path)
        target = host.root.link(path)
        if target is not None and host.root.exists(path) is None:
            reason = f"{path} leads to {target}, which is not in the tree"
            found.gaps.append(Gap("cron", reason, (Evidence(path),)))
    except UnreadableError as error:
        found.gaps.append(Gap("cron", str(error), (Evidence(path),)))
    return None


def node(host: Host, path: str, found: Found) -> Node | None:
    """What lies at a path, or ``None`` if nothing does; with a Gap where that cannot be said."""
    try:
        return host.root.entry(path)
    except UnreadableError as error:
        found.gaps.append(Gap("cron", str(error), (Evidence(path),)))
        return None


def refused(path: str, table: Crontab) -> Reason | None:
    """Why the daemon throws away a file as a whole."""
    if table.refused is None:
        return None
    where = Evidence(path, table.refused.line)
    return Reason("file-refused", f"cron refuses {path}: {table.refused.reason}", (where,))


def user_tables(host: Host, found: Found) -> Iterator[Table]:
    """The crontabs of the spool, each with the user whose it is."""
    users = users_of(host)
    seen: set[str] = set()
    for spool in SPOOLS:
        try:
            names = host.root.names(spool)
        except UnreadableError as error:
            found.gaps.append(Gap("cron", f"{error}: the crontabs of users", (Evidence(spool),)))
            continue
        for name in names:
            path = f"{spool}/{name}"
            real = real_path(host, path)
            if path in SPOOLS or real in seen:
                continue
            seen.add(real)
            text = readable(host, path, found)
            if text is None:
                continue
            table = crontab.parse_user_crontab(text, table_daemon(host), root=name == "root")
            yield Table(path, table, name, spool_off(host, path, users) or refused(path, table))


def real_path(host: Host, path: str) -> str:
    """A path with its links resolved, so that one table under two names is read once."""
    try:
        entry = host.root.entry(path)
    except UnreadableError:
        return path
    return str(entry.path) if entry else path


def from_table(
    table: Table, host: Host, machine: ScriptMachine, daemon: Reason | None, found: Found
) -> Iterator[Candidate]:
    """Every line of a table as a candidate; of a huge one the first, with a Gap."""
    lines = (*table.crontab.entries, *table.crontab.commented)
    if len(lines) > MOST_LINES:
        reason = f"{table.path} has {len(lines)} lines: only the first {MOST_LINES} were looked at"
        found.gaps.append(Gap("cron", reason, (Evidence(table.path),)))
    for entry in lines[:MOST_LINES]:
        yield from_line(entry, table, host, machine, daemon)
    for entry in table.crontab.rejected[:MOST_LINES]:
        if mentions_client(entry.text):
            yield from_rejected(entry, table)


def from_rejected(line: CronEntry, table: Table) -> Candidate:
    """A line that the daemon does not take, off: it may explain why somebody believed it ran."""
    why = next(error.reason for error in table.crontab.errors if error.line == line.line)
    here = Evidence(table.path, line.line, line.text.strip())
    userless = line.user is not None and mentions_client(line.user)
    trigger = Trigger(
        id=f"cron:{table.path}:{line.line}",
        kind="cron",
        state="off",
        source=Source(table.path, line.line),
        user=table.owner or "root",
        reasons=(Reason("line-refused", f"cron does not take the line: {why}", (here,)),),
    )
    step = ChainStep(here.where, here.line, here.text)
    command = f"{line.user} {line.command}" if userless else line.command
    return Candidate(trigger, (Entry((step,), (), None, command, environment=line.environment),))


def from_line(
    line: CronEntry, table: Table, host: Host, machine: ScriptMachine, daemon: Reason | None
) -> Candidate:
    """One cron line as a candidate."""
    user = line.user or table.owner or "root"
    _, home = users_of(host).get(user, (None, None))
    environment = environment_of(line, user, home, table_daemon(host))
    step = ChainStep(table.path, line.line, line.text.strip())
    shell = dict(environment)["SHELL"]
    start = Entry((step,), (), None, line.command, shell, environment, user, stdin=line.stdin)
    state, reason = line_state(line, table, daemon or no_home(host, environment))
    cut = cut_off(start, machine) if state == "armed" else None
    if cut is not None:
        state, reason = "off", Reason("cut-at-percent", cut, reason.evidence)
        start = replace(start, text=f"{line.command}%{line.stdin}", stdin=None)
    trigger = Trigger(
        id=f"cron:{table.path}:{line.line}",
        kind="cron",
        state=state,
        source=Source(table.path, line.line),
        user=user,
        reasons=(reason,),
        schedule=schedule_of(line, host),
        certain=host.cron.installed is True,
    )
    unknown = (gap_of_daemon(),) if host.cron.installed is None else ()
    return Candidate(trigger, (start,), unknown=unknown)


def gap_of_daemon() -> Gap:
    """The tree does not show whether a cron daemon is there."""
    return Gap("cron", "the tree does not hold the programs: whether a cron daemon runs is not known")


def line_state(line: CronEntry, table: Table, daemon: Reason | None) -> tuple[TriggerState, Reason]:
    """A line's own switch, and whether a daemon reads it at all."""
    here = (Evidence(table.path, line.line, line.text.strip()),)
    if line.commented:
        return "off", Reason("commented-out", "the line is commented out", here)
    if table.off is not None:
        return "off", table.off
    if daemon is not None:
        return "dormant", daemon
    return "armed", Reason("cron-line", f"cron runs it at {line.schedule}", here)


def cut_off(start: Entry, machine: ScriptMachine) -> str | None:
    """Why a line never comes to the client it names, where cron ends the command at a ``%``.

    What follows is the command's input: a shell runs it, and what else may is not called off either.
    Nor is a line that comes to a call of a client.
    """
    if not start.stdin or not mentions_client(f"{start.text} {start.stdin}"):
        return None
    # The start's own text alone: what half a text does to an inner shell leaves the commands before it.
    error = parse_script(start.text or "").error
    if error is not None and HALF.search(error[0]):
        return "cron ends the command at the %: the shell gets half of one, and runs nothing"
    trace = follow(start_of(as_here(start, machine)), machine)
    named = (" ".join(map(str, command.argv)) for command in trace.commands)
    if not nothing_runs(trace) or any(map(mentions_client, named)):
        return None
    return "cron ends the command at the %: nothing runs what follows"


def anacron_jobs(host: Host, found: Found) -> list[Candidate]:
    """The jobs of /etc/anacrontab, armed where anacron itself is there."""
    text = readable(host, "/etc/anacrontab", found)
    if text is None:
        return []
    present = host.path_exists("/usr/sbin/anacron")
    jobs = []
    dialect: anacrontab.Daemon = "cronie" if daemon_of(host) == "cronie" else "anacron-debian"
    for job in anacrontab.parse_anacrontab(text, dialect).jobs:
        often = f"every {job.days} days" if job.days else "at every start of anacron"
        here = (Evidence("/etc/anacrontab", job.line, job.text.strip()),)
        state: TriggerState = "dormant" if present is False else "armed"
        code = "no-anacron" if present is False else "anacron-job"
        words = "anacron is not installed" if present is False else f"anacron runs it {often}"
        trigger = Trigger(
            id=f"anacron:{job.identifier}",
            kind="anacron",
            state=state,
            source=Source("/etc/anacrontab", job.line),
            reasons=(Reason(code, words, here),),
            schedule=Schedule((often,), longest_gap=job.days * 86_400.0 or None),
            last_fired=None,
            certain=present is True,
        )
        environment = tuple(
            sorted(
                {
                    "SHELL": "/bin/sh",
                    "PATH": PATHS["vixie-debian"],
                    "HOME": "/root",
                    **dict(job.environment),
                }.items()
            )
        )
        step = ChainStep("/etc/anacrontab", job.line, job.text.strip())
        jobs.append(Candidate(trigger, (Entry((step,), (), None, job.command, "/bin/sh", environment),)))
    return jobs


def run_parts(
    host: Host, machine: ScriptMachine, starters: Iterable[Candidate], found: Found
) -> Iterator[Candidate]:
    """The scripts of the directories that cron and anacron lines hand to run-parts."""
    calls: dict[str, list[tuple[Candidate, bool]]] = {}
    for starter in starters:
        for _, traced in trace(starter, machine) if mentions_run_parts(starter) else ():
            for command in traced.commands:
                directory = run_parts_directory(command.argv)
                if directory:
                    blocked = any(guard.holds is False for guard in command.guards)
                    calls.setdefault(directory, []).append((starter, blocked))
    for directory, callers in sorted(calls.items()):
        best = choose(callers)
        try:
            names = host.root.names(directory)
        except UnreadableError as error:
            found.gaps.append(Gap("cron", str(error), (Evidence(directory),)))
            continue
        for name in names:
            path = f"{directory}/{name}"
            candidate = from_script(path, node(host, path, found), best, host)
            if candidate is not None:
                yield candidate


def mentions_run_parts(candidate: Candidate) -> bool:
    """A cheap test before a line is followed."""
    return any("run-parts" in (entry.text or "") for entry in candidate.entries)


def run_parts_directory(argv: tuple[str | None, ...]) -> str | None:
    """The directory of a ``run-parts`` call, or ``None`` if it is none."""
    if not argv or argv[0] is None or program_name(argv[0]) != "run-parts":
        return None
    words = [word for word in argv[1:] if word and not word.startswith("-")]
    return words[-1].rstrip("/") if words else None


def choose(callers: list[tuple[Candidate, bool]]) -> tuple[Candidate, bool]:
    """Of several lines that run one directory, the one that really does."""
    rank = {"armed": 0, "dormant": 1, "off": 2}
    return min(callers, key=lambda c: (c[1], rank[c[0].trigger.state]))


def from_script(
    path: str, entry: Node | None, caller: tuple[Candidate, bool], host: Host
) -> Candidate | None:
    """One script of a run-parts directory as a candidate; ``None`` for what is no file."""
    starter, blocked = caller
    name = PurePosixPath(path).name
    if entry is None or not entry.is_file or LOOKS_ASIDE.search(name):
        return None
    here = (Evidence(path),)
    state: TriggerState = starter.trigger.state
    reasons: tuple[Reason, ...] = starter.trigger.reasons
    if blocked and state == "armed":
        text = f"the line that runs {PurePosixPath(path).parent} does nothing here"
        state, reasons = "dormant", (Reason("guard-false", text, reasons[0].evidence),)
    good, why = file_names.run_parts_name_ok(name, RUN_PARTS[daemon_of(host)])
    if not good:
        text = f"run-parts passes over {path}: {why}"
        state, reasons = "off", (Reason("name-ignored", text, here),)
    elif not entry.executable:
        state, reasons = "off", (Reason("not-executable", f"{path} is not executable", here),)
    trigger = replace(
        starter.trigger,
        id=f"run-parts:{path}",
        kind="run-parts",
        state=state,
        source=Source(path),
        reasons=reasons,
    )
    environment = starter.entries[0].environment
    steps = (*starter.entries[0].chain, ChainStep(path, None, f"run-parts {path}"))
    return Candidate(
        trigger, (Entry(steps, (), (path,), environment=environment),), unknown=starter.unknown
    )
