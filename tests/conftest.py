"""What all tests share: the number of faults that were tried, told at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

_tried: Counter[str] = Counter()


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Note how many faults of a kind a test has tried; in a worker too, for the summary of the run."""

    def note(kind: str, number: int) -> None:
        request.node.user_properties.append(("faults", (kind, number)))

    return note


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "teardown":
        for name, tried in report.user_properties:
            if name == "faults" and isinstance(tried, (list, tuple)):
                _tried[str(tried[0])] += int(tried[1])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _tried:
        kinds = ", ".join(f"{number} {kind}" for kind, number in _tried.items())
        terminalreporter.write_line(f"faults tried: {sum(_tried.values())}: {kinds}")
