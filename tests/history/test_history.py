"""Who made each run, asked of generated histories whose truth is known.

Many more are asked by ``python -m tests.history.campaign``, which also prints the shares.
"""

from __future__ import annotations

import pytest

from tests.history.campaign import IN_ORDER, STEPS, tally
from tests.summary import SEED, compared, scaled

HISTORIES = scaled(80)


@pytest.mark.parametrize("step", STEPS)
def test_what_is_answered_with_high_is_right_and_medium_nearly_always(step: str) -> None:
    few = HISTORIES if step == "nothing" else max(HISTORIES // 4, 20)
    found = tally([f"{SEED}.{number}" for number in range(few)], step)
    compared(f"runs of {few} generated histories, {step} lost: their known starts", found.total())
    assert found.worst == []
    assert found.total("high", wrong=True) == 0
    assert found.total("medium", wrong=True) <= 0.01 * found.total("medium")
    if step == "nothing":
        alive = found.total(surviving=True)
        high = found.total("high", wrong=False, surviving=True)
        medium = found.total("medium", wrong=False, surviving=True)
        assert alive > 20 * HISTORIES
        assert high >= 0.95 * alive
        assert high + medium >= 0.99 * alive


@pytest.mark.parametrize("step", ["nothing", "some heads", "ends", "heads"])
def test_high_is_right_also_where_all_triggers_fire_in_the_same_minutes(step: str) -> None:
    few = max(HISTORIES // 4, 20)
    found = tally([f"{SEED}.{number}" for number in range(few)], step, near=True)
    compared(f"runs of {few} histories of crowded minutes, {step} lost: their starts", found.total())
    assert found.worst == []
    assert found.total("high") > 5 * few


def test_confidence_falls_with_the_evidence() -> None:
    seeds = [f"{SEED}.{number}" for number in range(8)]
    found = [tally(seeds, step) for step in IN_ORDER]
    high = [one.total("high") for one in found]
    assert high == sorted(high, reverse=True)
    assert high[0] > 0.8 * found[0].total()
    assert high[-1] == 0
