"""What a trigger's command leads to: exact traces of whole wrappers."""

from __future__ import annotations

from pathlib import Path

import pytest

from certaudit.parsers.shell import (
    Command,
    Guard,
    Need,
    Place,
    Program,
    Redirect,
    Trace,
    Unresolved,
    follow,
)
from tests.parsers.shell.machines import TextMachine
from tests.parsers.shell.traces import ENVIRONMENT, PLACE, argvs, cron, only, states, words

PACKAGED = (
    r"test -x /usr/bin/certbot -a \! -d /run/systemd/system "
    "&& perl -e 'sleep int(rand(43200))' && certbot -q renew"
)
FIXTURES = Path(__file__).parents[3] / "fixtures" / "shell"


def test_packaged_line_is_dormant_under_systemd() -> None:
    trace = cron(
        PACKAGED,
        answers={"/usr/bin/certbot": True, "/run/systemd/system": True},
        programs={"certbot": "/usr/bin/certbot", "perl": "/usr/bin/perl"},
    )
    line = "test -x /usr/bin/certbot -a \\! -d /run/systemd/system"
    place = Place(PLACE.path, 9, line)
    guards = (
        Guard("-x /usr/bin/certbot", place, True, "/usr/bin/certbot can be executed"),
        Guard("! -d /run/systemd/system", place, False, "/run/systemd/system is a directory"),
    )
    perl = Place(PLACE.path, 9, "perl -e 'sleep int(rand(43200))'")
    certbot = Place(PLACE.path, 9, "certbot -q renew")
    assert trace == Trace(
        (
            Command(
                1, ("perl", "-e", "sleep int(rand(43200))"),
                ("perl", "-e", "'sleep int(rand(43200))'"), "/usr/bin/perl", perl, (PLACE, perl),
                guards=guards, environment=ENVIRONMENT, user="root",
            ),
            Command(
                2, ("certbot", "-q", "renew"), ("certbot", "-q", "renew"), "/usr/bin/certbot", certbot,
                (PLACE, certbot), guards=guards, needs=(Need(1, "success"),), environment=ENVIRONMENT,
                user="root",
            ),
        ),
        (),
    )  # fmt: skip


def test_packaged_line_runs_without_systemd_and_is_open_in_a_partial_tree() -> None:
    booted = cron(PACKAGED, answers={"/usr/bin/certbot": True, "/run/systemd/system": False})
    there = ("-x /usr/bin/certbot", True)
    assert states(only(booted, "certbot")) == [there, ("! -d /run/systemd/system", True)]
    partial = cron(PACKAGED, answers={"/usr/bin/certbot": True})
    assert states(only(partial, "certbot")) == [there, ("! -d /run/systemd/system", None)]


def test_distribution_over_a_literal_list_is_unrolled() -> None:
    trace = cron(
        "for h in host1 host2; do install -m 644 /etc/letsencrypt/live/example.org/fullchain.pem "
        "/srv/$h/tls/fullchain.pem; done"
    )
    live = "/etc/letsencrypt/live/example.org/fullchain.pem"
    assert argvs(trace) == [
        ("install", "-m", "644", live, f"/srv/{host}/tls/fullchain.pem") for host in ("host1", "host2")
    ]
    assert all(not c.guards and not c.needs for c in trace.commands)


