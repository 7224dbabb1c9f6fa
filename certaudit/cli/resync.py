"""``certaudit resync``: bring copies and services up to date, and nothing else."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certaudit.cli.audit import Format
from certaudit.cli.common import AsOfOption, PolicyOption, RootOption
from certaudit.cli.fix import (
    STATE,
    Look,
    RemoteOption,
    RunHooksOption,
    StateOption,
    ask,
    carry_out,
    check_subjects,
    only_here,
    planned,
    put,
    reply,
    show,
    with_hooks,
)
from certaudit.errors import UsageError

if TYPE_CHECKING:
    from certaudit.fix.perform import Machine
    from certaudit.fix.plan import Choices
    from certaudit.model import Model
    from certaudit.plan import Plan

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
    look = Look(target or root or Path("/"), as_of, policy, connect=True, remote=remote)
    only_here(look.target, remote=remote, run_hooks=run_hooks)
    only = (f"{RULES[-1]}:{name}",) if name else (RULES[-1],)
    model, machine = look.once()
    choices = with_hooks(Choices(only=only), model, run_hooks)
    check_subjects(model, choices)
    plan = planned(model, machine, choices)
    asking = not (yes or plan_only or form is Format.json) and sys.stdin.isatty() and sys.stdout.isatty()
    if not yes and not asking:
        show(plan, form)
        return 0
    if asking and machine.live:
        machine, choices, plan = consent(look, model, machine, choices, plan)
    if asking:
        answer = ask(model, machine, choices, plan)
        if answer is None:
            return 0
        plan = answer
    return carry_out(plan, look, machine, choices, state_dir, shown=asking, well=WELL)


def consent(
    look: Look, model: Model, machine: Machine, choices: Choices, plan: Plan
) -> tuple[Machine, Choices, Plan]:
    """Ask for what is never done unasked: other hosts, and the owner's own steps."""
    from certaudit.fix.perform import machine_at  # noqa: PLC0415
    from certaudit.plan import RunCommand  # noqa: PLC0415

    if plan.unseen:
        put("The certificate also goes to other hosts:\n")
        put("".join(f"   {place}\n" for place in plan.unseen))
        if reply("Look there over ssh, as this user? [y/N] ") in ("y", "yes"):
            look.remote = True
            machine = machine_at(machine.root.directory, machine.systemd, remote=True)
            plan = planned(model, machine, choices)
    behind = frozenset(name for step in plan.steps for name in step.subjects)
    if behind and not choices.run_hooks:
        more = replace(choices, run_hooks=behind)
        longer = planned(model, machine, more)
        commands = [a.command for a in longer.actions if isinstance(a, RunCommand)]
        if commands:
            put("After a renewal its owner also runs:\n")
            put("".join(f"   {command}\n" for command in commands))
            if reply("Run that too? It can not be undone. [y/N] ") in ("y", "yes"):
                return machine, more, longer
    return machine, choices, plan
