"""The code under test asked about a history, and its answers compared with the truth.

Law: the only module here that knows both sides. An answer is tied to what really happened by the
file and line of the evidence it cites.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from certaudit.facts import Candidate
from certaudit.linking import ledger, starts
from certaudit.linking.paths import Linked
from certaudit.linking.starts import Observed
from certaudit.model import Evidence, Run, Schedule
from certaudit.parsers import events, syslog
from certaudit.parsers.letsencrypt_log import LogPart, parse_logs
from tests.history.play import Execution, History
from tests.history.scenario import Job, Machine
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
    joined = starts.join(observed, descriptions(machine))
    since = min((o.time for o in observed), default=None)
    horizon = ledger.Horizon(min((r.first_seen for r in parsed), default=None), since)
    standing = {job.trigger: job for job in machine.jobs if not job.gone}
    for run in ledger.runs(parsed, joined, linked(machine, stamps(history)), horizon):
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
    return any(
        said is run.origin
        for said in logs.starts.values()
        if said.job is None or said.job.unit or known(said.job, standing)
    )


def known(job: Job, standing: dict[str, Job]) -> bool:
    """Does a cron line stand on the machine as it stood when it was logged?"""
    return job.trigger in standing and standing[job.trigger].command == job.command


def observations(logs: Logs, machine: Machine) -> Iterator[Observed]:
    """The lines of the system's logs that report something."""
    for files in logs.system.values():
        texts = [syslog.LogText(f.where, list(enumerate(f.lines, 1)), f.written) for f in files]
        for line in syslog.parse_lines(texts, machine.zone, machine.end).lines:
            event = events.classify(line)
            if event is not None:
                yield Observed(line.time, event, Evidence(line.where, line.line, line.text, line.time))


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
    if job.kind == "cron":
        file = job.trigger.split(":")[1]
        base = makers.cron(job.command, file=file)
        return replace(base, trigger=replace(base.trigger, schedule=Schedule((cron_times(job),))))
    base = makers.timer(job.command, name=job.trigger[len("timer:") : -len(".timer")])
    gap = (86_400 / len(job.times) if job.weekday is None else 7 * 86_400) + job.delay
    schedule = Schedule((job.calendar,), job.delay, persistent=job.delay > 0, longest_gap=gap)
    return replace(base, trigger=replace(base.trigger, schedule=schedule))


def cron_times(job: Job) -> str:
    """The five fields of a crontab line."""
    hours = ",".join(str(hour) for hour, _ in job.times)
    weekday = "*" if job.weekday is None else str((job.weekday + 1) % 7)
    return f"{job.times[0][1]} {hours} * * {weekday}"
