"""Names of units, systemd.unit(5): plain, template (``a@.service``) and instance (``a@b.service``).

Law: strings only; what is no valid name is no unit.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

NEVER_TEMPLATE = frozenset({"automount", "device", "mount", "scope", "slice", "swap"})
MAY_TEMPLATE = frozenset({"path", "service", "socket", "target", "timer"})
TYPES = NEVER_TEMPLATE | MAY_TEMPLATE
MAY_ALIAS = frozenset({"device", "path", "service", "socket", "target", "timer"})
NAME_MAX = 255
VALID = re.compile(r"[A-Za-z0-9:\-_.\\][A-Za-z0-9:\-_.\\@]*")
INSTANCE = re.compile(r"[A-Za-z0-9:\-_.\\@]+")

NameKind = Literal["plain", "template", "instance"]


def unit_type(name: str) -> str:
    """What follows the last dot."""
    return name.rpartition(".")[2]


@lru_cache(maxsize=10_000)
def name_kind(name: str) -> NameKind | None:
    """Which sort of unit a name denotes, or ``None`` for a name that no unit can have."""
    stem, dot, kind = name.rpartition(".")
    if not dot or kind not in TYPES or len(name) > NAME_MAX or not VALID.fullmatch(stem):
        return None
    _, at, instance = stem.partition("@")
    if not at:
        return "plain"
    return "instance" if instance else "template"


def template_of(name: str) -> str | None:
    """``a@.service`` for a template or an instance of it; ``None`` for every other name."""
    if name_kind(name) in ("template", "instance"):
        return f"{name.partition('@')[0]}@.{unit_type(name)}"
    return None


def instance_of(name: str) -> str:
    """``b`` of ``a@b.service``; empty where there is none."""
    return name.rpartition(".")[0].partition("@")[2]


def with_instance(template: str, instance: str) -> str:
    """``a@b.service`` of ``a@.service`` and ``b``."""
    return f"{template.partition('@')[0]}@{instance}.{unit_type(template)}"


def alias_allowed(alias: str, target: str) -> bool:
    """May a link of that name in a unit directory make it another name of ``target``?

    The rules of systemd.unit(5): same type, same sort, same instance; never itself.
    """
    kinds = name_kind(alias), name_kind(target)
    if alias == target or None in kinds or unit_type(alias) != unit_type(target):
        return False
    if unit_type(alias) not in MAY_ALIAS:
        return False
    if kinds[0] != "plain" and unit_type(alias) not in MAY_TEMPLATE:
        return False
    if kinds == ("instance", "template"):
        return True
    return kinds[0] == kinds[1] and (kinds[1] != "instance" or instance_of(alias) == instance_of(target))


def name_and_prefixes(name: str) -> tuple[str, ...]:
    """The names whose ``.d`` directories apply to a unit, the most specific first.

    The name itself, its template, then for every dash the name cut behind it: systemd.unit(5) on
    "foo-.service.d". A type alone ("service") stands for itself.
    """
    found = [name]
    if name in TYPES:
        return (name,)
    template = template_of(name)
    if template and template != name:
        found.extend(name_and_prefixes(template))
    stem, _, kind = name.rpartition(".")
    prefix, at, instance = stem.partition("@")
    cut = prefix[:-1] if prefix.endswith("-") else prefix
    short = cut[: cut.rfind("-") + 1]
    if short not in ("", "-", prefix):
        kept = at + instance if instance else ""  # of a template only the prefix remains
        found.extend(name_and_prefixes(f"{short}{kept}.{kind}"))
    return tuple(dict.fromkeys(found))
