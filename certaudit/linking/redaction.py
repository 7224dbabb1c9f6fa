"""Secrets taken out of everything that a report could show.

Law: applied to the whole Model at the end of an observation, so that no rule and no renderer can
forget it. What looks like a secret is replaced by ``***``; the rest of the line stays as evidence.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from certaudit.parsers.certbot_options import LONG
from certaudit.parsers.misspelling import meant

T = TypeVar("T")

HIDDEN = "***"
HOLDS_TEXT = (str, tuple, Struct)
NAMES = (
    r"(?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|hmac[-_]?key|credential"
    r"|auth(?!enticator|[-_]hook))"
)
OPTION = r"(?:pass(?:word|wd|phrase)?|secret|token|api-?key|access-?key|hmac-?key)"
# certbot's own options with a secret: what is one slip from their name, or short for it, has one too.
SECRET_OPTIONS = tuple(name for name in LONG if re.search(rf"{OPTION}$", name))
SHORT = 4  # of --eab- nobody can say which it was to be
ANY_OPTION = re.compile(r"(?<![\w-])(--([\w-]{5,40})(?:=['\"]?|['\"]?,?\s{1,8}['\"]?(?!-)))[^\s'\",`]+")
# Every repetition before a name is bounded, so that no line of a log can make the search slow.
PATTERNS = (
    # --eab-hmac-key VALUE, --api-token=VALUE; but not --manual-auth-hook or --authenticator
    re.compile(rf"(?<![\w-])(--?[\w-]{{0,40}}?{OPTION}(?:\s{{1,8}}|=))(?!-)[^\s'\",`]+", re.I),
    # ['--eab-hmac-key', 'VALUE'] as certbot logs its arguments
    re.compile(rf"('--[\w-]{{0,40}}?{OPTION}', ')[^']+", re.I),
    # AWS_SECRET_ACCESS_KEY=VALUE, PASSWORD='VALUE'
    re.compile(
        rf"\b([A-Z0-9_]{{0,40}}?{NAMES}[A-Z0-9_]{{0,40}}=)(?:'[^']*'|\"[^\"]*\"|[^\s;&|]+)", re.I
    ),
    # user:password@ in a URL
    re.compile(r"(://[^/\s:@]{1,100}:)[^/\s@]{1,200}(?=@)"),
    # Authorization: Bearer VALUE
    re.compile(r"(\b(?:Bearer|Basic)\s{1,8})[A-Za-z0-9+/=._-]{8,}", re.I),
    # -H 'X-Api-Key: VALUE', as a header of its own too; Authorization: token VALUE
    re.compile(
        r"((?:^|\s-H\s{0,8}['\"]?|--header[\s=]{1,8}['\"]?)[\w-]{0,40}?(?:key|token|secret|auth)[\w-]{0,20}"
        r":\s{1,8}(?:token\s{1,8})?)(?!Bearer|Basic)[^\s'\"]+",
        re.I,
    ),
    # openssl -passout pass:VALUE
    re.compile(r"((?:^|\s)['\"]?pass:)[^\s'\"]+"),
    # mysqldump -pVALUE, lftp -u user,VALUE
    re.compile(r"(\bmysql\w{0,20}\s(?:[^|;&]{0,200}?\s)?-p)[^\s]+"),
    re.compile(r"(\blftp\s(?:[^|;&]{0,200}?\s)?-u\s{0,8}[^\s,]{1,100},)[^\s]+"),
    # sshpass -p VALUE, curl -u user:VALUE
    re.compile(r"(\bsshpass\s{1,8}-p\s{0,8})\S+"),
    re.compile(
        r"(\bcurl\s(?:[^|;&]{0,200}?\s)?(?:-u|--user)[\s=]{1,8}['\"]?[^\s:'\"]{1,100}:)[^\s'\"]+"
    ),
)
KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", re.S)
# One of these stands in every text that a pattern matches; without i, of which re.I knows four.
SIGNS = (
    "pass",
    "secret",
    "token",
    "key",
    "cred",
    "auth",
    "://",
    "bearer",
    "bas",
    "hmac",
    "eab-h",
    "curl",
    "mysql",
    "lftp",
)


@lru_cache(maxsize=50_000)
def redacted_text(text: str) -> str:
    """A text without what looks like a secret."""
    folded = text.casefold()
    if not any(sign in folded for sign in SIGNS):
        return text
    for pattern in PATTERNS:
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    text = ANY_OPTION.sub(lambda m: m[1] + HIDDEN if means_secret(m[2]) else m[0], text)
    return KEY_BLOCK.sub(HIDDEN, text)


def means_secret(name: str) -> bool:
    """Does a long option, without its dashes, stand for one of certbot's with a secret, or was to?"""
    short = len(name) > SHORT and any(known.startswith(name) for known in SECRET_OPTIONS)
    return short or meant(name, SECRET_OPTIONS) is not None


def redacted_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """An argument list in which the value after a secret option is hidden."""
    found = []
    hide = False
    for word in words:
        found.append(HIDDEN if hide and not word.startswith("-") else redacted_text(word))
        hide = bool(re.search(rf"^--?[\w-]*{NAMES}$", word, re.I)) and "hook" not in word
        hide = hide and not re.search(r"(auth|credentials?)$", word, re.I)
        hide = hide or (word.startswith("--") and means_secret(word[2:]))
    return tuple(found)


def redacted(value: T) -> T:
    """A record with every text in it redacted, however deep it lies; itself where there is nothing."""
    if isinstance(value, str):
        text = redacted_text(value)
        return value if text == value else text  # type: ignore[return-value]
    if isinstance(value, tuple):
        words = bool(value) and all(isinstance(item, str) for item in value)
        items = redacted_words(value) if words else tuple(redacted(item) for item in value)
        same = items == value if words else all(a is b for a, b in zip(items, value, strict=True))
        return value if same else items  # type: ignore[return-value]
    if not isinstance(value, Struct):
        return value
    changed = {}
    for name in value.__struct_fields__:
        old = getattr(value, name)
        if isinstance(old, HOLDS_TEXT) and (new := redacted(old)) is not old:
            changed[name] = new
    return replace(value, **changed) if changed else value
