"""Work shared out to forked processes.

Law: whatever becomes of a worker (killed, out of memory), the work ends and says what was lost; no
worker outlives it, neither after Ctrl-C nor when this process is killed. Forking copies one thread
only, so this process must have no other; a worker leaves by ``_exit`` and touches nothing that it
inherited but what its work reads.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

Result = TypeVar("Result")
Report: TypeAlias = Callable[[int], None]


class Lost(Struct, frozen=True):
    """A task without a result; ``how`` says in words what became of its worker."""

    how: str


class Worker(Struct):
    """One process, and the number of the task it is at."""

    process: BaseProcess
    pipe: Connection
    task: int = 0


class NoCrewError(Exception):
    """The system gives no process."""


class Crew(Generic[Result]):
    """Processes that do ``work(task, report)``; a context that leaves none of them behind.

    Entering it raises ``NoCrewError`` where no process can be had.
    """

    def __init__(self, work: Callable[[int, Report], Result], size: int) -> None:
        self._work = work
        self._size = size
        self._workers: list[Worker] = []

    def __enter__(self) -> Crew[Result]:
        try:
            for _ in range(self._size):
                self._hire()
        except OSError as error:
            if not self._workers:
                raise NoCrewError(str(error)) from error
        except BaseException:
            self.__exit__()
            raise
        return self

    def _hire(self) -> None:
        context = get_context("fork")
        ours, theirs = context.Pipe()
        others = [*(worker.pipe for worker in self._workers), ours]
        process = context.Process(target=_serve, args=(theirs, others, self._work), daemon=True)
        with theirs, _uninterrupted():
            process.start()
            self._workers.append(Worker(process, ours))

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.process.join()
            worker.pipe.close()

    def results(self, tasks: int, report: Callable[[int, int], None]) -> list[Result | Lost]:
        """The result of each task from 0, which are begun in this order.

        What a worker reports of its task is passed on as ``report(task, value)``. An exception of the
        work is raised here. Results and exceptions are pickled.
        """
        results: list[Result | Lost] = [Lost("no process was left to read it")] * tasks
        waiting = iter(range(tasks))
        busy = {worker.pipe: worker for worker in self._workers if _go_on(worker, waiting)}
        while busy:
            for pipe in wait(list(busy)):
                worker = next(worker for worker in busy.values() if worker.pipe is pipe)
                try:
                    value, done = worker.pipe.recv()
                except (EOFError, OSError):
                    results[worker.task] = Lost(_fate(worker.process))
                    del busy[worker.pipe]
                    continue
                if not done:
                    report(worker.task, value)
                    continue
                if isinstance(value, Exception):
                    raise value
                results[worker.task] = value
                if not _go_on(worker, waiting):
                    del busy[worker.pipe]
        return results


def _go_on(worker: Worker, waiting: Iterator[int]) -> bool:
    """Give a worker the next task; False where there is none."""
    task = next(waiting, None)
    if task is None:
        return False
    worker.task = task
    with suppress(OSError):  # dead: that shows when its answer is read
        worker.pipe.send(task)
    return True


def _fate(process: BaseProcess) -> str:
    process.join()
    code = process.exitcode or 0
    if code < 0:
        return f"the process that read it was killed by signal {-code}"
    return f"the process that read it ended with status {code}"


def _serve(pipe: Connection, others: list[Connection], work: Callable[[int, Report], object]) -> None:
    """The life of a worker: tasks until there is nobody left to give one.

    ``others`` are copied ends of pipes; while one is open, a worker does not see its parent die.
    """
    for other in others:
        other.close()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as a background job of a script has it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    with suppress(EOFError, OSError):
        while True:
            task = pipe.recv()
            try:
                result = work(task, lambda value: pipe.send((value, False)))
            except Exception as error:
                result = error
            pipe.send((result, True))


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits: a copy must not meet it before it knows what to do with it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
