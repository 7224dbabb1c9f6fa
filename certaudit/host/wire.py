"""Which certificate an address serves: the only code that opens a connection by itself.

Law: sends nothing but a greeting and the handshake, trusts nothing (the certificate is looked at, not
believed), and ends in time. STARTTLS as RFC 3207 (SMTP), RFC 3501 (IMAP) and RFC 2595 (POP3) have it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

from certaudit.errors import CertauditError
from certaudit.parsers.endpoint import Endpoint

TIMEOUT = 5.0  # seconds for each wait
LONGEST = 64 << 10


class WireError(CertauditError):
    """Nothing answers there, or not with TLS."""


def leaf(endpoint: Endpoint, name: str, timeout: float = TIMEOUT) -> bytes:
    """The DER of the certificate that an address serves to whoever asks for ``name``.

    Raise ``WireError``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((endpoint.address, endpoint.port), timeout) as plain:
            plain.settimeout(timeout)
            if endpoint.protocol != "tls":
                STARTS[endpoint.protocol](Lines(plain))
            with context.wrap_socket(plain, server_hostname=name) as wrapped:
                found = wrapped.getpeercert(binary_form=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise WireError(f"{endpoint}: {reason}") from error
    if not found:
        raise WireError(f"{endpoint}: shows no certificate")
    return found


class Lines:
    """A connection that speaks in lines before TLS begins; never reads beyond the line asked for."""

    def __init__(self, plain: socket.socket) -> None:
        self.plain = plain
        self.read = 0

    def line(self) -> bytes:
        """The next line, without its end. Raise ``OSError``."""
        found = bytearray()
        while not found.endswith(b"\n"):
            byte = self.plain.recv(1)
            self.read += 1
            if not byte or self.read > LONGEST:
                raise OSError("the connection ended before TLS began")
            found += byte
        return bytes(found).rstrip(b"\r\n")

    def say(self, text: bytes) -> None:
        """One line."""
        self.plain.sendall(text + b"\r\n")


def smtp(lines: Lines) -> None:
    """Greeting, EHLO, STARTTLS. Raise ``OSError`` where the server refuses."""
    expect(smtp_reply(lines), b"220")
    lines.say(b"EHLO localhost")
    expect(smtp_reply(lines), b"250")
    lines.say(b"STARTTLS")
    expect(smtp_reply(lines), b"220")


def smtp_reply(lines: Lines) -> bytes:
    """The last line of a reply; those before it have a dash after the code."""
    line = lines.line()
    while line[3:4] == b"-":
        line = lines.line()
    return line


def imap(lines: Lines) -> None:
    """Greeting, STARTTLS. Raise ``OSError`` where the server refuses."""
    expect(lines.line(), b"* OK")
    lines.say(b"a STARTTLS")
    line = lines.line()
    while line.startswith(b"* "):
        line = lines.line()
    expect(line, b"a OK")


def pop3(lines: Lines) -> None:
    """Greeting, STLS. Raise ``OSError`` where the server refuses."""
    expect(lines.line(), b"+OK")
    lines.say(b"STLS")
    expect(lines.line(), b"+OK")


def expect(line: bytes, start: bytes) -> None:
    """Raise ``OSError`` for any other answer."""
    if not line.upper().startswith(start.upper()):
        raise OSError(f"answers {line[:60].decode('ascii', 'replace')!r} where TLS should begin")


STARTS: dict[str, Callable[[Lines], None]] = {"smtp": smtp, "imap": imap, "pop3": pop3}
