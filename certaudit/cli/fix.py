"""``certaudit fix``: show what would end the trouble, ask, do it, and look again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certaudit.cli.audit import Format, check_slugs
from certaudit.cli.common import AsOfOption, PolicyOption, RootOption
from certaudit.cli.repair import (
    STATE,
    Look,
    RemoteOption,
    RunHooksOption,
    StateOption,
    go,
    only_here,
    with_hooks,
)
from certaudit.errors import UsageError
from certaudit.parsers.policy import POLICY_FILE
from certaudit.records import replace

if TYPE_CHECKING:
    from certaudit.fix.plan import Choices
    from certaudit.plan import Remedy

WELL = "every certificate has one owner, and no copy is stale"


def command(
    target: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A directory that holds a root file system.")
    ] = None,
    root: RootOption = None,
    as_of: AsOfOption = None,
    policy: PolicyOption = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Only show the plan.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How to write the plan.")] = Format.terminal,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="SLUG[:SUBJECT]", help="Only these findings.")
    ] = None,
    remedy: Annotated[
        list[str] | None, typer.Option(metavar="SUBJECT=a..e", help="This remedy for that certificate.")
    ] = None,
    owner: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=TRIGGER", help=f"Who should renew it; written to {POLICY_FILE}."),
    ] = None,
    accepted: Annotated[
        list[str] | None,
        typer.Option("--accept-orphan", metavar="NAME", help="It may lose its last renewal path."),
    ] = None,
    remote: RemoteOption = False,
    run_hooks: RunHooksOption = False,
    state_dir: StateOption = STATE,
) -> int:
    """Show what would end the trouble, ask, do it, and look again.

    Works on this host, or on the image in DIR. `certaudit undo` takes it back.
    """
    if target is not None and root is not None and target != root:
        raise UsageError("give the directory once: as an argument or with --root")
    if yes and (plan_only or form is Format.json):
        raise UsageError("--yes does the plan: it goes with neither --plan nor --format json")
    look = Look(target or root or Path("/"), as_of, policy)
    only_here(look.target, remote=remote, run_hooks=run_hooks)
    asked_for = chosen(only or [], remedy or [], accepted or [], owner or [])
    choices = with_hooks(look, replace(asked_for, remote=remote), run_hooks=run_hooks)
    return go(look, choices, form, state_dir, show_only=plan_only, yes=yes, well=WELL)


def chosen(only: list[str], remedies: list[str], accepted: list[str], owners: list[str]) -> Choices:
    """The choices of a command line. Raise ``UsageError``."""
    from certaudit.fix.plan import RULES, Choices  # noqa: PLC0415

    slugs = [item.partition(":")[0] for item in only]
    check_slugs(slugs)
    for slug in slugs:
        if slug not in RULES:
            raise UsageError(f"certaudit fix does nothing about {slug}; it knows {', '.join(RULES)}")
    pairs = tuple(remedy_of(item) for item in remedies)
    return Choices(
        tuple(only), pairs, frozenset(accepted), owners=tuple(owner_of(item) for item in owners)
    )


def owner_of(item: str) -> tuple[str, str]:
    """``NAME=TRIGGER``. Raise ``UsageError``."""
    name, _, word = item.partition("=")
    if not name or not word:
        raise UsageError(f"--owner {item!r}: try NAME=timer:certbot.timer")
    return name, word


def remedy_of(item: str) -> tuple[str, Remedy]:
    """``SUBJECT=a..e``. Raise ``UsageError``."""
    subject, _, letter = item.rpartition("=")
    for known in ("a", "b", "c", "d", "e"):
        if subject and letter == known:
            return subject, known
    raise UsageError(f"--remedy {item!r}: try NAME=c; the remedies are a, b, c, d and e")
