"""What the tests of repairs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from certaudit.cli import run
from tests.fix.machines import Verb


@pytest.fixture
def certaudit(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Verb:
    """Run a command line with the state directory beside the machine: code, stdout, stderr."""
    monkeypatch.setenv("CERTAUDIT_STATE_DIR", str(tmp_path / "state"))

    def verb(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return verb
