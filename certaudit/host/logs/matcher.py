"""Where any of many literals stands in a block of bytes, by the SIMD search of ahocorasick_rs.

Law: every line that holds a literal has a match, and every match is one of a literal. Up to 32 strings
are sought twice as fast as more, and above 64 the library does without SIMD and takes six times as
long. So literals that begin alike are sought by that beginning, their stem, and told apart where it
stands. Without the library ``bytes.find`` does the same, slower.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

Match: TypeAlias = tuple[int, int, int]  # number of the literal, start, end

FAST = 32  # strings that one search takes at full speed
MOST = 64  # and with SIMD at all
SHORTEST = 5  # bytes of a stem
RARE = (
    1 << 15
)  # bytes; a stem that stands there without a literal more often than one in so many is no help
# Two or three strings are sought in another way than four, and take five times as long: these make up
# the number.
PADDING = tuple(b"\xff\xfe\xfd%d\0" % number for number in range(4))


class Needle(NamedTuple):
    """A string that is sought for the literals of these numbers, which begin with it."""

    text: bytes
    numbers: tuple[int, ...]


class Matcher:
    """Finds literals in one block after the other; a stem that misleads it gives up.

    No literal is empty or holds a newline.
    """

    def __init__(self, literals: Sequence[bytes]) -> None:
        self._literals = literals
        self._seek(needles(literals))

    def _seek(self, sought: Sequence[Needle]) -> None:
        self._needles = sought
        parts = [sought[at : at + MOST] for at in range(0, len(sought), MOST)]
        self._searches = [(part, search) for part in parts if (search := searching(part))]

    def matches(self, data: bytes, start: int, end: int) -> list[Match]:
        """A match in every line of ``data[start:end]`` that has one, ordered by where they start."""
        if not self._searches:
            return plain_matches(self._literals, data, start, end)
        found: list[Match] = []
        misled: list[Needle] = []
        for part, search in self._searches:
            places = [
                (part[number], at + start)
                for number, at, _ in search(memoryview(data)[start:end])
                if number < len(part)
            ]
            found += self._told_apart(places, data, end, misled)
        if len(misled) > (end - start) // RARE + 8:
            self._give_up(Counter(misled).most_common(1)[0][0])
        if misled or len(self._searches) > 1:
            found.sort(key=lambda match: match[1])
        return found

    def _told_apart(
        self, places: Iterable[tuple[Needle, int]], data: bytes, end: int, misled: list[Needle]
    ) -> Iterator[Match]:
        """The literals that stand where needles do; a stem without one is added to ``misled``."""
        behind = 0
        for needle, at in places:
            if at < behind:
                continue
            for number in needle.numbers:
                literal = self._literals[number]
                if data.startswith(literal, at, end):
                    yield number, at, at + len(literal)
                    break
            else:
                misled.append(needle)
                # the search gives nothing that overlaps the stem: so the line is searched plainly
                behind = data.find(b"\n", at, end) + 1 or end
                yield from plain_matches(self._literals, data, at, behind)

    def _give_up(self, stem: Needle) -> None:
        """Seek the literals of a stem themselves."""
        own = [Needle(self._literals[number], (number,)) for number in stem.numbers]
        self._seek([*(needle for needle in self._needles if needle != stem), *own])


def needles(literals: Sequence[bytes]) -> list[Needle]:
    """What to seek: the literals, or where they are too many, the longest beginnings that some share."""
    order = sorted(range(len(literals)), key=literals.__getitem__)
    alike = [shared(literals[one], literals[other]) for one, other in pairwise(order)]
    too_many = len(literals) - FAST
    # all that share so much are joined, so that no stem stands at the beginning of another needle
    enough = max(SHORTEST, sorted(alike, reverse=True)[too_many - 1]) if too_many > 0 else sys.maxsize
    found: list[Needle] = []
    for number, length in zip(order, [0, *alike], strict=False):
        if length >= enough:
            before = found.pop()
            found.append(Needle(before.text[:length], (*before.numbers, number)))
        else:
            found.append(Needle(literals[number], (number,)))
    return found


def shared(one: bytes, other: bytes) -> int:
    """How many bytes two strings have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


Search: TypeAlias = Callable[[memoryview], Sequence[Match]]


def searching(part: Sequence[Needle]) -> Search | None:
    """The library's search for some needles; None where it is not installed or nothing is sought."""
    try:
        from ahocorasick_rs import BytesAhoCorasick, MatchKind  # noqa: PLC0415 - only a search pays for it
    except ImportError:
        return None
    texts = [needle.text for needle in part]
    sought = [*texts, *PADDING[len(texts) :]] if len(texts) > 1 else texts
    # of the kinds of match only the leftmost ones use SIMD: six times as fast
    return BytesAhoCorasick(sought, matchkind=MatchKind.LeftmostFirst).find_matches_as_indexes


def plain_matches(literals: Sequence[bytes], data: bytes, start: int, end: int) -> list[Match]:
    """The first match of each literal in each line, found with ``bytes.find``."""
    found: list[Match] = []
    for number, literal in enumerate(literals):
        at = data.find(literal, start, end)
        while at >= 0:
            found.append((number, at, at + len(literal)))
            line_end = data.find(b"\n", at, end)
            at = data.find(literal, line_end, end) if line_end >= 0 else -1
    found.sort(key=lambda match: match[1])
    return found
