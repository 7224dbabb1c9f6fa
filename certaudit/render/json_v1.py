"""The report as ``certaudit/report/v1``: the contract with other programs.

Law: fields may be added within v1, never renamed or dropped; the same files and the same as-of give the
same bytes.
"""

from __future__ import annotations

import json
from typing import Any

from certaudit import __version__
from certaudit.history import Arrival
from certaudit.model import (
    SEVERITIES,
    Deployment,
    Distribution,
    Finding,
    Fix,
    Gap,
    Generation,
    Lineage,
    Model,
    Outcome,
    Reason,
    RenewalPath,
    Report,
    Result,
    Run,
    Schedule,
    Trigger,
)
from certaudit.render.json_history import (
    arrival,
    coverage,
    evidence,
    host,
    left_behind,
    migration,
    package_change,
    starvation,
    time,
)

SCHEMA = "certaudit/report/v1"
Json = dict[str, Any]


def render(report: Report) -> str:
    """The report as indented JSON with a final newline."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def document(report: Report) -> Json:
    """The report as plain data in the order of the contract."""
    model = report.model
    found = [finding.severity for _, finding in report.findings]
    return {
        "schema": SCHEMA,
        "certaudit": __version__,
        "host": host(model.host),
        "summary": {
            "verdict": report.verdict,
            "findings": {severity: found.count(severity) for severity in SEVERITIES[::-1]},
        },
        "triggers": [trigger(t, model.history.arrival(t.id)) for t in model.triggers],
        "paths": [path(p) for p in model.paths],
        "lineages": [lineage(x, model) for x in model.lineages],
        "runs": [run(r) for r in model.runs],
        "deployments": [deployment(d) for d in model.deployments],
        "results": [result(r) for r in report.results],
        "gaps": [gap(g) for g in model.gaps],
        "horizon": {kind: time(moment) for kind, moment in model.horizon},
        "coverage": [coverage(c) for c in model.history.coverage],
        "package_changes": [package_change(c) for c in model.history.packages],
        "migrations": [migration(m) for m in model.history.migrations],
    }


def reason(found: Reason) -> Json:
    """A reason with its evidence."""
    lines = [evidence(e) for e in found.evidence]
    return {"code": found.code, "text": found.text, "evidence": lines}


def schedule(found: Schedule | None) -> Json | None:
    """When a trigger fires."""
    if found is None:
        return None
    return {
        "expression": list(found.expression),
        "random_delay": found.random_delay,
        "persistent": found.persistent,
        "next_earliest": time(found.next_earliest),
        "next_latest": time(found.next_latest),
        "longest_gap": found.longest_gap,
    }


def trigger(found: Trigger, came: Arrival | None) -> Json:
    """One trigger, and how it came if that is known."""
    return {
        "id": found.id,
        "kind": found.kind,
        "state": found.state,
        "file_state": found.file_state,
        "active_state": found.active_state,
        "confidence": "high" if found.certain else "medium",
        "reasons": [reason(r) for r in found.reasons],
        "source": {"path": found.source.path, "line": found.source.line},
        "user": found.user,
        "schedule": schedule(found.schedule),
        "last_fired": time(found.last_fired),
        "arrived": arrival(came) if came else None,
    }


def distribution(step: Distribution) -> Json:
    """One hook or step after a renewal."""
    return {
        "kind": step.kind,
        "binding": step.binding,
        "command": step.command,
        "source": {"path": step.source.path, "line": step.source.line},
        "targets": list(step.targets),
    }


def path(found: RenewalPath) -> Json:
    """One renewal path."""
    return {
        "id": found.id,
        "trigger": found.trigger,
        "state": found.state,
        "confidence": "high" if found.certain else "medium",
        "reasons": [reason(r) for r in found.reasons],
        "client": found.client,
        "subcommand": found.subcommand,
        "argv": list(found.argv),
        "chain": [{"path": s.path, "line": s.line, "text": s.text} for s in found.chain],
        "lineages": list(found.lineages),
        "skipped": [{"lineage": name, "reason": why} for name, why in found.skipped],
        "owner_of": list(found.owner_of),
        "hidden_for": list(found.hidden_for),
        "distribution": [distribution(d) for d in found.distribution],
        "config_dir": found.config_dir,
    }


def generation(found: Generation, behind: list[Json]) -> Json:
    """One certificate of a lineage, and what a stolen one left behind."""
    made = found.made_by
    return {
        "number": found.number,
        "serial": found.serial,
        "not_before": time(found.not_before),
        "not_after": time(found.not_after),
        "made_by": {
            "run": made.run,
            "trigger": made.trigger,
            "actor": made.actor,
            "confidence": made.confidence,
            "because": list(made.because),
        },
        "relation": found.relation,
        "written": time(found.written),
        "left_behind": behind,
    }


def lineage(found: Lineage, model: Model) -> Json:
    """One lineage."""
    past, as_of = model.history, model.host.as_of
    behind = [b for b in past.left_behind if b.lineage == found.name]
    return {
        "name": found.name,
        "client": found.client,
        "names": list(found.names),
        "renewal_conf": found.renewal_conf,
        "config_dir": found.config_dir,
        "authenticator": found.authenticator,
        "autorenew": found.autorenew,
        "live": found.live,
        "not_after": time(found.not_after),
        "due": time(found.due),
        "due_rule": found.due_rule,
        "renewers": list(found.renewers),
        "owner": found.owner,
        "owner_source": found.owner_source,
        "owner_because": found.owner_because,
        "generations": [
            generation(g, [left_behind(b, as_of) for b in behind if b.generation == g.number])
            for g in found.generations
        ],
        "starved": [starvation(s) for s in past.starvations if s.lineage == found.name],
    }


def outcome(found: Outcome) -> Json:
    """What a run did to a lineage."""
    return {"lineage": found.lineage, "outcome": found.outcome, "generation": found.generation}


def run(found: Run) -> Json:
    """One run."""
    return {
        "id": found.id,
        "client": found.client,
        "version": found.version,
        "started": time(found.started),
        "ended": time(found.ended),
        "arguments": list(found.arguments) if found.arguments is not None else None,
        "subcommand": found.subcommand,
        "outcomes": [outcome(o) for o in found.outcomes],
        "trigger": found.trigger,
        "actor": found.actor,
        "confidence": found.confidence,
        "because": list(found.because),
        "evidence": [evidence(e) for e in found.evidence],
        "hooks": [
            {"kind": h.kind, "command": h.command, "time": time(h.time), "failed": h.failed}
            for h in found.hooks
        ],
    }


def deployment(found: Deployment) -> Json:
    """One place that holds a certificate."""
    return {
        "id": found.id,
        "lineage": found.lineage,
        "kind": found.kind,
        "where": found.where,
        "part": found.part,
        "generation": found.generation,
        "status": found.status,
        "written_by": found.written_by,
        "referenced_by": [evidence(e) for e in found.referenced_by],
        "modified": time(found.modified),
    }


def fix(found: Fix) -> Json:
    """What to do."""
    return {"title": found.title, "safe": found.safe, "actions": list(found.actions)}


def finding(found: Finding) -> Json:
    """One finding."""
    return {
        "subject": found.subject,
        "severity": found.severity,
        "message": found.message,
        "confidence": found.confidence,
        "evidence": [evidence(e) for e in found.evidence],
        "fixes": [fix(f) for f in found.fixes],
    }


def result(found: Result) -> Json:
    """One rule's answer."""
    return {
        "rule": found.rule,
        "severity": found.severity,
        "status": found.status,
        "findings": [finding(f) for f in found.findings],
        "gaps": [gap(g) for g in found.gaps],
    }


def gap(found: Gap) -> Json:
    """What could not be looked at."""
    lines = [evidence(e) for e in found.evidence]
    return {"aspect": found.aspect, "reason": found.reason, "evidence": lines}
