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
    """A Gap for each program that renews by itself, with the first line that tells it to.

    One, too, for each that may write to certbot's places and of which a file or a place was not read.
    """
    return tuple(
        gap for other in others() if other.line for gap in of_configured(root, other, other.line)
    )


def of_configured(root: Root, other: Other, begins: str) -> Iterator[Gap]:
    """The Gap that a program's configuration gives, if any."""
    closed: list[Evidence] = []
    where = told(root, other, begins, closed)
    if where is not None:
        yield not_followed(other, where)
    elif closed and not other.apart:
        reason = f"whether {other.name} renews certificates was not seen: {closed[0].text}"
        yield Gap("clients", reason, tuple(closed[:3]))


def told(root: Root, other: Other, begins: str, closed: list[Evidence]) -> Evidence | None:
    """The first line that begins so; what is too big or cannot be read goes to ``closed``."""
    wanted = re.compile(begins)
    for path in config_files(root, Consumer(other.name, other.places), closed):
        for number, line in lines(root, path, closed):
            if wanted.match(line):
                return Evidence(path, number, line[:TEXT_LENGTH])
    return None


def lines(root: Root, path: str, closed: list[Evidence]) -> Iterator[tuple[int, str]]:
    """The numbered lines of a file without their margins, none of one that cannot be read."""
    try:
        text = root.text(path, SIZE_LIMIT)
    except UnreadableError as error:
        closed.append(Evidence(path, text=str(error)))
        return
    for number, line in enumerate(text.split("\n"), 1):
        yield number, line.strip()
