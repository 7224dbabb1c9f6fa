"""``certaudit fix``: show what would end the trouble, ask, do it, and look again."""

from __future__ import annotations

import os
import pwd
import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certaudit.cli.audit import Format, check_slugs, width
from certaudit.cli.common import (
    AsOfOption,
    PolicyOption,
    RootOption,
    asker,
    moment_of,
    patience,
    policy_of,
)
from certaudit.errors import CertauditError, UsageError

if TYPE_CHECKING:
    from certaudit.fix.perform import Machine
    from certaudit.fix.plan import Choices
    from certaudit.host.machine import Host
    from certaudit.model import Finding, Model, Result
    from certaudit.plan import Plan, Remedy, Step

REFUSED, LEFT = 4, 1
STATE = Path("/var/lib/certaudit")
WELL = "every certificate has one owner, and no copy is stale"
PROMPT = "Do this? [Y]es, no, all, quit, explain, diff, remedy: "

StateOption = Annotated[
    Path,
    typer.Option(
        "--state-dir", metavar="DIR", envvar="CERTAUDIT_STATE_DIR", help="Where plans are kept for undo."
    ),
]

RemoteOption = Annotated[
    bool, typer.Option("--remote", help="Copies on other hosts too, over ssh.", show_default=False)
]
RunHooksOption = Annotated[
    bool,
    typer.Option("--run-hooks", help="Run the owner's own steps and deploy hooks.", show_default=False),
]


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
    look = Look(target or root or Path("/"), as_of, policy, remote=remote)
    only_here(look.target, remote=remote, run_hooks=run_hooks)
    choices = chosen(only or [], remedy or [], accepted or [])
    model, machine = look.once()
    choices = with_hooks(choices, model, run_hooks)
    check_subjects(model, choices)
    plan = planned(model, machine, choices)
    asking = not (yes or plan_only or form is Format.json) and sys.stdin.isatty() and sys.stdout.isatty()
    if not yes and not asking:
        show(plan, form)
        return 0
    if asking and machine.live:
        from certaudit.cli.resync import consent  # noqa: PLC0415 - it builds on this module

        machine, choices, plan = consent(look, model, machine, choices, plan)
    if asking:
        answer = ask(model, machine, choices, plan)
        if answer is None:
            return 0
        plan = answer
    return carry_out(plan, look, machine, choices, state_dir, shown=asking)


def only_here(target: Path, *, remote: bool, run_hooks: bool) -> None:
    """Raise ``UsageError`` where an image's steps, or its way to other hosts, would be ours."""
    if (remote or run_hooks) and target.absolute() != Path("/"):
        option = "--remote" if remote else "--run-hooks"
        raise UsageError(f"{option} works on the host this runs on, not on the image in {target}")


def with_hooks(choices: Choices, model: Model, run_hooks: bool) -> Choices:
    """``--run-hooks`` is meant for every certificate."""
    names = frozenset(lineage.name for lineage in model.lineages)
    return replace(choices, run_hooks=names) if run_hooks else choices


class Look:
    """One target, looked at as often as needed."""

    def __init__(
        self,
        target: Path,
        as_of: str | None,
        policy: Path | None,
        *,
        connect: bool = False,
        remote: bool = False,
    ) -> None:
        """``connect``: ask what is served here. ``remote``: other hosts, over ssh."""
        self.target, self.as_of, self.policy = target, as_of, policy
        self.connect, self.remote = connect, remote

    def host(self) -> Host:
        """The machine as it is now."""
        from certaudit.host.machine import open_host  # noqa: PLC0415 - only verbs pay for libraries

        return open_host(self.target, moment_of(self.as_of))

    def once(self) -> tuple[Model, Machine]:
        """What is known of the machine now, and the machine."""
        from certaudit.audit import observe  # noqa: PLC0415
        from certaudit.fix.perform import machine_at  # noqa: PLC0415

        with patience():
            host = self.host()
            ask = asker(host) if self.connect else None
            model = observe(host, policy_of(host.root, self.policy), ask)
            return model, machine_at(host.root.directory, host.systemd, remote=self.remote)

    def findings(self) -> tuple[tuple[Result, Finding], ...]:
        """What an audit by all rules says now."""
        from certaudit.audit import audit  # noqa: PLC0415
        from certaudit.rules import rules  # noqa: PLC0415

        return audit(self.once()[0], rules()).findings


def chosen(only: list[str], remedies: list[str], accepted: list[str]) -> Choices:
    """The choices of a command line. Raise ``UsageError``."""
    from certaudit.fix.plan import RULES, Choices  # noqa: PLC0415

    slugs = [item.partition(":")[0] for item in only]
    check_slugs(slugs)
    for slug in slugs:
        if slug not in RULES:
            raise UsageError(f"certaudit fix does nothing about {slug}; it knows {', '.join(RULES)}")
    pairs = tuple(remedy_of(item) for item in remedies)
    return Choices(tuple(only), pairs, frozenset(accepted))


def remedy_of(item: str) -> tuple[str, Remedy]:
    """``SUBJECT=a..e``. Raise ``UsageError``."""
    subject, _, letter = item.rpartition("=")
    for known in ("a", "b", "c", "d", "e"):
        if subject and letter == known:
            return subject, known
    raise UsageError(f"--remedy {item!r}: try NAME=c; the remedies are a, b, c, d and e")


def check_subjects(model: Model, choices: Choices) -> None:
    """Raise ``UsageError`` for a certificate that is not here, which is a typing mistake."""
    only = [item.partition(":")[2] for item in choices.only]
    for name in (*(s for s, _ in choices.remedies), *choices.accepted, *filter(None, only)):
        if model.lineage(name) is None:
            known = ", ".join(x.name for x in model.lineages) or "none"
            raise UsageError(f"there is no certificate {name!r} here; there is: {known}")


