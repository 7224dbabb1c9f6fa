"""What a person who waits is told on stderr: how far the reading of the logs is, or what goes on.

Law: only on a terminal, and only after a second; nothing of a bar stays.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from certaudit.host.logs.scan import Progress

PATIENCE = 1.0  # seconds


class Bar:
    """Told how many bytes of how many are behind, it shows them, and the time that is left."""

    def __init__(self) -> None:
        self._due = time.monotonic() + PATIENCE
        self._shown: RichProgress | None = None

    def __call__(self, behind: int, total: int) -> None:
        """Show it, or wait longer."""
        if self._shown is None:
            if time.monotonic() < self._due:
                return
            self._shown = begun(total)
        self._shown.update(self._shown.task_ids[0], completed=behind, refresh=True)

    def close(self) -> None:
        """Take it off the screen."""
        if self._shown is not None:
            self._shown.stop()


def begun(total: int) -> RichProgress:
    """An empty bar; rich is imported only for those who see it, and starts no thread here."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("reading logs"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(
        *columns,
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    bar.add_task("", total=total)
    bar.start()
    return bar


@contextmanager
def watched() -> Iterator[Progress]:
    """What a reader of logs is to tell its progress to."""
    from certaudit.host.logs.scan import unwatched  # noqa: PLC0415 - only verbs that look at a machine pay

    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        with patience("reading the machine"):
            yield unwatched
        return
    bar = Bar()
    try:
        yield bar
    finally:
        bar.close()


@contextmanager
def patience(what: str) -> Iterator[None]:
    """A line that says what goes on, if what is done inside takes longer than a person expects."""
    timer = threading.Timer(PATIENCE, lambda: sys.stderr.write(f"certaudit: {what} ...\n"))
    timer.daemon = True
    if sys.stderr.isatty():
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
