"""What follows a client call: which commands distribute, what binds them, and where they write."""

from __future__ import annotations

import pytest

from certaudit.linking.distribution import beside, shared_hooks, steps
from certaudit.linking.invocations import find
from certaudit.model import Distribution, Source
from certaudit.records import replace
from tests.linking.makers import LIVE, Files, cron, fact, hooks, traced

SCRIPT = "/usr/local/sbin/renew"


def steps_of(text: str) -> tuple[Distribution, ...]:
    """The steps of a wrapper script."""
    files = Files({SCRIPT: f"#!/bin/sh\n{text}\n"}, gone=frozenset({"/etc/off"}))
    (entry, trace), *_ = traced(cron(SCRIPT), files)
    call = find(entry, trace.commands)[0]
    later = [command for command in trace.commands if command.number > call.command.number]
    return tuple(steps(call, later))


def kinds(text: str) -> list[tuple[str, str]]:
    return [(step.kind, step.binding) for step in steps_of(f"certbot -q renew\n{text}")]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"cp {LIVE}/fullchain.pem /srv/tls/", "copy"),
        (f"install -m 600 {LIVE}/privkey.pem /srv/tls/key.pem", "copy"),
        (f"cat {LIVE}/fullchain.pem {LIVE}/privkey.pem > /etc/haproxy/site.pem", "copy"),
        (f"scp {LIVE}/fullchain.pem web2.example:/etc/tls/", "remote"),
        (f"rsync -aL {LIVE}/ web2.example:/etc/tls/", "remote"),
        ("ssh web2.example systemctl reload nginx", "remote"),
        ("systemctl reload nginx", "reload"),
        ("service postfix restart", "reload"),
        ("nginx -s reload", "reload"),
        ("pkill -HUP slapd", "reload"),
        ("docker restart proxy", "reload"),
        ("/opt/hoge/hand-out", "command"),
    ],
)
def test_what_distributes(text: str, kind: str) -> None:
    assert kinds(text) == [(kind, "every-run")]


@pytest.mark.parametrize(
    "text",
    [
        "echo done",
        "mail -s renewed admin@example.org < /dev/null",
        "date > /var/tmp/last-run",
        "cp /etc/hosts /srv/backup/hosts",
        "systemctl status nginx",
        "nginx -t",
        "curl -fsS https://ping.example/abc",
        "cat /var/log/letsencrypt/letsencrypt.log",
    ],
)
def test_what_does_not(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    ("text", "binding"),
    [
        ("certbot -q renew\nsystemctl reload nginx", "every-run"),
        ("certbot -q renew && systemctl reload nginx", "every-run"),
        ("certbot -q renew || exit 1\nsystemctl reload nginx", "every-run"),
        ("set -e\ncd /\ncertbot -q renew\nsystemctl reload nginx", "every-run"),
        ("certbot -q renew --force-renewal\nsystemctl reload nginx", "own-renewal"),
        (f"openssl x509 -checkend 9 -in {LIVE}/cert.pem && exit 0\n"
         "certbot -q renew\nsystemctl reload nginx", "own-renewal"),
        (f"if openssl x509 -checkend 9 -in {LIVE}/cert.pem; then exit 0; fi\n"
         "certbot -q renew\nsystemctl reload nginx", "own-renewal"),
        (f"certbot -q renew\nif ! cmp -s {LIVE}/cert.pem /srv/cert.pem; then systemctl reload nginx; fi",
         "if-changed"),
        ("certbot renew | grep -q Congratulations && systemctl reload nginx", "own-renewal"),
        ("certbot -q renew\nnginx -t && systemctl reload nginx", "every-run"),
    ],
)  # fmt: skip
def test_what_binds_a_step(text: str, binding: str) -> None:
    assert [step.binding for step in steps_of(text)] == [binding]


def test_a_step_behind_a_false_guard_is_none() -> None:
    assert kinds("if [ -e /etc/off ]; then systemctl reload nginx; fi") == []


