from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certaudit.facts import Hooks, LineageFact, Package
from certaudit.host.root import Root
from certaudit.model import Evidence, Gap
from certaudit.sources.certbot import collect_hooks, collect_lineages, installed_certbots
from fixtures.minting import Minted, Request, mint

DAY = datetime(2026, 9, 1, tzinfo=timezone.utc)
KINDS = ("cert", "privkey", "chain", "fullchain")
LE = "etc/letsencrypt"
NAME = "a.example.org"


def minted(number: int, key: str = "") -> Minted:
    start = DAY + timedelta(days=60 * number)
    return mint(Request((NAME,), start, start + timedelta(days=90), key or f"key {number}", number + 16))


def put(root: Path, path: str, text: str = "", mode: int = 0o644) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return file


def conf_text(extra: str = "", authenticator: str = "webroot", top: str = "") -> str:
    lines = [f"{kind} = /{LE}/live/{NAME}/{kind}.pem" for kind in KINDS]
    head = ["version = 1.21.0", f"archive_dir = /{LE}/archive/{NAME}", *lines, top]
    return "\n".join([*head, "[renewalparams]", f"authenticator = {authenticator}", extra]) + "\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One lineage with the numbers 2 and 4, live at 4."""
    for number in (2, 4):
        for kind in KINDS:
            put(tmp_path, f"{LE}/archive/{NAME}/{kind}{number}.pem", getattr(minted(number), kind))
    for kind in KINDS:
        link = tmp_path / LE / "live" / NAME / f"{kind}.pem"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../../archive/{NAME}/{kind}4.pem")
    put(tmp_path, f"{LE}/renewal/{NAME}.conf", conf_text())
    return tmp_path


def only(tree: Path) -> LineageFact:
    (found,), _ = collect_lineages(Root(tree))
    return found


def reasons(tree: Path) -> list[str]:
    return [r.code for r in only(tree).broken]


def test_a_healthy_lineage(tree: Path) -> None:
    (found,), gaps = collect_lineages(Root(tree))
    assert gaps == ()
    assert (found.name, found.config_dir) == (NAME, "/etc/letsencrypt")
    assert (found.version, found.authenticator, found.installer) == ("1.21.0", "webroot", None)
    assert (found.live, found.complete) == (4, (2, 4))
    assert (found.live_dir, found.archive_dir) == (f"/{LE}/live/{NAME}", f"/{LE}/archive/{NAME}")
    assert [(n, c.serial, c.names) for n, c in found.generations] == [
        (2, "12", (NAME,)),
        (4, "14", (NAME,)),
    ]
    assert found.keys == tuple((n, c.public_key) for n, c in found.generations)
    assert (found.broken, found.unattended, found.autorenew) == ((), (), True)


def test_hooks_carry_the_line_they_stand_on(tree: Path) -> None:
    put(
        tree, f"{LE}/renewal/{NAME}.conf", conf_text("renew_hook = /usr/local/bin/spread\npost_hook = x")
    )
    assert only(tree).hooks == (("post_hook", "x", 11), ("renew_hook", "/usr/local/bin/spread", 10))


def test_which_files_are_lineages(tree: Path) -> None:
    text = conf_text()
    for name in ("z-copy.conf", ".hidden.conf", "z.conf.bak", "z.conf.disabled", "0.conf"):
        put(tree, f"{LE}/renewal/{name}", text)
    (tree / LE / "renewal" / "dir.conf").mkdir()
    (tree / LE / "renewal" / "gone.conf").symlink_to("nowhere")
    found, gaps = collect_lineages(Root(tree))
    assert [x.name for x in found] == ["0", NAME, "dir", "gone", "z-copy"]
    assert [[r.code for r in x.broken] for x in found] == [
        [],
        [],
        ["unreadable-conf"],
        ["unreadable-conf"],
        [],
    ]
    assert [x.live for x in found] == [4, 4, None, None, 4]
    assert gaps == ()


