"""Many literals in one pass: whatever stems they share, exactly the lines that hold one are found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from certaudit.host.logs import matcher
from certaudit.host.logs.matcher import FAST, MOST, RARE, Matcher, Needle, needles

PIECES = st.sampled_from([b"a", b"b", b"aa", b"ab", b"abab", b"backup-", b"up-", b" "])
LITERALS = st.lists(st.lists(PIECES, min_size=1, max_size=4).map(b"".join), unique=True, max_size=12)
TEXTS = st.lists(st.one_of(PIECES, st.just(b"\n")), max_size=80).map(b"".join)


@contextmanager
def limits(fast: int, most: int, shortest: int, rare: int) -> Iterator[None]:
    """A search whose limits a few short literals reach."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("FAST", fast), ("MOST", most), ("SHORTEST", shortest), ("RARE", rare)):
            patch.setattr(matcher, name, value)
        yield


def lines_with(data: bytes, literals: list[bytes]) -> set[int]:
    """The numbers of the lines that hold a literal, line by line."""
    lines = enumerate(data.split(b"\n"))
    return {number for number, line in lines if any(literal in line for literal in literals)}


@given(
    LITERALS, TEXTS, st.integers(1, 5), st.integers(1, 6), st.integers(1, 5), st.sampled_from([1, RARE])
)
@example([b"backup-a", b"backup-b", b"up-c"], b"backup-c\nbackup-a", 2, 64, 5, RARE)  # inside a stem
@example([b"aa", b"ab", b"ba"], b"b" * 30 + b"a\n", 1, 64, 1, 1)
def test_the_lines_and_the_literals_are_the_right_ones(
    literals: list[bytes], data: bytes, fast: int, most: int, shortest: int, rare: int
) -> None:
    with limits(fast, most, shortest, rare):
        found = Matcher(literals).matches(data, 0, len(data))
    assert {data.count(b"\n", 0, at) for _, at, _ in found} == lines_with(data, literals)
    assert all(data[at:to] == literals[number] for number, at, to in found)
    assert [at for _, at, _ in found] == sorted(at for _, at, _ in found)


@given(LITERALS, st.integers(1, 5), st.integers(1, 5))
def test_needles_stand_for_every_literal_once_and_none_begins_another(
    literals: list[bytes], fast: int, shortest: int
) -> None:
    with limits(fast, MOST, shortest, RARE):
        found = needles(literals)
    assert sorted(number for one in found for number in one.numbers) == list(range(len(literals)))
    for one in found:
        assert all(literals[number].startswith(one.text) for number in one.numbers)
        if len(one.numbers) > 1:
            assert len(one.text) >= shortest
            assert not any(other.text.startswith(one.text) for other in found if other is not one)


def test_literals_are_joined_only_where_they_are_too_many() -> None:
    units = [b"backup-%d.service" % number for number in range(10)]
    others = [b"%d quite unlike" % number for number in range(FAST - len(units))]
    assert {len(one.numbers) for one in needles(units + others)} == {1}
    assert Needle(b"backup-", tuple(range(10))) in needles([*units, *others, b"one too many"])


def test_a_stem_that_stands_everywhere_is_sought_no_longer() -> None:
    literals = [b"/usr/bin/%c" % letter for letter in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJK"]
    search = Matcher(literals)
    assert [one.text for one in search._needles] == [b"/usr/bin/"]
    data = b"cron: /usr/bin/X11\n" * 900 + b"cron: /usr/bin/K\n"
    some = b"cron: /usr/bin/Y\n" * 8
    assert search.matches(some, 0, len(some)) == []
    assert [one.text for one in search._needles] == [b"/usr/bin/"]
    for _ in range(2):
        assert search.matches(data, 0, len(data))[-1] == (36, len(data) - 11, len(data) - 1)
    assert {one.text for one in search._needles} == set(literals)
