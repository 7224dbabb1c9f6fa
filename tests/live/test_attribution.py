"""Who made each generation, of renewals that were really started in many ways: never a wrong answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.live import starters
from tests.live.box import Box
from tests.live.root import root
from tests.live.starters import STARTERS
from tests.live.story import LINEAGE
from tests.live.test_live_equals_image import image_report, live_report
from tests.summary import compared

Report = dict[str, Any]
SURE = ("high", "medium")


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Report]]:
    """The live report and that of the collected files, after all starts."""
    base = root(starters.PACKAGES)
    nothing = tmp_path_factory.mktemp("nothing")
    with Box(base, zone="Asia/Tokyo", lifetime=600) as box:
        starters.prepare(box)
        starters.play(box)
        as_of = datetime.now(box.zone).isoformat()
        yield {
            "live": live_report(box, as_of),
            "image": image_report(box, Path(nothing), base, as_of),
        }


def made_by(report: Report) -> list[tuple[str, str]]:
    """For each generation who made it and how sure that is; a person is ``manual``."""
    (lineage,) = (one for one in report["lineages"] if one["name"] == LINEAGE)
    made = [generation["made_by"] for generation in lineage["generations"]]
    return [(one["trigger"] or one["actor"], one["confidence"]) for one in made]


@pytest.mark.parametrize("kind", ["live", "image"])
def test_each_generation_has_its_starter(reports: dict[str, Report], kind: str) -> None:
    said = made_by(reports[kind])
    compared("generations of real starters: their known starts", len(said))
    wrong = [
        f"{number}. {starter.name}: {answer} ({sure}), really {starter.truth}"
        for number, (starter, (answer, sure)) in enumerate(zip(STARTERS, said, strict=True), 1)
        if (starter.logged and sure not in SURE) or (sure in SURE and answer != starter.truth)
    ]
    assert wrong == []
