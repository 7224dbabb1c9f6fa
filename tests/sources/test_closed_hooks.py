"""Files of renewal-hooks/ that are not run and cannot be read: is one meant as a hook?"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import pytest

from certaudit.errors import UnreadableError
from certaudit.host.root import Root
from certaudit.model import Evidence, Gap
from certaudit.sources.certbot_hooks import collect_hooks
from certaudit.sources.dead_hooks import closed_hooks

HOOKS = "etc/letsencrypt/renewal-hooks"


def put(root: Path, name: str, mode: int) -> None:
    file = root / HOOKS / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n")
    file.chmod(mode)


OPEN = Root.open


def refuse(self: Root, path: str) -> AbstractContextManager[IO[bytes]]:
    if "renewal-hooks" in path:
        raise UnreadableError(f"{path}: Permission denied")
    return OPEN(self, path)


def gaps_of(root: Path) -> tuple[Gap, ...]:
    host = Root(root)
    return closed_hooks(host, collect_hooks(host)[0])


def test_a_closed_file_that_may_be_meant_as_a_hook_is_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "deploy/10-nginx", 0o600)
    put(tmp_path, "deploy/20-followed", 0o700)  # what is run is followed, and its gap told there
    put(tmp_path, "deploy/README", 0o600)
    put(tmp_path, "deploy/old.bak", 0o600)
    put(tmp_path, "pre/stop", 0o600)
    monkeypatch.setattr(Root, "open", refuse)
    path = f"/{HOOKS}/deploy/10-nginx"
    assert gaps_of(tmp_path) == (Gap("hooks", f"{path}: Permission denied", (Evidence(path),)),)
    (tmp_path / "etc/letsencrypt/cli.ini").write_text("no-directory-hooks = true\n")
    assert gaps_of(tmp_path) == ()


def test_what_can_be_read_is_no_gap(tmp_path: Path) -> None:
    put(tmp_path, "deploy/10-nginx", 0o600)
    (tmp_path / HOOKS / "deploy/20-gone").symlink_to("/nowhere")
    (tmp_path / HOOKS / "deploy/30-directory").mkdir()
    assert gaps_of(tmp_path) == ()
