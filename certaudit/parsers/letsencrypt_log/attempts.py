"""What a run did lineage by lineage, collected while its records pass.

Law: one attempt a lineage, however often the log comes back to it (announced, checked, written,
listed in the results); a written certificate is never unwritten by a later complaint.
``renew`` announces each renewal conf in the file since 1.10 only; before, a lineage is known from the
path of its OCSP check, of the certificate written, or from the failure that names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from certaudit.parsers.letsencrypt_log.records import OutcomeWord

_MOST = 10_000  # lineages of one run; more is no log of certbot

_RESULTS: dict[str, OutcomeWord] = {
    "success": "renewed",
    "skipped": "not_due",
    "failure": "failed",
    "parsefail": "failed",
}


class Seen(NamedTuple):
    """One decisive line before its run's zone is known: ``wall`` is naive."""

    where: str
    line: int
    text: str
    wall: datetime


class Attempt(Struct):
    """One lineage in one run; ``outcome`` is ``None`` until the log settles it."""

    name: str | None
    seen: Seen
    reason: str
    announced: bool = False  # by "Processing <renewal conf>"
    due: bool = False
    outcome: OutcomeWord | None = None
    generation: int | None = None
    error: str | None = None

    def settle(self, outcome: OutcomeWord, seen: Seen, reason: str) -> None:
        """Record what became of it, with the line that says so."""
        self.outcome, self.seen, self.reason = outcome, seen, reason


def _is_about(attempt: Attempt, name: str | None) -> bool:
    if attempt.outcome is None:
        return name is None or attempt.name in (None, name)
    return name is not None and attempt.name == name


class Attempts:
    """The attempts of one run in the order certbot came to them."""

    def __init__(self) -> None:
        self._all: list[Attempt] = []
        self._named: dict[str, Attempt] = {}
        self._current: Attempt | None = None
        self._checked: str | None = None

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self._all)

    def announced(self, name: str | None, seen: Seen, reason: str) -> None:
        """``Processing <renewal conf>``: the lineage that everything up to the next one is about."""
        self._current = self._new(name, seen, reason)
        self._current.announced = True

    def checked(self, name: str) -> None:
        """An OCSP look at ``archive/NAME/certN.pem``: the lineage whose turn it is."""
        current = self._current
        if current is None or not current.announced:
            if current is not None and current.name != name:
                self._current = None
            self._checked = name

    def due(self, seen: Seen, reason: str, name: str | None = None) -> None:
        """Certbot decided to get a certificate; ``name`` is what the command line calls it."""
        attempt = self._open(seen, reason)
        attempt.due = True
        if attempt.outcome is None:
            attempt.seen, attempt.reason = seen, reason
        if attempt.name is None and name is not None:
            self._call(attempt, name)

    def renewing(self, seen: Seen, reason: str, name: str | None = None) -> None:
        """Certbot began to get a successor; after "not yet due" a person chose to replace it."""
        current = self._current
        if current is not None and current.outcome == "not_due":
            current.outcome = None
        self.due(seen, reason, name)

    def not_due(self, seen: Seen, reason: str, name: str | None = None) -> None:
        """Certbot found it not due."""
        attempt = self._open(seen, reason)
        if attempt.name is None and name is not None:
            self._call(attempt, name)
        if attempt.outcome is None:
            attempt.settle("not_due", seen, reason)

    @property
    def last_not_due(self) -> bool:
        """Whether the last thing said of the last lineage is that it is not due."""
        return bool(self._all) and self._all[-1].outcome == "not_due"

    def written(self, name: str, generation: int, seen: Seen, reason: str) -> None:
        """A certificate was written to ``archive/NAME`` or, first issue, ``live/NAME``."""
        attempt = self._open(seen, reason)
        if not attempt.announced or attempt.name is None:
            self._call(attempt, name)
        attempt.settle("renewed", seen, reason)
        attempt.generation = generation

    def simulated(self, name: str, seen: Seen, reason: str) -> None:
        """A dry run got its certificate for ``live/NAME`` and threw it away."""
        attempt = self._open(seen, reason)
        if attempt.name is None:
            self._call(attempt, name)
        attempt.settle("simulated", seen, reason)

    def failed(self, name: str | None, seen: Seen, reason: str) -> None:
        """Certbot gave up on a lineage, or could not read its conf."""
        current = self._current
        if current is not None and _is_about(current, name):
            attempt = current
        else:
            attempt = self._named.get(name or "") or self._new(name, seen, reason)
        if attempt.name is None and name is not None:
            self._call(attempt, name)
        attempt.error = reason
        if attempt.outcome != "renewed":
            attempt.settle("failed", seen, reason)

    def result(self, name: str, category: str, seen: Seen, reason: str, may_add: bool) -> None:
        """One line of the results at the end; adds a lineage only where its own lines are lost."""
        attempt = self._named.get(name)
        if attempt is None and may_add:
            attempt = self._new(name, seen, reason)
        if attempt is not None and attempt.outcome is None:
            outcome = _RESULTS[category]
            attempt.settle(outcome, seen, reason)
            attempt.error = reason if outcome == "failed" else None

    def aborted(self, error: str) -> None:
        """The run ended by an exception: what it was getting just then has failed."""
        current = self._current
        if current is not None and current.due and current.outcome is None:
            current.outcome, current.error = "failed", error

    def _open(self, seen: Seen, reason: str) -> Attempt:
        current = self._current
        if current is not None and (current.announced or current.outcome is None):
            return current
        name, self._checked = self._checked, None
        self._current = self._new(name, seen, reason)
        return self._current

    def _new(self, name: str | None, seen: Seen, reason: str) -> Attempt:
        if len(self._all) >= _MOST:
            return self._all[-1]
        attempt = Attempt(name, seen, reason)
        self._all.append(attempt)
        if name is not None:
            self._named[name] = attempt
        return attempt

    def _call(self, attempt: Attempt, name: str) -> None:
        attempt.name = name
        self._named[name] = attempt
