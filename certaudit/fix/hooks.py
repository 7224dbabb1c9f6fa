"""Remedy (a): let every path hand out, by a deploy hook that repeats the owner's steps.

Law: the owner's script is never rewritten; only steps whose words are certain are repeated.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from itertools import pairwise

from certaudit.fix.sight import CannotError, Sight, created
from certaudit.linking.distribution import PEM_NAME
from certaudit.linking.due import version_numbers
from certaudit.linking.ownership import own_steps
from certaudit.linking.words import path_name
from certaudit.model import Distribution, Lineage, RenewalPath
from certaudit.plan import Action

PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
VARIABLE = re.compile(r"\$\{\w+\}")
SHELL = re.compile(r"[<>|&;`\\(){}*?~]")
DEPLOY_OPTIONS = ("--deploy-hook", "--renew-hook")
LASTS = "certbot runs it after each renewal on every path; no upgrade touches it."
HOOK = """#!/bin/sh
# Hands {name} out after each renewal, as {script} does.
# Written by certaudit; certbot sets RENEWED_LINEAGE.
[ "$RENEWED_LINEAGE" = {live} ] || exit 0
set -e
{steps}
"""


def deploy_hook(
    lineage: Lineage, owner: RenewalPath, others: Iterable[RenewalPath], sight: Sight
) -> tuple[Action, ...]:
    """A new deploy hook that repeats what the owner does. Raise ``CannotError``.

    ``others`` are the paths that are to run it: with ``certonly`` and ``run`` certbot does so from 5.3
    on, with ``renew`` from 0.19 on (its CHANGELOG).
    """
    steps = repeated(lineage, owner, sight, hooked=True)
    for path in others:
        since = (0, 19) if path.subcommand == "renew" else (5, 3)
        if path.client != "certbot" or (version_numbers(lineage.version) or (0,)) < since:
            known = f"certbot {lineage.version or 'of unknown version'}"
            raise CannotError(
                f"{path_name(path.id)} calls {path.client} {path.subcommand or ''}, which runs no hooks "
                f"of {lineage.config_dir}/renewal-hooks ({known})"
            )
    text = HOOK.format(
        name=lineage.name,
        script=owner.chain[-1].path,
        live=shlex.quote(f"{lineage.config_dir}/live/{lineage.name}"),
        steps="\n".join(steps),
    )
    directory = f"{lineage.config_dir}/renewal-hooks/deploy"
    return tuple(created(sight, f"{directory}/certaudit-{lineage.name}", text, 0o755))


def repeated(
    lineage: Lineage, owner: RenewalPath, sight: Sight, *, hooked: bool = False
) -> tuple[str, ...]:
    """The owner's steps after a renewal, as commands. Raise ``CannotError`` where one is not certain.

    ``hooked``: as a hook of certbot, which sets RENEWED_LINEAGE for those that ask for it.
    """
    steps = own_steps(owner, lineage.name)
    if not steps:
        raise CannotError(f"the owner of {lineage.name} does nothing of its own after a renewal")
    for step in steps:
        check(step, sight, hooked=hooked)
    return tuple(dict.fromkeys(step.command for step in steps))


def check(step: Distribution, sight: Sight, *, hooked: bool = False) -> None:
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
    words = step.command.split()
    plain = all(PLAIN.fullmatch(word) for word in words) and not any(map(relative, words[1:]))
    own = as_many and not SHELL.search(VARIABLE.sub("", written))
    given = hooked and step.command.startswith("/") and given_whole(step, written)
    if not plain or not (own or given):
        raise CannotError(f"the owner's step can not be repeated for certain: {where}: {step.command}")


def given_whole(step: Distribution, written: str) -> bool:
    """Is a step a deploy hook that its line gives certbot in words that no shell changes?

    certbot hands them to /bin/sh, from the command line as from a hook's own script.
    """
    try:
        words = shlex.split(written)
    except ValueError:
        return False
    named = [f"{option}={step.command}" for option in DEPLOY_OPTIONS]
    given = any(pair[0] in DEPLOY_OPTIONS and pair[1] == step.command for pair in pairwise(words))
    return step.binding == "command-line-hook" and (given or any(word in named for word in words))


def relative(word: str) -> bool:
    """Does a word name a file by the directory that its script happens to be in?"""
    local = not word.startswith(("/", "-")) and ":" not in word
    return local and ("/" in word or bool(PEM_NAME.search(word)))
