"""The play: timers, cron and people act on a machine, and what really happened is written down.

Law: shares nothing with the code under test. Measured on Debian 12 (real systemd 252, cron, certbot
2.1): a unit's start line to the first line of the log 0.42 s idle, 1.0 s loaded; a cron line to it
0.59 s and 1.3 s; the last line to "Deactivated" 0.10-0.22 s, to the end of cron's session 0.1-0.45 s;
that was opened 1-5 ms before the CMD line, by a parent whose pid is 1-5 lower.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random

from tests.history.acts import History, Said
from tests.history.certbot import Certbot
from tests.history.firings import firings
from tests.history.jobs import Job
from tests.history.scenario import Machine


@dataclass(order=True, slots=True)
class Call:
    """Something about to happen."""

    time: datetime
    number: int
    what: str = field(compare=False)
    who: str = field(compare=False, default="")
    job: Job | None = field(compare=False, default=None)
    arguments: tuple[str, ...] = field(compare=False, default=())
    origin: Said | None = field(compare=False, default=None)


class Play:
    """Plays one machine from its beginning to its end."""

    def __init__(self, machine: Machine, seed: str) -> None:
        self.machine = machine
        self.draw = Random(f"play {seed}")
        self.history = History(machine)
        self.queue: list[Call] = []
        self.numbers = count()
        self.certbot = Certbot(machine, self.draw)
        self.locked = machine.begin - timedelta(days=1)
        self.active: dict[str, datetime] = {}
        self.begun: dict[str, Said] = {}
        self.pid = 400

    def play(self) -> History:
        """Everything that happens, in order of time."""
        for job in self.machine.jobs:
            for moment in firings(job, self.machine, self.draw):
                self.plan(moment, "fire", job.trigger, job)
        self.people()
        self.users_own()
        self.power()
        while self.queue:
            call = heapq.heappop(self.queue)
            if call.time < self.machine.end and self.awake(call):
                getattr(self, f"on_{call.what}")(call)
        self.history.said.sort(key=lambda s: s.time)
        return self.history

    def awake(self, call: Call) -> bool:
        """Did the machine run from what led to an act up to the act?"""
        spell = self.machine.power_at(call.time)
        if spell and spell.power == "suspended" and call.what == "client":
            late = spell.until + timedelta(seconds=self.draw.uniform(0.1, 2))
            self.client(late, call.who, call.job, call.arguments, call.origin)
        if spell:
            return False
        since = call.origin.time if call.origin else call.time
        return not any(s.power == "off" and since < s.since < call.time for s in self.machine.spells)

    def plan(self, time: datetime, what: str, who: str, job: Job | None) -> None:
        """Put an act into the queue."""
        heapq.heappush(self.queue, Call(time, next(self.numbers), what, who, job))

    def client(
        self, time: datetime, who: str, job: Job | None, arguments: tuple[str, ...], origin: Said | None
    ) -> None:
        """Put a call of the client into the queue; only people have a terminal."""
        heapq.heappush(self.queue, Call(time, next(self.numbers), "client", who, job, arguments, origin))

    def lag(self, idle: float, loaded: float) -> timedelta:
        """From a start to certbot's first line: as measured, and now and then on a busy machine."""
        if self.draw.random() < 0.01:
            return timedelta(seconds=self.draw.uniform(loaded, 9))
        return timedelta(seconds=self.draw.uniform(idle, loaded))

    def process(self) -> int:
        """A new process number."""
        self.pid = 400 + (self.pid - 400 + self.draw.randrange(1, 300)) % 32_000
        return self.pid

    def on_fire(self, call: Call) -> None:
        """A trigger fires: its line is logged, and its command begins."""
        job = call.job
        assert job is not None
        if job.unit and self.is_active(job.unit, call.time):
            self.begun[job.unit].twins += (call.who,)  # an active unit is not started again
            return
        origin = self.begin(call.time, call.who, job)
        if job.inert:
            self.over(origin, call.time + timedelta(seconds=self.draw.uniform(0.004, 0.02)), bad=False)
            return
        wait = self.draw.uniform(0, job.sleep) + self.draw.uniform(*job.before)
        lag = self.lag(0.42, 1.0) if job.unit else self.lag(0.59, 1.3)
        self.client(call.time + lag + timedelta(seconds=wait), call.who, job, job.arguments, origin)

    def is_active(self, unit: str, moment: datetime) -> bool:
        """Is a unit under way: started, not ended, and the machine was not off since?"""
        if self.active.get(unit, moment) <= moment:
            return False
        since = self.begun[unit].time
        return not any(s.power == "off" and since < s.since <= moment for s in self.machine.spells)

    def begin(self, time: datetime, who: str, job: Job) -> Said:
        """The lines that a start leaves."""
        if job.unit:
            origin = self.say(time, "start", who, job, pid=self.process())
            origin.invocation = f"{self.draw.getrandbits(128):032x}"
            self.active[job.unit] = time + timedelta(days=1)
            self.begun[job.unit] = origin
            return origin
        if job.anacron:
            return self.say(time, "anacron", who, job, pid=self.process())
        parent = self.process()
        between = self.draw.choice([1, 1, 1, 2, 3, 5])
        if self.machine.crowded and self.draw.random() < 0.5:
            self.neighbour(time, parent, between)
        origin = self.say(time, "cron", who, job, pid=parent + between, parent=parent)
        opened = time - timedelta(seconds=self.draw.uniform(0.001, 0.005))
        self.say(opened, "opened", who, job, pid=parent)
        return origin

    def neighbour(self, time: datetime, parent: int, between: int) -> None:
        """Another job of the same minute, which has nothing to do with certificates."""
        other = parent - 1
        self.say(time - timedelta(seconds=0.004), "opened", "", pid=other)
        self.say(time, "other", "", text="/usr/local/bin/backup", pid=parent + between + 1)
        end = time + timedelta(seconds=self.draw.uniform(0.1, 3600))
        if not any(time < spell.since < end for spell in self.machine.spells):
            self.say(end, "closed", "", pid=other)

    def on_client(self, call: Call) -> None:
        """The command comes to its client, which a lock may turn away."""
        job, origin = call.job, call.origin
        if job and job.checks and self.certbot.due[self.machine.lineages[0]] > call.time:
            self.over(origin, call.time, bad=False)
        elif call.time < self.locked:  # "Another instance of Certbot is already running."
            self.turned_away(call)
            if job and job.unit and origin:
                at = call.time + timedelta(seconds=0.1)
                self.say(at, "locked", "", job, pid=origin.pid).invocation = origin.invocation
            self.over(origin, call.time + timedelta(seconds=0.2), bad=True)
        else:
            run = self.certbot.run(call.who, call.time, call.arguments, call.origin)
            self.history.executions.append(run)
            self.locked = run.ended + timedelta(seconds=0.1)
            if not (run.outcome == "killed" and self.machine.power_at(run.ended)):
                self.over(origin, run.ended, bad=run.outcome in ("failed", "killed"))

    def turned_away(self, call: Call) -> None:
        """Note a cron job that a person's same command, typed in the same seconds, has locked out.

        No log tells the two apart: cron writes no end of its own, and certbot's lock is before its log.
        """
        holder = self.history.executions[-1]
        near = abs(call.time - holder.began) < timedelta(seconds=10)
        if near and call.job and not call.job.unit and call.arguments == holder.arguments:
            holder.twins += (call.who,)

    def over(self, origin: Said | None, moment: datetime, *, bad: bool) -> None:
        """What a trigger's command has begun is at its end."""
        job = origin.job if origin else None
        if job is None or origin is None or origin.word == "sudo":
            return
        after = timedelta(seconds=self.draw.uniform(*job.after))
        if job.unit:
            end = moment + timedelta(seconds=self.draw.uniform(0.1, 0.22)) + after
            self.active[job.unit] = end
            word = "failed" if bad and job.script is None else "end"  # a script's status is its last
            self.say(end, word, "", job).invocation = origin.invocation
        elif origin.word == "anacron":
            self.say(moment + timedelta(seconds=0.2) + after, "anacron-end", "", job, pid=origin.pid)
        else:
            end = moment + timedelta(seconds=self.draw.uniform(0.1, 0.45)) + after
            self.say(end, "closed", "", job, pid=origin.parent)

    def say(
        self,
        moment: datetime,
        word: str,
        who: str,
        job: Job | None = None,
        text: str = "",
        pid: int = 0,
        parent: int = 0,
    ) -> Said:
        """A line for the system's logs; a machine that is off writes none."""
        said = Said(moment, word, who, job, text, pid, parent)
        if self.machine.power_at(moment) is None:
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
        who = "sudo" if self.draw.random() < 0.5 else "shell"
        jobs = [j for j in self.machine.jobs if j.unit if words == "unit"]
        jobs += [j for j in self.machine.jobs if j.script and not j.unit if words == "script"]
        if self.machine.power_at(moment) or not self.machine.begin <= moment < self.machine.end:
            return
        if jobs:
            job = self.draw.choice(jobs)
            self.plan(moment, "unit" if words == "unit" else "script", who, job)
        elif words not in ("unit", "script"):
            arguments = tuple(w for w in words.split() if w != "renew")
            said = self.typed(moment, who, f"certbot {words}")
            self.client(moment + self.lag(0.3, 0.9), who, None, arguments, said)

    def typed(self, moment: datetime, who: str, command: str) -> Said:
        """What a person's command leaves: sudo's line, or that of root's shell history."""
        text = command
        if who == "sudo" and not command.startswith("/"):
            text = f"/usr/bin/{command}"
        return self.say(moment, who, "manual", None, text)

    def on_unit(self, call: Call) -> None:
        """A person starts a unit by hand: ``systemctl start``."""
        assert call.job is not None
        if self.exists(call.job, call.time):
            self.typed(call.time, call.who, f"systemctl start {call.job.unit}")
            call.time += timedelta(seconds=0.05)
            call.who = "manual"
            self.on_fire(call)

    def on_script(self, call: Call) -> None:
        """A person runs the owner's script by hand."""
        job = call.job
        assert job is not None
        assert job.script is not None
        said = self.typed(call.time, call.who, job.script[0])
        if job.checks and self.certbot.due[self.machine.lineages[0]] > call.time:
            return
        before = (0.0, 0.2) if job.kind == "daily" else job.before
        wait = self.lag(0.59, 1.3) + timedelta(seconds=self.draw.uniform(*before))
        self.client(call.time + wait, call.who, None, job.arguments, said)

    @staticmethod
    def exists(job: Job, moment: datetime) -> bool:
        """Does a trigger stand on the machine at a moment?"""
        return (job.since is None or job.since <= moment) and (job.until is None or moment < job.until)

    def power(self) -> None:
        """The lines about the machine's own sleep and boots."""
        for spell in self.machine.spells:
            if spell.power == "suspended":
                self.say(spell.since - timedelta(seconds=0.3), "sleep", "")
            word = "wake" if spell.power == "suspended" else "boot"
            self.say(spell.until + timedelta(seconds=0.2), word, "")

    def users_own(self) -> None:
        """The lines of a user's own certbot.service, whose client writes its log elsewhere."""
        if not self.machine.twin:
            return
        moment = self.machine.begin
        while moment < self.machine.end:
            self.say(moment, "user-start", "", pid=1733)
            self.say(moment + timedelta(seconds=2), "user-end", "", pid=1733)
            moment += timedelta(hours=self.draw.uniform(11, 13))
