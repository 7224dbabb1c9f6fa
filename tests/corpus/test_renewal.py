"""Every collected renewal conf is read, and as what it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from certaudit.errors import ParseError
from certaudit.parsers.renewal_conf import parse_renewal_conf

FOLDER = os.environ.get("CERTAUDIT_CORPUS")

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not FOLDER, reason="CERTAUDIT_CORPUS names no folder of collected files"),
]


def confs() -> list[Path]:
    return sorted(p for p in Path(FOLDER).glob("renewal/*") if p.is_file()) if FOLDER else []


@pytest.mark.parametrize("file", confs(), ids=lambda p: p.name)
def test_a_collected_conf_is_read(file: Path) -> None:
    try:
        conf = parse_renewal_conf(file.read_text("utf-8"))
    except ParseError as error:
        pytest.fail(str(error))
    authenticator = conf.param("authenticator")
    assert authenticator is not None
    assert authenticator.line is not None
    line = file.read_text("utf-8").splitlines()[authenticator.line - 1]
    assert line.replace(" ", "") == f"authenticator={authenticator.value}"
    assert conf.autorenew
    assert file.suffix == ".tpl" or conf.problems == ()
