"""supervisord's configuration: which commands it would run, by line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.supervisor import parse_commands

TEXT = """\
[supervisord]
command=no
[program:tls]
directory=/srv ; command=no
command = /opt/renew --twice;daily ; the loop
# command=no
;command=no
[eventlistener:watch]
command: /opt/watch
[group:web]
command=no
"""


def test_commands_of_programs_with_their_lines() -> None:
    assert parse_commands(TEXT) == ((5, "/opt/renew --twice;daily"), (9, "/opt/watch"))


@given(st.text(alphabet=st.sampled_from("[]:;=# \t\ncomandprgt/"), max_size=200) | st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    lines = text.split("\n")
    for number, command in parse_commands(text):
        assert command in lines[number - 1]


@given(st.from_regex(r"/[a-z/]{1,20}( [a-z=-]{1,10}){0,3}", fullmatch=True), st.integers(0, 5))
def test_what_is_written_is_read(command: str, above: int) -> None:
    text = "\n" * above + f"[program:x]\ncommand={command} ; why"
    assert parse_commands(text) == ((above + 2, command),)
