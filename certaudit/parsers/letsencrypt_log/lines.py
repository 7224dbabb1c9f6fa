"""The shapes certbot writes: a time stamp, a list of arguments, a lineage's path.

Law: text in, values or ``None`` out; nothing raises, every pattern is linear. The record format is
``logging.Formatter`` with ``certbot.log.FILE_FMT``: ``%(asctime)s:%(levelname)s:%(name)s:%(message)s``.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime

LONGEST_LINE = 65_536  # longer lines are bodies or damage: only their beginning is looked at
BEGINNING = 4_096
EVIDENCE_LENGTH = 1_000

_VERSION = re.compile(r"\d{1,4}(?:\.\w{1,20}){0,6}(?:[+\-~]\S{1,40})?", re.ASCII)
_ARGUMENT = re.compile(r"""[ubUB]?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}
_READS_COMMA = sys.version_info >= (3, 11)
_CERT_PATH = re.compile(
    r"[/\\](?:archive[/\\]([^/\\]+)[/\\]cert(\d{1,9})|live[/\\]([^/\\]+)[/\\]cert)\.pem", re.ASCII
)
_CATEGORIES = ("skipped", "success", "failure", "parsefail")
_EXPIRY = " expires on "


def tidied(text: str) -> str:
    """Lines without carriage returns at their ends; only the first 4 KiB of one over 64 KiB."""
    if "\r" not in text and not _has_long_line(text):
        return text
    return "\n".join(map(_beginning, text.split("\n")))


def _beginning(line: str) -> str:
    return line[:BEGINNING] if len(line) > LONGEST_LINE else line.rstrip("\r")


def _has_long_line(text: str) -> bool:
    """Whether a line may be too long: it would hold one of these stretches without a newline."""
    step = LONGEST_LINE // 2
    return any(text.find("\n", at, at + step) < 0 for at in range(0, len(text) - step, step))


def stamp_time(stamp: str) -> datetime | None:
    """The naive time of ``YYYY-MM-DD hh:mm:ss,mmm``; ``None`` if there is no such day or hour."""
    try:
        wall = datetime.fromisoformat(stamp if _READS_COMMA else stamp.replace(",", "."))
    except ValueError:
        return None
    return wall if 1970 <= wall.year < 9999 else None


def version_text(text: str) -> str | None:
    """The version a version record names, or ``None`` where it is none."""
    found = _VERSION.fullmatch(text.strip())
    return found[0] if found else None


def argument_list(text: str) -> tuple[str, ...] | None:
    """The strings of a Python list literal such as ``['-q', u'--text']``; ``None`` for any other text.

    certbot logs ``repr(cli_args)`` (``certbot.main.main``). Nothing is evaluated.
    """
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    found: list[str] = []
    at, end = 1, len(text) - 1
    while at < end:
        item = _ARGUMENT.match(text, at, end)
        if item is None:
            return None
        value = _unescaped(item[1] if item[1] is not None else item[2])
        if value is None:
            return None
        found.append(value)
        at = item.end()
        if at < end:
            if not text.startswith(", ", at):
                return None
            at += 2
    return tuple(found)


def _unescaped(literal: str) -> str | None:
    if "\\" not in literal:
        return literal
    try:
        return _ESCAPE.sub(_escape_value, literal)
    except (ValueError, OverflowError):
        return None


def _escape_value(escape: re.Match[str]) -> str:
    body = escape[1]
    if len(body) == 1:
        return _PLAIN_ESCAPES.get(body, escape[0])
    code = int(body[1:], 16)
    # a byte that was no UTF-8 stands as a lone surrogate, which no report could be encoded with
    return "\N{REPLACEMENT CHARACTER}" if 0xD800 <= code <= 0xDFFF else chr(code)


def option_value(arguments: tuple[str, ...], option: str) -> str | None:
    """The last value given to ``--option VALUE`` or ``--option=VALUE``."""
    value = None
    for at, argument in enumerate(arguments):
        if argument == option and at + 1 < len(arguments):
            value = arguments[at + 1]
        elif argument.startswith(option + "="):
            value = argument[len(option) + 1 :]
    return value


def has_flag(arguments: tuple[str, ...], flag: str, shortest: str) -> bool:
    """Whether a flag is given, in full or shortened as argparse allows (not below ``shortest``)."""
    return any(a.startswith(shortest) and flag.startswith(a) for a in arguments)


def certificate_path(text: str) -> tuple[str, int | None] | None:
    """(directory, generation) of the first ``archive/NAME/certN.pem`` or ``live/NAME/cert.pem``.

    The live path has no number: ``None``. Windows' backslashes are read too.
    """
    found = _CERT_PATH.search(text)
    if found is None:
        return None
    return (found[1], int(found[2])) if found[1] is not None else (found[3], None)


def last_name(path: str) -> str:
    """The last part of a path with slashes or backslashes."""
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def conf_lineage(path: str) -> str | None:
    """The lineage a renewal conf belongs to: its file name without ``.conf``
    (``certbot.storage.lineagename_for_filename``).
    """
    name = last_name(path.strip())
    return name[: -len(".conf")] if name.endswith(".conf") and name != ".conf" else None


def summary_entry(text: str) -> tuple[str, str] | None:
    """(lineage, category) of one line of the results at the end of a renewal (``renewal.report``).

    ``  /etc/letsencrypt/live/NAME/fullchain.pem expires on 2024-02-28 (skipped)``; the category is
    ``skipped``, ``success``, ``failure`` or ``parsefail``; the last names the renewal conf.
    """
    text = text.strip()
    category = next((c for c in _CATEGORIES if text.endswith(f" ({c})")), None)
    if category is None:
        return None
    path = text[: -len(category) - 3].partition(_EXPIRY)[0]
    if category == "parsefail":
        name = conf_lineage(path)
    else:
        folder, _, file = path.replace("\\", "/").rpartition("/")
        name = last_name(folder) if file.endswith(".pem") else None
    return (name, category) if name else None
