from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from fixtures import build as command
from fixtures.machine import MACHINES, Machine, MachineError, build_text

AS_OF = "as-of 2023-12-03T12:24:00+09:00\n"
ALL_MACHINES = sorted(MACHINES.glob("*.machine"))
TOKYO = timezone(timedelta(hours=9))


def made(tmp_path: Path, text: str) -> Path:
    return build_text(AS_OF + text, tmp_path / "root").root


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(MachineError) as caught:
        build_text(AS_OF + text, tmp_path / "root", tmp_path / "x.machine")
    assert not (tmp_path / "root").exists(), "a refused machine leaves nothing on disk"
    return str(caught.value).removeprefix(f"{tmp_path}/")


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


class TestFiles:
    def test_content_mode_and_time(self, tmp_path: Path) -> None:
        root = made(
            tmp_path, "file /a/b 0640 mtime=2023-02-11T09:00:00.250000+09:00\n| one\n|\n|  two \n"
        )
        assert (root / "a/b").read_bytes() == b"one\n\n two \n"
        assert stat.S_IMODE((root / "a/b").stat().st_mode) == 0o640
        moment = datetime(2023, 2, 11, 0, 0, tzinfo=timezone.utc)
        assert (root / "a/b").stat().st_mtime_ns == int(moment.timestamp()) * 10**9 + 250_000_000

    def test_no_content_is_an_empty_file_of_mode_0644(self, tmp_path: Path) -> None:
        root = made(tmp_path, "file /a\n")
        assert (root / "a").read_bytes() == b""
        assert stat.S_IMODE((root / "a").stat().st_mode) == 0o644

    def test_no_newline_and_raw_bytes(self, tmp_path: Path) -> None:
        root = made(tmp_path, "file /a no-newline\n| x\n| y\nfile /b raw\n| \\xff\\x00\\\\ \\n\n")
        assert (root / "a").read_bytes() == b"x\ny"
        assert (root / "b").read_bytes() == b"\xff\x00\\ \\n\n"

    def test_compressed(self, tmp_path: Path) -> None:
        root = made(tmp_path, "gzip /a.gz\n| x\nxz /a.xz\n| y\n")
        assert gzip.decompress((root / "a.gz").read_bytes()) == b"x\n"
        assert lzma.decompress((root / "a.xz").read_bytes()) == b"y\n"

    def test_time_is_the_as_of_until_born_says_otherwise(self, tmp_path: Path) -> None:
        root = made(tmp_path, "file /a\nborn 2020-01-01T00:00:00+00:00\nfile /d/b\n")
        assert (root / "a").stat().st_mtime == datetime(2023, 12, 3, 12, 24, tzinfo=TOKYO).timestamp()
        born = datetime(2020, 1, 1, tzinfo=timezone.utc).timestamp()
        assert (root / "d/b").stat().st_mtime == (root / "d").stat().st_mtime == born

    def test_a_directory_keeps_its_own_time_and_mode(self, tmp_path: Path) -> None:
        root = made(tmp_path, "dir /d 0700 mtime=2001-01-01T00:00:00+00:00\nfile /d/a\n")
        assert (root / "d").stat().st_mtime == datetime(2001, 1, 1, tzinfo=timezone.utc).timestamp()
        assert stat.S_IMODE((root / "d").stat().st_mode) == 0o700

    def test_link_with_a_time_of_its_own(self, tmp_path: Path) -> None:
        root = made(tmp_path, "link /d/l -> ../nowhere mtime=2001-01-01T00:00:00+00:00\n")
        assert (root / "d/l").readlink() == Path("../nowhere")
        assert (root / "d/l").lstat().st_mtime == datetime(2001, 1, 1, tzinfo=timezone.utc).timestamp()

    def test_paths_follow_links_inside_the_machine(self, tmp_path: Path) -> None:
        root = made(tmp_path, "link /lib -> usr/lib\nlink /a -> /lib/../lib/x\nfile /a/f\n| 1\n")
        assert (root / "usr/lib/x/f").read_text() == "1\n"
        assert (root / "lib").is_symlink()

    def test_a_target_above_the_root_stays_inside(self, tmp_path: Path) -> None:
        root = made(tmp_path, "link /out -> ../../../etc\nfile /out/f\n")
        assert (root / "etc/f").is_file()

    def test_fifo(self, tmp_path: Path) -> None:
        assert stat.S_ISFIFO((made(tmp_path, "fifo /p 0600\n") / "p").stat().st_mode)

    def test_replace_append_set_move_remove(self, tmp_path: Path) -> None:
        text = "file /a 0755\n| 1\nfile /b\n| 1\nfile /c\nfile /d/e/f\nfile /m 0700\n| moved\n"
        text += "replace /a\n| 2\nappend /b 0600\n| 2\nset /c 0400\nremove /d/e\nmove /m -> /n\n"
        root = made(tmp_path, text)
        assert (root / "a").read_text() == "2\n"
        assert stat.S_IMODE((root / "a").stat().st_mode) == 0o755
        assert (root / "b").read_text() == "1\n2\n"
        assert stat.S_IMODE((root / "b").stat().st_mode) == 0o600
        assert stat.S_IMODE((root / "c").stat().st_mode) == 0o400
        assert list((root / "d").iterdir()) == []
        assert not (root / "m").exists()
        assert (root / "n").read_text() == "moved\n"
        assert stat.S_IMODE((root / "n").stat().st_mode) == 0o700

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    def test_owners_by_number_and_by_the_machines_own_accounts(self, tmp_path: Path) -> None:
        text = "file /etc/passwd\n| web:x:333:1::/:/bin/sh\nfile /etc/group\n| staff:x:444:\n"
        root = made(tmp_path, text + "file /a owner=web:staff\nfile /b owner=5:6\nfile /c\n")
        owners = [((root / n).stat().st_uid, (root / n).stat().st_gid) for n in "abc"]
        assert owners == [(333, 444), (5, 6), (0, 0)]

    def test_packages_carry_the_sum_of_their_conffiles(self, tmp_path: Path) -> None:
        text = "file /etc/x\n| as shipped\npackage certbot 1.21.0-1 conffiles=/etc/x\n"
        status = (
            made(tmp_path, text + "replace /etc/x\n| edited\n") / "var/lib/dpkg/status"
        ).read_text()
        shipped = hashlib.md5(b"as shipped\n").hexdigest()
        assert status == (
            "Package: certbot\nStatus: install ok installed\nVersion: 1.21.0-1\nArchitecture: all\n"
            f"Conffiles:\n /etc/x {shipped}\nDescription: certbot\n\n"
        )


