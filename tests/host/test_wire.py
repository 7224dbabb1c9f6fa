"""The small client: what a server shows, and that none can hold it up. tests/live has real ones."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from certaudit.host.wire import WireError, leaf
from certaudit.parsers.endpoint import Endpoint, Protocol
from fixtures.machine import build_text

MACHINE = """as-of 2024-03-15T08:00:00+00:00
lineage a.example names=a.example
generation a.example 1 from=2024-03-01T09:00:00+00:00 days=90
lineage b.example names=b.example
generation b.example 1 from=2024-03-01T09:00:00+00:00 days=90
"""


@contextmanager
def serving(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server for one connection, in a thread; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            try:
                connection, _ = server.accept()
                with connection:
                    talk(connection)
            except OSError:
                return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield server.getsockname()[1]
    thread.join(5)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("wire") / "root"
    build_text(MACHINE, top)
    return top / "etc/letsencrypt/archive"


def context(archive: Path, name: str) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(archive / f"{name}/fullchain1.pem", archive / f"{name}/privkey1.pem")
    return found


def der(archive: Path, name: str) -> bytes:
    return ssl.PEM_cert_to_DER_cert((archive / f"{name}/cert1.pem").read_text())


def test_the_certificate_for_the_name_that_is_asked_for(archive: Path) -> None:
    outer, other = context(archive, "a.example"), context(archive, "b.example")

    def choose(socket: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        socket.context = other if name == "b.example" else outer

    outer.sni_callback = choose

    def talk(connection: socket.socket) -> None:
        with outer.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(1)

    for name in ("a.example", "b.example"):
        with serving(talk) as port:
            assert leaf(Endpoint("127.0.0.1", port), name) == der(archive, name)


DIALOGUES: dict[Protocol, list[bytes]] = {
    "smtp": [b"220-mail\r\n220 ready\r\n", b"250-mail\r\n250-SIZE\r\n250 STARTTLS\r\n", b"220 go\r\n"],
    "imap": [b"* OK [CAPABILITY IMAP4rev1] ready\r\n", b"* BYE not yet\r\na OK begin\r\n"],
    "pop3": [b"+OK ready\r\n", b"+OK begin\r\n"],
}


@pytest.mark.parametrize("protocol", sorted(DIALOGUES))
def test_after_starttls(protocol: Protocol, archive: Path) -> None:
    inner = context(archive, "a.example")

    def talk(connection: socket.socket) -> None:
        first, *rest = DIALOGUES[protocol]
        connection.sendall(first)
        for answer in rest:
            connection.recv(1000)
            connection.sendall(answer)
        with inner.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(1)

    with serving(talk) as port:
        assert leaf(Endpoint("127.0.0.1", port, protocol), "a.example") == der(archive, "a.example")


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        ("smtp", b"554 go away\r\n"),
        ("smtp", b"220 ready\r\n502 what\r\n"),
        ("imap", b"* BYE\r\n"),
        ("pop3", b"-ERR\r\n"),
        ("smtp", b"220-" + b"x" * 100_000),
        ("imap", b""),
        ("tls", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ],
)
def test_what_is_no_tls_is_an_error_that_names_the_address(protocol: Protocol, said: bytes) -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(said)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1000)

    with serving(talk) as port, pytest.raises(WireError, match=f"127.0.0.1:{port}: "):
        leaf(Endpoint("127.0.0.1", port, protocol), "a.example")


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(WireError, match="Connection refused"):
        leaf(Endpoint("127.0.0.1", port), "a.example")


@pytest.mark.parametrize("protocol", ["tls", "smtp"])
def test_a_silent_server_is_given_up(protocol: Protocol) -> None:
    held = threading.Event()

    def talk(_: socket.socket) -> None:
        held.wait(5)

    with serving(talk) as port:
        began = time.monotonic()
        with pytest.raises(WireError, match="timed out"):
            leaf(Endpoint("127.0.0.1", port, protocol), "a.example", timeout=0.2)
        assert time.monotonic() - began < 5
        held.set()
