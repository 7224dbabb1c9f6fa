"""Remedies (a) and (b): let every path hand out, or let the owner's script catch up.

Law: the owner's script is never rewritten. (a) writes a deploy hook that repeats its steps, and only
steps whose words are certain; (b) is told, not done.
"""

from __future__ import annotations

import re
import shlex

from certaudit.fix.sight import CannotError, Sight, created
from certaudit.linking.ownership import own_steps
from certaudit.model import Distribution, Lineage, RenewalPath
from certaudit.plan import Action

PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
SHELL = re.compile(r"[<>|&;`\\(){}*?~]")
LASTS = "certbot runs it after each renewal on every path; no upgrade touches it."
HOOK = """#!/bin/sh
# Hands {name} out after each renewal, as {script} does.
# Written by certaudit; certbot sets RENEWED_LINEAGE.
[ "$RENEWED_LINEAGE" = {live} ] || exit 0
set -e
{steps}
"""


def deploy_hook(lineage: Lineage, owner: RenewalPath, sight: Sight) -> tuple[Action, ...]:
    """A new deploy hook that repeats what the owner does. Raise ``CannotError``."""
    steps = own_steps(owner, lineage.name)
    if not steps:
        raise CannotError(f"the owner of {lineage.name} does nothing of its own after a renewal")
    for step in steps:
        check(step, sight)
    text = HOOK.format(
        name=lineage.name,
        script=owner.chain[-1].path,
        live=shlex.quote(f"{lineage.config_dir}/live/{lineage.name}"),
        steps="\n".join(step.command for step in steps),
    )
    directory = f"{lineage.config_dir}/renewal-hooks/deploy"
    return tuple(created(sight, f"{directory}/certaudit-{lineage.name}", text, 0o755))


def check(step: Distribution, sight: Sight) -> None:
    """Raise ``CannotError`` for a step whose words are not all known for certain."""
    where = f"{step.source.path}:{step.source.line}"
    place = sight.place(step.source.path)
    if place is None or step.source.line is None:
        raise CannotError(f"the owner's step can not be repeated: {where} can not be read")
    lines = sight.read(place).decode("utf-8", "replace").splitlines()
    written = lines[step.source.line - 1] if step.source.line <= len(lines) else ""
    try:
        as_many = len(shlex.split(written)) == len(step.command.split())
    except ValueError:
        as_many = False
    plain = all(PLAIN.fullmatch(word) for word in step.command.split())
    if not as_many or not plain or SHELL.search(written):
        raise CannotError(f"the owner's step can not be repeated for certain: {where}: {step.command}")


def catching_up(lineage: Lineage, owner: RenewalPath) -> CannotError:
    """What (b) would be: told, since certaudit does not rewrite the owner's script."""
    script = owner.chain[-1].path
    return CannotError(
        f"certaudit does not rewrite {script}. Take the steps that hand {lineage.name} out from behind "
        "the question whether it was due, and run them whenever the certificate differs from the copy: "
        f"`cmp -s {lineage.config_dir}/live/{lineage.name}/fullchain.pem COPY || ...`"
    )
