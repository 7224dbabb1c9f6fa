"""certaudit run in a box, and its report held against the truth of a variation."""

from __future__ import annotations

import json
from typing import Any

from tests.live.box import Box, BoxError
from tests.live.story import LINEAGE
from tests.live.variation import Variation

ANSWERED = (0, 1)  # exit codes that come with a report


def report(box: Box, user: str = "root") -> dict[str, Any]:
    """The JSON report of ``certaudit audit`` on the running box. Raise ``BoxError`` without one."""
    done = box.certaudit("audit", "--format", "json", user=user)
    if done.returncode not in ANSWERED:
        raise BoxError(f"certaudit: exit {done.returncode}: {done.stderr.strip()[-2000:]}")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def disagreements(variation: Variation, found: dict[str, Any]) -> list[str]:
    """What a report says otherwise than the truth: trigger states, and who renews the lineage."""
    states = {trigger["id"]: trigger["state"] for trigger in found["triggers"]}
    wrong = [
        f"{trigger}: {states.get(trigger, 'absent')}, really {state}"
        for trigger, state in variation.triggers.items()
        if states.get(trigger, "absent") != state
    ]
    mine = [lineage for lineage in found["lineages"] if lineage["name"] == LINEAGE]
    renewers = {path.partition(">")[0] for lineage in mine for path in lineage["renewers"]}
    if renewers != variation.renewers:
        wrong.append(f"renewers: {sorted(renewers)}, really {sorted(variation.renewers)}")
    return wrong
