"""A few histories as whole machines: built, audited like any other, and compared with the truth."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from fixtures.machine import build_text
from tests.audits import model_of
from tests.history.acts import History
from tests.history.answers import compared, stamps
from tests.history.play import Play
from tests.history.scenario import machine
from tests.history.texts import Loss, write
from tests.history.trees import fits_debian_12, tree
from tests.summary import SEED, scaled

CASES = scaled(3)


def histories() -> Iterator[tuple[str, History]]:
    """Histories of machines that a tree can be built of, with their seeds."""
    for number in count():
        seed = f"tree {SEED}.{number}"
        if fits_debian_12(machine(seed)):
            yield seed, Play(machine(seed), seed).play()


@pytest.mark.parametrize("number", range(CASES))
def test_a_whole_machine_tells_who_made_its_runs(number: int, tmp_path: Path) -> None:
    seed, history = next(islice(histories(), number, None))
    logs = write(history, Loss(), seed)
    fired = stamps(history).get("timer:certbot.timer")
    built = build_text(tree(history, logs, fired.isoformat() if fired else None), tmp_path / "root")
    standing = {job.trigger: job for job in history.machine.jobs}
    found = [compared(run, logs, standing) for run in model_of(built).runs]
    alive = [answer for answer in found if answer.surviving]
    assert len(alive) > 20
    assert not [a for a in found if a.wrong and a.run.confidence == "high"]
    assert sum(a.run.confidence == "high" for a in alive) >= 0.9 * len(alive)
