"""One machine, opened."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certaudit.errors import TargetError
from certaudit.host import machine
from certaudit.host.identity import CronDaemon
from certaudit.host.machine import open_host
from certaudit.model import Evidence, Gap, HostInfo

NOON = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
UTC_GAP = Gap("clock", "the machine's time zone is not known: local times are read as UTC")


def put(root: Path, path: str, text: str = "") -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small Debian in Berlin."""
    put(tmp_path, "etc/hostname", "web1\n")
    put(tmp_path, "etc/os-release", 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    put(tmp_path, "usr/sbin/cron")
    (tmp_path / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    (tmp_path / "usr/lib/systemd/system").mkdir(parents=True)
    return tmp_path


def test_what_is_known_of_a_machine(root: Path) -> None:
    host = open_host(root, NOON)
    assert host.info == HostInfo(
        name="web1",
        target=str(root),
        live=False,
        as_of=NOON,
        os="Debian GNU/Linux 12 (bookworm)",
        init="systemd",
        cron="vixie-debian",
        systemd="unit-files",
    )
    assert (host.live, host.init, str(host.zone)) == (False, "systemd", "Europe/Berlin")
    assert host.cron == CronDaemon("vixie-debian", True, ("cron.service",), Evidence("/usr/sbin/cron"))
    assert (host.journal, host.gaps) == (None, ())


def test_an_aware_moment_is_shown_in_the_machines_zone(root: Path) -> None:
    host = open_host(root, NOON)
    assert host.as_of == NOON
    assert host.as_of.utcoffset() == timedelta(hours=2)
    assert host.info.as_of.isoformat() == "2026-07-01T14:00:00+02:00"


def test_a_naive_moment_is_one_of_the_machines_clock(root: Path) -> None:
    host = open_host(root, datetime(2026, 7, 1, 12))
    assert host.as_of == datetime(2026, 7, 1, 10, tzinfo=timezone.utc)
    assert host.as_of.isoformat() == "2026-07-01T12:00:00+02:00"


def test_no_moment_is_now(root: Path) -> None:
    before = datetime.now(timezone.utc)
    assert before <= open_host(root, None).as_of <= datetime.now(timezone.utc)


def test_a_machine_of_which_little_is_known(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    host = open_host(tmp_path, datetime(2026, 7, 1, 12))
    assert host.info == HostInfo("unknown", str(tmp_path), False, NOON)
    assert (host.zone, host.gaps) == (timezone.utc, (UTC_GAP,))
    assert host.cron == CronDaemon(None, None)


@pytest.mark.parametrize("sign", ["etc", "usr", "var"])
def test_one_directory_is_enough_of_a_root(tmp_path: Path, sign: str) -> None:
    (tmp_path / sign).mkdir()
    assert open_host(tmp_path, NOON).as_of == NOON


def test_a_directory_without_a_root_file_system(tmp_path: Path) -> None:
    put(tmp_path, "home/etc/x")
    with pytest.raises(TargetError) as caught:
        open_host(tmp_path, NOON)
    assert str(caught.value) == f"{tmp_path}: holds no root file system (no etc, usr or var in it)"


def test_a_target_that_is_no_directory(tmp_path: Path) -> None:
    put(tmp_path, "file")
    with pytest.raises(TargetError) as missing:
        open_host(tmp_path / "gone", NOON)
    assert str(missing.value) == f"{tmp_path / 'gone'}: No such file or directory"
    with pytest.raises(TargetError) as file:
        open_host(tmp_path / "file", NOON)
    assert str(file.value) == f"{tmp_path / 'file'}: not a directory"


@pytest.mark.parametrize("path", ["/run/systemd/system", "/run/systemd/system/", "/run/systemd", "/run"])
def test_an_image_will_run_with_its_systemd(root: Path, path: str) -> None:
    assert open_host(root, NOON).path_exists(path) is True


def test_an_image_with_another_init_has_no_systemd_at_run_time(tmp_path: Path) -> None:
    put(tmp_path, "etc/inittab")
    # what a running systemd left there before the image was taken
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    host = open_host(tmp_path, NOON)
    assert host.init == "sysvinit"
    assert host.path_exists("/run/systemd/system") is False


def test_an_image_of_which_no_init_is_known(tmp_path: Path) -> None:
    put(tmp_path, "etc/hostname", "a\n")
    assert open_host(tmp_path, NOON).path_exists("/run/systemd/system") is None


def test_what_will_be_in_run_is_not_known_of_an_image(root: Path) -> None:
    put(root, "run/here")
    host = open_host(root, NOON)
    assert host.path_exists("/run/gone") is None
    assert host.path_exists("/run/here") is True
    assert host.path_exists("/etc/gone") is False
    assert host.path_exists("/etc/hostname") is True
    assert host.path_exists("/srv/gone") is None


@pytest.mark.parametrize("path", ["/", "/run"])
def test_the_root_and_run_are_no_systemds(tmp_path: Path, path: str) -> None:
    put(tmp_path, "etc/inittab")
    (tmp_path / "run").mkdir()
    assert open_host(tmp_path, NOON).path_exists(path) is True


def test_a_live_machine_has_what_its_files_say() -> None:
    host = open_host(Path("/"), NOON)
    assert host.live
    for path in ("/run/systemd/system", "/run/certaudit/none", "/"):
        assert host.path_exists(path) is Path(path).exists()


def test_a_journal_that_nothing_here_can_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root, "var/log/journal/0123/system.journal")
    monkeypatch.setattr(machine, "find_program", lambda name: None)
    host = open_host(root, NOON)
    assert host.journal is None
    reason = "there is a journal, and no journalctl on this machine to read it"
    assert host.gaps == (Gap("journal", reason, (Evidence("/var/log/journal"),)),)


def test_the_journal_files_of_an_image(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = "var/log/journal/0123"
    for name in ("system.journal", "user-1000@1.journal~", "notes.txt"):
        put(root, f"{folder}/{name}")
    put(root, "run/log/journal/0123/system.journal")
    (root / folder / "out.journal").symlink_to("/../../../../etc/hostname")
    (root / folder / "gone.journal").symlink_to("/nowhere")
    (root / folder / "folder.journal").mkdir()
    monkeypatch.setattr(machine, "find_program", lambda name: Path("/opt") / name)
    journal = open_host(root, NOON).journal
    assert journal is not None
    assert journal.program == Path("/opt/journalctl")
    assert journal.files == (
        root / "etc/hostname",  # a link leads nowhere but into the image
        root / folder / "system.journal",
        root / folder / "user-1000@1.journal~",
        root / "run/log/journal/0123/system.journal",
    )
    assert journal.until == NOON
