"""What the renderers write of whole machines, to the byte; ``python -m tests.golden`` writes it anew."""

from __future__ import annotations

import pytest

from certaudit.model import Report
from tests.golden import GOLDEN, OUTPUTS, WIDTH, as_json, reports


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    return reports(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_golden_output(name: str, found: dict[str, Report]) -> None:
    machine, output = OUTPUTS[name]
    assert output(found[machine]) == (GOLDEN / name).read_bytes().decode()


def test_no_golden_output_is_left_over() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == set(OUTPUTS)


@pytest.mark.parametrize("name", [n for n, (_, o) in OUTPUTS.items() if o is not as_json])
def test_no_line_is_wider_than_the_terminal(name: str) -> None:
    lines = (GOLDEN / name).read_text("utf-8").splitlines()
    wide = [line for line in lines if len(line) > WIDTH]
    assert all(len(line.split()) == 1 for line in wide), wide
    assert all(line == line.rstrip() for line in lines)
