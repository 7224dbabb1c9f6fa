"""``certaudit timeline``: the life of each certificate, and who made which renewal, at a glance."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import typer

from certaudit.cli.audit import wants_colour, width
from certaudit.cli.common import (
    AsOfOption,
    PolicyOption,
    RootOption,
    chosen_lineages,
    limit_of,
    model_of,
    only_ascii,
    put,
    zoned,
)
from certaudit.errors import UsageError


class Format(str, Enum):
    """How the timeline is written."""

    terminal = "terminal"
    json = "json"


def command(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One certificate: a lineage or a domain.")
    ] = None,
    root: RootOption = None,
    as_of: AsOfOption = None,
    policy: PolicyOption = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Nothing before this day or moment.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Nothing after this day or moment.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.terminal,
    no_color: Annotated[bool, typer.Option("--no-color", help="Write no colours.")] = False,
) -> int:
    """Tell what happened to each certificate: who renewed it when, what came with which package.

    Firings, runs, renewals, hooks, copies and package changes in one; long dull stretches are one line.
    """
    from certaudit.render import timeline, timeline_json  # noqa: PLC0415 - only this verb pays for it

    first, last = limit_of("--since", since), limit_of("--until", until, last=True)
    model = model_of(root, as_of, policy)
    lineages = chosen_lineages(model, name)
    begin, end = (zoned(moment, model.host.as_of.tzinfo) for moment in (first, last))
    check_order(begin, end)
    if form is Format.json:
        put(timeline_json.render(model, lineages, begin, end))
        return 0
    colour = wants_colour(None, no_color=no_color)
    texts = [
        timeline.render(model, x, begin, end, colour=colour, width=width(), ascii_only=only_ascii())
        for x in lineages
    ]
    put("\n".join(texts) if texts else "There is no certbot certificate here.\n")
    return 0


def check_order(begin: datetime | None, end: datetime | None) -> None:
    """Raise ``UsageError`` for a time that ends before it begins."""
    if begin and end and end < begin:
        raise UsageError(f"--until {end:%Y-%m-%d %H:%M} lies before --since {begin:%Y-%m-%d %H:%M}")
