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
from certaudit.parsers.letsencrypt_log.records import (
    LogEvidence,
    LogHook,
    LogOutcome,
    LogPart,
    LogRun,
    OutcomeWord,
)
from certaudit.parsers.letsencrypt_log.run import RunReader
from certaudit.parsers.letsencrypt_log.vocabulary import (
    Meaning,
    begins_run,
    may_mean,
    meaning_of,
)

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
    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._run: RunReader | None = None
        self._floor: datetime | None = None
        self._version: str | None = None

    def read(self, part: LogPart) -> Iterator[LogRun]:
        """The runs that are over once this file is read; the last one may go on in the next."""
        run, fresh = self._run, True
        if run is not None:
            run.want, run.block = None, ""
        for number, line in enumerate(part.lines, 1):
            # the colon's place is the cheapest test that nearly every continuation line fails
            if line[23:24] != ":" or (record := lines.match_record(line)) is None:
                if run is not None and run.want is not None:
                    run.want(lines.beginning(line), number)
            elif run is not None and line < run.block:
                continue  # what a hook printed
            elif fresh or run is None or may_mean(line, record.end()):
                over = self._take(part.where, number, record, fresh)
                if over is not None:
                    yield over
                run, fresh = self._run, False
            else:
                run.pass_by(line)

    def _take(self, where: str, number: int, record: re.Match[str], fresh: bool) -> LogRun | None:
        """One record that may mean something or is a file's first; gives the run that it ends."""
        text = lines.beginning(record.string)
        wall = lines.stamp_time(text)
        if wall is None:
            return None
        message, logger = text[record.end() :], record[1]
        meaning = meaning_of(message, logger)
        headed = begins_run(meaning, message, logger)
        run, over = self._run, None
        if self._opens(meaning if headed else None, wall, fresh):
            over = self._over()
            seen = Seen(where, number, text[: lines.EVIDENCE_LENGTH], wall)
            self._run = RunReader(seen, headed)
            if meaning is not None:
                self._run.take(meaning, message, seen)
        elif run is not None:
            run.pass_by(record.string)
            if meaning is not None:
                run.take(meaning, message, Seen(where, number, text[: lines.EVIDENCE_LENGTH], wall))
        return over

    def _opens(self, head: Meaning | None, wall: datetime, fresh: bool) -> bool:
        run = self._run
        if run is None:
            return True
        if head is not None:
            return not run.takes_head(head)
        return fresh and not run.joins(wall)

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
