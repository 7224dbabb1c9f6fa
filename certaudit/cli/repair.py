"""What the verbs that change a machine share: look, plan, show, ask, do it, and look again.

Law: nothing is changed before the whole plan was shown; what is left afterwards is said.
"""

from __future__ import annotations

import os
import pwd
import shlex
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certaudit.cli.audit import Format, width
from certaudit.cli.common import asker, complain, moment_of, policy_of, put, say
from certaudit.cli.dialogue import ask
from certaudit.cli.progress import patience, watched
from certaudit.errors import CertauditError, UsageError
from certaudit.records import replace

if TYPE_CHECKING:
    from certaudit.fix.perform import Machine
    from certaudit.fix.plan import Choices
    from certaudit.host.machine import Host
    from certaudit.model import Finding, Model, Result
    from certaudit.plan import Plan

REFUSED, LEFT = 4, 1
WAITING = "still at work; a renewal that is going on is waited for"
HISTORY = frozenset({"stolen-renewal", "starved-job"})  # said as long as two paths are armed
STATE, STATE_VARIABLE = Path("/var/lib/certaudit"), "CERTAUDIT_STATE_DIR"

StateOption = Annotated[
    Path,
    typer.Option(
        "--state-dir", metavar="DIR", envvar=STATE_VARIABLE, help="Where plans are kept for undo."
    ),
]

RemoteOption = Annotated[
    bool, typer.Option("--remote", help="Copies on other hosts too, over ssh.", show_default=False)
]
RunHooksOption = Annotated[
    bool,
    typer.Option("--run-hooks", help="Run the owner's own steps and deploy hooks.", show_default=False),
]


def go(
    look: Look,
    choices: Choices,
    form: Format,
    state_dir: Path,
    *,
    show_only: bool,
    yes: bool,
    well: str,
) -> int:
    """Plan, show, ask where a person is there, do it and look again; the exit code."""
    from certaudit.fix.checkpoint import BusyError, alone  # noqa: PLC0415 - only verbs pay for libraries

    try:
        if yes:
            with alone(look.target):
                check_subjects(look.once(choices)[0], choices)
                plan = planned(look.once(choices), choices)
                return carry_out(plan, look, choices, state_dir, shown=False, well=well)
        check_subjects(look.once(choices)[0], choices)
        if show_only or form is Format.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
            show(planned(look.once(choices), choices), form)
            return 0
        answer = ask(look.once, planned, choices, width())
        if answer is None:
            return 0
        with alone(look.target):
            return carry_out(answer[0], look, answer[1], state_dir, shown=True, well=well)
    except BusyError as error:
        return refuse(str(error))


def only_here(target: Path, *, remote: bool, run_hooks: bool) -> None:
    """Raise ``UsageError`` where an image's steps, or its way to other hosts, would be ours."""
    if (remote or run_hooks) and target.absolute() != Path("/"):
        option = "--remote" if remote else "--run-hooks"
        raise UsageError(f"{option} works on the host this runs on, not on the image in {target}")


def with_hooks(look: Look, choices: Choices, *, run_hooks: bool) -> Choices:
    """``--run-hooks`` is meant for every certificate."""
    if not run_hooks:
        return choices
    names = frozenset(lineage.name for lineage in look.once(choices)[0].lineages)
    return replace(choices, run_hooks=names)


class Look:
    """One target, looked at as often as needed; what was seen for the same owners is kept."""

    def __init__(
        self, target: Path, as_of: str | None, policy: Path | None, *, connect: bool = False
    ) -> None:
        """``connect``: ask what is served here."""
        self.target, self.as_of, self.policy = target, as_of, policy
        self.connect = connect
        self.began = datetime.now(timezone.utc)
        self._seen: dict[tuple[tuple[str, str], ...], tuple[Model, Host]] = {}

    def once(self, choices: Choices) -> tuple[Model, Machine]:
        """What was known of the machine when first asked, by the owners chosen, and the machine."""
        from certaudit.fix.perform import machine_at  # noqa: PLC0415

        if choices.owners not in self._seen:
            self._seen[choices.owners] = self.now(choices.owners)
        model, host = self._seen[choices.owners]
        return model, machine_at(host.root.directory, host.systemd, remote=choices.remote)

    def now(self, owners: tuple[tuple[str, str], ...] = ()) -> tuple[Model, Host]:
        """What is known of the machine now, with these owners declared, and the machine as a host."""
        from certaudit.audit import observe  # noqa: PLC0415 - only verbs pay for libraries
        from certaudit.host.machine import open_host  # noqa: PLC0415

        with watched() as progress:
            host = open_host(self.target, moment_of(self.as_of), progress)
            policy = policy_of(host.root, self.policy)
            others = tuple(pair for pair in policy.owners if pair[0] not in dict(owners))
            ask = asker(host) if self.connect else None
            return observe(host, replace(policy, owners=(*others, *owners)), ask), host

    def findings(self) -> tuple[tuple[Result, Finding], ...]:
        """What an audit by all rules says now."""
        from certaudit.audit import audit  # noqa: PLC0415
        from certaudit.rules import rules  # noqa: PLC0415

        return audit(self.now()[0], rules()).findings


