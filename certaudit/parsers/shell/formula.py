"""What must be true for a command to run, as a formula over tests and exit statuses.

Law: three-valued; a formula is simplified only where the machine's answer or its form decides it, and
one that grows too large becomes a single condition that cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from msgspec import Struct

from certaudit.parsers.shell.records import Condition, Guard, Need, Place
from certaudit.records import replace

MAX_SIZE = 40
CONDITIONS: dict[bool | None, Condition] = {True: "success", False: "failure", None: "any-known"}
ENDS: dict[bool | None, str] = {True: "succeeds", False: "fails", None: "ends so that this is reached"}
NOWHERE = Place("", 0, "")


class Test(Struct, frozen=True):
    """A condition the machine may decide; ``holds`` is its truth, ``negated`` only how it reads."""

    text: str
    place: Place
    holds: bool | None
    because: str | None = None
    negated: bool = False


class Ran(Struct, frozen=True):
    """A command ended with success, or did not; ``None``: it counts how, but not which way is told."""

    number: int
    success: bool | None
    place: Place


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts, and what is known of them together, which every command they stand before asks for:
    how many tests and statuses they hold, the truth of the whole, and which commands' statuses count.
    """

    parts: tuple[Formula, ...]
    size: int = field(compare=False)
    holds: bool | None = field(compare=False)
    numbers: tuple[int, ...] = field(compare=False)


@dataclass(frozen=True, slots=True)
class All(Joined):
    """Every part is true; without parts it is always true."""


@dataclass(frozen=True, slots=True)
class Either(Joined):
    """At least one part is true; without parts it is never true."""


Formula = Test | Ran | All | Either
ALWAYS = All((), 0, True, ())
NEVER = Either((), 0, False, ())


def size(formula: Formula) -> int:
    """How many tests and statuses a formula holds."""
    return formula.size if isinstance(formula, All | Either) else 1


def both(*parts: Formula) -> Formula:
    """The conjunction of formulas."""
    flat: dict[Formula, None] = {}
    for part in parts:
        for one in part.parts if isinstance(part, All) else (part,):
            if one == NEVER:
                return NEVER
            flat[one] = None
    return joined(All, tuple(flat))


def either(*parts: Formula) -> Formula:
    """The disjunction of formulas; a part that is false here is dropped if another is not."""
    flat: dict[Formula, None] = {}
    for part in parts:
        for one in part.parts if isinstance(part, Either) else (part,):
            if one == ALWAYS:
                return ALWAYS
            flat[one] = None
    if any(negation(one) in flat for one in flat if decided(one)):
        return ALWAYS
    possible = tuple(one for one in flat if truth(one) is not False)
    return joined(Either, possible or tuple(flat))


def decided(formula: Formula) -> bool:
    """Is this a single condition, of which the opposite is another one?"""
    return isinstance(formula, Test) or (isinstance(formula, Ran) and formula.success is not None)


def joined(kind: type[All] | type[Either], parts: tuple[Formula, ...]) -> Formula:
    """A formula of these parts; one too large becomes a condition that cannot be told."""
    if len(parts) == 1:
        return parts[0]
    total = sum(size(part) for part in parts)
    values, decisive = {truth(part) for part in parts}, kind is Either
    holds = decisive if decisive in values else None if None in values else not decisive
    if total > MAX_SIZE:
        return Test("a condition of many parts", place_of(parts[0]), holds)
    return kind(parts, total, holds, tuple(number for part in parts for number in numbers(part)))


def negation(formula: Formula) -> Formula:
    """The formula that is true exactly where this one is not."""
    if isinstance(formula, Test):
        holds = None if formula.holds is None else not formula.holds
        return replace(formula, holds=holds, negated=not formula.negated)
    if isinstance(formula, Ran):
        return formula if formula.success is None else replace(formula, success=not formula.success)
    parts = tuple(negation(part) for part in formula.parts)
    return either(*parts) if isinstance(formula, All) else both(*parts)


def truth(formula: Formula) -> bool | None:
    """What is known of a formula on this machine, before anything has run."""
    return None if isinstance(formula, Ran) else formula.holds


def numbers(formula: Formula) -> tuple[int, ...]:
    """The commands whose statuses a formula holds, from left to right."""
    if isinstance(formula, All | Either):
        return formula.numbers
    return (formula.number,) if isinstance(formula, Ran) else ()


def place_of(formula: Formula) -> Place:
    """Where a formula's first condition stands."""
    while isinstance(formula, All | Either):
        if not formula.parts:
            return NOWHERE
        formula = formula.parts[0]
    return formula.place


def rendered(formula: Formula) -> str:
    """A formula in words, for a guard's text."""
    if isinstance(formula, Test):
        return f"! {formula.text}" if formula.negated else formula.text
    if isinstance(formula, Ran):
        return f"`{formula.place.text}` {ENDS[formula.success]}"
    texts = [rendered(part) for part in formula.parts]
    if isinstance(formula, All):
        return " and ".join(texts) or "true"
    return " or ".join(texts) or "false"


Listed: TypeAlias = tuple[tuple[Guard, ...], tuple[Need, ...]]


class Listing:
    """The guards and needs that formulas amount to. Every command of a script is listed with all that
    leads to it, and most of that led to the one before: so each formula is worked out once.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Formula, Listed]] = {}  # by identity: to compare takes as long

    def of(self, path: Iterable[Formula]) -> Listed:
        """Of a list of formulas, all of them required; each guard and need once."""
        guards: dict[Guard, None] = {}
        needs: dict[Need, None] = {}
        for formula in path:
            _, found = self._known.get(id(formula)) or self._add(formula)
            guards.update(dict.fromkeys(found[0]))
            needs.update(dict.fromkeys(found[1]))
        return tuple(guards), tuple(needs)

    def _add(self, formula: Formula) -> tuple[Formula, Listed]:
        self._known[id(formula)] = formula, listed(formula)
        return self._known[id(formula)]


def listed(formula: Formula) -> Listed:
    """The guards and needs of one formula."""
    guards: list[Guard] = []
    needs: list[Need] = []
    for part in formula.parts if isinstance(formula, All) else (formula,):
        if isinstance(part, Ran):
            needs.append(Need(part.number, CONDITIONS[part.success]))
            continue
        if not needs_only(part):
            because = part.because if isinstance(part, Test) else None
            guards.append(Guard(rendered(part), place_of(part), truth(part), because))
        if truth(part) is None:
            needs += (Need(number, "any-known") for number in numbers(part))
    return tuple(guards), tuple(needs)


def needs_only(formula: Formula) -> bool:
    """Does a formula rest on exit statuses alone?"""
    return formula != NEVER and len(numbers(formula)) == size(formula)


def errexit_needs(formula: Formula) -> tuple[Need, ...]:
    """What ``set -e`` demands of a command that ends with this status."""
    if isinstance(formula, Ran):
        return (Need(formula.number, CONDITIONS[formula.success], errexit=True),)
    if isinstance(formula, All):
        return tuple(need for part in formula.parts for need in errexit_needs(part))
    return tuple(Need(number, "any-known", errexit=True) for number in numbers(formula))
