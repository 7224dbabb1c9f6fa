"""The reader ends on any text, and soon."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certaudit.parsers.shell import CommandLine, Limits, Place, Program, Trace, follow
from tests.parsers.shell.generated import Generator
from tests.parsers.shell.machines import TextMachine

PLACE = Place("/etc/cron.d/x", 1, "x")
WORDS = """if then else elif fi for in do done while until case esac { } ( ) (( )) [[ ]] [ ] ! &&
    || | ; ;;
    & $( ) ` $(( ${ } ${x:- ${x%% ' " \\ # << <<- > >> 2>&1 &> < <( = x=( x= $x $@ "$@" $1 $? * ?
    ~ f() function set -e -u exit return break continue eval exec . source sh -c sudo -u env
    flock timeout local export read trap EXIT shift -- 1 a b /x.sh certbot renew {a,b} {1..3} test -f -d
    -a -o != =~ command -v cd nice su - %"""
PIECES = st.sampled_from([*WORDS.split(), "\n"])
SCRIPTS = {"/x.sh": '#!/bin/sh -e\n. /x.sh\n/y.sh "$@"\n', "/y.sh": "/x.sh\nf() { f; }; f\n"}


def read(text: str, limits: Limits | None = None) -> Trace:
    entry = CommandLine(text, PLACE, (("PATH", "/bin"), ("HOME", "/root")), "/bin/bash")
    machine = TextMachine({**SCRIPTS, "/self": text}, {"/x.sh": True, "/y": False})
    return follow(entry, machine, limits or Limits())


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    assert isinstance(read(text), Trace)


@settings(max_examples=600, deadline=None)
@given(st.lists(PIECES, max_size=40), st.sampled_from([" ", ""]))
def test_any_sequence_of_shell_words_is_read(pieces: list[str], between: str) -> None:
    trace = read(between.join(pieces))
    assert [c.number for c in trace.commands] == list(range(1, len(trace.commands) + 1))
    for command in trace.commands:
        assert command.chain[-1] == command.place
        assert all(need.command < command.number for need in command.needs)
        assert "\n" not in command.place.text or command.place == PLACE
        assert len(command.place.text) <= 300


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=6))
def test_any_argument_list_is_read(argv: list[str]) -> None:
    assert isinstance(follow(Program(tuple(argv), PLACE), TextMachine(SCRIPTS)), Trace)


@pytest.mark.parametrize("seed", range(30))
def test_a_cut_script_keeps_the_commands_before_the_cut(seed: int) -> None:
    text = "first a; /second 'b'\n" + Generator(str(seed)).script()
    for end in range(25, len(text), max(1, len(text) // 12)):
        assert [c.argv for c in read(text[:end]).commands][:2] == [("first", "a"), ("/second", "b")]


LONG = [
    "(", "((", "$(", "$((", "${", '"', "'", "`", '"$(', "`\\", "<(", "{ ", "if ", "! ", "a ", "a;", "a|",
    "a&&", "\\\n", "#", "$x", "${x}", "{a,b}", "x=(", "x=y ", "<<a\n", "[[ ", "[[ a =~ '", "case a in ",
    "f()", "$'", "[ ! ", "test ! ", "[ ( ", "[ a -a ", "eval ", "sh -c ", "sudo ", "command ",
    "for i in ",
    "a>b ", "~", "*", "'a'b\"c\"", "a || ", "(a)\n", "if a;then b;fi;", "while a;do b;done;", "x=$x$x;",
    "{1..9}", "${x#", "f(){ a;};", "set -- a;",
]  # fmt: skip


@pytest.mark.parametrize("piece", LONG)
def test_a_long_line_is_read_in_linear_time(piece: str) -> None:
    began = time.process_time()
    read(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 3


def test_doubling_functions_end() -> None:
    text = "f0() { certbot; }\n"
    text += "".join(f"f{n}() {{ f{n - 1}; f{n - 1}; }}\n" for n in range(1, 30)) + "f29\n"
    trace = read(text)
    assert len(trace.commands) <= 2000
    assert any("too many" in u.reason for u in trace.unresolved)


def test_nested_loops_end() -> None:
    text = "for a in 1 2 3 4 5 6 7 8 9; do " * 8 + "certbot; " + "done; " * 8
    assert any("too many" in u.reason for u in read(text).unresolved)
    assert isinstance(read("while a; do " * 15 + "certbot; " + "done; " * 15), Trace)


def test_deep_nesting_is_said() -> None:
    scripts = {f"/s{n}": f"/s{n + 1}\n" for n in range(100)}
    trace = follow(CommandLine("/s0", PLACE), TextMachine(scripts))
    assert [u.reason for u in trace.unresolved] == ["nested too deep to follow"]


def test_a_script_that_calls_itself_is_said() -> None:
    trace = follow(CommandLine("/a", PLACE), TextMachine({"/a": "certbot renew\n/a\n"}))
    assert [c.argv for c in trace.commands] == [("certbot", "renew"), ("/a",)]
    assert [u.reason for u in trace.unresolved] == ["the script /a calls itself"]
