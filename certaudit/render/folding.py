"""Words of a sentence and words of a command over as many lines as a terminal needs.

Law: pure; broken at blanks only, so that a path stays whole, and a command still does the same when it
is copied with all its lines.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

QUOTED = re.compile(r"`[^`]*`")
HELD = "\N{NO-BREAK SPACE}"  # in the place of a blank that no line may break at
WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""")


def sentence(words: str, first: str, width: int, rest: str | None = None) -> list[str]:
    """A sentence after the indent ``first``; further lines after ``rest``, or two columns more.

    What stands between backquotes stays on one line.
    """
    whole = QUOTED.sub(lambda match: match[0].replace(" ", HELD), words)
    lines = textwrap.wrap(
        whole, width, initial_indent=first, subsequent_indent=first + "  " if rest is None else rest,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return [line.replace(HELD, " ") for line in lines]


def commands(texts: Sequence[str], first: str, width: int, prompt: str = "") -> Iterator[str]:
    """Commands after an indent, each on lines of its own; those of a here-document stay as they are.

    ``prompt`` stands before each command, and once before a here-document.
    """
    document = any("<<" in text for text in texts)
    for number, text in enumerate(texts):
        begins = prompt if not document or not number else ""
        lines = [text] if document else command(text, width - len(first) - len(prompt))
        yield from (first + (begins if not at else "") + line for at, line in enumerate(lines))


def command(text: str, width: int) -> Iterator[str]:
    """A command, its lines joined by backslashes; whole where a break might change it."""
    words = WORD.findall(text)
    if " ".join(words) != text or any(word.startswith("#") for word in words):
        yield text
        return
    line = ""
    for word in words:
        if line and len(line) + len(word) + 3 > width:
            yield line + " \\"
            line = "    " + word
        else:
            line += f" {word}" if line else word
    yield line
