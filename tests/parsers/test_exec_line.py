"""Command lines of units, their words, variables and specifiers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.environment import parse_environment, parse_environment_file
from certaudit.parsers.exec_line import (
    ExecCommand,
    expand_command,
    expand_specifiers,
    failing_specifiers,
    read_exec_line,
    unescaped,
    unit_specifiers,
)
from certaudit.parsers.unit_words import split_words

NOISE = st.text(alphabet=st.sampled_from("\"'\\;$%{}@-:+!|x1u =\n\t#é"), max_size=40) | st.text()


def argv(value: str) -> list[tuple[str, ...]]:
    return [command.argv for command in read_exec_line(value).commands]


def test_a_plain_command() -> None:
    assert read_exec_line("/usr/bin/certbot -q renew --no-random-sleep-on-renew").commands == (
        ExecCommand(
            "/usr/bin/certbot", ("/usr/bin/certbot", "-q", "renew", "--no-random-sleep-on-renew")
        ),
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            """/bin/sh -c 'sleep $((RANDOM %% 60)); certbot renew'""",
            ("-c", "sleep $((RANDOM %% 60)); certbot renew"),
        ),
        (r'/bin/a "b\"c" d\x41\101\s\u00e9', ('b"c', "dAA \u00e9")),
        (r"/bin/a '\z' \q \x4 \u12", (r"\z", r"\q", r"\x4", r"\u12")),
        ("/bin/a x'y z'w \"\" ''", ("xy zw", "", "")),
        ("/bin/a \\; b", (";", "b")),
        ("/bin/a b; c;d", ("b;", "c;d")),
        ("/bin/a\tb\n c", ("b", "c")),
        (r"/bin/a \xc3\xa9", ("\u00e9",)),
    ],
)
def test_quotes_and_escapes(value: str, words: tuple[str, ...]) -> None:
    assert argv(value) == [("/bin/a" if value.startswith("/bin/a") else "/bin/sh", *words)]


def test_several_commands_in_one_value() -> None:
    assert argv("/bin/a b ; /bin/c ;") == [("/bin/a", "b"), ("/bin/c",)]
    assert argv("; /bin/a") == [("/bin/a",)]
    assert argv("") == []


def test_prefixes() -> None:
    (command,) = read_exec_line("-@/bin/real shown x").commands
    assert (command.program, command.argv, command.prefixes) == ("/bin/real", ("shown", "x"), "-@")
    assert command.ignore_failure
    assert command.arguments == ("/bin/real", "x")
    assert read_exec_line("!!a").commands[0].prefixes == "!!"
    assert read_exec_line("|/bin/a").commands[0].prefixes == "|"


NO_COMMANDS = [
    "/bin/a 'b",
    '/bin/a "b',
    "@ x",
    "@/bin/a",
    "/bin/",
    "''",
    "bin/a",
    "!!+/bin/a",
    "+!/bin/a",
]


@pytest.mark.parametrize("value", NO_COMMANDS)
def test_a_line_for_which_systemd_refuses_the_unit(value: str) -> None:
    line = read_exec_line(f"/bin/first ; {value} ; /bin/last")
    assert (line.refused, [c.program for c in line.commands]) == (True, ["/bin/first"])
    assert line.fault is not None


@pytest.mark.parametrize("value", ["-/bin/a 'b", "-", "-@/bin/a", "-bin/a", "'/bin/a b", "-/bin/a %f"])
def test_a_line_that_systemd_reads_no_further(value: str) -> None:
    line = read_exec_line(f"/bin/first ; {value} ; /bin/last", {"f"})
    assert (line.refused, [c.program for c in line.commands]) == (False, ["/bin/first"])
    assert line.fault is not None


def test_a_specifier_without_a_value() -> None:
    assert read_exec_line("/bin/a x%fy", {"f"}).fault == "%f has no value here"
    assert read_exec_line("/bin/a %%f %i", {"f"}).fault is None


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a-b.service", "/a/b"),
        ("-.service", "/"),
        ("t@x-y.service", "/x/y"),
        ("a--b.service", None),
        ("-a.service", None),
        ("t@a-.service", None),
        ("a-..-b.service", None),
    ],
)
def test_the_path_of_a_name(name: str, path: str | None) -> None:
    assert unit_specifiers(name).get("f") == path
    assert failing_specifiers(name) == ({"f"} if path is None else set())


def test_variables_as_the_manual_has_them() -> None:
    env = dict(parse_environment("""ONE='one' "TWO='two two' too" THREE="""))
    assert env == {"ONE": "one", "TWO": "'two two' too", "THREE": ""}
    (command,) = read_exec_line(
        "/bin/echo $ONE $TWO ${TWO} $THREE ${THREE} x${ONE}y $$HOME a$ONE"
    ).commands
    expanded = expand_command(command, env)
    assert expanded.argv[1:] == ("one", "two two", "too", "'two two' too", "", "xoney", "$HOME", "a$ONE")
    assert expanded.unknown == ()


def test_what_is_not_known_is_left_and_named() -> None:
    (command,) = read_exec_line("/bin/echo $A ${B}c %i %q %%").commands
    expanded = expand_command(command, {}, unit_specifiers("a@.service"))
    assert expanded.argv[1:] == ("$A", "${B}c", "%i", "%q", "%")
    assert expanded.unknown == ("$A", "${B}", "%i", "%q")


def test_a_colon_keeps_dollars() -> None:
    (command,) = read_exec_line(":/bin/echo $A ${A} %p").commands
    assert expand_command(command, {"A": "x"}, unit_specifiers("u.service")).argv[1:] == (
        "$A",
        "${A}",
        "u",
    )


def test_specifiers_of_an_instance() -> None:
    known = unit_specifiers("acme-re@www-x\\x2dy.timer", host="web1.example.org")
    text = "%n|%N|%p|%P|%i|%I|%f|%j|%u|%U|%h|%H|%l|%t|100%"
    assert expand_specifiers(text, known) == (
        "acme-re@www-x\\x2dy.timer|acme-re@www-x\\x2dy|acme-re|acme/re|www-x\\x2dy|www/x-y|/www/x-y|re|root|0|"
        "/root|web1.example.org|web1|/run|100%",
        (),
    )


def test_specifiers_of_a_user_manager_leave_out_what_is_not_known() -> None:
    known = unit_specifiers("x.service", user="alice", home="/home/alice", uid=None)
    assert (known["u"], known["h"], known["i"]) == ("alice", "/home/alice", "")
    assert {"U", "t", "S", "H"}.isdisjoint(known)


def test_environment_takes_assignments_only() -> None:
    assert parse_environment('A=b "C=d e" junk 1X=2 =y E') == (("A", "b"), ("C", "d e"))
    assert parse_environment("A=b 'C=d") == (("A", "b"),)


def test_an_environment_file() -> None:
    text = (
        "# A=no\n; B=no \\\nC=still a comment\n"
        'D=plain value  \r\n  E = "x \\"y\\" \\$z \\n" \'w\'  \nF=one\\\ntwo\nG=\n1H=no\nI=a"b"\n'
        "export J=k\n"
        'K="two\nlines"\nL=end\\ \nM'
    )
    assert parse_environment_file(text) == (
        ("D", "plain value"),
        ("E", 'x "y" $z \\nw'),
        ("F", "onetwo"),
        ("G", ""),
        ("I", 'a"b"'),
        ("K", "two\nlines"),
        ("L", "end "),
    )


@given(NOISE)
def test_nothing_escapes(value: str) -> None:
    for command in read_exec_line(value, {"f"}).commands:
        expanded = expand_command(command, {"x": "a 'b", "u": ""}, unit_specifiers("a@b.service"))
        assert expanded.program
        assert command.argv


@given(NOISE)
def test_environments_never_raise(value: str) -> None:
    for name, _ in (*parse_environment(value), *parse_environment_file(value)):
        assert name.isidentifier()


@given(st.lists(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"])), max_size=5))
def test_quoted_words_come_back(words: list[str]) -> None:
    quoted = ['"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words]
    assert split_words(" ".join(quoted)) == tuple(words)


def test_long_values_take_linear_time() -> None:
    for piece in ("${", "$", "%", "\\", "'' ", "; ", "@", '"x" ', "\\x"):
        for command in read_exec_line("/bin/a " + piece * 50_000).commands:
            expand_command(command, {}, {})
        parse_environment_file("A=" + piece * 50_000)
    assert unescaped("\\x2d" * 10_000) == "-" * 10_000
