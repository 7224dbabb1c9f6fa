"""Copies: in the form they have, as a pair, never back, never wider, never somewhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from certaudit.parsers.certificate import parse_pem
from certaudit.plan import CopyParts
from tests.fix.machines import HERE, Bench, bench

SITE = "include ../base/wildcard.machine\n"
STALE = SITE + "copy /srv/host1/tls/fullchain.pem of hoge.example 1 fullchain\n"
KEY = "copy /srv/host1/tls/privkey.pem of hoge.example 1 privkey 0600\n"
PLACES = ("srv/host1/tls/fullchain.pem", "srv/host1/tls/privkey.pem")


def copies(machine: Bench) -> list[CopyParts]:
    return [a for a in machine.plan().actions if isinstance(a, CopyParts)]


def refusals(machine: Bench) -> list[str]:
    return [r.why for r in machine.plan().refusals if r.rules == ("stale-copy",)]


def test_each_form_is_kept(tmp_path: Path) -> None:
    machine = bench(HERE / "many-paths.machine", tmp_path)
    forms = {a.path: [s.rpartition("/")[2] for s in a.sources] for a in copies(machine)}
    assert forms == {
        "/etc/haproxy/hoge.pem": ["fullchain2.pem", "privkey2.pem"],
        "/etc/nginx/tls/hoge.key": ["privkey2.pem"],
        "/etc/nginx/tls/hoge.pem": ["cert2.pem"],
        "/srv/host1/tls/fullchain.pem": ["fullchain2.pem"],
        "/srv/host1/tls/privkey.pem": ["privkey2.pem"],
    }
    machine.apply()
    combined = parse_pem((machine.root / "etc/haproxy/hoge.pem").read_bytes(), "")
    assert combined.key_matches
    assert (machine.root / "etc/haproxy/hoge.pem").stat().st_mode & 0o777 == 0o640


def test_a_key_that_comes_first_stays_first(tmp_path: Path) -> None:
    machine = bench(HERE / "many-paths.machine", tmp_path)
    archive = machine.root / "etc/letsencrypt/archive/hoge.example"
    place = machine.root / "etc/haproxy/hoge.pem"
    place.write_bytes(
        (archive / "privkey1.pem").read_bytes() + (archive / "fullchain1.pem").read_bytes()
    )
    machine.apply()
    want = (archive / "privkey2.pem").read_bytes() + (archive / "fullchain2.pem").read_bytes()
    assert place.read_bytes() == want


@pytest.mark.parametrize(
    "extra", [b"-----BEGIN DH PARAMETERS-----\nMEYCQQ==\n-----END DH PARAMETERS-----\n", b"# mine\n"]
)
def test_a_file_with_more_in_it_is_reported(tmp_path: Path, extra: bytes) -> None:
    machine = bench(HERE / "many-paths.machine", tmp_path)
    place = machine.root / "etc/haproxy/hoge.pem"
    place.write_bytes(place.read_bytes() + extra)
    assert "/etc/haproxy/hoge.pem" not in {a.path for a in copies(machine)}
    assert "holds more than" in refusals(machine)[0]
    assert "/srv/host1/tls/privkey.pem" in {a.path for a in copies(machine)}


def test_a_pair_is_done_together_or_not_at_all(tmp_path: Path) -> None:
    machine = bench(STALE + KEY, tmp_path)
    os.link(machine.root / PLACES[1], machine.root / "srv/other.key")
    assert copies(machine) == []
    assert "hard links" in refusals(machine)[0]


def test_never_back_to_an_older_certificate(tmp_path: Path) -> None:
    text = SITE.replace("wildcard.machine\n", "wildcard.machine\nlive hoge.example 1\n")
    machine = bench(text, tmp_path)
    before = machine.manifest()
    assert copies(machine) == []
    assert "is not the newest generation" in refusals(machine)[0]
    assert machine.manifest() == before


def test_a_live_pair_that_does_not_fit_is_never_copied(tmp_path: Path) -> None:
    machine = bench(STALE + KEY, tmp_path)
    archive = machine.root / "etc/letsencrypt/archive/hoge.example"
    (archive / "privkey2.pem").write_bytes((archive / "privkey1.pem").read_bytes())
    assert copies(machine) == []
    assert "do not belong together" in refusals(machine)[0]


def test_a_link_out_of_the_way_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "fullchain.pem").write_text("precious")
    machine = bench(STALE + KEY, tmp_path)
    plan = machine.plan()
    tls = machine.root / "srv/host1/tls"
    tls.rename(machine.root / "srv/host1/was")
    tls.symlink_to(outside)
    with pytest.raises(Exception, match="srv/host1/tls"):
        machine.apply(plan)
    assert (outside / "fullchain.pem").read_text() == "precious"
    assert sorted(p.name for p in outside.iterdir()) == ["fullchain.pem"]


def test_a_place_behind_a_link_is_written_inside_the_root(tmp_path: Path) -> None:
    text = SITE + (
        "copy /srv/real/tls/fullchain.pem of hoge.example 1 fullchain\n"
        "link /srv/shown -> /srv/real\n"
        "file /etc/certaudit.toml\n"
        '| [lineages."hoge.example"]\n| copies = ["/srv/real/tls/fullchain.pem"]\n'
    )
    machine = bench(text, tmp_path)
    assert [a.path for a in copies(machine)] == ["/srv/real/tls/fullchain.pem"]


def test_a_missing_place_is_made_if_its_name_tells(tmp_path: Path) -> None:
    text = SITE + (
        "dir /srv/new\nfile /etc/certaudit.toml\n"
        '| [lineages."hoge.example"]\n'
        '| copies = ["/srv/new/fullchain.pem", "/srv/new/privkey.pem"]\n'
    )
    machine = bench(text, tmp_path)
    before = machine.manifest()
    record = machine.apply()
    assert (machine.root / "srv/new/privkey.pem").stat().st_mode & 0o777 == 0o600
    machine.undo(record)
    assert machine.manifest() == before


def test_a_key_in_no_archive_is_kept_beside_the_record(tmp_path: Path) -> None:
    machine = bench(STALE + KEY, tmp_path)
    archive = machine.root / "etc/letsencrypt/archive/hoge.example"
    for name in ("privkey1.pem", "fullchain1.pem"):
        (archive / name).unlink()
    before = machine.manifest()
    plan = machine.plan()
    assert any("in no archive" in note for note in plan.steps[-1].notes)
    record = machine.apply(plan)
    kept = sorted((machine.store.plans / record.id / "before").iterdir())
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600] * len(kept)
    assert any(b"PRIVATE KEY" in path.read_bytes() for path in kept)
    assert "PRIVATE KEY" not in (machine.store.plans / record.id / "plan.json").read_text()
    machine.undo(record)
    assert machine.manifest() == before


def test_owner_mode_and_attributes_are_kept(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    machine = bench(STALE + KEY, tmp_path)
    key = machine.root / PLACES[1]
    os.chown(key, 33, 44)
    key.chmod(0o440)
    try:
        os.setxattr(key, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has no attributes")
    before = machine.manifest()
    record = machine.apply()
    at = key.stat()
    assert (at.st_uid, at.st_gid, at.st_mode & 0o777) == (33, 44, 0o440)
    assert os.getxattr(key, "user.note") == b"mine"
    machine.undo(record)
    assert machine.manifest() == before
