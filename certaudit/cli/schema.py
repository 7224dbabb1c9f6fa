"""``certaudit schema``: the JSON Schemas of what certaudit writes."""

from __future__ import annotations

import sys
from enum import Enum
from typing import Annotated

import typer


class Document(str, Enum):
    """What certaudit writes as JSON."""

    report = "report"
    plan = "plan"
    timeline = "timeline"


def command(
    document: Annotated[
        Document,
        typer.Argument(
            help="Of which: `audit --format json`, `fix --plan --format json`, `timeline --format json`."
        ),
    ] = Document.report,
) -> int:
    """Print the JSON Schema of the report, of a plan, or of a timeline."""
    from certaudit.render import plan_schema, schema, timeline_json  # noqa: PLC0415 - only this verb pays

    texts = {
        Document.report: schema.text,
        Document.plan: plan_schema.text,
        Document.timeline: timeline_json.schema_text,
    }
    sys.stdout.write(texts[document]())
    return 0