def planned(model: Model, machine: Machine, choices: Choices) -> Plan:
    """The plan, its target named so that it can be found again."""
    from certaudit.fix.plan import plan_of  # noqa: PLC0415

    plan = plan_of(model, machine, choices, machine.remote)
    return replace(plan, target=str(machine.root.directory))


def show(plan: Plan, form: Format) -> None:
    """The plan on stdout."""
    from certaudit.render import plan_json, plan_text  # noqa: PLC0415

    text = plan_json.render(plan) if form is Format.json else plan_text.render(plan, width())
    put(text)


def put(text: str) -> None:
    """Text on stdout, at once."""
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()


def ask(model: Model, machine: Machine, choices: Choices, plan: Plan) -> Plan | None:
    """Show the plan and ask about each step; ``None`` where nothing is to be done."""
    from certaudit.fix.plan import key_of  # noqa: PLC0415

    show(plan, Format.terminal)
    if not plan.steps:
        return plan
    taken: set[str] = set()
    while left := [step for step in plan.steps if key_of(step) not in taken]:
        number = plan.steps.index(left[0]) + 1
        answer = answered(left[0], number, len(plan.steps))
        if answer == "quit":
            put("Nothing was changed.\n")
            return None
        if answer == "all":
            break
        if answer == "yes":
            taken.add(key_of(left[0]))
            continue
        if answer == "no":
            choices = replace(choices, declined=choices.declined | {key_of(left[0])})
        else:
            names = tuple((name, remedy_of(f"x={answer}")[1]) for name in left[0].subjects)
            choices = replace(choices, remedies=(*choices.remedies, *names))
        plan = planned(model, machine, choices)
        if answer not in ("yes", "no"):
            show(plan, Format.terminal)
    if not plan.steps:
        put("Nothing was changed.\n")
        return None
    steps = "step" if len(plan.steps) == 1 else "steps"
    if reply(f"Apply {len(plan.steps)} {steps} now? [y/N] ") not in ("y", "yes"):
        put("Nothing was changed.\n")
        return None
    return plan


def answered(step: Step, number: int, most: int) -> str:
    """What a person says to one step: yes, no, all, quit, or the letter of another remedy."""
    from certaudit.render import plan_text  # noqa: PLC0415

    put(f"\nStep {number} of {most}: {step.title}\n")
    words = ("yes", "no", "all", "quit", "explain", "diff", "remedy")
    while True:
        typed = reply(PROMPT, "quit")
        word = next((w for w in words if w.startswith(typed)), None) if typed else "yes"
        if word == "explain":
            put(plan_text.explain(step, width()))
        elif word == "diff":
            put(plan_text.diff(step))
        elif word == "remedy" and step.others:
            letter = reply(f"Which one, {', '.join(step.others)}? ")
            if letter in step.others:
                return letter
        elif word == "remedy":
            put("There is no other remedy for this step.\n")
        elif word is not None:
            return word
        else:
            put(f"The answers are: {', '.join(words)}; the first letter will do.\n")


def reply(prompt: str, at_end: str = "") -> str:
    """One line a person types; what ``at_end`` says where the input has ended."""
    put(prompt)
    line = sys.stdin.readline()
    if not line:
        put("\n")
        return at_end
    return line.strip().lower()


def carry_out(
    plan: Plan,
    look: Look,
    machine: Machine,
    choices: Choices,
    state_dir: Path,
    *,
    shown: bool,
    well: str = WELL,
) -> int:
    """Apply a plan, look again, and say what is left."""
    if not shown:
        show(plan, Format.terminal)
    if plan.steps:
        code = applied(plan, machine, state_dir)
        if code:
            return code
    left = remaining(look, choices)
    for line in left:
        put(f"Left: {line}\n")
    if plan.commands:
        put("Left: commands for you to run, listed above\n")
    if plan.refusals:
        return refuse(f"{len(plan.refusals)} of the findings were not dealt with, as said above")
    if left or plan.commands:
        return LEFT
    put(f"Nothing is left: {well}.\n")
    return 0


def applied(plan: Plan, machine: Machine, state_dir: Path) -> int:
    """Do the plan; 0, or the code of a refusal after saying why."""
    from certaudit.fix.checkpoint import Store  # noqa: PLC0415
    from certaudit.fix.perform import PartlyError, apply  # noqa: PLC0415

    store = Store(state_dir)
    try:
        with store.lock():
            record = apply(plan, machine, store, datetime.now(timezone.utc), who())
    except PartlyError as error:
        return refuse(f"{error}; only partly done: `certaudit undo {error.record.id}` takes it back")
    except CertauditError as error:
        return refuse(str(error))
    put(f"\nDone. `certaudit undo {record.id}` takes it back.\n")
    return 0


def remaining(look: Look, choices: Choices) -> list[str]:
    """What an audit still finds of what was asked for."""
    found = look.findings()
    return [
        f"{result.rule}: {finding.message}"
        for result, finding in found
        if finding.severity != "info" and choices.wants(result.rule, finding.subject)
    ]


def refuse(reason: str) -> int:
    """One line on stderr, and the code it explains."""
    sys.stderr.write("certaudit: " + " ".join(reason.split()) + "\n")
    return REFUSED


def who() -> str:
    """The user who runs this, and who became it with sudo."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    sudo = os.environ.get("SUDO_USER")
    return f"{name} (sudo: {sudo})" if sudo else name
