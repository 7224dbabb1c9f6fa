"""base-files' version names the release."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.release import release_of


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("10.1ubuntu2", "Ubuntu 18.04"),
        ("10.1ubuntu2.11", "Ubuntu 18.04"),
        ("11ubuntu5.7", "Ubuntu 20.04"),
        ("12ubuntu4.3", "Ubuntu 22.04"),
        ("13ubuntu10.1", "Ubuntu 24.04"),
        ("12.3ubuntu2", None),  # 23.04: no long-term release
        ("10.1ubuntu20", None),
        ("8+deb8u11", "Debian 8"),
        ("9.9+deb9u13", "Debian 9"),
        ("12.4+deb12u5", "Debian 12"),
        ("13.8", "Debian 13"),
        ("6.0squeeze9", None),
        ("", None),
    ],
)
def test_the_release(version: str, release: str | None) -> None:
    assert release_of(version) == release


@given(st.text())
def test_nothing_escapes(text: str) -> None:
    release_of(text)
