"""The README says what the code does: its rule table and its sample are generated and compared.

``python -m tests.test_readme`` writes both anew.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from certaudit.audit import audit, observe
from certaudit.host.machine import open_host
from certaudit.model import Policy
from certaudit.render import terminal
from certaudit.rules import rules
from fixtures.machine import MACHINES, build

README = Path(__file__).parent.parent / "README.md"


def rule_table() -> str:
    rows = ["| rule | severity | what it says |", "|---|---|---|"]
    rows += [f"| `{r.slug}` | {', '.join(r.severities)} | {r.title} |" for r in rules()]
    return "\n".join(rows) + "\n"


def sample() -> str:
    with tempfile.TemporaryDirectory() as scratch:
        machine = build(MACHINES / "demo.machine", Path(scratch, "demo"))
        model = observe(open_host(machine.root, machine.as_of), Policy())
        text = terminal.render(audit(model, rules()), colour=False)
        return "```\n" + text.replace(str(machine.root), ".cache/demo") + "```\n"


def between(text: str, name: str) -> tuple[int, int]:
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    return text.index(begin) + len(begin), text.index(end)


def test_the_rule_table_is_that_of_the_code() -> None:
    text = README.read_text("utf-8")
    begin, end = between(text, "rules")
    assert text[begin:end] == rule_table()


def test_the_sample_is_real_output() -> None:
    text = README.read_text("utf-8")
    begin, end = between(text, "sample")
    shown = [line for line in text[begin:end].splitlines() if "as of" not in line]
    real = [line for line in sample().splitlines() if "as of" not in line]
    assert shown == real


def rewrite() -> None:
    text = README.read_text("utf-8")
    for name, content in (("rules", rule_table()), ("sample", sample())):
        begin, end = between(text, name)
        text = text[:begin] + content + text[end:]
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    rewrite()
