"""Addresses that serve, as written, and as configuration files have them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.parsers.endpoint import Endpoint, asked_for, parse_endpoint
from certaudit.parsers.listeners import listeners


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:443", Endpoint("127.0.0.1", 443)),
        ("smtp://mail.example.org:25", Endpoint("mail.example.org", 25, "smtp")),
        ("[::1]:8443", Endpoint("::1", 8443)),
        ("pop3://[2001:db8::1]:110", Endpoint("2001:db8::1", 110, "pop3")),
    ],
)
def test_an_address_is_written_as_it_is_read(text: str, expected: Endpoint) -> None:
    assert parse_endpoint(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "text", ["", "443", ":443", "a:0", "a:65536", "ldap://a:1", "::1:443", "a:443/x", "a b:1"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ParseError, match="is no address"):
        parse_endpoint(text)


def test_the_name_to_ask_for() -> None:
    assert asked_for(["*.example.org", "example.org"]) == "example.org"
    assert asked_for(["*.example.org"]) == "www.example.org"
    assert asked_for([]) is None


@pytest.mark.parametrize(
    ("consumer", "text", "expected"),
    [
        ("nginx", "listen 443 ssl;\nlisten [::]:443 ssl http2;\nlisten 80;", ["127.0.0.1:443"]),
        ("nginx", "  listen 192.0.2.7:8443 ssl;", ["192.0.2.7:8443"]),
        ("nginx", "# listen 8443 ssl;\nssl_certificate /x;", ["127.0.0.1:443"]),
        ("nginx", "listen unix:/run/x ssl;", ["127.0.0.1:443"]),
        ("apache", "<VirtualHost *:8443>\n<VirtualHost [::1]:9443>", ["127.0.0.1:8443", "[::1]:9443"]),
        ("apache", "<virtualhost _default_:443>", ["127.0.0.1:443"]),
        (
            "haproxy",
            "    bind *:443 ssl crt /x\n    bind :80\n    bind :8443 ssl",
            ["127.0.0.1:443", "127.0.0.1:8443"],
        ),
        ("haproxy", "bind 10.0.0.1:443 ssl crt /x", ["10.0.0.1:443"]),
        ("postfix", "anything", ["smtp://127.0.0.1:25", "smtp://127.0.0.1:587", "127.0.0.1:465"]),
        ("caddy", "anything", []),
    ],
)
def test_where_a_file_says_that_tls_is_served(consumer: str, text: str, expected: list[str]) -> None:
    assert [str(endpoint) for endpoint in listeners(consumer, text)] == expected


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text(text: str) -> None:
    try:
        assert str(parse_endpoint(text)) in (text, text.removeprefix("tls://"))
    except ParseError:
        return


@settings(deadline=None)
@given(st.sampled_from(["nginx", "apache", "haproxy"]), st.text(max_size=80))
def test_any_configuration(consumer: str, text: str) -> None:
    assert listeners(consumer, f"listen {text}\nbind {text}\n<VirtualHost {text}")
