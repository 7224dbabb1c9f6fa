"""The last months of one lineage at a glance: a row for each renewer, a mark for each renewal.

Law: shape tells everything and colour only repeats it; no character whose width depends on the font;
80 columns are enough; the same Model gives the same picture. What it shows, a sentence says as well.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby

from msgspec import Struct
from rich.text import Text

from certaudit.history import Arrival
from certaudit.linking.words import day, trigger_name
from certaudit.model import Generation, Lineage, Model

CELLS = 4  # columns a month: about a week each
LABEL = 24  # columns a row's name takes at most
MOST, LEAST = 24, 3  # months
MOST_WORDS = 12  # renewals that the sentence tells one by one
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
KNOWN_LOGS = (("client", "certbot's log"), ("starts", "log of starts"), ("packages", "package log"))


class Marks(Struct, frozen=True):
    """The characters of a picture."""

    owner: str
    stolen: str
    manual: str
    unknown: str
    came: str
    behind: str
    logged: str
    today: str


UNICODE = Marks("✓", "✗", "h", "?", "+", "░", "-", "|")
ASCII = Marks("O", "X", "h", "?", "+", "=", "-", "|")
STYLES = {
    "owner": "green",
    "stolen": "bold red",
    "manual": "cyan",
    "unknown": "bold",
    "behind": "yellow",
}
LEGEND = {
    "owner": "renewed by its owner",
    "stolen": "stolen from its owner",
    "manual": "by hand",
    "unknown": "renewed, whose is not known",
    "came": "came with a package",
    "behind": "copies behind",
    "logged": "covered by logs",
    "today": "today",
}
Row = tuple[str, dict[int, str]]  # a name, and what is marked in which column
RANK = ("stolen", "unknown", "manual", "owner")  # of several in one cell the first is shown


class Months(Struct, frozen=True):
    """The months across: the first of each, in the machine's zone."""

    starts: tuple[datetime, ...]

    @property
    def width(self) -> int:
        """The columns they take."""
        return len(self.starts) * CELLS

    def cell(self, time: datetime) -> int | None:
        """The column of a moment; ``None`` for one outside of the picture."""
        local = time.astimezone(self.starts[0].tzinfo)
        for number, start in enumerate(self.starts):
            if (local.year, local.month) == (start.year, start.month):
                days = monthrange(local.year, local.month)[1]
                return number * CELLS + (local.day - 1) * CELLS // days
        return None

    def cells(self, since: datetime, until: datetime) -> range:
        """The columns of a stretch of time, cut to the picture; empty outside of it."""
        first, last = self.starts[0], self.starts[-1]
        end = (last + timedelta(days=31)).replace(day=1)
        if since >= end or until < first:
            return range(0)
        begin = self.cell(since) if since >= first else 0
        stop = self.cell(until) if until < end else self.width - 1
        return range(begin or 0, (stop if stop is not None else self.width - 1) + 1)


