"""Containers of the docker engine that hold a client: what they renew is not seen from here.

Law: looked for where the engine keeps them (``/var/lib/docker/containers``); only one that runs, or that
the engine starts again, counts. No engine is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.catalogue import Other, clients, others
from certaudit.errors import UnreadableError
from certaudit.host.root import Root
from certaudit.linking.others import APART, of_image
from certaudit.model import Evidence, Gap
from certaudit.parsers.container_config import Container, parse_container

PLACE = "/var/lib/docker/containers"
CLOSED = "the containers of docker could not be read"


def container_gaps(root: Root) -> tuple[Gap, ...]:
    """A Gap for every such container, and one where the engine's directory is closed."""
    try:
        names = root.names(PLACE)
    except UnreadableError as error:
        return (Gap("containers", f"{CLOSED}: {error}", (Evidence(PLACE),)),)
    return tuple(gap for name in names for gap in _gap(root, f"{PLACE}/{name}"))


def _gap(root: Root, place: str) -> Iterator[Gap]:
    files = (f"{place}/config.v2.json", f"{place}/hostconfig.json")
    if any(root.exists(file) is False for file in files):
        return  # no container's, or half removed
    try:
        found = parse_container(*map(root.text, files))
    except UnreadableError as error:
        yield Gap("containers", f"{CLOSED}: {error}", (Evidence(place),))
        return
    if found is None or not found.stays:
        return
    other = held(found)
    if other or holds_client(found):
        reason = f"the container {found.name} runs {found.image}: what it renews is not seen"
        where = Evidence(f"{place}/config.v2.json")
        yield Gap(APART if other and other.apart else "containers", reason, (where,))


def holds_client(container: Container) -> bool:
    """Is its image a client's, or does its command name one of its programs?"""
    known = clients()
    return any(
        any(image in container.image for image in client.images)
        or words_of(container) & set(client.programs)
        for client in known
    )


def held(container: Container) -> Other | None:
    """The client that is only named of which it is the image, or one of whose programs it runs."""
    called = {word.rpartition("/")[2] for word in words_of(container)}
    by_program = next((other for other in others() if called & set(other.programs)), None)
    return of_image(container.image) or by_program


def words_of(container: Container) -> set[str]:
    """The words of its command."""
    return set(container.command.replace(";", " ").split())
