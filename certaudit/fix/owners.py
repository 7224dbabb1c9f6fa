"""Who is meant to renew a certificate, written into the machine's own /etc/certaudit.toml.

Law: one line is put into the text, comments and order stay; what the policy's parser makes of the
result must differ in that one owner alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from msgspec import Struct

from certaudit.errors import ParseError
from certaudit.fix.sight import CannotError, Sight, created, edited
from certaudit.linking.ownership import named, reachable
from certaudit.linking.words import path_name
from certaudit.model import Lineage, Model, Policy, RenewalPath
from certaudit.parsers.policy import POLICY_FILE, parse_policy
from certaudit.plan import ABSENT, Action

LASTS = "certaudit reads it at each audit; it changes nothing else on this machine."
SETTING = re.compile(r"^[ \t]*owner[ \t]*=[^\n]*$", re.M)
TABLE = re.compile(r"^[ \t]*\[", re.M)


class Claimant(Struct, frozen=True):
    """A path that could be the owner: its name for a person, and the word that names it alone."""

    path: RenewalPath
    name: str
    word: str


def claimants(model: Model, lineage: Lineage) -> tuple[Claimant, ...]:
    """The armed paths that renew a lineage."""
    return tuple(
        Claimant(path, path_name(path.id), word_for(model, lineage, path))
        for path in model.renewers(lineage)
    )


def word_for(model: Model, lineage: Lineage, path: RenewalPath) -> str:
    """The shortest word of a policy that names this path and no other that reaches the lineage.

    A line's number comes last: it changes with the file.
    """
    able = [p for p in model.paths if lineage.name in reachable(p)]
    return next(
        (word for word in words(path) if [p.id for p in able if named(p, word)] == [path.id]), path.id
    )


def words(path: RenewalPath) -> Iterator[str]:
    """What a policy may call a path, in the order of preference."""
    trigger = path.trigger
    if trigger.startswith("cron:"):
        yield trigger.rpartition(":")[0]
        yield from (step.path for step in reversed(path.chain))
    yield trigger


def declaration(lineage: str, word: str) -> tuple[str, str]:
    """The two lines of the policy."""
    name = lineage if re.fullmatch(r"[A-Za-z0-9_-]+", lineage) else json.dumps(lineage)
    return f"[lineages.{name}]", f"owner = {json.dumps(word)}"


def declared(lineage: str, word: str, sight: Sight) -> tuple[Action, ...]:
    """The edit of the policy's file, or a new one. Raise ``CannotError``."""
    place = sight.place(POLICY_FILE)
    if place is None or sight.node(place) == ABSENT:
        text = with_owner("", lineage, word)
        return tuple(created(sight, POLICY_FILE, text, 0o644))
    return (edited(sight, POLICY_FILE, lambda old: with_owner(old, lineage, word)),)


def with_owner(text: str, lineage: str, word: str) -> str:
    """The text of a policy that names this owner. Raise ``CannotError`` where it does not take it."""
    header, setting = declaration(lineage, word)
    spelled = "|".join(re.escape(form) for form in (lineage, json.dumps(lineage), f"'{lineage}'"))
    table = re.search(rf"^[ \t]*\[[ \t]*lineages[ \t]*\.[ \t]*(?:{spelled})[ \t]*\][^\n]*$", text, re.M)
    if table is None:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        new = f"{text}{gap}{header}\n{setting}\n"
    else:
        following = TABLE.search(text, table.end())
        end = following.start() if following else len(text)
        body = text[table.end() : end]
        found = SETTING.search(body)
        first, last = found.span() if found else (0, 0)
        line = setting if found else f"\n{setting}"
        new = text[: table.end()] + body[:first] + line + body[last:] + text[end:]
    try:
        same = meaning(new, lineage) == (word, meaning(text, lineage)[1])
    except ParseError as error:
        raise CannotError(
            f"{POLICY_FILE} does not take one more line: {error}", header, setting
        ) from error
    if not same:
        raise CannotError(f"{POLICY_FILE} does not take one more line by itself", header, setting)
    return new


def meaning(text: str, lineage: str) -> tuple[str | None, Policy]:
    """The owner of one lineage, and all else that a policy says. Raise ``ParseError``."""
    policy = parse_policy(text, POLICY_FILE)
    others = tuple(sorted((name, word) for name, word in policy.owners if name != lineage))
    return dict(policy.owners).get(lineage), Policy(others, policy.copies, policy.ignores)
