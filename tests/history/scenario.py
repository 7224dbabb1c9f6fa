"""What stands on an invented machine: its triggers, its client, its people, drawn from a seed.

Law: shares nothing with the code under test; a trigger's id is only the name by which the answer is
compared. Commands and calendars are those of the packages named beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

UTC = timezone.utc
PERL = "perl -e 'sleep int(rand(43200))'"
GUARD = "test -x /usr/bin/certbot -a \\! -d /run/systemd/system"
CHECK = "openssl x509 -checkend 2592000 -noout -in /etc/letsencrypt/live/www.example.org/cert.pem"
NO_SLEEP = "--no-random-sleep-on-renew"
Kind = Literal["timer", "cron"]


@dataclass(frozen=True, slots=True)
class Client:
    """A certbot: the version its log names, and where it is."""

    version: str
    program: str = "/usr/bin/certbot"

    @property
    def sleeps(self) -> bool:
        """Sleeps 1-480 s before the first due lineage if stdin is no terminal: since 0.30.0."""
        return self.version != "0.27.0"


@dataclass(frozen=True, slots=True)
class Job:
    """One trigger: when it fires (local wall clock), what it runs, how that behaves.

    ``delay`` is RandomizedDelaySec, ``sleep`` what the command sleeps at most before its client,
    ``before`` and ``after`` bound a wrapper's other work; ``checks`` calls the client only when due;
    ``inert``: the command ends before the client on this machine.
    """

    trigger: str
    kind: Kind
    command: str
    arguments: tuple[str, ...]
    times: tuple[tuple[int, int], ...]
    weekday: int | None = None
    delay: float = 0
    unit: str | None = None
    description: str = ""
    script: tuple[str, str] | None = None
    sleep: float = 0
    before: tuple[float, float] = (0, 0)
    after: tuple[float, float] = (0, 0)
    checks: bool = False
    inert: bool = False
    calendar: str = ""
    since: datetime | None = None
    until: datetime | None = None
    gone: bool = False  # no trace of it on the machine today

    def old(self, until: datetime) -> Job:
        """The same trigger as it was before a flag was added to its command."""
        command = self.command.replace(f" {NO_SLEEP}", "")
        arguments = tuple(word for word in self.arguments if word != NO_SLEEP)
        return replace(self, command=command, arguments=arguments, until=until)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine and the span that is played; ``systemd`` and ``iso`` choose the wording of its logs."""

    zone: ZoneInfo
    begin: datetime
    end: datetime
    client: Client
    jobs: tuple[Job, ...]
    systemd: int  # version; 0: sysvinit
    iso: bool
    numbered: bool  # certbot's own rotation, else Debian's logrotate
    people: float  # acts a month
    coincidence: bool  # a person acts within a minute of a firing
    step: tuple[datetime, float] | None = None  # until then the clock is wrong by so many seconds
    downtime: tuple[datetime, datetime] | None = None
    upgraded: datetime | None = None  # before: certbot 1.21.0


def arguments_of(command: str) -> tuple[str, ...]:
    """What certbot logs of a command line: its words without the program and the verb."""
    return tuple(word for word in command.split()[1:] if word not in ("renew", "certonly"))


def packaged_timer(client: Client, systemd: int) -> Job:
    """Debian's certbot.timer: twice daily, spread over 12 hours (1.21 sleeps, 2.1 and 2.9 do not)."""
    flag = "" if client.version < "2" else f" {NO_SLEEP}"
    command = f"/usr/bin/certbot -q renew{flag}"
    return Job(
        "timer:certbot.timer", "timer", command, arguments_of(command), ((0, 0), (12, 0)),
        delay=43200, unit="certbot.service", description="Certbot", calendar="*-*-* 00,12:00:00",
    )  # fmt: skip


def packaged_cron(client: Client, *, inert: bool) -> Job:
    """Debian's /etc/cron.d/certbot: logged twice a day, and dead where systemd is PID 1."""
    flag = "" if client.version < "2" else f" {NO_SLEEP}"
    command = f"{GUARD} && {PERL} && certbot -q renew{flag}"
    return Job(
        "cron:/etc/cron.d/certbot:1", "cron", command, ("-q", NO_SLEEP) if flag else ("-q",),
        ((0, 0), (12, 0)), sleep=43200, inert=inert,
    )  # fmt: skip


