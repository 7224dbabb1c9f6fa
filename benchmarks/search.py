"""``python -m benchmarks.search``: certaudit's search beside zgrep, grep, ripgrep and journalctl.

Every peer looks for less than certaudit does: one literal, or the same ones in the same files. Each pair
runs in turn; a line gives the median, least and most of the pairwise ratios, and whether the output of
both is the same. Nothing passes or fails by time; an output that differs does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.corpus import MB, ROTATIONS, made
from benchmarks.literals import LITERALS
from benchmarks.measure import against, peak_added

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
ONE = "Starting Certbot"
SCAN = (sys.executable, "-m", "benchmarks.scanner")
PEERS = {"rg": "ripgrep", "zgrep": "gzip", "journalctl": "systemd", "zstd": "zstd", "xz": "xz-utils"}


def row(name: str, goal: str, first: Sequence[str], second: Sequence[str]) -> None:
    """One line of the table: how many times as long the first takes as the second."""
    found = against(first, second, ROUNDS)
    wall, cpu = (f"{m:5.2f} ({least:.2f}-{most:.2f})" for m, least, most in (found.wall, found.cpu))
    print(f"{name:<42} {wall:<20} {cpu:<20} {found.first.wall:7.3f} {found.second.wall:7.3f}  {goal}")


def same(first: Sequence[str], second: Sequence[str]) -> None:
    """Raise ``SystemExit`` where two searches do not give the same lines."""
    outputs = [sorted(run(words).splitlines()) for words in (first, second)]
    if outputs[0] != outputs[1]:
        sys.exit(f"not the same lines: {' '.join(first)[:200]} | {' '.join(second)[:200]}")


def run(words: Sequence[str]) -> bytes:
    """What a command prints; grep's 1 (nothing found) is no failure."""
    return subprocess.run(words, stdout=subprocess.PIPE, check=False).stdout


def main() -> None:
    """Print the tables."""
    missing = [package for program, package in PEERS.items() if shutil.which(program) is None]
    if missing:
        sys.exit(f"missing here: sudo apt-get install {' '.join(missing)}")
    home = made()
    patterns = home / "patterns"
    patterns.write_text("".join(f"{text}\n" for text in LITERALS))
    files = {
        folder.name: sorted(map(str, folder.iterdir())) for folder in home.iterdir() if folder.is_dir()
    }
    plain, gz, zst, xz = (files[name] for name in ("web01", "web01-gz", "web01-zst", "web01-xz"))
    rg = ("rg", "--no-filename", "--no-line-number", "--no-config", "--no-messages", "-F")
    versions = [
        run((program, "--version")).decode().splitlines()[0] for program in ("rg", "grep", "gzip")
    ]
    print(f"{MB} MB in {ROTATIONS} files, {len(LITERALS)} literals; {'; '.join(versions)}")
    print(f"median (least-most) of {ROUNDS} pairs, the time of one over the time of the other")
    print(f"{'':<42} {'wall':<20} {'CPU':<20} {'first s':>7} {'other s':>7}  goal")
    for kind, paths in (
        ("plain", plain),
        ("gz", gz),
        ("zst", zst),
        ("xz", xz),
        ("dense", files["dense-gz"]),
    ):
        if kind != "dense":
            same(
                (*SCAN, *paths),
                (*rg, *(() if kind == "plain" else ("-z",)), "-f", str(patterns), *paths),
            )
    row("zgrep, 1 literal / certaudit, gz", ">= 8", ("zgrep", "-h", "-F", ONE, *gz), (*SCAN, *gz))
    row("rg -z, 1 literal / certaudit, gz", ">= 3", (*rg, "-z", ONE, *gz), (*SCAN, *gz))
    row("certaudit / igzip alone, gz", "<= 1.5", (*SCAN, *gz), (*SCAN, "--plain-read", *gz))
    row("rg -z, 1 literal / certaudit, zst", ">= 1", (*rg, "-z", ONE, *zst), (*SCAN, *zst))
    row("rg -z, 1 literal / certaudit, xz", ">= 1", (*rg, "-z", ONE, *xz), (*SCAN, *xz))
    row(
        "grep -F, 1 literal / certaudit, plain",
        ">= 3",
        ("grep", "-h", "-F", ONE, *plain),
        (*SCAN, *plain),
    )
    grep = ("grep", "-h", "-F", "-f", str(patterns))
    row("grep -F -f, all literals / certaudit, plain", "", (*grep, *plain), (*SCAN, *plain))
    row("certaudit / rg, 1 literal, plain", "<= 2", (*SCAN, *plain), (*rg, ONE, *plain))
    row(
        "certaudit / rg, all literals, plain",
        "<= 2",
        (*SCAN, *plain),
        (*rg, "-f", str(patterns), *plain),
    )
    row("dense / not, gz", "<= 2", (*SCAN, *files["dense-gz"]), (*SCAN, *gz))
    row("dense / not, plain", "<= 2", (*SCAN, *files["dense"]), (*SCAN, *plain))
    row(
        "8 files / 1 file, gz, one worker",
        "~ 8",
        ("env", "BENCH_WORKERS=1", *SCAN, *gz),
        ("env", "BENCH_WORKERS=1", *SCAN, gz[0]),
    )
    client = str(home / "letsencrypt")
    row(
        "certbot's logs parsed / read (cat)",
        "0.1 s for 1000",
        (sys.executable, "-m", "benchmarks.client_log", client),
        ("cat", *files["letsencrypt"]),
    )
    journal = str(home / "system.journal")
    match = (
        "journalctl",
        f"--file={journal}",
        "-o",
        "json",
        "--all",
        "_SYSTEMD_UNIT=certbot.service",
        "+",
        "UNIT=certbot.service",
        "_PID=1",
    )
    row(
        "certaudit / journalctl's own match",
        "+ 0.1 s",
        (sys.executable, "-m", "benchmarks.journal", journal),
        match,
    )
    for kind, paths in (("plain", plain), ("gz", gz), ("zst", zst), ("xz", xz)):
        print(
            f"memory that the search of {kind} adds, both workers: {peak_added(paths) / 2**20:.1f} MiB  (<= 32)"
        )


if __name__ == "__main__":
    main()
