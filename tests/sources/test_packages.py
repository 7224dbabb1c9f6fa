"""The package managers' logs of a machine: rotated, packed, damaged, of two families."""

from __future__ import annotations

import gzip
from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.host.machine import Host, open_host
from certaudit.model import Source, Trigger
from certaudit.sources.packages import PackageLogs, collect

NOW = datetime(2024, 3, 1, 12, tzinfo=timezone.utc)
TIMER = Trigger("timer:certbot.timer", "timer", "armed", Source("/usr/lib/systemd/system/certbot.timer"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "var/log/apt").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/info").mkdir(parents=True)
    return tmp_path


def found(root: Path, *triggers: Trigger) -> PackageLogs:
    host: Host = open_host(root, NOW)
    return collect(host, triggers or (TIMER,))


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    data = text.encode()
    file.write_bytes(gzip.compress(data) if path.endswith(".gz") else data)


OLD = (
    "2023-06-03 14:01:22 startup archives unpack\n"
    "2023-06-03 14:01:22 install python3-acme:all <none> 1.21.0-1\n"
    "2023-06-03 14:01:23 install certbot:all <none> 1.21.0-1\n"
)


def test_every_rotated_file_is_read_and_only_what_matters_is_kept(root: Path) -> None:
    put(root, "var/log/dpkg.log.2.gz", OLD)
    put(root, "var/log/dpkg.log.1", "2024-02-03 06:00:00 upgrade certbot:all 1.21.0-1 1.21.0-2\n")
    put(root, "var/log/dpkg.log", "2024-03-01 13:00:00 remove certbot:all 1.21.0-2 <none>\n")  # ahead
    logs = found(root)
    assert [(c.where, c.line, c.action) for c in logs.changes] == [
        ("/var/log/dpkg.log.2.gz", 3, "install"),
        ("/var/log/dpkg.log.1", 1, "upgrade"),
    ]
    (span,) = logs.spans
    assert (span.source, span.since) == (
        "dpkg.log",
        datetime(2023, 6, 3, 14, 1, 22, tzinfo=timezone.utc),
    )
    assert logs.gaps == []


def test_apt_and_the_release_upgraders_own_history(root: Path) -> None:
    stanza = "Start-Date: 2023-06-03  14:01:20\nCommandline: apt install {0}\nInstall: {0}:amd64 (1)\n\n"
    put(root, "var/log/apt/history.log", stanza.format("less") + stanza.format("certbot"))
    (root / "var/log/dist-upgrade").mkdir()
    put(root, "var/log/dist-upgrade/history.log", stanza.format("base-files"))
    logs = found(root)
    assert [t.command for t in logs.transactions] == ["apt install base-files", "apt install certbot"]
    (span,) = logs.spans
    assert span.source == "apt"


def test_dnf(root: Path) -> None:
    put(
        root,
        "var/log/dnf.rpm.log",
        "2024-02-05T10:40:03-0500 SUBDEBUG Installed: certbot-2.6.0-1.el9.noarch\n",
    )
    (change,) = found(root).changes
    assert (change.package, change.new, change.line) == ("certbot", "2.6.0-1.el9", 1)


def test_what_is_damaged_or_closed_is_a_gap(root: Path) -> None:
    packed = gzip.compress((OLD * 200).encode(), compresslevel=1)
    (root / "var/log/dpkg.log.1.gz").write_bytes(packed[:-9])
    put(root, "var/log/dpkg.log", "2024-02-03 06:00:00 upgrade certbot:all 1.21.0-1 1.21.0-2\n")
    logs = found(root)
    assert logs.changes[-1].where == "/var/log/dpkg.log"
    (gap,) = logs.gaps
    assert gap.aspect == "packages"
    assert gap.reason.startswith("/var/log/dpkg.log.1.gz: damaged")
    assert [piece.problem is not None for piece in logs.spans[0].pieces] == [True, False]


def test_without_logs_there_is_nothing_and_no_gap(root: Path) -> None:
    logs = found(root)
    assert (logs.changes, logs.transactions, logs.spans, logs.gaps) == ([], [], [], [])


def shipped(root: Path, *triggers: Trigger) -> list[tuple[str, str, int | None]]:
    return [
        (s.trigger, s.package, s.evidence.line if s.evidence else None)
        for s in found(root, *triggers).shippers
    ]


def test_the_package_of_a_known_trigger_with_its_file_list(root: Path) -> None:
    assert shipped(root) == [("timer:certbot.timer", "certbot", None)]
    put(root, "var/lib/dpkg/info/certbot.list", "/.\n/lib/systemd/system/certbot.timer\n")
    assert shipped(root) == [("timer:certbot.timer", "certbot", 2)]


def test_the_package_of_a_vendors_unit_is_found_by_its_file_list(root: Path) -> None:
    unit = Trigger("timer:hoge.timer", "timer", "armed", Source("/usr/lib/systemd/system/hoge.timer"))
    assert shipped(root, unit) == []
    put(root, "var/lib/dpkg/info/hoge-server:amd64.list", "/usr/lib/systemd/system/hoge.timer\n")
    assert shipped(root, unit) == [("timer:hoge.timer", "hoge-server", 1)]


def test_an_administrators_own_file_is_no_packages(root: Path) -> None:
    own = Trigger("cron:/etc/cron.d/wildcard:4", "cron", "armed", Source("/etc/cron.d/wildcard", 4))
    unit = Trigger("timer:certbot.timer", "timer", "armed", Source("/etc/systemd/system/certbot.timer"))
    assert shipped(root, own, unit) == []
    packaged = Trigger("cron:/etc/cron.d/certbot:6", "cron", "dormant", Source("/etc/cron.d/certbot", 6))
    assert shipped(root, packaged) == [("cron:/etc/cron.d/certbot:6", "certbot", None)]
