"""Where a consumer's configuration file says that TLS is served.

Law: pure and modest: single lines of one file are read, no blocks, includes or variables. Where a file
names no address, the consumer's usual ports on this machine are meant.
"""

from __future__ import annotations

import re

from certaudit.parsers.endpoint import Endpoint

LOOPBACK = "127.0.0.1"
ANY = frozenset({"", "*", "0.0.0.0", "::", "_default_"})  # noqa: S104 - what is read, not bound
PLACE = r"(?:\[([0-9A-Fa-f:]*)\]|([0-9.]+|\*|_default_)?):"
LINES = {
    # nginx: listen [::]:8443 ssl http2;   listen 443 ssl;
    "nginx": re.compile(rf"^\s*listen\s+(?:{PLACE})?(\d+)\b[^;#]*\bssl\b", re.M),
    # Apache: <VirtualHost *:8443>   Listen 192.0.2.1:8443 https
    "apache": re.compile(rf"^\s*<VirtualHost\s+{PLACE}(\d+)\b", re.M | re.I),
    # haproxy: bind :443 ssl crt /etc/haproxy/site.pem
    "haproxy": re.compile(rf"^\s*bind\s+{PLACE}(\d+)\b[^#\n]*\bssl\b", re.M),
}
USUAL = {
    "nginx": (Endpoint(LOOPBACK, 443),),
    "apache": (Endpoint(LOOPBACK, 443),),
    "haproxy": (Endpoint(LOOPBACK, 443),),
    "postfix": (
        Endpoint(LOOPBACK, 25, "smtp"),
        Endpoint(LOOPBACK, 587, "smtp"),
        Endpoint(LOOPBACK, 465),
    ),
    "dovecot": (
        Endpoint(LOOPBACK, 143, "imap"),
        Endpoint(LOOPBACK, 993),
        Endpoint(LOOPBACK, 110, "pop3"),
        Endpoint(LOOPBACK, 995),
    ),
}


def listeners(consumer: str, text: str) -> tuple[Endpoint, ...]:
    """The addresses that a consumer serves by this file; () for a consumer that is not known here."""
    pattern = LINES.get(consumer)
    found = [endpoint(*match) for match in pattern.findall(text)] if pattern else []
    return tuple(dict.fromkeys(one for one in found if 0 < one.port < 65536)) or USUAL.get(consumer, ())


def endpoint(bracketed: str, plain: str, port: str) -> Endpoint:
    """An address of a line; one that stands for all of the machine's is its loopback."""
    address = bracketed or plain
    return Endpoint(LOOPBACK if address in ANY else address, int(port[:6]))
