"""Clients that are named where they are at work and not followed, among the commands of a trigger.

Law: by the name of what is run, here or in a container, or by what the catalogue says of a command line;
a word that another program is given counts only with one behind it by which the client renews. What
they renew is not known, and nobody may say then that nothing renews a certificate.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from certaudit.catalogue import Other, others
from certaudit.linking.invocations import CONTAINER_ENGINES, NO_RUNNERS, TAKES_VALUE
from certaudit.model import Evidence, Gap
from certaudit.parsers.program import program_name
from certaudit.parsers.shell import Command

INTERPRETERS = re.compile(r"(?:python|perl|php|ruby)[0-9.]*|(?:ba|da|k|z)?sh|sw-engine(?:-pleskrun)?")
MAY_TAKE_VALUE = frozenset({"-c", "-d", "-I", "-o", "-W", "-X"})  # options of one interpreter or another
APART = "apart"  # the aspect of a Gap that leaves no question about certbot's lineages open
STARTING = frozenset({"run", "exec"})
ASKING = frozenset({"--version", "--help", "--list"})


def other_called(command: Command) -> Other | None:
    """The client that a command calls, in a container too, or is given to run or to read.

    None where a false guard keeps it from it, and where it is only asked what it is or has.
    """
    words = [word for word in command.argv if word is not None]
    if not words or command.argv[0] is None or any(guard.holds is False for guard in command.guards):
        return None
    if not ASKING.isdisjoint(words) or words[-1] == "-h":  # with a value it is uacme's hook
        return None
    read = command.stdin if program_name(words[0]) not in NO_RUNNERS else None
    return of_paths(command.scripts) or of_words(words) or named_in(read or "")


def of_words(words: Sequence[str]) -> Other | None:
    """The client that an argument list calls, here or in a container, or hands on."""
    contained = in_container(words)
    if not contained:
        return of_run(words)
    # the value of an option that is not known stands before the image
    by_image = next(filter(None, map(of_image, contained[:2])), None)
    return by_image or of_paths(contained[:1]) or of_run(contained[1:])


def of_run(words: Sequence[str]) -> Other | None:
    """The client that an argument list calls itself, or hands on."""
    return (of_paths(programs(words)) or handed_on(words)) if words else None


def of_paths(paths: Sequence[str]) -> Other | None:
    """The client one of whose programs or scripts a path leads to."""
    names = {program_name(path) for path in paths}
    for other in others():
        pieces = [piece for piece in other.calls if " " not in piece]
        if not names.isdisjoint(other.programs) or any(p in path for p in pieces for path in paths):
            return other
    return None


def handed_on(words: Sequence[str]) -> Other | None:
    """The client that a program gets as words, or as one, with one by which it renews behind it."""
    if program_name(words[0]) in NO_RUNNERS:
        return None
    spoken = " ".join(words)
    for other in others():
        if any(" " in piece and piece in spoken for piece in other.calls):
            return other
    seen: set[str] = set()  # what is behind a second mention is behind the first, too
    for position, word in enumerate(words[1:], 2):
        first, *rest = word.split() or [""]
        whole, begun = program_of(word), program_of(first)
        if begun is not None and not set(begun.renewing).isdisjoint(rest):
            return begun
        if whole is not None and whole.name not in seen:
            seen.add(whole.name)
            if not set(whole.renewing).isdisjoint(words[position:]):
                return whole
    return None


def program_of(path: str) -> Other | None:
    """The client whose program has the name that a path ends in."""
    name = program_name(path)
    return next((other for other in others() if name in other.programs), None)


def programs(words: Sequence[str]) -> list[str]:
    """What an argument list runs: its program, and the script that an interpreter is given."""
    found = [words[0]]
    if INTERPRETERS.fullmatch(program_name(words[0])):
        for before, word in pairwise(words):
            if word[:1] != "-":
                found.append(word)
                if before not in MAY_TAKE_VALUE:
                    break
    return found


def in_container(words: Sequence[str]) -> list[str]:
    """The image or the container, and the argument list that is run there; [] where none is."""
    start = next((n for n, word in enumerate(words) if word in STARTING), None)
    if start is None or program_name(words[0]) not in CONTAINER_ENGINES:
        return []
    for position in range(start + 1, len(words)):
        if words[position][:1] != "-" and words[position - 1] not in TAKES_VALUE:
            return list(words[position:])
    return []


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
