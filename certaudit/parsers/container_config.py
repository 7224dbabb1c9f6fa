"""What the docker engine keeps of a container: its image, what it runs, and whether it comes back.

Law: pure; the fields are those that moby's daemon/container package writes to ``config.v2.json`` and
``hostconfig.json``. Whatever is no such text reads as nothing.
"""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct


class Container(Struct, frozen=True):
    """A container by name: ``command`` is its entry point with arguments; ``stays``: runs, or will."""

    name: str
    image: str
    command: str
    stays: bool


def parse_container(config: str, host_config: str) -> Container | None:
    """A container from its two files; ``None`` where the first is no such file."""
    known, host = _object(config), _object(host_config)
    settings = known.get("Config")
    if not isinstance(settings, dict):
        return None
    words = [*_words(settings.get("Entrypoint")), *_words(settings.get("Cmd"))]
    policy, state = host.get("RestartPolicy"), known.get("State")
    name = policy.get("Name") if isinstance(policy, dict) else None
    running = isinstance(state, dict) and state.get("Running") is True
    return Container(
        name=str(known.get("Name") or "").removeprefix("/"),
        image=str(settings.get("Image") or ""),
        command=" ".join(words),
        stays=running or name in ("always", "unless-stopped", "on-failure"),
    )


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _words(value: object) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else []
