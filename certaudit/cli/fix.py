"""``certaudit fix``: show what would end the trouble, ask, do it, and look again."""

from __future__ import annotations

import os
import pwd
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certaudit.cli.audit import Format, check_slugs, width
from certaudit.cli.common import AsOfOption, PolicyOption, RootOption, moment_of, patience, policy_of
from certaudit.cli.dialogue import ask, put
from certaudit.errors import CertauditError, UsageError
from certaudit.parsers.policy import POLICY_FILE

if TYPE_CHECKING:
    from certaudit.fix.perform import Machine
    from certaudit.fix.plan import Choices
    from certaudit.host.machine import Host
    from certaudit.model import Finding, Model, Result
    from certaudit.plan import Plan, Remedy

REFUSED, LEFT = 4, 1
WAITING = "still at work; a renewal that is going on is waited for"
HISTORY = frozenset({"stolen-renewal", "starved-job"})  # said as long as two paths are armed
STATE = Path("/var/lib/certaudit")

StateOption = Annotated[
    Path,
    typer.Option(
        "--state-dir", metavar="DIR", envvar="CERTAUDIT_STATE_DIR", help="Where plans are kept for undo."
    ),
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
    owner: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=TRIGGER", help=f"Who should renew it; written to {POLICY_FILE}."),
    ] = None,
    accepted: Annotated[
        list[str] | None,
        typer.Option("--accept-orphan", metavar="NAME", help="It may lose its last renewal path."),
    ] = None,
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
    choices = chosen(only or [], remedy or [], accepted or [], owner or [])
    seen = look.once(choices)
    check_subjects(seen[0], choices)
    plan = planned(seen, choices)
    asking = not (yes or plan_only or form is Format.json) and sys.stdin.isatty() and sys.stdout.isatty()
    if not yes and not asking:
        show(plan, form)
        return 0
    if asking:
        answer = ask(look.once, planned, choices, width())
        if answer is None:
            return 0
        plan, choices = answer
    return carry_out(plan, look, seen[1], choices, state_dir, shown=asking)


class Look:
    """One target, looked at as often as needed; what was seen for the same owners is kept."""

    def __init__(self, target: Path, as_of: str | None, policy: Path | None) -> None:
        self.target, self.as_of, self.policy = target, as_of, policy
        self.began = datetime.now(timezone.utc)
        self._seen: dict[tuple[tuple[str, str], ...], tuple[Model, Machine]] = {}

    def host(self) -> Host:
        """The machine as it is now."""
        from certaudit.host.machine import open_host  # noqa: PLC0415 - only verbs pay for libraries

        return open_host(self.target, moment_of(self.as_of))

    def once(self, choices: Choices) -> tuple[Model, Machine]:
        """What was known of the machine when first asked, by the owners chosen, and the machine."""
        if choices.owners not in self._seen:
            self._seen[choices.owners] = self.now(choices.owners)
        return self._seen[choices.owners]

    def now(self, owners: tuple[tuple[str, str], ...] = ()) -> tuple[Model, Machine]:
        """What is known of the machine now, and the machine."""
        from dataclasses import replace  # noqa: PLC0415

        from certaudit.audit import observe  # noqa: PLC0415
        from certaudit.fix.perform import machine_at  # noqa: PLC0415

        with patience():
            host = self.host()
            policy = policy_of(host.root, self.policy)
            others = tuple(pair for pair in policy.owners if pair[0] not in dict(owners))
            model = observe(host, replace(policy, owners=(*others, *owners)))
            return model, machine_at(host.root.directory, host.systemd)

    def findings(self) -> tuple[tuple[Result, Finding], ...]:
        """What an audit by all rules says now."""
        from certaudit.audit import audit  # noqa: PLC0415
        from certaudit.rules import rules  # noqa: PLC0415

        return audit(self.now()[0], rules()).findings


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
    from dataclasses import replace  # noqa: PLC0415

    from certaudit.fix.plan import plan_of  # noqa: PLC0415

    model, machine = seen
    return replace(plan_of(model, machine, choices), target=str(machine.root.directory))


def show(plan: Plan, form: Format) -> None:
    """The plan on stdout."""
    from certaudit.render import plan_json, plan_text  # noqa: PLC0415

    text = plan_json.render(plan) if form is Format.json else plan_text.render(plan, width())
    put(text)


def carry_out(
    plan: Plan, look: Look, machine: Machine, choices: Choices, state_dir: Path, *, shown: bool
) -> int:
    """Apply a plan, look again, and say what is left."""
    if not shown:
        show(plan, Format.terminal)
    if plan.steps:
        code = applied(plan, machine, state_dir, look.began)
        if code:
            return code
    left, as_chosen = remaining(look, choices, plan)
    for line in as_chosen:
        put(f"As chosen: {line}\n")
    for line in left:
        put(f"Left: {line}\n")
    if plan.commands:
        put("Left: commands for you to run, listed above\n")
    if plan.refusals:
        return refuse(f"{len(plan.refusals)} of the findings were not dealt with, as said above")
    if left or plan.commands:
        return LEFT
    put("Nothing is left: every certificate has one owner, and no copy is stale.\n")
    return 0


def applied(plan: Plan, machine: Machine, state_dir: Path, seen: datetime) -> int:
    """Do the plan; 0, or the code of a refusal after saying why.

    A plan that another certaudit has begun since the machine was ``seen`` makes this one worth nothing.
    """
    from certaudit.fix.checkpoint import Store  # noqa: PLC0415
    from certaudit.fix.perform import PartlyError, apply  # noqa: PLC0415

    store = Store(state_dir)
    try:
        with store.lock(), patience(WAITING):
            if any(r.started >= seen and r.plan.target == plan.target for r in store.records()):
                return refuse("nothing was changed: another certaudit did so meanwhile; run this again")
            record = apply(plan, machine, store, datetime.now(timezone.utc), who())
    except PartlyError as error:
        return refuse(f"{error}; only partly done: `certaudit undo {error.record.id}` takes it back")
    except CertauditError as error:
        return refuse(str(error))
    put(f"\nDone. `certaudit undo {record.id}` takes it back.\n")
    return 0


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
