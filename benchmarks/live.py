"""``python -m benchmarks.live``: an audit of a running machine beside one of the same machine's files.

The machine is the tests' box, a Debian with a real systemd and the story told in it. What the live audit
may take longer is what systemd takes to answer. Nothing here passes or fails.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime
from pathlib import Path
from statistics import median

from benchmarks.measure import ROUNDS, Cost, once
from tests.live import story
from tests.live.box import CHECKOUT, Box, why_not

FILES = ("bin", "etc", "home", "lib", "opt", "root", "sbin", "srv", "usr", "var")
PYTHON = {"PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}


def main() -> None:
    """Print one line a command, or why there is no box."""
    if reason := why_not():
        print(f"a live audit is not measured here: {reason}")
        return
    with Box() as box, tempfile.TemporaryDirectory() as folder:
        story.tell(box)
        image = box.collect(FILES, Path(folder, "image"))
        units = box.output("/usr/bin/systemctl", "list-units", "--all", "--no-legend").count("\n")
        print(f"median of {ROUNDS} rounds in a box with {units} loaded units; CPU without systemd's own")
        print(f"{'':<44} {'CPU s':>7} {'wall s':>7}")
        for name, costs in measured(box, image).items():
            cpu, wall = median(cost.cpu for cost in costs), median(cost.wall for cost in costs)
            print(f"{name:<44} {cpu:7.3f} {wall:7.3f}")


def measured(box: Box, image: Path) -> dict[str, list[Cost]]:
    """What each command costs, round by round, so that a busy machine slows all of them."""
    as_of = datetime.now(box.zone).isoformat()
    python = (sys.executable, "-m")
    commands = {
        "an empty Python, in the box": box.argv(sys.executable, "-c", "pass"),
        "systemctl show '*'": box.argv("/usr/bin/systemctl", "show", "*"),
        "audit, live": box.argv(*python, "certaudit", "audit", env=PYTHON),
        "audit of the same files, outside": [
            *python,
            "certaudit",
            "audit",
            str(image),
            "--as-of",
            as_of,
        ],
    }
    costs: dict[str, list[Cost]] = {}
    for _ in range(ROUNDS):
        for name, words in commands.items():
            costs.setdefault(name, []).append(once(words))
        asked = box.run(*python, "benchmarks.questions", env=PYTHON)
        answered = Cost(0.0, float(asked.stdout))
        costs.setdefault("systemd's answers to an audit's questions", []).append(answered)
    return costs


if __name__ == "__main__":
    main()
