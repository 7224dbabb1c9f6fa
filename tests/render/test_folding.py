"""Sentences and commands over several lines: what is broken, and what never is."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.render.folding import WORD, command, commands, sentence

WORDS = st.lists(
    st.one_of(
        st.from_regex(r"[a-zA-Z0-9_./:=,@%+-]{1,60}", fullmatch=True),
        st.from_regex(r"'[a-z ;|*$]{0,50}'", fullmatch=True),
        st.from_regex(r'--[a-z]{1,9}="[a-z ;|*]{0,50}"', fullmatch=True),
    ),
    min_size=1,
    max_size=9,
)


def arguments(text: str) -> list[str]:
    """What a shell makes of a command's words."""
    script = f"printf '%s\\0' {text}\n"
    done = subprocess.run(["/bin/sh"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), text
    return done.stdout.split("\0")


@given(WORDS, st.integers(20, 120))
def test_a_command_over_several_lines_is_the_same_command(words: list[str], width: int) -> None:
    text = " ".join(words)
    lines = list(command(text, width))
    assert arguments("\n".join(lines)) == arguments(text)
    wide = [line for line in lines if len(line) > width]
    assert [line for line in wide if len(WORD.findall(line.removesuffix(" \\"))) > 1] == []


def test_a_command_is_broken_at_blanks_with_an_indent() -> None:
    text = "rsync -aL /etc/letsencrypt/live/hoge.example/ backup.example.org:/etc/tls/"
    assert list(command(text, 60)) == [
        "rsync -aL /etc/letsencrypt/live/hoge.example/ \\",
        "    backup.example.org:/etc/tls/",
    ]
    assert list(command(text, 80)) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "echo 'not closed by anything at all",
        "echo two  blanks in between them",
        "true # a remark of his",
    ],
)
def test_a_command_that_a_break_might_change_stays_whole(text: str) -> None:
    assert list(command(text, 10)) == [text]


def test_a_here_document_stays_as_it_is() -> None:
    texts = ["cat > /x <<'END'", "# a line that is longer than the width", "END"]
    assert list(commands(texts, "   ", 20)) == [f"   {line}" for line in texts]


def test_what_stands_between_backquotes_stays_on_one_line() -> None:
    assert sentence("It ends with `systemctl unmask x` alone.", "", 24) == [
        "It ends with",
        "  `systemctl unmask x`",
        "  alone.",
    ]


def test_a_path_is_longer_than_the_line_rather_than_broken() -> None:
    path = "/etc/" + "a-long-name/" * 9
    assert path in [line.strip() for line in sentence(f"write {path} anew", "", 40)]


def test_a_prompt_stands_before_each_command_and_once_before_a_here_document() -> None:
    assert list(commands(["cp /a /b", "cp /srv/one /srv/two"], "  ", 20, "web1# ")) == [
        "  web1# cp /a /b",
        "  web1# cp \\",
        "      /srv/one \\",
        "      /srv/two",
    ]
    assert list(commands(["cat > /a <<E", "x", "E"], "  ", 20, "web1# ")) == [
        "  web1# cat > /a <<E",
        "  x",
        "  E",
    ]
