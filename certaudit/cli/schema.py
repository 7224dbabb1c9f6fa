"""``certaudit schema``: the JSON Schema of the report, or of a plan."""

from __future__ import annotations

import sys
from enum import Enum
from typing import Annotated

import typer


class Document(str, Enum):
    """What certaudit writes as JSON."""

    report = "report"
    plan = "plan"


def command(
    document: Annotated[
        Document, typer.Argument(help="Of which: `audit --format json`, or `fix --plan --format json`.")
    ] = Document.report,
) -> int:
    """Print the JSON Schema of the report (certaudit/report/v1) or of a plan (certaudit/plan/v1)."""
    from certaudit.render import plan_schema, schema  # noqa: PLC0415 - only this verb pays for it

    sys.stdout.write(plan_schema.text() if document is Document.plan else schema.text())
    return 0
