"""``certaudit rules``: the rules, and one rule's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from certaudit.cli.audit import width
from certaudit.cli.common import say
from certaudit.errors import UsageError

if TYPE_CHECKING:
    from certaudit.rules import Rule


def command(
    slug: Annotated[str | None, typer.Argument(metavar="[SLUG]", help="The rule to explain.")] = None,
) -> int:
    """List the rules, or print one rule's page: what, why it matters, how to fix, references."""
    from certaudit.rules import rules  # noqa: PLC0415 - only this verb pays for it

    if slug is None:
        for rule in rules():
            say(*row(rule, width()))
        return 0
    found = next((rule for rule in rules() if rule.slug == slug), None)
    if found is None:
        raise UsageError(f"there is no rule {slug!r}; `certaudit rules` lists them")
    say(*page(found, width()))
    return 0


def row(rule: Rule, columns: int) -> list[str]:
    """A rule in the list: its slug, the severities it can have, and its title."""
    from certaudit.render.folding import sentence  # noqa: PLC0415

    least, most = rule.severities[0], rule.severities[-1]
    severities = least if least == most else f"{least}..{most}"
    first = f"{rule.slug:<31} {severities:<13} "
    return sentence(rule.title, first, columns, " " * len(first))


def page(rule: Rule, columns: int) -> list[str]:
    """A rule's page, its paragraphs as wide as what it is read on."""
    from certaudit.render.folding import sentence  # noqa: PLC0415

    lines: list[str] = []
    for paragraph in f"{rule.slug}: {rule.page}".split("\n\n"):
        lines += ["", *sentence(" ".join(paragraph.split()), "", columns, "")]
    return lines[1:]
