"""The nouns of the past: packages that came, triggers that fired, copies that stayed behind.

Law: as ``model``: frozen, no library but msgspec. These are facts of history, never findings: a
repaired machine has them and stays silent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from certaudit.evidence import Confidence, Evidence

PackageAction = Literal["install", "reinstall", "upgrade", "downgrade", "remove", "purge"]
EventKind = Literal[
    "release",  # the system moved to another release
    "package",  # a package came, changed or went
    "renewed",  # a generation was made
    "not-due",  # a run found that it was not due
    "idle",  # a trigger fired and did not call the client
    "fired",  # a trigger fired; what came of it is not known
    "failed",  # a run tried and failed
    "simulated",  # a dry run
    "unclear",  # a run whose log does not tell
    "hooks",  # the hooks that a run began
    "copied",  # copies got a generation
    "expired",  # a generation ran out that copies still held
    "today",  # the moment of the audit
    "due",  # the live generation may be renewed from here on
    "next",  # a trigger fires next
    "expires",  # a generation in use will run out
]
LogKind = Literal["client", "starts", "packages"]


class PackageChange(Struct, frozen=True):
    """One package installed, upgraded or removed, as the package manager's own log tells it.

    ``command`` and ``requested_by`` (a user's name) are the front end's words, where it left any.
    """

    time: datetime
    action: PackageAction
    package: str
    old: str | None
    new: str | None
    command: str | None = None
    requested_by: str | None = None
    evidence: tuple[Evidence, ...] = ()


class Migration(Struct, frozen=True):
    """A system that moved from one release to another, in one or several steps.

    ``old`` is ``None`` where the system (or the image it was made from) was installed then.
    """

    time: datetime
    until: datetime
    old: str | None
    new: str
    evidence: tuple[Evidence, ...] = ()


class Arrival(Struct, frozen=True):
    """Since when a packaged trigger is on the machine, and what brought it.

    ``time`` is ``None`` where no log tells; ``before`` then is the oldest moment at which its package
    is known to have been there. ``migration`` is the release move in whose course it came.
    """

    trigger: str
    package: str
    version: str | None
    time: datetime | None
    before: datetime | None = None
    command: str | None = None
    requested_by: str | None = None
    confidence: Confidence = "unknown"
    migration: Migration | None = None
    evidence: tuple[Evidence, ...] = ()


class Firing(Struct, frozen=True):
    """One start of a trigger's command that the system's logs show.

    ``called``: did it lead to a run of the client; ``None`` where the client's own log does not tell.
    ``run`` is that run's id.
    """

    trigger: str
    time: datetime
    ended: datetime | None
    called: bool | None
    run: str | None
    evidence: Evidence


class Starvation(Struct, frozen=True):
    """A time in which a lineage's owner came too late, because another path had renewed before it.

    It begins with the first stolen renewal and ends (``until``) with the owner's next own one.
    ``times`` are the owner's firings that would have renewed, had nobody stolen: at most one for each
    stolen generation, between ``first`` and ``last``, as far as the logs show. ``idle`` are all its
    firings of that time that the logs show to have had nothing to renew.
    """

    lineage: str
    since: datetime
    until: datetime | None
    times: int
    first: datetime
    last: datetime
    confidence: Confidence
    evidence: tuple[Evidence, ...] = ()
    idle: int = 0


class LeftBehind(Struct, frozen=True):
    """How long one copy stayed behind after one stolen renewal.

    ``state``: still (until now), ended (at ``until``), or unknown (not known when: ``because`` says
    why, and ``until``, where given, is when at the latest). ``confidence`` is about the interval.
    """

    lineage: str
    generation: int
    deployment: str
    where: str
    since: datetime
    until: datetime | None
    state: Literal["still", "ended", "unknown"]
    confidence: Confidence
    because: str


class Hole(Struct, frozen=True):
    """A time within a log's span that it does not cover, as far as that is known."""

    since: datetime | None
    until: datetime | None
    reason: str


class Coverage(Struct, frozen=True):
    """Which time one log covers; ``since`` is ``None`` where there is no such log at all."""

    kind: LogKind
    source: str
    since: datetime | None
    until: datetime | None = None
    holes: tuple[Hole, ...] = ()


class TimelineEvent(Struct, frozen=True):
    """One thing that happened, or will, in the life of a lineage.

    ``who`` is the id of the trigger at work, or ``person``; ``None`` where nobody is known. A folded
    event stands for ``count`` alike ones from ``time`` to ``until``.
    """

    time: datetime
    kind: EventKind
    text: str
    who: str | None = None
    run: str | None = None
    generation: int | None = None
    relation: str | None = None
    confidence: Confidence | None = None
    evidence: tuple[Evidence, ...] = ()
    count: int = 1
    until: datetime | None = None


class History(Struct, frozen=True):
    """Everything of the past that is neither a run nor a generation."""

    packages: tuple[PackageChange, ...] = ()
    migrations: tuple[Migration, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    firings: tuple[Firing, ...] = ()
    starvations: tuple[Starvation, ...] = ()
    left_behind: tuple[LeftBehind, ...] = ()
    coverage: tuple[Coverage, ...] = ()

    def arrival(self, trigger: str | None) -> Arrival | None:
        """What is known of how a trigger came, if anything."""
        return next((a for a in self.arrivals if a.trigger == trigger), None)
