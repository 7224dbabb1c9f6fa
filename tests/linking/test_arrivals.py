"""Since when a packaged trigger is there: a moment, a bound, or nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from certaudit.facts import Shipper
from certaudit.history import Arrival, Coverage, Hole, Migration, PackageAction, PackageChange
from certaudit.linking.history.arrivals import arrivals
from certaudit.linking.history.past_words import came
from certaudit.model import Evidence
from tests.linking.makers import NOW

LIST = Evidence("/var/lib/dpkg/info/certbot.list", 11, "/lib/systemd/system/certbot.timer")
SHIPPER = Shipper("timer:certbot.timer", "certbot", LIST, NOW)
BEGINNING = NOW - timedelta(days=300)


def change(days: float, action: PackageAction, package: str = "certbot") -> PackageChange:
    old, new = (None, "2.1.0-4") if action == "install" else ("2.1.0-3", "2.1.0-4")
    time = NOW + timedelta(days=days)
    lines = (Evidence("/var/log/dpkg.log", 3, action, time),)
    return PackageChange(time, action, package, old, new, "apt install certbot", "alice", lines)


def move(days: float) -> Migration:
    time = NOW + timedelta(days=days)
    return Migration(time, time, "Debian 11", "Debian 12")


def arrival(
    *changes: PackageChange,
    moves: tuple[Migration, ...] = (),
    since: datetime | None = BEGINNING,
    shipper: Shipper = SHIPPER,
    holes: tuple[Hole, ...] = (),
) -> Arrival:
    logs = [Coverage("packages", "dpkg.log", since, None, holes), Coverage("starts", "syslog", NOW)]
    (found,) = arrivals([shipper], changes, moves, logs)
    return found


def test_an_installation_is_the_arrival() -> None:
    found = arrival(change(-9, "install"), change(-1, "upgrade"), moves=(move(-11), move(-200)))
    assert (found.time, found.version, found.confidence) == (NOW - timedelta(days=9), "2.1.0-4", "high")
    assert found.migration == move(-11)
    assert [e.where for e in found.evidence] == ["/var/log/dpkg.log", LIST.where]
    assert came(found) == (
        "certbot.timer came with certbot 2.1.0-4 on 2024-02-21 03:00 (`apt install certbot`, by alice), "
        "2 days after the move from Debian 11 to Debian 12"
    )


def test_the_last_installation_counts_after_a_removal() -> None:
    found = arrival(change(-90, "install"), change(-50, "remove"), change(-20, "install"))
    assert found.time == NOW - timedelta(days=20)
    assert found.migration is None


def test_a_package_that_was_removed_since_has_not_arrived_by_its_old_installation() -> None:
    found = arrival(change(-90, "install"), change(-50, "purge"))
    assert found.time is None


def test_what_was_upgraded_was_there_before() -> None:
    found = arrival(change(-5, "upgrade"))
    assert (found.time, found.before, found.version) == (None, BEGINNING, "2.1.0-3")
    assert found.confidence == "medium"
    assert came(found) == (
        "certbot.timer was there already on 2023-05-06, before which no package log reaches"
    )


def test_a_log_without_the_package_shows_that_it_is_older() -> None:
    found = arrival(change(-5, "install", "python3-certbot"))
    assert (found.time, found.before, found.confidence) == (None, BEGINNING, "medium")


def test_a_file_lists_time_alone_is_low_and_no_moment() -> None:
    found = arrival(since=None)
    assert (found.time, found.before, found.confidence) == (None, NOW, "low")
    assert came(found) == "when certbot.timer came is not known: no package log tells"
    bare = arrival(since=None, shipper=Shipper("timer:certbot.timer", "certbot"))
    assert (bare.before, bare.confidence) == (None, "unknown")


def test_a_hole_after_the_installation_lowers_it() -> None:
    early = Hole(BEGINNING, NOW - timedelta(days=100), "lost")
    late = Hole(BEGINNING, NOW - timedelta(days=50), "lost")
    install = change(-90, "install")
    assert arrival(install, holes=(early,)).confidence == "high"
    assert arrival(install, holes=(early, late)).confidence == "medium"
    assert arrival(install, holes=(Hole(None, None, "damaged"),)).confidence == "medium"
