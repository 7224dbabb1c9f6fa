"""The owner's own steps and deploy hooks, run as after a renewal, or left for a person as commands.

Law: they are run only if a person said so, only where every word of them is certain, and never a copy
that certaudit makes itself. What they do can not be undone; the plan says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from certaudit.errors import CertauditError
from certaudit.fix import hooks
from certaudit.fix.sight import CannotError, Sight, line_of
from certaudit.linking.ownership import own_steps
from certaudit.linking.redaction import HIDDEN
from certaudit.model import Distribution, Lineage, Model
from certaudit.parsers.ssh_command import sending
from certaudit.plan import CopyParts, Refusal, ReloadUnit, RunCommand, Step

RULE = "stale-copy"
CERTIFICATE = (".pem", ".crt", ".cer", ".key", ".p12", ".pfx", ".jks")
CONVERTERS = ("openssl", "keytool")
DEPLOYS = ("renew_hook", "deploy_hook")


def distribution(model: Model, lineage: Lineage, sight: Sight) -> Iterator[Distribution]:
    """The owner's steps and the deploy hooks, but for copies on this machine."""
    owner = model.path(lineage.owner)
    if owner is None:
        return
    yield from mine(model, lineage)
    for step in owner.distribution:
        applies = step.lineages is None or lineage.name in step.lineages
        if step.shared and applies and is_deploy(step, sight):
            yield step


def is_plain_copy(step: Distribution) -> bool:
    """Is it a copy that certaudit makes itself, or a mere question to openssl?"""
    words = step.command.split()
    makes = {"-export", "-out", "-importkeystore", "-destkeystore"} & set(words)
    return step.kind == "copy" and not (makes and words[0].rpartition("/")[2] in CONVERTERS)


def is_deploy(step: Distribution, sight: Sight) -> bool:
    """Does certbot run a shared hook after a renewal, with RENEWED_LINEAGE set?"""
    if step.binding == "deploy-directory":
        return step.source.path.rsplit("/", 2)[-2] == "deploy"
    return line_of(step.source, sight).split("=")[0].strip().replace("-", "_") in DEPLOYS


def left(
    model: Model,
    lineage: Lineage,
    sight: Sight,
    hosts: frozenset[str] = frozenset(),
    steps: Iterable[Step] = (),
) -> tuple[str, ...]:
    """The owner's commands left for a person, given a plan's steps and the hosts dealt with.

    A reload on this machine is left only where a copy on it was written.
    """
    actions = [action for step in steps for action in step.actions]
    units = [a.unit.removesuffix(".service") for a in actions if isinstance(a, ReloadUnit)]
    run = {a.command for a in actions if isinstance(a, RunCommand)}
    written = any(isinstance(a, CopyParts) for a in actions)
    return tuple(
        step.command
        for step in mine(model, lineage)
        if step.command not in run
        and not is_sent(step, sight, hosts)
        and not (step.kind == "reload" and (not written or any(u in step.command for u in units)))
    )


def mine(model: Model, lineage: Lineage) -> tuple[Distribution, ...]:
    """The owner's own steps but for copies on this machine."""
    owner = model.path(lineage.owner)
    steps = own_steps(owner, lineage.name) if owner else ()
    return tuple(step for step in steps if not is_plain_copy(step))


def is_sent(step: Distribution, sight: Sight, hosts: frozenset[str]) -> bool:
    """Does a step do nothing but send to a host that certaudit has dealt with itself?"""
    found = sending(step.command, line_of(step.source, sight)) if step.kind == "remote" else None
    return found is not None and found.host in hosts


def certain(step: Distribution, sight: Sight) -> bool:
    """May it be run?"""
    try:
        check(step, sight)
    except CertauditError:
        return False
    return True


def check(step: Distribution, sight: Sight) -> None:
    """Raise ``CannotError`` for a step of which not all is known for certain."""
    if HIDDEN in step.command:
        raise CannotError(f"a secret in the owner's step is not repeated: {step.command}")
    if step.shared:
        return  # certbot itself hands these words to a shell
    hooks.check(step, sight)
    relative = [
        word
        for word in step.command.split()[1:]
        if word.endswith(CERTIFICATE) and not word.startswith(("/", "-")) and ":" not in word
    ]
    if relative or step.command.startswith("."):
        raise CannotError(f"the owner's step depends on where it is started: {step.command}")


def run_again(
    model: Model, lineage: Lineage, sight: Sight, hosts: frozenset[str]
) -> Iterator[Step | Refusal]:
    """One step that runs what is certain; a refusal for the rest. ``hosts``: dealt with already."""
    owner = model.path(lineage.owner)
    trigger = model.trigger(owner.trigger) if owner else None
    found = [s for s in distribution(model, lineage, sight) if not is_sent(s, sight, hosts)]
    if not found:
        return
    if trigger is not None and trigger.user not in (None, "root"):
        why = f"the steps of the owner of {lineage.name} are run by {trigger.user}, not by root"
        yield Refusal((RULE,), (lineage.name,), why, tuple(step.command for step in found))
        return
    unsure = [step for step in found if not certain(step, sight)]
    if unsure:
        why = f"not every word of these steps of the owner of {lineage.name} is certain"
        yield Refusal((RULE,), (lineage.name,), why, tuple(step.command for step in unsure))
    actions = [action(step, lineage) for step in found if step not in unsure]
    if actions:
        yield Step(
            rules=(RULE,),
            subjects=(lineage.name,),
            remedy="resync",
            title=f"run what follows a renewal of {lineage.name}, as its owner does",
            actions=tuple(actions),
            lasts="It is done once, now.",
            notes=("This can not be undone: what these commands do is not known to certaudit.",),
        )


def action(step: Distribution, lineage: Lineage) -> RunCommand:
    """One command with what certbot would tell it."""
    source = step.source
    where = source.path if source.line is None else f"{source.path}:{source.line}"
    live = f"{lineage.config_dir}/live/{lineage.name}"
    return RunCommand(step.command, live, " ".join(lineage.names), where)