SUCCESS, FAILURE = (Need(1, "success"),), (Need(1, "failure"),)
CASES = [
    ("certbot renew && systemctl reload nginx", SUCCESS),
    ("certbot renew || systemctl reload nginx", FAILURE),
    ("certbot renew; systemctl reload nginx", ()),
    ("certbot renew\nif [ $? -eq 0 ]; then systemctl reload nginx; fi", SUCCESS),
    ("certbot renew\nif [ $? != 0 ]; then exit 1; fi\nsystemctl reload nginx", SUCCESS),
    ("certbot renew; rc=$?; test \"$rc\" -gt 0 && exit $rc; systemctl reload nginx", SUCCESS),
    ("certbot renew\ncase $? in 0) systemctl reload nginx;; *) :;; esac", SUCCESS),
    ("if certbot renew; then systemctl reload nginx; fi", SUCCESS),
    ("if ! certbot renew; then systemctl reload nginx; fi", FAILURE),
    ("if certbot renew; then :; else systemctl reload nginx; fi", FAILURE),
    ("certbot renew || exit 1\nsystemctl reload nginx", SUCCESS),
    ("certbot renew || { echo failed; exit 1; }\nsystemctl reload nginx", SUCCESS),
    ("until certbot renew; do sleep 60; done\nsystemctl reload nginx", SUCCESS),
    ("OUT=$(certbot renew 2>&1) && systemctl reload nginx", SUCCESS),
    ("OUT=`certbot renew`\n[ $? = 0 ] || exit\nsystemctl reload nginx", SUCCESS),
    ("certbot renew | tee -a /var/log/x; systemctl reload nginx", ()),
    ("(certbot renew) && systemctl reload nginx", SUCCESS),
    ("r() { certbot renew; }\nr && systemctl reload nginx", SUCCESS),
    ("r() { certbot renew || return 1; return 0; }\nr && systemctl reload nginx", SUCCESS),
    ("set -e\ncertbot renew\nsystemctl reload nginx", (Need(1, "success", errexit=True),)),
    ("set -o errexit; certbot renew; set +e; systemctl reload nginx", (Need(1, "success", True),)),
    ("set -e\ncertbot renew || true\nsystemctl reload nginx", ()),
    ("if openssl x509 -checkend 2592000 -noout -in c.pem; then exit 0; fi\nsystemctl reload", FAILURE),
    ("cmp -s a b || systemctl reload nginx", FAILURE),
]  # fmt: skip


@pytest.mark.parametrize(("text", "needs"), CASES)
def test_what_a_step_needs_of_the_command_before(text: str, needs: tuple[Need, ...]) -> None:
    assert only(cron(text), "systemctl").needs == needs


def test_bash_arithmetic_on_the_status() -> None:
    text = "certbot renew\nif (( $? == 0 )); then systemctl reload nginx; fi"
    assert only(cron(text, shell="/bin/bash"), "systemctl").needs == SUCCESS


def test_a_comparison_of_unknown_sums_is_an_open_guard() -> None:
    trace = cron('a=$(md5sum c)\ncertbot renew\nb=$(md5sum c)\n[ "$a" != "$b" ] && cp c d')
    assert words("a=$(md5sum c)\ncertbot renew") == ["md5sum c", "certbot renew"]
    assert states(only(trace, "cp")) == [('"$a" != "$b"', None)]
    assert only(trace, "cp").needs == ()


def test_exit_under_a_guard_guards_the_rest() -> None:
    text = "[ -x /usr/bin/certbot ] || exit 0\ncertbot renew; systemctl reload nginx"
    for there in (True, False):
        trace = cron(text, answers={"/usr/bin/certbot": there})
        assert [states(c) for c in trace.commands] == [[("-x /usr/bin/certbot", there)]] * 2
    assert words("exit 0; certbot renew") == []
    assert words("certbot renew; exec true; never") == ["certbot renew"]


def test_programs_as_guards() -> None:
    for text in ("command -v certbot >/dev/null && certbot renew", "hash certbot && certbot renew",
                 "if which certbot; then certbot renew; fi"):  # fmt: skip
        assert states(only(cron(text), "certbot")) == [("command -v certbot", None)]
        found = only(cron(text, programs={"certbot": "/usr/bin/certbot"}), "certbot")
        assert states(found) == [("command -v certbot", True)]


