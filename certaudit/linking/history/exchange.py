"""Runs that could have changed places: each of them follows another's start as well as its own.

Law: which of two runs is whose their order does not tell. After a command with other work to do, or with
a sleep, a run may come at any time; one whose beginning is lost may have begun at any time before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from certaudit.facts import Start
from certaudit.linking.history.claims import SLEEPING, Claim, wrapped

PERSON = "a person"
Ways = Mapping[Start, frozenset[str]]  # the starts that a run follows as expected, and who made each


def exchanged(
    ways: Sequence[Ways], settled: Mapping[int, Start], spare: frozenset[Start]
) -> Iterator[int]:
    """The runs that may be somebody else's, while every run still has a start that explains it.

    ``ways``: the starts that each run can have; ``settled``: the one that each has, as far as known;
    ``spare``: the starts that can have made more runs than are settled on them.
    """
    runs: dict[Start, list[int]] = {}
    for number, start in settled.items():
        runs.setdefault(start, []).append(number)
    for number, start in settled.items():
        own = ways[number].get(start, frozenset())
        others = {other for other, names in ways[number].items() if other != start and names - own}
        if others and moves_up(start, others, ways, runs, spare):
            yield number


def moves_up(
    given_up: Start,
    starts: set[Start],
    ways: Sequence[Ways],
    runs: Mapping[Start, Sequence[int]],
    spare: frozenset[Start],
) -> bool:
    """Can the run of one of some starts, and then the next one's, move on until nobody is left over?

    That is at the start that was given up, or at a spare one. No run comes later than ``SLEEPING``
    after its start, and starts further away than that are not looked at.
    """
    seen: set[Start] = set()
    todo = list(starts)
    while todo:
        start = todo.pop()
        moves = {other for n in runs.get(start, ()) for other in ways[n] if other != start} - seen
        if given_up in moves or not moves.isdisjoint(spare):
            return True
        seen |= moves
        todo += [other for other in moves if abs(other.time - given_up.time) <= SLEEPING]
    return False


def ways_of(found: Sequence[Claim], typed: Sequence[Start], settled: Start | None) -> Ways:
    """The starts that a run can have: those it follows as expected, and the one it is settled on."""
    ways: dict[Start, frozenset[str]] = {start: frozenset({PERSON}) for start in typed}
    for claim in found:
        if claim.start == settled or as_expected(claim):
            ways[claim.start] = ways.get(claim.start, frozenset()) | {claim.name}
    return ways


def as_expected(claim: Claim) -> bool:
    """Does a run follow a start at once, unless its command or its lost head leaves open when?"""
    return claim.close or not claim.headed or not claim.prompt or wrapped(claim.linked)
