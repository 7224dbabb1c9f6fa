"""What kind of machine a tree is."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certaudit.host.identity import (
    CronDaemon,
    cron_runs,
    find_cron,
    find_init,
    find_zone,
    host_name,
    os_release,
)
from certaudit.host.root import Root
from certaudit.model import Evidence

NO_UNITS: frozenset[str] = frozenset()
WINTER = datetime(2026, 1, 15, 12)
ZONEINFO = Path("/usr/share/zoneinfo/Asia/Tokyo")


def tree(path: Path, *nodes: str) -> Root:
    """``/a/`` is a directory, ``/a -> b`` a link, ``/a = text`` a file."""
    for node in nodes:
        place, _, target = node.partition(" -> ")
        place, _, text = place.partition(" = ")
        here = path / place.strip("/")
        here.parent.mkdir(parents=True, exist_ok=True)
        if target:
            here.symlink_to(target)
        elif place.endswith("/"):
            here.mkdir(exist_ok=True)
        else:
            here.write_text(text)
    return Root(path)


@pytest.mark.parametrize(
    ("nodes", "init"),
    [
        (["/etc/"], None),
        (["/etc/systemd/system/"], "systemd"),
        (["/usr/lib/systemd/system/"], "systemd"),
        (["/lib/systemd/system/"], "systemd"),
        (["/etc/inittab", "/etc/"], "sysvinit"),
        (["/etc/inittab", "/lib/systemd/system/"], "sysvinit"),
        (["/etc/inittab", "/lib/systemd/system/", "/sbin/init -> ../lib/systemd/systemd"], "systemd"),
        (["/usr/lib/systemd/system/", "/sbin/openrc"], "openrc"),
        (["/sbin/openrc-init", "/etc/inittab"], "openrc"),
        (["/sbin/init -> /bin/busybox", "/etc/inittab"], "busybox"),
        (["/usr/sbin/init -> /bin/busybox"], "busybox"),
        (["/etc/runit/"], "runit"),
        (["/etc/s6/"], "s6"),
        # the link alone is no unit directory: a tree without units says nothing of them
        (["/sbin/init -> /lib/systemd/systemd"], None),
    ],
)
def test_the_init_of_an_image(tmp_path: Path, nodes: list[str], init: str | None) -> None:
    assert find_init(tree(tmp_path, *nodes), live=False) == init


@pytest.mark.parametrize(
    ("nodes", "init"),
    [
        (["/run/systemd/system/", "/usr/lib/systemd/system/"], "systemd"),
        (["/run/", "/usr/lib/systemd/system/"], "none"),
        (["/run/", "/usr/lib/systemd/system/", "/sbin/init -> /lib/systemd/systemd"], "none"),
        (["/run/", "/usr/lib/systemd/system/", "/sbin/openrc"], "openrc"),
    ],
)
def test_the_init_of_a_live_machine(tmp_path: Path, nodes: list[str], init: str) -> None:
    assert find_init(tree(tmp_path, *nodes), live=True) == init


def test_live_a_booted_systemd_decides(tmp_path: Path) -> None:
    root = tree(tmp_path, "/run/systemd/system/", "/usr/lib/systemd/system/", "/etc/inittab")
    assert find_init(root, live=True) == "systemd"


def test_the_cron_daemon_by_its_program(tmp_path: Path) -> None:
    root = tree(tmp_path, "/usr/sbin/cron", "/usr/sbin/crond", "/etc/os-release = ID=fedora\n")
    assert find_cron(root, frozenset({"crond.service"})) == CronDaemon(
        "vixie-debian", True, ("cron.service",), Evidence("/usr/sbin/cron")
    )


@pytest.mark.parametrize(
    ("nodes", "name", "units", "where"),
    [
        (["/usr/sbin/crond"], "cronie", ("crond.service", "cronie.service"), "/usr/sbin/crond"),
        (["/usr/sbin/fcron"], "fcron", ("fcron.service",), "/usr/sbin/fcron"),
        (
            ["/bin/busybox", "/usr/sbin/crond -> /bin/busybox"],
            "busybox",
            ("crond.service", "cronie.service"),
            "/usr/sbin/crond",
        ),
        (
            ["/usr/lib/systemd/system-generators/systemd-crontab-generator", "/usr/sbin/cron"],
            "systemd-cron",
            ("cron.target",),
            "/usr/lib/systemd/system-generators/systemd-crontab-generator",
        ),
    ],
)
def test_other_cron_daemons(
    tmp_path: Path, nodes: list[str], name: str, units: tuple[str, ...], where: str
) -> None:
    assert find_cron(tree(tmp_path, *nodes), NO_UNITS) == CronDaemon(name, True, units, Evidence(where))


@pytest.mark.parametrize(
    ("unit", "name"),
    [("cron.service", "vixie-debian"), ("crond.service", "cronie"), ("cronie.service", "cronie")],
)
def test_the_cron_daemon_by_its_unit(tmp_path: Path, unit: str, name: str) -> None:
    root = tree(tmp_path, "/etc/os-release = ID=alpine\n")
    units = frozenset({unit, "x.service"})
    assert find_cron(root, units) == CronDaemon(name, True, (unit,), Evidence(unit))


@pytest.mark.parametrize(
    ("nodes", "name"),
    [
        (["/etc/os-release = ID=ubuntu\n"], "vixie-debian"),
        (["/etc/os-release = ID=raspbian\nID_LIKE=debian\n"], "vixie-debian"),
        (["/etc/debian_version"], "vixie-debian"),
        (['/etc/os-release = ID="almalinux"\nID_LIKE="rhel centos fedora"\n'], "cronie"),
        (["/etc/redhat-release"], "cronie"),
        (["/usr/lib/os-release = ID=arch\n"], "cronie"),
        (["/etc/os-release = ID=alpine\n"], "busybox"),
        (
            ["/etc/crontab = 25 6 * * * root cd / && run-parts --report /etc/cron.daily\n"],
            "vixie-debian",
        ),
        (["/etc/crontab = 25 6 * * * root run-parts /etc/cron.daily\n"], None),
        (["/etc/os-release = ID=gentoo\n"], None),
    ],
)
def test_the_cron_daemon_of_a_partial_tree(tmp_path: Path, nodes: list[str], name: str | None) -> None:
    assert find_cron(tree(tmp_path, *nodes), NO_UNITS) == CronDaemon(name, None)


def test_a_whole_tree_without_a_cron_daemon(tmp_path: Path) -> None:
    root = tree(tmp_path, "/usr/sbin/", "/usr/bin/", "/etc/os-release = ID=debian\n")
    assert find_cron(root, NO_UNITS) == CronDaemon(None, False)


@pytest.mark.parametrize(
    ("names", "runs"),
    [
        (["systemd", "cron"], True),
        (["crond", "sshd"], True),
        (["supercronic"], True),
        (["systemd", "cronolog"], False),
    ],
)
def test_does_a_cron_daemon_run(tmp_path: Path, names: list[str], runs: bool) -> None:
    nodes = [f"/proc/{pid}/comm = {name}\n" for pid, name in enumerate(names, 1)]
    assert cron_runs(tree(tmp_path, *nodes, "/proc/self/comm = cron\n", "/proc/99/")) is runs


@pytest.mark.parametrize("nodes", [["/etc/"], ["/proc/"], ["/proc/7/"], ["/proc/sys/comm = cron\n"]])
def test_a_tree_without_processes_does_not_tell(tmp_path: Path, nodes: list[str]) -> None:
    assert cron_runs(tree(tmp_path, *nodes)) is None


def offset(root: Root) -> timedelta | None:
    zone = find_zone(root)
    return None if zone is None else WINTER.replace(tzinfo=zone).utcoffset()


@pytest.mark.parametrize(
    "target",
    ["/usr/share/zoneinfo/Asia/Tokyo", "../usr/share/zoneinfo/Asia/Tokyo"],
)
def test_the_zone_by_its_link(tmp_path: Path, target: str) -> None:
    root = tree(tmp_path, f"/etc/localtime -> {target}", "/etc/timezone = Europe/Berlin\n")
    assert str(find_zone(root)) == "Asia/Tokyo"
    assert offset(root) == timedelta(hours=9)


@pytest.mark.parametrize("name", ["UTC", "Etc/UTC", "etc/utc"])
def test_utc_is_known_without_a_data_base(tmp_path: Path, name: str) -> None:
    assert find_zone(tree(tmp_path, f"/etc/localtime -> /usr/share/zoneinfo/{name}")) is timezone.utc


@pytest.mark.skipif(not ZONEINFO.exists(), reason="no zoneinfo files here")
def test_the_zone_by_its_data(tmp_path: Path) -> None:
    root = tree(tmp_path, "/etc/timezone = Europe/Berlin\n")
    (tmp_path / "etc/localtime").write_bytes(ZONEINFO.read_bytes())
    assert offset(root) == timedelta(hours=9)


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        ["/etc/localtime = no zone\n"],
        ["/etc/localtime -> /usr/share/zoneinfo/Mars/Olympus"],
        ["/etc/localtime/"],
    ],
)
def test_the_zone_by_its_name(tmp_path: Path, nodes: list[str]) -> None:
    root = tree(tmp_path, "/etc/timezone = Europe/Berlin\n", *nodes)
    assert str(find_zone(root)) == "Europe/Berlin"


@pytest.mark.parametrize(
    "nodes",
    [
        ["/etc/"],
        ["/etc/timezone = Mars/Olympus\n"],
        ["/etc/timezone = \n"],
        ["/etc/timezone = ../../../etc/passwd\n"],
        ["/etc/timezone = a\0b\n"],
    ],
)
def test_a_zone_that_is_not_known(tmp_path: Path, nodes: list[str]) -> None:
    assert find_zone(tree(tmp_path, *nodes)) is None


def test_os_release_quotes(tmp_path: Path) -> None:
    text = (
        '# a comment with = in it\n\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'
        'VERSION=\'12 "x"\'\nHOME_URL="https://example.org/?a=b"\n'
        'BROKEN="no end\nESCAPED="a\\"b"\nnothing\n'
    )
    assert os_release(tree(tmp_path, f"/usr/lib/os-release = {text}")) == {
        "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)",
        "ID": "debian",
        "VERSION": '12 "x"',
        "HOME_URL": "https://example.org/?a=b",
        "BROKEN": '"no end',
        "ESCAPED": 'a"b',
    }


def test_the_admins_os_release_comes_first(tmp_path: Path) -> None:
    root = tree(tmp_path, "/etc/os-release = ID=a\n", "/usr/lib/os-release = ID=b\nNAME=c\n")
    assert os_release(root) == {"ID": "a"}
    assert os_release(tree(tmp_path / "empty", "/etc/")) == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [("web1\n", "web1"), ("# name\n\n  web1.example.org \nweb2\n", "web1.example.org"), ("\n#\n", None)],
)
def test_the_name_of_the_host(tmp_path: Path, text: str, name: str | None) -> None:
    assert host_name(tree(tmp_path, f"/etc/hostname = {text}")) == name


def test_a_host_without_a_name(tmp_path: Path) -> None:
    assert host_name(tree(tmp_path, "/etc/")) is None
