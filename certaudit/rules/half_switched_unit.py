"""A unit's switch on disk and its state in memory disagree

What. A timer that leads to a client is enabled but not running (it starts at the next boot), disabled
or masked but still running (until it is stopped or the machine reboots), or changed on disk without a
reload.

Why it matters. What one sees today is not what happens after the next reboot or upgrade.

How to fix. Say both at once: `systemctl disable --now`, `systemctl enable --now`, or
`systemctl daemon-reload`.

Severity. Medium; low for a unit that only waits for a reload.

References. systemctl(1), "disable", "mask", "daemon-reload".
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.model import Finding, Fix, HalfSwitched, Model, Severity

SEVERITIES: tuple[Severity, ...] = ("low", "medium")
ASPECTS = ("systemd",)
SUBJECT = None


def check(model: Model) -> Iterator[Finding]:
    """One finding per unit."""
    for half in model.half_switched:
        severity: Severity = "low" if half.what == "not-reloaded" else "medium"
        yield Finding(half.unit, severity, half.text, "high", half.evidence, fixes(half))


def fixes(half: HalfSwitched) -> tuple[Fix, ...]:
    """Both ways to make the two agree."""
    if half.what == "not-reloaded":
        return (Fix("let systemd read it again", True, ("systemctl daemon-reload",)),)
    if half.what == "enabled-inactive":
        return (
            Fix("let it run now too", True, (f"systemctl start {half.unit}",)),
            Fix("or keep it off after the next boot too", False, (f"systemctl disable {half.unit}",)),
        )
    unmask = (f"systemctl unmask {half.unit}",) if half.what == "masked-active" else ()
    return (
        Fix("stop it now too", False, (f"systemctl stop {half.unit}",)),
        Fix("or let it run after the next boot too", True, (*unmask, f"systemctl enable {half.unit}")),
    )
