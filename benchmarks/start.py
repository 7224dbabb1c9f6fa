"""``python -m benchmarks.start``: what a first look costs, as a table.

Nothing here passes or fails: the numbers are for a person who compares two versions on one machine.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.big import AS_OF as BIG_AS_OF
from benchmarks.big import build_big
from benchmarks.measure import ROUNDS, paired
from fixtures.machine import MACHINES, build

CERTAUDIT = (sys.executable, "-m", "certaudit")


def main() -> None:
    """Print one line a command."""
    with tempfile.TemporaryDirectory() as folder:
        demo = build(MACHINES / "demo.machine", Path(folder, "demo"))
        big = build_big(Path(folder, "big"))
        at = ("--as-of", demo.as_of.isoformat())
        rows = [
            ("certaudit --version", (*CERTAUDIT, "--version"), "ratio <= 3"),
            ("certaudit rules", (*CERTAUDIT, "rules"), ""),
            ("audit of the demo server", (*CERTAUDIT, "audit", str(demo.root), *at), "CPU < 0.5 s"),
            (
                "the same as JSON",
                (*CERTAUDIT, "audit", str(demo.root), *at, "--format", "json"),
                "CPU < 0.5 s",
            ),
            (
                "audit of the big server",
                (*CERTAUDIT, "audit", str(big), "--as-of", BIG_AS_OF),
                "wall < 0.5 s",
            ),
        ]
        print(f"median of {ROUNDS} runs, each beside `python -c pass`")
        print(f"{'command':<26} {'CPU s':>7} {'wall s':>7} {'ratio':>7}  aim")
        for name, words, aim in rows:
            cost, ratio = paired(words)
            print(f"{name:<26} {cost.cpu:7.3f} {cost.wall:7.3f} {ratio:7.1f}  {aim}")


if __name__ == "__main__":
    main()
