"""Whole audits of broken and hostile machines: bounded, silent on stderr, inside the root, and honest.

Every test goes the way of the command line, in this process where rights do not matter, and in a
process of its own where they do.
"""

from __future__ import annotations

import functools
import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certaudit.cli import run
from fixtures.machine import build_text

AS_OF = "2026-11-20T00:00:00+00:00"
PATIENCE = 8.0  # seconds; the slowest of these audits takes a tenth of it on an idle machine
IS_ROOT = os.geteuid() == 0
MACHINE = f"""
as-of {AS_OF}
include ../base/debian-12.machine
host web
zone UTC
lineage example.org
generation example.org 1 from=2026-09-01T04:17:00Z days=90
generation example.org 2 from=2026-10-31T04:17:00Z days=90
conf example.org version=2.1.0 authenticator=manual
| manual_auth_hook = /usr/local/sbin/auth
copy /srv/tls/fullchain.pem of example.org 1 fullchain
file /usr/local/sbin/auth 0755
| #!/bin/sh
file /usr/local/sbin/renew-wildcard 0755
| #!/bin/sh
| certbot certonly -n --manual --manual-auth-hook /root/auth --cert-name example.org -d example.org
| install -m 0644 /etc/letsencrypt/live/example.org/fullchain.pem /srv/tls/fullchain.pem
file /etc/cron.d/wildcard
| 17 4 * * * root /usr/local/sbin/renew-wildcard
file /var/spool/cron/crontabs/root 0600
| 1 1 1 * * /root/renew-more
file /root/renew-more 0755
| #!/bin/sh
| certbot renew -q
file /etc/cron.daily/renew-daily 0755
| #!/bin/sh
| certbot renew
file /etc/letsencrypt/renewal-hooks/deploy/reload 0755
| #!/bin/sh
| systemctl reload nginx
file /etc/nginx/nginx.conf
| ssl_certificate /srv/tls/fullchain.pem;
file /etc/systemd/system/certbot.service.d/local.conf
| [Service]
| EnvironmentFile=/etc/default/certbot
file /etc/default/certbot
| A=b
file /etc/anacrontab
| 1 5 job certbot renew
file /var/log/syslog
| Nov 19 04:17:01 web CRON[1]: (root) CMD (/usr/local/sbin/renew-wildcard)
file /var/log/syslog.1
| Nov 18 04:17:01 web CRON[1]: (root) CMD (/usr/local/sbin/renew-wildcard)
file /var/log/auth.log
| Nov 18 04:17:01 web sudo: root : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/bin/certbot renew
file /var/log/letsencrypt/letsencrypt.log
| 2026-11-19 04:17:03,123:DEBUG:certbot._internal.main:certbot version: 2.1.0
file /var/log/letsencrypt/letsencrypt.log.1
| 2026-11-18 04:17:03,123:DEBUG:certbot._internal.main:certbot version: 2.1.0
file /root/.config/letsencrypt/cli.ini
| authenticator = manual
"""

DROP_IN = "/etc/systemd/system/certbot.service.d/local.conf"

