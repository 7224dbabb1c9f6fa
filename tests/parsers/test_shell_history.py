"""Shell histories with and without times."""

from __future__ import annotations

from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.shell_history import Entered, parse_bash_history, parse_zsh_history

THEN = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)


def bash(text: str) -> list[Entered]:
    return list(parse_bash_history(text.split("\n")))


def zsh(text: str) -> list[Entered]:
    return list(parse_zsh_history(text.split("\n")))


def test_bash_without_times() -> None:
    assert bash("ls\ncertbot renew\n") == [Entered(1, "ls", None), Entered(2, "certbot renew", None)]


def test_bash_with_times() -> None:
    assert bash("#1700000000\ncertbot renew\n#1700000060\nls\n") == [
        Entered(2, "certbot renew", THEN),
        Entered(4, "ls", THEN.replace(minute=14)),
    ]


def test_a_stamp_holds_for_every_line_of_its_command() -> None:
    assert bash("#1700000000\nfor i in 1; do\ncertbot renew\ndone") == [
        Entered(2, "for i in 1; do", THEN),
        Entered(3, "certbot renew", THEN),
        Entered(4, "done", THEN),
    ]


def test_a_comment_that_a_person_typed_is_no_stamp() -> None:
    assert bash("#certbot renew\n#17 reasons") == [
        Entered(1, "#certbot renew", None),
        Entered(2, "#17 reasons", None),
    ]


def test_a_stamp_beyond_all_time_says_nothing() -> None:
    assert bash("#99999999999\nls")[0].text == "ls"


def test_zsh_with_and_without_times() -> None:
    assert zsh(": 1700000000:12;certbot renew\nls\n") == [
        Entered(1, "certbot renew", THEN),
        Entered(2, "ls", None),
    ]


def test_a_zsh_command_of_two_lines() -> None:
    assert zsh(": 1700000000:0;certbot renew \\\n  --dry-run\n: 1700000060:0;ls") == [
        Entered(1, "certbot renew \n  --dry-run", THEN),
        Entered(3, "ls", THEN.replace(minute=14)),
    ]


@given(
    st.lists(st.one_of(st.text(), st.sampled_from(["#1700000000", ": 1:0;x\\", "\\", "#9999999999"])))
)
def test_no_text_raises_and_every_line_number_exists(lines: list[str]) -> None:
    for parse in (parse_bash_history, parse_zsh_history):
        for entered in parse(lines):
            assert 1 <= entered.line <= len(lines)
            assert entered.text.strip()
