"""Clients that are named where they are at work and not followed, among the commands of a trigger.

Law: by the program's name or a piece of the command line as the catalogue gives it; what they renew is
not known, and nobody may say then that nothing renews a certificate.
"""

from __future__ import annotations

import re
from itertools import pairwise

from certaudit.catalogue import Other, others
from certaudit.linking.invocations import CONTAINER_ENGINES, NO_RUNNERS, TAKES_VALUE
from certaudit.model import Evidence, Gap
from certaudit.parsers.program import program_name
from certaudit.parsers.shell import Command

INTERPRETERS = re.compile(r"(?:python|perl|php|ruby)[0-9.]*|(?:ba|da|k|z)?sh")
APART = "apart"  # the aspect of a Gap that leaves no question about certbot's lineages open
STARTING = frozenset({"run", "exec"})


def other_called(command: Command) -> Other | None:
    """The client that a command calls, in a container too, or is given to read and may run.

    None where a false guard keeps it from it.
    """
    words = [word for word in command.argv if word is not None]
    if not words or command.argv[0] is None or any(guard.holds is False for guard in command.guards):
        return None
    called = {program_name(path) for path in programs(words, command)}
    spoken = " ".join((*words, *command.scripts))
    for other in others():
        if not called.isdisjoint(other.programs) or any(piece in spoken for piece in other.calls):
            return other
    by_image = next(filter(None, map(of_image, in_container(words))), None)
    read = command.stdin if program_name(words[0]) not in NO_RUNNERS else None
    return by_image or named_in(read or "")


def programs(words: list[str], command: Command) -> list[str]:
    """What a command runs: its program, its scripts, what an interpreter or a container is given."""
    name = program_name(words[0])
    found = [words[0], *command.scripts]
    if INTERPRETERS.fullmatch(name):
        found += [word for word in words[1:] if word[:1] != "-"][:1]
    return found + in_container(words)


def in_container(words: list[str]) -> list[str]:
    """The words that name an image, or what is run in a container, without options and their values."""
    if program_name(words[0]) not in CONTAINER_ENGINES or not STARTING & set(words):
        return []
    return [word for before, word in pairwise(words) if before not in TAKES_VALUE and word[:1] != "-"]


def of_image(image: str) -> Other | None:
    """The client that a container image is made for, whatever registry and tag it is named with."""
    name = re.split("[:@]", image.rpartition("/")[2])[0]
    repository = f"/{image[: image.rfind('/') + 1]}{name}"
    return next((o for o in others() if any(repository.endswith(f"/{i}") for i in o.images)), None)


def named_in(text: str) -> Other | None:
    """The client that may write anywhere of which a text that is not followed names a program."""
    anywhere = (other for other in others() if not other.apart)
    return next((o for o in anywhere if any(is_named(p, text) for p in o.programs)), None)


def is_named(program: str, text: str) -> bool:
    """Is a program's name a word of a text?"""
    return re.search(rf"(?<![\w.-]){re.escape(program)}(?![\w-])", text) is not None


def not_followed(other: Other, where: Evidence) -> Gap:
    """That a client is at work here; one that keeps to itself leaves no rule's question open."""
    reason = f"{other.name} is at work here: what it renews is not followed"
    return Gap(APART if other.apart else "clients", reason, (where,))
