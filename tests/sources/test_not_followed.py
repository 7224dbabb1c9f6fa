"""Containers and other service managers: what cannot be read is a Gap, what is not there is none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

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


def refuse(self: Root, path: object, *limits: int) -> str:
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


WEBMIN = "etc/webmin/webmincron/crons"
JOB = f"{WEBMIN}/1.cron"
NOBODY = 65534
UNSEEN = "whether Webmin renews certificates was not seen: "


@contextmanager
def shut(path: Path) -> Iterator[None]:
    """A path that the kernel lets nobody in, asked as nobody where the tests run as root."""
    mode, user = path.stat().st_mode, os.geteuid()
    path.chmod(0)
    os.seteuid(NOBODY if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)
        path.chmod(mode)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A directory that every user may search, other than ``tmp_path``."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize(
    ("closed", "where", "why"),
    [
        (JOB, JOB, f"/{JOB}: Permission denied"),
        (WEBMIN, WEBMIN, f"/{WEBMIN}: Permission denied"),
        ("etc/webmin", WEBMIN, "/etc/webmin/webmincron: Permission denied"),
    ],
)
def test_a_closed_configuration_of_another_client_is_a_gap(
    closed: str, where: str, why: str, shared: Path
) -> None:
    put(shared, JOB, "func=renew_letsencrypt_cert\n")
    with shut(shared / closed):
        (gap,) = configured_gaps(Root(shared))
    assert (gap.aspect, gap.reason, gap.evidence[0].place) == ("clients", UNSEEN + why, f"/{where}")


def test_a_closed_configuration_of_a_client_that_keeps_to_itself_is_none(shared: Path) -> None:
    put(shared, "etc/haproxy/haproxy.cfg", "acme letsencrypt\n")
    with shut(shared / "etc/haproxy"):
        assert configured_gaps(Root(shared)) == ()


@pytest.mark.parametrize(
    ("name", "size", "gaps"),
    [
        ("1.cron", 257 << 10, 1), ("1.cron", 256 << 10, 1), ("1.cron", (256 << 10) - 1, 0),
        ("1.cron.bak", 257 << 10, 0),
    ],
)  # fmt: skip
def test_a_configuration_that_is_too_big_to_be_read_is_a_gap(
    name: str, size: int, gaps: int, tmp_path: Path
) -> None:
    put(tmp_path, f"{WEBMIN}/{name}", "#" * size)
    found = [(gap.aspect, gap.reason) for gap in configured_gaps(Root(tmp_path))]
    assert found == [("clients", f"{UNSEEN}/{JOB}: 262144 bytes or more")] * gaps


def test_what_cannot_be_read_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (CONF, f"{CONTAINER}/config.v2.json", f"{CONTAINER}/hostconfig.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    host = open_host(tmp_path, NOON)
    monkeypatch.setattr(Root, "text", refuse)
    assert [gap.aspect for gap in container_gaps(host.root)] == ["containers"]
    (gap,) = supervised_gaps(host)
    assert (gap.aspect, gap.reason) == ("scripts", f"/{CONF}: Permission denied")
