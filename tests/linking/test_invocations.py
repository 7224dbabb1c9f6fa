"""Which commands are calls of a client, and what is inside a container, a snap or an interpreter."""

from __future__ import annotations

import pytest

from certaudit.linking.invocations import Invocation, find
from certaudit.model import ChainStep
from tests.linking.makers import Files, cron, timer, traced

SCRIPT = "/usr/local/sbin/renew"


def calls(command: str, files: Files | None = None) -> tuple[Invocation, ...]:
    (entry, trace), *_ = traced(cron(command), files)
    return find(entry, trace.commands)


@pytest.mark.parametrize(
    ("command", "argv", "config_dir"),
    [
        ("certbot -q renew", ("certbot", "-q", "renew"), "/etc/letsencrypt"),
        ("/usr/bin/certbot renew", ("/usr/bin/certbot", "renew"), "/etc/letsencrypt"),
        ("/opt/eff.org/certbot-auto renew", ("/opt/eff.org/certbot-auto", "renew"), "/etc/letsencrypt"),
        ("certbot renew --config-dir /srv/le", ("certbot", "renew", "--config-dir", "/srv/le"),
         "/srv/le"),
        ("sudo -n nice certbot renew", ("certbot", "renew"), "/etc/letsencrypt"),
        ("snap run certbot.renew", ("certbot", "-q", "renew"), "/etc/letsencrypt"),
        ("python3 -m certbot renew", ("certbot", "renew"), "/etc/letsencrypt"),
        ("/opt/venv/bin/python /opt/venv/bin/certbot renew", ("/opt/venv/bin/certbot", "renew"),
         "/etc/letsencrypt"),
        ("docker run --rm -v /srv/le:/etc/letsencrypt certbot/certbot renew", ("certbot", "renew"),
         "/srv/le"),
        ("docker exec proxy certbot renew", ("certbot", "renew"), "a container"),
    ],
)  # fmt: skip
def test_a_call_of_certbot(command: str, argv: tuple[str, ...], config_dir: str) -> None:
    (call,) = calls(command)
    assert (call.client, call.argv, call.config_dir) == ("certbot", argv, config_dir)
    assert call.arguments.subcommand == "renew"
    assert call.renews


@pytest.mark.parametrize(
    "command",
    ["echo certbot renew", "apt-get install certbot", "grep renew /usr/bin/certbot", "docker ps",
     "python3 x.py"],
)  # fmt: skip
def test_what_only_names_certbot_is_no_call(command: str) -> None:
    assert calls(command) == ()


@pytest.mark.parametrize(
    ("command", "renews"),
    [
        ("certbot renew --dry-run", False),
        ("certbot certificates", False),
        ("certbot delete --cert-name x", False),
        ("certbot certonly -d a.example", True),
        ('certbot "$VERB"', True),
    ],
)
def test_what_can_renew(command: str, renews: bool) -> None:
    (call,) = calls(command)
    assert call.renews is renews


def test_a_false_guard_blocks_a_call() -> None:
    files = Files(gone=frozenset({"/run/systemd/system"}))
    (call,) = calls("[ -d /run/systemd/system ] && certbot renew", files)
    assert call.blocked is not None
    assert call.blocked.holds is False
    (free,) = calls("[ -d /run/systemd/system ] || certbot renew", files)
    assert free.blocked is None


def test_the_chain_has_every_line_from_the_trigger_to_the_call_once() -> None:
    files = Files({SCRIPT: "#!/bin/sh\nset -e\ncertbot -q renew\n"})
    (call,) = calls(SCRIPT, files)
    assert call.chain == (
        ChainStep("/etc/cron.d/renew", 1, f"0 3 * * * root {SCRIPT}"),
        ChainStep(SCRIPT, 3, "certbot -q renew"),
    )
    assert call.command.scripts == (SCRIPT,)


def test_the_options_of_cli_ini_count_but_not_inside_a_container() -> None:
    (entry, trace), *_ = traced(timer("/usr/bin/certbot renew"))
    (call,) = find(entry, trace.commands, (("cert-name", "a.example"),))
    assert call.arguments.cert_name == "a.example"
    command = "docker run -v /srv/le:/etc/letsencrypt certbot/certbot renew"
    (entry, trace), *_ = traced(cron(command))
    (inside,) = find(entry, trace.commands, (("cert-name", "a.example"),))
    assert inside.arguments.cert_name is None
    assert inside.contained
