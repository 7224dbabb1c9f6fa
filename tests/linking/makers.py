"""Facts made by hand, as short as a test can read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from certaudit.facts import Candidate, CertificateFile, Entry, Hooks, LineageFact, Start
from certaudit.linking.paths import Lineages, Linked, link
from certaudit.model import (
    ChainStep,
    Distribution,
    Evidence,
    Generation,
    Lineage,
    Reason,
    RenewalPath,
    Source,
    Trigger,
    TriggerState,
)
from certaudit.parsers.letsencrypt_log import LogOutcome, LogRun
from certaudit.parsers.shell import CommandLine, Place, Program, ScriptText, Trace, follow
from certaudit.records import replace

NOW = datetime(2024, 3, 1, 3, 0, tzinfo=timezone.utc)
CONFIG = "/etc/letsencrypt"
LIVE = f"{CONFIG}/live/a.example"


@dataclass(frozen=True, slots=True)
class Files:
    """A machine for the shell reader: scripts by path, what exists, what certainly does not, and
    which user is kept out of which directory."""

    scripts: dict[str, str] = field(default_factory=dict)
    there: frozenset[str] = frozenset({"/usr/bin/certbot"})
    gone: frozenset[str] = frozenset()
    closed: frozenset[tuple[str | None, str]] = frozenset()

    def script(self, path: str) -> ScriptText | None:
        return ScriptText(path, self.scripts[path], "/bin/sh") if path in self.scripts else None

    def test(self, operator: str, path: str) -> bool | None:
        if path in self.there or path in self.scripts:
            return True
        return False if path in self.gone else None

    def which(self, name: str, search_path: Sequence[str]) -> str | None:
        places = [name] if "/" in name else [f"{d}/{name}" for d in search_path]
        return next((p for p in places if p in self.there or p in self.scripts), None)

    def missing(self, name: str, search_path: Sequence[str]) -> bool:
        return name in self.gone

    def barred(self, user: str | None, directory: str) -> bool:
        return (user, directory) in self.closed


def reason(code: str = "cron-line") -> Reason:
    return Reason(code, code)


def cron(
    command: str, *, line: int = 1, file: str = "/etc/cron.d/renew", state: TriggerState = "armed"
) -> Candidate:
    """A line of a system crontab."""
    step = ChainStep(file, line, f"0 3 * * * root {command}")
    trigger = Trigger(
        f"cron:{file}:{line}", "cron", state, Source(file, line), "root", reasons=(reason(),)
    )
    environment = (("PATH", "/usr/bin:/bin"),)
    return Candidate(trigger, (Entry((step,), (), None, command, "/bin/sh", environment),))


def timer(*commands: str, name: str = "certbot", state: TriggerState = "armed") -> Candidate:
    """A timer with its service; each command is one ``ExecStart=``."""
    unit = f"/lib/systemd/system/{name}.service"
    entries = tuple(
        Entry(
            (ChainStep(unit, 6 + n, f"ExecStart={command}"),),
            (f"{name}.service",),
            tuple(command.split()),
            unit=f"{name}.service",
        )
        for n, command in enumerate(commands or ("/usr/bin/certbot -q renew",))
    )
    source = Source(f"/lib/systemd/system/{name}.timer")
    trigger = Trigger(f"timer:{name}.timer", "timer", state, source, reasons=(reason("enabled"),))
    return Candidate(trigger, entries)


def certificate(number: int = 1) -> CertificateFile:
    start = NOW + timedelta(days=60 * (number - 1))
    return CertificateFile(
        f"cert{number}.pem", f"{number:x}", start, start + timedelta(days=90), ("a.example",),
        f"fingerprint{number}", f"key{number}",
    )  # fmt: skip


def fact(name: str = "a.example", *, live: int = 1, config_dir: str = CONFIG) -> LineageFact:
    """A lineage with its generations 1 to ``live``."""
    numbers = range(1, live + 1)
    return LineageFact(
        name=name,
        config_dir=config_dir,
        conf=f"{config_dir}/renewal/{name}.conf",
        version="2.1.0",
        authenticator="webroot",
        installer=None,
        autorenew=True,
        renew_before_expiry=None,
        hooks=(),
        params=(),
        live=live,
        live_dir=f"{config_dir}/live/{name}",
        archive_dir=f"{config_dir}/archive/{name}",
        generations=tuple((n, replace(certificate(n), names=(name,))) for n in numbers),
        keys=tuple((n, f"key{n}") for n in numbers),
        complete=tuple(numbers),
    )


def hooks(**given: object) -> Hooks:
    return replace(Hooks(CONFIG, (), (), ()), **given)  # type: ignore[arg-type]


def traced(candidate: Candidate, files: Files | None = None) -> tuple[tuple[Entry, Trace], ...]:
    """What each entry of a candidate would run."""
    machine = files or Files()
    found = []
    for entry in candidate.entries:
        last = entry.chain[-1]
        place = Place(last.path, last.line or 0, last.text)
        start: CommandLine | Program
        if entry.argv is not None:
            start = Program(entry.argv, place, entry.environment)
        else:
            start = CommandLine(entry.text or "", place, entry.environment, entry.shell)
        found.append((entry, follow(start, machine)))
    return tuple(found)


def linked_or_none(
    candidate: Candidate,
    *facts: LineageFact,
    files: Files | None = None,
    known: Hooks | None = None,
    release: str | None = None,
) -> Linked | None:
    by_config: dict[str, tuple[LineageFact, ...]] = {}
    for one in facts or (fact(),):
        by_config[one.config_dir] = (*by_config.get(one.config_dir, ()), one)
    lineages = Lineages(by_config, {CONFIG: known or hooks()}, release=release)
    machine = files or Files()
    return link(candidate, traced(candidate, machine), lineages, machine)


def linked(
    candidate: Candidate,
    *facts: LineageFact,
    files: Files | None = None,
    known: Hooks | None = None,
    release: str | None = None,
) -> Linked:
    found = linked_or_none(candidate, *facts, files=files, known=known, release=release)
    assert found is not None
    return found


def step(command: str = "copy it", **given: object) -> Distribution:
    base = Distribution("copy", "every-run", command, Source("/usr/local/sbin/renew", 9))
    return replace(base, **given)  # type: ignore[arg-type]


def path(name: str = "cron:/etc/cron.d/renew:1>certbot", **given: object) -> RenewalPath:
    """A path by its id; armed, and renewing ``a.example``, unless told otherwise."""
    trigger = name.partition(">")[0]
    file = trigger.partition(":")[2].rpartition(":")[0] or trigger.partition(":")[2]
    base = RenewalPath(
        name, trigger, "armed", "certbot", "renew", ("certbot", "-q", "renew"),
        (ChainStep(file, 1, "certbot -q renew"),), ("a.example",),
    )  # fmt: skip
    return replace(base, **given)  # type: ignore[arg-type]


def lineage(name: str = "a.example", **given: object) -> Lineage:
    base = Lineage(
        name, "certbot", (name,), f"{CONFIG}/renewal/{name}.conf", CONFIG, "webroot", True, 1,
        NOW + timedelta(days=60), NOW + timedelta(days=30), "30 days before expiry",
    )  # fmt: skip
    return replace(base, **given)  # type: ignore[arg-type]


def generation(number: int = 1, **given: object) -> Generation:
    made = certificate(number)
    base = Generation(number, made.serial, made.not_before, made.not_after)
    return replace(base, **given)  # type: ignore[arg-type]


def log_run(at: float = 0, arguments: tuple[str, ...] | None = ("-q",), **given: object) -> LogRun:
    """A run that certbot's log shows ``at`` seconds after NOW, two seconds long."""
    began = NOW + timedelta(seconds=at)
    base = LogRun(
        version="2.1.0", entry_point="/usr/bin/certbot", arguments=arguments, subcommand="renew",
        dry_run=False, forced=False, started=began, first_seen=began,
        ended=began + timedelta(seconds=2), complete=True, delay=None, delay_at=None, outcomes=(),
        hooks=(), exit_error=None, where="/var/log/letsencrypt/letsencrypt.log", line=1, text="x",
        evidence=(),
    )  # fmt: skip
    return replace(base, **given)  # type: ignore[arg-type]


def log_outcome(at: float = 1, generation: int | None = None, **given: object) -> LogOutcome:
    base = LogOutcome(
        "a.example", "renewed" if generation else "not_due", generation,
        NOW + timedelta(seconds=at), "/var/log/letsencrypt/letsencrypt.log", 7, "said so",
    )  # fmt: skip
    return replace(base, **given)  # type: ignore[arg-type]


def unit_start(at: float = 0, *, ended: float | None = 30, unit: str = "certbot.service") -> Start:
    end = NOW + timedelta(seconds=ended) if ended is not None else None
    where = Evidence("/var/log/syslog", 3, f"Starting {unit}")
    return Start("unit", NOW + timedelta(seconds=at), where, (unit,), ended=end)


def cron_start(command: str, at: float = 0, user: str = "root") -> Start:
    where = Evidence("/var/log/syslog", 4, f"CMD ({command})")
    return Start("cron", NOW + timedelta(seconds=at), where, (), user, command)


def sudo(command: str, at: float = 0, user: str = "hoge", tty: str | None = "pts/0") -> Start:
    where = Evidence("/var/log/auth.log", 5, f"COMMAND={command}")
    return Start("sudo", NOW + timedelta(seconds=at), where, (), user, command, tty=tty)
