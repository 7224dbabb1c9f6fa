"""Every noun of the answer: what a report is made of.

Law: frozen Structs, tuples, aware datetimes, no library but msgspec. Paths are strings or
``PurePosixPath``: nothing here can open anything. The words are those of certbot and systemd; those
that carry the mission (armed, owner, hidden, stolen, stale) mean what the report's contract says.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from certaudit.evidence import Confidence as Confidence
from certaudit.evidence import Evidence as Evidence
from certaudit.evidence import Gap as Gap
from certaudit.history import History
from certaudit.policy import Policy as Policy

Severity = Literal["info", "low", "medium", "high"]
TriggerState = Literal["armed", "dormant", "off"]
Actor = Literal["trigger", "manual", "unknown"]
Relation = Literal["owner", "stolen", "manual", "unknown"]
OutcomeKind = Literal["renewed", "not_due", "failed", "simulated", "unknown"]
CopyStatus = Literal["current", "stale", "unreferenced", "mismatch", "missing", "unknown"]
Status = Literal["passed", "flagged", "not_assessed"]

SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high")

Binding = Literal[
    "deploy-directory",  # renewal-hooks/deploy: runs on every path
    "saved-hook",  # renew_hook, post_hook ... in the renewal conf: runs on every path
    "global-hook",  # deploy-hook, post-hook ... in cli.ini: runs on every path
    "command-line-hook",  # --deploy-hook and the like, given by this path only
    "own-renewal",  # a step of the wrapper that runs only when this path itself renewed
    "if-changed",  # a step of the wrapper behind a comparison of old and new
    "every-run",  # a step of the wrapper that runs whatever the client did
    "unit",  # ExecStartPost=, OnSuccess= ... of the service
]
SHARED_BINDINGS: frozenset[Binding] = frozenset({"deploy-directory", "saved-hook", "global-hook"})


class Reason(Struct, frozen=True):
    """Why a trigger is armed, dormant or off."""

    code: str
    text: str
    evidence: tuple[Evidence, ...] = ()


class Schedule(Struct, frozen=True):
    """When a trigger fires.

    ``random_delay`` and ``longest_gap`` (between two firings) are seconds; the two moments bound the
    next firing as of the audit, with the random delay between them.
    """

    expression: tuple[str, ...]
    random_delay: float | None = None
    persistent: bool | None = None
    next_earliest: datetime | None = None
    next_latest: datetime | None = None
    longest_gap: float | None = None


class Source(Struct, frozen=True):
    """The file that defines a trigger; ``line`` is ``None`` where the whole file does."""

    path: str
    line: int | None = None


class Trigger(Struct, frozen=True):
    """What starts commands by itself.

    ``off_since``: when it was switched off at the latest, if it is and that is known.
    """

    id: str
    kind: str
    state: TriggerState
    source: Source
    user: str | None = "root"
    file_state: str | None = None
    active_state: str | None = None
    reasons: tuple[Reason, ...] = ()
    schedule: Schedule | None = None
    last_fired: datetime | None = None
    off_since: datetime | None = None
    certain: bool = True
    beside: tuple[str, ...] = ()  # commands it starts that have nothing to do with a certificate

    @property
    def armed(self) -> bool:
        """Fires by itself, and its command gets as far as calling the client."""
        return self.state == "armed"


class ChainStep(Struct, frozen=True):
    """One step from a trigger to the client, with the line that takes it."""

    path: str
    line: int | None
    text: str


class Distribution(Struct, frozen=True):
    """A command bound to run after the client: copies, runs a hook, or makes a consumer reload.

    ``kind`` is ``hook``, ``copy``, ``remote``, ``reload`` or ``command``; ``targets`` are the places
    it writes to, as far as they can be known; ``does`` are the commands that a hook runs in turn.
    """

    kind: str
    binding: Binding
    command: str
    source: Source
    targets: tuple[str, ...] = ()
    lineages: tuple[str, ...] | None = None  # None: whatever the client renewed
    does: tuple[str, ...] = ()

    @property
    def shared(self) -> bool:
        """Runs on every path that renews, not on this one alone."""
        return self.binding in SHARED_BINDINGS


class RenewalPath(Struct, frozen=True):
    """Trigger -> chain -> one call of a client -> the lineages it can renew, and what follows."""

    id: str
    trigger: str
    state: TriggerState
    client: str
    subcommand: str | None
    argv: tuple[str, ...]
    chain: tuple[ChainStep, ...]
    lineages: tuple[str, ...]
    distribution: tuple[Distribution, ...] = ()
    owner_of: tuple[str, ...] = ()
    hidden_for: tuple[str, ...] = ()
    config_dir: str = "/etc/letsencrypt"
    forced: bool = False
    reasons: tuple[Reason, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()  # (lineage, why this path passes it over)
    certain: bool = True

    @property
    def armed(self) -> bool:
        """Its trigger is armed and it can renew at least one lineage."""
        return self.state == "armed"


class MadeBy(Struct, frozen=True):
    """Which run made a generation, and what started that run."""

    run: str | None = None
    trigger: str | None = None
    actor: Actor = "unknown"
    confidence: Confidence = "unknown"
    because: tuple[str, ...] = ()


class Generation(Struct, frozen=True):
    """One certificate N of ``archive/NAME``."""

    number: int
    serial: str
    not_before: datetime
    not_after: datetime
    fingerprint: str = ""
    public_key: str = ""
    made_by: MadeBy = MadeBy()
    written: datetime | None = None  # when its run wrote it, by that run's log
    relation: Relation = "unknown"
    due: datetime | None = None  # by the lineage's rule; ARI can make it earlier


class Lineage(Struct, frozen=True):
    """certbot's word: one renewal conf with its generations."""

    name: str
    client: str
    names: tuple[str, ...]
    renewal_conf: str
    config_dir: str
    authenticator: str | None
    autorenew: bool
    live: int | None
    not_after: datetime | None
    due: datetime | None
    due_rule: str | None
    generations: tuple[Generation, ...] = ()
    renewers: tuple[str, ...] = ()
    owner: str | None = None
    owner_source: Literal["declared", "inferred"] | None = None
    owner_because: str = ""
    broken: tuple[Reason, ...] = ()  # why certbot itself would skip it as unparsable
    unattended: tuple[Reason, ...] = ()  # why it can not be renewed without a person
    dead_hooks: tuple[Reason, ...] = ()  # what is bound to hand it out and cannot run
    remembered: tuple[Evidence, ...] = ()  # the lines of the conf that let any path renew it
    server: str | None = None
    version: str | None = None

    @property
    def current(self) -> Generation | None:
        """The generation that ``live/`` points at."""
        return next((g for g in self.generations if g.number == self.live), None)


