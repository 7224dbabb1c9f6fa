"""The logs that a history leaves: the real formats, rotated, and with what a machine loses of them.

Law: shares nothing with the code under test. Every line written remembers what it was written for, so
that an answer is compared with the truth through the very lines it cites.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from tests.history.play import Execution, History, Said
from tests.history.scenario import Machine

CONF = "/etc/letsencrypt/renewal/www.example.org.conf"
ARCHIVE = "/etc/letsencrypt/archive/www.example.org"
RULER = "- " * 39 + "-"


@dataclass(frozen=True, slots=True)
class Loss:
    """What is lost: the share of the span whose system logs are gone, ends of units, heads of runs."""

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
    runs: dict[tuple[str, int], Execution] = field(default_factory=dict)
    starts: dict[tuple[str, int], Said] = field(default_factory=dict)


def write(history: History, loss: Loss, seed: str) -> Logs:
    """All logs of a history, less what is lost."""
    logs = Logs()
    draw = Random(f"write {seed}")
    groups = numbered(history) if history.machine.numbered else weekly(history)
    for where, executions in groups:
        client_file(
            File(where), executions, history.machine, logs, cut=draw.random() < loss.heads, draw=draw
        )
    span = history.machine.end - history.machine.begin
    since = history.machine.begin + span * loss.starts
    kept = [
        s for s in history.said if s.time >= since and not (loss.ends and s.word in ("end", "failed"))
    ]
    if loss.starts < 1:
        system_logs(kept, history.machine, logs)
    return logs


def numbered(history: History) -> Iterator[tuple[str, list[Execution]]]:
    """certbot's own rotation: one run a file, the newest without a number."""
    total = len(history.executions)
    for position, run in enumerate(history.executions):
        number = total - 1 - position
        yield "/var/log/letsencrypt/letsencrypt.log" + (f".{number}" if number else ""), [run]


