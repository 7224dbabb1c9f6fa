"""Whether a word is a known one with one slip of the fingers."""

from __future__ import annotations

from collections.abc import Iterable


def meant(word: str, known: Iterable[str]) -> str | None:
    """The known word that differs by one letter more, less, other or swapped, or by ``_`` for ``-``.

    ``None`` if there is none; a final ``s`` is no slip, it may make a word of its own.
    """
    return next((name for name in known if one_slip(word, name)), None)


def one_slip(word: str, name: str) -> bool:
    """Do two different words differ by one slip?"""
    if name in (word, f"{word}s", word.removesuffix("s")):
        return False
    if word.replace("_", "-") == name:
        return True
    if len(word) == len(name):
        places = [at for at, (a, b) in enumerate(zip(word, name, strict=True)) if a != b]
        first, last = places[0], places[-1]
        swapped = last == first + 1 and (word[first], word[last]) == (name[last], name[first])
        return len(places) == 1 or (len(places) == 2 and swapped)
    short, long = sorted((word, name), key=len)
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
