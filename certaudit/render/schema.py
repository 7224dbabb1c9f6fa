"""The JSON Schema of ``certaudit/report/v1``, written beside the renderer it describes.

Law: every output is valid by it (tested on every fixture machine); open enumerations are listed as
``examples``, closed ones as ``enum``; unknown fields stay allowed, because v1 may grow.
"""

from __future__ import annotations

import json
from typing import Any

from certaudit.model import SEVERITIES
from certaudit.render.json_v1 import SCHEMA

Json = dict[str, Any]

STRING: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
INTEGER: Json = {"type": "integer"}
BOOLEAN: Json = {"type": "boolean"}
TIME: Json = {"type": "string", "format": "date-time"}
CONFIDENCE: Json = {"enum": ["high", "medium", "low", "unknown"]}
STATE: Json = {"enum": ["armed", "dormant", "off"]}
ACTOR: Json = {"enum": ["trigger", "manual", "unknown"]}


def maybe(schema: Json) -> Json:
    """That, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Json) -> Json:
    """A list of that."""
    return {"type": "array", "items": schema}


def of(name: str) -> Json:
    """A definition by name."""
    return {"$ref": f"#/$defs/{name}"}


def record(**fields: Json) -> Json:
    """An object that has all these fields, and may have more."""
    return {"type": "object", "required": list(fields), "properties": fields}


def examples(*values: str) -> Json:
    """An open enumeration: these are the values of today."""
    return {"type": "string", "examples": list(values)}


def definitions() -> Json:
    """The parts of a report."""
    return {
        "evidence": record(where=STRING, line=maybe(INTEGER), text=STRING, time=maybe(TIME)),
        "gap": record(
            aspect=examples(
                "systemd", "units", "cron", "scripts", "containers", "logs", "journal", "certificates",
                "copies", "references", "hooks", "cli-ini", "renewal", "clock", "access", "packages",
                "history", "served", "clients", "apart",
            ),
            reason=STRING,
            evidence=many(of("evidence")),
        ),
        "reason": record(
            code=examples(
                "enabled", "enabled-and-active", "enabled-inactive", "disabled-active", "masked-active",
                "masked", "not-enabled", "no-times", "cron-line", "commented-out", "name-ignored",
                "file-refused", "not-executable", "guard-false", "condition-false", "program-missing",
                "no-cron-daemon", "cron-daemon-off", "no-home", "unit-refused", "vain-mask",
                "mask-until-boot",
                "no-lineage",
            ),
            text=STRING,
            evidence=many(of("evidence")),
        ),
        "source": record(path=STRING, line=maybe(INTEGER)),
        "schedule": record(
            expression=many(STRING), random_delay=maybe(NUMBER), persistent=maybe(BOOLEAN),
            next_earliest=maybe(TIME), next_latest=maybe(TIME),
        ),
        "trigger": record(
            id=STRING,
            kind=examples(
                "timer", "cron", "anacron", "run-parts", "boot", "path", "socket", "daemon", "container",
                "at", "snap-loop",
            ),
            state=STATE, file_state=maybe(STRING), active_state=maybe(STRING),
            reasons=many(of("reason")), source=of("source"), user=maybe(STRING),
            schedule=maybe(of("schedule")), last_fired=maybe(TIME), arrived=maybe(of("arrival")),
        ),
        "distribution": record(
            kind=examples("hook", "copy", "remote", "reload", "command"),
            binding=examples(
                "deploy-directory", "saved-hook", "global-hook", "command-line-hook", "own-renewal",
                "if-changed", "every-run", "unit",
            ),
            command=STRING, source=of("source"), targets=many(STRING),
        ),
        "path": record(
            id=STRING, trigger=STRING, state=STATE, client=STRING, subcommand=maybe(STRING),
            argv=many(STRING), chain=many(record(path=STRING, line=maybe(INTEGER), text=STRING)),
            lineages=many(STRING), owner_of=many(STRING), hidden_for=many(STRING),
            distribution=many(of("distribution")),
        ),
        "generation": record(
            number=INTEGER, serial=STRING, not_before=TIME, not_after=TIME,
            made_by=record(
                run=maybe(STRING), trigger=maybe(STRING), actor=ACTOR, confidence=CONFIDENCE,
                because=many(STRING),
            ),
            relation=of("relation"), written=maybe(TIME), left_behind=many(of("left_behind")),
        ),
        "lineage": record(
            name=STRING, client=STRING, names=many(STRING), renewal_conf=STRING,
            authenticator=maybe(STRING), autorenew=BOOLEAN, not_after=maybe(TIME), due=maybe(TIME),
            due_rule=maybe(STRING), renewers=many(STRING), owner=maybe(STRING),
            owner_source={"enum": ["declared", "inferred", None]}, generations=many(of("generation")),
            starved=many(of("starvation")),
        ),
        "run": record(
            id=STRING, client=STRING, version=maybe(STRING), started=maybe(TIME), ended=maybe(TIME),
            arguments=maybe(many(STRING)), subcommand=maybe(STRING),
            outcomes=many(
                record(
                    lineage=maybe(STRING),
                    outcome={"enum": ["renewed", "not_due", "failed", "simulated", "unknown"]},
                    generation=maybe(INTEGER),
                )
            ),
            trigger=maybe(STRING), actor=ACTOR, confidence=CONFIDENCE, because=many(STRING),
            evidence=many(of("evidence")),
            hooks=many(
                record(
                    kind=examples("pre", "deploy", "post", "manual-auth", "manual-cleanup", "unknown"),
                    command=STRING, time=TIME, failed=maybe(BOOLEAN),
                )
            ),
        ),
        "deployment": record(
            id=STRING, lineage=STRING, kind={"enum": ["config", "copy", "remote", "served"]},
            where=STRING, generation=maybe(INTEGER),
            status={"enum": ["current", "stale", "unreferenced", "mismatch", "missing", "unknown"]},
            written_by=maybe(STRING), modified=maybe(TIME),
        ),
        "fix": record(title=STRING, safe=BOOLEAN, actions=many(STRING)),
        "finding": record(
            subject=STRING, severity=of("severity"), message=STRING, confidence=CONFIDENCE,
            evidence=many(of("evidence")), fixes=many(of("fix")),
        ),
        "severity": {"enum": list(SEVERITIES)},
        "relation": {"enum": ["owner", "stolen", "manual", "unknown"]},
        **past(),
        "result": record(
            rule=STRING, severity=of("severity"),
            status={"enum": ["passed", "flagged", "not_assessed"]},
            findings=many(of("finding")), gaps=many(of("gap")),
        ),
    }  # fmt: skip


def past() -> Json:
    """The parts of a report that tell of the past."""
    return {
        "package_change": record(
            time=TIME,
            action=examples("install", "reinstall", "upgrade", "downgrade", "remove", "purge"),
            package=STRING, old=maybe(STRING), new=maybe(STRING), command=maybe(STRING),
            requested_by=maybe(STRING), evidence=many(of("evidence")),
        ),
        "migration": record(
            time=TIME, until=TIME, old=maybe(STRING), new=STRING, evidence=many(of("evidence"))
        ),
        "arrival": record(
            package=STRING, version=maybe(STRING), time=maybe(TIME), before=maybe(TIME),
            command=maybe(STRING), requested_by=maybe(STRING), confidence=CONFIDENCE,
            migration=maybe(of("migration")), evidence=many(of("evidence")),
        ),
        "starvation": record(
            since=TIME, until=maybe(TIME), times=INTEGER, first=TIME, last=TIME, idle=INTEGER,
            confidence=CONFIDENCE, evidence=many(of("evidence")),
        ),
        "left_behind": record(
            deployment=STRING, where=STRING, state={"enum": ["still", "ended", "unknown"]}, since=TIME,
            until=maybe(TIME), seconds=maybe(INTEGER), confidence=CONFIDENCE, because=STRING,
        ),
    }  # fmt: skip


def host_schema() -> Json:
    """The machine."""
    return record(
        name=STRING, target=STRING, live=BOOLEAN, as_of=TIME, os=maybe(STRING),
        init=maybe(examples("systemd", "sysvinit", "openrc", "busybox", "runit", "s6", "none")),
        cron=maybe(examples("vixie-debian", "cronie", "busybox", "systemd-cron", "fcron")),
    )  # fmt: skip


def coverage_schema() -> Json:
    """Which time a log covers."""
    hole = record(since=maybe(TIME), until=maybe(TIME), reason=STRING)
    return record(
        kind=examples("client", "starts", "packages"), source=STRING, since=maybe(TIME),
        until=maybe(TIME), holes=many(hole),
    )  # fmt: skip


def schema() -> Json:
    """The schema of a whole report (JSON Schema, draft 2020-12)."""
    counts = record(**dict.fromkeys(SEVERITIES[::-1], INTEGER))
    body = record(
        schema={"const": SCHEMA},
        certaudit=STRING,
        host=host_schema(),
        summary=record(verdict=STRING, findings=counts),
        triggers=many(of("trigger")),
        paths=many(of("path")),
        lineages=many(of("lineage")),
        runs=many(of("run")),
        deployments=many(of("deployment")),
        results=many(of("result")),
        gaps=many(of("gap")),
        horizon=record(client=maybe(TIME), starts=maybe(TIME), packages=maybe(TIME)),
        coverage=many(coverage_schema()),
        package_changes=many(of("package_change")),
        migrations=many(of("migration")),
    )
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA}
    return {**head, **body, "$defs": definitions()}


def text() -> str:
    """The schema as indented JSON with a final newline."""
    return json.dumps(schema(), indent=2) + "\n"