def test_a_step_says_where_it_stands_and_for_which_lineage() -> None:
    (found,) = steps_of(f"certbot -q renew\ncp {LIVE}/fullchain.pem /srv/tls/site.pem")
    assert found.source == Source(SCRIPT, 3)
    assert found.command == f"cp {LIVE}/fullchain.pem /srv/tls/site.pem"
    assert found.lineages == ("a.example",)
    assert found.targets[0] == "/srv/tls/site.pem"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"cp {LIVE}/fullchain.pem /srv/tls", "/srv/tls/fullchain.pem"),
        (f"cp -t /srv/tls {LIVE}/fullchain.pem", "/srv/tls/fullchain.pem"),
        (f"install --target-directory=/srv/tls {LIVE}/fullchain.pem", "/srv/tls/fullchain.pem"),
        (f"cat {LIVE}/fullchain.pem > /srv/tls/all.pem", "/srv/tls/all.pem"),
        (f"cat {LIVE}/fullchain.pem | tee /srv/tls/all.pem", "/srv/tls/all.pem"),
        (f"rsync -aL {LIVE}/ /srv/tls/", "/srv/tls/"),
    ],
)
def test_where_a_step_writes(text: str, place: str) -> None:
    found = steps_of(f"certbot -q renew\n{text}")
    assert place in {target for step in found for target in step.targets}


def test_hooks_that_every_path_runs() -> None:
    known = hooks(
        directory=(("pre", "/d/pre"), ("deploy", "/d/deploy"), ("post", "/d/post")),
        cli_ini=(
            ("deploy-hook", "/opt/all", "/etc/letsencrypt/cli.ini", 3),
            ("rsa-key-size", "2", "x", 1),
        ),
    )
    saved = (("renew_hook", "/opt/saved", 17), ("pre_hook", "/opt/before", 18))
    found = list(shared_hooks(known, [replace(fact(), hooks=saved)], {}))
    assert [(d.binding, d.command, d.source) for d in found] == [
        ("deploy-directory", "/d/deploy", Source("/d/deploy")),
        ("deploy-directory", "/d/post", Source("/d/post")),
        ("global-hook", "/opt/all", Source("/etc/letsencrypt/cli.ini", 3)),
        ("saved-hook", "/opt/saved", Source("/etc/letsencrypt/renewal/a.example.conf", 17)),
    ]
    assert all(d.shared for d in found)
    assert found[-1].lineages == ("a.example",)


def beside_of(text: str) -> list[str]:
    """What a script does besides renewing, without its place."""
    files = Files({SCRIPT: f"#!/bin/sh\n{text}\n"})
    (_, trace), *_ = traced(cron(SCRIPT), files)
    entry = cron(SCRIPT).entries[0]
    return [words.partition(" (")[0] for words in beside(trace.commands, find(entry, trace.commands))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("certbot -q renew", []),
        ("sleep 9\ncertbot -q renew && systemctl reload nginx\nlogger done", []),
        (f"certbot -q renew\ncp {LIVE}/fullchain.pem /srv/tls/", []),
        ("perl -e 'sleep int(rand(3600))'; certbot -q renew", []),
        ("tar -cf /srv/b.tar /home\ncertbot -q renew", ["tar -cf /srv/b.tar /home"]),
        ("certbot -q renew\n/opt/backup --all", ["/opt/backup --all"]),
        ("certbot -q renew\ncertbot certificates", []),
    ],
)
def test_what_else_a_trigger_starts(text: str, found: list[str]) -> None:
    assert beside_of(text) == found


def test_a_step_behind_the_wrapper_runs_whether_or_not_it_renewed() -> None:
    files = Files(
        {SCRIPT: "#!/bin/sh\nopenssl x509 -checkend 9 && exit 0\ncertbot renew\nscp a.pem h:\n"}
    )
    (entry, trace), *_ = traced(cron(f"{SCRIPT}; scp b.pem h:"), files)
    call = find(entry, trace.commands)[0]
    later = [command for command in trace.commands if command.number > call.command.number]
    assert [(s.command, s.binding) for s in steps(call, later)] == [
        ("scp a.pem h:", "own-renewal"),
        ("scp b.pem h:", "every-run"),
    ]
