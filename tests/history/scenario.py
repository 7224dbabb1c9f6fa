"""What stands on an invented machine: its client, its people, its logs and clocks, drawn from a seed.

Law: shares nothing with the code under test; a trigger's id is only the name by which the answer is
compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Literal
from zoneinfo import ZoneInfo

from tests.history.jobs import (
    NO_SLEEP,
    Job,
    daily_script,
    own_cron,
    own_timer,
    packaged_cron,
    packaged_timer,
    rpm_timer,
)

UTC = timezone.utc
ZONES = ("Europe/Vienna", "Europe/Vienna", "UTC", "America/New_York", "America/Santiago", "Asia/Tokyo")
LINEAGES = ("www.example.org", "mail.example.org", "api.example.org")
Power = Literal["off", "suspended"]


@dataclass(frozen=True, slots=True)
class Client:
    """A certbot: the version its log names."""

    version: str

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    @property
    def sleeps(self) -> bool:
        """Sleeps 1-480 s before the first due lineage if stdin is no terminal: since 0.30.0."""
        return self.number >= (0, 30)

    @property
    def utc(self) -> bool:
        """Writes its log in UTC: up to 0.22 (certbot commit bca0aa48c)."""
        return self.number < (0, 23)


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which the machine was off or suspended."""

    power: Power
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Wrong:
    """A time in which the clock was wrong by so many seconds, until it was set."""

    since: datetime
    until: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine and the span that is played; ``systemd`` and ``iso`` choose the wording of its logs.

    ``zones``: the zone up to a moment, before the one it has today; rsyslog, which asks for the zone
    once, keeps the old one for ``stale`` longer. ``journal``: where the lines are kept. ``histories``:
    does root's bash write histories, with times or without.
    """

    zone: ZoneInfo
    begin: datetime
    end: datetime
    client: Client
    jobs: tuple[Job, ...]
    systemd: int  # version; 0: sysvinit
    iso: bool
    numbered: bool  # certbot's own rotation, else logrotate's
    people: float  # acts a month
    coincidence: bool  # a person acts within a minute of a firing
    rpm: bool = False
    lineages: tuple[str, ...] = ("www.example.org",)
    zones: tuple[tuple[datetime, ZoneInfo], ...] = ()
    stale: timedelta = timedelta(0)
    wrong: tuple[Wrong, ...] = ()
    spells: tuple[Spell, ...] = ()
    upgraded: datetime | None = None  # before: certbot 1.21.0
    journal: Literal["none", "both", "only"] = "none"
    histories: Literal["none", "plain", "dated"] = "none"
    crowded: bool = False  # other cron jobs begin in the same minutes
    twin: bool = False  # a user's own manager has a certbot.service too

    def zone_at(self, moment: datetime) -> ZoneInfo:
        """The machine's time zone at a moment."""
        return next((zone for until, zone in self.zones if moment < until), self.zone)

    def power_at(self, moment: datetime) -> Spell | None:
        """The spell in which a moment lies; ``None``: the machine ran."""
        return next((s for s in self.spells if s.since <= moment < s.until), None)

    def clock(self, moment: datetime) -> datetime:
        """What the machine's clock took a moment for."""
        off = next((w.seconds for w in self.wrong if w.since <= moment < w.until), 0.0)
        return moment + timedelta(seconds=off)


def machine(seed: str, *, longest: int = 60) -> Machine:
    """The machine of a seed; it is played for two weeks to ``longest`` days, now and then for years."""
    draw = Random(seed)
    begin = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(
        days=draw.randrange(700), hours=draw.random() * 24
    )
    days = draw.randrange(400, 800) if draw.random() < 0.01 else draw.randrange(14, longest)
    end = begin + timedelta(days=days)
    systemd = draw.choice([232, 237, 249, 252, 252, 255, 0])
    rpm = systemd == 252 and draw.random() < 0.3
    versions = {232: "0.10.2", 237: "0.27.0", 249: "1.21.0", 252: "2.1.0", 255: "2.9.0", 0: "2.1.0"}
    client = Client("2.6.0" if rpm else versions[systemd])
    jobs = triggers(client, systemd, draw, begin, end, rpm=rpm)
    zone = ZoneInfo(draw.choice(ZONES))
    middle = (begin + (end - begin) / 2).astimezone(zone).replace(hour=0, minute=1, second=0)
    # at a moment when nothing is pending: an upgrade leaves the timer's reckoning alone
    upgraded = middle.astimezone(UTC) if client.version == "2.1.0" and draw.random() < 0.2 else None
    if upgraded:
        jobs = [part for job in jobs for part in halves(job, upgraded)]
    iso = systemd >= 252 and not rpm
    base = Machine(
        zone, begin, end, client, tuple(jobs), systemd, iso,
        numbered=draw.random() < (0.9 if rpm else 0.4), people=draw.choice([0, 1, 4]),
        coincidence=draw.random() < 0.15, rpm=rpm, upgraded=upgraded,
        lineages=LINEAGES[: draw.choice([1, 1, 1, 2, 3])],
        histories=draw.choice(["none", "none", "plain", "dated"]),
        crowded=draw.random() < 0.3, twin=systemd > 0 and draw.random() < 0.05,
        journal=draw.choice(["none", "both", "only"]) if systemd >= 249 and not rpm else "none",
    )  # fmt: skip
    return with_clocks(with_power(base, draw), draw)


