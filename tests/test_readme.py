"""The README says what the code does: its rule table, sample and dialogue are generated and compared.

``python -m tests.test_readme`` writes them anew.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import pexpect

from certaudit.audit import audit, observe
from certaudit.host.machine import open_host
from certaudit.model import Policy
from certaudit.render import terminal
from certaudit.rules import rules
from fixtures.machine import MACHINES, build

PATIENT = "certaudit: reading the machine ...\n"  # a slow machine may be told so
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


def dialogue() -> str:
    """What a person sees who types Enter, Enter and y; the plan's name is another each time."""
    with tempfile.TemporaryDirectory() as scratch:
        machine = build(MACHINES / "demo.machine", Path(scratch, ".cache/demo"))
        command = f"certaudit fix .cache/demo --as-of {machine.as_of.isoformat()}"
        environment = {"PATH": "/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8", "HOME": scratch}
        child = pexpect.spawn(
            sys.executable,
            ["-m", "certaudit", *command.split()[1:], "--state-dir", f"{scratch}/state"],
            cwd=scratch,
            env={**environment, "PYTHONPATH": str(README.parent)},
            encoding="utf-8",
            timeout=60,
            dimensions=(50, 80),
        )
        said = ""
        for question, answer in (("Do this", ""), ("Do this", ""), ("Apply", "y")):
            child.expect(f"{question}.*: |{question}.*\\] ")
            said += child.before + child.after
            child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        text = (said + child.before).replace("\r\n", "\n").replace(str(machine.root), ".cache/demo")
    text = re.sub(r"\b\d{8}-\d{6}\b", "20231203-032400", text)
    return f"```\n$ {command}\n{text.replace(PATIENT, '')}```\n"


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


def test_the_dialogue_is_real_output() -> None:
    text = README.read_text("utf-8")
    begin, end = between(text, "dialogue")
    assert text[begin:end] == dialogue()


def rewrite() -> None:
    text = README.read_text("utf-8")
    for name, content in (
        ("rules", rule_table()),
        ("sample", sample()),
        ("dialogue", dialogue()),
    ):
        begin, end = between(text, name)
        text = text[:begin] + content + text[end:]
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    rewrite()
