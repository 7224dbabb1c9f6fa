"""The timeline as ``certaudit/timeline/v1``, and its JSON Schema.

Law: as ``json_v1``: fields may be added, never renamed or dropped; every event, nothing folded.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

from certaudit import __version__
from certaudit.history import EventKind, TimelineEvent
from certaudit.linking.history.timeline import timeline
from certaudit.model import Lineage, Model
from certaudit.render.json_history import coverage, evidence, host, time
from certaudit.render.schema import (
    CONFIDENCE,
    INTEGER,
    STRING,
    TIME,
    coverage_schema,
    definitions,
    examples,
    host_schema,
    many,
    maybe,
    of,
    record,
)

SCHEMA = "certaudit/timeline/v1"
Json = dict[str, Any]


def render(
    model: Model,
    lineages: Sequence[Lineage],
    since: datetime | None = None,
    until: datetime | None = None,
) -> str:
    """The timelines as indented JSON with a final newline."""
    document = {
        "schema": SCHEMA,
        "certaudit": __version__,
        "host": host(model.host),
        "since": time(since),
        "until": time(until),
        "coverage": [coverage(c) for c in model.history.coverage],
        "lineages": [
            {
                "name": lineage.name,
                "owner": lineage.owner,
                "events": [event(e) for e in timeline(model, lineage, since, until)],
            }
            for lineage in lineages
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def event(found: TimelineEvent) -> Json:
    """One event."""
    return {
        "time": time(found.time),
        "kind": found.kind,
        "text": found.text,
        "who": found.who,
        "run": found.run,
        "generation": found.generation,
        "relation": found.relation,
        "confidence": found.confidence,
        "evidence": [evidence(line) for line in found.evidence],
    }


def schema() -> Json:
    """The schema of a timeline (JSON Schema, draft 2020-12)."""
    one = record(
        time=TIME, kind=examples(*get_args(EventKind)), text=STRING, who=maybe(STRING),
        run=maybe(STRING), generation=maybe(INTEGER), relation=maybe(of("relation")),
        confidence=maybe(CONFIDENCE), evidence=many(of("evidence")),
    )  # fmt: skip
    body = record(
        schema={"const": SCHEMA},
        certaudit=STRING,
        host=host_schema(),
        since=maybe(TIME),
        until=maybe(TIME),
        coverage=many(coverage_schema()),
        lineages=many(record(name=STRING, owner=maybe(STRING), events=many(one))),
    )
    parts = definitions()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA}
    return {**head, **body, "$defs": {name: parts[name] for name in ("evidence", "relation")}}


def schema_text() -> str:
    """The schema as indented JSON with a final newline."""
    return json.dumps(schema(), indent=2) + "\n"
