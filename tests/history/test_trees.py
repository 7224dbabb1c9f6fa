"""A few histories as whole machines: built, audited like any other, and compared with the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count, islice
from pathlib import Path

import pytest

from fixtures.machine import build_text
from tests.audits import model_of
from tests.history.acts import History
from tests.history.answers import Answer, compared, stamps
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


def masked(seed: str, tmp_path: Path, share: float) -> tuple[list[Answer], datetime]:
    """The answers about a machine whose certbot.timer was masked after a share of its time.

    The logs of all starts are lost: what a run looks like is all there is. And when it was masked.
    """
    one = machine(seed)
    off = (one.begin + (one.end - one.begin) * share).replace(microsecond=0)
    timers = {"timer:certbot.timer"}
    jobs = tuple(replace(j, until=off) if j.trigger in timers else j for j in one.jobs)
    history = Play(replace(one, jobs=jobs), seed).play()
    logs = write(history, Loss(starts=1.0), seed)
    text = tree(history, logs, stamps(history)["timer:certbot.timer"].isoformat())
    mask = f"link /etc/systemd/system/certbot.timer -> /dev/null mtime={off.isoformat()}\n"
    built = build_text(text + mask, tmp_path / f"root {share}")
    standing = {job.trigger: job for job in history.machine.jobs}
    return [compared(run, logs, standing) for run in model_of(built).runs], off


@pytest.mark.parametrize("number", range(CASES))
def test_a_timer_that_was_masked_made_what_it_made_before(number: int, tmp_path: Path) -> None:
    seed, _ = next(islice(histories(), number, None))
    answers, off = masked(seed, tmp_path, 0.6)
    given = [answer.run for answer in answers if answer.said == "timer:certbot.timer"]
    assert all((run.started or run.ended or off) < off for run in given)
    sure = [answer for answer in answers if answer.run.confidence in ("high", "medium")]
    assert sum(answer.wrong for answer in sure) <= 0.05 * len(sure)
    before, _ = masked(seed, tmp_path, 0.999)
    earlier = [a.run.because for a in before if a.said == "timer:certbot.timer"]
    assert len(earlier) > len(given) > 0


def test_a_timer_that_was_masked_before_all_else_made_nothing(tmp_path: Path) -> None:
    seed, history = next(histories())
    logs = write(history, Loss(starts=1.0), seed)
    begun = history.machine.begin.replace(microsecond=0).isoformat()
    text = tree(history, logs, None)
    mask = f"link /etc/systemd/system/certbot.timer -> /dev/null mtime={begun}\n"
    runs = model_of(build_text(text + mask, tmp_path / "root")).runs
    assert [run for run in runs if run.trigger == "timer:certbot.timer"] == []
