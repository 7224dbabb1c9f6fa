"""The logs that a history leaves: the real formats, rotated, and with what a machine loses of them.

Law: shares nothing with the code under test. Every line written remembers what it was written for, so
that an answer is compared with the truth through the very lines it cites.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from tests.history.acts import Execution, History, Said
from tests.history.client_log import records
from tests.history.scenario import UTC, Machine
from tests.history.system_log import Line, lines_of

LOG = "/var/log/letsencrypt/letsencrypt.log"
ENDS = frozenset({"end", "failed", "closed", "anacron-end"})
KEPT = 1000  # certbot's own max_log_backups


@dataclass(frozen=True, slots=True)
class Loss:
    """What is lost: the share of the span whose system logs are gone, ends of starts, heads of runs."""

    starts: float = 0.0
    ends: bool = False
    heads: float = 0.0


@dataclass(slots=True)
class File:
    """One log file: its lines from the first, and the moment of its last write."""

    where: str
    lines: list[str] = field(default_factory=list)
    written: datetime | None = None


@dataclass(slots=True)
class Logs:
    """The files of each family from oldest to newest, and the truth behind (file, line)."""

    client: list[File] = field(default_factory=list)
    system: dict[str, list[File]] = field(default_factory=dict)
    journal: list[dict[str, str]] = field(default_factory=list)
    histories: list[File] = field(default_factory=list)
    runs: dict[tuple[str, int], Execution] = field(default_factory=dict)
    starts: dict[tuple[str, int], Said] = field(default_factory=dict)
    surviving: set[int] = field(default_factory=set)  # the id() of each start whose line is left


def write(history: History, loss: Loss, seed: str) -> Logs:
    """All logs of a history, less what is lost."""
    logs = Logs()
    machine = history.machine
    draw = Random(f"write {seed}")
    for where, executions in numbered(history) if machine.numbered else weekly(history):
        cut = draw.random() < loss.heads
        client_file(File(where), executions, machine, logs, cut=cut, draw=draw)
    since = machine.begin + (machine.end - machine.begin) * loss.starts
    kept = [s for s in history.said if s.time >= since and not (loss.ends and s.word in ENDS)]
    if loss.starts < 1:
        told = [(one, line) for one in kept for line in lines_of(one, machine)]
        if machine.journal != "only":
            system_logs(told, machine, logs)
        if machine.journal != "none":
            journal(told, machine, logs)
        histories([s for s in history.said if s.word in ("sudo", "shell")], machine, logs)
    return logs


def numbered(history: History) -> Iterator[tuple[str, list[Execution]]]:
    """certbot's own rotation: one run a file, the newest without a number."""
    kept = history.executions[-KEPT - 1 :]
    for position, run in enumerate(kept):
        number = len(kept) - 1 - position
        yield LOG + (f".{number}" if number else ""), [run]


