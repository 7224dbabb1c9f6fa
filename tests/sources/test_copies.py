from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certaudit.facts import CertificateFile, LineageFact
from certaudit.host.root import Root
from certaudit.parsers.certificate import parse_pem
from certaudit.records import replace
from certaudit.sources.copies import find_copies
from fixtures.minting import Request, mint

DAY = datetime(2026, 9, 1, tzinfo=timezone.utc)
LE = "etc/letsencrypt"


def minted(number: int, key: str = "") -> tuple[Request, CertificateFile]:
    start = DAY + timedelta(days=60 * number)
    request = Request(("a.example.org",), start, start + timedelta(days=90), key or f"k{number}", number)
    leaf = parse_pem(mint(request).cert.encode(), f"/{LE}/archive/a/cert{number}.pem").leaf
    assert leaf is not None
    return request, leaf


OLD, NEW = minted(1), minted(2)
PRUNED, FOREIGN = minted(3, "k1"), minted(4, "other")
LINEAGE = LineageFact(
    name="a",
    config_dir="/etc/letsencrypt",
    conf="/etc/letsencrypt/renewal/a.conf",
    version=None,
    authenticator=None,
    installer=None,
    autorenew=True,
    renew_before_expiry=None,
    hooks=(),
    params=(),
    live=2,
    live_dir="/etc/letsencrypt/live/a",
    archive_dir="/etc/letsencrypt/archive/a",
    generations=((1, OLD[1]), (2, NEW[1])),
    keys=((1, OLD[1].public_key), (2, NEW[1].public_key)),
)


def put(root: Path, path: str, text: str, when: datetime = DAY) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    os.utime(file, (when.timestamp(), when.timestamp()))


def test_copies_of_every_kind(tmp_path: Path) -> None:
    old, new = mint(OLD[0]), mint(NEW[0])
    put(tmp_path, "srv/host1/tls/fullchain.pem", old.fullchain)
    put(tmp_path, "srv/host1/tls/site.key", new.privkey)
    put(tmp_path, "etc/haproxy/certs/a", new.combined)
    put(tmp_path, "etc/haproxy/certs/mixed.pem", new.fullchain + old.privkey)
    put(tmp_path, "opt/app/odd.name", "# made by deploy\n" + new.cert)
    put(tmp_path, "usr/local/share/reissued.crt", mint(PRUNED[0]).cert)
    found, gaps = find_copies(Root(tmp_path), [LINEAGE])
    assert gaps == ()
    assert [(c.path, c.part, c.fingerprint, c.public_key, c.key_matches) for c in found] == [
        ("/etc/haproxy/certs/a", "combined", NEW[1].fingerprint, NEW[1].public_key, True),
        ("/etc/haproxy/certs/mixed.pem", "combined", NEW[1].fingerprint, NEW[1].public_key, False),
        ("/opt/app/odd.name", "cert", NEW[1].fingerprint, NEW[1].public_key, None),
        ("/srv/host1/tls/fullchain.pem", "cert", OLD[1].fingerprint, OLD[1].public_key, None),
        ("/srv/host1/tls/site.key", "key", None, NEW[1].public_key, None),
        ("/usr/local/share/reissued.crt", "cert", PRUNED[1].fingerprint, OLD[1].public_key, None),
    ]
    assert {c.modified for c in found} == {DAY}


@pytest.mark.parametrize(
    "path",
    [
        f"{LE}/archive/a/cert1.pem",
        f"{LE}/keys/0001_key-certbot.pem",
        "var/lib/docker/overlay2/x/etc/a.pem",
        "var/lib/containers/storage/a.pem",
        "home/someone/a.pem",
    ],
)
def test_places_that_are_not_searched(tmp_path: Path, path: str) -> None:
    put(tmp_path, path, mint(NEW[0]).combined)
    assert find_copies(Root(tmp_path), [LINEAGE]) == ((), ())


def test_what_is_no_copy(tmp_path: Path) -> None:
    put(tmp_path, "etc/ssl/other.pem", mint(FOREIGN[0]).combined)
    put(tmp_path, "etc/ssl/chain.pem", mint(NEW[0]).chain)
    put(
        tmp_path,
        "etc/ssl/junk.pem",
        "-----BEGIN CERTIFICATE-----\n" + "AAAA" * 40 + "\n-----END CERTIFICATE-----\n",
    )
    put(tmp_path, "etc/ssl/big.pem", mint(NEW[0]).cert + "#" * (256 << 10))
    put(tmp_path, f"{LE}/archive/a/cert2.pem", mint(NEW[0]).cert)
    (tmp_path / "etc/ssl/link.pem").symlink_to(f"/{LE}/archive/a/cert2.pem")
    assert find_copies(Root(tmp_path), [LINEAGE]) == ((), ())


def test_directories_that_something_points_to(tmp_path: Path) -> None:
    put(tmp_path, "home/deploy/tls/a.pem", mint(NEW[0]).cert)
    put(tmp_path, "etc/tls/b.pem", mint(NEW[0]).cert)
    extra = ("/home/deploy/tls", "/etc/tls", "/nowhere", "/home/deploy/tls/", "/")
    put(tmp_path, "var/backups/c.pem", mint(NEW[0]).cert)
    found, _ = find_copies(Root(tmp_path), [LINEAGE], extra)
    assert [c.path for c in found] == ["/etc/tls/b.pem", "/home/deploy/tls/a.pem"]


def test_the_search_ends_at_the_limit_and_says_where(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path, f"etc/x/{number}.pem", mint(NEW[0]).cert)
    found, (gap,) = find_copies(Root(tmp_path), [LINEAGE], limit=3)
    assert len(found) == 3
    assert gap.reason == "looked for copies in 3 files only, then stopped at /etc/x/3.pem"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_closed_files_are_one_gap(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path, f"etc/x/{number}.pem", mint(NEW[0]).cert)
        (tmp_path / f"etc/x/{number}.pem").chmod(0)
    found, (gap,) = find_copies(Root(tmp_path), [LINEAGE])
    assert (found, len(gap.evidence)) == ((), 3)
    assert gap.reason == "files that may be copies could not be read: 5"


def test_without_certificates_there_is_nothing_to_look_for(tmp_path: Path) -> None:
    put(tmp_path, "etc/x.pem", mint(NEW[0]).cert)
    assert find_copies(Root(tmp_path), []) == ((), ())
    found, (gap,) = find_copies(Root(tmp_path), [replace(LINEAGE, generations=(), keys=())])
    assert (found, gap.aspect) == ((), "copies")


def test_many_small_files_take_little_time(tmp_path: Path) -> None:
    for directory in range(20):
        for number in range(100):
            put(
                tmp_path,
                f"etc/d{directory}/f{number}{('', '.conf', '.list', '.dat')[number % 4]}",
                "x" * 200,
            )
    started = time.process_time()
    assert find_copies(Root(tmp_path), [LINEAGE]) == ((), ())
    assert time.process_time() - started < 1.5  # 2,000 files; ten times what it takes
