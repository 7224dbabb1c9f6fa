"""Lines about a machine that was off or asleep."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.power import PowerEvent, classify_power


@dataclass
class Line:
    program: str
    message: str
    pid: int | None = None


@pytest.mark.parametrize(
    ("program", "message", "what"),
    [
        ("kernel", "[    0.000000] Linux version 6.1.0-13-amd64 (debian-kernel@lists) #1 SMP", "boot"),
        ("kernel", "Linux version 4.18.0-553.el8_10.x86_64 (mockbuild@x86-64-02) #1 SMP", "boot"),
        ("systemd-sleep", "Suspending system...", "sleep"),
        ("systemd-sleep", "Entering sleep state 'suspend'...", "sleep"),
        ("systemd-sleep", "Performing sleep operation 'hibernate'...", "sleep"),
        ("systemd-sleep", "System resumed.", "wake"),
        ("systemd-sleep", "System returned from sleep state.", "wake"),
        ("systemd-sleep", "System returned from sleep operation 'suspend'.", "wake"),
        ("systemd-sleep", "Failed to put system to sleep.", None),
        ("kernel", "[    0.000000] Command line: Linux version ", None),
        ("hello", "Linux version 6.1", None),
    ],
)
def test_what_a_line_tells(program: str, message: str, what: str | None) -> None:
    found = classify_power(Line(program, message))
    assert found == (PowerEvent(what) if what else None)  # type: ignore[arg-type]


@given(st.sampled_from(["kernel", "systemd-sleep"]), st.text())
def test_no_text_raises(program: str, message: str) -> None:
    classify_power(Line(program, message))