def own_cron(draw: Random) -> Job:
    """A line of the owner's: the client itself, a sleep before it, or a wrapper."""
    hour, minute = draw.choice([(0, 0), (3, 0), (12, 0), (draw.randrange(24), draw.randrange(60))])
    times = draw.choice([((hour, minute),), ((hour, minute), ((hour + 12) % 24, minute))])
    weekday = draw.choice([None, None, draw.randrange(7)])
    call = draw.choice(
        [
            "certbot renew",
            "certbot -q renew",
            "/usr/bin/certbot renew --quiet",
            f"certbot -q renew {NO_SLEEP}",
        ]
    )
    form = draw.choice(["direct", "sleep", "wrapper", "wrapper", "checks", "checks"])
    base = Job("cron:/etc/cron.d/renew:1", "cron", call, arguments_of(call), times, weekday)
    if form == "direct":
        return base
    if form == "sleep":
        return replace(base, command=f"sleep $((RANDOM % 3600)); {call}", sleep=3600)
    return wrapped(base, call, draw, checks=form == "checks")


def wrapped(base: Job, call: str, draw: Random, *, checks: bool) -> Job:
    """A job whose command is a script of the owner's that calls the client and then copies."""
    path = f"/usr/local/sbin/renew-{base.kind}.sh"
    body = f"if ! {CHECK}; then\n  {call}\nfi\n" if checks else f"{call}\n"
    before = draw.choice([(0.0, 0.2), (0.0, 0.2), (20.0, 90.0)])
    work = "apt-get -q update\n" if before[1] > 1 else ""
    text = f"#!/bin/sh\n{work}{body}rsync -a /etc/letsencrypt/live/ host1.example.org:/srv/tls/\n"
    return replace(
        base, command=path, script=(path, text), checks=checks, before=before, after=(0.2, 20.0)
    )


def own_timer(draw: Random) -> Job:
    """A timer of the owner's; half of them are called as Debian's service is."""
    command = draw.choice(["/usr/bin/certbot renew", "/usr/bin/certbot -q renew --force-renewal"])
    hour = draw.choice([0, 4, 12])
    weekday = 6 if "force" in command else draw.choice([None, 0])
    day = "" if weekday is None else ("Mon " if weekday == 0 else "Sun ")
    base = Job(
        "timer:renew-wildcard.timer", "timer", command, arguments_of(command), ((hour, 30),), weekday,
        delay=draw.choice([0, 600]), unit="renew-wildcard.service",
        description=draw.choice(["Certbot", "Renew the wildcard"]),
        calendar=f"{day}*-*-* {hour:02}:30:00",
    )  # fmt: skip
    return wrapped(base, command, draw, checks=False) if draw.random() < 0.5 else base


def machine(seed: str, *, longest: int = 60) -> Machine:
    """The machine of a seed; it is played for two weeks to ``longest`` days."""
    draw = Random(seed)
    zone = ZoneInfo(draw.choice(["Europe/Vienna", "UTC", "America/New_York"]))
    begin = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(
        days=draw.randrange(700), hours=draw.random() * 24
    )
    span = timedelta(days=draw.randrange(14, longest))
    systemd = draw.choice([237, 249, 252, 252, 255, 0])
    version = {237: "0.27.0", 249: "1.21.0", 252: "2.1.0", 255: "2.9.0", 0: "2.1.0"}[systemd]
    client = Client(version)
    jobs = list(triggers(client, systemd, draw))
    upgraded = begin + span / 2 if version == "2.1.0" and draw.random() < 0.2 else None
    if upgraded:
        jobs = [part for job in jobs for part in halves(job, upgraded)]
    if draw.random() < 0.07:
        gone = Job(
            "gone", "cron", "/opt/old/renew", ("-q",), ((2, 11),), gone=True, until=begin + span / 2
        )
        jobs.append(gone)
    late = begin + span * draw.random()
    return Machine(
        zone, begin, begin + span, client, tuple(jobs), systemd, systemd >= 252,
        numbered=draw.random() < 0.4, people=draw.choice([0, 1, 4]), coincidence=draw.random() < 0.15,
        step=(late, draw.uniform(-90, 90)) if draw.random() < 0.06 else None,
        downtime=(late, late + timedelta(days=draw.uniform(0.1, 3))) if draw.random() < 0.1 else None,
        upgraded=upgraded,
    )  # fmt: skip


def triggers(client: Client, systemd: int, draw: Random) -> list[Job]:
    """The package's triggers, and with luck one or two of the owner's."""
    found = [packaged_cron(client, inert=systemd > 0)]
    if systemd and draw.random() < 0.9:
        found.append(packaged_timer(client, systemd))
    if draw.random() < 0.6:
        found.append(own_cron(draw))
    if systemd and draw.random() < 0.3:
        found.append(own_timer(draw))
    return found


def halves(job: Job, moment: datetime) -> list[Job]:
    """A package's job before and after an upgrade that added a flag to its command."""
    if NO_SLEEP not in job.arguments or job.trigger.endswith(("renew:1", "wildcard.timer")):
        return [job]
    return [job.old(moment), replace(job, since=moment)]