def months(
    model: Model, lineage: Lineage, since: datetime | None, until: datetime | None, width: int
) -> Months:
    """The months to show: up to ``until`` or today, as many as fit, none before the lineage's first."""
    zone = model.host.as_of.tzinfo
    last = month_of((until or model.host.as_of).astimezone(zone))
    room = max(LEAST, min(MOST, (width - LABEL - 2) // CELLS))
    known = [g.written or g.not_before for g in lineage.generations]
    known += [a.time for a in arrivals(model, lineage) if a.time]
    first = month_of((since or min(known, default=model.host.as_of)).astimezone(zone))
    starts = [last]
    while len(starts) < room and (starts[-1] > first or len(starts) < LEAST):
        starts.append(month_of(starts[-1] - timedelta(days=1)))
    return Months(tuple(reversed(starts)))


def month_of(time: datetime) -> datetime:
    """The first moment of a month."""
    return time.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def picture(
    model: Model,
    lineage: Lineage,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    width: int = 80,
    ascii_only: bool = False,
) -> Iterator[Text]:
    """The picture, its legend and the sentence that says the same; nothing without a renewal."""
    if not lineage.generations:
        return
    marks = ASCII if ascii_only else UNICODE
    across = months(model, lineage, since, until, width)
    rows = [*renewer_rows(model, lineage, across), *bands(model, lineage, across)]
    today = across.cell(model.host.as_of)
    yield from header(across)
    for name, cells in rows:
        yield row(name, cells if today is None else {today: "today"} | cells, across, marks)
    used = {kind for _, cells in rows for kind in cells.values()} | ({"today"} if today else set())
    told = [f"{getattr(marks, name)} {words}" for name, words in LEGEND.items() if name in used]
    yield from legend(told, width)
    yield Text(in_words(lineage, across))


def legend(told: list[str], width: int) -> Iterator[Text]:
    """What the marks mean, none of them torn apart."""
    line = ""
    for item in told:
        if line and len(line) + 3 + len(item) > width:
            yield Text(line, style="dim")
            line = ""
        line += ("   " if line else "") + item
    yield Text(line, style="dim")


def header(across: Months) -> Iterator[Text]:
    """Years, and months below them."""
    years = [(year, len(list(of))) for year, of in groupby(start.year for start in across.starts)]
    texts = [f"{year:<{CELLS * n}}" if n > 1 else f"'{year % 100:02} " for year, n in years]
    yield Text(" " * (LABEL + 2) + "".join(texts), style="dim")
    names = "".join(f"{MONTHS[start.month - 1]:<{CELLS}}" for start in across.starts)
    yield Text(" " * (LABEL + 2) + names, style="dim")


def renewers(model: Model, lineage: Lineage) -> list[str | None]:
    """Who has a row: the owner, whoever else can renew it or did, a person, and nobody known."""
    owner = (lineage.owner or "").partition(">")[0]
    made = [maker(g) for g in lineage.generations]
    armed = [path.trigger for path in model.renewers(lineage)]
    known = [who for who in (*armed, *made) if who and who != "person"]
    found: list[str | None] = list(dict.fromkeys([*([owner] if owner else []), *known]))
    found += ["person"] if "person" in made else []
    return found + ([None] if None in made else [])


def maker(generation: Generation) -> str | None:
    """A trigger's id, ``person``, or ``None``."""
    made = generation.made_by
    return "person" if made.actor == "manual" else made.trigger


def renewer_rows(model: Model, lineage: Lineage, across: Months) -> Iterator[Row]:
    """A row for each renewer: where it came, and what it made."""
    for who in renewers(model, lineage):
        cells: dict[int, str] = {}
        came = model.history.arrival(who)
        if came and came.time and (at := across.cell(came.time)) is not None:
            cells[at] = "came"
        for generation in lineage.generations:
            at = across.cell(generation.written or generation.not_before)
            if maker(generation) == who and at is not None:
                old = cells.get(at)
                new = generation.relation
                cells[at] = min(new, old, key=RANK.index) if old in RANK else new
        name = {"person": "by hand", None: "not known"}.get(who) or trigger_name(who or "")
        yield name, cells


def bands(model: Model, lineage: Lineage, across: Months) -> Iterator[Row]:
    """When copies were behind, and which logs cover what."""
    behind: dict[int, str] = {}
    for left in model.history.left_behind:
        if left.lineage == lineage.name and left.state != "unknown":
            stretch = across.cells(left.since, left.until or model.host.as_of)
            behind.update(dict.fromkeys(stretch, "behind"))
    if behind:
        yield "copies behind", behind
    for kind, name in KNOWN_LOGS:
        logged: dict[int, str] = {}
        for log in model.history.coverage:
            if log.kind == kind and log.since:
                logged.update(dict.fromkeys(across.cells(log.since, model.host.as_of), "logged"))
        yield name, logged


def row(name: str, cells: dict[int, str], across: Months, marks: Marks) -> Text:
    """One row: its name, then a cell for every week, with a dot at the beginning of each month."""
    text = Text(f"{short(name):<{LABEL}}  ")
    for at in range(across.width):
        kind = cells.get(at)
        if kind is None:
            text.append("." if at % CELLS == 0 else " ", style="dim")
        else:
            text.append(getattr(marks, kind), style=STYLES.get(kind, ""))
    return text


def short(name: str) -> str:
    """A name that fits its column: a long path loses its middle; the sentence below has it whole."""
    if len(name) <= LABEL:
        return name
    head = (LABEL - 2) // 3
    return f"{name[:head]}..{name[head + 2 - LABEL :]}"


def in_words(lineage: Lineage, across: Months) -> str:
    """What the picture shows, as a sentence."""
    zone = across.starts[0].tzinfo
    made = [(g.written or g.not_before, g) for g in lineage.generations]
    shown = [(time.astimezone(zone), g) for time, g in made if across.cell(time) is not None]
    if not shown:
        return "In words: no renewal in these months."
    texts = [f"{day(time)} generation {g.number} {by(g)}" for time, g in shown[-MOST_WORDS:]]
    more = len(shown) - len(texts)
    return "In words: " + (f"{more} before, then " if more else "") + "; ".join(texts) + "."


def by(generation: Generation) -> str:
    """Who made a generation, and whose that was."""
    who = maker(generation)
    if who is None:
        return "by whom is not known"
    if who == "person":
        return "by hand"
    said = {"stolen": ", stolen", "owner": ", its owner"}.get(generation.relation, "")
    return f"by {trigger_name(who)}{said}"


def arrivals(model: Model, lineage: Lineage) -> list[Arrival]:
    """How the renewers of a lineage came, those that packages brought."""
    return [a for who in renewers(model, lineage) if (a := model.history.arrival(who))]