class TestMachine:
    def test_says_what_it_is(self, tmp_path: Path) -> None:
        text = AS_OF + "host hogehoge\nzone Asia/Tokyo\nexpect it's free 'text\nexpect silent\n"
        machine = build_text(text, tmp_path / "root")
        as_of = datetime(2023, 12, 3, 12, 24, tzinfo=TOKYO)
        expected = ("it's free 'text", "silent")
        assert machine == Machine(as_of, "Asia/Tokyo", "hogehoge", expected, tmp_path / "root")
        assert (machine.root / "etc/hostname").read_text() == "hogehoge\n"

    def test_zone_data_travels_in_the_tree(self, tmp_path: Path) -> None:
        root = made(tmp_path, "file /etc/debian_version\nzone Asia/Tokyo\n")
        link = (root / "etc/localtime").readlink()
        assert str(link) == "/usr/share/zoneinfo/Asia/Tokyo"
        assert (root / str(link)[1:]).read_bytes()[:4] == b"TZif"
        assert (root / "etc/timezone").read_text() == "Asia/Tokyo\n"

    def test_only_debian_has_a_timezone_file(self, tmp_path: Path) -> None:
        assert not (made(tmp_path, "zone Asia/Tokyo\n") / "etc/timezone").exists()

    def test_an_include_brings_files_but_neither_expectations_nor_born(self, tmp_path: Path) -> None:
        (tmp_path / "base.machine").write_text(
            "born 2001-01-01T00:00:00+00:00\nexpect silent\nfile /a\n"
        )
        text = AS_OF + "include base.machine\nfile /b\nexpect noise\n"
        machine = build_text(text, tmp_path / "root", tmp_path / "x.machine")
        assert machine.expectations == ("noise",)
        assert (machine.root / "a").stat().st_mtime == datetime(
            2001, 1, 1, tzinfo=timezone.utc
        ).timestamp()
        assert (machine.root / "b").stat().st_mtime == machine.as_of.timestamp()

    def test_templates_fill_in_moment_words_and_host(self, tmp_path: Path) -> None:
        text = "host h\nzone Asia/Tokyo\n"
        text += "template t\n| {+0.390} {1} {x}\n| {syslog+6} {host} {2}\n| {iso+0}\n"
        root = made(
            tmp_path, text + 'file /log\n| before\n@ t 2023-12-03T03:47:55.753 a "b c"\n| after\n'
        )
        assert (root / "log").read_text() == (
            "before\n2023-12-03 03:47:56,143 a {x}\nDec  3 03:48:01 h b c\n"
            "2023-12-03T03:47:55.753000+09:00\nafter\n"
        )


