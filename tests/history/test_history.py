"""Who made each run, asked of generated histories whose truth is known.

Many more are asked by ``python -m tests.history.campaign``, which also prints the shares.
"""

from __future__ import annotations

from functools import cache

import pytest

from tests.history.campaign import IN_ORDER, STEPS, Tally, tally
from tests.summary import SEED, compared, scaled

HISTORIES = scaled(80)


@cache
def asked(step: str) -> Tally:
    """The answers of one step; the first is asked of the most histories."""
    few = HISTORIES if step == "nothing" else max(HISTORIES // 4, 20)
    return tally([f"{SEED}.{number}" for number in range(few)], step)


@pytest.mark.parametrize("step", STEPS)
def test_no_high_answer_is_wrong_and_medium_less_than_one_in_a_hundred(step: str) -> None:
    found = asked(step)
    compared(
        f"runs of {found.histories} generated histories, {step} lost: their known starts", found.total()
    )
    assert found.worst == []
    assert found.total("high", wrong=True) == 0
    assert found.total("medium", wrong=True) <= 0.01 * found.total("medium")


def test_a_run_whose_start_and_log_survive_is_attributed() -> None:
    found = asked("nothing")
    alive = found.total(surviving=True)
    high = found.total("high", wrong=False, surviving=True)
    medium = found.total("medium", wrong=False, surviving=True)
    assert alive > 20 * HISTORIES
    assert high >= 0.95 * alive
    assert high + medium >= 0.99 * alive


def test_confidence_falls_with_the_evidence() -> None:
    shares = [asked(step).total("high") / asked(step).total() for step in IN_ORDER]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] == 0
