"""The code under test asked about a history, and its answers compared with the truth.

Law: the only module here that knows both sides. An answer is tied to what really happened by the
file and line of the evidence it cites.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from certaudit.facts import Candidate, Entry, Typed
from certaudit.linking.history import ledger, starts
from certaudit.linking.history.starts import Observed
from certaudit.linking.history.two_logs import on_one_clock
from certaudit.linking.paths import Linked
from certaudit.model import ChainStep, Evidence, Run, Schedule
from certaudit.parsers import syslog
from certaudit.parsers.journal import parse_entry
from certaudit.parsers.letsencrypt_log import LogPart, parse_logs
from certaudit.parsers.shell_history import parse_bash_history
from certaudit.records import replace
from certaudit.sources.logs import event_of, from_entries
from certaudit.sources.shell_history import calls
from tests.history.acts import Execution, History
from tests.history.jobs import Job
from tests.history.scenario import Machine
from tests.history.texts import Logs
from tests.linking import makers


@dataclass(frozen=True, slots=True)
class Answer:
    """One run of the answer beside the truth: who really made it, and whether a start line survives."""

    run: Run
    truth: str
    execution: Execution | None
    surviving: bool
    mixed: bool = False

    @property
    def said(self) -> str:
        """What was answered: a trigger, ``manual`` or ``unknown``."""
        return self.run.trigger or self.run.actor

    @property
    def wrong(self) -> bool:
        """Answered, and neither the truth nor a twin of it."""
        run = self.execution
        twins = (*run.twins, *(run.origin.twins if run.origin else ())) if run else ()
        return self.run.confidence != "unknown" and self.said not in (self.truth, *twins)


def answers(history: History, logs: Logs) -> Iterator[Answer]:
    """Every run that is reported, beside the truth."""
    machine = history.machine
    parsed = list(parse_logs([LogPart(f.where, f.lines) for f in logs.client], machine.zone))
    observed = list(observations(logs, machine))
    typed = list(entered(logs, machine))
    since = min((o.time for o in observed), default=None)
    observed += [one for one in typed if isinstance(one, Observed)]
    joined = starts.join(on_one_clock(observed), descriptions(machine))
    horizon = ledger.Horizon(min((r.first_seen for r in parsed), default=None), since)
    standing = {job.trigger: job for job in machine.jobs if not job.gone}
    undated = tuple(one for one in typed if isinstance(one, Typed))
    for run in ledger.runs(parsed, joined, linked(machine, stamps(history)), horizon, undated):
        yield compared(run, logs, standing)


def compared(run: Run, logs: Logs, standing: dict[str, Job]) -> Answer:
    """A reported run beside the execution that wrote its lines, or the start that its line tells of."""
    cited = [(e.where, e.line or 0) for e in run.evidence]
    executions = [logs.runs[place] for place in cited if place in logs.runs]
    if executions:
        last = executions[-1]
        return Answer(
            run, last.who, last, has_start(last, logs, standing), any(e is not last for e in executions)
        )
    said = [logs.starts[place] for place in cited if place in logs.starts]
    return Answer(run, said[0].who, None, False)


def has_start(run: Execution, logs: Logs, standing: dict[str, Job]) -> bool:
    """Does the line survive that tells what started this execution, of a command that is still there?

    A unit's line does not name its command; a cron line is its command.
    """
    said = run.origin
    if said is None or id(said) not in logs.surviving:
        return False
    return said.job is None or bool(said.job.unit) or known(said.job, standing)


def known(job: Job, standing: dict[str, Job]) -> bool:
    """Does a cron line stand on the machine as it stood when it was logged?"""
    return job.trigger in standing and standing[job.trigger].command == job.command


def observations(logs: Logs, machine: Machine) -> Iterator[Observed]:
    """The lines of the system's logs that report something."""
    for files in logs.system.values():
        texts = [syslog.LogText(f.where, list(enumerate(f.lines, 1)), f.written) for f in files]
        for line in syslog.parse_lines(texts, machine.zone, machine.end).lines:
            event = event_of(line)
            if event is not None:
                yield Observed(line.time, event, Evidence(line.where, line.line, line.text, line.time))
    yield from from_entries([parse_entry(json.dumps(fields)) for fields in logs.journal], machine.zone)


