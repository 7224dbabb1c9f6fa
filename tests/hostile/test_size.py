"""Whole audits of machines with too much of something: bounded in time and memory."""

from __future__ import annotations

import functools
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certaudit.cli import run
from tests.hostile.machine import (
    AS_OF,
    DIRECTORIES,
    EVERY_FILE,
    NODES,
    Answer,
    ask,
    copied,
    put,
    sound,
)

# Size


def with_limits(root: Path) -> tuple[Answer, int]:
    """The audit in a process of its own, and its peak memory in MiB."""
    code = (
        "import resource, sys\nfrom certaudit.cli import run\ncode = run(sys.argv[2:])\n"
        "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))\n"
        "sys.exit(code)\n"
    )
    peak = root.parent / "peak"
    words = [str(peak), "audit", str(root), "--as-of", AS_OF, "--format", "json"]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=120, check=False
    )
    answer = Answer(done.returncode, done.stderr, time.perf_counter() - began, json.loads(done.stdout))
    return answer, int(peak.read_text())


def test_a_line_of_a_hundred_megabytes(tree: Path) -> None:
    line = b"certbot " * (1 << 17)
    for path in ("var/log/syslog", "var/log/letsencrypt/letsencrypt.log"):
        with (tree / path).open("wb") as stream:
            for _ in range(100):
                stream.write(line)
            stream.write(b"\nNov 19 04:17:01 web systemd[1]: Starting certbot.service - Certbot...\n")
    with gzip.open(tree / "var/log/syslog.2.gz", "wb", compresslevel=1) as stream:
        for _ in range(100):
            stream.write(line)
    answer, peak = with_limits(tree)
    sound(answer)
    assert peak < 200
    for name in ("syslog", "syslog.2.gz", "letsencrypt/letsencrypt.log"):
        assert answer.spoken_of(f"/var/log/{name}: a line longer than 2 MiB was cut")
    starts = [run for run in answer.report["runs"] if run["started"].startswith("2026-11-19T04:17:01")]
    assert len(starts) == 1  # what follows the long line is read


def test_a_script_and_a_conf_that_are_nothing_but_nesting(tree: Path) -> None:
    for text in (
        "(" * (1 << 20),
        "$(" * (1 << 19),
        "if " * (1 << 18),
        '"`' * (1 << 19),
        "{ " * (1 << 19),
    ):
        (tree / "usr/local/sbin/renew-wildcard").write_text(text)
        sound(ask(tree))
    (tree / "usr/local/sbin/renew-wildcard").write_text("#!/bin/sh\n" + "a=${b:-" * 100_000)
    (tree / "etc/letsencrypt/renewal/deep.conf").write_text("[" * 60_000 + "]" * 60_000)
    (tree / "etc/letsencrypt/renewal/big.conf").write_text("key = value\n" * 400_000)
    answer = sound(ask(tree))
    assert answer.spoken_of("/etc/letsencrypt/renewal/deep.conf")


def test_a_script_longer_than_is_read_is_a_gap(tree: Path) -> None:
    (tree / "usr/local/sbin/renew-wildcard").write_text(
        "#!/bin/sh\n" + "# filler\n" * 150_000 + "certbot renew\n"
    )
    answer = sound(ask(tree))
    assert answer.spoken_of("/usr/local/sbin/renew-wildcard: longer than 1 MiB, the rest was not read")


def test_a_crontab_of_a_hundred_thousand_lines(tree: Path) -> None:
    (tree / "etc/cron.d/wildcard").write_text("1 2 3 4 * root echo certbot renew\n" * 100_000)
    answer = sound(ask(tree))
    assert answer.spoken_of("/etc/cron.d/wildcard has 100000 lines: only the first 2000 were looked at")


def test_scripts_that_call_and_include_each_other_without_end(tree: Path) -> None:
    here = tree / "usr/local/sbin"
    for number in range(400):
        (here / f"s{number}").write_text(f"#!/bin/sh\n. /usr/local/sbin/s{number + 1}\n")
        (here / f"s{number}").chmod(0o755)
    (here / "s400").write_text("#!/bin/sh\n. /usr/local/sbin/s0\ncertbot renew\n")
    (here / "renew-wildcard").write_text(
        "#!/bin/sh\n/usr/local/sbin/renew-wildcard\n. /usr/local/sbin/s0\ncertbot renew\n"
    )
    answer = sound(ask(tree))
    paths = [p for p in answer.report["paths"] if p["trigger"] == "cron:/etc/cron.d/wildcard:1"]
    assert paths  # the call after the endless part is still found


