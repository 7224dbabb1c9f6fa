"""Addresses that serve a certificate, as a policy, a report and a plan write them.

Law: ``[PROTOCOL://]ADDRESS:PORT``; without a protocol TLS begins at once, with ``smtp``, ``imap`` or
``pop3`` after STARTTLS. An IPv6 address stands in brackets (RFC 3986, 3.2.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from certaudit.errors import ParseError

Protocol = Literal["tls", "smtp", "imap", "pop3"]
PROTOCOLS: dict[str, Protocol] = {"tls": "tls", "smtp": "smtp", "imap": "imap", "pop3": "pop3"}
TEXT = re.compile(r"(?:([a-z0-9]+)://)?(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")


class Endpoint(Struct, frozen=True, order=True):
    """Where to connect, and what is spoken there before TLS."""

    address: str
    port: int
    protocol: Protocol = "tls"

    def __str__(self) -> str:
        """The text that ``parse_endpoint`` reads."""
        place = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'' if self.protocol == 'tls' else self.protocol + '://'}{place}:{self.port}"


def asked_for(names: Iterable[str]) -> str | None:
    """The name of a certificate to ask a server for: one without a star, else one below it."""
    found = list(names)
    plain = next((name for name in found if not name.startswith("*")), None)
    return plain or next((f"www{name[1:]}" for name in found), None)


def parse_endpoint(text: str) -> Endpoint:
    """An address as it is written. Raise ``ParseError``."""
    match = TEXT.fullmatch(text)
    protocol = PROTOCOLS.get(match[1] or "tls") if match else None
    if match is None or protocol is None or not 0 < int(match[4]) < 65536:
        raise ParseError(f'"{text}" is no address: try "127.0.0.1:443" or "smtp://127.0.0.1:25"')
    return Endpoint(match[2] or match[3], int(match[4]), protocol)