def weekly(history: History) -> Iterator[tuple[str, list[Execution]]]:
    """Debian's logrotate: weekly, twelve kept, many runs a file."""
    weeks: dict[int, list[Execution]] = {}
    for run in history.executions:
        weeks.setdefault((history.machine.end - run.began).days // 7, []).append(run)
    for week in sorted((w for w in weeks if w <= 12), reverse=True):
        name = "/var/log/letsencrypt/letsencrypt.log" + (f".{week}.gz" if week else "")
        yield name, weeks[week]


def client_file(
    file: File, runs: list[Execution], machine: Machine, logs: Logs, *, cut: bool, draw: Random
) -> None:
    """One file of certbot's log; ``cut``: its first lines are lost."""
    owners: list[Execution] = []
    for run in runs:
        for moment, text in records(run):
            file.lines.append(
                f"{wall(moment, machine):%Y-%m-%d %H:%M:%S},{moment.microsecond // 1000:03}:{text}\n"
            )
            owners.append(run)
    drop = draw.randrange(1, 9) if cut else 0
    file.lines, owners = file.lines[drop:], owners[drop:]
    logs.runs.update({(file.where, n): run for n, run in enumerate(owners, 1)})
    logs.client.append(file)


def wall(moment: datetime, machine: Machine) -> datetime:
    """What the machine's clock shows: local time, wrong until the clock was set."""
    if machine.step and moment < machine.step[0]:
        moment += timedelta(seconds=machine.step[1])
    return moment.astimezone(machine.zone)


def records(run: Execution) -> Iterator[tuple[datetime, str]]:
    """The records of one run with their moments: logging's format as certbot fills it in."""
    at = run.began
    early = run.version.startswith("0.")
    base = "certbot" if early else "certbot._internal"
    level = 40 if "-q" in run.arguments or "--quiet" in run.arguments else 30
    shown = f"DEBUG:{base}.display.{'util' if run.version == '1.21.0' else 'obj'}:Notifying user: "
    yield at, f"DEBUG:{base}.main:certbot version: {run.version}"
    if not early:
        yield at, f"DEBUG:{base}.main:Location of certbot entry point: /usr/bin/certbot"
    yield at, f"DEBUG:{base}.main:Arguments: {list(run.arguments)!r}"
    yield at, f"DEBUG:{base}.main:Discovered plugins: PluginsRegistry(PluginEntryPoint#manual)"
    at += timedelta(milliseconds=9)
    yield at, f"DEBUG:{base}.log:Root logging level set at {level}"
    if not early:
        yield at, f"{shown}Processing {CONF}"
    at += timedelta(milliseconds=120)
    checked = f"{ARCHIVE}/cert{max(run.generation - 1, 1)}.pem"
    yield at, f"DEBUG:certbot.ocsp:Querying OCSP for {checked}"
    if run.outcome == "not_due":
        text = (
            f"INFO:{base}.renewal:Cert not yet due for renewal"
            if early
            else f"{shown}Certificate not yet due for renewal"
        )
        yield at, text
        yield run.ended, f"DEBUG:{base}.renewal:no renewal failures"
        return
    yield from attempt(run, at, base, shown)


def attempt(run: Execution, at: datetime, base: str, shown: str) -> Iterator[tuple[datetime, str]]:
    """The records of a run that got as far as asking for a certificate."""
    word = "Cert" if run.version.startswith("0.") else "Certificate"
    if run.outcome == "simulated":
        yield at, f"INFO:{base}.renewal:{word} not due for renewal, but simulating renewal for dry run"
        yield run.ended, f"DEBUG:{base}.renewal:no renewal failures"
        return
    yield at, f"INFO:{base}.renewal:{word} is due for renewal, auto-renewing..."
    if run.slept:
        yield at, f"INFO:{base}.renewal:Non-interactive renewal: random delay of {run.slept} seconds"
    at += timedelta(seconds=run.slept)
    if run.outcome == "killed" and run.slept:
        return
    yield at, f"INFO:{base}.auth_handler:Performing the following challenges:"
    yield at, f"INFO:{base}.auth_handler:dns-01 challenge for www.example.org"
    if run.outcome == "killed":
        return
    if run.outcome == "failed":
        yield (
            run.ended,
            f"ERROR:{base}.renewal:Failed to renew certificate www.example.org with error: "
            "Some challenges have failed.",
        )
        yield run.ended, f"DEBUG:{base}.log:Exiting abnormally:"
        return
    almost = run.ended - timedelta(milliseconds=40)
    yield (
        almost,
        f"DEBUG:{base}.storage:Writing new private key to {ARCHIVE}/privkey{run.generation}.pem.",
    )
    yield almost, f"DEBUG:{base}.storage:Writing certificate to {ARCHIVE}/cert{run.generation}.pem."
    yield run.ended, f"DEBUG:{base}.renewal:no renewal failures"


def system_logs(said: list[Said], machine: Machine, logs: Logs) -> None:
    """syslog, cron.log (Debian 12 and later write cron's lines to both) and auth.log, a file a week."""
    families: dict[str, dict[int, list[tuple[datetime, str, Said]]]] = {}
    for number, one in enumerate(said):
        for family, text in lines_of(one, machine, 400 + number):
            weeks = families.setdefault(family, {})
            weeks.setdefault((machine.end - one.time).days // 7, []).append((one.time, text, one))
    for family, weeks in families.items():
        for week in sorted(weeks, reverse=True):
            where = f"/var/log/{family}" + (f".{week}" if week else "")
            file = File(where, written=weeks[week][-1][0])
            for line, (moment, text, one) in enumerate(weeks[week], 1):
                file.lines.append(f"{stamp(moment, machine)} hogehoge {text}\n")
                logs.starts[where, line] = one
            logs.system.setdefault(family, []).append(file)


def stamp(moment: datetime, machine: Machine) -> str:
    """RFC 3339 as rsyslog writes it since Debian 12, else RFC 3164."""
    local = wall(moment, machine)
    if machine.iso:
        return local.isoformat(timespec="microseconds")
    return f"{local:%b} {local.day:2} {local:%H:%M:%S}"


def lines_of(one: Said, machine: Machine, pid: int) -> Iterator[tuple[str, str]]:
    """(log, text) of what was said, in the words of this machine's systemd, cron and sudo."""
    job = one.job
    if one.word == "sudo":
        yield "auth.log", f"sudo: alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND={one.text}"
    elif one.word == "cron" and job is not None:
        text = f"CRON[{pid}]: (root) CMD ({job.command})"
        yield "syslog", text
        if machine.iso:
            yield "cron.log", text
    elif job is not None:
        yield from (
            ("syslog", f"systemd[1]: {text}")
            for text in unit_lines(one.word, job.unit or "", job.description, machine.systemd)
        )


def unit_lines(word: str, unit: str, description: str, systemd: int) -> Iterator[str]:
    """Recorded with systemd 237, 249, 252: from 252 on the messages name the unit."""
    name = f"{unit} - {description}" if systemd >= 252 else description
    if word == "start":
        yield f"Starting {name}..."
    elif word == "failed":
        yield f"{unit}: Main process exited, code=exited, status=1/FAILURE"
        yield f"{unit}: Failed with result 'exit-code'."
        yield f"Failed to start {name}."
    elif systemd < 245:
        yield f"Started {name}."
    else:
        yield f"{unit}: Deactivated successfully."
        yield f"Finished {name}."