class Outcome(Struct, frozen=True):
    """What a run did to one lineage."""

    lineage: str | None
    outcome: OutcomeKind
    generation: int | None = None
    time: datetime | None = None
    evidence: tuple[Evidence, ...] = ()


class HookCall(Struct, frozen=True):
    """A hook that a run began; ``failed`` is ``None`` where its end is not in the log."""

    kind: str
    command: str
    time: datetime
    failed: bool | None
    evidence: Evidence


class Run(Struct, frozen=True):
    """One execution of a client, however many sources saw it."""

    id: str
    client: str
    version: str | None
    started: datetime | None
    ended: datetime | None
    arguments: tuple[str, ...] | None
    subcommand: str | None
    outcomes: tuple[Outcome, ...] = ()
    trigger: str | None = None
    actor: Actor = "unknown"
    confidence: Confidence = "unknown"
    because: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    entry_point: str | None = None
    hooks: tuple[HookCall, ...] = ()


class Deployment(Struct, frozen=True):
    """A place that holds or serves a certificate of a lineage."""

    id: str
    lineage: str
    kind: Literal["config", "copy", "remote", "served"]
    where: str
    generation: int | None
    status: CopyStatus
    written_by: str | None = None
    part: str = "cert"  # cert | key | combined
    referenced_by: tuple[Evidence, ...] = ()
    modified: datetime | None = None  # of a copy: when its file was last written, as far as that tells


