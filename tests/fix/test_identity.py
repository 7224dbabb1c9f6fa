"""Apply and undo is the identity, on machines that nobody thought of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fix.machines import bench

PIECES = {
    "crontab": "file /var/spool/cron/crontabs/root 0600\n| MAILTO=admin\n| 1 2 * * * certbot -q renew\n",
    "daily": "file /etc/cron.daily/renew 0750\n| #!/bin/sh\n| exec certbot -q renew\n",
    "own-timer": (
        "file /etc/systemd/system/mine.service\n| [Service]\n| ExecStart=/usr/bin/certbot -q renew\n"
        "file /etc/systemd/system/mine.timer\n| [Timer]\n| OnCalendar=daily\n"
        "link /etc/systemd/system/multi-user.target.wants/mine.timer -> /etc/systemd/system/mine.timer\n"
    ),
    "drop-in-there": "dir /etc/systemd/system/mine.timer.d 0700\n",
    "timer-off": "include ../base/timer-off.machine\n",
    "no-newline": "file /etc/cron.d/more no-newline\n| 5 5 * * * root /usr/bin/certbot renew -q\n",
    "odd-bytes": "file /etc/cron.d/odd raw\n| # caf\\xe9\n| 6 6 * * * root /usr/bin/certbot renew -q\n",
    "stale": (
        "copy /srv/host1/tls/fullchain.pem of hoge.example 1 fullchain 0644 "
        "mtime=2024-01-05T00:00:00+00:00\n"
        "copy /srv/host1/tls/privkey.pem of hoge.example 1 privkey 0600\n"
    ),
    "declared": (
        'file /etc/certaudit.toml\n| [lineages."hoge.example"]\n'
        '| copies = ["/opt/hoge/site.key", "/opt/hoge/fullchain.pem"]\n'
    ),
    "combined": (
        "copy /etc/haproxy/hoge.pem of hoge.example 1 combined 0400\n"
        "file /etc/haproxy/haproxy.cfg\n| frontend x\n|     bind *:443 ssl crt /etc/haproxy/hoge.pem\n"
    ),
    "second": (
        "lineage mail.example.org\n"
        "generation mail.example.org 1 from=2024-03-01T09:00:00+00:00 days=90\n"
        "conf mail.example.org version=1.21.0 authenticator=standalone\n"
    ),
}  # fmt: skip


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(chosen=st.sets(st.sampled_from(sorted(PIECES)), min_size=2))
def test_apply_and_undo_is_the_identity(tmp_path: Path, chosen: set[str]) -> None:
    here = tmp_path / "machine"
    shutil.rmtree(here, ignore_errors=True)
    text = "include ../base/wildcard.machine\n" + "".join(PIECES[name] for name in sorted(chosen))
    machine = bench(text, here)
    before = machine.manifest()
    plan = machine.plan()
    record = machine.apply(plan)
    if not plan.refusals:
        assert not [f for f in machine.findings() if f.startswith(("hidden", "rival", "stale"))]
    changed = machine.manifest()
    assert (changed != before) == bool(plan.steps)
    machine.undo(record)
    assert machine.manifest() == before
    assert not machine.store.record(record.id).stands


def test_the_pieces_are_machines(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        assert bench("include ../base/wildcard.machine\n" + PIECES["stale"], tmp_path).findings() == []
