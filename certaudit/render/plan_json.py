"""A plan as JSON (``certaudit/plan/v1``), for pipelines and reviews.

Law: pure; the same plan gives the same bytes. It holds paths, modes and digests, the changed lines of
texts with secrets hidden, and never a byte of a key.
"""

from __future__ import annotations

import json
from typing import Any

from msgspec.structs import asdict

from certaudit import __version__
from certaudit.linking.redaction import redacted_text
from certaudit.plan import (
    Action,
    Alternative,
    CopyParts,
    Held,
    LaterFile,
    Node,
    Plan,
    Refusal,
    ReloadUnit,
    RunCommand,
    SendParts,
    Step,
    StopUnit,
    WriteText,
)
from certaudit.render.plan_diff import changed_lines
from certaudit.render.plan_text import action_line

SCHEMA = "certaudit/plan/v1"


def render(plan: Plan) -> str:
    """The whole plan; steps, actions and refusals in the order they are done or were met."""
    document = {
        "schema": SCHEMA,
        "certaudit": __version__,
        "host": {
            "name": plan.host,
            "target": plan.target,
            "live": plan.live,
            "as_of": plan.as_of.isoformat(),
        },
        "steps": [step_data(step) for step in plan.steps],
        "refusals": [refusal_data(refusal) for refusal in plan.refusals],
        "off_already": list(plan.off_already),
        "commands": list(plan.commands),
        "unseen": list(plan.unseen),
    }
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def step_data(step: Step) -> dict[str, Any]:
    """One step."""
    return {
        "rules": list(step.rules),
        "subjects": list(step.subjects),
        "remedy": step.remedy,
        "title": step.title,
        "trigger": step.trigger,
        "lasts": step.lasts,
        "notes": list(step.notes),
        "background": list(step.background),
        "others": list(step.others),
        "alternatives": [alternative_data(one) for one in step.alternatives],
        "locks": list(step.locks),
        "commands": list(step.commands),
        "actions": [action_data(action) for action in step.actions],
    }


def alternative_data(other: Alternative) -> dict[str, Any]:
    """A remedy that could be chosen, with its price or why it can not be had."""
    return {
        "remedy": other.remedy,
        "title": other.title,
        "price": list(other.price),
        "refused": other.refused,
    }


def action_data(action: Action) -> dict[str, Any]:
    """One action: its kind, what it does in words, and what was seen and will be there."""
    data: dict[str, Any] = {"kind": type(action).__name__, "text": action_line(action)}
    if isinstance(action, StopUnit):
        return {**data, "unit": action.unit, "before": action.active, "after": "inactive"}
    if isinstance(action, RunCommand):
        told = {"RENEWED_LINEAGE": action.lineage, "RENEWED_DOMAINS": action.domains}
        command = redacted_text(action.command)
        return {**data, "command": command, "environment": told, "source": action.source}
    if isinstance(action, ReloadUnit):
        served = [{"address": s.address, "name": s.name, "serial": s.serial} for s in action.served]
        return {**data, "unit": action.unit, "test": list(action.test), "served": served}
    if isinstance(action, SendParts):
        data |= {"host": action.host, "options": list(action.options)}
    if isinstance(action, LaterFile):
        return {**data, "path": action.path}
    data |= {"path": action.path, "before": node_data(action.before), "after": node_data(action.after)}
    if isinstance(action, WriteText):
        data["diff"] = list(changed_lines(action))
    if isinstance(action, (CopyParts, SendParts)):
        data |= {"old": held_data(action.old), "new": held_data(action.new)}
    return data


def held_data(held: Held | None) -> dict[str, Any] | None:
    """What a file of certificates and keys holds; ``None`` where it is not there."""
    return None if held is None else asdict(held)


def node_data(node: Node) -> dict[str, Any]:
    """What stands at a path."""
    return {
        "kind": node.kind,
        "sha256": node.digest,
        "mode": None if node.mode is None else f"{node.mode:04o}",
        "uid": node.uid,
        "gid": node.gid,
        "target": node.target,
    }


def refusal_data(refusal: Refusal) -> dict[str, Any]:
    """What is not done."""
    return {
        "rules": list(refusal.rules),
        "subjects": list(refusal.subjects),
        "why": refusal.why,
        "commands": list(refusal.commands),
        "others": list(refusal.others),
        "alternatives": [alternative_data(one) for one in refusal.alternatives],
    }
