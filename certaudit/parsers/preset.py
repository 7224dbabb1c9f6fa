"""Preset files, systemd.preset(5): what a first boot or the package manager switches on.

Law: the first rule that matches wins; what no rule names is enabled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache

from msgspec import Struct


class PresetRule(Struct, frozen=True):
    """One ``enable`` or ``disable`` line; ``instances`` follow a template's name."""

    enable: bool
    pattern: str
    path: str
    line: int
    instances: tuple[str, ...] = ()


def parse_preset(text: str, path: str = "") -> tuple[PresetRule, ...]:
    """The rules of one preset file in order; lines that are none are passed over. Never raises."""
    rules = []
    for number, raw in enumerate(text.split("\n"), 1):
        words = raw.split()
        if not words or words[0] not in ("enable", "disable") or len(words) < 2:
            continue
        if words[0] == "disable":
            rules.append(PresetRule(False, raw.strip()[len("disable") :].strip(), path, number))
        elif len(words) == 2 or is_template(words[1]):
            rules.append(PresetRule(True, words[1], path, number, tuple(words[2:])))
    return tuple(rules)


def preset_rule(rules: Iterable[PresetRule], name: str) -> PresetRule | None:
    """The first rule that applies to a unit's name (never an alias), or ``None``."""
    return next((rule for rule in rules if applies(rule, name)), None)


def applies(rule: PresetRule, name: str) -> bool:
    """Does the rule name this unit, this template, or one of its listed instances?"""
    if rule.instances and is_template(rule.pattern):
        prefix, _, suffix = rule.pattern.partition("@")
        if any(f"{prefix}@{instance}{suffix}" == name for instance in rule.instances):
            return True
    return glob(rule.pattern).match(name) is not None


@lru_cache(maxsize=1024)
def glob(pattern: str) -> re.Pattern[str]:
    """A compiled fnmatch(3) pattern."""
    return re.compile(translate(re.sub(r"\*+", "*", pattern)))


def is_template(name: str) -> bool:
    """``name@.type``."""
    return "@." in name
