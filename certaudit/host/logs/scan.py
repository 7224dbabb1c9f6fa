"""The search of many log files for many literals: each file read once, on all cores where that pays.

Law: the answer does not depend on how the work was shared out; a file that could not be read to its
end says so among its problems.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from certaudit.host.logs.files import Block, LogFile, Share, text_of
from certaudit.host.logs.literals import Finder, newlines

Progress: TypeAlias = Callable[[int, int], None]  # bytes of files that are behind, and of all
Report: TypeAlias = Callable[[int], None]

SHARE = 64 << 20  # bytes of a plain file that are searched at a time
WORTH = 0.3  # seconds of one core: less is done before workers are at work
MOST_WORKERS = 4  # each takes some megabytes of memory
REPORT_EVERY = 0.1  # seconds
# Seconds that one core takes for a byte of a file, roughly: the packed ones shrink to a tenth
COSTS = {".gz": 1e-8, ".zst": 1.2e-8, ".xz": 6e-8, ".bz2": 2e-7}
PLAIN_COST = 5e-10


class Found(Struct, frozen=True):
    """What one file gave: the lines with their numbers from 1, its first line, what went wrong."""

    lines: tuple[tuple[int, str], ...]
    first: str | None
    problems: tuple[str, ...]


class Task(NamedTuple):
    """One file, or one share of it; ``cost`` in seconds."""

    file: int
    share: Share | None
    cost: float


class Part(NamedTuple):
    """What one task gave, its lines numbered from its own beginning.

    ``newlines`` is how many it holds, None where that is not known.
    """

    lines: tuple[tuple[int, str], ...]
    first: str | None
    problems: tuple[str, ...]
    newlines: int | None


def unwatched(behind: int, total: int) -> None:
    """The progress nobody looks at."""


def search(
    files: Sequence[LogFile],
    literals: Sequence[bytes],
    progress: Progress = unwatched,
    workers: int | None = None,
    keep: Callable[[str], bool] | None = None,
) -> tuple[Found, ...]:
    """The lines of each file that hold one of the literals, in the order of ``files``.

    ``workers`` are the processes to share the work (None: as many as pay). Of the lines found, only
    those that ``keep`` wants are kept.
    """
    tasks = sorted(tasks_of(files), key=lambda task: -task.cost)
    total = sum(file.size for file in files)
    behind = [0] * len(tasks)

    def work(number: int, report: Callable[[int], None]) -> Part:
        task = tasks[number]
        return read(files[task.file], task.share, Finder(literals), report, keep)

    def report(number: int, done: int) -> None:
        behind[number] = done
        progress(min(sum(behind), total), total)

    parts = shared_out(len(tasks), work, report, worth(tasks) if workers is None else workers)
    of_file: list[list[tuple[int, Part]]] = [[] for _ in files]
    for task, part in zip(tasks, parts, strict=True):
        of_file[task.file].append((task.share.start if task.share else 0, part))
    return tuple(joined(part for _, part in sorted(found, key=itemgetter(0))) for found in of_file)


def tasks_of(files: Iterable[LogFile]) -> Iterator[Task]:
    """The files to read; a large one that is not packed is read in shares."""
    for number, file in enumerate(files):
        cost = COSTS.get(file.path.suffix, PLAIN_COST)
        if file.size <= SHARE or file.path.suffix in COSTS or not file.is_plain():
            yield Task(number, None, file.size * cost)
            continue
        starts = range(0, file.size, SHARE)
        for start in starts:  # to the last one belongs what is written meanwhile
            end = start + SHARE if start < starts[-1] else sys.maxsize
            yield Task(number, Share(start, end), SHARE * cost)


def worth(tasks: Sequence[Task]) -> int:
    """How many processes pay for so much work; 1 is this one alone."""
    if sum(task.cost for task in tasks) < WORTH or threading.active_count() > 1:
        return 1  # forking copies one thread only: another one's locks would stay locked for ever
    return min(len(os.sched_getaffinity(0)), MOST_WORKERS, len(tasks))


def shared_out(
    tasks: int,
    work: Callable[[int, Report], Part],
    report: Callable[[int, int], None],
    workers: int,
) -> list[Part]:
    """The parts of all tasks, read here or by so many processes."""
    if workers > 1:
        from certaudit.host.logs.workers import Crew, Lost, NoCrewError  # noqa: PLC0415 - slow to import

        try:
            with Crew(work, workers) as crew:
                parts = crew.results(tasks, report)
            return [lost(part.how) if isinstance(part, Lost) else part for part in parts]
        except NoCrewError:
            pass  # no process to be had: it takes longer
    return [work(task, partial(report, task)) for task in range(tasks)]


def lost(how: str) -> Part:
    """What is left of a task whose worker was lost."""
    return Part((), None, (f"not read to its end: {how}",), None)


def read(
    file: LogFile,
    share: Share | None,
    finder: Finder,
    report: Report,
    keep: Callable[[str], bool] | None = None,
) -> Part:
    """One task: the lines of a file, or of a share of it, that ``finder`` finds and ``keep`` wants."""
    lines: list[tuple[int, str]] = []
    first: str | None = None
    due = time.monotonic() + REPORT_EVERY
    for block in file.blocks(share):
        if first is None:
            first = line_at(block, block.start)
        number, at = block.before + 1, block.start
        for here in finder.starts(block.data, block.start, block.end):
            number += newlines(block.data, at, here)
            at = here
            text = line_at(block, at)
            if keep is None or keep(text):
                lines.append((number, text))
        if time.monotonic() > due:
            report(file.done)
            due = time.monotonic() + REPORT_EVERY
    report(file.done)
    return Part(tuple(lines), first, tuple(file.problems), file.newlines)


def line_at(block: Block, at: int) -> str:
    """The text of the line that begins there."""
    end = block.data.find(b"\n", at, block.end)
    return text_of(block.data[at : end if end >= 0 else block.end])


def joined(parts: Iterable[Part]) -> Found:
    """The parts of one file, in order, as one: lines numbered from its beginning.

    After a lost part no line has a number, so there the file ends.
    """
    lines: list[tuple[int, str]] = []
    firsts, problems, before = list[str | None](), list[str](), 0
    for part in parts:
        lines += [(before + number, text) for number, text in part.lines] if before else part.lines
        firsts.append(part.first)
        problems += part.problems
        if part.newlines is None:
            break
        before += part.newlines
    return Found(tuple(lines), next(iter(firsts), None), tuple(problems))
