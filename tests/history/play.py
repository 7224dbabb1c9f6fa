"""The play: timers, cron, people and certbot act on a machine, and what really happened is written down.

Law: shares nothing with the code under test. Measured on Debian 12 (real systemd 252, cron, certbot
2.1): a unit's start line to the first line of the log 0.42 s idle, 1.0 s loaded; a cron line to it
0.59 s and 1.3 s; the last line to "Deactivated" 0.10-0.22 s; one certificate by dns-01 3-6 s. certbot's
sleep is ``random.uniform(1, 480)``, before the first lineage that is due, unless stdin is a terminal.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count
from random import Random

from tests.history.scenario import NO_SLEEP, UTC, Job, Machine

LIFE = timedelta(days=60)  # from a renewal until the next is due


@dataclass(slots=True)
class Said:
    """A line that a system log got: ``word`` is start, end, failed, cron, sudo; ``who`` is the truth."""

    time: datetime
    word: str
    who: str
    job: Job | None = None
    text: str = ""
    twins: tuple[str, ...] = ()  # timers that elapsed while their unit, started by this, was active


@dataclass(slots=True)
class Execution:
    """One run of certbot that wrote a log."""

    who: str
    began: datetime
    ended: datetime
    arguments: tuple[str, ...]
    version: str
    outcome: str  # not_due, renewed, failed, killed, simulated, listing
    slept: float = 0
    generation: int = 0
    origin: Said | None = None  # the line that says what started it
    twins: tuple[str, ...] = ()  # triggers whose own call, alike in all that is logged, it locked out


@dataclass(slots=True)
class History:
    """What happened: the executions in order, and the lines of the system's logs."""

    machine: Machine
    executions: list[Execution] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)


@dataclass(order=True, slots=True)
class Call:
    """Something about to happen."""

    time: datetime
    number: int
    what: str = field(compare=False)
    who: str = field(compare=False, default="")
    job: Job | None = field(compare=False, default=None)
    arguments: tuple[str, ...] = field(compare=False, default=())
    tty: bool = field(compare=False, default=False)
    origin: Said | None = field(compare=False, default=None)


