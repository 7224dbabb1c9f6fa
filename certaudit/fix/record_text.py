"""A plan as JSON and back, as it is kept on disk.

Law: pure; what is written is read back equal. A file of another version is a ``ParseError``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import to_builtins

from certaudit import plan as nouns
from certaudit.errors import ParseError
from certaudit.plan import Action, Alternative, Node, Plan, Refusal, Step

SCHEMA = "certaudit/record/v1"
KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        nouns.WriteText,
        nouns.CopyParts,
        nouns.PutLink,
        nouns.RemoveLink,
        nouns.ChangeMode,
        nouns.MoveFile,
        nouns.MakeDirectory,
        nouns.LaterFile,
        nouns.StopUnit,
        nouns.SendParts,
        nouns.RunCommand,
        nouns.ReloadUnit,
    )
}


def encode(plan: Plan) -> dict[str, Any]:
    """A plan as plain lists, texts and numbers."""
    data: dict[str, Any] = to_builtins(plan)
    data["as_of"] = plan.as_of.isoformat()
    for shown, step in zip(data["steps"], plan.steps, strict=True):
        shown["actions"] = [action_data(action) for action in step.actions]
    return data


def action_data(action: Action) -> dict[str, Any]:
    """An action with its kind; of a node only what is known."""
    data = {"kind": type(action).__name__, **to_builtins(action)}
    for key in ("before", "after"):
        if key in data:
            data[key] = {name: value for name, value in data[key].items() if value is not None}
    return data


def decode(data: Mapping[str, Any]) -> Plan:
    """A plan from what ``encode`` made. Raise ``ParseError``."""
    try:
        return Plan(
            host=data["host"],
            target=data["target"],
            live=data["live"],
            as_of=datetime.fromisoformat(data["as_of"]),
            steps=tuple(step(one) for one in data["steps"]),
            refusals=tuple(refusal(one) for one in data["refusals"]),
            off_already=tuple(data.get("off_already", ())),
            unseen=tuple(data.get("unseen", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ParseError(f"no record of this version of certaudit ({error})") from None


def step(data: Mapping[str, Any]) -> Step:
    """One step."""
    actions = tuple(action(one) for one in data["actions"])
    return Step(**{**tuples(data), "actions": actions, "alternatives": alternatives(data)})


def refusal(data: Mapping[str, Any]) -> Refusal:
    """One refusal."""
    return Refusal(**{**tuples(data), "alternatives": alternatives(data)})


def alternatives(data: Mapping[str, Any]) -> tuple[Alternative, ...]:
    """The other remedies of a step or refusal."""
    return tuple(Alternative(**tuples(one)) for one in data.get("alternatives", ()))


def action(data: Mapping[str, Any]) -> Action:
    """One action."""
    fields = {key: field(key, value) for key, value in data.items() if key != "kind"}
    made: Action = KINDS[data["kind"]](**tuples(fields))
    return made


def field(key: str, value: Any) -> Any:  # noqa: ANN401 - as JSON has it
    """A field of an action, of which some are records themselves."""
    if key in ("before", "after"):
        return Node(**value)
    if key in ("old", "new") and isinstance(value, Mapping):
        return nouns.Held(**value)
    return [nouns.Served(**tuples(one)) for one in value] if key == "served" else value


def tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    """Lists as tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