class TestLineages:
    LINEAGE = "lineage a.example names=a.example,*.a.example\n"
    FIRST = "generation a.example 1 from=2023-03-01T10:00:00+09:00 days=90\n"
    SECOND = "generation a.example 2 from=2023-04-30T10:00:00+09:00 days=90"

    def test_certificates_as_asked(self, tmp_path: Path) -> None:
        root = made(tmp_path, self.LINEAGE + self.FIRST)
        archive = root / "etc/letsencrypt/archive/a.example"
        leaf, chain = certificate(archive / "cert1.pem"), certificate(archive / "chain1.pem")
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ["a.example", "*.a.example"]
        assert leaf.not_valid_before_utc == datetime(2023, 3, 1, 1, 0, tzinfo=timezone.utc)
        assert leaf.not_valid_after_utc == datetime(2023, 5, 30, 0, 59, 59, tzinfo=timezone.utc)
        authority = chain.public_key()
        assert isinstance(authority, rsa.RSAPublicKey)
        padded = (padding.PKCS1v15(), hashes.SHA256())
        authority.verify(leaf.signature, leaf.tbs_certificate_bytes, *padded)
        assert leaf.issuer == chain.subject
        key = serialization.load_pem_private_key((archive / "privkey1.pem").read_bytes(), None)
        assert key.public_key() == leaf.public_key()

    def test_certbots_layout(self, tmp_path: Path) -> None:
        root = made(tmp_path, self.LINEAGE + self.FIRST + self.SECOND + "\n") / "etc/letsencrypt"
        assert stat.S_IMODE((root / "archive").stat().st_mode) == 0o700
        assert stat.S_IMODE((root / "archive/a.example/privkey2.pem").stat().st_mode) == 0o600
        links = {p.name: str(p.readlink()) for p in (root / "live/a.example").glob("*.pem")}
        names = ("cert", "chain", "fullchain", "privkey")
        assert links == {f"{n}.pem": f"../../archive/a.example/{n}2.pem" for n in names}
        full = (root / "live/a.example/fullchain.pem").read_bytes()
        archive = root / "archive/a.example"
        assert full == (archive / "cert2.pem").read_bytes() + (archive / "chain2.pem").read_bytes()

    def test_generations_differ_unless_the_key_is_shared(self, tmp_path: Path) -> None:
        third = self.SECOND.replace(" 2 ", " 3 ") + " key=same-as:1 serial=0badc0de\n"
        root = made(tmp_path, self.LINEAGE + self.FIRST + self.SECOND + "\n" + third)
        archive = root / "etc/letsencrypt/archive/a.example"
        first, second, last = (certificate(archive / f"cert{n}.pem") for n in (1, 2, 3))
        assert first.public_key() != second.public_key()
        assert first.public_key() == last.public_key()
        assert len({first.serial_number, second.serial_number, last.serial_number}) == 3
        assert last.serial_number == 0x0BADC0DE
        assert (archive / "privkey3.pem").readlink() == Path("privkey1.pem")

    def test_live_can_lag_behind_and_copies_hold_any_generation(self, tmp_path: Path) -> None:
        text = self.LINEAGE + self.FIRST + self.SECOND + "\nlive a.example 1\n"
        root = made(tmp_path, text + "copy /srv/all.pem of a.example 2 combined 0600\n")
        config = root / "etc/letsencrypt"
        assert (config / "live/a.example/cert.pem").resolve().name == "cert1.pem"
        archive = config / "archive/a.example"
        expected = (archive / "fullchain2.pem").read_bytes() + (archive / "privkey2.pem").read_bytes()
        assert (root / "srv/all.pem").read_bytes() == expected
        assert stat.S_IMODE((root / "srv/all.pem").stat().st_mode) == 0o600

    def test_renewal_conf(self, tmp_path: Path) -> None:
        text = "lineage a config-dir=/le\nconf a version=1.21.0 authenticator=manual account=0f\n"
        root = made(tmp_path, text + "| manual_auth_hook = /hook.sh\n")
        assert (root / "le/renewal/a.conf").read_text() == (
            "# renew_before_expiry = 30 days\nversion = 1.21.0\narchive_dir = /le/archive/a\n"
            "cert = /le/live/a/cert.pem\nprivkey = /le/live/a/privkey.pem\n"
            "chain = /le/live/a/chain.pem\nfullchain = /le/live/a/fullchain.pem\n"
            "\n# Options used in the renewal process\n[renewalparams]\n"
            "server = https://acme-v02.api.letsencrypt.org/directory\nkey_type = ecdsa\naccount = 0f\n"
            "authenticator = manual\nmanual_auth_hook = /hook.sh\n"
        )


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("frobnicate /a\n", "x.machine:2: unknown word 'frobnicate'"),
            ("| stray\n", "x.machine:1: as-of takes no content"),
            ("# fine\n\nfile relative\n", "x.machine:4: not an absolute path: 'relative'"),
            ("file /a\nfile /a\n", "x.machine:3: /a is there already: replace, append or remove it"),
            ("file /a\nfile /a/b\n", "x.machine:3: /a is a file"),
            ("file /a 0999\n", "x.machine:2: not a number: '0999'"),
            ("file /a 0644 loud\n", "x.machine:2: not understood: loud"),
            (
                "file /a mtime=2023-01-01T00:00:00\n",
                "x.machine:2: a time needs an offset: '2023-01-01T00:00:00'",
            ),
            ("file /a mtime=soon\n", "x.machine:2: not a time: 'soon'"),
            ("file /a size=3\n", "x.machine:2: file knows no size"),
            ("dir /a\n| x\n", "x.machine:2: dir takes no content"),
            ("file /a\n|x\n", "x.machine:3: a space must follow '|'"),
            ("link /a /b\n", "x.machine:2: link takes 3 to 3 words, not 2"),
            ("link /a b /c\n", "x.machine:2: a link is written PATH -> TARGET"),
            ("link /a -> b\nlink /b -> a\nfile /a/c\n", "x.machine:4: /a/c: too many links"),
            ("remove /a\n", "x.machine:2: /a is not there"),
            ("append /a\n", "x.machine:2: /a is no file above"),
            ('file "/a\n', "x.machine:2: No closing quotation"),
            ("include nowhere.machine\n", "x.machine:2: nowhere.machine is not there"),
            ("zone Mars/Olympus\n", "x.machine:2: no zone data for 'Mars/Olympus' on this computer"),
            ("file /a\n@ t 2023-01-01T00:00:00\n", "x.machine:3: no template 't' above"),
            (
                "template t\n| {2}\nfile /a\n@ t 2023-01-01T00:00:00 x\n",
                "x.machine:5: the template needs word 2 (@ TEMPLATE WHEN [WORD...])",
            ),
            (
                "generation a 1 from=2023-01-01T00:00:00+00:00 days=1\n",
                "x.machine:2: no lineage 'a' above",
            ),
            ("lineage a\ngeneration a 1 days=1\n", "x.machine:3: from= is missing"),
            ("lineage a\ncopy /b of a 1 cert\n", "x.machine:3: no generation 1 of 'a' above"),
            ("package x 1 conffiles=/gone\n", "x.machine:2: conffile /gone is not there"),
        ],
    )
    def test_name_file_and_line(self, tmp_path: Path, text: str, message: str) -> None:
        assert refused(tmp_path, text) == message

    def test_content_before_any_directive(self, tmp_path: Path) -> None:
        with pytest.raises(MachineError, match=r":1: content without a directive above it"):
            build_text("| stray\n", tmp_path / "root")

    def test_an_error_in_an_include_names_the_include(self, tmp_path: Path) -> None:
        (tmp_path / "base.machine").write_text("\nbroken\n")
        assert refused(tmp_path, "include base.machine\n") == "base.machine:2: unknown word 'broken'"

    def test_includes_in_circles(self, tmp_path: Path) -> None:
        (tmp_path / "base.machine").write_text("include base.machine\n")
        assert "go in circles" in refused(tmp_path, "include base.machine\n")

    def test_a_machine_needs_an_as_of(self, tmp_path: Path) -> None:
        with pytest.raises(MachineError, match="no as-of"):
            build_text("file /a\n", tmp_path / "root")

    def test_a_folder_in_use_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "root").mkdir()
        (tmp_path / "root/mine").write_text("precious")
        with pytest.raises(MachineError, match="is not empty"):
            build_text(AS_OF + "file /a\n", tmp_path / "root")
        assert [p.name for p in (tmp_path / "root").iterdir()] == ["mine"]


class TestCommand:
    def test_says_what_was_built(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "x.machine").write_text(AS_OF + "host h\nexpect silent\n")
        assert command.main([str(tmp_path / "x.machine"), str(tmp_path / "root")]) == 0
        expected = f"root {tmp_path}/root\nhost h\nas-of 2023-12-03T12:24:00+09:00\nexpect silent\n"
        assert capsys.readouterr().out == expected

    def test_one_line_for_a_bad_machine(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "x.machine").write_text("oops\n")
        assert command.main([str(tmp_path / "x.machine"), str(tmp_path / "root")]) == 1
        assert capsys.readouterr().err == f"{tmp_path}/x.machine:1: unknown word 'oops'\n"

    def test_wrong_call(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main([]) == 2
        assert capsys.readouterr().err.startswith("usage:")
