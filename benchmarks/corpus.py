"""Logs as a busy server writes them, made from a seed and kept outside the tree in ``.cache/bench``.

``BENCH_MB`` is the size of the plain syslog (default 2000); the rest follows from it. Every host,
address and certificate is invented.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

from benchmarks.client_logs import write_client_logs

SEED = 20261120
MB = int(os.environ.get("BENCH_MB", "2000"))
HOME = Path(__file__).resolve().parents[1] / ".cache/bench" / f"{MB}-2"
ROTATIONS = 8
END = datetime(2026, 11, 20, tzinfo=timezone.utc)
SPAN = timedelta(days=7)
PACKERS = {"gz": ["gzip", "-6"], "zst": ["zstd", "-q", "-3"], "xz": ["xz", "-1"]}
POOL = 60_000  # messages
OFTEN = 100  # of which so many are said over and over: by cron, by monitors, by one attacker
SHARE = 0.82  # of the lines say one of those: chosen so that gzip packs to a tenth, as it does real logs
LINE = 117  # bytes on average
CLIENT_LOGS = max(1, MB // 2)
ENTRIES = MB * 200


def messages(numbers: random.Random) -> list[bytes]:
    """A pool of the messages of no interest."""

    def address() -> str:
        return f"{numbers.choice(('192.0.2', '198.51.100', '203.0.113'))}.{numbers.randrange(256)}"

    def number(below: int) -> int:
        return numbers.randrange(below)

    kinds = (
        lambda: (
            f"kernel: [{number(10**7)}.{number(10**6):06}] [UFW BLOCK] IN=eth0 OUT= "
            f"MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 SRC={address()} DST=192.0.2.7 LEN=40 "
            f"TOS=0x00 PREC=0x00 TTL={number(256)} ID={number(65536)} PROTO=TCP SPT={number(65536)} "
            f"DPT={number(65536)} WINDOW=1024 RES=0x00 SYN URGP=0"
        ),
        lambda: (
            f"sshd[{number(10**6)}]: Failed password for invalid user u{number(900)} from "
            f"{address()} port {number(65536)} ssh2"
        ),
        lambda: (
            f"sshd[{number(10**6)}]: Connection closed by {address()} port {number(65536)} [preauth]"
        ),
        lambda: f"postfix/smtpd[{number(10**6)}]: connect from unknown[{address()}]",
        lambda: (
            f"postfix/qmgr[1203]: {number(16**10):010X}: from=<u{number(900)}@example.org>, "
            f"size={number(90000)}, nrcpt=1 (queue active)"
        ),
        lambda: (
            f"dovecot: imap(u{number(900)})<{number(10**6)}><{number(16**12):012x}>: Disconnected: "
            f"Logged out in={number(9000)} out={number(90000)} deleted=0 expunged=0"
        ),
        lambda: (
            f"CRON[{number(10**6)}]: (root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)"
        ),
        lambda: f"CRON[{number(10**6)}]: (www-data) CMD (php -f /srv/cloud/cron.php)",
        lambda: (
            f"systemd[1]: Started session-{number(10**5)}.scope - Session {number(10**5)} of User u1."
        ),
        lambda: f"systemd[1]: session-{number(10**5)}.scope: Deactivated successfully.",
        lambda: (
            f"named[811]: client @0x{number(16**12):012x} {address()}#{number(65536)} "
            f"(host{number(900)}.example.org): query: host{number(900)}.example.org IN A +E(0)K"
        ),
    )
    pool = [kinds[n % len(kinds)]().encode() for n in range(POOL)]
    numbers.shuffle(pool)
    return pool


def syslog(size: int, end: datetime, numbers: random.Random) -> Iterator[bytes]:
    """The lines of one rotation; twice a day certbot's timer, once the owner's job."""
    pool, draw = messages(numbers), numbers.random
    count = size // LINE
    step = SPAN / count
    marks = {count * n // 14: n for n in range(14)}
    stamped, stamp = -1, b""
    for at in range(count):
        seconds = int(step.total_seconds() * at)
        if seconds != stamped:
            when = end - SPAN + timedelta(seconds=seconds)
            stamped, stamp = seconds, f"{when:%b} {when.day:>2} {when:%H:%M:%S} web01 ".encode()
        yield stamp + pool[int(draw() * (OFTEN if draw() < SHARE else POOL))] + b"\n"
        if at in marks:
            yield from (stamp + told + b"\n" for told in relevant(marks[at]))


def relevant(number: int) -> list[bytes]:
    """What syslog says of one run."""
    if number % 14 == 6:
        return [b"CRON[4711]: (root) CMD (/usr/local/sbin/renew-wildcard)"]
    return [
        b"systemd[1]: Starting certbot.service - Certbot...",
        b"systemd[1]: certbot.service: Deactivated successfully.",
        b"systemd[1]: Finished certbot.service - Certbot.",
    ]


def write_syslog(path: Path, rotation: int) -> None:
    """One rotation, plain."""
    numbers = random.Random(SEED + rotation)
    with path.open("wb") as stream:
        stream.writelines(syslog(MB * 10**6 // ROTATIONS, END - SPAN * rotation, numbers))


def write_syslogs(folder: Path) -> None:
    """All rotations, plain."""
    folder.mkdir()
    paths = [folder / ("syslog" if n == 0 else f"syslog.{n}") for n in range(ROTATIONS)]
    with ProcessPoolExecutor() as pool:
        list(pool.map(write_syslog, paths, range(ROTATIONS)))


def write_dense(folder: Path, plain: Path) -> None:
    """The same lines of a machine that is called like a client."""
    folder.mkdir()
    for path in sorted(plain.iterdir()):
        data = path.read_bytes().replace(b" web01 ", b" certbot-web01 ")
        (folder / path.name).write_bytes(data)


def pack(folder: Path, kind: str) -> None:
    """The same rotations packed by the program that logrotate would call."""
    packed = folder.with_name(f"{folder.name}-{kind}")
    packed.mkdir()

    def one(path: Path) -> None:
        with path.open("rb") as plain, (packed / f"{path.name}.{kind}").open("wb") as target:
            subprocess.run([*PACKERS[kind], "-c"], stdin=plain, stdout=target, check=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, sorted(folder.iterdir())))


def write_journal(path: Path) -> None:
    """A journal of one boot, in which one entry in some thousands is about certbot."""
    numbers = random.Random(SEED)
    pool = [line.partition(b": ") for line in messages(numbers)]
    command = ["/lib/systemd/systemd-journal-remote", f"--output={path}", "-"]
    boot, machine = (uuid.UUID(int=numbers.getrandbits(128)).hex for _ in range(2))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as writer:
        assert writer.stdin is not None
        for number in range(ENTRIES):
            when = END - timedelta(days=60) + timedelta(days=60) * number / ENTRIES
            tag, _, message = numbers.choice(pool)
            if number % 4000 == 0:
                tag, message = b"systemd[1]", b"Starting certbot.service - Certbot..."
            program, _, pid = tag.partition(b"[")
            micros = int(when.timestamp() * 1_000_000)
            fields = {
                "__REALTIME_TIMESTAMP": micros,
                "__MONOTONIC_TIMESTAMP": 1_000_000 + number * 1000,
                "_BOOT_ID": boot,
                "_MACHINE_ID": machine,
                "_HOSTNAME": "web01",
                "_TRANSPORT": "syslog",
                "PRIORITY": 6,
                "_UID": 0,
                "_PID": pid.rstrip(b"]").decode() or 77,
                "SYSLOG_IDENTIFIER": program.decode(),
                "_COMM": program.decode().lower(),
                "_SYSTEMD_UNIT": "cron.service" if program == b"CRON" else f"{program.decode()}.service",
                "_SYSTEMD_INVOCATION_ID": boot,
                "MESSAGE": message.decode(),
            }
            if number % 4000 == 0:
                fields |= {
                    "UNIT": "certbot.service",
                    "INVOCATION_ID": machine,
                    "_SYSTEMD_UNIT": "init.scope",
                }
            lines = "".join(f"{name}={value}\n" for name, value in fields.items())
            writer.stdin.write(lines.encode() + b"\n")


def made() -> Path:
    """The folder of the logs; they are made where they are not there yet."""
    if HOME.is_dir():
        return HOME
    print(f"making {MB} MB of logs in {HOME} ...", flush=True)
    shutil.rmtree(HOME.with_suffix(".part"), ignore_errors=True)
    into = HOME.with_suffix(".part")
    into.mkdir(parents=True)
    write_syslogs(into / "web01")
    write_dense(into / "dense", into / "web01")
    for kind in PACKERS:
        pack(into / "web01", kind)
    pack(into / "dense", "gz")
    write_client_logs(into / "letsencrypt", CLIENT_LOGS, END, SEED)
    write_journal(into / "system.journal")
    into.rename(HOME)
    return HOME


if __name__ == "__main__":
    print(made())