def test_a_broken_conf_names_its_line_and_keeps_its_certificates(tree: Path) -> None:
    put(tree, f"{LE}/renewal/{NAME}.conf", conf_text("autorenew = no"))
    (reason,) = only(tree).broken
    assert reason.code == "bad-autorenew"
    assert reason.evidence == (Evidence(f"/{LE}/renewal/{NAME}.conf", 10, "autorenew = no"),)
    put(tree, f"{LE}/renewal/{NAME}.conf", "version = 1\nnonsense\n")
    found = only(tree)
    assert [(r.code, r.evidence[0].line) for r in found.broken] == [("unparsable-conf", 2)]
    assert (found.live, [n for n, _ in found.generations]) == (4, [2, 4])
    (tree / LE / "renewal" / f"{NAME}.conf").write_bytes(b"a = 1\nb = \xe9\n")
    assert [(r.code, r.evidence[0].line) for r in only(tree).broken] == [("unparsable-conf", 2)]


def test_live_that_is_no_link_breaks_it(tree: Path) -> None:
    file = tree / LE / "live" / NAME / "chain.pem"
    file.unlink()
    assert reasons(tree) == ["live-not-linked"]
    file.write_text("x")
    assert reasons(tree) == ["live-not-linked"]


def test_a_link_to_nothing_breaks_it(tree: Path) -> None:
    (tree / LE / "archive" / NAME / "privkey4.pem").unlink()
    assert reasons(tree) == ["dangling-live"]
    assert only(tree).complete == (2,)


@pytest.mark.parametrize("part", ["live", "archive"])
def test_a_lineage_missing_from_a_directory_that_is_there_is_broken(tree: Path, part: str) -> None:
    (tree / LE / part / NAME).rename(tree / "away")
    assert len(reasons(tree)) == 4


@pytest.mark.parametrize("part", ["live", "archive"])
def test_in_a_partial_tree_it_is_unknown_and_not_broken(tree: Path, part: str) -> None:
    (tree / LE / part).rename(tree / "away")
    (found,), gaps = collect_lineages(Root(tree))
    assert found.broken == ()
    assert {g.aspect for g in gaps} == {"certificates"}
    assert len(gaps[0].evidence) == 4


def test_without_renewal_nothing_is_assessed(tmp_path: Path) -> None:
    assert collect_lineages(Root(tmp_path)) == (
        (),
        (Gap("renewal", f"/{LE}/renewal is not in the tree"),),
    )
    (tmp_path / LE / "renewal").mkdir(parents=True)
    assert collect_lineages(Root(tmp_path)) == ((), ())


def test_an_interrupted_switch_goes_back(tree: Path) -> None:
    live = tree / LE / "live" / NAME
    for kind in KINDS[:3]:
        (live / f"previous_{kind}.pem").symlink_to(f"/{LE}/archive/{NAME}/{kind}2.pem")
    assert only(tree).live == 4  # not all four: certbot drops them
    (live / "previous_fullchain.pem").symlink_to(f"/{LE}/archive/{NAME}/fullchain2.pem")
    assert only(tree).live == 2


def test_the_smallest_number_is_what_is_deployed(tree: Path) -> None:
    link = tree / LE / "live" / NAME / "cert.pem"
    link.unlink()
    link.symlink_to(f"/{LE}/archive/{NAME}/cert2.pem")
    assert only(tree).live == 2


def test_a_config_directory_elsewhere_and_a_reused_key(tmp_path: Path) -> None:
    base = "srv/le"
    for kind in KINDS:
        put(tmp_path, f"{base}/store/{kind}1.pem", getattr(minted(1), kind))
        put(tmp_path, f"{base}/store/{kind}2.pem", getattr(minted(2, "key 1"), kind))
        link = tmp_path / base / "now" / f"{kind}.pem"
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(f"/{base}/store/{kind}2.pem")
    (tmp_path / base / "store" / "privkey2.pem").unlink()
    (tmp_path / base / "store" / "privkey2.pem").symlink_to("privkey1.pem")
    text = (
        conf_text()
        .replace(f"/{LE}/live/{NAME}", f"/{base}/now")
        .replace(f"/{LE}/archive/{NAME}", f"/{base}/store")
    )
    put(tmp_path, f"{base}/renewal/x.conf", text)
    (found,), gaps = collect_lineages(Root(tmp_path), f"/{base}/")
    assert (found.config_dir, found.live, found.archive_dir) == (f"/{base}", 2, f"/{base}/store")
    assert found.keys[0][1] == found.keys[1][1] == found.generations[0][1].public_key
    assert (found.broken, gaps) == ((), ())