class Play:
    """Plays one machine from its beginning to its end."""

    def __init__(self, machine: Machine, seed: str) -> None:
        self.machine = machine
        self.draw = Random(f"play {seed}")
        self.history = History(machine)
        self.queue: list[Call] = []
        self.numbers = count()
        self.due = machine.begin + timedelta(days=self.draw.uniform(0, 30))
        self.generation = self.draw.randrange(1, 9)
        self.locked = machine.begin
        self.active: dict[str, datetime] = {}
        self.begun: dict[str, Said] = {}

    def play(self) -> History:
        """Everything that happens, in order of time."""
        for job in self.machine.jobs:
            for moment in firings(job, self.machine, self.draw):
                self.plan(moment, "fire", job.trigger, job)
        self.people()
        while self.queue:
            call = heapq.heappop(self.queue)
            if call.time < self.machine.end and not self.down(call.time):
                getattr(self, f"on_{call.what}")(call)
        self.history.said.sort(key=lambda s: s.time)
        return self.history

    def plan(self, time: datetime, what: str, who: str, job: Job | None) -> None:
        """Put an act into the queue."""
        heapq.heappush(self.queue, Call(time, next(self.numbers), what, who, job))

    def client(
        self, time: datetime, who: str, job: Job | None, arguments: tuple[str, ...], origin: Said | None
    ) -> None:
        """Put a call of the client into the queue; only people have a terminal."""
        tty = who in ("sudo", "shell")
        call = Call(time, next(self.numbers), "client", who, job, arguments, tty, origin)
        heapq.heappush(self.queue, call)

    def down(self, moment: datetime) -> bool:
        """Is the machine off?"""
        off = self.machine.downtime
        return off is not None and off[0] <= moment < off[1]

    def lag(self, idle: float, loaded: float) -> timedelta:
        """From a start to certbot's first line: as measured, and now and then on a busy machine."""
        if self.draw.random() < 0.01:
            return timedelta(seconds=self.draw.uniform(loaded, 9))
        return timedelta(seconds=self.draw.uniform(idle, loaded))

    def on_fire(self, call: Call) -> None:
        """A trigger fires: its line is logged, and its command begins."""
        job = call.job
        assert job is not None
        if job.unit and self.active.get(job.unit, call.time) > call.time:
            self.begun[job.unit].twins += (call.who,)  # an active unit is not started again
            return
        origin = self.say(call.time, "start" if job.unit else "cron", call.who, job)
        if job.unit:
            self.active[job.unit] = call.time + timedelta(days=1)
            self.begun[job.unit] = origin
        if job.inert:
            return
        wait = self.draw.uniform(0, job.sleep) + self.draw.uniform(*job.before)
        lag = self.lag(0.42, 1.0) if job.unit else self.lag(0.59, 1.3)
        self.client(call.time + lag + timedelta(seconds=wait), call.who, job, job.arguments, origin)

    def on_client(self, call: Call) -> None:
        """The command comes to its client, which a lock may turn away."""
        job = call.job
        if job and job.checks and self.due > call.time:
            self.over(job, call.time, bad=False)
        elif call.time < self.locked:  # "Another instance of Certbot is already running."
            self.turned_away(call)
            self.over(job, call.time + timedelta(seconds=0.2), bad=True)
        else:
            run = self.run(call)
            self.history.executions.append(run)
            self.locked = run.ended + timedelta(seconds=0.1)
            self.over(job, run.ended, bad=run.outcome in ("failed", "killed"))

    def turned_away(self, call: Call) -> None:
        """Note a cron job that a person's same command, typed in the same seconds, has locked out.

        No log tells the two apart: cron writes no end, and certbot's lock is before its log.
        """
        holder = self.history.executions[-1]
        near = abs(call.time - holder.began) < timedelta(seconds=10)
        if near and call.job and not call.job.unit and call.arguments == holder.arguments:
            holder.twins += (call.who,)

    def over(self, job: Job | None, moment: datetime, *, bad: bool) -> None:
        """A unit's command has ended."""
        if job and job.unit:
            bad = bad and job.script is None  # a script's status is that of its last command
            end = moment + timedelta(
                seconds=self.draw.uniform(0.1, 0.22) + self.draw.uniform(*job.after)
            )
            self.active[job.unit] = end
            self.say(end, "failed" if bad else "end", "", job)

    def run(self, call: Call) -> Execution:
        """What certbot does once it has the lock."""
        old = self.machine.upgraded is not None and call.time < self.machine.upgraded
        version = "1.21.0" if old else self.machine.client.version
        dry, forced = "--dry-run" in call.arguments, "--force-renewal" in call.arguments
        ended = call.time + timedelta(seconds=self.draw.uniform(0.3, 2.5))
        who = "manual" if call.tty else call.who
        run = Execution(who, call.time, ended, call.arguments, version, "not_due", origin=call.origin)
        if dry or not (forced or self.due <= call.time):
            return replace(run, outcome="simulated" if dry else "not_due")
        if not call.tty and self.machine.client.sleeps and NO_SLEEP not in call.arguments:
            run.slept = self.draw.uniform(1, 480)
        work = self.draw.choice([self.draw.uniform(3, 6), self.draw.uniform(30, 130)])
        run.ended = ended + timedelta(seconds=run.slept + work)
        run.outcome = self.draw.choices(["renewed", "failed", "killed"], [85, 13, 2])[0]
        if run.outcome == "renewed":
            self.generation += 1
            self.due = run.ended + LIFE
            run.generation = self.generation
        return run

    def say(self, moment: datetime, word: str, who: str, job: Job | None, text: str = "") -> Said:
        """A line for the system's logs."""
        said = Said(moment, word, who, job, text)
        self.history.said.append(said)
        return said

    def people(self) -> None:
        """When people act, and what they do."""
        span = self.machine.end - self.machine.begin
        mean = self.machine.people * span.days / 30
        for _ in range(int(mean) + (self.draw.random() < mean % 1)):
            self.person(self.machine.begin + span * self.draw.random())
        fires = [call.time for call in self.queue if call.what == "fire"]
        if self.machine.coincidence and fires:
            self.person(self.draw.choice(fires) + timedelta(seconds=self.draw.uniform(-20, 70)))

    def person(self, moment: datetime) -> None:
        """One act of a person: in a root shell, which no log tells of, or with sudo."""
        words = self.draw.choices(
            ["renew", "renew --dry-run", "renew --force-renewal", "-q renew", "unit", "script"],
            [40, 20, 10, 4, 8, 8],
        )[0]
        sudo = self.draw.random() < 0.5
        jobs = [j for j in self.machine.jobs if j.unit if words == "unit"]
        jobs += [j for j in self.machine.jobs if j.script and not j.unit if words == "script"]
        if jobs:
            job = self.draw.choice(jobs)
            self.plan(moment, "unit" if words == "unit" else "script", "sudo" if sudo else "shell", job)
        elif words not in ("unit", "script"):
            arguments = tuple(w for w in words.split() if w != "renew")
            said = (
                self.say(moment, "sudo", "manual", None, f"/usr/bin/certbot {words}") if sudo else None
            )
            self.client(moment + self.lag(0.3, 0.9), "sudo" if sudo else "shell", None, arguments, said)

    def on_unit(self, call: Call) -> None:
        """A person starts a unit by hand: ``systemctl start``."""
        assert call.job is not None
        if call.who == "sudo":
            self.say(call.time, "sudo", "manual", None, f"/usr/bin/systemctl start {call.job.unit}")
        call.time += timedelta(seconds=0.05)
        call.who = "manual"
        self.on_fire(call)

    def on_script(self, call: Call) -> None:
        """A person runs the owner's script by hand."""
        assert call.job is not None
        job = call.job
        said = self.say(call.time, "sudo", "manual", None, job.command) if call.who == "sudo" else None
        if job.checks and self.due > call.time:
            return
        wait = self.lag(0.59, 1.3) + timedelta(seconds=self.draw.uniform(*job.before))
        self.client(call.time + wait, call.who, None, job.arguments, said)


