"""Prints at the end of a run what its tests noted; ``summary.py`` says how they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests import summary

_told = summary.Summary()


@pytest.fixture
def faults() -> Callable[[str, int], None]:
    """Notes how many faults of a kind a test has tried."""
    return summary.tried


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    item.user_properties.extend((summary.PROPERTY, note) for note in summary.drain())
    yield


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _told.spent(report.nodeid, report.duration)
    if report.when == "teardown":
        for name, note in report.user_properties:
            if name == summary.PROPERTY and isinstance(note, (list, tuple)):
                _told.add((str(note[0]), str(note[1]), float(note[2])))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _told.lines():
        terminalreporter.write_line(line)