# What certaudit must name in a gap or a finding when it is there and cannot be read.
CERTBOT_FILES = (
    "/etc/letsencrypt/renewal/example.org.conf",
    "/etc/letsencrypt/archive/example.org/cert2.pem",
    "/etc/letsencrypt/archive/example.org/privkey2.pem",
    "/etc/letsencrypt/cli.ini",
    "/root/.config/letsencrypt/cli.ini",
)
OTHER_FILES = (
    "/etc/crontab",
    "/etc/anacrontab",
    "/etc/cron.d/wildcard",
    "/var/spool/cron/crontabs/root",
    "/var/log/syslog",
    "/var/log/syslog.1",
    "/var/log/auth.log",
    "/var/log/letsencrypt/letsencrypt.log",
    "/var/log/letsencrypt/letsencrypt.log.1",
    DROP_IN,
)
SETTINGS = ("/etc/default/certbot",)  # named by the drop-in
SCRIPTS = ("/usr/local/sbin/renew-wildcard", "/root/renew-more")
# What is read as well, and where another source, or the lack of a claim, makes up for it.
SILENT_FILES = (
    "/etc/os-release",
    "/etc/hostname",
    "/etc/passwd",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/debian_version",
    "/etc/nginx/nginx.conf",
    "/etc/cron.daily/renew-daily",
    "/etc/letsencrypt/renewal-hooks/deploy/reload",
    "/srv/tls/fullchain.pem",
    "/usr/bin/certbot",
    "/usr/lib/systemd/system/certbot.service",
    "/usr/lib/systemd/system/certbot.timer",
    "/usr/local/sbin/auth",
    "/usr/sbin/cron",
    "/var/lib/dpkg/status",
    "/var/lib/systemd/timers/stamp-certbot.timer",
)
DIRECTORIES = (
    "/etc/letsencrypt",
    "/etc/letsencrypt/archive/example.org",
    "/etc/letsencrypt/live/example.org",
    "/etc/letsencrypt/renewal",
    "/etc/letsencrypt/renewal-hooks/deploy",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/nginx",
    "/etc/systemd/system",
    "/etc/systemd/system/certbot.service.d",
    "/etc/systemd/system/timers.target.wants",
    "/root",
    "/srv",
    "/usr/bin",
    "/usr/lib/systemd/system",
    "/usr/local/sbin",
    "/var/lib/systemd",
    "/var/log",
    "/var/log/journal",
    "/var/log/letsencrypt",
    "/var/spool/cron/crontabs",
)
EVERY_FILE = (*CERTBOT_FILES, *OTHER_FILES, *SETTINGS, *SCRIPTS, *SILENT_FILES)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command line gave."""

    code: int
    stderr: str
    seconds: float
    report: dict[str, Any]

    def spoken_of(self, path: str) -> bool:
        """Does a gap or a finding name this path, as itself or by its link of a merged /usr?"""
        said = json.dumps([self.report["gaps"], self.report["results"]])
        return path in said or path.replace("/usr/lib", "/lib") in said


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bad") / "root"
    build_text(MACHINE, root)
    return root


@pytest.fixture
def tree(pristine: Path) -> Iterator[Path]:
    with copied(pristine) as root:
        yield root


class copied:  # noqa: N801 - reads as the statement it is
    """A copy of a tree that is there for a ``with`` block."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.top = Path(tempfile.mkdtemp(prefix="certaudit-bad-"))

    def __enter__(self) -> Path:
        return Path(shutil.copytree(self.source, self.top / "root", symlinks=True))

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.top, ignore_errors=True)


def ask(root: Path, *more: str) -> Answer:
    """The audit of a tree, through the command line, in this process."""
    out = root.parent / "report.json"
    errors = root.parent / "stderr"
    words = ["audit", str(root), "--as-of", AS_OF, "--format", "json", "--output", str(out), *more]
    began = time.perf_counter()
    old = sys.stderr
    with errors.open("w") as stream:
        sys.stderr = stream
        try:
            code = run(words)
        finally:
            sys.stderr = old
    seconds = time.perf_counter() - began
    report = json.loads(out.read_bytes()) if out.exists() else {"gaps": [], "results": []}
    return Answer(code, errors.read_text(), seconds, report)


def sound(answer: Answer) -> Answer:
    """An answer that every machine must give, however broken."""
    assert answer.stderr in ("", "certaudit: reading the machine ...\n")  # said after a second
    assert answer.code in (0, 1)
    assert answer.seconds < PATIENCE
    return answer


def clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.mkdir()


def bound_socket(path: Path) -> None:
    near = path.parent / "s"  # the path of a socket may have 108 bytes
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.bind("s")
    finally:
        os.chdir(here)
    near.rename(path)


