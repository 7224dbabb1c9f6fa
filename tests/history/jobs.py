"""The triggers of an invented machine: what fires when, what it runs, and how that behaves.

Law: shares nothing with the code under test. Commands and calendars are those of the packages named
beside them (Debian's certbot 0.10 to 2.9, EPEL's certbot, Debian's crontab); the owner's are invented.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Literal

PERL = "perl -e 'sleep int(rand(43200))'"
GUARD = "test -x /usr/bin/certbot -a \\! -d /run/systemd/system"
CHECK = "openssl x509 -checkend 2592000 -noout -in /etc/letsencrypt/live/www.example.org/cert.pem"
NO_SLEEP = "--no-random-sleep-on-renew"
RUN_PARTS = "test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )"
EPEL = "This service automatically renews any certbot certificates found"
Kind = Literal["timer", "cron", "daily"]


@dataclass(frozen=True, slots=True)
class Job:
    """One trigger: when it fires (local wall clock), what it runs, how that behaves.

    ``delay`` is RandomizedDelaySec, ``sleep`` what the command sleeps at most before its client,
    ``before`` and ``after`` bound a wrapper's other work; ``checks`` calls the client only when due;
    ``inert``: the command ends before the client on this machine. ``anacron`` names the job that runs
    a script of cron.daily, where that is anacron's.
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
    packaged: bool = False
    anacron: str | None = None

    def old(self, until: datetime) -> Job:
        """The same trigger as it was before a flag was added to its command."""
        command = self.command.replace(f" {NO_SLEEP}", "")
        arguments = tuple(word for word in self.arguments if word != NO_SLEEP)
        return replace(self, command=command, arguments=arguments, until=until)


def arguments_of(command: str) -> tuple[str, ...]:
    """What certbot logs of a command line: its words without the program and the verb."""
    return tuple(word for word in command.split()[1:] if word not in ("renew", "certonly"))


def packaged_timer(version: str) -> Job:
    """Debian's certbot.timer: twice daily, spread over 12 hours (1.21 sleeps, 2.1 and 2.9 do not)."""
    flag = "" if version < "2" else f" {NO_SLEEP}"
    command = f"/usr/bin/certbot -q renew{flag}"
    return Job(
        "timer:certbot.timer", "timer", command, arguments_of(command), ((0, 0), (12, 0)),
        delay=43200, unit="certbot.service", description="Certbot", calendar="*-*-* 00,12:00:00",
        packaged=True,
    )  # fmt: skip


def rpm_timer() -> Job:
    """EPEL 9's certbot-renew.timer, once somebody has enabled it."""
    command = f"/usr/bin/certbot renew --noninteractive {NO_SLEEP}"
    return Job(
        "timer:certbot-renew.timer", "timer", command, arguments_of(command), ((0, 0), (12, 0)),
        delay=43200, unit="certbot-renew.service", description=EPEL, calendar="*-*-* 00/12:00:00",
        packaged=True,
    )  # fmt: skip


def packaged_cron(version: str, *, inert: bool) -> Job:
    """Debian's /etc/cron.d/certbot: logged twice a day, and dead where systemd is PID 1."""
    flag = "" if version < "2" else f" {NO_SLEEP}"
    command = f"{GUARD} && {PERL} && certbot -q renew{flag}"
    return Job(
        "cron:/etc/cron.d/certbot:1", "cron", command, ("-q", NO_SLEEP) if flag else ("-q",),
        ((0, 0), (12, 0)), sleep=43200, inert=inert, packaged=True,
    )  # fmt: skip


def own_cron(draw: Random) -> Job:
    """A line of the owner's: the client itself, a sleep before it, or a wrapper."""
    hour, minute = draw.choice(
        [(0, 0), (3, 0), (12, 0), (2, 30), (draw.randrange(24), draw.randrange(60))]
    )
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


def daily_script(draw: Random, *, rpm: bool) -> Job:
    """A script of the owner's in /etc/cron.daily: cron runs them in order, or anacron where it is there.

    cronie's anacron starts between 3:01 and 3:46 (RANDOM_DELAY=45, five minutes after cron.hourly).
    """
    call = draw.choice(["certbot renew", "certbot -q renew"])
    path = "/etc/cron.daily/renew"
    text = f"#!/bin/sh\n{call}\n"
    hour, minute = (3, draw.randrange(6, 52)) if rpm else (6, 25)
    return Job(
        f"run-parts:{path}", "daily", RUN_PARTS, arguments_of(call), ((hour, minute),),
        script=(path, text), before=(0.3, 40), after=(0.1, 30), anacron="cron.daily" if rpm else None,
    )  # fmt: skip


def own_timer(draw: Random) -> Job:
    """A timer of the owner's; half of them are called as Debian's service is."""
    command = draw.choice(["/usr/bin/certbot renew", "/usr/bin/certbot -q renew --force-renewal"])
    hour = draw.choice([0, 2, 4, 12])
    weekday = 6 if "force" in command else draw.choice([None, 0])
    day = "" if weekday is None else ("Mon " if weekday == 0 else "Sun ")
    base = Job(
        "timer:renew-wildcard.timer", "timer", command, arguments_of(command), ((hour, 30),), weekday,
        delay=draw.choice([0, 600]), unit="renew-wildcard.service",
        description=draw.choice(["Certbot", "Renew the wildcard"]),
        calendar=f"{day}*-*-* {hour:02}:30:00",
    )  # fmt: skip
    return wrapped(base, command, draw, checks=False) if draw.random() < 0.5 else base
