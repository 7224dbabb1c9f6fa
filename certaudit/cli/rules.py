"""``certaudit rules``: the rules, and one rule's page."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from certaudit.errors import UsageError


def command(
    slug: Annotated[str | None, typer.Argument(metavar="[SLUG]", help="The rule to explain.")] = None,
) -> int:
    """List the rules, or print one rule's page: what, why it matters, how to fix, references."""
    from certaudit.rules import rules  # noqa: PLC0415 - only this verb pays for it

    if slug is None:
        for rule in rules():
            severities = rule.severities[0]
            if len(rule.severities) > 1:
                severities += f"..{rule.severities[-1]}"  # type: ignore[assignment]
            sys.stdout.write(f"{rule.slug:<31} {severities:<13} {rule.title}\n")
        return 0
    found = next((rule for rule in rules() if rule.slug == slug), None)
    if found is None:
        raise UsageError(f"there is no rule {slug!r}; `certaudit rules` lists them")
    sys.stdout.write(f"{found.slug}: {found.page}\n")
    return 0
