"""The timeline for a person at a terminal: the picture, how far the logs reach, then what happened.

Law: as ``terminal``; long dull stretches are one line, with how often.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from certaudit.history import TimelineEvent
from certaudit.linking.answer import opening
from certaudit.linking.history.past_words import holes, reach
from certaudit.linking.history.timeline import fold, timeline
from certaudit.linking.words import count, trigger_name
from certaudit.model import Lineage, Model
from certaudit.render.picture import picture
from certaudit.render.terminal import WIDTH, machine, to_text

LABELS = {
    "release": "system",
    "package": "package",
    "renewed": "RENEWED",
    "not-due": "not due",
    "idle": "no call",
    "fired": "fired",
    "failed": "FAILED",
    "simulated": "dry run",
    "unclear": "ran",
    "hooks": "hooks",
    "copied": "copied",
    "expired": "EXPIRED",
    "today": "TODAY",
    "due": "due",
    "next": "next",
    "expires": "expires",
}
COLOURS = {"failed": "red", "expired": "red", "not-due": "dim", "idle": "dim", "today": "bold"}
RELATIONS = {"stolen": "bold red", "owner": "green", "manual": "cyan"}
FOLDED = {
    "not-due": "{who} ran {times} until {until}",
    "idle": "{who} fired {times} until {until}, and never called certbot",
    "fired": "{who} fired {times} until {until}; what came of it is not known",
    "unclear": "{who} started certbot {times} until {until}; its log does not show the runs",
    "simulated": "{who} made {times} a dry run until {until}",
}
MOST_PLACES = 2
SHOWN = frozenset({"release", "package", "renewed", "failed"})  # whose evidence is worth a line here


def render(
    model: Model,
    lineage: Lineage,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    colour: bool,
    width: int = WIDTH,
    ascii_only: bool = False,
) -> str:
    """The timeline of one lineage as text of at most ``width`` columns."""
    parts = [
        Text(lineage.name, style="bold underline"),
        Text(),
        Text(opening(model, lineage)),
        Text(),
        *picture(model, lineage, since, until, width=width, ascii_only=ascii_only),
        *logs(model),
        Text(),
        table(fold(timeline(model, lineage, since, until))),
        Text(),
        Text((" - " if ascii_only else " · ").join(machine(model)), style="dim"),
    ]
    return to_text(parts, colour=colour, width=width)


def logs(model: Model) -> Iterator[RenderableType]:
    """How far the logs reach, and what is missing in them."""
    yield Text(f"Logs: {reach(model)}.")
    yield from (Padding(Text(f"{hole}."), (0, 0, 0, 2)) for hole in holes(model))


def table(events: tuple[TimelineEvent, ...]) -> RenderableType:
    """One line or more for each event; a day is said once."""
    if not events:
        return Text("Nothing is known of this time.")
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, width=16)
    grid.add_column(no_wrap=True, width=7)
    grid.add_column(overflow="fold")
    last = ""
    for event in events:
        stamp = f"{event.time:%Y-%m-%d %H:%M}"
        shown = " " * 11 + stamp[11:] if stamp[:10] == last else stamp
        last = stamp[:10]
        style = RELATIONS.get(event.relation or "") or COLOURS.get(event.kind, "")
        grid.add_row(shown, Text(LABELS[event.kind], style=style), words(event))
    return grid


def words(event: TimelineEvent) -> RenderableType:
    """What happened, and for what counts most, where that was read."""
    if event.count > 1:
        return Text(folded(event), style="dim")
    text = Text(event.text, style="dim" if event.kind in FOLDED else "")
    if event.kind == "renewed" and event.who and event.confidence:
        text.append(f" (confidence {event.confidence})", style="dim")
    if event.kind not in SHOWN or not event.evidence:
        return text
    places = list(dict.fromkeys(line.place for line in event.evidence))[:MOST_PLACES]
    return Group(text, *(Text(place, style="cyan") for place in places))


def folded(event: TimelineEvent) -> str:
    """A stretch in one sentence."""
    known = trigger_name(event.who) if event.who else "certbot, started by what is not known,"
    who = "a person" if event.who == "person" else known
    until = f"{event.until:%Y-%m-%d}"
    return FOLDED[event.kind].format(who=who, times=count(event.count, "time"), until=until)
