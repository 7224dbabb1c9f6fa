from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.parsers.cli_ini import Option, parse_cli_ini

DEBIAN = """\
# Because we are using logrotate for greater flexibility, disable the
# internal certbot logrotation.
max-log-backups = 0
# Adjust interactive output regarding automated renewal
preconfigured-renewal = True
"""


def test_the_file_that_debian_ships() -> None:
    assert parse_cli_ini(DEBIAN) == (
        Option("max-log-backups", "0", 3),
        Option("preconfigured-renewal", "True", 5),
    )


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("deploy-hook = systemctl reload nginx", "deploy-hook", "systemctl reload nginx"),
        ("deploy-hook: systemctl reload nginx", "deploy-hook", "systemctl reload nginx"),
        ("deploy-hook systemctl reload nginx ; then", "deploy-hook", "systemctl reload nginx"),
        ("--dry-run", "dry-run", "true"),
        ("no-directory-hooks", "no-directory-hooks", "true"),
        ("email =", "email", ""),
        ("post-hook = 'a # b' # c", "post-hook", "a # b"),
        ("post-hook = a#b", "post-hook", "a#b"),
        ("server = https://acme.example.org:14000/dir", "server", "https://acme.example.org:14000/dir"),
        ("post-hook = # x", "post-hook", "# x"),
    ],
)
def test_the_ways_to_write_an_option(line: str, name: str, value: str) -> None:
    assert parse_cli_ini(line) == (Option(name, value, 1),)


def test_the_last_of_two_counts_and_other_lines_say_nothing() -> None:
    text = "[certonly]\n; old\n---\nrsa-key-size = 2048\nrsa-key-size = 4096\n"
    assert parse_cli_ini(text) == (Option("rsa-key-size", "4096", 5),)


@pytest.mark.parametrize("text", ["= x", "ok = 1\n: y", "a" * 9000])
def test_a_line_that_is_neither(text: str) -> None:
    with pytest.raises(ParseError):
        parse_cli_ini(text)


@given(st.text(max_size=200) | st.text(alphabet="ab-=:;#'\"[] \t\n", max_size=60))
def test_any_text_is_options_or_a_parse_error(text: str) -> None:
    try:
        found = parse_cli_ini(text)
    except ParseError as error:
        assert error.line
    else:
        assert len({o.name for o in found}) == len(found)
