"""Environment= and the files of EnvironmentFile=, systemd.exec(5).

Law: as ``exec_line``; an assignment that systemd would reject is left out.
"""

from __future__ import annotations

import re

from certaudit.errors import ParseError
from certaudit.parsers.unit_words import BLANK, next_word

ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
KEY = re.compile(r"[^\n\r=]*")
PLAIN = re.compile(r"(?:[^\\\n\r]|\\.|\\\Z)*", re.S)  # to the line's end; a backslash hides it
DOUBLE = re.compile(r'(?:[^"\\]|\\.|\\\Z)*', re.S)
ESCAPE = re.compile(r"\\(.?)", re.S)


def parse_environment(value: str) -> tuple[tuple[str, str], ...]:
    """The assignments of one ``Environment=`` value, in order; from a syntax error on, none."""
    found, at = list[tuple[str, str]](), 0
    while True:
        try:
            word, at = next_word(value, at)
        except ParseError:
            return tuple(found)
        if word is None:
            return tuple(found)
        if ASSIGNMENT.match(word):
            name, _, text = word.partition("=")
            found.append((name, text))


def parse_environment_file(text: str) -> tuple[tuple[str, str], ...]:
    """The assignments of an environment file, in order. Never raises.

    Lines of ``NAME=value``, ``#`` and ``;`` comments, quotes as in a shell; a backslash before the
    line's end continues it; nothing is expanded.
    """
    found, at = list[tuple[str, str]](), 0
    while at < len(text):
        if text[at] in BLANK:
            at += 1
        elif text[at] in "#;":
            at = end_of(PLAIN, text, at)
        else:
            end = end_of(KEY, text, at)
            key, at = text[at:end].rstrip(BLANK), end
            if text[at : at + 1] == "=":
                value, at = value_from(text, at + 1)
                if ASSIGNMENT.fullmatch(key + "="):
                    found.append((key, value))
    return tuple(found)


def end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where the match of a pattern at ``at`` ends."""
    match = pattern.match(text, at)
    return match.end() if match else at


def value_from(text: str, at: int) -> tuple[str, int]:
    """The value that begins at ``at``, and where its line ends."""
    pieces: list[str] = []
    while at < len(text) and text[at] not in "\n\r":
        if text[at] in BLANK:
            at += 1
            continue
        if text[at] == "'":
            end = text.find("'", at + 1)
            end = len(text) if end < 0 else end
            piece = text[at + 1 : end]
        elif text[at] == '"':
            end = end_of(DOUBLE, text, at + 1)
            piece = ESCAPE.sub(in_double_quotes, text[at + 1 : end])
        else:
            end = end_of(PLAIN, text, at)
            piece = ESCAPE.sub(lambda m: m[1].strip("\n\r"), chomped(text[at:end]))
            end -= 1
        pieces.append(piece)
        at = end + 1
    return "".join(pieces), at


def in_double_quotes(escape: re.Match[str]) -> str:
    """What a backslash and its character stand for between double quotes."""
    if escape[1] == "\n":
        return ""
    return escape[1] if escape[1] in '"\\`$' else escape[0]


def chomped(text: str) -> str:
    """A plain value without the blanks at its end, those escaped excepted."""
    short = text.rstrip(BLANK)
    hidden = (len(short) - len(short.rstrip("\\"))) % 2
    return text[: len(short) + hidden]
