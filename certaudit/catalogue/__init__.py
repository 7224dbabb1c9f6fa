"""The known ways a server renews certificates by itself, as data, and their loader.

Law: one TOML file per mechanism and per client that is followed, and one for all the others, of which
it is only said that they are here; this module only reads what ships with the package.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class Client(Struct, frozen=True):
    """An ACME client: the programs that are it, its packages, and the words that betray it in a text."""

    name: str
    programs: tuple[str, ...]
    images: tuple[str, ...]  # container images whose entry point it is
    words: tuple[str, ...]
    packages: tuple[str, ...] = ()


class Other(Struct, frozen=True):
    """A client, or a program with one inside, that is named where it is at work and not followed.

    ``calls`` are pieces of the path of what is run or, of several words, of a command line; ``renewing``
    are words by one of which its programs renew. ``line`` is what a line of a file in ``places`` begins
    with that tells it to renew. ``apart``: it never writes to a place of certbot's.
    """

    name: str
    programs: tuple[str, ...] = ()
    renewing: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    line: str | None = None
    apart: bool = False


class Mechanism(Struct, frozen=True):
    """One packaged or documented way to renew: where it stands, what it runs, how it is switched.

    ``descriptions`` are the Description= of the services, in the same order: old systemd logs nothing
    else. ``arguments`` are the argument lists its runs log, without the verb; ``off`` and ``undo`` are
    commands; ``returns`` says what switches it on again.
    """

    id: str
    client: str
    title: str
    packaging: str
    units: tuple[str, ...]
    services: tuple[str, ...]
    descriptions: tuple[str, ...]
    files: tuple[str, ...]
    runs: tuple[str, ...]
    arguments: tuple[tuple[str, ...], ...]
    entry_points: tuple[str, ...]
    maskable: bool
    off: tuple[str, ...]
    undo: tuple[str, ...]
    returns: str
    sources: tuple[str, ...]
    packages: tuple[str, ...] = ()  # what brings it, as a package manager calls it


@lru_cache(maxsize=1)
def clients() -> tuple[Client, ...]:
    """Every client the catalogue knows, by name."""
    return tuple(
        Client(
            name=data["name"],
            programs=tuple(data["programs"]),
            images=tuple(data.get("images", ())),
            words=tuple(data["words"]),
            packages=tuple(data.get("packages", ())),
        )
        for data in _documents("clients")
    )


@lru_cache(maxsize=1)
def others() -> tuple[Other, ...]:
    """Every client that is only named, in the file's order."""
    text = Path(__file__).with_name("others.toml").read_text("utf-8")
    return tuple(
        Other(
            name=data["name"],
            programs=tuple(data.get("programs", ())),
            renewing=tuple(data.get("renewing", ())),
            calls=tuple(data.get("calls", ())),
            images=tuple(data.get("images", ())),
            places=tuple(data.get("places", ())),
            line=data.get("line"),
            apart=data.get("apart", False),
        )
        for data in tomllib.loads(text)["other"]
    )


@lru_cache(maxsize=1)
def mechanisms() -> tuple[Mechanism, ...]:
    """Every mechanism the catalogue knows, by id."""
    return tuple(_mechanism(data) for data in _documents("mechanisms"))


def mechanism_of_unit(name: str) -> Mechanism | None:
    """The mechanism that ships a unit of that name, or ``None``."""
    return next((m for m in mechanisms() if name in m.units), None)


def mechanism_of_file(path: str) -> Mechanism | None:
    """The mechanism that ships a file at that path, or ``None``."""
    return next((m for m in mechanisms() if path in m.files), None)


def mentions_client(text: str) -> bool:
    """Does a text hold a word that betrays an ACME client?"""
    lowered = text.lower()
    return any(word in lowered for client in clients() for word in client.words)


def _documents(folder: str) -> list[dict[str, Any]]:
    files = sorted(Path(__file__).with_name(folder).glob("*.toml"))
    return [tomllib.loads(f.read_text("utf-8")) for f in files]


def _mechanism(data: dict[str, Any]) -> Mechanism:
    return Mechanism(
        id=data["id"],
        client=data["client"],
        title=data["title"],
        packaging=data["packaging"],
        units=tuple(data.get("units", ())),
        services=tuple(data.get("services", ())),
        descriptions=tuple(data.get("descriptions", ())),
        files=tuple(data.get("files", ())),
        runs=tuple(data.get("runs", ())),
        arguments=tuple(tuple(a) for a in data.get("arguments", ())),
        entry_points=tuple(data.get("entry_points", ())),
        maskable=data.get("maskable", True),
        off=tuple(data.get("off", ())),
        undo=tuple(data.get("undo", ())),
        returns=data.get("returns", ""),
        sources=tuple(data.get("sources", ())),
        packages=tuple(data.get("packages", ())),
    )
