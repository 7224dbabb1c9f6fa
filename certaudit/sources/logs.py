"""The client's own logs, syslog and the journal: runs and starts, and how far back they reach.

Law: what a log cannot give (a damaged archive, a closed directory, no journalctl) becomes a Gap; the
rest is read all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone

from certaudit.catalogue import clients
from certaudit.errors import CertauditError, UnreadableError
from certaudit.facts import LogSpan
from certaudit.host.log_files import LogFile, rotated
from certaudit.host.machine import Host
from certaudit.linking.starts import Observed
from certaudit.model import Evidence, Gap
from certaudit.parsers import events, syslog
from certaudit.parsers.letsencrypt_log import LogPart, LogRun, parse_logs
from certaudit.sources.spans import span

SYSTEM_LOGS = ("syslog", "messages", "cron.log", "cron", "auth.log", "secure", "daemon.log")
BEGINNING = datetime(2000, 1, 1, tzinfo=timezone.utc)  # no log of an ACME client is older: a bad clock
IDENTIFIERS = ("CRON", "CROND", "crond", "cron", "anacron", "sudo")


@dataclass(slots=True)
class Logs:
    """What the logs of one machine gave."""

    runs: list[LogRun] = field(default_factory=list)
    observed: list[Observed] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    client_since: datetime | None = None
    starts_since: datetime | None = None
    spans: list[LogSpan] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for: the units that run a client, their descriptions, the cron commands."""

    units: tuple[str, ...]
    descriptions: tuple[str, ...]
    commands: tuple[str, ...]
    log_directories: tuple[str, ...]

    def literals(self) -> tuple[bytes, ...]:
        """The byte strings one of which every line of interest holds."""
        words = [word[1:] for client in clients() for word in client.words]
        texts = [*words, *self.units, *self.descriptions, *(c[:80] for c in self.commands)]
        encoded = sorted({text.encode() for text in texts if len(text) > 3}, key=len)
        return tuple(t for n, t in enumerate(encoded) if not any(e in t for e in encoded[:n]))


def collect(host: Host, wanted: Wanted) -> Logs:
    """Everything the logs say about the wanted units, commands and clients."""
    logs = Logs()
    for directory in wanted.log_directories:
        client_logs(host, directory, logs)
    for base in SYSTEM_LOGS:
        system_log(host, base, wanted.literals(), logs)
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


def report_problems(files: Iterable[LogFile], logs: Logs) -> None:
    """What was damaged, as Gaps."""
    for file in files:
        for problem in dict.fromkeys(file.problems):
            logs.gaps.append(Gap("logs", f"{file.path}: {problem}", (Evidence(str(file.path)),)))


def client_logs(host: Host, directory: str, logs: Logs) -> None:
    """The runs in certbot's logs of one directory, up to the moment of the audit."""
    files = files_of(host, directory, "letsencrypt.log", logs)
    parts = [LogPart(str(file.path), file.lines()) for file in files]
    seen: list[tuple[str, datetime]] = []
    for run in parse_logs(parts, host.zone):
        if BEGINNING <= run.first_seen <= host.as_of:
            logs.runs.append(run)
            logs.client_since = earlier(logs.client_since, run.first_seen)
            last = run.evidence[-1].where if run.evidence else run.where
            seen += [(run.where, run.first_seen), (last, run.ended)]
    report_problems(files, logs)
    since = min((time for _, time in seen), default=None)
    logs.spans.extend(
        [span("client", f"{directory}/letsencrypt.log", since, files, seen)] if files else []
    )


def earlier(one: datetime | None, other: datetime) -> datetime:
    """The earlier of a moment so far and another."""
    return other if one is None else min(one, other)


def system_log(host: Host, base: str, literals: Sequence[bytes], logs: Logs) -> None:
    """The wanted lines of one log of the system."""
    files = files_of(host, "/var/log", base, logs)
    texts = [syslog.LogText(str(f.path), f.matching(literals), f.modified) for f in files]
    found = syslog.parse_lines(texts, host.zone, host.as_of)
    report_problems(files, logs)
    if found.undated:
        reason = f"{found.undated} lines of /var/log/{base} have a date that cannot be read"
        logs.gaps.append(Gap("logs", reason, (Evidence(f"/var/log/{base}"),)))
    logs.observed.extend(classified(found.lines))
    if base in ("syslog", "messages") and (oldest := first_line_time(host, files, found.lines)):
        logs.starts_since = earlier(logs.starts_since, oldest)
        seen = [(line.where, line.time) for line in found.lines if line.time <= host.as_of]
        logs.spans.append(span("starts", base, oldest, files, seen))


def classified(lines: Iterable[syslog.LogLine]) -> Iterator[Observed]:
    """The lines that report something, with their evidence."""
    for line in lines:
        event = events.classify(line) if line.time >= BEGINNING else None
        if event is not None:
            yield Observed(line.time, event, Evidence(line.where, line.line, line.text, line.time))


def first_line_time(
    host: Host, files: Sequence[LogFile], found: Sequence[syslog.LogLine]
) -> datetime | None:
    """When a log's oldest file begins: its first line, dated with the help of the wanted ones."""
    for file in files:
        first = next(file.lines(), None)
        if first is None:
            continue
        known = [(line.line, line.text) for line in found if line.where == str(file.path)]
        text = syslog.LogText(str(file.path), [(1, first), *known[:1]], file.modified)
        dated = syslog.parse_lines([text], host.zone, host.as_of).lines
        return dated[0].time if dated else None
    return None


def journal(host: Host, wanted: Wanted, logs: Logs) -> None:
    """The wanted entries of the journal, or a Gap where it cannot be read."""
    if host.journal is None:
        return
    try:
        read = host.journal.entries(wanted.units, IDENTIFIERS)
        oldest = host.journal.oldest()
    except CertauditError as error:
        logs.gaps.append(Gap("journal", str(error)))
        return
    logs.gaps.extend(Gap("journal", complaint) for complaint in read.complaints)
    for entry in read:
        event = events.classify(entry) if entry.time <= host.as_of else None
        if event is not None:
            text = f"{entry.program}: {entry.message}"
            where = Evidence(
                f"journal:{short(entry.cursor)}", None, text, entry.time.astimezone(host.zone)
            )
            logs.observed.append(Observed(where.time or entry.time, event, where))
    if oldest is not None:
        logs.starts_since = earlier(logs.starts_since, oldest.astimezone(host.zone))
        logs.spans.append(LogSpan("starts", "journal", oldest.astimezone(host.zone)))


def short(cursor: str) -> str:
    """The part of a journal cursor that finds the entry again: sequence id and number."""
    return ";".join(part for part in cursor.split(";") if part[:2] in ("s=", "i="))
