"""Reader of certbot's own log, ``letsencrypt.log``, from letsencrypt 0.1 to certbot 5.

Law: pure, one pass, memory does not grow with the file. A record begins with
``YYYY-MM-DD hh:mm:ss,mmm:LEVEL:LOGGER:``; any other line continues the record before it. A run begins
with certbot's own version record, or with the level record that stood before it up to 0.11
(``certbot.main.main``, ``certbot.log``); nothing else begins one, whatever it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo

from certaudit.parsers.letsencrypt_log import lines
from certaudit.parsers.letsencrypt_log.attempts import Seen
from certaudit.parsers.letsencrypt_log.finish import finished
from certaudit.parsers.letsencrypt_log.page import Page, is_record, next_record, next_telling
from certaudit.parsers.letsencrypt_log.records import (
    LogEvidence,
    LogHook,
    LogOutcome,
    LogPart,
    LogRun,
    OutcomeWord,
)
from certaudit.parsers.letsencrypt_log.run import HEAD_RECORDS, RunReader
from certaudit.parsers.letsencrypt_log.vocabulary import Meaning, begins_run, meaning_of

__all__ = [
    "LogEvidence",
    "LogHook",
    "LogOutcome",
    "LogPart",
    "LogRun",
    "OutcomeWord",
    "parse_logs",
]


def parse_logs(parts: Sequence[LogPart], zone: tzinfo) -> Iterator[LogRun]:
    """The runs that the files of one log directory tell of, oldest first.

    ``parts`` are ordered from the oldest to the newest. Runs that share a file are taken apart; a run
    that goes on in the next file is one run. ``zone`` is the machine's local time zone, in which
    certbot writes since 0.23.0. No text makes this raise; what is no log gives no run.
    """
    reader = _Reader(zone)
    for part in parts:
        yield from reader.read(part)
    yield from reader.close()


class _Reader:
    """Gives the records of one file after the other to the run that they belong to."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._run: RunReader | None = None
        self._fresh = True  # no record of this file was looked at yet
        self._floor: datetime | None = None
        self._version: str | None = None

    def read(self, part: LogPart) -> Iterator[LogRun]:
        """The runs that are over once this file is read; the last one may go on in the next."""
        self._fresh = True
        if self._run is not None:
            self._run.want, self._run.block = None, ""
        before = 0
        for text in part.lines:
            page = Page(part.where, text, before)
            yield from self._read(page)
            before = page.number(page.end)

    def _read(self, page: Page) -> Iterator[LogRun]:
        text, at = page.text, self._skip(page, 0)
        while True:
            run = self._run
            # a file's first record counts, and the one that opens a run, whatever it says
            every = run is None or self._fresh
            found = next_record(text, at) if every else next_telling(text, at)
            if found is None:
                break
            at, (stamp, logger, _, word) = found.end(), found.groups()
            meaning = meaning_of(word, logger) if word is not None else None
            if run is not None and not every and (meaning is None or meaning in run.settled):
                continue
            self._fresh = False
            wall = lines.stamp_time(stamp)
            if wall is not None:
                over = self._take(page, found, meaning, wall, every)
                if over is not None:
                    yield over
                at = self._skip(page, at)
        self._count(page, page.end)

    def _take(
        self, page: Page, found: re.Match[str], meaning: Meaning | None, wall: datetime, every: bool
    ) -> LogRun | None:
        """One record that counts; gives the run that it ends."""
        at, end, message = found.start(), found.end(), found[3]
        head = meaning if begins_run(meaning, message, found[2]) else None
        if every or head is not None:
            self._count(page, at)
        text = page.text[at + 1 : min(end, at + 1 + lines.EVIDENCE_LENGTH)]
        seen = Seen(page.where, page.number(at), text, wall)
        run, over = self._run, None
        if run is None or ((every or head is not None) and self._is_over(run, head, wall)):
            over = self._over()
            self._run = run = RunReader(seen, head is not None)
            page.behind = end
        if meaning is not None:
            run.take(meaning, message, seen)
        return over

    def _is_over(self, run: RunReader, head: Meaning | None, wall: datetime) -> bool:
        """Whether the first record of a file, or the head of a run, is of another run."""
        return not run.joins(wall) if head is None else not run.takes_head(head)

    def _skip(self, page: Page, at: int) -> int:
        """Past what belongs to the record before; gives where the next record is to be sought."""
        run = self._run
        if run is None or (run.want is None and not run.block):
            return at
        if not run.block and is_record(page.text, at):  # as a rule nothing does
            run.want = None
            return at
        found = next_record(page.text, at)
        next_one = page.end if found is None else found.start()
        for number, line in page.lines(at, next_one):
            if run.want is None:
                break
            run.want(line, number)
        if run.block:
            self._count(page, at)
            while found is not None and found[1] < run.block:
                found = next_record(page.text, found.end())
            page.behind = next_one = page.end if found is None else found.start()
        if found is not None:
            run.want, run.block = None, ""
        return next_one

    def _count(self, page: Page, to: int) -> None:
        """Take account of the run's records up to a place, which nobody looked at."""
        run = self._run
        if run is not None and page.behind < to:
            if run.records <= HEAD_RECORDS:
                run.records += page.records(to, HEAD_RECORDS)
            run.found.last = page.last(to) or run.found.last
        page.behind = to

    def close(self) -> Iterator[LogRun]:
        """The run that is still open."""
        over = self._over()
        if over is not None:
            yield over

    def _over(self) -> LogRun | None:
        if self._run is None:
            return None
        run = finished(self._run.found, self._zone, self._floor, self._version)
        self._run, self._floor, self._version = None, run.ended, run.version or self._version
        return run
