from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.facts import CertificateFile, LineageFact
from certaudit.linking.due import due, interval_before, upstream, version_numbers

END = datetime(2026, 12, 30, 12, tzinfo=timezone.utc)


def lineage(
    interval: str | None = None,
    days: float = 90,
    version: str | None = None,
    complete: tuple[int, ...] = (2,),
) -> LineageFact:
    def certificate(number: int) -> CertificateFile:
        end = END - timedelta(days=30) * (2 - number)
        return CertificateFile(f"cert{number}.pem", "1", end - timedelta(days=days), end, (), "f", "k")

    return LineageFact(
        name="a",
        config_dir="/etc/letsencrypt",
        conf="/etc/letsencrypt/renewal/a.conf",
        version=version,
        authenticator="nginx",
        installer=None,
        autorenew=True,
        renew_before_expiry=interval,
        hooks=(),
        params=(),
        live=1,
        live_dir="/etc/letsencrypt/live/a",
        archive_dir="/etc/letsencrypt/archive/a",
        generations=((1, certificate(1)), (2, certificate(2)), (3, certificate(3))),
        keys=(),
        complete=complete,
    )


ARI = "; earlier if the CA's renewal information (ARI) says so"


@pytest.mark.parametrize(
    ("interval", "days", "version", "before", "rule"),
    [
        (None, 90, "1.21.0", 30, "30 days before expiry (certbot 1.21.0)"),
        (None, 6, "3.3.0", 30, "30 days before expiry (certbot 3.3.0)"),
        (None, 90, None, 30, "30 days before expiry (certbot of an unknown version)"),
        ("2 weeks", 90, "0.31.0", 14, "2 weeks before expiry (renew_before_expiry, certbot 0.31.0)"),
        ("20", 90, "2.9.0", 20, "20 days before expiry (renew_before_expiry, certbot 2.9.0)"),
        (None, 90, "4.0.0", 30, "when a third of its lifetime is left (certbot 4.0.0)"),
        (None, 6, "4.0.0", 3, "when half of its lifetime is left (certbot 4.0.0)"),
        ("10 days", 90, "4.0.0", 30, "when a third of its lifetime is left (certbot 4.0.0)"),
        ("40 days", 90, "4.0.0", 40, "40 days before expiry (renew_before_expiry, certbot 4.0.0)"),
        ("10 days", 90, "4.1.0", 10, "10 days before expiry (renew_before_expiry, certbot 4.1.0)" + ARI),
        (None, 45, "5.1.0", 15, "when a third of its lifetime is left (certbot 5.1.0)" + ARI),
        (None, 9.9, "5.1.0", 4.95, "when half of its lifetime is left (certbot 5.1.0)" + ARI),
        (None, 10, "5.1.0", 10 / 3, "when a third of its lifetime is left (certbot 5.1.0)" + ARI),
    ],
)
def test_the_rule_of_each_release(
    interval: str | None, days: float, version: str | None, before: float, rule: str
) -> None:
    moment, text = due(lineage(interval, days), version)
    assert text == rule
    assert moment is not None
    assert abs(moment - (END - timedelta(days=before))) < timedelta(seconds=1)


def test_the_installed_version_goes_before_the_one_that_wrote_the_conf() -> None:
    assert (
        due(lineage(version="4.2.0"), "1:1.21.0-1build1")[1] == "30 days before expiry (certbot 1.21.0)"
    )
    assert "certbot 4.2.0" in str(due(lineage(version="4.2.0"))[1])


def test_the_newest_complete_number_is_examined() -> None:
    assert due(lineage(complete=(1, 2)), "2.1.0")[0] == END - timedelta(days=30)
    assert due(lineage(complete=(1, 2, 3)), "2.1.0")[0] == END
    assert due(lineage(complete=()), "2.1.0") == (None, None)
    assert due(lineage(complete=(9,)), "2.1.0") == (None, None)


def test_an_interval_not_understood_gives_no_date() -> None:
    moment, rule = due(lineage("next tuesday"), "2.1.0")
    assert moment is None
    assert rule == "renew_before_expiry = next tuesday, which is not understood here (certbot 2.1.0)"


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("30 days", END - timedelta(days=30)),
        (" 30 ", END - timedelta(days=30)),
        ("1 month", datetime(2026, 11, 30, 12, tzinfo=timezone.utc)),
        ("3 days 12 hours", END - timedelta(days=3, hours=12)),
        ("1 week, 2 Days", END - timedelta(days=9)),
        ("90 minutes", END - timedelta(minutes=90)),
        ("1 year", datetime(2025, 12, 30, 12, tzinfo=timezone.utc)),
        ("99999 years", None),
        ("30", END - timedelta(days=30)),
        ("", None),
        ("-3 days", None),
        ("3 fortnights", None),
        ("1 day 1 day", None),
    ],
)
def test_intervals(interval: str, expected: datetime | None) -> None:
    assert interval_before(END, interval) == expected


def test_versions_of_package_managers() -> None:
    assert version_numbers("2.1.0-4") == (2, 1, 0)
    assert version_numbers("0.27.0-1~ubuntu18.04.2") == (0, 27, 0)
    assert version_numbers("5.0.0.dev0") == (5, 0, 0)
    assert version_numbers("0.4") == (0, 4, 0)
    assert version_numbers("git") is None
    assert version_numbers(None) is None
    assert upstream("1:1.21.0-1") == "1.21.0"


@given(st.text(max_size=40), st.text(max_size=20) | st.none())
def test_any_words_give_a_moment_or_none(interval: str, version: str | None) -> None:
    moment, rule = due(lineage(interval, version=version))
    assert moment is None or moment.tzinfo is not None
    assert rule