def test_files_that_can_not_be_read_are_one_gap(tree: Path) -> None:
    put(tree, f"{LE}/archive/{NAME}/cert2.pem", "junk")
    put(tree, f"{LE}/archive/{NAME}/privkey2.pem", "junk")
    (found,), (gap,) = collect_lineages(Root(tree))
    assert [n for n, _ in found.generations] == [4]
    assert gap.reason == f"{NAME}: 2 of its certificate and key files could not be read"
    assert [e.where for e in gap.evidence] == [
        f"/{LE}/archive/{NAME}/{k}2.pem" for k in ("cert", "privkey")
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_closed_directory_is_a_gap(tree: Path) -> None:
    (tree / LE / "live").chmod(0)
    (found,), gaps = collect_lineages(Root(tree))
    assert found.broken == ()
    assert gaps


def unattended(tree: Path) -> list[str]:
    return [r.code for r in only(tree).unattended]


def test_manual_needs_a_hook_whose_program_is_there(tree: Path) -> None:
    conf = f"{LE}/renewal/{NAME}.conf"
    put(tree, conf, conf_text(authenticator="manual"))
    (reason,) = only(tree).unattended
    assert (reason.code, reason.evidence[0].line) == ("manual-without-hook", 9)
    put(tree, conf, conf_text("manual_auth_hook = /usr/local/bin/add x", "manual"))
    assert unattended(tree) == []  # /usr/local/bin is not in the tree
    program = put(tree, "usr/local/bin/add", "#!/bin/sh\n", 0o644)
    assert unattended(tree) == ["hook-program-missing"]
    program.chmod(0o755)
    assert unattended(tree) == []
    program.unlink()
    assert unattended(tree) == ["hook-program-missing"]
    put(tree, conf, conf_text("manual_auth_hook = add.sh", "manual"))
    assert unattended(tree) == []


def test_cli_ini_can_bring_the_hook(tree: Path) -> None:
    put(tree, f"{LE}/renewal/{NAME}.conf", conf_text(authenticator="manual"))
    put(tree, "root/.config/letsencrypt/cli.ini", "manual-auth-hook = add.sh\n")
    assert unattended(tree) == []


def test_a_plugin_is_missing_only_where_certbot_can_be_seen(tree: Path) -> None:
    put(tree, f"{LE}/renewal/{NAME}.conf", conf_text(authenticator="dns-route53"))
    assert unattended(tree) == []
    put(tree, "usr/lib/python3/dist-packages/certbot/__init__.py")
    assert unattended(tree) == ["missing-plugin"]
    put(tree, "usr/local/lib/python3.11/dist-packages/certbot_dns_route53/__init__.py")
    assert unattended(tree) == []
    put(tree, f"{LE}/renewal/{NAME}.conf", conf_text(authenticator="dns-hogehoge"))
    assert unattended(tree) == []
    put(tree, f"{LE}/renewal/{NAME}.conf", conf_text("installer = nginx"))
    assert unattended(tree) == ["missing-plugin"]
    put(tree, "snap/certbot/current/meta/snap.yaml", "name: certbot\nversion: 2.9.0\n")
    assert unattended(tree) == []


def test_hooks_and_options_for_all(tmp_path: Path) -> None:
    base = f"{LE}/renewal-hooks"
    put(tmp_path, f"{base}/deploy/10-nginx.sh", "", 0o755)
    put(tmp_path, f"{base}/deploy/old.sh~", "", 0o755)
    put(tmp_path, f"{base}/deploy/README", "", 0o644)
    put(tmp_path, f"{base}/pre/.hidden", "", 0o700)
    (tmp_path / base / "post" / "dir").mkdir(parents=True)
    (tmp_path / base / "post" / "gone").symlink_to("/nowhere")
    put(tmp_path, f"{LE}/cli.ini", "# x\nmax-log-backups = 0\ndeploy-hook = /usr/bin/spread --all\n")
    put(tmp_path, "root/.config/letsencrypt/cli.ini", "no-directory-hooks\n")
    hooks, gaps = collect_hooks(Root(tmp_path))
    assert hooks == Hooks(
        "/etc/letsencrypt",
        (("pre", f"/{base}/pre/.hidden"), ("deploy", f"/{base}/deploy/10-nginx.sh")),
        (
            ("deploy", f"/{base}/deploy/README", "not executable"),
            ("deploy", f"/{base}/deploy/old.sh~", "its name ends in ~"),
            ("post", f"/{base}/post/dir", "not a file"),
            ("post", f"/{base}/post/gone", "a link to nothing"),
        ),
        (
            ("max-log-backups", "0", f"/{LE}/cli.ini", 2),
            ("deploy-hook", "/usr/bin/spread --all", f"/{LE}/cli.ini", 3),
            ("no-directory-hooks", "true", "/root/.config/letsencrypt/cli.ini", 1),
        ),
    )
    assert gaps == ()


def test_a_cli_ini_that_certbot_refuses_is_a_gap(tmp_path: Path) -> None:
    put(tmp_path, f"{LE}/cli.ini", "ok = 1\n= what\n")
    _, (gap,) = collect_hooks(Root(tmp_path))
    assert gap.evidence == (Evidence("/etc/letsencrypt/cli.ini", 2),)


def test_installed_by_dpkg(tmp_path: Path) -> None:
    put(
        tmp_path,
        "var/lib/dpkg/status",
        "Package: certbot-extra\nStatus: install ok installed\nVersion: 9\n\n"
        "Package: python3-certbot\nStatus: install ok installed\nVersion: 1.21.0-1build1\n\n"
        "Package: certbot\nStatus: install ok installed\nArchitecture: all\nVersion: 1.21.0-1build1\n\n"
        "Package: letsencrypt\nStatus: deinstall ok config-files\nVersion: 0.27.0-1\n",
    )
    put(tmp_path, "usr/lib/python3/dist-packages/certbot-1.21.0.egg-info/PKG-INFO")
    expected = Package("certbot", "1.21.0-1build1", "dpkg", Evidence("/var/lib/dpkg/status", 9))
    assert installed_certbots(Root(tmp_path)) == (expected,)


def test_a_removed_package_is_not_installed(tmp_path: Path) -> None:
    put(
        tmp_path,
        "var/lib/dpkg/status",
        "Package: certbot\nStatus: deinstall ok config-files\nVersion: 1\n",
    )
    assert installed_certbots(Root(tmp_path)) == ()


def test_installed_by_snap_and_pip(tmp_path: Path) -> None:
    put(tmp_path, "snap/certbot/3700/meta/snap.yaml", "name: certbot\nversion: '2.11.0'\n")
    (tmp_path / "snap/certbot/current").symlink_to("3700")
    put(tmp_path, "opt/certbot/lib/python3.10/site-packages/certbot-2.9.0.dist-info/METADATA")
    put(tmp_path, "opt/certbot/lib/python3.10/site-packages/certbot_nginx-2.9.0.dist-info/METADATA")
    site = "/opt/certbot/lib/python3.10/site-packages"
    assert installed_certbots(Root(tmp_path)) == (
        Package("certbot", "2.11.0", "snap", Evidence("/snap/certbot/current/meta/snap.yaml", 2)),
        Package("certbot", "2.9.0", "pip", Evidence(f"{site}/certbot-2.9.0.dist-info")),
    )


def test_a_snap_that_is_not_mounted_has_no_known_version(tmp_path: Path) -> None:
    for revision in (990, 3024):
        put(tmp_path, f"var/lib/snapd/snaps/certbot_{revision}.snap")
    expected = Package("certbot", "", "snap", Evidence("/var/lib/snapd/snaps/certbot_3024.snap"))
    assert installed_certbots(Root(tmp_path)) == (expected,)


def test_python_of_an_rpm_distribution(tmp_path: Path) -> None:
    put(tmp_path, "usr/lib/python3.9/site-packages/certbot-2.11.0-py3.9.egg-info/PKG-INFO")
    put(tmp_path, "var/lib/rpm/rpmdb.sqlite")
    (found,) = installed_certbots(Root(tmp_path))
    assert (found.version, found.manager) == ("2.11.0", "rpm")
