"""Which lines of a block hold any of many literals: all literals in one pass.

Law: every line that holds a literal is found. One exception makes a busy log as cheap as another: a
literal that stands in the machine's own name (``acme`` on ``acme-web01``) would match every line, so
where that happens its occurrences inside that name, standing as a word, do not count.

Counting by stringzilla comes with the extra ``logs``; without it ``bytes.count`` does the same, slower.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from certaudit.host.logs.matcher import Match, Matcher

try:
    import stringzilla
except ImportError:
    stringzilla = None

# The first fields of a line up to the host's name: RFC 3164 and RFC 3339 stamps, with or without PRI
HEAD = re.compile(
    rb"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d [\d:.]{8,15}|\d{4}-\d\d-\d\dT[\d:.]{8,15}[-+\d:Z]*) (\S+) "
)
SPARSE = 2500  # bytes; more matches than one in so many is one line in twenty of a usual log
LEARN_FROM = 200  # lines
MOST_NAMES = 8  # machines that write to one file
ATTEMPTS = 3
LEAF = 4096  # bytes that are looked at line by line
ONE_FOR_NEWLINE = bytes(byte == 10 for byte in range(256))


def count(data: bytes, part: bytes, start: int, end: int) -> int:
    """``data.count(part, start, end)``, several times as fast where stringzilla is installed."""
    if stringzilla is None:
        return data.count(part, start, end)
    return int(stringzilla.count(memoryview(data)[start:end], part))


def newlines(data: bytes, start: int, end: int) -> int:
    """How many newlines ``data[start:end]`` holds, faster still: it is asked of every byte of every log.

    With AVX-512, to make every newline a 1, every other byte a 0, and to add them up takes a third of
    the time that finding one newline after the other does.
    """
    if stringzilla is None or "icelake" not in stringzilla.__capabilities__ or end - start < 1000:
        return count(data, b"\n", start, end)
    return int(stringzilla.bytesum(stringzilla.translate(memoryview(data)[start:end], ONE_FOR_NEWLINE)))


class Finder:
    """Finds the lines of one file after the other; what it learns of a machine's name it keeps.

    Literals that are empty or hold a newline are in no line and are left out.
    """

    def __init__(self, literals: Iterable[bytes]) -> None:
        self._literals = tuple(dict.fromkeys(t for t in literals if t and b"\n" not in t))
        self._names: dict[bytes, tuple[bytes, ...]] = {}  # a literal: the names in blanks that hold it
        self._attempts = ATTEMPTS
        self._build()

    def _build(self) -> None:
        self._sought = tuple(literal for literal in self._literals if literal not in self._names)
        self._matches = Matcher(self._sought).matches

    def starts(self, data: bytes, start: int, end: int) -> list[int]:
        """Where in ``data`` the lines begin that hold a literal, in order, each once.

        ``data[start:end]`` are whole lines.
        """
        matches = self._matches(data, start, end)
        if len(matches) > (end - start) // SPARSE + 20 and self._attempts:
            self._attempts -= 1
            if self._learn(data, matches):
                matches = self._matches(data, start, end)
        found = line_starts(data, (at for _, at, _ in matches), start, end)
        for literal, names in self._names.items():
            found += self._beside(literal, names, data, start, end)
        return sorted(set(found)) if self._names else found

    def _learn(self, data: bytes, matches: Sequence[Match]) -> bool:
        """Take the machines' own names out of the search; False if they are not what is so common."""
        before = len(self._names)
        for number, times in Counter(number for number, _, _ in matches).items():
            literal = self._sought[number]
            places = [at for n, at, _ in matches if n == number]
            seen = Counter(host_of(data, at) for at in places[:: len(places) // LEARN_FROM + 1])
            names = [name for name, _ in seen.most_common(MOST_NAMES) if name and literal in name]
            if times > len(matches) // 10 and 10 * sum(seen[n] for n in names) > 9 * seen.total():
                self._names[literal] = tuple(b" %b " % name for name in names)
        if len(self._names) > before:
            self._build()
        return len(self._names) > before

    def _beside(
        self, literal: bytes, names: tuple[bytes, ...], data: bytes, start: int, end: int
    ) -> list[int]:
        """The lines that hold a literal elsewhere than in the machines' names.

        A block in which it stands as often as the names do holds no such line; any other is halved.
        """

        def differs(start: int, end: int) -> bool:
            inside = sum(count(data, name, start, end) * name.count(literal) for name in names)
            return count(data, literal, start, end) != inside

        if not differs(start, end):
            return []
        middle = data.find(b"\n", (start + end) // 2, end) + 1
        if end - start > LEAF and start < middle < end:
            halves = ((start, middle), (middle, end))
            return [at for half in halves for at in self._beside(literal, names, data, *half)]
        return [at for at, to in lines_of(data, start, end) if differs(at, to)]


def lines_of(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where each line of ``data[start:end]`` begins and ends."""
    while start < end:
        after = data.find(b"\n", start, end) + 1 or end
        yield start, after
        start = after


def line_starts(data: bytes, places: Iterable[int], start: int, end: int) -> list[int]:
    """Where the lines of ordered places begin, each once."""
    found: list[int] = []
    line_end = start - 1
    for at in places:
        if at > line_end:
            found.append(data.rfind(b"\n", start, at) + 1 or start)
            line_end = data.find(b"\n", at, end)
            if line_end < 0:
                break
    return found


def host_of(data: bytes, at: int) -> bytes:
    """The name of the machine that wrote the line around a place, b"" where the line has none."""
    found = HEAD.match(data, data.rfind(b"\n", 0, at) + 1)
    return found[1] if found else b""
