"""The catalogue that ships with the package."""

from __future__ import annotations

import re
from collections import Counter
from importlib import resources
from pathlib import PurePosixPath

import pytest

from certaudit import catalogue
from certaudit.catalogue import (
    Mechanism,
    clients,
    mechanism_of_file,
    mechanism_of_unit,
    mechanisms,
    others,
)
from certaudit.parsers.unit_name import name_kind

FOLDER = resources.files("certaudit.catalogue")
each_mechanism = pytest.mark.parametrize("known", mechanisms(), ids=lambda m: m.id)


def stems(folder: str) -> list[str]:
    return sorted(PurePosixPath(f.name).stem for f in (FOLDER / folder).iterdir())


def test_every_file_is_loaded_under_its_own_name() -> None:
    assert [m.id for m in mechanisms()] == stems("mechanisms")
    assert [c.name for c in clients()] == stems("clients")
    assert len(mechanisms()) >= 6


@pytest.mark.parametrize(
    ("folder", "known"),
    [("mechanisms", Mechanism.__struct_fields__), ("clients", catalogue.Client.__struct_fields__)],
)
def test_no_key_is_mistyped(folder: str, known: tuple[str, ...]) -> None:
    for data in catalogue._documents(folder):
        assert set(data) <= set(known)


def repeated(texts: list[str]) -> list[str]:
    return [text for text, count in Counter(texts).items() if count > 1]


def test_a_unit_or_file_belongs_to_one_mechanism() -> None:
    known = mechanisms()
    assert repeated([m.id for m in known]) == []
    assert repeated([unit for m in known for unit in (*m.units, *m.services)]) == []
    assert repeated([file for m in known for file in m.files]) == []
    assert repeated([text for m in known for text in m.descriptions]) == []


@each_mechanism
def test_a_mechanism_says_how_to_switch_it_off_and_back(known: Mechanism) -> None:
    assert known.client in {c.name for c in clients()}
    assert known.title
    assert known.packaging in {"deb", "rpm", "snap", "pip", "script"}
    assert known.off
    assert known.undo
    assert set(known.off).isdisjoint(known.undo)
    assert all(text.strip() for text in (*known.off, *known.undo, *known.sources))
    assert known.sources
    assert known.returns.endswith(".")


@each_mechanism
def test_units_files_and_entry_points_are_well_formed(known: Mechanism) -> None:
    assert all(name_kind(unit) == "plain" for unit in (*known.units, *known.services))
    assert len(known.descriptions) == len(known.services)
    assert bool(known.units) == bool(known.services) == bool(known.runs)
    assert all(unit.endswith(".timer") for unit in known.units)
    paths = (*known.files, *known.entry_points, *known.runs[:1])
    assert all(path.startswith("/") and ".." not in path for path in paths)
    assert known.arguments
    assert all("renew" not in arguments for arguments in known.arguments)


@each_mechanism
def test_only_units_are_masked(known: Mechanism) -> None:
    masks = [command for command in known.off if " mask " in command]
    assert masks == [f"systemctl mask {unit}" for unit in known.units if known.maskable]
    unmasks = [command for command in known.undo if " unmask " in command]
    assert unmasks == [f"systemctl unmask {unit}" for unit in known.units if known.maskable]
    if known.maskable:
        assert known.units


def test_the_mechanism_of_a_unit() -> None:
    found = mechanism_of_unit("certbot.timer")
    assert found is not None
    assert (found.id, found.services, found.runs) == (
        "certbot-deb-timer",
        ("certbot.service",),
        ("/usr/bin/certbot", "-q", "renew"),
    )
    other = mechanism_of_unit("snap.certbot.renew.timer")
    assert other is not None
    assert (other.id, other.maskable) == ("certbot-snap", False)
    assert mechanism_of_unit("certbot.service") is None
    assert mechanism_of_unit("certbot") is None


def test_the_mechanism_of_a_file() -> None:
    found = mechanism_of_file("/etc/cron.d/certbot")
    assert found is not None
    assert found.id == "certbot-deb-cron"
    assert mechanism_of_file("/etc/cron.d/certbot.diverted") is None


@pytest.mark.parametrize(
    ("text", "betrays"),
    [
        ("exec /opt/bin/CertBot renew", True),
        ("cp /etc/letsencrypt/live/a/x.pem /srv", True),
        ("cp /etc/ssl/a.pem /srv", False),
        ("", False),
    ],
)
def test_words_that_betray_a_client(text: str, betrays: bool) -> None:
    assert catalogue.mentions_client(text) is betrays


def test_a_clients_words_are_lower_case_and_found_in_its_programs() -> None:
    for client in clients():
        assert all(re.fullmatch(r"[a-z0-9.-]+", word) for word in client.words)
        assert all(any(word in name for word in client.words) for name in client.programs)


def test_the_others_are_told_apart_by_what_they_are_found_by() -> None:
    known = others()
    assert repeated([other.name for other in known]) == []
    assert repeated([text for other in known for text in (*other.programs, *other.calls)]) == []
    assert repeated([image for other in known for image in other.images]) == []
    followed = {program for client in clients() for program in client.programs}
    assert followed.isdisjoint(program for other in known for program in other.programs)
    for other in known:
        assert other.programs or other.calls or other.images or other.line
        assert bool(other.places) == bool(other.line)
        assert other.programs or not other.renewing
        assert all(place.startswith("/") for place in other.places)
        re.compile(other.line or "")
