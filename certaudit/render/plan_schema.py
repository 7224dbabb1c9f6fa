"""The JSON Schema of ``certaudit/plan/v1``, which ``certaudit fix --plan --format json`` writes.

Law: as ``schema``: every plan is valid by it (tested), open enumerations are ``examples``, and unknown
fields stay allowed, because v1 may grow.
"""

from __future__ import annotations

import json
from typing import Any

from certaudit.plan import REMEDIES
from certaudit.render.plan_json import SCHEMA
from certaudit.render.schema import (
    BOOLEAN,
    INTEGER,
    STRING,
    TIME,
    Json,
    examples,
    many,
    maybe,
    of,
    record,
)

STRINGS = many(STRING)


def definitions() -> Json:
    """The parts of a plan."""
    node = record(
        kind={"enum": ["absent", "file", "link", "directory", "other"]},
        sha256=maybe({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
        mode=maybe({"type": "string", "pattern": "^[0-7]{4}$"}),
        uid=maybe(INTEGER), gid=maybe(INTEGER), target=maybe(STRING),
    )  # fmt: skip
    kinds = (
        "WriteText", "CopyParts", "PutLink", "RemoveLink", "ChangeMode", "MoveFile", "MakeDirectory",
        "LaterFile", "StopUnit", "SendParts", "RunCommand", "ReloadUnit",
    )  # fmt: skip
    held = record(size=INTEGER, serial=maybe(STRING), expires=maybe(TIME))
    action = record(kind=examples(*kinds), text=STRING)
    action["properties"] |= {
        "path": STRING, "unit": STRING, "diff": STRINGS,
        "before": {"anyOf": [of("node"), STRING]}, "after": {"anyOf": [of("node"), STRING]},
        "host": STRING, "options": STRINGS, "test": STRINGS, "command": STRING, "source": STRING,
        "environment": {"type": "object", "additionalProperties": STRING},
        "old": maybe(of("held")), "new": maybe(of("held")),
        "served": many(record(address=STRING, name=STRING, serial=STRING)),
    }  # fmt: skip
    remedy = examples(*REMEDIES)
    others: Json = {"others": many(remedy), "alternatives": many(of("alternative"))}
    return {
        "node": node,
        "held": held,
        "action": action,
        "alternative": record(remedy=remedy, title=STRING, price=STRINGS, refused=maybe(STRING)),
        "step": record(
            rules=STRINGS, subjects=STRINGS, remedy=remedy, title=STRING, trigger=maybe(STRING),
            lasts=STRING, notes=STRINGS, locks=STRINGS, commands=STRINGS, actions=many(of("action")),
            background=STRINGS, **others,
        ),
        "refusal": record(rules=STRINGS, subjects=STRINGS, why=STRING, commands=STRINGS, **others),
    }  # fmt: skip


def schema() -> dict[str, Any]:
    """The schema of a whole plan (JSON Schema, draft 2020-12)."""
    body = record(
        schema={"const": SCHEMA},
        certaudit=STRING,
        host=record(name=STRING, target=STRING, live=BOOLEAN, as_of=TIME),
        steps=many(of("step")),
        refusals=many(of("refusal")),
        off_already=STRINGS,
        commands=STRINGS,
        unseen=STRINGS,
    )
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA}
    return {**head, **body, "$defs": definitions()}


def text() -> str:
    """The schema as indented JSON with a final newline."""
    return json.dumps(schema(), indent=2) + "\n"
