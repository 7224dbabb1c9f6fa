"""What the real manager of a box says of its units, parsed without any code of the product."""

from __future__ import annotations

import json
from typing import Any

from tests.live.box import Box

SYSTEMCTL = "/usr/bin/systemctl"


def show(box: Box, unit: str, *properties: str) -> dict[str, str]:
    """``systemctl show``: all properties of a unit, or the given ones; empty ones included."""
    wanted = [f"--property={','.join(properties)}"] if properties else []
    lines = box.output(SYSTEMCTL, "show", "--all", *wanted, "--", unit).splitlines()
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def cat(box: Box, unit: str) -> str:
    """``systemctl cat``: the fragment and the drop-ins, each after a comment with its path."""
    return box.output(SYSTEMCTL, "cat", "--", unit)


def file_state(box: Box, unit: str, user: str | None = None) -> str:
    """``systemctl is-enabled``: enabled, disabled, static, masked, ...; ``not-found`` for no file."""
    done = box.run(*caller(user), "is-enabled", "--", unit, user=user or "root")
    return done.stdout.strip() or "not-found"


def active_state(box: Box, unit: str, user: str | None = None) -> str:
    """``systemctl is-active``: active, inactive, failed, activating, ..."""
    return box.run(*caller(user), "is-active", "--", unit, user=user or "root").stdout.strip()


def caller(user: str | None) -> tuple[str, ...]:
    """The call for the system's manager, or for a user's own."""
    return (SYSTEMCTL, "--user") if user else (SYSTEMCTL,)


def unit_files(box: Box, *patterns: str) -> dict[str, dict[str, Any]]:
    """``list-unit-files``: by name, with ``state`` and ``preset`` (or ``vendor_preset``)."""
    return {row["unit_file"]: row for row in listed(box, "list-unit-files", *patterns)}


def units(box: Box, *patterns: str) -> dict[str, dict[str, Any]]:
    """``list-units --all``: by name, with ``load``, ``active`` and ``sub``."""
    return {row["unit"]: row for row in listed(box, "list-units", *patterns)}


def timers(box: Box) -> dict[str, dict[str, Any]]:
    """``list-timers --all``: by name, with ``next`` and ``last`` in microseconds and ``activates``."""
    return {row["unit"]: row for row in listed(box, "list-timers")}


def listed(box: Box, verb: str, *patterns: str) -> list[dict[str, Any]]:
    """A listing of systemctl as JSON."""
    rows = json.loads(box.output(SYSTEMCTL, verb, "--all", "--output=json", "--", *patterns) or "[]")
    assert isinstance(rows, list)
    return rows
