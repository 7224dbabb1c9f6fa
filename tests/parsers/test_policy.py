"""certaudit.toml."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.model import Policy
from certaudit.parsers.policy import parse_policy
from certaudit.parsers.ssh_command import is_remote

WHERE = "/etc/certaudit.toml"
WHOLE = """\
ignore = ["stale-copy", "rival-renewal-paths:example.org"]

[lineages."example.org"]
owner = "cron:/etc/cron.d/wildcard"
copies = ["/srv/tls/fullchain.pem", "/srv/tls/privkey.pem"]

[lineages.hogehoge]
copies = ["/etc/ssl/hogehoge.pem"]

[lineages."quiet.example.org"]
"""


def test_a_whole_policy() -> None:
    assert parse_policy(WHOLE, WHERE) == Policy(
        owners=(("example.org", "cron:/etc/cron.d/wildcard"),),
        copies=(
            ("example.org", "/srv/tls/fullchain.pem"),
            ("example.org", "/srv/tls/privkey.pem"),
            ("hogehoge", "/etc/ssl/hogehoge.pem"),
        ),
        ignores=("stale-copy", "rival-renewal-paths:example.org"),
        where=WHERE,
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "ignore = []\n", "[lineages]\n"])
def test_a_policy_that_declares_nothing(text: str) -> None:
    assert parse_policy(text, WHERE) == Policy(where=WHERE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('ignores = ["x"]', 'unknown key "ignores" in the top level; known are ignore, lineages'),
        ("[lineage.a]", 'unknown key "lineage" in the top level; known are ignore, lineages'),
        (
            '[lineages."a.example.org"]\nowners = "x"',
            'unknown key "owners" in lineages."a.example.org"; known are copies, owner, served',
        ),
        # a name with dots needs quotes; without them it is a table in a table
        (
            '[lineages.example.org]\nowner = "x"',
            'unknown key "org" in lineages."example"; known are copies, owner, served',
        ),
        ('lineages = ["a"]', "lineages must be a table"),
        ("[lineages]\na = 1", 'lineages."a" must be a table'),
        ("[lineages.a]\nowner = ['x']", 'lineages."a".owner must be a string'),
        ("[lineages.a]\ncopies = '/x'", 'lineages."a".copies must be a list of strings'),
        ("[lineages.a]\ncopies = ['/x', 2]", 'lineages."a".copies must be a string'),
        ("ignore = 'stale-copy'", "ignore must be a list of strings"),
        ("ignore = [true]", "ignore must be a string"),
    ],
)
def test_what_has_no_meaning_here(text: str, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_policy(text, WHERE)
    assert (caught.value.reason, caught.value.line) == (reason, None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ignore = [1 2]", 1),
        ("ignore = []\n\n[lineages\nx = 1\n", 3),
        ("ignore = []\nignore = []\n# end\n", 2),
        ("ignore = [\n", None),  # the text ends before the list does
        ("ignore = " + "[" * 20_000, None),
    ],
)
def test_what_is_no_toml_names_its_line(text: str, line: int | None) -> None:
    with pytest.raises(ParseError) as caught:
        parse_policy(text, WHERE)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: " if line else caught.value.reason)


def test_a_number_of_too_many_digits_is_a_parse_error() -> None:
    with pytest.raises(ParseError):
        parse_policy("ignore = [" + "1" * 5000 + "]", WHERE)


def policy_or_error(text: str) -> Policy | None:
    try:
        return parse_policy(text, WHERE)
    except ParseError as error:
        assert error.line is None or 1 <= error.line <= text.count("\n") + 1
        return None


@given(st.text(max_size=200))
@example("\x00")
@example("a = 2024-02-30")
@example("'" * 3)
def test_any_text_is_a_policy_or_a_parse_error(text: str) -> None:
    policy = policy_or_error(text)
    assert policy is None or policy == Policy(where=WHERE)


PIECES = st.sampled_from(
    [
        "ignore", "lineages", "owner", "copies", "[", "]", "[[", "]]", "{", "}", "=", ",", ".", '"', "'",
        '"""', "\n", " ", "#", "1", "-", "true", "1979-05-27", "a", "\\u", "\\", "\t", "é", "inf",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_mixture_of_toml_is_a_policy_or_a_parse_error(text: str) -> None:
    policy = policy_or_error(text)
    if policy is not None:
        declared = (*policy.owners, *policy.copies)
        assert all(isinstance(word, str) for pair in declared for word in pair)
        assert all(isinstance(word, str) for word in policy.ignores)


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
PLACES = TEXTS.filter(lambda text: not is_remote(text)) | st.just("host:/etc/tls/site.pem")


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.dictionaries(TEXTS, st.tuples(TEXTS, st.lists(PLACES, max_size=3)), max_size=4))
def test_what_is_written_is_read(lineages: dict[str, tuple[str, list[str]]]) -> None:
    text = "".join(
        f"[lineages.{quoted(name)}]\nowner = {quoted(owner)}\n"
        f"copies = [{', '.join(map(quoted, copies))}]\n"
        for name, (owner, copies) in lineages.items()
    )
    assert parse_policy(text, WHERE) == Policy(
        owners=tuple((name, owner) for name, (owner, _) in lineages.items()),
        copies=tuple((name, place) for name, (_, copies) in lineages.items() for place in copies),
        where=WHERE,
    )
