"""``certaudit why``: one certificate in plain words, with the evidence."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from certaudit.cli.audit import wants_colour, width
from certaudit.cli.common import AsOfOption, PolicyOption, RootOption, model_of
from certaudit.errors import UsageError


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The certificate: a lineage or a domain.")],
    root: RootOption = None,
    as_of: AsOfOption = None,
    policy: PolicyOption = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="Write no colours.")] = False,
) -> int:
    """Tell who renewed one certificate, who will, and what happens afterwards."""
    from certaudit.render import why  # noqa: PLC0415 - only this verb pays for it

    model = model_of(root, as_of, policy)
    found = [x for x in model.lineages if x.name == name or name in x.names]
    if not found:
        known = ", ".join(x.name for x in model.lineages) or "none"
        raise UsageError(f"there is no certificate {name!r} here; there is: {known}")
    colour = wants_colour(None, no_color=no_color)
    for lineage in found:
        sys.stdout.write(why.render(model, lineage, colour=colour, width=width()))
    return 0
