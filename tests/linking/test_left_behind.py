"""How long a copy stayed behind a stolen renewal, and when that cannot be known."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from certaudit.history import LeftBehind
from certaudit.linking.history.left_behind import left_behind
from certaudit.model import Binding, Deployment, Relation, RenewalPath
from certaudit.records import replace
from tests.linking.makers import NOW, generation, lineage, path, step

STOLEN = NOW + timedelta(days=60)  # when generation 2 came
NEXT = NOW + timedelta(days=120)
AS_OF = NOW + timedelta(days=400)


def found(
    held: int | None,
    modified: datetime | None,
    relations: tuple[Relation, ...] = ("owner", "stolen", "unknown"),
    paths: tuple[RenewalPath, ...] = (),
    **given: object,
) -> list[LeftBehind]:
    generations = tuple(
        generation(n, written=NOW + timedelta(days=60 * (n - 1)), relation=relation)
        for n, relation in enumerate(relations, 1)
    )
    base = Deployment(
        "copy:/srv/a.pem", "a.example", "copy", "/srv/a.pem", held, "stale", modified=modified
    )
    place = replace(base, **given)  # type: ignore[arg-type]
    return list(left_behind(lineage(generations=generations), [place], paths, AS_OF))


def test_what_was_written_after_the_audit_says_nothing() -> None:
    (left,) = found(2, AS_OF + timedelta(days=900), ("owner", "stolen"))
    assert (left.state, left.until) == ("unknown", None)
    assert left.because == "the file was written after the moment of this audit"


def test_a_copy_that_holds_an_older_one_is_behind_until_now() -> None:
    (left,) = found(1, NOW)
    assert (left.generation, left.state, left.since, left.until) == (2, "still", STOLEN, None)
    assert left.confidence == "high"


def test_a_copy_that_got_it_later_was_behind_until_then() -> None:
    (left,) = found(2, STOLEN + timedelta(days=30))
    assert (left.state, left.until) == ("ended", STOLEN + timedelta(days=30))
    assert left.confidence == "medium"


def test_a_copy_that_followed_at_once_was_never_behind() -> None:
    assert found(2, STOLEN + timedelta(seconds=40)) == []


@pytest.mark.parametrize(
    ("held", "modified", "until", "because"),
    [
        (3, NEXT, NEXT, "the file was written over since, with generation 3"),
        (2, None, None, "the file's time is not known"),
        (2, NOW, None, "the file's time is older than the certificate in it"),
        (2, NEXT + timedelta(days=1), NEXT + timedelta(days=1), "the file was written again later"),
        (None, NOW, None, "what it holds could not be told"),
    ],
)
def test_what_cannot_be_known(
    held: int | None, modified: datetime | None, until: datetime | None, because: str
) -> None:
    (left,) = found(held, modified)
    assert (left.state, left.confidence, left.until) == ("unknown", "unknown", until)
    assert left.because.startswith(because)


def test_another_machine_cannot_be_looked_at() -> None:
    (left,) = found(None, None, kind="remote", status="unknown")
    assert (left.state, left.because) == ("unknown", "it lies on another machine")


def test_silent_where_nothing_was_stolen_or_nobody_uses_it() -> None:
    assert found(1, NOW, ("owner", "owner", "manual")) == []
    assert found(1, NOW, status="unreferenced") == []
    assert found(1, NOW, kind="config") == []


@pytest.mark.parametrize(
    ("binding", "state"),
    [("every-run", "unknown"), ("own-renewal", "ended"), ("if-changed", "ended")],
)
def test_a_file_that_every_run_writes_again_has_no_telling_time(binding: Binding, state: str) -> None:
    writer = path(distribution=(step(binding=binding, targets=("/srv/a.pem",)),))
    (left,) = found(2, STOLEN + timedelta(days=30), paths=(writer,), written_by=writer.id)
    assert (left.state, left.until) == (state, STOLEN + timedelta(days=30))
