"""Secrets taken out of everything that a report could show.

Law: applied to the whole Model at the end of an observation, so that no rule and no renderer can
forget it. What looks like a secret is replaced by ``***``; the rest of the line stays as evidence.
"""

from __future__ import annotations

import dataclasses
import re
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")

HIDDEN = "***"
NAMES = (
    r"(?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|hmac[-_]?key|credential|auth)"
)
PATTERNS = (
    # --eab-hmac-key VALUE, --api-token=VALUE; but not --manual-auth-hook or --authenticator
    re.compile(
        r"(--?[\w-]*(?:pass(?:word|wd|phrase)?|secret|token|api-?key|access-?key|hmac-?key)[\s=]+)(?!-)[^\s'\",]+",
        re.I,
    ),
    # ['--eab-hmac-key', 'VALUE'] as certbot logs its arguments
    re.compile(r"('--[\w-]*(?:pass(?:word|wd)?|secret|token|hmac-key|api-?key)', ')[^']+", re.I),
    # AWS_SECRET_ACCESS_KEY=VALUE, PASSWORD='VALUE'
    re.compile(rf"\b([A-Z0-9_]*{NAMES}[A-Z0-9_]*=)(?:'[^']*'|\"[^\"]*\"|[^\s;&|]+)", re.I),
    # user:password@ in a URL
    re.compile(r"(://[^/\s:@]+:)[^/\s@]+(?=@)"),
    # Authorization: Bearer VALUE
    re.compile(r"(\b(?:Bearer|Basic)\s+)[A-Za-z0-9+/=._-]{8,}", re.I),
)
KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.S)


@lru_cache(maxsize=50_000)
def redacted_text(text: str) -> str:
    """A text without what looks like a secret."""
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return KEY_BLOCK.sub(HIDDEN, text)


def redacted_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """An argument list in which the value after a secret option is hidden."""
    found = []
    hide = False
    for word in words:
        found.append(HIDDEN if hide and not word.startswith("-") else redacted_text(word))
        hide = bool(re.search(rf"^--?[\w-]*{NAMES}$", word, re.I)) and "hook" not in word
        hide = hide and not re.search(r"(auth|credentials?)$", word, re.I)
    return tuple(found)


def redacted(value: T) -> T:
    """A record with every text in it redacted, however deep it lies."""
    if isinstance(value, str):
        return redacted_text(value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        if value and all(isinstance(item, str) for item in value):
            return redacted_words(value)  # type: ignore[return-value]
        return tuple(redacted(item) for item in value)  # type: ignore[return-value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        old = {name: getattr(value, name) for name in names}
        new = {name: redacted(item) for name, item in old.items()}
        changed = {name: new[name] for name in names if new[name] is not old[name]}
        return dataclasses.replace(value, **changed) if changed else value
    return value
