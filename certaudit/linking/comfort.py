"""Things an administrator did that look like switching a renewal off and are not.

Law: only what somebody changed counts. The package's own, unchanged, guarded cron file is no such thing,
and neither is a switch that really is off while nothing else renews.
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.catalogue import mechanism_of_file
from certaudit.linking.words import trigger_name
from certaudit.model import Evidence, Model, Reason, RenewalPath, Trigger

ASIDE = frozenset({"disabled", "off", "orig", "bak", "old", "save", "dpkg-old"})


def false_comforts(model: Model) -> tuple[Reason, ...]:
    """Each as a reason whose code is the trigger it concerns."""
    found: list[Reason] = []
    for trigger in model.triggers:
        if trigger.state == "off" and trigger.kind in ("cron", "run-parts"):
            found.extend(decoy(model, trigger))
        if trigger.state == "armed" and trigger.kind == "cron":
            found.extend(still_read(model, trigger))
        found.extend(passing_mask(trigger))
    return tuple(found)


def decoy(model: Model, trigger: Trigger) -> Iterator[Reason]:
    """A cron file that was renamed or commented out while something else is what renews."""
    would = [path for path in model.paths if path.trigger == trigger.id]
    if not looks_packaged(trigger, would):
        return
    others = [p for p in model.paths if p.armed and p.trigger != trigger.id and same_client(p, would)]
    hidden = [p for p in others if p.hidden_for]
    for path in (hidden or [])[:1]:
        code = trigger.reasons[0].code
        done = "commented out" if code == "commented-out" else "renamed or put aside"
        text = (
            f"{trigger.source.path} was {done}, but it never was what renews here: "
            f"{trigger_name(path.trigger)} is, and it still does"
        )
        where = Evidence(trigger.source.path, trigger.source.line)
        yield Reason(trigger.id, text, (where, *path_evidence(path)))


def looks_packaged(trigger: Trigger, would: list[RenewalPath]) -> bool:
    """A left-over of a package's own cron file: guarded against systemd, or of its name."""
    directory, _, name = trigger.source.path.rpartition("/")
    bare = name.lstrip(".").partition(".")[0]
    packaged = mechanism_of_file(f"{directory}/{bare}") is not None
    return packaged and bool(would)


def same_client(path: RenewalPath, others: list[RenewalPath]) -> bool:
    """Do two paths call one client on one config directory?"""
    return any(path.client == o.client and path.config_dir == o.config_dir for o in others)


def still_read(model: Model, trigger: Trigger) -> Iterator[Reason]:
    """A cron file under a name that looks put aside, which this cron daemon still reads."""
    directory, _, name = trigger.source.path.rpartition("/")
    if directory != "/etc/cron.d" or "." not in name or model.host.cron != "cronie":
        return
    stem, _, ending = name.rpartition(".")
    # .org is how some put a file aside, and the end of many a domain's name
    packaged = ending == "org" and mechanism_of_file(f"{directory}/{stem}") is not None
    if ending in ASIDE or packaged:
        text = f"{trigger.source.path} looks put aside, but cronie reads files of that name"
        yield Reason(trigger.id, text, (Evidence(trigger.source.path, trigger.source.line),))


def passing_mask(trigger: Trigger) -> Iterator[Reason]:
    """A mask in /run that does nothing, or nothing beyond the next boot."""
    for reason in trigger.reasons:
        if reason.code in ("vain-mask", "mask-until-boot"):
            yield Reason(trigger.id, reason.text, reason.evidence)


def path_evidence(path: RenewalPath) -> tuple[Evidence, ...]:
    """The lines of a path's chain."""
    return tuple(Evidence(step.path, step.line, step.text) for step in path.chain)
