"""Programs that are told by their configuration to renew certificates themselves.

Law: one line that says so is enough, and is all that is read of it; what they renew is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from certaudit.catalogue import Other, others
from certaudit.errors import UnreadableError
from certaudit.host.root import Root
from certaudit.linking.others import not_followed
from certaudit.model import Evidence, Gap
from certaudit.parsers.shell.grammar_simple import TEXT_LENGTH
from certaudit.sources.references import SIZE_LIMIT, Consumer, config_files


def configured_gaps(root: Root) -> tuple[Gap, ...]:
    """A Gap for each program that renews by itself, with the first line that tells it to."""
    found = ((other, told(root, other, other.line)) for other in others() if other.line)
    return tuple(not_followed(other, where) for other, where in found if where)


def told(root: Root, other: Other, begins: str) -> Evidence | None:
    """The first line that begins so; files that cannot be read are told of as those of a consumer."""
    wanted = re.compile(begins)
    for path in config_files(root, Consumer(other.name, other.places)):
        for number, line in lines(root, path):
            if wanted.match(line):
                return Evidence(path, number, line[:TEXT_LENGTH])
    return None


def lines(root: Root, path: str) -> Iterator[tuple[int, str]]:
    """The numbered lines of a file without their margins, none of one that cannot be read."""
    try:
        text = root.read(path, SIZE_LIMIT).decode("utf-8", "replace")
    except UnreadableError:
        return
    for number, line in enumerate(text.split("\n"), 1):
        yield number, line.strip()