def test_environment_redirects_and_background() -> None:
    trace = cron("A=1; export B=2; C=3 certbot renew >> /var/log/x.log 2>&1 &")
    command = only(trace, "certbot")
    assert dict(command.environment) == {**dict(ENVIRONMENT), "B": "2", "C": "3"}
    assert command.redirects == (Redirect(">>", "/var/log/x.log"),)
    assert command.background
    combined = cron("{ cat a.pem; cat b.pem; } > /etc/haproxy/all.pem; cat a &>> l 2>/dev/null").commands
    targets = ["/etc/haproxy/all.pem", "/etc/haproxy/all.pem", "l"]
    assert [r.target for c in combined for r in c.redirects] == targets


def test_three_scripts_deep_with_a_sourced_function() -> None:
    scripts = {
        str(file.relative_to(FIXTURES / "nested")).join(("/", "")): file.read_text()
        for file in sorted((FIXTURES / "nested").rglob("*.sh"))
    }
    trace = cron("/opt/tls/renew.sh example.org", scripts)
    assert trace.unresolved == ()
    certbot = only(trace, "certbot")
    assert certbot.argv == ("certbot", "renew", "--cert-name", "example.org", "-q")
    assert certbot.scripts == ("/opt/tls/renew.sh", "/opt/tls/lib.sh", "/opt/tls/step.sh")
    assert [(p.path, p.line) for p in certbot.chain] == [
        ("/etc/cron.d/certbot", 9),
        ("/etc/cron.d/certbot", 9),
        ("/opt/tls/renew.sh", 7),
        ("/opt/tls/lib.sh", 3),
        ("/opt/tls/step.sh", 3),
    ]
    assert certbot.prefixes == ("exec",)
    assert [c.argv[-1] for c in trace.commands[1:]] == ["/srv/one/tls/", "/srv/two/tls/", "done"]
    assert {c.needs for c in trace.commands[1:3]} == {(Need(1, "success"),)}


