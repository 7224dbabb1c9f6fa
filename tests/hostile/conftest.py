"""The machine, built once, and a copy of it for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.machine import build_text
from tests.hostile.machine import MACHINE, copied


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bad") / "root"
    build_text(MACHINE, root)
    return root


@pytest.fixture
def tree(pristine: Path) -> Iterator[Path]:
    with copied(pristine) as root:
        yield root
