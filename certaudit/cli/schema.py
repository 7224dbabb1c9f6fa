"""``certaudit schema``: the JSON Schema of the report."""

from __future__ import annotations

import sys


def command() -> int:
    """Print the JSON Schema of the report (certaudit/report/v1)."""
    from certaudit.render.schema import text  # noqa: PLC0415 - only this verb pays for it

    sys.stdout.write(text())
    return 0
