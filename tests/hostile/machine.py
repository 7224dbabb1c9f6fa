"""A machine with every file certaudit reads, and the nodes that may stand where a file should."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certaudit.cli import run

AS_OF = "2026-11-20T00:00:00+00:00"
PATIENCE = 60.0  # seconds: not a measure of speed, only the difference from hanging
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
file /root/.bash_history
| certbot renew
file /root/.zsh_history
| certbot renew
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
    "/root/.bash_history",
    "/root/.zsh_history",
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
    assert answer.stderr == ""
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
