"""dpkg's lines and apt's transactions as one history, and the release moves in it."""

from __future__ import annotations

from datetime import timedelta

from certaudit.history import Migration, PackageAction, PackageChange
from certaudit.linking.history.packages import changes, migrations
from certaudit.parsers.apt_history import AptChange, AptTransaction
from certaudit.parsers.dpkg_log import LoggedChange
from tests.linking.makers import NOW

NAMES = frozenset({"certbot", "base-files", "cron"})


def line(
    package: str, old: str | None, new: str | None, at: float = 0, action: PackageAction = "upgrade"
) -> LoggedChange:
    time = NOW + timedelta(seconds=at)
    return LoggedChange(time, action, package, old, new, "/var/log/dpkg.log", 7, f"{action} {package}")


def installed(at: float = 0) -> LoggedChange:
    return line("certbot", None, "1.21.0-1", at, "install")


def transaction(at: float = -3, *, end: float | None = 9, package: str = "certbot") -> AptTransaction:
    return AptTransaction(
        NOW + timedelta(seconds=at),
        NOW + timedelta(seconds=end) if end is not None else None,
        "apt install certbot",
        "alice",
        (
            AptChange("install", package, None, "1.21.0-1", 12),
            AptChange("install", "less", None, "5", 12),
        ),
        "/var/log/apt/history.log",
        9,
    )


def history(*dpkg: LoggedChange, apt: tuple[AptTransaction, ...] = ()) -> tuple[PackageChange, ...]:
    return changes(dpkg, apt, NAMES, ["certbot"])


def test_a_change_that_both_logs_tell_is_one() -> None:
    (change,) = history(installed(), apt=(transaction(),))
    assert (change.time, change.action, change.new) == (NOW, "install", "1.21.0-1")
    assert (change.command, change.requested_by) == ("apt install certbot", "alice")
    assert [e.place for e in change.evidence] == ["/var/log/dpkg.log:7", "/var/log/apt/history.log:9"]


def test_a_transaction_at_another_time_or_of_another_package_is_not_its_cause() -> None:
    for other in (transaction(100, end=110), transaction(package="cron")):
        found = history(installed(), apt=(other,))
        assert [c.command for c in found if c.time == NOW] == [None]


def test_a_transaction_that_was_cut_lasts_for_hours() -> None:
    (change,) = history(installed(3600), apt=(transaction(end=None),))
    assert change.requested_by == "alice"


def test_apt_alone_tells_what_dpkg_no_longer_does() -> None:
    (change,) = history(apt=(transaction(),))
    assert (change.package, change.time) == ("certbot", NOW - timedelta(seconds=3))
    assert [e.place for e in change.evidence] == ["/var/log/apt/history.log:12"]


def test_upgrades_of_the_systems_own_packages_tell_nothing() -> None:
    assert (
        history(line("cron", "3.0-1", "3.0-2"), line("base-files", "12ubuntu4.3", "12ubuntu4.4")) == ()
    )
    kept = history(
        line("cron", "3.0-1", None, action="remove"),
        line("certbot", "1.21.0-1", "1.21.0-2"),
        line("base-files", "12ubuntu4.4", "13ubuntu10"),
    )
    assert [change.package for change in kept] == ["base-files", "certbot", "cron"]


def moves(*dpkg: LoggedChange) -> list[tuple[str | None, str]]:
    return [(m.old, m.new) for m in migrations(history(*dpkg))]


def test_a_move_over_two_releases_is_one() -> None:
    first = line("base-files", "10.1ubuntu2.12", "11ubuntu5.7")
    second = line("base-files", "11ubuntu5.7", "12ubuntu4.3", 7200)
    (move,) = migrations(history(first, second))
    assert isinstance(move, Migration)
    assert (move.old, move.new) == ("Ubuntu 18.04", "Ubuntu 22.04")
    assert (move.time, move.until) == (NOW, NOW + timedelta(hours=2))
    assert len(move.evidence) == 2


def test_moves_months_apart_are_two() -> None:
    first = line("base-files", "10.3+deb10u13", "11.1+deb11u9")
    second = line("base-files", "11.1+deb11u9", "12.4+deb12u5", 90 * 86400)
    assert moves(first, second) == [("Debian 10", "Debian 11"), ("Debian 11", "Debian 12")]


def test_an_installation_comes_from_nowhere() -> None:
    assert moves(line("base-files", None, "12.4+deb12u5", action="install")) == [(None, "Debian 12")]


def test_a_release_that_is_not_known_is_named_by_its_package() -> None:
    found = moves(line("base-files", "12ubuntu4.3", "12.3ubuntu2"))
    assert found == [("Ubuntu 22.04", "a release with base-files 12.3")]