def character_device(path: Path) -> None:
    os.mknod(path, 0o020644, os.makedev(1, 5))  # /dev/zero: reading it never ends


def block_device(path: Path) -> None:
    os.mknod(path, 0o060644, os.makedev(7, 200))


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def longer_loop(path: Path) -> None:
    other = path.parent / (path.name + ".other")
    clear(other)
    path.symlink_to(other.name)
    other.symlink_to(path.name)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    path.write_bytes(b"\0" * 5000)


def every_byte(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 40)


def foreign(path: Path) -> None:
    path.write_bytes("Zürich 東京 \ud7ff\n".encode() + b"\xff\xfe\x80 = \xc0\xaf\n[\xf5]\n")


def torn_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(b"x\n" * 9000)[:40])


NODES: tuple[Callable[[Path], None], ...] = (
    fifo,
    directory,
    bound_socket,
    loop,
    longer_loop,
    empty,
    zeros,
    every_byte,
    foreign,
    torn_gzip,
)
if IS_ROOT:
    NODES += (character_device, block_device)
UNREADABLE = [
    node for node in NODES if node in (fifo, bound_socket, loop, character_device, block_device)
]


def put(root: Path, path: str, node: Callable[[Path], None]) -> None:
    place = root / path.lstrip("/")
    clear(place)
    node(place)


@pytest.mark.parametrize("node", NODES)
def test_the_same_bad_node_everywhere_at_once(tree: Path, node: Callable[[Path], None]) -> None:
    for path in EVERY_FILE:
        put(tree, path, node)
    sound(ask(tree))


@pytest.mark.parametrize("node", [foreign, loop])
def test_directories_replaced(pristine: Path, node: Callable[[Path], None]) -> None:
    for path in DIRECTORIES:
        with copied(pristine) as root:
            put(root, path, node)
            sound(ask(root))


@pytest.mark.parametrize("node", UNREADABLE)
def test_what_is_there_and_cannot_be_read_is_named(pristine: Path, node: Callable[[Path], None]) -> None:
    # what names a file must itself be readable, so not all at once
    masks = {DROP_IN} if node is character_device else set()  # a drop-in that is a device is masked
    conf = CERTBOT_FILES[:1] if node is not loop else ()
    for places in (conf, CERTBOT_FILES[1:], OTHER_FILES, SETTINGS, SCRIPTS):
        with copied(pristine) as root:
            for path in places:
                put(root, path, node)
            answer = sound(ask(root))
            assert [p for p in places if not answer.spoken_of(p) and p not in masks] == []


@pytest.mark.parametrize("huge", [False, True])
def test_a_conf_that_only_we_cannot_read_is_a_gap(tree: Path, huge: bool) -> None:
    conf = "/etc/letsencrypt/renewal/example.org.conf"
    put(tree, conf, loop)
    if huge:
        clear(tree / conf[1:])
        (tree / conf[1:]).write_text("key = value\n" * 400_000)
    assert sound(ask(tree)).spoken_of(conf)


def test_a_broken_policy_of_the_machine_is_said_and_not_skipped(tree: Path) -> None:
    for node in (fifo, loop, zeros):
        put(tree, "/etc/certaudit.toml", node)
        answer = ask(tree)
        assert answer.code == 2
        assert answer.stderr.startswith("certaudit: /etc/certaudit.toml: ")
        assert answer.stderr.count("\n") == 1


# Rights


