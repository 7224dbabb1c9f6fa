"""Containers and other service managers: what cannot be read is a Gap, what is not there is none."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.errors import UnreadableError
from certaudit.host.machine import open_host
from certaudit.host.root import Root
from certaudit.sources.containers import container_gaps
from certaudit.sources.others import configured_gaps
from certaudit.sources.supervisors import supervised_gaps

NOON = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
CONF = "etc/supervisor/conf.d/web.conf"
CONTAINER = "var/lib/docker/containers/0a"


def closed(self: Root, path: object, *limits: int) -> str:
    raise UnreadableError(f"{path}: Permission denied")


def test_what_is_not_there_is_no_gap(tmp_path: Path) -> None:
    (tmp_path / CONTAINER).mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    assert container_gaps(Root(tmp_path)) == ()
    assert supervised_gaps(open_host(tmp_path, NOON)) == ()


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.mark.parametrize(
    ("image", "command", "aspect"),
    [
        ("neilpang/acme.sh", ["daemon"], "containers"),
        ("ghcr.io/linuxserver/swag:latest", ["/init"], "containers"),
        ("alpine", ["/acme.sh/acme.sh", "--cron"], "containers"),
        ("caddy:2", ["caddy", "run"], "apart"),
        ("docker.io/library/traefik@sha256:00", ["--providers.docker"], "apart"),
        ("example/caddyshack", ["serve"], None),
    ],
)
def test_a_container_of_another_client(
    image: str, command: list[str], aspect: str | None, tmp_path: Path
) -> None:
    known = {"Name": "/tls", "State": {"Running": True}, "Config": {"Image": image, "Cmd": command}}
    put(tmp_path, f"{CONTAINER}/config.v2.json", json.dumps(known))
    put(tmp_path, f"{CONTAINER}/hostconfig.json", "{}")
    found = [(gap.aspect, gap.reason) for gap in container_gaps(Root(tmp_path))]
    reason = f"the container tls runs {image}: what it renews is not seen"
    assert found == ([(aspect, reason)] if aspect else [])


@pytest.mark.parametrize(("program", "told"), [("acme.sh --cron", 1), ("caddy run", 0)])
def test_another_client_that_a_service_manager_keeps_running(
    program: str, told: int, tmp_path: Path
) -> None:
    put(tmp_path, CONF, f"[program:tls]\ncommand=/usr/local/bin/{program}\n")
    assert len(supervised_gaps(open_host(tmp_path, NOON))) == told


@pytest.mark.parametrize(
    ("path", "text", "name", "aspect"),
    [
        ("etc/apache2/mods-enabled/md.conf", "MDomain shop.example.org", "Apache's mod_md", "apart"),
        ("etc/httpd/conf.d/md.conf", "<MDomainSet shop.example.org>", "Apache's mod_md", "apart"),
        ("etc/nginx/nginx.conf", "  acme_certificate example;", "nginx's ACME module", "apart"),
        ("etc/haproxy/haproxy.cfg", "acme letsencrypt", "HAProxy", "apart"),
        ("etc/webmin/webmincron/crons/1.cron", "func=renew_letsencrypt_cert", "Webmin", "clients"),
    ],
)
def test_a_program_whose_configuration_tells_it_to_renew(
    path: str, text: str, name: str, aspect: str, tmp_path: Path
) -> None:
    put(tmp_path, path, f"# {text}\n{text}\n")
    (gap,) = configured_gaps(Root(tmp_path))
    assert (gap.aspect, gap.reason) == (
        aspect,
        f"{name} is at work here: what it renews is not followed",
    )
    assert gap.evidence[0].place == f"/{path}:2"


@pytest.mark.parametrize("length", [40, 200_000])
def test_of_a_long_line_only_the_beginning_is_evidence(length: int, tmp_path: Path) -> None:
    line = "acme_certificate example; # ".ljust(length, "x")
    put(tmp_path, "etc/nginx/nginx.conf", f"{line}\n")
    (gap,) = configured_gaps(Root(tmp_path))
    assert gap.evidence[0].text == line[:300]


def test_a_configuration_that_tells_of_no_renewal_is_no_gap(tmp_path: Path) -> None:
    put(tmp_path, "etc/apache2/sites-available/md.conf", "MDomain shop.example.org\n")
    put(tmp_path, "etc/nginx/nginx.conf", "ssl_certificate /srv/acme_certificate.pem;\n")
    put(tmp_path, "etc/haproxy/haproxy.cfg", "acl acme path_beg /.well-known\nbackend acme\n")
    assert configured_gaps(Root(tmp_path)) == ()


def test_what_cannot_be_read_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (CONF, f"{CONTAINER}/config.v2.json", f"{CONTAINER}/hostconfig.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    host = open_host(tmp_path, NOON)
    monkeypatch.setattr(Root, "text", closed)
    assert [gap.aspect for gap in container_gaps(host.root)] == ["containers"]
    (gap,) = supervised_gaps(host)
    assert (gap.aspect, gap.reason) == ("scripts", f"/{CONF}: Permission denied")
