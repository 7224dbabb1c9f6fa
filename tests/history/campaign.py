"""Many histories asked at once, and how often which confidence was right.

``python -m tests.history.campaign --cases 10000 --jobs 2`` prints a line for every step in which
evidence is taken away, and every wrong answer that was given with high confidence. With ``--close-by``
nearly all triggers of a machine fire in the same minutes.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pool

from tests.history.answers import Answer, answers
from tests.history.play import Play
from tests.history.scenario import close_by, machine
from tests.history.texts import Loss, write

STEPS = {
    "nothing": Loss(),
    "some heads": Loss(heads=0.5),
    "old starts": Loss(starts=0.5),
    "ends": Loss(starts=0.5, ends=True),
    "heads": Loss(starts=0.5, ends=True, heads=0.5),
    "all starts": Loss(starts=1.0, ends=True, heads=0.5),
}
IN_ORDER = (
    "nothing",
    "old starts",
    "ends",
    "heads",
    "all starts",
)  # each takes more than the one before
Kind = tuple[str, bool, bool]  # confidence, wrong, of a run whose start and log survive


@dataclass(slots=True)
class Tally:
    """How often each kind of answer was given, and the worst ones in words."""

    histories: int = 0
    kinds: Counter[Kind] = field(default_factory=Counter)
    worst: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take another tally in."""
        self.histories += other.histories
        self.kinds.update(other.kinds)
        self.worst += other.worst

    def total(
        self,
        confidence: str | None = None,
        *,
        wrong: bool | None = None,
        surviving: bool | None = None,
    ) -> int:
        """The number of answers of a kind."""
        return sum(
            count
            for (sure, bad, alive), count in self.kinds.items()
            if confidence in (None, sure) and wrong in (None, bad) and surviving in (None, alive)
        )

    @property
    def text(self) -> str:
        """The figures on one line."""
        alive = self.total(surviving=True)
        high = self.total("high", wrong=False, surviving=True)
        both = high + self.total("medium", wrong=False, surviving=True)
        wrong = [f"{self.total(sure, wrong=True)}/{self.total(sure)}" for sure in ("high", "medium")]
        shares = f"{share(both, alive)} right with high or medium, {share(high, alive)} with high"
        return (
            f"{self.histories} histories, {self.total()} answers, wrong high {wrong[0]}, "
            f"wrong medium {wrong[1]}; of {alive} whose start and log survive {shares}"
        )


def share(part: int, whole: int) -> str:
    """A part in percent."""
    return f"{100 * part / whole:.2f} %" if whole else "-"


def asked(seed: str, loss: Loss, *, near: bool = False) -> Iterator[Answer]:
    """The answers about one history; ``near``: of triggers that fire in the same minutes."""
    drawn = machine(seed)
    history = Play(close_by(drawn, seed) if near else drawn, seed).play()
    return answers(history, write(history, loss, seed))


def tally(seeds: Iterable[str], step: str, *, near: bool = False) -> Tally:
    """The answers about some histories, counted."""
    found = Tally()
    for seed in seeds:
        found.histories += 1
        for answer in asked(seed, STEPS[step], near=near):
            found.kinds[answer.run.confidence, answer.wrong, answer.surviving] += 1
            if answer.wrong and answer.run.confidence == "high":
                found.worst.append(worst(seed, step, answer))
    return found


def worst(seed: str, step: str, answer: Answer) -> str:
    """A wrong answer that was given with high confidence."""
    run = answer.run
    place = run.evidence[-1].place if run.evidence else "nowhere"
    return f"{seed} ({step}): {answer.said}, in truth {answer.truth}: {place}: {run.because}"


def main() -> None:
    """Ask, and print the figures of every step."""
    parser = argparse.ArgumentParser(description="Attribution on generated histories")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--step", choices=STEPS, action="append")
    parser.add_argument("--close-by", action="store_true")
    given = parser.parse_args()
    seeds = [f"{given.seed}.{number}" for number in range(given.cases)]
    parts = [seeds[start : start + 50] for start in range(0, len(seeds), 50)]
    with Pool(given.jobs) as pool:
        for step in given.step or STEPS:
            found = Tally()
            ask = partial(tally, step=step, near=given.close_by)
            for number, part in enumerate(pool.imap_unordered(ask, parts), 1):
                found.add(part)
                if number % 10 == 0 and number < len(parts):
                    print(f"{step}, so far: {found.text}", flush=True)  # noqa: T201
                for text in part.worst:
                    print(f"wrong: {text}", flush=True)  # noqa: T201
            print(f"{step}: {found.text}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
