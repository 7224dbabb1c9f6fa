r"""Words of a unit's value: quotes and C escapes, systemd.syntax(7) "Quoting".

Law: quotes may stand anywhere in a word; an escape that the manual does not list stays as it is.
"""

from __future__ import annotations

import re

from certaudit.errors import ParseError

BLANK = " \t\n\r"
PLAIN = re.compile(r"[^ \t\n\r\\\"']+")
SINGLE = {
    "a": 7,
    "b": 8,
    "f": 12,
    "n": 10,
    "r": 13,
    "t": 9,
    "v": 11,
    "\\": 92,
    '"': 34,
    "'": 39,
    "s": 32,
}
HEX = frozenset("0123456789abcdefABCDEF")
OCTAL = frozenset("01234567")


def next_word(
    text: str, at: int, *, relaxed: bool = False, escapes: bool = True
) -> tuple[str | None, int]:
    """The next word from ``at`` on, unquoted, and where the rest begins; ``None`` if there is none.

    Raise ``ParseError`` for a quote that is not closed, unless ``relaxed``: then it ends with the text.
    Without ``escapes`` a backslash is a character like any other.
    """
    while at < len(text) and text[at] in BLANK:
        at += 1
    if at >= len(text):
        return None, at
    word, quote = bytearray(), ""
    while at < len(text) and (quote or text[at] not in BLANK):
        if plain := PLAIN.match(text, at):
            word += plain[0].encode("utf-8", "replace")
            at = plain.end()
            continue
        char = text[at]
        if char == "\\" and escapes:
            piece, used = escape(text, at)
            word += piece
            at += used
            continue
        if quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        else:
            word += char.encode("utf-8", "replace")
        at += 1
    if quote and not relaxed:
        raise ParseError("unbalanced quotes")
    return word.decode("utf-8", "replace"), at


def escape(text: str, at: int) -> tuple[bytes, int]:
    """The bytes that the escape at ``at`` stands for and its length; kept whole if it is none."""
    kind = text[at + 1 : at + 2]
    if kind and kind in SINGLE:
        return bytes([SINGLE[kind]]), 2
    length = {"x": 2, "u": 4, "U": 8}.get(kind)
    if length is not None:
        digits = text[at + 2 : at + 2 + length]
        if len(digits) == length and HEX.issuperset(digits) and int(digits, 16):
            return encoded(int(digits, 16), byte=kind == "x", kept=text[at : at + 2]), 2 + length
    digits = text[at + 1 : at + 4]
    if len(digits) == 3 and OCTAL.issuperset(digits) and 0 < int(digits, 8) < 256:
        return bytes([int(digits, 8)]), 4
    return ("\\" + kind).encode("utf-8", "replace"), 1 + len(kind)


def encoded(number: int, *, byte: bool, kept: str) -> bytes:
    """A byte, or a code point in UTF-8; ``kept`` where there is no such code point."""
    if byte:
        return bytes([number])
    try:
        return chr(number).encode()
    except (ValueError, OverflowError, UnicodeEncodeError):
        return kept.encode()


def split_words(text: str, *, relaxed: bool = False, escapes: bool = True) -> tuple[str, ...]:
    """All words of a text. Raise ``ParseError`` for unbalanced quotes unless ``relaxed``."""
    words, at = list[str](), 0
    while True:
        word, at = next_word(text, at, relaxed=relaxed, escapes=escapes)
        if word is None:
            return tuple(words)
        words.append(word)


def boolean(text: str) -> bool | None:
    """A truth value as ``parse_boolean`` reads it, systemd.syntax(7); ``None`` for anything else."""
    word = text.lower()
    if word in ("1", "yes", "y", "true", "t", "on"):
        return True
    return False if word in ("0", "no", "n", "false", "f", "off") else None
