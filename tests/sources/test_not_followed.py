"""Containers and other service managers: what cannot be read is a Gap, what is not there is none."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.errors import UnreadableError
from certaudit.host.machine import open_host
from certaudit.host.root import Root
from certaudit.sources.containers import container_gaps
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


def test_what_cannot_be_read_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (CONF, f"{CONTAINER}/config.v2.json", f"{CONTAINER}/hostconfig.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    host = open_host(tmp_path, NOON)
    monkeypatch.setattr(Root, "text", closed)
    assert [gap.aspect for gap in container_gaps(host.root)] == ["containers"]
    (gap,) = supervised_gaps(host)
    assert (gap.aspect, gap.reason) == ("scripts", f"/{CONF}: Permission denied")