def triggers(
    client: Client, systemd: int, draw: Random, begin: datetime, end: datetime, *, rpm: bool
) -> list[Job]:
    """The package's triggers, and with luck one or two of the owner's."""
    found = [] if rpm else [packaged_cron(client.version, inert=systemd > 0)]
    if systemd and draw.random() < 0.9:
        timer = rpm_timer() if rpm else packaged_timer(client.version)
        # a migration: the package that brings the timer arrives
        arrives = draw.random() < 0.15
        found.append(replace(timer, since=begin + (end - begin) * draw.random()) if arrives else timer)
    if draw.random() < 0.5:
        found.append(own_cron(draw))
    if draw.random() < 0.15:
        found.append(daily_script(draw, rpm=rpm))
    if systemd and draw.random() < 0.3:
        found.append(own_timer(draw))
    if draw.random() < 0.07:
        old = Job("gone", "cron", "/opt/old/renew", ("-q",), ((2, 11),), gone=True)
        found.append(replace(old, until=begin + (end - begin) / 2))
    return found


def close_by(base: Machine, seed: str) -> Machine:
    """A machine with more of its owner's triggers, nearly all of which fire in the same few minutes.

    There it happens every day that one run could be another trigger's.
    """
    draw = Random(f"close by {seed}")
    more = [own_cron(draw)]
    more += [own_timer(draw)] if base.systemd else []
    more += [daily_script(draw, rpm=base.rpm)] if draw.random() < 0.4 else []
    known = {job.trigger for job in base.jobs}
    jobs = (*base.jobs, *(job for job in more if job.trigger not in known))
    hour, minute = draw.randrange(24), draw.randrange(60)
    return replace(
        base,
        jobs=tuple(moved(job, hour, minute, Random(f"{seed} {job.trigger}")) for job in jobs),
        coincidence=draw.random() < 0.4,
    )


def moved(job: Job, hour: int, minute: int, draw: Random) -> Job:
    """A trigger set to about a time, unless it is gone or, mostly, the package's."""
    if job.gone or (job.packaged and (job.kind != "timer" or draw.random() < 0.3)):
        return job
    if job.kind != "timer":
        return replace(job, times=((hour, max(0, minute - draw.choice([0, 0, 0, 1, 2, 5]))),))
    day = job.calendar.partition("*-*-*")[0]
    return replace(
        job, times=((hour, minute),), delay=draw.choice([0, 30, 60, 120]),
        calendar=f"{day}*-*-* {hour:02}:{minute:02}:00",
    )  # fmt: skip


def halves(job: Job, moment: datetime) -> list[Job]:
    """A package's job before and after an upgrade that added a flag to its command."""
    if NO_SLEEP not in job.arguments or not job.packaged:
        return [job]
    if job.since and job.since > moment:
        return [job]
    return [job.old(moment), replace(job, since=moment)]


def with_power(machine: Machine, draw: Random) -> Machine:
    """Reboots of a minute or two, a machine that is off for days, one that is suspended every night."""
    days = (machine.end - machine.begin).days
    kind = draw.choices(["steady", "reboots", "off", "nights"], [75, 12, 8, 5])[0]
    found: list[Spell] = []
    if kind == "reboots":
        for _ in range(max(1, days // 20)):
            at = machine.begin + timedelta(days=draw.uniform(0, days))
            found.append(Spell("off", at, at + timedelta(seconds=draw.uniform(20, 150))))
    elif kind == "off":
        at = machine.begin + timedelta(days=draw.uniform(0, days))
        found.append(Spell("off", at, at + timedelta(days=draw.uniform(0.1, 3))))
    elif kind == "nights":
        for day in range(days):
            at = machine.begin + timedelta(days=day, hours=draw.uniform(0, 3))
            found.append(Spell("suspended", at, at + timedelta(hours=draw.uniform(1, 12))))
    found.sort(key=lambda spell: spell.since)
    apart = [s for n, s in enumerate(found) if n == 0 or found[n - 1].until < s.since]
    return replace(machine, spells=tuple(apart))


def with_clocks(machine: Machine, draw: Random) -> Machine:
    """Wrong clocks and changes of the zone.

    A step of an NTP client after a start with a bad clock; a machine without a clock of its own, which
    begins where it stopped (fake-hwclock(8)) until the network is there; an admin who sets the zone.
    """
    span = machine.end - machine.begin
    wrong: list[Wrong] = []
    if draw.random() < 0.06:
        wrong.append(Wrong(machine.begin, machine.begin + span * draw.random(), draw.uniform(-90, 90)))
    elif draw.random() < 0.3:
        for spell in machine.spells:
            behind = (spell.until - spell.since).total_seconds()
            if spell.power == "off":
                until = spell.until + timedelta(seconds=draw.uniform(15, 60))
                wrong.append(Wrong(spell.until, until, -behind))
    zones: tuple[tuple[datetime, ZoneInfo], ...] = ()
    if draw.random() < 0.05:
        zones = ((machine.begin + span * draw.random(), ZoneInfo(draw.choice(ZONES))),)
    stale = timedelta(days=draw.choice([0, 0, draw.uniform(0, 9)]))
    return replace(machine, wrong=tuple(wrong), zones=zones, stale=stale if zones else timedelta(0))
