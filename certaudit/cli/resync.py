"""``certaudit resync``: bring copies and services up to date, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certaudit.cli.audit import Format
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

WELL = "no copy is stale, and nothing here serves an older certificate"


def command(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this certificate.")] = None,
    target: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A directory that holds a root file system.")
    ] = None,
    root: RootOption = None,
    as_of: AsOfOption = None,
    policy: PolicyOption = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Only show the plan.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How to write the plan.")] = Format.terminal,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    remote: RemoteOption = False,
    run_hooks: RunHooksOption = False,
    state_dir: StateOption = STATE,
) -> int:
    """Bring stale copies and services up to date, ask before, and look again.

    On this host it also asks the addresses that serve a certificate which one they serve. `certaudit
    undo` takes it back.
    """
    from certaudit.fix.plan import RULES, Choices  # noqa: PLC0415 - only verbs pay for libraries

    if name is not None and "/" in name and target is None:
        target, name = Path(name), None
    if target is not None and root is not None and target != root:
        raise UsageError("give the directory once: as an argument or with --root")
    if yes and (plan_only or form is Format.json):
        raise UsageError("--yes does the plan: it goes with neither --plan nor --format json")
    look = Look(target or root or Path("/"), as_of, policy, connect=True)
    only_here(look.target, remote=remote, run_hooks=run_hooks)
    only = f"{RULES[-1]}:{name}" if name else RULES[-1]
    choices = with_hooks(look, Choices(only=(only,), remote=remote), run_hooks=run_hooks)
    return go(look, choices, form, state_dir, show_only=plan_only, yes=yes, well=WELL)
