"""The rules: each a module whose docstring is its page and whose ``check`` answers about a Model.

Law: a rule reads the Model and nothing else. It speaks of present faults only; it passes only where
the evidence it needs could be seen.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from functools import lru_cache
from inspect import cleandoc

from msgspec import Struct

from certaudit.model import SEVERITIES, Finding, Gap, Model, Result, Severity


class Rule(Struct, frozen=True):
    """One question about a machine.

    ``aspects`` are the kinds of Gap that leave the question open; ``subject`` names what must be in
    the tree at all (see ``Model.absent``).
    """

    slug: str
    title: str
    severities: tuple[Severity, ...]
    page: str
    check: Callable[[Model], Iterable[Finding]]
    aspects: frozenset[str]
    subject: str | None


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Every rule, by slug: one for each module of this package."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(load(name) for name in names)


def load(name: str) -> Rule:
    """The rule that a module of this package holds."""
    module = importlib.import_module(f"{__name__}.{name}")
    page = cleandoc(module.__doc__ or "")
    return Rule(
        slug=name.replace("_", "-"),
        title=page.partition("\n")[0],
        severities=tuple(module.SEVERITIES),
        page=page,
        check=module.check,
        aspects=frozenset(module.ASPECTS),
        subject=module.SUBJECT,
    )


def run_rule(rule: Rule, model: Model) -> Result:
    """A rule's answer: flagged, passed, or not assessed with what was missing."""
    findings = tuple(sorted(rule.check(model), key=lambda f: (-SEVERITIES.index(f.severity), f.subject)))
    missing = tuple(gap for gap in model.gaps if gap.aspect in rule.aspects)
    if rule.subject in model.absent:
        missing = (Gap(rule.subject or "", "the tree holds no /etc/letsencrypt/renewal"), *missing)
    if findings:
        worst = findings[0].severity
        return Result(rule.slug, "flagged", worst, findings, missing)
    if missing:
        return Result(rule.slug, "not_assessed", rule.severities[-1], (), missing)
    return Result(rule.slug, "passed", rule.severities[-1])