def entered(logs: Logs, machine: Machine) -> Iterator[Observed | Typed]:
    """The client calls of the shell histories."""
    for file in logs.histories:
        user = "root" if file.where.startswith("/root") else "alice"
        yield from calls(parse_bash_history(file.lines), user, file.where, machine.zone)


def descriptions(machine: Machine) -> dict[str, tuple[str, ...]]:
    """The units that each Description= can mean."""
    found: dict[str, set[str]] = {}
    for job in machine.jobs:
        if job.unit:
            found.setdefault(job.description, set()).add(job.unit)
    return {text: tuple(sorted(units)) for text, units in found.items()}


def linked(machine: Machine, fired: dict[str, datetime]) -> list[Linked]:
    """The triggers that stand on the machine today, as an audit finds them."""
    standing = {job.trigger: job for job in machine.jobs if not job.gone}
    scripts = {job.script[0]: job.script[1] for job in standing.values() if job.script}
    systemd = "/run/systemd/system"
    files = makers.Files(
        scripts=scripts,
        there=frozenset({"/usr/bin/certbot"} | ({systemd} if machine.systemd else set())),
        gone=frozenset() if machine.systemd else frozenset({systemd}),
    )
    fact = makers.fact("www.example.org")
    found = [makers.linked(candidate(job), fact, files=files) for job in standing.values()]
    return [
        replace(one, trigger=replace(one.trigger, last_fired=fired.get(one.trigger.id))) for one in found
    ]


def stamps(history: History) -> dict[str, datetime]:
    """When each persistent timer fired last, as the mtime of its stamp file tells (whole seconds)."""
    lines = [
        s for s in history.said if s.word == "start" and s.job and s.job.delay and s.who == s.job.trigger
    ]
    return {line.who: line.time.replace(microsecond=0) for line in lines}


def candidate(job: Job) -> Candidate:
    """A trigger as its source gives it out, with its schedule."""
    if job.kind == "daily":
        return run_parts(job)
    if job.kind == "cron":
        file = job.trigger.split(":")[1]
        base = makers.cron(job.command, file=file)
        return replace(base, trigger=replace(base.trigger, schedule=Schedule((cron_times(job),))))
    base = makers.timer(job.command, name=job.trigger[len("timer:") : -len(".timer")])
    gap = (86_400 / len(job.times) if job.weekday is None else 7 * 86_400) + job.delay
    schedule = Schedule((job.calendar,), job.delay, persistent=job.delay > 0, longest_gap=gap)
    return replace(base, trigger=replace(base.trigger, schedule=schedule))


def run_parts(job: Job) -> Candidate:
    """A script of cron.daily, started by cron's line or by anacron's job."""
    assert job.script is not None
    hour, minute = job.times[0]
    file, text = "/etc/crontab", f"{minute} {hour} * * * root {job.command}"
    schedule: Schedule | None = Schedule((f"{minute} {hour} * * *",))
    if job.anacron:
        file, text = "/etc/anacrontab", "1 5 cron.daily nice run-parts /etc/cron.daily"
        schedule = None
    path = job.script[0]
    steps = (ChainStep(file, 1, text), ChainStep(path, None, f"run-parts {path}"))
    base = makers.cron(job.command)
    trigger = replace(base.trigger, id=job.trigger, kind="run-parts", schedule=schedule)
    return Candidate(trigger, (Entry(steps, (), (path,), environment=base.entries[0].environment),))


def cron_times(job: Job) -> str:
    """The five fields of a crontab line."""
    hours = ",".join(str(hour) for hour, _ in job.times)
    weekday = "*" if job.weekday is None else str((job.weekday + 1) % 7)
    return f"{job.times[0][1]} {hours} * * {weekday}"
