"""certbot's ``cli.ini``: options that count for every call.

Law: pure; text in, options with their lines or ``ParseError`` out. The syntax is that of
ConfigArgParse's ``DefaultConfigFileParser``, which certbot uses: ``key = value``, ``key: value``,
``key value`` or ``key`` alone; ``#``, ``;``, ``[section]`` and ``---`` begin lines that say nothing.
"""

from __future__ import annotations

import re

from msgspec import Struct

from certaudit.errors import ParseError

MAX_LINE = 8192

_KEY = re.compile(r"[^:=;#\s]+")
_COMMENT = re.compile(r"\s[;#]")
_END = re.compile(r"\s*(?:\s[;#]|$)")


class Option(Struct, frozen=True):
    """One option as written, without leading dashes; an option alone on its line has value ``true``."""

    name: str
    value: str
    line: int


def parse_cli_ini(text: str) -> tuple[Option, ...]:
    """The options of a ``cli.ini``; of an option given twice the last counts, in the first one's place.

    Raise ``ParseError`` where ConfigArgParse would refuse the file (certbot then ends with exit code 2).
    """
    found: dict[str, Option] = {}
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare[0] in "#;[" or bare.startswith("---"):
            continue
        option = _option(bare, number)
        found[option.name] = option
    return tuple(found.values())


def _option(bare: str, number: int) -> Option:
    if len(bare) > MAX_LINE:
        raise ParseError(f"longer than {MAX_LINE} characters", number)
    key = _KEY.match(bare)
    if key is None:
        raise ParseError("neither an option nor a comment", number)
    rest = bare[key.end() :]
    name = key.group().lstrip("-")
    bound = re.match(r"\s*([:=]|\s)\s*", rest)
    if bound is None:
        if rest:
            raise ParseError("neither an option nor a comment", number)
        return Option(name, "true", number)
    value = _value(rest[bound.end() :])
    blank = "" if bound.group(1) in ":=" else "true"
    return Option(name, value or blank, number)


def _value(text: str) -> str:
    """A quoted value up to the quote that closes it, a bare one up to a comment after a blank."""
    quote = text[:1]
    if quote and quote in "'\"":
        ends = (found.start() for found in re.finditer(quote, text[1:]))
        for end in ends:
            if _END.match(text, end + 2):
                return text[1 : end + 1]
    comment = _COMMENT.search(text, 1)
    return text if comment is None else text[: comment.start()].rstrip()
