"""The golden outputs: what the renderers write of a few machines, kept in ``fixtures/golden``.

``python -m tests.golden`` writes them anew; read the difference before keeping it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from certaudit import __version__
from certaudit.model import Report
from certaudit.records import replace
from certaudit.render import json_v1, picture, terminal, timeline, why
from fixtures.machine import FIXTURES, MACHINES
from tests.audits import audit_file

GOLDEN = FIXTURES / "golden"
VERSION = "VERSION"  # stands for the project's own version: a release changes no golden output
WIDTH = 80


def as_terminal(report: Report) -> str:
    """The terminal report: 80 columns, no colour."""
    return terminal.render(report, colour=False, width=WIDTH)


def as_json(report: Report) -> str:
    """The JSON report without the project's version, and with those runs only that made a generation."""
    makers = {g.made_by.run for lineage in report.model.lineages for g in lineage.generations}
    few = tuple(run for run in report.model.runs if run.id in makers)
    own = f'  "certaudit": "{__version__}",'
    text = json_v1.render(replace(report, model=replace(report.model, runs=few)))
    return text.replace(own, f'  "certaudit": "{VERSION}",', 1)


def as_why(report: Report) -> str:
    """The answer of ``why`` for every lineage."""
    return "".join(why.render(report, x, colour=False, width=WIDTH) for x in report.model.lineages)


def as_timeline(report: Report) -> str:
    """The timeline of every lineage."""
    model = report.model
    return "".join(timeline.render(model, x, colour=False, width=WIDTH) for x in model.lineages)


def as_ascii_picture(report: Report) -> str:
    """The picture of every lineage where the terminal knows ASCII only."""
    model = report.model
    drawn = (picture.picture(model, x, ascii_only=True) for x in model.lineages)
    return "".join(terminal.to_text(one, colour=False, width=WIDTH) for one in drawn)


OUTPUTS: dict[str, tuple[str, Callable[[Report], str]]] = {
    "demo.txt": ("demo", as_terminal),
    "demo.why.txt": ("demo", as_why),
    "stock-debian-12.txt": ("stock-debian-12", as_terminal),
    "stock-debian-12.why.txt": ("stock-debian-12", as_why),
    "clean-no-certbot.txt": ("clean-no-certbot", as_terminal),
    "demo.timeline.txt": ("demo", as_timeline),
    "demo.picture.txt": ("demo", as_ascii_picture),
    "stock-debian-12.timeline.txt": ("stock-debian-12", as_timeline),
    "demo.json": ("demo", as_json),
    "stock-debian-12.json": ("stock-debian-12", as_json),
}


def reports(into: Path) -> dict[str, Report]:
    """The report of each machine that has golden outputs."""
    names = sorted({machine for machine, _ in OUTPUTS.values()})
    return {name: audit_file(MACHINES / f"{name}.machine", into / name).report for name in names}


def main() -> None:
    """Write every golden output anew."""
    GOLDEN.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        found = reports(Path(scratch))
    for name, (machine, output) in OUTPUTS.items():
        (GOLDEN / name).write_bytes(output(found[machine]).encode())


if __name__ == "__main__":
    main()