def check_subjects(model: Model, choices: Choices) -> None:
    """Raise ``UsageError`` for a certificate that is not here, which is a typing mistake."""
    only = [item.partition(":")[2] for item in choices.only]
    pairs = (*choices.remedies, *choices.owners)
    for name in (*(subject for subject, _ in pairs), *choices.accepted, *filter(None, only)):
        if model.lineage(name) is None:
            known = ", ".join(x.name for x in model.lineages) or "none"
            raise UsageError(f"there is no certificate {name!r} here; there is: {known}")
    for name, word in choices.owners:
        lineage = model.lineage(name)
        if lineage is not None and lineage.owner_source != "declared":
            from certaudit.fix.owners import claimants  # noqa: PLC0415

            able = ", ".join(c.word for c in claimants(model, lineage)) or "none"
            raise UsageError(f"--owner {name}={word}: that names no path of it, or several; try: {able}")


def planned(seen: tuple[Model, Machine], choices: Choices) -> Plan:
    """The plan, its target named so that it can be found again."""
    from certaudit.fix.plan import plan_of  # noqa: PLC0415

    model, machine = seen
    plan = plan_of(model, machine, choices, machine.remote)
    return replace(plan, target=str(machine.root.directory))


def show(plan: Plan, form: Format) -> None:
    """The plan on stdout."""
    from certaudit.render import plan_json, plan_text  # noqa: PLC0415

    text = plan_json.render(plan) if form is Format.json else plan_text.render(plan, width())
    put(text)


def carry_out(
    plan: Plan, look: Look, choices: Choices, state_dir: Path, *, shown: bool, well: str
) -> int:
    """Apply a plan, look again, and say what is left."""
    from certaudit.render import plan_text  # noqa: PLC0415
    from certaudit.render.folding import sentence  # noqa: PLC0415

    if not shown:
        show(plan, Format.terminal)
    if plan.steps:
        code = applied(plan, look.once(choices)[1], state_dir, look.began)
        if code:
            return code
    left, as_chosen = remaining(look, choices, plan)
    said = [*(f"As chosen: {line}" for line in as_chosen), *(f"Left: {line}" for line in left)]
    for words in said:
        say(*sentence(words, "", width()))
    if plan.commands:
        put(plan_text.text(plan_text.left_to_run(plan, width(), "Left for you to run")))
    if plan.refusals:
        return refuse(f"{len(plan.refusals)} of the findings were not dealt with, as said above")
    if left or plan.commands:
        until = "nothing is left" if left else "that is done"
        say("", f"Until {until}, this counts as not finished (exit {LEFT}).")
        return LEFT
    say(f"Nothing is left: {well}.")
    return 0


def applied(plan: Plan, machine: Machine, state_dir: Path, seen: datetime) -> int:
    """Do the plan; 0, or the code of a refusal after saying why.

    A plan that another certaudit has begun since the machine was ``seen`` makes this one worth nothing.
    """
    from certaudit.fix.checkpoint import Store  # noqa: PLC0415
    from certaudit.fix.perform import PartlyError, apply  # noqa: PLC0415
    from certaudit.render.folding import sentence  # noqa: PLC0415

    store = Store(state_dir)
    try:
        with store.lock(), patience(WAITING):
            if any(r.started >= seen and r.plan.target == plan.target for r in store.records()):
                return refuse("nothing was changed: another certaudit did so meanwhile; run this again")
            record = apply(plan, machine, store, datetime.now(timezone.utc), who())
    except PartlyError as error:
        return refuse(f"{error}; only partly done: {undoing(error.record.id, state_dir)}")
    except CertauditError as error:
        return refuse(str(error))
    except KeyboardInterrupt:
        begun = next((r for r in store.records() if r.started >= seen and r.stands), None)
        complain(f"only partly done: {undoing(begun.id, state_dir)}" if begun else "nothing was changed")
        raise
    say("", *sentence(f"Done. {undoing(record.id, state_dir)}.", "", width(), ""))
    return 0


def undoing(name: str, state_dir: Path) -> str:
    """How a plan is taken back."""
    return f"`{undo_command(name, state_dir)}` takes it back"


def undo_command(name: str, state_dir: Path) -> str:
    """The command that takes a plan back, with what it needs to find the record."""
    known = (str(STATE), os.environ.get(STATE_VARIABLE))
    option = "" if str(state_dir) in known else f"--state-dir {shlex.quote(str(state_dir))} "
    return f"certaudit undo {option}{name}"


def remaining(look: Look, choices: Choices, plan: Plan) -> tuple[list[str], list[str]]:
    """What an audit still finds of what was asked for, and what of that the remedies leave on purpose.

    Remedies (a) and (b) leave every path armed: that two of them renew is then no fault any more.
    """
    left: list[str] = []
    as_chosen: list[str] = []
    kept = {name for step in plan.steps if step.remedy in ("a", "b") for name in step.subjects}
    for result, finding in look.findings():
        if finding.severity != "info" and choices.wants(result.rule, finding.subject):
            late = finding.severity == "low" or result.rule in HISTORY
            meant = late and finding.subject in kept
            (as_chosen if meant else left).append(f"{result.rule}: {finding.message}")
    return left, as_chosen


def refuse(reason: str) -> int:
    """One line on stderr, and the code it explains."""
    complain(reason)
    return REFUSED


def who() -> str:
    """The user who runs this, and who became it with sudo."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    sudo = os.environ.get("SUDO_USER")
    return f"{name} (sudo: {sudo})" if sudo else name
