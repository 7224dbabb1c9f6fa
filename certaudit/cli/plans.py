"""``certaudit plans``: what was done when, by whom, and whether it still stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from certaudit.cli.audit import width
from certaudit.cli.common import put
from certaudit.cli.repair import STATE, StateOption, refuse
from certaudit.cli.undo import standing
from certaudit.errors import CertauditError

if TYPE_CHECKING:
    from certaudit.plan import Record


def command(state_dir: StateOption = STATE) -> int:
    """List the plans that were applied, newest first, and whether each still stands."""
    from certaudit.fix.checkpoint import Store  # noqa: PLC0415 - only this verb pays for it
    from certaudit.render import plan_text  # noqa: PLC0415

    try:
        records = Store(state_dir).records()
    except CertauditError as error:
        return refuse(str(error))
    for record in records:
        put(plan_text.text(plan_text.record_lines(record, width(), present(record))))
    if not records:
        put(f"No plan was applied yet ({state_dir}).\n")
    return 0


def present(record: Record) -> str:
    """How far a plan came, and whether its places are as it left them."""
    from certaudit.fix.perform import machine_at  # noqa: PLC0415
    from certaudit.fix.undo import changes  # noqa: PLC0415

    word = standing(record)
    if not record.stands:
        return word
    try:
        changed = changes(record, machine_at(Path(record.plan.target)))
    except CertauditError as error:
        return f"{word}; {error}"
    return f"{word}; changed since: {'; '.join(changed)}" if changed else f"{word}, stands"
