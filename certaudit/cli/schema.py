"""``certaudit schema``: the JSON Schemas of what certaudit writes."""

from __future__ import annotations

import sys
from enum import Enum
from typing import Annotated

import typer


class Document(str, Enum):
    """What has a schema."""

    report = "report"
    timeline = "timeline"


def command(
    document: Annotated[
        Document, typer.Argument(metavar="[report|timeline]", help="Of which output.")
    ] = Document.report,
) -> int:
    """Print a JSON Schema: of the report (certaudit/report/v1), or of the timeline."""
    from certaudit.render import schema, timeline_json  # noqa: PLC0415 - only this verb pays for it

    text = timeline_json.schema_text() if document is Document.timeline else schema.text()
    sys.stdout.write(text)
    return 0
