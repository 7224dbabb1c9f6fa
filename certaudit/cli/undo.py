"""``certaudit undo``: take an applied plan back."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certaudit.cli.audit import width
from certaudit.cli.common import complain, put, say
from certaudit.cli.dialogue import reply
from certaudit.cli.repair import STATE, RemoteOption, StateOption, refuse, undo_command
from certaudit.errors import CertauditError, UsageError

if TYPE_CHECKING:
    from certaudit.fix.checkpoint import Store
    from certaudit.plan import Record


def command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[PLAN-ID]", help="Which plan (default: the last that stands)."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    forced: Annotated[
        list[str] | None,
        typer.Option("--force-file", metavar="PATH", help="Restore it though it was changed since."),
    ] = None,
    kept: Annotated[
        list[str] | None,
        typer.Option("--keep-file", metavar="PATH", help="Leave it as it is now, undo the rest."),
    ] = None,
    remote: RemoteOption = False,
    state_dir: StateOption = STATE,
) -> int:
    """Take a plan back, newest action first: bytes, modes, owners, times, links and unit states.

    Touches nothing where something was changed since.
    """
    from certaudit.fix.checkpoint import Store  # noqa: PLC0415 - only this verb pays for it
    from certaudit.render import plan_text  # noqa: PLC0415

    store = Store(state_dir)
    try:
        record = store.record(name) if name is not None else newest(store)
        if record is None or not record.stands:
            put("There is nothing to undo.\n")
            return 0
        if not has_target(record):
            where = record.plan.target
            return refuse(f"nothing was changed: plan {record.id} was for {where}, which is gone")
        put(plan_text.text(plan_text.record_lines(record, width(), standing(record))))
        put(plan_text.text(plan_text.outward_lines(record, width())))
        if not yes:
            if not (sys.stdin.isatty() and sys.stdout.isatty()):
                put("Nothing was changed: --yes takes it back.\n")
                return 0
            if reply("Take it back? [y/N] ") not in ("y", "yes"):
                put("Nothing was changed.\n")
                return 0
            remote = True
        settled = frozenset(forced or ()), frozenset(kept or ())
        return taken_back(store, record.id, *settled, remote=remote)
    except UsageError:
        raise
    except CertauditError as error:
        return refuse(str(error))


def newest(store: Store) -> Record | None:
    """The newest plan that stands and whose target is there; says how many were passed over for it."""
    from certaudit.linking.words import count  # noqa: PLC0415

    records = [record for record in store.records() if record.stands]
    number = next((n for n, record in enumerate(records) if has_target(record)), len(records))
    if number:
        say(f"Passed over: {count(number, 'plan')} for targets that are gone.")
    return records[number] if number < len(records) else None


def has_target(record: Record) -> bool:
    """Is the directory there that a plan was applied to?"""
    return os.path.isdir(record.plan.target)  # noqa: PTH112 - Path.is_dir raises where it may not look


def standing(record: Record) -> str:
    """How far a plan came, in a word or two."""
    if record.whole:
        return "applied"
    return "partly applied" if record.stands else "taken back"


def again(record: Record, store: Store) -> str:
    """What is to be said of a plan that may be half taken back."""
    begun = any(state == "undone" for state in record.progress)
    what = "only partly taken back" if begun else "not taken back"
    return f"{what}: run `{undo_command(record.id, store.directory)}` again"


def taken_back(
    store: Store, name: str, forced: frozenset[str], kept: frozenset[str], *, remote: bool
) -> int:
    """Undo under the lock, with the record as it is then."""
    from certaudit.fix.perform import DriftError, PartlyError, machine_at  # noqa: PLC0415
    from certaudit.fix.undo import undo  # noqa: PLC0415

    with store.lock():
        record = store.record(name)
        try:
            machine = machine_at(Path(record.plan.target), remote=remote)
            record = undo(record, machine, store, forced, kept)
        except DriftError as error:
            return refuse(f"{error}; --force-file PATH restores it all the same, --keep-file leaves it")
        except PartlyError as error:
            return refuse(f"{error}; {again(error.record, store)}")
        except KeyboardInterrupt:
            complain(again(store.record(name), store))
            raise
    if record.stands:
        return refuse("what was sent to other hosts was left there: --remote takes that back too")
    put(f"Done. Plan {name} is taken back.\n")
    return 0
