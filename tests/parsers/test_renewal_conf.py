from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.parsers.renewal_conf import Param, Problem, check_cost, parse_renewal_conf

MODERN = """\
# renew_before_expiry = 30 days
version = 2.1.0
archive_dir = /etc/letsencrypt/archive/hogehoge.example.org
cert = /etc/letsencrypt/live/hogehoge.example.org/cert.pem
privkey = /etc/letsencrypt/live/hogehoge.example.org/privkey.pem
chain = /etc/letsencrypt/live/hogehoge.example.org/chain.pem
fullchain = /etc/letsencrypt/live/hogehoge.example.org/fullchain.pem

# Options used in the renewal process
[renewalparams]
account = 0123456789abcdef0123456789abcdef
pref_challs = dns-01,
authenticator = manual
manual_auth_hook = /usr/local/sbin/dns-add "%d"
renew_hook = systemctl reload nginx # after each
server = https://acme-v02.api.letsencrypt.org/directory
[[webroot_map]]
hogehoge.example.org = /var/www/html
"""

FIRST_ERA = """\
cert = /etc/letsencrypt/live/a.example/cert.pem
privkey = /etc/letsencrypt/live/a.example/privkey.pem
chain = /etc/letsencrypt/live/a.example/chain.pem
fullchain = /etc/letsencrypt/live/a.example/fullchain.pem

# Options and defaults used in the renewal process
[renewalparams]
no_self_upgrade = False
ifaces = None
func = <function obtain_cert at 0x7f0c5a1c9b90>
checkpoints = -1
http01_port = None
installer = None
authenticator = webroot
domains = a.example, www.a.example
webroot_path = /var/www/a,
"""


def head(params: str = "authenticator = standalone\n", top: str = "") -> str:
    return MODERN.partition("# Options")[0] + top + "[renewalparams]\n" + params


def test_a_modern_conf_with_lines() -> None:
    conf = parse_renewal_conf(MODERN)
    assert conf.value("version") == "2.1.0"
    assert conf.value("renew_before_expiry") is None  # a comment is no setting
    assert conf.top[1] == Param("archive_dir", "/etc/letsencrypt/archive/hogehoge.example.org", 3)
    assert conf.param("authenticator") == Param("authenticator", "manual", 13)
    assert conf.hooks == (
        Param("renew_hook", "systemctl reload nginx", 15),
        Param("manual_auth_hook", '/usr/local/sbin/dns-add "%d"', 14),
    )
    assert conf.webroot_map == (("hogehoge.example.org", "/var/www/html"),)
    assert conf.autorenew
    assert conf.problems == ()
    assert conf.lists == ()


def test_the_first_era_writes_none_for_nothing() -> None:
    conf = parse_renewal_conf(FIRST_ERA)
    assert conf.value("version") is None
    assert conf.param("installer") is None
    assert conf.param("domains") == Param("domains", "a.example, www.a.example", 15)
    assert conf.param("webroot_path") == Param("webroot_path", "/var/www/a", 16)
    assert conf.problems == ()


def test_acme_renewal_info() -> None:
    conf = parse_renewal_conf(head() + "[acme_renewal_info]\nari_retry_after = 2026-01-19T18:00:04\n")
    assert conf.ari_retry_after == "2026-01-19T18:00:04"


@pytest.mark.parametrize("value", ["False", "false", "FALSE", '"False"', "'false'  # by hand"])
def test_autorenew_off(value: str) -> None:
    conf = parse_renewal_conf(head(f"authenticator = manual\nautorenew = {value}\n"))
    assert not conf.autorenew
    assert conf.problems == ()


@pytest.mark.parametrize("value", ["no", "0", "off", "False,", "", "None"])
def test_autorenew_that_is_no_boolean_is_a_parse_failure_of_certbot(value: str) -> None:
    conf = parse_renewal_conf(head(f"authenticator = manual\nautorenew = {value}\n"))
    shown = value.rstrip(",")
    expected = f"Expected True or False for autorenew but found {shown}"
    assert conf.problems == (Problem("bad-autorenew", expected, 11),)


def test_autorenew_outside_renewalparams_has_no_say() -> None:
    assert parse_renewal_conf(head(top="autorenew = False\n")).autorenew


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (MODERN.replace("\nchain =", "\nchained ="), "missing-file-reference", None),
        (MODERN.replace("\ncert = ", "\ncert = a, "), "bad-file-reference", 4),
        (MODERN.partition("[renewalparams]")[0], "no-renewalparams", None),
        (MODERN.replace("authenticator", "authenticated"), "no-authenticator", 10),
        (head("authenticator = nginx\nreuse_key = yes\n"), "bad-reuse-key", 11),
        (head("authenticator = nginx\nrsa_key_size = large\n"), "bad-rsa-key-size", 11),
    ],
)
def test_what_certbot_refuses_after_reading(text: str, code: str, line: int | None) -> None:
    problem = parse_renewal_conf(text).problems[0]
    assert (problem.code, problem.line) == (code, line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("cert = a\nwhat is this\n", 2),
        ("[renewalparams\n", 1),
        ("a = 1\na = 2\n", 2),
        ("[[webroot_map]]\n", 1),
        ("[renewalparams]\n[renewalparams]\n", 2),
        ('a = "open\n', 1),
        ("a = %(b)s\n", None),
        ("\x00\x00GITCRYPT\x00", 1),
    ],
)
def test_broken_text(text: str, line: int | None) -> None:
    with pytest.raises(ParseError) as caught:
        parse_renewal_conf(text)
    assert caught.value.line == line


def test_lines_go_on_after_a_value_of_several_lines() -> None:
    conf = parse_renewal_conf(head("pre_hook = '''one\ntwo'''\nauthenticator = nginx\n"))
    assert conf.param("pre_hook") == Param("pre_hook", "one\ntwo", 10)
    assert conf.param("authenticator") == Param("authenticator", "nginx", 12)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "b ," * 500 + '"',
        "a = " + "'\"," * 200,
        "a = b" + " " * 5000 + '"',
        "[" * 2000 + "]" * 2000 + "x",
        "".join(f"k{n} = %(k{n + 1})s%(k{n + 1})s\n" for n in range(40)),
        "a = 1\n" * 60000,
    ],
)
def test_text_made_to_take_for_ever_is_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ParseError):
        parse_renewal_conf(text)
    assert time.process_time() - started < 1


def test_long_but_honest_values_are_read() -> None:
    domains = ", ".join(f"h{n}.example.org" for n in range(200))
    quoted = ",".join(f'"/var/www/site {n}"' for n in range(200))
    check_cost(f"domains = {domains}\nwebroot_path = {quoted}\n")
    conf = parse_renewal_conf(head(f"domains = {domains}\nwebroot_path = {quoted}\n"))
    assert [p.value.count(", ") for p in conf.params] == [199, 199]


@given(st.text(max_size=300) | st.text(alphabet="ab=,'\"[]#%()s \n\t", max_size=80))
def test_any_text_is_a_record_or_a_parse_error(text: str) -> None:
    try:
        conf = parse_renewal_conf(text)
    except ParseError as error:
        assert error.line is None or error.line >= 1
    else:
        assert all(isinstance(p.value, str) for p in (*conf.top, *conf.params))
