"""The words of a command: what expansions make of them, and what stands in front of a program."""

from __future__ import annotations

import pytest

from tests.parsers.shell.traces import argvs, cron, words

EXPANSIONS = [
    ("CB=/opt/certbot-auto; $CB renew", "/opt/certbot-auto renew"),
    ('CB="certbot -q"; $CB renew', "certbot -q renew"),
    ("D=a; certbot -d ${D}.example.org", "certbot -d a.example.org"),
    ("certbot ${OPT:-renew} ${X-y}", "certbot renew y"),
    ("certbot $OPT", "certbot ?"),
    ("certbot $((1+1)) $(date) *.pem", "certbot ? ? ?"),
    ("certbot -d '*.example.org' \"a b\" c\\ d", "certbot -d *.example.org a b c d"),
    ("certbot ~/x ~root/y", "certbot /root/x /root/y"),
    ("X=a; X+=b; certbot $X", "certbot ab"),
    ("D=$(dirname /opt/x/run.sh); $D/renew", "/opt/x/renew"),
    ("N=$(basename /opt/run.sh .sh); certbot $N", "certbot run"),
    ("certbot \\\n  renew \\\n  -q # comment", "certbot renew -q"),
    ("set -- a 'b c'; shift; certbot \"$@\" $#", "certbot b c 1"),
    ("if date; then D=a; else D=b; fi; certbot -d $D", "certbot -d ?"),
    ("if true; then D=a; fi; certbot -d $D", "certbot -d a"),
    ("i=0; while date; do certbot $i; i=$((i+1)); done", "certbot ?"),
    ("read d; certbot -d $d", "certbot -d ?"),
    ("export A=b; unset A; certbot \"x$A\"", "certbot x"),
    ("eval 'certbot' renew", "certbot renew"),
    ("case renew-all in renew*) certbot renew;; *) certbot no;; esac", "certbot renew"),
    ("x=/a/b.sh; certbot ${x%/*} ${x##*/} ${#x}", "certbot /a b.sh 7"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "last"), EXPANSIONS)
def test_expansion(text: str, last: str) -> None:
    assert words(text)[-1] == last


BASH = [
    ('a=("x y" z); certbot "${a[@]}" ${#a[@]} ${a[1]}', ("certbot", "x y", "z", "2", "z")),
    ("certbot {a,b}.example.org {1..3}", ("certbot", "a.example.org", "b.example.org", "1", "2", "3")),
    ("a=(); a+=(x); certbot \"${a[@]}\"", ("certbot", "x")),
    ("if [[ renew == ren* && ! -z x ]]; then certbot $'a\\tb'; fi", ("certbot", "a\tb")),
    ("declare -r D=x; function f { local D=y; certbot $D; }; f", ("certbot", "y")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "argv"), BASH)
def test_bash_expansion(text: str, argv: tuple[str, ...]) -> None:
    assert argvs(cron(text, shell="/bin/bash"))[-1] == argv


PREFIXES = [
    ("sudo -n -u www certbot renew", ("sudo",), "www"),
    ("sudo FOO=bar -- certbot renew", None, None),
    ("sudo FOO=bar certbot renew", ("sudo",), "root"),
    ("/usr/bin/env -i PATH=/bin certbot renew", ("env",), "root"),
    ("nice -n 19 ionice -c3 certbot renew", ("nice", "ionice"), "root"),
    ("nice -10 certbot renew", ("nice",), "root"),
    ("timeout -k 5 --signal=KILL 300 certbot renew", ("timeout",), "root"),
    ("flock -n /tmp/l certbot renew", ("flock",), "root"),
    ("run-one certbot renew", ("run-one",), "root"),
    ("sshpass -f /root/pw certbot renew", ("sshpass",), "root"),
    ("proxychains4 -q -f /etc/p.conf certbot renew", ("proxychains4",), "root"),
    ("cpulimit -l 50 -- certbot renew", ("cpulimit",), "root"),
    ("flock -w 10 /tmp/l -c 'certbot renew'", ("flock",), "root"),
    ("nohup setsid stdbuf -oL chronic certbot renew", ("nohup", "setsid", "stdbuf", "chronic"), "root"),
    ("time certbot renew", ("time",), "root"),
    ("systemd-run --quiet -p Nice=5 --unit x certbot renew", ("systemd-run",), "root"),
    ("systemd-cat -t le certbot renew", ("systemd-cat",), "root"),
    ("su - www -c 'certbot renew'", ("su",), "www"),
    ("su -s /bin/sh -c 'certbot renew' www", ("su",), "www"),
    ("runuser -u www -- certbot renew", ("runuser",), "www"),
    ("command certbot renew", ("command",), "root"),
    ("exec certbot renew", ("exec",), "root"),
    ("bash -lc 'certbot renew'", (), "root"),
    ("sh -ec 'exec certbot \"$@\"' x renew", ("exec",), "root"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "prefixes", "user"), PREFIXES)
def test_prefixes(text: str, prefixes: tuple[str, ...] | None, user: str | None) -> None:
    command = cron(text).commands[0]
    if prefixes is None:
        return
    assert (command.argv, command.prefixes, command.user) == (("certbot", "renew"), prefixes, user)
