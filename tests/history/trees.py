"""A history as a whole machine: a Debian 12 tree with its units, crontabs, stamp and logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.history.acts import History
from tests.history.scenario import Machine
from tests.history.texts import File, Logs


def fits_debian_12(machine: Machine) -> bool:
    """Can a machine be built on the fixture of a stock Debian 12, whose own timer is as shipped?"""
    known = {"timer:certbot.timer", "cron:/etc/cron.d/certbot:1", "cron:/etc/cron.d/renew:1"}
    triggers = {job.trigger for job in machine.jobs}
    odd = machine.wrong or machine.zones or machine.spells or machine.upgraded or machine.rpm
    stock = machine.systemd == 252 and not odd and machine.journal == "none" and not machine.twin
    simple = len(machine.lineages) == 1 and all(job.since is None for job in machine.jobs)
    return stock and simple and "timer:certbot.timer" in triggers and triggers <= known


def tree(history: History, logs: Logs, stamp: str | None) -> str:
    """The machine's text, to build and to audit; ``stamp`` is when certbot.timer fired last."""
    return "\n".join(lines(history.machine, logs, stamp)) + "\n"


def lines(machine: Machine, logs: Logs, stamp: str | None) -> Iterator[str]:
    """The text line by line."""
    begin = machine.begin.replace(microsecond=0).isoformat()
    yield f"as-of {machine.end.replace(microsecond=0).isoformat()}"
    yield "include ../base/debian-12.machine"
    yield f"born {begin}"
    yield "host hogehoge"
    yield f"zone {machine.zone.key}"
    yield "lineage www.example.org names=www.example.org"
    yield f"generation www.example.org 1 from={begin} days=90"
    yield "conf www.example.org version=2.1.0 authenticator=webroot webroot_path=/var/www/html,"
    if stamp:
        yield f"file /var/lib/systemd/timers/stamp-certbot.timer mtime={stamp}"
    for job in machine.jobs:
        if job.trigger.startswith("cron:/etc/cron.d/renew"):
            minute = job.times[0][1]
            hours = ",".join(str(hour) for hour, _ in job.times)
            weekday = "*" if job.weekday is None else str((job.weekday + 1) % 7)
            yield from content(
                "file /etc/cron.d/renew", [f"{minute} {hours} * * {weekday} root {job.command}"]
            )
        if job.script:
            yield from content(f"file {job.script[0]} 0755", job.script[1].splitlines())
    yield from log_files(logs, machine)


def log_files(logs: Logs, machine: Machine) -> Iterator[str]:
    """Every log file, compressed where its name says so."""
    yield "dir /var/log/letsencrypt 0700"
    families: Iterable[list[File]] = [logs.client, *logs.system.values(), logs.histories]
    for file in (file for family in families for file in family):
        written = (file.written or machine.end).replace(microsecond=0).isoformat()
        word = "gzip" if file.where.endswith(".gz") else "file"
        yield from content(f"{word} {file.where} mtime={written}", (x.rstrip("\n") for x in file.lines))


def content(directive: str, text: Iterable[str]) -> Iterator[str]:
    """A directive with its content below."""
    yield directive
    yield from (f"| {line}" for line in text)
