"""Where a command sends: by scp(1), rsync(1) and ssh(1); what is not certain is nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.parsers.ssh_command import Sending, is_remote, may_send, parse_place, sending

IN_LIVE = ("cert.pem", "chain.pem", "fullchain.pem", "privkey.pem")
LIVE = "/etc/letsencrypt/live/a.example"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("scp a.pem web:/etc/tls/x.pem", Sending("web", "/etc/tls/x.pem", ("a.pem",))),
        (
            "/usr/bin/scp -q a.pem b.pem u@web:/etc/tls/",
            Sending("u@web", "/etc/tls/", ("a.pem", "b.pem")),
        ),
        (f"scp {LIVE}/fullchain.pem web:", Sending("web", ".", ("fullchain.pem",))),
        ("scp a.pem web:~/tls/x.pem", Sending("web", "tls/x.pem", ("a.pem",))),
        ("scp -P 22 -i /k a web:x", Sending("web", "x", ("a",), ("-p", "22", "-i", "/k"))),
        ("scp -qP22 -l 800 a web:x", Sending("web", "x", ("a",), ("-p", "22"))),
        (
            "scp -o Port=22 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null a web:x",
            Sending("web", "x", ("a",), ("-o", "Port=22")),
        ),
        ("scp -- a web:x", Sending("web", "x", ("a",))),
        ("rsync -az --delete a.pem web:/x/", Sending("web", "/x/", ("a.pem",), (), "rsync")),
        ("rsync --chmod F600 -a a.pem web:/x", Sending("web", "/x", ("a.pem",), (), "rsync")),
        ("rsync -aL /e/live/a/ web:/x/", Sending("web", "/x/", IN_LIVE, (), "rsync")),
        (
            "rsync -aL /e/live/a web:/x",
            Sending("web", "/x", tuple(f"a/{name}" for name in IN_LIVE), (), "rsync"),
        ),
        ("ssh web cat > /etc/x.pem", Sending("web", "/etc/x.pem", (), (), "ssh")),
        (
            "ssh -p 22 -l u web tee /x >/dev/null",
            Sending("web", "/x", (), ("-p", "22", "-l", "u"), "ssh"),
        ),
        ("ssh web umask 077; cat >/x", Sending("web", "/x", (), (), "ssh")),
        ("ssh web dd of=/x", Sending("web", "/x", (), (), "ssh")),
    ],
)
def test_what_is_sent_where(command: str, expected: Sending) -> None:
    assert sending(command) == expected


@pytest.mark.parametrize(
    "command",
    [
        "",
        "scp",
        "scp a",
        "scp a b",
        "scp web:a web2:b",
        "scp web:/x .",
        "scp $F web:/x",
        "scp a web:$D/x",
        "scp a web:~root/x",
        "scp a web:/x/../y",
        "scp a web:-x",
        "scp -P",
        "scp a [2001:db8::1]:/x",
        "rsync a web::module/x",
        "rsync -a dir/ web:/x/",
        "rsync a rsync://web/x",
        "rsync -e 'ssh -p 22' a web:/x",  # the quotes show that nothing was expanded
        "ssh web",
        "ssh web systemctl reload nginx",
        "ssh web cat > /x; rm /y",
        "ssh web cat > $HOME/x",
        "cp a web:/x",
    ],
)
def test_what_is_not_certain_is_nothing(command: str) -> None:
    assert sending(command) is None


def test_the_shell_of_rsync_is_read_from_the_line_as_written() -> None:
    command = "rsync -a -e ssh -p 2222 -i /k a.pem web:/x"
    expected = Sending("web", "/x", ("a.pem",), ("-p", "2222", "-i", "/k"), "rsync")
    assert sending(command, 'rsync -a -e "ssh -p 2222 -i /k" a.pem web:/x') == expected
    assert sending(command) is None
    assert sending(command, 'rsync -a -e "$SHELL_THERE" a.pem web:/x') is None
    long = "rsync -a --rsh=ssh -p 2222 -i /k a.pem web:/x"
    assert sending(long, "rsync -a --rsh='ssh -p 2222 -i /k' a.pem web:/x") == expected


@pytest.mark.parametrize(
    ("command", "may"),
    [
        ("scp $KEY web:/x", True),
        ("scp $KEY $HOST:/x", True),
        ("scp $KEY other:/x", False),
        ("sftp -b /batch web", True),
        ("ssh web cat > $D/x", True),
        ("ssh web systemctl reload nginx", False),
        ("ssh other cat > $D/x", True),  # what $D holds, nobody knows
        ("aws s3 cp a s3://bucket/", False),
    ],
)
def test_what_may_reach_a_host_too(command: str, may: bool) -> None:
    assert may_send(command, "web") is may


def test_places() -> None:
    assert parse_place("deploy@web.example.org:/etc/tls/x.pem") == Sending(
        "deploy@web.example.org", "/etc/tls/x.pem"
    )
    assert is_remote("web:x.pem")
    assert not is_remote("/srv/a:b.pem")
    for text in ("web:", "web:/etc/tls/", "web:$x", "/x", "web:a b"):
        with pytest.raises(ParseError):
            parse_place(text)


WORDS = st.sampled_from(
    [
        "scp",
        "rsync",
        "ssh",
        "-P",
        "-e",
        "--rsh=ssh",
        "--",
        "-i",
        "-o",
        "web:/x",
        "a",
        "",
        "'",
        "cat",
        ">",
    ]
)


@settings(deadline=None)
@given(st.lists(WORDS | st.text(max_size=8), max_size=8), st.text(max_size=40))
def test_any_words(words: list[str], written: str) -> None:
    found = sending(" ".join(words), written)
    assert found is None or (found.host and found.path and ".." not in found.path.split("/"))
