"""certaudit.toml: who is meant to renew what, and what to leave out of a report.

Law: an unknown key is an error, not a silence: a typing mistake in a policy must not look like consent.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from certaudit.errors import ParseError
from certaudit.model import Policy
from certaudit.parsers.endpoint import parse_endpoint
from certaudit.parsers.ssh_command import is_remote, parse_place

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

POLICY_FILE = "/etc/certaudit.toml"  # of the audited machine
LINE = re.compile(r"at line (\d+)")
TOP_KEYS = frozenset({"lineages", "ignore"})
LINEAGE_KEYS = frozenset({"owner", "copies", "served"})


def parse_policy(text: str, where: str) -> Policy:
    """The text of a policy file as a ``Policy``.

    ``[lineages."NAME"]`` holds ``owner`` (a trigger without its line, or a file of its chain),
    ``copies`` (absolute paths, or ``[USER@]HOST:PATH`` on other hosts, that must hold the live
    generation) and ``served`` (addresses that must serve it); ``ignore`` is a list of ``SLUG`` or
    ``SLUG:SUBJECT``. Raise ``ParseError`` for text that is no TOML and for keys this does not know.
    """
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and int() of a number too long to be one
        match = LINE.search(str(error))
        raise ParseError(str(error), int(match[1]) if match else None) from error
    except RecursionError as error:
        raise ParseError("tables are nested too deep") from error
    check_keys(data, TOP_KEYS, "the top level")
    owners: list[tuple[str, str]] = []
    copies: list[tuple[str, str]] = []
    served: list[tuple[str, str]] = []
    for name, table in mapping(data.get("lineages", {}), "lineages").items():
        check_keys(mapping(table, f'lineages."{name}"'), LINEAGE_KEYS, f'lineages."{name}"')
        if "owner" in table:
            owners.append((name, text_of(table["owner"], f'lineages."{name}".owner')))
        for place in texts(table.get("copies", []), f'lineages."{name}".copies'):
            if is_remote(place):
                parse_place(place)
            copies.append((name, place))
        addresses = texts(table.get("served", []), f'lineages."{name}".served')
        served.extend((name, str(parse_endpoint(address))) for address in addresses)
    ignores = tuple(texts(data.get("ignore", []), "ignore"))
    return Policy(tuple(owners), tuple(copies), ignores, where, tuple(served))


def check_keys(table: dict[str, Any], known: frozenset[str], place: str) -> None:
    """Raise ``ParseError`` for a key that means nothing here."""
    for key in table:
        if key not in known:
            raise ParseError(f'unknown key "{key}" in {place}; known are {", ".join(sorted(known))}')


def mapping(value: object, place: str) -> dict[str, Any]:
    """A TOML table, or ``ParseError``."""
    if not isinstance(value, dict):
        raise ParseError(f"{place} must be a table")
    return value


def text_of(value: object, place: str) -> str:
    """A TOML string, or ``ParseError``."""
    if not isinstance(value, str):
        raise ParseError(f"{place} must be a string")
    return value


def texts(value: object, place: str) -> list[str]:
    """A TOML array of strings, or ``ParseError``."""
    if not isinstance(value, list):
        raise ParseError(f"{place} must be a list of strings")
    return [text_of(item, place) for item in value]
