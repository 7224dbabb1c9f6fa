"""syslog and the journal of a machine whose zone was changed."""

from __future__ import annotations

from datetime import datetime, timedelta

from certaudit.linking.history.starts import Observed, join
from certaudit.linking.history.two_logs import on_one_clock
from certaudit.model import Evidence
from certaudit.parsers.events import UnitEvent
from certaudit.records import replace
from tests.linking.makers import NOW

SERVICE = "certbot.service"
HOURS = timedelta(hours=1)
FIRED = [0.0, 9.3, 19.9, 31.4, 40.2]  # hours


def entry(hours: float, number: int) -> Observed:
    time = NOW + hours * HOURS
    event = UnitEvent("starting", SERVICE, "Certbot")
    return Observed(
        time, event, Evidence(f"journal:s=1;i={number}", None, "", time), SERVICE, f"{number}"
    )


def line(hours: float, number: int, ahead: float = 0) -> Observed:
    whole = (NOW + (hours + ahead) * HOURS).replace(microsecond=0)
    event = UnitEvent("starting", SERVICE, "Certbot")
    return Observed(whole, event, Evidence("/var/log/syslog", number, "", whole))


def moments(lines: list[Observed]) -> list[datetime]:
    return [o.time for o in lines if o.evidence.line is not None]


def test_lines_in_another_zone_are_moved_to_the_journals_moments() -> None:
    journal = [entry(h, n) for n, h in enumerate(FIRED)]
    files = [line(h, n, ahead=7) for n, h in enumerate(FIRED, 1)]
    found = on_one_clock([*journal, *files])
    expected = [(NOW + h * HOURS).replace(microsecond=0) for h in FIRED]
    assert moments(found) == expected
    assert [start.invocation for start in join(found, {})] == ["0", "1", "2", "3", "4"]
    assert {o.time.utcoffset() for o in found} == {timedelta(hours=7)}


def test_lines_that_agree_are_left_alone() -> None:
    both = [*(entry(h, n) for n, h in enumerate(FIRED)), *(line(h, n) for n, h in enumerate(FIRED, 1))]
    assert on_one_clock(both) == both


def test_only_the_stretch_in_the_other_zone_is_moved() -> None:
    journal = [entry(h, n) for n, h in enumerate(FIRED)]
    later = [entry(h + 100, n + 10) for n, h in enumerate(FIRED)]
    old = [line(h, n, ahead=-2) for n, h in enumerate(FIRED, 1)]
    new = [line(h + 100, n) for n, h in enumerate(FIRED, 11)]
    found = on_one_clock([*journal, *later, *old, *new])
    assert moments(found) == [o.time.replace(microsecond=0) for o in (*journal, *later)]
    assert {o.time.utcoffset() for o in found if o.time > NOW + 90 * HOURS} == {timedelta(0)}


def test_without_a_journal_nothing_is_known() -> None:
    lines = [line(h, n, ahead=7) for n, h in enumerate(FIRED, 1)]
    assert on_one_clock(lines) == lines


def test_other_messages_prove_nothing() -> None:
    journal = [entry(h, n) for n, h in enumerate(FIRED)]
    files = [
        replace(line(h, n, ahead=7), event=UnitEvent("starting", "other.service", None))
        for n, h in enumerate(FIRED, 1)
    ]
    assert on_one_clock([*journal, *files]) == [*journal, *files]
