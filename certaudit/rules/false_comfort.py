"""Something looks switched off and is not

What. Somebody renamed or commented out a cron file, stopped a timer without disabling it, or put a
mask where it cannot hold, and a renewal goes on all the same.

Why it matters. Whoever did it believes the matter is settled.

How to fix. Undo the step that does nothing, and switch off what really renews.

Severity. Medium. The package's own, unchanged, guarded cron file is never a finding.

References. cron(8) of Debian and of cronie on file names; systemctl(1).
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.linking.words import switch_off
from certaudit.model import Finding, Model, Reason, Severity

SEVERITIES: tuple[Severity, ...] = ("medium",)
ASPECTS = ("systemd", "units", "cron")
SUBJECT = None


def check(model: Model) -> Iterator[Finding]:
    """One finding per thing that looks off and is not."""
    for comfort in model.comforts:
        yield finding(model, comfort)


def finding(model: Model, comfort: Reason) -> Finding:
    """What was done, and what still runs."""
    trigger = model.trigger(comfort.code)
    really = [p for p in model.paths if p.hidden_for]
    runner = trigger if (trigger and trigger.armed) or not really else model.trigger(really[0].trigger)
    fixes = (switch_off(model, runner),) if runner is not None and runner.armed else ()
    return Finding(
        comfort.code.partition(":")[2], "medium", comfort.text, "high", comfort.evidence, fixes
    )
