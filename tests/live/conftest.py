"""When the live tests run, and what they share.

``CERTAUDIT_LIVE``: ``require`` makes it a failure that no box can run here, ``off`` skips all;
without it they are skipped where they cannot work.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import story as stories
from tests.live.box import Box, why_not
from tests.live.root import RootError, root

HERE = Path(__file__).parent
MODE = os.environ.get("CERTAUDIT_LIVE", "")
ZONE = "Asia/Tokyo"  # not this machine's: letsencrypt.log and old syslogs have local time only


def reason_to_skip() -> str | None:
    """One line that says why no box can run, or ``None``."""
    if MODE not in ("", "require", "off"):
        raise pytest.UsageError(f"CERTAUDIT_LIVE={MODE}: it is require, off or nothing")
    return "CERTAUDIT_LIVE=off" if MODE == "off" else why_not()


def refuse(reason: str) -> None:
    """Fail where a box is required, else skip."""
    if MODE == "require":
        pytest.fail(f"CERTAUDIT_LIVE=require, but no box can run: {reason}", pytrace=False)
    pytest.skip(f"no box can run: {reason}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mine = [item for item in items if HERE in item.path.parents]
    reason = reason_to_skip() if mine else None
    for item in mine:
        item.add_marker(pytest.mark.live)
        if reason and MODE != "require":
            item.add_marker(pytest.mark.skip(reason=f"no box can run: {reason}"))


@pytest.fixture(scope="session", autouse=True)
def base_root() -> Path:
    """The root of the base packages, built if it is not there yet."""
    if reason := reason_to_skip():
        refuse(reason)
    try:
        return root()
    except RootError as error:
        refuse(str(error))
        raise


@pytest.fixture(scope="session")
def told(base_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[stories.Told]:
    """The story, told once a session."""
    with Box(base_root, zone=ZONE) as box:
        story = stories.tell(box)
        saved = box.save(tmp_path_factory.mktemp("told") / "upper")
        yield stories.Told(box, story, saved, ZONE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if MODE == "off":
        terminalreporter.write_line(
            "live: CERTAUDIT_LIVE=off: nothing is checked against a booted systemd"
        )
