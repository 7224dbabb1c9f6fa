"""Every error certaudit raises on purpose, so that one place can turn each into a line and a code.

Nothing here knows about printing or exit codes; ``certaudit.cli`` does.
"""

from __future__ import annotations


class CertauditError(Exception):
    """Base of all expected errors; its text is one sentence a person can act on."""


class ParseError(CertauditError):
    """A text is not what its format says.

    ``line`` counts from 1; it is ``None`` where the whole text is meant.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason if line is None else f"line {line}: {reason}")
        self.reason = reason
        self.line = line


class UnreadableError(CertauditError):
    """Something is there but could not be read: permissions, a FIFO, a loop of links, bad gzip."""


class TargetError(CertauditError):
    """The thing to audit is missing or holds no root file system."""


class UsageError(CertauditError):
    """The command line or the policy file says something that has no meaning."""
