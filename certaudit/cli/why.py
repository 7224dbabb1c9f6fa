"""``certaudit why``: one certificate in plain words, with the evidence."""

from __future__ import annotations

from typing import Annotated

import typer

from certaudit.cli.audit import wants_colour, width
from certaudit.cli.common import (
    AsOfOption,
    PolicyOption,
    RootOption,
    chosen_lineages,
    model_of,
    put,
)


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The certificate: a lineage or a domain.")],
    root: RootOption = None,
    as_of: AsOfOption = None,
    policy: PolicyOption = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="Write no colours.")] = False,
) -> int:
    """Tell who renewed one certificate, who is meant to, what that left behind, and what to do."""
    from certaudit.audit import audit  # noqa: PLC0415 - only this verb pays for it
    from certaudit.render import why  # noqa: PLC0415
    from certaudit.rules import rules  # noqa: PLC0415

    model = model_of(root, as_of, policy)
    found = chosen_lineages(model, name)
    report = audit(model, rules())
    colour = wants_colour(None, no_color=no_color)
    put("\n".join(why.render(report, x, colour=colour, width=width()) for x in found))
    return 0
