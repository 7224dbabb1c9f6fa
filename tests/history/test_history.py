"""Who made each run, asked of generated histories whose truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

from tests.history.answers import Answer, answers
from tests.history.play import Play
from tests.history.scenario import machine
from tests.history.texts import Loss, write
from tests.summary import SEED, compared, scaled

HISTORIES = scaled(80)
STEPS = {
    "nothing": Loss(),
    "old starts": Loss(starts=0.5),
    "ends": Loss(starts=0.5, ends=True),
    "heads": Loss(starts=0.5, ends=True, heads=0.5),
    "all starts": Loss(starts=1.0, ends=True, heads=0.5),
}


def asked(seed: str, loss: Loss) -> Iterator[Answer]:
    """The answers about one history."""
    history = Play(machine(seed), seed).play()
    return answers(history, write(history, loss, seed))


@cache
def tally(step: str) -> Counter[tuple[str, bool, bool, bool]]:
    """How often (confidence, wrong, of a run whose start and log survive, of a person's run)."""
    found: Counter[tuple[str, bool, bool, bool]] = Counter()
    few = HISTORIES if step == "nothing" else max(HISTORIES // 4, 20)
    for number in range(few):
        for answer in asked(f"{SEED}.{number}", STEPS[step]):
            person = answer.truth == "manual"
            found[answer.run.confidence, answer.wrong, answer.surviving, person] += 1
            compared("runs of generated histories: their known starts", 1)
    return found


def total(
    step: str, *, confidence: str | None = None, wrong: bool | None = None, surviving: bool | None = None
) -> int:
    """The number of answers of a kind."""
    return sum(
        count
        for (sure, bad, alive, _), count in tally(step).items()
        if confidence in (None, sure) and wrong in (None, bad) and surviving in (None, alive)
    )


@pytest.mark.parametrize("step", STEPS)
def test_no_answer_of_high_confidence_is_wrong(step: str) -> None:
    assert total(step, confidence="high", wrong=True) == 0


@pytest.mark.parametrize("step", STEPS)
def test_medium_is_wrong_in_less_than_one_of_a_hundred(step: str) -> None:
    assert total(step, confidence="medium", wrong=True) <= 0.01 * total(step, confidence="medium")


def test_a_run_whose_start_and_log_survive_is_attributed() -> None:
    alive = total("nothing", surviving=True)
    high = total("nothing", confidence="high", wrong=False, surviving=True)
    medium = total("nothing", confidence="medium", wrong=False, surviving=True)
    assert alive > 20 * HISTORIES
    assert high >= 0.95 * alive
    assert high + medium >= 0.98 * alive


def test_a_person_is_never_taken_for_a_trigger_with_high_confidence() -> None:
    taken = [k for step in STEPS for k in tally(step) if k[0] == "high" and k[1] and k[3]]
    assert taken == []


def test_confidence_falls_with_the_evidence() -> None:
    shares = [total(step, confidence="high") / total(step) for step in STEPS]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] == 0