def test_units_that_pull_each_other_in_and_aliases_without_end(tree: Path) -> None:
    etc = tree / "etc/systemd/system"
    for number in range(60):
        following = (number + 1) % 60
        (etc / f"u{number}.service").write_text(
            f"[Unit]\nWants=u{following}.service\n[Service]\nExecStart=/usr/bin/certbot renew\n"
        )
        (etc / f"u{number}.service.wants").mkdir()
        (etc / f"u{number}.service.wants/u{following}.service").symlink_to(f"../u{following}.service")
        (etc / f"a{number}.service").symlink_to(f"a{following}.service")
    (etc / "u.timer").write_text(
        "[Timer]\nOnCalendar=daily\nUnit=u0.service\n[Install]\nWantedBy=timers.target\n"
    )
    (etc / "timers.target.wants/u.timer").symlink_to("../u.timer")
    (etc / "self.target.wants").mkdir()
    (etc / "self.target.wants/self.target.wants").symlink_to(".")
    (etc / "loop.d").symlink_to("loop.d")
    answer = sound(ask(tree))
    assert any(t["id"] == "timer:u.timer" and t["state"] == "armed" for t in answer.report["triggers"])


def test_log_names_that_are_no_logs(tree: Path) -> None:
    logs = tree / "var/log"
    for name in ("syslog.2", "syslog-20261101", "messages", "letsencrypt/letsencrypt.log.2"):
        (logs / name).mkdir()
    good = gzip.compress(b"Nov 17 04:17:01 web systemd[1]: Starting certbot.service - Certbot...\n" * 3)
    (logs / "syslog.3.gz").write_bytes(good + b"garbage after the end")
    (logs / "syslog.4.gz").write_bytes(good[:-12])
    (logs / "syslog.5.xz").write_bytes(b"\xfd7zXZ\0 and no more")
    (logs / "syslog.6.zst").write_bytes(b"\x28\xb5\x2f\xfd\0\0")
    (logs / "syslog.7.gz").write_bytes(b"")
    (logs / "syslog.8.bz2").write_bytes(b"BZh9 no")
    answer = sound(ask(tree))
    for name in (
        "syslog.2",
        "syslog.3.gz",
        "syslog.4.gz",
        "syslog.5.xz",
        "syslog.6.zst",
        "syslog.8.bz2",
    ):
        assert answer.spoken_of(f"/var/log/{name}: "), name
    assert answer.spoken_of("/var/log/letsencrypt/letsencrypt.log.2: a directory, not a regular file")


def test_names_that_are_no_utf8(tree: Path) -> None:
    odd = os.fsdecode(b"caf\xe9\xff\x1b[31m")
    (tree / "usr/local/sbin" / odd).write_text("#!/bin/sh\ncertbot renew\n")
    (tree / "usr/local/sbin" / odd).chmod(0o755)
    (tree / "etc/cron.daily" / odd.replace("\x1b", "")).write_text("#!/bin/sh\ncertbot renew\n")
    (tree / "etc/letsencrypt/renewal" / f"{odd}.conf").write_text("x")
    (tree / "etc/systemd/system" / f"{odd}.timer").write_text("[Timer]\n")
    (tree / "etc/nginx" / odd).write_bytes(b"ssl_certificate /srv/tls/\xff.pem;\n")
    (tree / "var/spool/cron/crontabs" / odd).write_bytes(b"* * * * * certbot renew \xff\n")
    (tree / "etc/cron.d/odd").write_bytes(b"1 1 1 1 * root /usr/local/sbin/caf\xe9\xff\n")
    sound(ask(tree))
    out = tree.parent / "report.txt"
    assert run(["audit", str(tree), "--as-of", AS_OF, "--output", str(out)]) in (0, 1)
    assert out.read_bytes().decode("utf-8")


# Small trees of anything

PIECES = st.sampled_from([*EVERY_FILE, *DIRECTORIES, "/etc/certbot.d", "/usr/local/sbin/auth/x"])
CONTENTS = st.one_of(
    st.binary(max_size=120),
    st.sampled_from(
        (
            b"* * * * * root certbot renew\n",
            b"* * * * * certbot renew\n",
            b"[Timer]\nOnCalendar=*:*\n[Install]\nWantedBy=timers.target\n",
            b"[Service]\nExecStart=certbot renew\nExecStart=\n",
            b"#!/bin/sh\n. $0\ncertbot renew --deploy-hook '",
            b"version = 2.1.0\n[renewalparams]\nauthenticator = manual\n",
            b"2026-11-19 04:17:03,123:DEBUG:certbot._internal.main:certbot version: 2.1.0\n",
        )
    ),
)


def write(data: bytes, path: Path) -> None:
    path.write_bytes(data)


@st.composite
def nodes(draw: st.DrawFn) -> Callable[[Path], None]:
    """One node: something strange, a file of anything, a link to anywhere."""
    kind = draw(st.integers(0, 2))
    if kind == 0:
        return draw(st.sampled_from(NODES))
    if kind == 1:
        data = draw(CONTENTS)
        return functools.partial(write, data)
    target = draw(
        st.one_of(PIECES, st.sampled_from((".", "..", "/", "../../../../..", "/dev/null", "x/y")))
    )
    return lambda path: path.symlink_to(target)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PIECES, nodes()), min_size=1, max_size=6))
def test_small_trees_of_anything(
    pristine: Path, changes: list[tuple[str, Callable[[Path], None]]]
) -> None:
    with copied(pristine) as root:
        for path, node in changes:
            try:
                put(root, path, node)
            except OSError:
                continue  # below something that is no directory by now
        sound(ask(root))
