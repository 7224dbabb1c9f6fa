"""What happens on an invented machine, written down: lines that were logged, runs that were made.

Law: shares nothing with the code under test; ``who`` is always the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.history.jobs import Job
from tests.history.scenario import Machine

PEOPLE = ("sudo", "shell")


@dataclass(slots=True)
class Said:
    """A line that a system log got; ``who`` is the truth.

    ``word`` is start, end, failed, locked, cron, opened, closed, anacron, anacron-end, sudo, shell,
    user-start, user-end, other, sleep, wake or boot.
    """

    time: datetime
    word: str
    who: str
    job: Job | None = None
    text: str = ""
    pid: int = 0
    parent: int = 0
    invocation: str = ""
    twins: tuple[str, ...] = ()  # timers that elapsed while their unit, started by this, was active


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did to one lineage, and from when to when; killed: the run ended there."""

    lineage: str
    outcome: str  # not_due, renewed, failed, killed, simulated
    generation: int
    began: datetime
    ended: datetime


@dataclass(slots=True)
class Execution:
    """One run of certbot that wrote a log; ``outcome`` is the worst of its results."""

    who: str
    began: datetime
    ended: datetime
    arguments: tuple[str, ...]
    version: str
    outcome: str = "not_due"
    results: tuple[Result, ...] = ()
    slept: float = 0
    origin: Said | None = None  # the line that says what started it
    twins: tuple[str, ...] = ()  # triggers whose own call, alike in all that is logged, it locked out


@dataclass(slots=True)
class History:
    """What happened: the executions in order, and the lines of the system's logs."""

    machine: Machine
    executions: list[Execution] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
