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
from pathlib import Path

from benchmarks.corpus import MB, ROTATIONS, made
from benchmarks.journal import IDENTIFIERS
from benchmarks.literals import LITERALS
from benchmarks.measure import EMPTY, against, peak_added

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
ONE = "Starting Certbot"
SCAN = (sys.executable, "-m", "benchmarks.scanner")
RG = ("rg", "--no-config", "--no-filename", "--no-line-number", "--no-messages", "-F")
PEERS = {"rg": "ripgrep", "zgrep": "gzip", "journalctl": "systemd", "zstd": "zstd", "xz": "xz-utils"}


def row(name: str, goal: str, first: Sequence[str], second: Sequence[str]) -> None:
    """One line of the table: how many times as long the first takes as the second."""
    found = against(first, second, ROUNDS)
    wall, cpu = (f"{m:5.2f} ({least:.2f}-{most:.2f})" for m, least, most in (found.wall, found.cpu))
    print(f"{name:<44} {wall:<20} {cpu:<20} {found.first.wall:7.3f} {found.second.wall:7.3f}  {goal}")


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
    files = {path.name: sorted(map(str, path.iterdir())) for path in home.iterdir() if path.is_dir()}
    versions = [
        run((program, "--version")).decode().splitlines()[0] for program in ("rg", "grep", "gzip")
    ]
    print(f"{MB} MB in {ROTATIONS} files, {len(LITERALS)} literals; {'; '.join(versions)}")
    print(f"median (least-most) of {ROUNDS} pairs: the time of one over the time of the other")
    print(f"{'':<44} {'wall':<20} {'CPU':<20} {'first s':>7} {'other s':>7}  goal")
    packed(files, str(patterns))
    plain(files["web01"], files["dense"], str(patterns))
    others(home, files["letsencrypt"])
    for kind in ("web01", "web01-gz", "web01-zst", "web01-xz"):
        added = peak_added(files[kind]) / 2**20
        print(f"memory that the search of {kind} adds, workers included: {added:.1f} MiB  (<= 32)")


def packed(files: dict[str, list[str]], patterns: str) -> None:
    """gzip, zstd and xz."""
    gz, zst, xz, dense = (files[name] for name in ("web01-gz", "web01-zst", "web01-xz", "dense-gz"))
    for paths in (gz, zst, xz):
        same((*SCAN, *paths), (*RG, "-z", "-f", patterns, *paths))
    row("zgrep, 1 literal / certaudit, gz", ">= 8", ("zgrep", "-h", "-F", ONE, *gz), (*SCAN, *gz))
    row("rg -z, 1 literal / certaudit, gz", ">= 3", (*RG, "-z", ONE, *gz), (*SCAN, *gz))
    row("certaudit / igzip alone, gz", "<= 1.5", (*SCAN, *gz), (*SCAN, "--plain-read", *gz))
    row("rg -z, 1 literal / certaudit, zst", ">= 1", (*RG, "-z", ONE, *zst), (*SCAN, *zst))
    row("rg -z, 1 literal / certaudit, xz", ">= 1", (*RG, "-z", ONE, *xz), (*SCAN, *xz))
    row("dense / not, gz", "<= 2", (*SCAN, *dense), (*SCAN, *gz))
    one = ("env", "BENCH_WORKERS=1", *SCAN)
    row("8 files / 1 file, gz, one process", "~ 8", (*one, *gz), (*one, gz[0]))


def plain(paths: list[str], dense: list[str], patterns: str) -> None:
    """What is not packed."""
    same((*SCAN, *paths), (*RG, "-f", patterns, *paths))
    for literal in (ONE, LITERALS[0]):
        grep = ("grep", "-hF", literal, *paths)
        row(f"grep -F {literal!r} / certaudit, plain", ">= 3", grep, (*SCAN, *paths))
    row(
        "grep -F -f, all / certaudit, plain",
        "",
        ("grep", "-hF", "-f", patterns, *paths),
        (*SCAN, *paths),
    )
    row("certaudit / rg, 1 literal, plain", "<= 2", (*SCAN, *paths), (*RG, ONE, *paths))
    row("certaudit / rg, all literals, plain", "<= 2", (*SCAN, *paths), (*RG, "-f", patterns, *paths))
    row("dense / not, plain", "<= 2", (*SCAN, *dense), (*SCAN, *paths))


def others(home: Path, client: list[str]) -> None:
    """certbot's own logs, and the journal."""
    python = (sys.executable, "-m")
    parsed = (*python, "benchmarks.client_log", str(home / "letsencrypt"))
    row(f"{len(client)} logs of certbot parsed / an empty Python", "+ 0.1 s", parsed, EMPTY)
    journal = str(home / "system.journal")
    units = ("_SYSTEMD_UNIT=certbot.service", "+", "UNIT=certbot.service", "_PID=1")
    named = (word for name in IDENTIFIERS for word in ("+", f"SYSLOG_IDENTIFIER={name}"))
    peer = ("journalctl", f"--file={journal}", "--all", *units)
    ours = (*python, "benchmarks.journal", journal)
    row("certaudit / journalctl, certbot's units", "+ 0.1 s", ours, (*peer, "--output=json"))
    row("certaudit / journalctl, cron's as well", "+ 0.1 s", ours, (*peer, *named, "--output=cat"))


if __name__ == "__main__":
    main()
