"""Remedies (d) and (e): how each kind of trigger is switched off, and what would bring it back.

Law: reversible and never a purge. Units are in ``units``; here are the lines and scripts of cron.
"""

from __future__ import annotations

from typing import Literal

from certaudit.catalogue import Mechanism, mechanism_of_file
from certaudit.fix.sight import CannotError, Sight, created, edited
from certaudit.fix.units import Off, unit_off
from certaudit.linking.words import off_commands, trigger_name
from certaudit.model import Model, Trigger
from certaudit.plan import ABSENT, Action, ChangeMode, MoveFile, RemoveLink
from certaudit.records import replace

DIVERSIONS = "/var/lib/dpkg/diversions"
DPKG_LOCK = "/var/lib/dpkg/lock"


def switched_off(model: Model, trigger: Trigger, sight: Sight, remedy: Literal["d", "e"]) -> Off:
    """How this trigger is switched off. Raise ``CannotError`` where a person has to do it."""
    if trigger.kind in ("timer", "path", "socket", "boot"):
        return unit_off(model, trigger, sight, remedy)
    if trigger.kind == "cron":
        return cron_off(model, trigger, sight, remedy)
    if trigger.kind == "anacron":
        return line_off(trigger, sight)
    if trigger.kind == "run-parts":
        return script_off(trigger, sight)
    name = trigger_name(trigger.id)
    raise CannotError(f"certaudit does not switch off a {trigger.kind} trigger: {name}")


def cron_off(model: Model, trigger: Trigger, sight: Sight, remedy: Literal["d", "e"]) -> Off:
    """Comment the line out; with (e) a package's own file is diverted as dpkg-divert(1) does."""
    shipped = mechanism_of_file(trigger.source.path)
    debian = shipped is not None and shipped.packaging == "deb" and model.host.cron == "vixie-debian"
    if remedy == "e" and debian and sight.place(DIVERSIONS) is not None:
        return diverted(trigger, sight)
    return line_off(trigger, sight, shipped)


def line_off(trigger: Trigger, sight: Sight, shipped: Mechanism | None = None) -> Off:
    """A ``#`` in front of one line."""
    path, number = trigger.source.path, trigger.source.line or 0

    def comment(text: str) -> str:
        lines = text.split("\n")
        if not 0 < number <= len(lines) or not lines[number - 1].strip(" \t\r#"):
            raise CannotError(f"{path} has no command on line {number} any more")
        if lines[number - 1].lstrip().startswith("#"):
            raise CannotError(f"{path}:{number} is commented out meanwhile")
        if lines[number - 1].rstrip("\r").endswith("\\"):
            raise CannotError(f"{path}:{number} goes on in the next line: put a # before each of them")
        lines[number - 1] = "#" + lines[number - 1]
        return "\n".join(lines)

    lasts = "It stays off until somebody takes the # away."
    if shipped is not None:
        lasts = shipped.returns
    return Off(f"comment out line {number} of {path}", (edited(sight, path, comment),), lasts)


def diverted(trigger: Trigger, sight: Sight) -> Off:
    """Move the packaged file to a name cron does not read, and tell dpkg that it lives there now."""
    place = sight.place(trigger.source.path, follow=False)
    node = sight.node(place) if place else ABSENT
    if place is None or node.kind != "file":
        raise CannotError(f"{trigger.source.path} is no file")
    away = f"{trigger.source.path}.diverted"
    if sight.node(f"{place}.diverted").kind != "absent":
        raise CannotError(f"{away} is there already")
    entry = f"{trigger.source.path}\n{away}\n:\n"
    database = sight.place(DIVERSIONS) or DIVERSIONS
    if sight.node(database).kind == "file":
        record: tuple[Action, ...] = (edited(sight, database, lambda text: text + entry),)
    else:
        record = created(sight, database, entry, 0o644)
    lasts = "dpkg keeps a diverted file away over upgrades and asks nothing; undo ends the diversion."
    title = f"divert {trigger.source.path}"
    return Off(title, (MoveFile(place, node, f"{place}.diverted"), *record), lasts, locks=(DPKG_LOCK,))


def script_off(trigger: Trigger, sight: Sight) -> Off:
    """Take the execute bits of a run-parts(8) script away; of a link to one, take the link away."""
    path = trigger.source.path
    place = sight.place(path, follow=False)
    node = sight.node(place) if place else ABSENT
    if place is not None and node.kind == "link":
        gone = RemoveLink(place, node)
        return Off(f"remove the link {path}", (gone,), "It stays off until somebody links it again.")
    if place is None or node.kind != "file":
        raise CannotError(f"{path} is no file any more", *off_commands(trigger))
    if not (node.mode or 0) & 0o111:
        raise CannotError(f"{path} is not executable any more")
    after = replace(node, mode=(node.mode or 0) & ~0o111, mtime=None)
    lasts = (
        "It stays off until somebody makes it executable again. dpkg keeps the mode of a conffile; "
        "other packages and configuration management may set it anew."
    )
    return Off(f"make {path} not executable", (ChangeMode(place, node, after),), lasts)
