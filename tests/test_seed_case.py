"""The renewal of 2023-11-30 on the demo machine: the timer's, whether or not the run's head is left."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certaudit.model import Model, Run
from fixtures.machine import MACHINES, build_text
from tests.audits import model_of

JST = timezone(timedelta(hours=9))
DEMO = (MACHINES / "demo.machine").read_text(encoding="utf-8")
LOG = "gzip /var/log/letsencrypt/letsencrypt.log.1.gz"
START = "Nov 30 20:03:53 hogehoge systemd[1]: Starting Certbot..."


def headless(text: str) -> str:
    """The demo machine where the log that holds the renewal begins in the midst of it."""
    before, _, after = text.partition(LOG)
    header, _, runs = after.partition("\n")
    at = runs.index("@ renewing 2023-11-30")
    return f"{before}{LOG}{header}\n{runs[at:]}"


def renewal(model: Model) -> Run:
    """The run that made generation 4."""
    (run,) = [
        r for r in model.runs if any(o.generation == 4 for o in r.outcomes if o.outcome == "renewed")
    ]
    return run


@pytest.mark.parametrize("whole", [True, False])
def test_the_challenges_of_20_06_51_belong_to_the_timers_start_at_20_03_53(
    whole: bool, tmp_path: Path
) -> None:
    model = model_of(build_text(DEMO if whole else headless(DEMO), tmp_path / "root"))
    run = renewal(model)
    assert run.started == (datetime(2023, 11, 30, 20, 3, 55, 902000, JST) if whole else None)
    assert (run.trigger, run.actor, run.confidence) == ("timer:certbot.timer", "trigger", "high")
    assert [e.text for e in run.evidence if e.where.startswith("/var/log/syslog")] == [START]
    lag = "3 s" if whole else "177 s"
    assert run.because[0] == f"timer:certbot.timer started at 2023-11-30 20:03:53, {lag} before"
    (four,) = [g for g in model.lineages[0].generations if g.number == 4]
    assert (four.made_by.run, four.made_by.trigger) == (run.id, "timer:certbot.timer")
    assert four.relation == "stolen"