STDIN = "the shell reads its commands from standard input"
UNRESOLVED = [
    ("$CB renew", "the command is the value of $CB, which is not known", "$CB renew"),
    ('eval "$X"', "eval of a text that is not known", 'eval "$X"'),
    ('sh -c "$X"', "the text for the shell is not known", 'sh -c "$X"'),
    ("bash /opt/none.sh", "the script /opt/none.sh could not be read", "bash /opt/none.sh"),
    ("bash <<E\ncertbot renew $X\nE\n", STDIN, "certbot renew $X"),
    ("curl x | sh", STDIN, ""),
    (". /opt/conf", "the sourced file /opt/conf could not be read", ". /opt/conf"),
    ("cd $X; ./certbot-auto", "it is named relative to a directory that is not known", "./certbot-auto"),
    ("/opt/x.py", "a python script: not followed", "run('certbot renew')"),
    ("python3 -u /opt/x.py", "a text for an interpreter: not followed", "run('certbot renew')"),
    ("make -s -C /opt/tls renew", "a makefile: not followed", "certbot -q renew"),
    ("make -f /opt/tls/Makefile", "a makefile: not followed", "certbot -q renew"),
    ("f() { f; }; f", "the function f calls itself", "f"),
    ("if true; then certbot", "not read further: expected 'fi', found ''", "if true; then certbot"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason", "words"), UNRESOLVED)
def test_what_cannot_be_followed_is_said(text: str, reason: str, words: str) -> None:
    scripts = {
        "/opt/x.py": "#!/usr/bin/env python3\nimport os\nrun('certbot renew')\n",
        "/opt/tls/Makefile": "renew:\n\tcertbot -q renew\n",
    }
    (found,) = cron(text, scripts).unresolved
    assert (found.reason, found.text, found.place.path) == (reason, words, PLACE.path)


def test_a_here_document_without_expansions_is_read_at_its_own_lines() -> None:
    text = "#!/bin/sh\nsudo bash -s <<'E'\ncd /srv\ncertbot renew\nE\nsystemctl reload nginx\n"
    trace = cron("/w.sh", {"/w.sh": text})
    assert argvs(trace) == [("certbot", "renew"), ("systemctl", "reload", "nginx")]
    assert [command.place.line for command in trace.commands] == [4, 6]
    assert trace.unresolved == ()


INPUT = 'x=1\ncertbot "$x" renew\n'  # what follows a % in a crontab, each % a line's end


@pytest.mark.parametrize(
    "text",
    [
        "sh",
        "bash -s -- one",
        "cd /srv && sudo bash",
        "flock /run/x sh",
        "su root -c sh",
        "/w.sh",
        "mail -s x root < /dev/null; sh",
        "sh < /dev/stdin",
        "sh <&0",
        "sh 3< /opt/plain",
        "{ true; } < /opt/plain; sh",
    ],
)
def test_a_shell_runs_what_the_entry_gives_it_to_read(text: str) -> None:
    trace = cron(text, {"/w.sh": "#!/bin/sh\nexec bash -s\n"}, stdin=INPUT)
    found = trace.commands[-1]
    assert found.argv == ("certbot", "1", "renew")
    assert (found.stdin, trace.unresolved) == (None, ())
    assert found.place.path == "/w.sh" or found.place.line == PLACE.line


@pytest.mark.parametrize(
    "text",
    [
        "true | sh",
        "sh &",
        "bash <<E\n$X\nE\n",
        "sh < /opt/plain",
        "sh 0<> /opt/plain",
        "sh <&3",
        "bash <<< 'echo x'",
        "exec < /opt/plain; sh",
        "read l; sh",
    ],
)
def test_another_input_takes_its_place(text: str) -> None:
    trace = cron(text, stdin=INPUT)
    assert [one.reason for one in trace.unresolved] == [STDIN]
    assert [command.stdin for command in trace.commands if command.argv[0] != "true"] == [None]


@pytest.mark.parametrize(
    "text",
    [
        "sh </dev/null",
        "sh <&-",
        "sh <<E\nE\n",
        "{ sh; } < /dev/null",
        "(sh) < /opt/plain",
        "for i in 1; do sh; done < /opt/plain",
        "f() { sh; }; f < /opt/plain",
        "eval sh < /opt/plain",
        "sh -c sh < /opt/plain",
        "/w.sh < /opt/plain",
        "exec < /dev/null; sh",
    ],
)
def test_a_redirection_takes_the_entry_s_input_away(text: str) -> None:
    trace = cron(text, {"/w.sh": "#!/bin/sh\nexec bash -s\n"}, stdin=INPUT)
    assert "certbot" not in [command.argv[0] for command in trace.commands]
    assert [command.stdin for command in trace.commands] == [None] * len(trace.commands)


def test_a_shell_of_an_empty_input_runs_nothing() -> None:
    assert cron("sh < /dev/null", stdin=INPUT) == Trace((), ())


def test_a_here_string_for_a_shell_is_not_followed_and_named() -> None:
    (found,) = cron("bash <<< 'certbot renew'").unresolved
    assert (found.reason, found.text) == (STDIN, "bash <<< 'certbot renew'")


def test_what_is_no_shell_has_it_left_to_read() -> None:
    trace = cron("at now; date | cat", stdin=INPUT)
    assert [c.stdin for c in trace.commands] == [INPUT, INPUT, None]


def test_commands_before_a_syntax_error_stand_with_the_line_of_the_error() -> None:
    trace = cron("/w.sh", {"/w.sh": "#!/bin/sh\ncertbot renew\nfi\nnever\n"})
    assert argvs(trace) == [("certbot", "renew")]
    (found,) = trace.unresolved
    assert (found.place.path, found.place.line) == ("/w.sh", 3)


def test_an_unknown_sourced_file_makes_earlier_values_unknown() -> None:
    assert words("CB=certbot; . /etc/none; $CB renew") == ["? renew"]
    assert (
        words("CB=certbot; . /etc/none; $CB renew", answers={"/etc/none": False})[-1] == "certbot renew"
    )


def test_clients_and_system_scripts_are_leaves() -> None:
    scripts = {
        "/usr/sbin/service": "#!/bin/sh\nexec /etc/init.d/$1 $2\n",
        "/opt/certbot-auto": '#!/bin/sh\nexec /opt/venv/letsencrypt "$@"\n',
        "/usr/bin/certbot": "#!/usr/bin/python3\nimport certbot\n",
    }
    programs = {"service": "/usr/sbin/service", "certbot": "/usr/bin/certbot"}
    trace = cron("/opt/certbot-auto renew; certbot renew; service nginx reload", scripts, {}, programs)
    assert [c.program for c in trace.commands] == [
        "/opt/certbot-auto", "/usr/bin/certbot", "/usr/sbin/service",
    ]  # fmt: skip
    assert trace.unresolved == ()


def test_a_directory_change_resolves_relative_programs() -> None:
    trace = cron("cd /opt/le && ./certbot-auto renew", answers={"/opt/le": True})
    assert trace.commands[0].program == "/opt/le/certbot-auto"
    assert cron("cd / && certbot renew").commands[0].guards == ()
    gone = cron("cd /opt/le && ./certbot-auto renew", answers={"/opt/le": False})
    assert states(gone.commands[0]) == [("cd /opt/le", False)]


def test_files_that_live_short_or_are_made_on_the_way_cannot_be_told() -> None:
    for path in ("/tmp/lock", "/run/x", "/srv/stamp"):
        text = f"touch /srv/stamp; [ -f {path} ] && certbot renew"
        assert states(only(cron(text, answers={path: False}), "certbot")) == [(f"-f {path}", None)]


def test_traps_loops_and_jumps() -> None:
    assert words("trap 'start nginx' EXIT; stop nginx; certbot renew; exit 0") == [
        "stop nginx", "certbot renew", "start nginx",
    ]  # fmt: skip
    assert words("while :; do certbot renew; sleep 12h & wait $!; done; never") == [
        "certbot renew", "sleep 12h",
    ]  # fmt: skip
    trace = cron("for i in 1 2; do certbot renew && break; sleep 9; done; logger x")
    assert [c.needs for c in trace.commands] == [
        (), FAILURE, FAILURE, (*FAILURE, Need(3, "failure")), (),
    ]  # fmt: skip


def test_an_executed_program_is_followed_without_a_shell() -> None:
    place = Place("/etc/systemd/system/r.service", 4, "ExecStart=/opt/r.sh -n")
    machine = TextMachine({"/opt/r.sh": '#!/bin/sh -e\ncertbot renew "$1"\nreload\n'})
    trace = follow(Program(("/opt/r.sh", "-n"), place, (("PATH", "/bin"),)), machine)
    assert argvs(trace) == [("certbot", "renew", "-n"), ("reload",)]
    assert trace.commands[0].chain == (place, Place("/opt/r.sh", 2, 'certbot renew "$1"'))
    assert trace.commands[1].needs == (Need(1, "success", errexit=True),)
    plain = follow(Program(("/usr/bin/certbot", "renew", "$X"), place), TextMachine())
    assert (plain.commands[0].argv, plain.commands[0].chain) == (
        ("/usr/bin/certbot", "renew", "$X"),
        (place,),
    )


def test_unknown_branches_are_all_listed() -> None:
    trace = cron("case $X in a) one;; b|c) two;; *) three;; esac")
    assert [states(c) for c in trace.commands] == [
        [("$X matches a", None)],
        [("! $X matches a", None), ("$X matches b or $X matches c", None)],
        [("! $X matches a", None), ("! $X matches b", None), ("! $X matches c", None)],
    ]


def test_unresolved_is_a_record() -> None:
    place = Place(PLACE.path, 9, "$CB renew")
    reason = "the command is the value of $CB, which is not known"
    assert cron("$CB renew").unresolved == (Unresolved(place, reason, "$CB renew"),)
