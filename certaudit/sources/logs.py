"""The client's own logs, syslog and the journal: runs and starts, and how far back they reach.

Law: what a log cannot give (a damaged archive, a closed directory, no journalctl) becomes a Gap; the
rest is read all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timezone, tzinfo
from functools import partial
from typing import Literal

from msgspec import Struct, field

from certaudit.catalogue import clients
from certaudit.errors import CertauditError, UnreadableError
from certaudit.facts import LogSpan
from certaudit.host.journal import Telling, at_once
from certaudit.host.logs.files import LogFile, rotated
from certaudit.host.logs.scan import Found, search
from certaudit.host.machine import Host
from certaudit.linking.history.sessions import SESSION_LITERALS, about_these, parents
from certaudit.linking.history.starts import Observed, local
from certaudit.model import Evidence, Gap
from certaudit.parsers import events, syslog
from certaudit.parsers.journal import JournalEntry
from certaudit.parsers.letsencrypt_log import LogPart, LogRun, parse_logs
from certaudit.parsers.power import LITERALS as POWER_LITERALS
from certaudit.parsers.power import SLEEPER, PowerEvent, classify_power
from certaudit.sources.spans import span

SYSTEM_LOGS = ("syslog", "messages", "cron.log", "cron", "auth.log", "secure", "daemon.log")
BEGINNING = datetime(2000, 1, 1, tzinfo=timezone.utc)  # no log of an ACME client is older: a bad clock
GENERAL_LOGS = ("syslog", "messages")  # these hold what kernel and systemd say
SESSION_LOGS = ("auth.log", "secure")  # read after the logs that tell what cron started
IDENTIFIERS = ("CRON", "CROND", "crond", "cron", "anacron", "sudo", SLEEPER)


class Logs(Struct):
    """What the logs of one machine gave."""

    runs: list[LogRun] = field(default_factory=list)
    observed: list[Observed] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    client_since: datetime | None = None
    starts_since: datetime | None = None
    spans: list[LogSpan] = field(default_factory=list)


class Wanted(Struct, frozen=True):
    """What to look for: the units that run a client, their descriptions, the cron commands."""

    units: tuple[str, ...]
    descriptions: tuple[str, ...]
    commands: tuple[str, ...]
    log_directories: tuple[str, ...]

    def literals(self) -> tuple[bytes, ...]:
        """The byte strings one of which every line of interest holds."""
        texts = [*client_words(), *self.units, *self.descriptions, *map(cut, self.commands)]
        encoded = sorted({text.encode() for text in texts if len(text) > 3}, key=len)
        return tuple(t for n, t in enumerate(encoded) if not any(e in t for e in encoded[:n]))


def client_words() -> tuple[str, ...]:
    """The words that betray a client, without their first letter, which may be a capital one."""
    return tuple(word[1:] for client in clients() for word in client.words)


def cut(command: str) -> str:
    """As much of a command as a log surely holds."""
    return command[:80]


def collect(host: Host, wanted: Wanted) -> Logs:
    """Everything the logs say about the wanted units, commands and clients."""
    logs = Logs()
    for directory in wanted.log_directories:
        client_logs(host, directory, logs)
    system_logs(host, wanted.literals(), logs)
    journal(host, wanted, logs)
    return logs


def files_of(host: Host, directory: str, base: str, logs: Logs) -> tuple[LogFile, ...]:
    """The files of one log; a Gap where the directory is closed or not in the tree."""
    try:
        if host.root.exists(directory) is None and host.root.entry(directory) is None:
            gap = Gap("logs", f"{directory} is not in the tree", (Evidence(directory),))
            logs.gaps.extend([gap] if gap not in logs.gaps else [])
        return rotated(host.root, directory, base)
    except UnreadableError as error:
        gap = Gap("logs", str(error), (Evidence(directory),))
        logs.gaps.extend([gap] if gap not in logs.gaps else [])
        return ()


def report_problems(file: LogFile, problems: Iterable[str], logs: Logs) -> None:
    """What was damaged, as Gaps."""
    for problem in dict.fromkeys(problems):
        logs.gaps.append(Gap("logs", f"{file.path}: {problem}", (Evidence(str(file.path)),)))


def client_logs(host: Host, directory: str, logs: Logs) -> None:
    """The runs in certbot's logs of one directory, up to the moment of the audit."""
    files = files_of(host, directory, "letsencrypt.log", logs)
    parts = [LogPart(str(file.path), file.texts()) for file in files]
    seen: list[tuple[str, datetime]] = []
    for run in parse_logs(parts, host.zone):
        if BEGINNING <= run.first_seen <= host.as_of:
            logs.runs.append(run)
            logs.client_since = earlier(logs.client_since, run.first_seen)
            last = run.evidence[-1].where if run.evidence else run.where
            seen += [(run.where, run.first_seen), (last, run.ended)]
    for file in files:
        report_problems(file, file.problems, logs)
    since = min((time for _, time in seen), default=None)
    logs.spans.extend(
        [span("client", f"{directory}/letsencrypt.log", since, files, seen)] if files else []
    )


def earlier(one: datetime | None, other: datetime) -> datetime:
    """The earlier of a moment so far and another."""
    return other if one is None else min(one, other)