def weekly(history: History) -> Iterator[tuple[str, list[Execution]]]:
    """logrotate: weekly, twelve kept, many runs a file; numbers, or dates as on Red Hat's."""
    machine = history.machine
    weeks: dict[int, list[Execution]] = {}
    for run in history.executions:
        weeks.setdefault((machine.end - run.began).days // 7, []).append(run)
    for week in sorted((w for w in weeks if w <= 12), reverse=True):
        yield LOG + (suffix(week, machine) + ".gz" if week else ""), weeks[week]


def suffix(week: int, machine: Machine) -> str:
    """What logrotate adds to a file's name: a number, or with ``dateext`` the day of the rotation."""
    if not week:
        return ""
    if machine.rpm:
        return f"-{machine.end - timedelta(days=7 * (week - 1)):%Y%m%d}"
    return f".{week}"


def client_file(
    file: File, runs: list[Execution], machine: Machine, logs: Logs, *, cut: bool, draw: Random
) -> None:
    """One file of certbot's log; ``cut``: its first lines are lost, a few or nearly all."""
    owners: list[Execution] = []
    for run in runs:
        for moment, text in records(run, machine):
            stamp = client_wall(moment, machine)
            first, *more = text.split("\n")
            file.lines.append(f"{stamp:%Y-%m-%d %H:%M:%S},{stamp.microsecond // 1000:03}:{first}\n")
            file.lines += [f"{line}\n" for line in more]
            owners += [run] * (1 + len(more))
    drop = 0
    if cut:
        most = 9 if draw.random() < 0.7 else len(file.lines)
        drop = draw.randrange(1, max(2, most))
    file.lines, owners = file.lines[drop:], owners[drop:]
    logs.runs.update({(file.where, n): run for n, run in enumerate(owners, 1)})
    logs.client.append(file)


def client_wall(moment: datetime, machine: Machine) -> datetime:
    """The time that certbot writes: its process asks for the zone anew; UTC up to 0.22."""
    zone = UTC if machine.client.utc else machine.zone_at(moment)
    return machine.clock(moment).astimezone(zone)


def system_logs(told: list[tuple[Said, Line]], machine: Machine, logs: Logs) -> None:
    """syslog, cron.log and auth.log, or messages, cron and secure: a file a week."""
    families: dict[str, dict[int, list[tuple[Said, Line]]]] = {}
    for one, line in told:
        for family in line.families:
            weeks = families.setdefault(family, {})
            weeks.setdefault((machine.end - one.time).days // 7, []).append((one, line))
    for family, weeks in families.items():
        for week in sorted(weeks, reverse=True):
            file = File(f"/var/log/{family}{suffix(week, machine)}", written=weeks[week][-1][0].time)
            for number, (one, line) in enumerate(weeks[week], 1):
                file.lines.append(f"{stamp(one.time, machine)} hogehoge {line.tag}: {line.message}\n")
                logs.starts[file.where, number] = one
                logs.surviving.add(id(one))
            logs.system.setdefault(family, []).append(file)


def stamp(moment: datetime, machine: Machine) -> str:
    """RFC 3339 as rsyslog writes it since Debian 12, else RFC 3164; rsyslog asks for the zone once."""
    zone = machine.zone_at(moment - machine.stale)
    local = machine.clock(moment).astimezone(zone)
    if machine.iso:
        return local.isoformat(timespec="microseconds")
    return f"{local:%b} {local.day:2} {local:%H:%M:%S}"


def journal(told: list[tuple[Said, Line]], machine: Machine, logs: Logs) -> None:
    """The entries of the journal, with the fields that journalctl's JSON has."""
    asked = [(one, line) for one, line in told if line.program != "kernel"]  # the kernel's are not
    for number, (one, line) in enumerate(asked, 1):
        boots = sum(spell.power == "off" and spell.until <= one.time for spell in machine.spells)
        micros = int(machine.clock(one.time).timestamp() * 1_000_000)
        entry = {
            "__REALTIME_TIMESTAMP": str(micros),
            "__CURSOR": f"s=17235ce6cfb749ba96c92ede7e13239c;i={number:x};b=1;m=1;t=1;x=1",
            "_PID": str(line.pid or 900),
            "_UID": "0",
            "_BOOT_ID": f"{boots:032x}",
            "SYSLOG_IDENTIFIER": line.program,
            "MESSAGE": line.message,
            **line.fields,
        }
        logs.journal.append(entry)
        logs.starts[f"journal:s=17235ce6cfb749ba96c92ede7e13239c;i={number:x}", 0] = one
        logs.surviving.add(id(one))


def histories(said: list[Said], machine: Machine, logs: Logs) -> None:
    """What bash wrote down of what root and alice typed; with HISTTIMEFORMAT a line says when."""
    if machine.histories == "none":
        return
    files = {"shell": File("/root/.bash_history"), "sudo": File("/home/alice/.bash_history")}
    for one in said:
        file = files[one.word]
        typed = one.text.removeprefix("/usr/bin/")
        if machine.histories == "dated":
            file.lines.append(f"#{int(machine.clock(one.time).timestamp())}\n")
        file.lines.append(f"{'sudo ' if one.word == 'sudo' else ''}{typed}\n")
        logs.starts[file.where, len(file.lines)] = one
        if machine.histories == "dated":
            logs.surviving.add(id(one))
    logs.histories += [file for file in files.values() if file.lines]
