"""The figures of the histories, shown also where the tests run in several processes."""

from __future__ import annotations

import pytest

_figures: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what a test recorded."""
    if report.when == "call":
        _figures.extend(str(text) for name, text in report.user_properties if name == "histories")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print it."""
    for text in _figures:
        terminalreporter.write_line(f"histories: {text}")