class Fix(Struct, frozen=True):
    """What to do, as data; ``safe`` means nothing keeps renewing worse than before.

    ``actions`` are commands for the machine that was audited, or the lines of a file.
    """

    title: str
    safe: bool
    actions: tuple[str, ...] = ()
    commands: bool = True


class Finding(Struct, frozen=True):
    """A present fault of the machine, with what was read and what to do."""

    subject: str
    severity: Severity
    message: str
    confidence: Confidence = "high"
    evidence: tuple[Evidence, ...] = ()
    fixes: tuple[Fix, ...] = ()


class Result(Struct, frozen=True):
    """The answer of one rule."""

    rule: str
    status: Status
    severity: Severity
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()


class HostInfo(Struct, frozen=True):
    """The machine as a report names it."""

    name: str
    target: str
    live: bool
    as_of: datetime
    os: str | None = None
    init: str | None = None
    cron: str | None = None
    systemd: str | None = None  # who answered about units: dbus, systemctl, unit-files


class HalfSwitched(Struct, frozen=True):
    """A unit whose switch on disk and whose state in memory disagree."""

    unit: str
    what: Literal["enabled-inactive", "disabled-active", "masked-active", "not-reloaded"]
    text: str
    evidence: tuple[Evidence, ...] = ()
    trigger: str | None = None


class Model(Struct, frozen=True):
    """Everything known about one machine, tied together; rules and renderers read nothing else."""

    host: HostInfo
    triggers: tuple[Trigger, ...] = ()
    paths: tuple[RenewalPath, ...] = ()
    lineages: tuple[Lineage, ...] = ()
    runs: tuple[Run, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    gaps: tuple[Gap, ...] = ()
    policy: Policy = field(default_factory=Policy)
    policy_problems: tuple[Reason, ...] = ()
    half_switched: tuple[HalfSwitched, ...] = ()
    comforts: tuple[Reason, ...] = ()  # things done that look like switching off; code is a trigger id
    absent: tuple[str, ...] = ()  # subjects that the tree does not hold at all: "renewal", "timers"
    horizon: tuple[tuple[str, datetime | None], ...] = ()  # (kind of log, oldest moment covered)
    history: History = field(default_factory=History)

    def path(self, path_id: str | None) -> RenewalPath | None:
        """The path of that id, if there is one."""
        return next((p for p in self.paths if p.id == path_id), None)

    def trigger(self, trigger_id: str | None) -> Trigger | None:
        """The trigger of that id, if there is one."""
        return next((t for t in self.triggers if t.id == trigger_id), None)

    def lineage(self, name: str) -> Lineage | None:
        """The lineage of that name, if there is one."""
        return next((x for x in self.lineages if x.name == name), None)

    def owners_trigger(self, lineage: Lineage) -> Trigger | None:
        """What starts the path that is meant to renew a lineage, if that is known."""
        owner = self.path(lineage.owner)
        return self.trigger(owner.trigger) if owner else None

    def renewers(self, lineage: Lineage) -> tuple[RenewalPath, ...]:
        """The armed paths that can renew a lineage, in the report's order."""
        wanted = frozenset(lineage.renewers)
        return tuple(p for p in self.paths if p.id in wanted)


class Report(Struct, frozen=True):
    """A Model and what the rules said of it."""

    model: Model
    verdict: str
    results: tuple[Result, ...] = field(default=())

    @property
    def findings(self) -> tuple[tuple[Result, Finding], ...]:
        """Every finding with its rule's result, worst first, in a stable order."""
        pairs = [(r, f) for r in self.results for f in r.findings]
        rank = {name: -n for n, name in enumerate(SEVERITIES)}
        return tuple(sorted(pairs, key=lambda p: (rank[p[1].severity], p[0].rule, p[1].subject)))