def system_logs(host: Host, literals: Sequence[bytes], logs: Logs) -> None:
    """The wanted lines of the logs of the system."""
    others = [base for base in SYSTEM_LOGS if base not in SESSION_LOGS]
    for base, found in searched(host, others, (*literals, *POWER_LITERALS), logs):
        system_log(host, base, found, logs)
    pids = parents(observed.event for observed in logs.observed)
    literals = (*literals, *SESSION_LITERALS) if pids else literals
    for base, found in searched(host, SESSION_LOGS, literals, logs, about_these(pids)):
        system_log(host, base, found, logs)


def searched(
    host: Host,
    bases: Sequence[str],
    literals: Sequence[bytes],
    logs: Logs,
    keep: Callable[[str], bool] | None = None,
) -> Iterator[tuple[str, list[tuple[LogFile, Found]]]]:
    """The files of some logs, searched all at once, log by log."""
    files = {base: files_of(host, "/var/log", base, logs) for base in bases}
    every = [file for of_base in files.values() for file in of_base]
    found = iter(search(every, literals, host.progress, keep=keep))
    for base, of_base in files.items():
        yield base, [(file, next(found)) for file in of_base]


def system_log(host: Host, base: str, found: Sequence[tuple[LogFile, Found]], logs: Logs) -> None:
    """What the wanted lines of one log of the system say."""
    texts = [syslog.LogText(str(file.path), one.lines, file.modified) for file, one in found]
    dated = syslog.parse_lines(texts, host.zone, host.as_of)
    for file, one in found:
        report_problems(file, one.problems, logs)
    if dated.undated:
        reason = f"{dated.undated} lines of /var/log/{base} have a date that cannot be read"
        logs.gaps.append(Gap("logs", reason, (Evidence(f"/var/log/{base}"),)))
    logs.observed.extend(classified(dated.lines))
    if base in GENERAL_LOGS and (oldest := first_line_time(host, found)):
        logs.starts_since = earlier(logs.starts_since, oldest)
        seen = [(line.where, line.time) for line in dated.lines if line.time <= host.as_of]
        logs.spans.append(span("starts", base, oldest, [file for file, _ in found], seen))


def classified(lines: Iterable[syslog.LogLine]) -> Iterator[Observed]:
    """The lines that report something, with their evidence."""
    for line in lines:
        event = event_of(line) if line.time >= BEGINNING else None
        if event is not None:
            yield Observed(line.time, event, Evidence(line.where, line.line, line.text, line.time))


def event_of(line: events.Message) -> events.Event | PowerEvent | None:
    """What a line reports."""
    return events.classify(line) or classify_power(line)


def first_line_time(host: Host, found: Iterable[tuple[LogFile, Found]]) -> datetime | None:
    """When a log's oldest file begins: its first line, dated with the help of the first wanted one."""
    for file, one in found:
        if one.first is None:
            continue
        text = syslog.LogText(str(file.path), [(1, one.first), *one.lines[:1]], file.modified)
        dated = syslog.parse_lines([text], host.zone, host.as_of).lines
        return dated[0].time if dated else None
    return None


def journal(host: Host, wanted: Wanted, logs: Logs) -> None:
    """The wanted entries of the journal, or a Gap where it cannot be read."""
    if host.journal is None:
        return
    try:
        telling = Telling(client_words(), tuple(cut(command) for command in wanted.commands))
        told = partial(host.journal.entries, wanted.units, IDENTIFIERS, telling)
        read, oldest = at_once(told, host.journal.oldest)
    except CertauditError as error:
        logs.gaps.append(Gap("journal", str(error)))
        return
    logs.gaps.extend(Gap("journal", complaint) for complaint in read.complaints)
    logs.observed.extend(from_entries([e for e in read if e.time <= host.as_of], host.zone))
    if oldest is not None:
        logs.starts_since = earlier(logs.starts_since, oldest.astimezone(host.zone))
        logs.spans.append(LogSpan("starts", "journal", oldest.astimezone(host.zone)))


def from_entries(entries: Iterable[JournalEntry], zone: tzinfo) -> Iterator[Observed]:
    """What entries of the journal report, and that the machine booted between two of them."""
    last: JournalEntry | None = None
    for entry in entries:
        if last is not None and entry.boot_id != last.boot_id:
            yield power(last, "off", zone)
            yield power(entry, "boot", zone)
        told = from_entry(entry, zone)
        if told is not None:
            yield told
        last = entry


def power(entry: JournalEntry, what: Literal["boot", "off"], zone: tzinfo) -> Observed:
    """An entry as a sign of the boot it belongs to."""
    time = local(entry.time, zone)
    where = Evidence(f"journal:{short(entry.cursor)}", None, f"_BOOT_ID={entry.boot_id}", time)
    return Observed(time, PowerEvent(what), where)


def from_entry(entry: JournalEntry, zone: tzinfo) -> Observed | None:
    """A journal entry that reports something, with unit and invocation as the journal knows them."""
    event = event_of(entry)
    if event is None:
        return None
    time = local(entry.time, zone)
    text = f"{entry.program}: {entry.message}"
    where = Evidence(f"journal:{short(entry.cursor)}", None, text, time)
    return Observed(time, event, where, entry.unit, entry.invocation_id)


def short(cursor: str) -> str:
    """The part of a journal cursor that finds the entry again: sequence id and number."""
    return ";".join(part for part in cursor.split(";") if part[:2] in ("s=", "i="))