def as_nobody(root: Path) -> Answer:
    """The audit by a user who may read nothing that is closed."""
    # one audit before the rights go: the interpreter's own modules may be closed to nobody
    code = (
        "import os, sys\n"
        "from certaudit.cli import run\n"
        "run([*sys.argv[1:], '--output', os.devnull])\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(run(sys.argv[1:]))\n"
    )
    words = ["audit", str(root), "--as-of", AS_OF, "--format", "json"]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60, check=False
    )
    report = json.loads(done.stdout) if done.stdout else {"gaps": [], "results": []}
    return Answer(done.returncode, done.stderr, time.perf_counter() - began, report)


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")
def test_a_user_without_rights_is_told_what_was_closed(tree: Path) -> None:
    for above in (tree, *tree.parents):
        if str(above).startswith(tempfile.gettempdir() + os.sep):
            above.chmod(0o755)
    closed = (
        "/etc/letsencrypt/archive/example.org",
        "/etc/letsencrypt/cli.ini",
        "/etc/cron.d/wildcard",
        "/etc/crontab",
        "/var/log/syslog",
        "/var/log/auth.log",
        "/var/log/letsencrypt",
        "/etc/systemd/system/certbot.service.d/local.conf",
        "/var/spool/cron/crontabs",
        "/root/renew-more",
    )
    for path in closed:
        (tree / path.lstrip("/")).chmod(0)
    answer = sound(as_nobody(tree))
    unsaid = [p for p in closed[:-1] if not answer.spoken_of(p)]  # nobody knows of root's own line
    assert unsaid == []
    assert {r["rule"]: r["status"] for r in answer.report["results"]}[
        "no-renewal-path"
    ] == "not_assessed"


@pytest.mark.skipif(not IS_ROOT, reason="only root can become somebody else")
@pytest.mark.parametrize("path", ["/etc/letsencrypt", "/etc/cron.d", "/var/log"])
def test_closed_directories_are_gaps(tree: Path, path: str) -> None:
    for above in (tree, *tree.parents):
        if str(above).startswith(tempfile.gettempdir() + os.sep):
            above.chmod(0o755)
    (tree / path.lstrip("/")).chmod(0)
    answer = sound(as_nobody(tree))
    assert answer.spoken_of(path)
    assert not any(
        r["status"] == "passed" and r["rule"] == "no-renewal-path" for r in answer.report["results"]
    )


# Nothing outside the root

WATCH = """
import json, os, sys
from certaudit.cli import run
import certaudit.audit, certaudit.render.json_v1, certaudit.render.terminal, dateutil.parser

WATCHED = {"open", "os.listdir", "os.scandir", "subprocess.Popen", "os.posix_spawn", "socket.connect"}
opened = []

def watch(event, arguments):
    if event in WATCHED and not isinstance(arguments[0], int):
        named = isinstance(arguments[0], (str, bytes, os.PathLike))
        opened.append([event, os.fsdecode(arguments[0]) if named else repr(arguments[0])])

sys.addaudithook(watch)
code = run(sys.argv[2:])
answer = json.dumps([code, opened])
open(sys.argv[1], "w").write(answer)
"""


def test_links_out_of_the_root_lead_nowhere(tree: Path) -> None:
    outside = tree.parent / "outside"
    outside.mkdir()
    canary = outside / "canary"
    canary.write_text("1 1 1 1 * root certbot renew --cert-name CANARY\n")
    up = "../" * 30 + str(canary).lstrip("/")
    for number, path in enumerate(EVERY_FILE):
        target = str(canary) if number % 2 else up
        put(tree, path, lambda p, t=target: p.symlink_to(t))  # type: ignore[misc]
    for path in ("/etc/cron.daily", "/var/log/journal", "/etc/nginx", "/opt", "/etc/systemd/user"):
        put(tree, path, lambda p: p.symlink_to(outside))
    watched = tree.parent / "watched"
    words = [sys.executable, "-c", WATCH, str(watched), "audit", str(tree), "--as-of", AS_OF]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    code, events = json.loads(watched.read_text())
    assert code in (0, 1)
    assert "CANARY" not in done.stdout
    mine = (
        str(tree),
        sys.prefix,
        sys.base_prefix,
        str(Path(__file__).parents[1]),
        "/usr/share/zoneinfo",
    )
    strangers = [e for e in events if not e[1].startswith(mine)]
    assert strangers == []
    assert any(e[1].startswith(str(tree)) for e in events)


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
