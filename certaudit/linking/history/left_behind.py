"""How long each copy stayed behind after each stolen renewal.

Law: what a copy holds now is proven by its bytes; when it got that, only its file's time tells, so an
interval that has ended is never more than medium. A file that was, or is, written over tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from certaudit.history import LeftBehind
from certaudit.linking.deployments import writes
from certaudit.model import Deployment, Generation, Lineage, RenewalPath
from certaudit.records import replace

SAME = timedelta(seconds=2)
AT_ONCE = timedelta(minutes=10)  # a hook of the renewing run itself: the copy was never behind
KINDS = frozenset({"copy", "remote"})
EVERY_RUN = frozenset({"every-run", "unit"})
UNUSED = frozenset({"unreferenced", "missing"})


def left_behind(
    lineage: Lineage, places: Iterable[Deployment], paths: Sequence[RenewalPath], as_of: datetime
) -> Iterator[LeftBehind]:
    """For each stolen generation every copy that was behind after it, in the report's order.

    What was written after ``as_of`` says nothing of the time before.
    """
    renewed = {path.id: path for path in paths}
    own = [p for p in places if p.lineage == lineage.name and p.kind in KINDS and p.status not in UNUSED]
    for generation in lineage.generations:
        if generation.relation != "stolen" or generation.written is None:
            continue
        for place in own:
            found = interval(lineage, generation, generation.written, place)
            if found is not None and found.state == "ended" and rewritten(place, renewed):
                why = "what writes the file does so at every run, and its time is only the last of them"
                found = replace(found, state="unknown", confidence="unknown", because=why)
            late = place.modified is not None and place.modified > as_of
            if found is not None and late and found.state != "still":
                why = "the file was written after the moment of this audit"
                found = replace(found, state="unknown", until=None, confidence="unknown", because=why)
            if found is not None:
                yield found


def rewritten(place: Deployment, paths: Mapping[str, RenewalPath]) -> bool:
    """Is a copy written again on every run of the path that writes it, whatever was renewed?"""
    path = paths.get(place.written_by or "")
    steps = path.distribution if path else ()
    return any(step.binding in EVERY_RUN and writes(step, place.where) for step in steps)


def interval(
    lineage: Lineage, generation: Generation, since: datetime, place: Deployment
) -> LeftBehind | None:
    """One copy after one stolen renewal; ``None`` where it followed at once."""
    unknown = LeftBehind(
        lineage.name, generation.number, place.id, place.where, since, None, "unknown", "unknown", ""
    )
    if place.kind == "remote":
        return replace(unknown, because="it lies on another machine")
    if place.generation is None:
        return replace(unknown, because="what it holds could not be told")
    if place.generation < generation.number:
        holds = f"it holds generation {place.generation}"
        return replace(unknown, state="still", confidence="high", because=holds)
    if place.modified is None:
        return replace(unknown, because="the file's time is not known")
    if place.generation > generation.number:
        why = f"the file was written over since, with generation {place.generation}"
        return replace(unknown, until=place.modified, because=why)
    return ended(unknown, following(lineage, generation), place.modified)


def ended(unknown: LeftBehind, following: datetime | None, modified: datetime) -> LeftBehind | None:
    """A copy that holds this very generation: its file's time, where it can be that of the copying."""
    if modified < unknown.since - SAME:
        return replace(unknown, because="the file's time is older than the certificate in it")
    if modified <= unknown.since + AT_ONCE:
        return None
    if following is not None and modified > following + AT_ONCE:
        why = "the file was written again later, with what was old by then"
        return replace(unknown, until=modified, because=why)
    why = "the file's time is when it got this generation, unless something else wrote it again"
    return replace(unknown, state="ended", until=modified, confidence="medium", because=why)


def following(lineage: Lineage, generation: Generation) -> datetime | None:
    """When the next generation came."""
    later = (g for g in lineage.generations if g.number > generation.number)
    return next((g.written or g.not_before for g in later), None)
