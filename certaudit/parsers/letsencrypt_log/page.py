"""Some whole lines of a log file: where their records stand, and the numbers of its lines.

Law: a record is sought by one pattern that runs over all the text, never line by line; so each line
stands behind a newline here, the first too. Python's ``re`` goes quickly from one newline to the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from certaudit.parsers.letsencrypt_log import lines
from certaudit.parsers.letsencrypt_log.attempts import Seen
from certaudit.parsers.letsencrypt_log.vocabulary import WORD

_HEAD = r"\n(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}):[A-Z]{4,8}:([A-Za-z_][\w.\-]{0,120}):"

# A record: stamp, logger, message, and the word that the message begins with where it may mean something
next_record = re.compile(rf"{_HEAD}(({WORD})?[^\n]*)", re.ASCII).search
next_telling = re.compile(rf"{_HEAD}(({WORD})[^\n]*)", re.ASCII).search  # where it may mean something

_any_record = re.compile(_HEAD, re.ASCII)
is_record = _any_record.match


class Page:
    """Lines of the file ``where``, with ``before`` lines of it before them.

    A place is where the newline before a line stands. ``behind`` is the place up to which the records
    are counted; numbers are asked for in the order of the lines.
    """

    def __init__(self, where: str, text: str, before: int) -> None:
        self.where = where
        self.text = "\n" + lines.tidied(text.removesuffix("\n"))
        self.end = len(self.text)
        self.behind = 0
        self._counted, self._number = 0, before

    def number(self, at: int) -> int:
        """The number of the line at a place, not before any that was asked for."""
        self._number += self.text.count("\n", self._counted, at + 1)
        self._counted = at + 1
        return self._number

    def lines(self, at: int, to: int) -> Iterator[tuple[int, str]]:
        """The lines from one place to before another, with their numbers; the number of the line before
        them was asked for last.
        """
        if at < to:
            yield from enumerate(self.text[at + 1 : to].split("\n"), self._number + 1)

    def records(self, to: int, most: int) -> int:
        """How many records stand from ``behind`` to a place; no more than ``most`` are counted."""
        return sum(1 for _ in islice(_any_record.finditer(self.text, self.behind, to), most))

    def last(self, to: int) -> Seen | None:
        """The last record from ``behind`` to a place."""
        at = to
        while (at := self.text.rfind("\n", self.behind, at)) >= 0:
            found = is_record(self.text, at)
            wall = lines.stamp_time(found[1]) if found is not None else None
            if wall is not None:
                return Seen(self.where, self.number(at), "", wall)
        return None
