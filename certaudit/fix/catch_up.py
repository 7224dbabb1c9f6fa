"""Remedy (b): let the owner hand out whenever the certificate is newer than what it handed out last.

Law: the owner's script is not rewritten. Its structure is not certain enough for that: what stands
between the question "is it due" and the steps may be anything. So a small script of certaudit's own
repeats the owner's steps, where their words are certain (as for remedy a), and the owner's own trigger
starts it after the owner: behind the command in its crontab line, or in a drop-in of its service. It
compares the live certificate with the one handed out last, of which it keeps a copy, so that a step
that failed (a server that was down) is tried again the next time, and remote places need no looking at.
A second job of its own would be less to change, and nobody would see that the two belong together.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from certaudit.fix.hooks import PLAIN, repeated
from certaudit.fix.sight import CannotError, Sight, created, edited
from certaudit.linking.words import trigger_name
from certaudit.model import Lineage, RenewalPath, Trigger
from certaudit.plan import Action, LaterFile

FOLDER = "/usr/local/sbin"
STATE = "/var/lib/certaudit/handed-out"
ENDS = frozenset({"exec", "exit", "return"})  # nothing comes after these
JOINS = frozenset({"&&", "||", ";", "|"})
QUIET = frozenset({">/dev/null", "2>&1", "2>/dev/null", ">>/dev/null", ">", "/dev/null", "&>/dev/null"})
LASTS = (
    "It is part of the owner's own job and lasts as long as that; no upgrade touches it. The copies "
    "follow a renewal by another path when the owner runs next."
)
SCRIPT = """#!/bin/sh
# Hands {name} out whenever it is newer than what was handed out last, as {script} does
# after its own renewals. Written by certaudit; {trigger} starts it.
set -e
cmp -s {live}/fullchain.pem {state}/{name}.pem && exit 0
{steps}
install -d -m 0700 {state}
install -m 0644 {live}/fullchain.pem {state}/{name}.pem
"""
DROP_IN = (
    "# Written by certaudit: hands {name} out whenever it is newer than what was handed out last.\n"
)


def catching_up(
    lineage: Lineage, owner: RenewalPath, trigger: Trigger, sight: Sight
) -> tuple[Action, ...]:
    """The script and what starts it. Raise ``CannotError`` with the text that a person can paste."""
    steps = repeated(lineage, owner, sight)
    live = f"{lineage.config_dir}/live/{lineage.name}"
    if not all(PLAIN.fullmatch(word) for word in (live, lineage.name, owner.chain[-1].path)):
        raise CannotError(f"the name {lineage.name} is none that a script may hold")
    text = SCRIPT.format(
        name=lineage.name,
        script=owner.chain[-1].path,
        trigger=trigger_name(trigger.id),
        live=live,
        state=STATE,
        steps="\n".join(steps),
    )
    place = f"{FOLDER}/certaudit-hand-out-{lineage.name}"
    made = tuple(created(sight, place, text, 0o755))
    return (*later(lineage, sight), *made, *started(lineage, owner, trigger, place, sight, text))


def later(lineage: Lineage, sight: Sight) -> Iterator[LaterFile]:
    """The copy that the script will keep, unless one is there from before, which is not ours."""
    path = f"{STATE}/{lineage.name}.pem"
    folder, file = sight.place(STATE, follow=False), sight.place(path, follow=False)
    if file is None or sight.node(file).kind == "absent":
        yield LaterFile(path, folder is None or sight.node(folder).kind == "absent")


def started(
    lineage: Lineage, owner: RenewalPath, trigger: Trigger, script: str, sight: Sight, text: str
) -> tuple[Action, ...]:
    """What makes the owner's trigger start the script after the owner's own command."""
    if trigger.user not in (None, "root"):
        who = f"{trigger_name(trigger.id)} runs as {trigger.user}, who may not read the private key"
        raise by_hand(who, script, text)
    if trigger.kind in ("cron", "anacron"):
        return (edited(sight, trigger.source.path, lambda old: behind(old, trigger, script, text)),)
    service = next((part for part in owner.id.split(">")[1:2] if part.endswith(".service")), None)
    if trigger.kind == "boot":
        service = trigger_name(trigger.id)
    if service is None or "/" in trigger_name(trigger.id):
        where = f"{trigger_name(trigger.id)} is started in a way that certaudit adds nothing to"
        raise by_hand(where, script, text)
    head = DROP_IN.format(name=lineage.name)
    folder = f"/etc/systemd/system/{service}.d"
    drop_in = f"{folder}/certaudit-{lineage.name}.conf"
    return tuple(created(sight, drop_in, f"{head}[Service]\nExecStartPost={script}\n", 0o644))


def by_hand(why: str, script: str, text: str) -> CannotError:
    """A refusal with the script that a person can put there and start after the owner's own."""
    lines = (f"cat > {script} <<'END'", *text.splitlines(), "END", f"chmod 755 {script}")
    return CannotError(f"{why}: put this script there, and start it after the owner", *lines)


def behind(text: str, trigger: Trigger, script: str, content: str) -> str:
    """A table of cron with the script behind the command of one line. Raise ``CannotError``."""
    lines = text.split("\n")
    number = trigger.source.line or 0
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    if not line.strip() or line.lstrip().startswith("#"):
        raise CannotError(f"{trigger.source.path} has no command on line {number} any more")
    if not certain(line):
        where = f"{trigger.source.path}:{number} is no line that takes one more command for certain"
        raise by_hand(where, script, content)
    lines[number - 1] = f"{line.rstrip()}; {script}"
    return "\n".join(lines)


def certain(line: str) -> bool:
    """Will a command after ``;`` at the end of this line run, whatever the line before it does?

    ``%`` is a line break for cron (crontab(5)), ``#`` begins a comment for the shell.
    """
    if re.search(r"[%#`$\\(){}]|&[ \t]*$|[;|&][ \t]*$", line):
        return False
    try:
        words = shlex.split(line.replace(";", " ; "), posix=False)
    except ValueError:
        return False
    if ENDS & set(words):
        return False
    return all(
        word in JOINS or word in QUIET or re.fullmatch(r"[\w@*/,+=:.'\"-]+", word) for word in words
    )
