"""What an answer to "who started this run" is made of, and what the others around a run tell of it.

Law: data alone; who says what is in ``matching`` and ``attribution``.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from certaudit.facts import Login, Start, Typed
from certaudit.model import Actor, Confidence, Evidence
from certaudit.parsers.letsencrypt_log import LogRun


class Attribution(Struct, frozen=True):
    """Who started a run, how sure that is, and why."""

    trigger: str | None = None
    actor: Actor = "unknown"
    confidence: Confidence = "unknown"
    because: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    start: Start | None = None


class Around(Struct, frozen=True):
    """What the other runs and starts tell about one run.

    ``sole``: starts that no other run fits, in a time that the logs cover as a whole; ``shared``: starts
    that other runs fit as well; ``doubtful``: starts that their timer's schedule does not explain, and
    ``unproven`` those in a time that the logs do not cover as a whole; ``disproved``: starts later than
    their timer's last firing; ``steady``: triggers whose starts nearly all led to a run; ``people``:
    what a person started by ``systemctl``, with the line that says so; ``typed``: calls in shell
    histories that do not say when; ``logins``: who was at a terminal; ``crowded``: (trigger, run) where
    several runs share an elapse; ``pressed``: runs right before which two triggers started, each by a
    start of its own; ``exchanged``: runs that could have changed places with others; ``orphans``: when
    cron started a client by a line that no longer stands; ``two_clocks``: the logs were written in two
    zones somewhere.
    """

    sole: frozenset[Start] = frozenset()
    shared: frozenset[Start] = frozenset()
    doubtful: frozenset[Start] = frozenset()
    unproven: frozenset[Start] = frozenset()
    disproved: frozenset[Start] = frozenset()
    steady: frozenset[str] = frozenset()
    people: tuple[tuple[Start, Start], ...] = ()
    typed: tuple[Typed, ...] = ()
    logins: tuple[Login, ...] = ()
    crowded: frozenset[tuple[str, LogRun]] = frozenset()
    pressed: frozenset[LogRun] = frozenset()
    exchanged: frozenset[LogRun] = frozenset()
    orphans: tuple[datetime, ...] = ()
    two_clocks: bool = False