def firings(job: Job, machine: Machine, draw: Random) -> Iterator[datetime]:
    """When a trigger fires: local times, each delayed by a random part of ``delay``.

    A timer's delay is drawn for each elapse (systemd.timer(5)); a unit is woken within AccuracySec,
    a minute; cron begins a minute's jobs within its first second or two.
    """
    begin = max(machine.begin, job.since or machine.begin)
    end = min(machine.end, job.until or machine.end)
    day = begin.astimezone(machine.zone).date() - timedelta(days=1)
    last = end.astimezone(machine.zone).date()
    while day <= last:
        for moment in times_on(day, job, machine):
            spread = (
                draw.uniform(0, job.delay) + draw.uniform(0, 60) if job.unit else draw.uniform(0, 1.2)
            )
            fires = moment + timedelta(seconds=spread)
            if begin <= moment < end and fires < machine.end:
                yield caught_up(fires, job, machine)
        day += timedelta(days=1)


def caught_up(moment: datetime, job: Job, machine: Machine) -> datetime:
    """A persistent timer that should have fired while the machine was off fires after its start."""
    off = machine.downtime
    if off is None or not job.delay or not off[0] <= moment < off[1]:
        return moment
    return off[1] + timedelta(seconds=20) if off[1] - moment < timedelta(hours=12) else moment


def times_on(day: date, job: Job, machine: Machine) -> Iterator[datetime]:
    """The firings of one local day, before any delay."""
    if job.weekday is not None and day.weekday() != job.weekday:
        return
    for hour, minute in job.times:
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=machine.zone)
        yield local.astimezone(UTC)
