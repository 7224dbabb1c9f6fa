"""The picture of the last months: shapes, columns, and the sentence that says the same."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from certaudit.history import Arrival, Coverage, History, LeftBehind
from certaudit.model import Actor, Generation, HostInfo, Lineage, MadeBy, Model, Relation
from certaudit.records import replace
from certaudit.render.picture import ASCII, UNICODE, months, picture
from certaudit.render.terminal import to_text
from tests.linking.makers import generation, lineage, path

TODAY = datetime(2024, 5, 20, 12, tzinfo=timezone.utc)
HOST = HostInfo("web1", "/image", live=False, as_of=TODAY)
OWNER, TIMER = "cron:/etc/cron.d/renew:1", "timer:certbot.timer"


def made(
    number: int, day: str, who: str | None, relation: Relation, actor: Actor = "trigger"
) -> Generation:
    time = datetime.fromisoformat(f"{day}T09:00:00+00:00")
    maker = MadeBy("r", who, actor if who or actor == "manual" else "unknown", "high")
    return replace(generation(number), written=time, relation=relation, made_by=maker)


STORY = (
    made(1, "2023-12-01", OWNER, "owner"),
    made(2, "2024-01-31", None, "unknown"),
    made(3, "2024-03-15", TIMER, "stolen"),
    made(4, "2024-05-10", None, "manual", "manual"),
)


def model(*generations: Generation, past: History | None = None) -> tuple[Model, Lineage]:
    paths = (path(f"{TIMER}>certbot"), path(f"{OWNER}>certbot"))
    names = tuple(p.id for p in paths)
    one = lineage(owner=f"{OWNER}>certbot", renewers=names, generations=generations or STORY)
    return Model(HOST, paths=paths, lineages=(one,), history=past or History()), one


def drawn(
    found: tuple[Model, Lineage],
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    width: int = 80,
    ascii_only: bool = True,
) -> str:
    parts = picture(*found, since, until, width=width, ascii_only=ascii_only)
    return to_text(parts, colour=False, width=width)


def test_a_row_for_each_renewer_and_a_mark_for_each_renewal() -> None:
    came = Arrival(TIMER, "certbot", "2.1.0-4", datetime(2024, 2, 1, tzinfo=timezone.utc))
    behind = LeftBehind(
        "a.example", 3, "copy:/a", "/a", datetime(2024, 3, 15, tzinfo=timezone.utc),
        datetime(2024, 4, 12, tzinfo=timezone.utc), "ended", "medium", "x",
    )  # fmt: skip
    logs = Coverage("client", "certbot's log", datetime(2024, 3, 1, tzinfo=timezone.utc))
    past = History(arrivals=(came,), left_behind=(behind,), coverage=(logs,))
    assert drawn(model(past=past)) == (
        "                          '23 2024\n"
        "                          Dec Jan Feb Mar Apr May\n"
        "/etc/cron.d/renew:1       O   .   .   .   .   . |\n"
        "certbot.timer             .   .   +   .X  .   . |\n"
        "by hand                   .   .   .   .   .   .h|\n"
        "not known                 .   .  ?.   .   .   . |\n"
        "copies behind             .   .   .   .=====  . |\n"
        "certbot's log             .   .   .   -----------\n"
        "log of starts             .   .   .   .   .   . |\n"
        "package log               .   .   .   .   .   . |\n"
        "O renewed by its owner   X stolen from its owner   h by hand\n"
        "? renewed, whose is not known   + came with a package   = copies behind\n"
        "- covered by logs   | today\n"
        "In words: 2023-12-01 generation 1 by /etc/cron.d/renew:1, its owner; 2024-01-31\n"
        "generation 2 by whom is not known; 2024-03-15 generation 3 by certbot.timer,\n"
        "stolen; 2024-05-10 generation 4 by hand.\n"
    )


def test_the_same_in_other_characters() -> None:
    plain, drawn_finely = drawn(model()), drawn(model(), ascii_only=False)
    assert plain.isascii() and not drawn_finely.isascii()
    for name in ASCII.__struct_fields__:
        drawn_finely = drawn_finely.replace(getattr(UNICODE, name), getattr(ASCII, name))
    assert drawn_finely == plain


def test_stolen_and_owned_differ_by_shape() -> None:
    for marks in (ASCII, UNICODE):
        shapes = [getattr(marks, name) for name in marks.__struct_fields__]
        assert len(set(shapes)) == len(shapes)


def test_a_colour_repeats_and_adds_nothing() -> None:
    found = model()
    coloured = to_text(picture(*found, ascii_only=True), colour=True, width=80)
    assert "\x1b[1;31mX\x1b[0m" in coloured
    assert "\x1b[32mO\x1b[0m" in coloured


def test_of_two_in_one_week_the_stolen_one_is_seen() -> None:
    pair = (made(1, "2024-05-01", TIMER, "stolen"), made(2, "2024-05-03", TIMER, "unknown"))
    text = drawn(model(*pair))
    assert text.splitlines()[3] == "certbot.timer             .   .   X |"
    assert "2024-05-03 generation 2 by certbot.timer." in " ".join(text.split())


def test_the_months_that_are_asked_for() -> None:
    since, until = datetime(2024, 3, 1, tzinfo=timezone.utc), datetime(2024, 4, 30, tzinfo=timezone.utc)
    lines = drawn(model(), since, until).splitlines()
    assert lines[1].split() == ["Feb", "Mar", "Apr"]
    assert lines[-2:] == [
        "X stolen from its owner",
        "In words: 2024-03-15 generation 3 by certbot.timer, stolen.",
    ]


def test_many_renewals_are_told_shortly_and_wide_terminals_show_more_months() -> None:
    start = datetime(2022, 1, 5, tzinfo=timezone.utc)
    many = tuple(
        made(n, f"{start + timedelta(days=28 * n):%Y-%m-%d}", OWNER, "owner") for n in range(31)
    )
    text = drawn(model(*many), width=80)
    assert len(text.splitlines()[1].split()) == 13
    words = text.partition("In words: ")[2]
    assert words.startswith("1 before, then 2023-")
    assert words.count(" generation ") + words.count("\ngeneration ") == 12
    assert len(drawn(model(*many), width=120).splitlines()[1].split()) == 23


def test_nothing_to_draw() -> None:
    found, one = model()
    assert drawn((found, replace(one, generations=()))) == "\n"


def test_a_long_name_loses_its_middle_and_the_sentence_has_it_whole() -> None:
    name = "cron:/etc/cron.d/renew-the-wildcard-certificate:17"
    text = drawn(model(made(1, "2024-05-01", name, "unknown")))
    assert "/etc/cr..-certificate:17  " in text
    assert name.partition(":")[2] in " ".join(text.split())


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1)),
    st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1)),
    st.integers(60, 120),
)
def test_every_moment_within_the_picture_has_its_column(a: datetime, b: datetime, width: int) -> None:
    first, last = sorted((a.replace(tzinfo=timezone.utc), b.replace(tzinfo=timezone.utc)))
    found, one = model()
    across = months(found, one, first, last, width)
    assert across.width + 26 <= max(width, 38)
    cell = across.cell(last)
    assert cell is not None and 0 <= cell < across.width
    before = across.cell(first)
    assert before is None or before <= cell
    assert set(across.cells(first, last)) <= set(range(across.width))
    assert cell in across.cells(first, last)
