"""The README says what the code does: its rule table, samples and dialogue are generated and compared.

``python -m tests.test_readme`` writes them anew.
"""

from __future__ import annotations

import re
import shlex
import sys
import tempfile
from functools import cache
from pathlib import Path

import pexpect
import pytest

from certaudit.audit import audit, observe
from certaudit.host.machine import open_host
from certaudit.model import Policy, Report
from certaudit.render import picture, terminal, why
from certaudit.rules import rules
from fixtures.machine import MACHINES, build

README = Path(__file__).parent.parent / "README.md"


def rule_table() -> str:
    rows = ["| rule | severity | what it says |", "|---|---|---|"]
    rows += [f"| `{r.slug}` | {', '.join(r.severities)} | {r.title} |" for r in rules()]
    return "\n".join(rows) + "\n"


@cache
def demo() -> tuple[Report, str]:
    """The demo server's report, and the directory it was built in."""
    with tempfile.TemporaryDirectory() as scratch:
        machine = build(MACHINES / "demo.machine", Path(scratch, "demo"))
        model = observe(open_host(machine.root, machine.as_of), Policy())
        return audit(model, rules()), str(machine.root)


def fenced(text: str) -> str:
    return "```\n" + text.replace(demo()[1], ".cache/demo").rstrip("\n") + "\n```\n"


def sample() -> str:
    return "```\n" + terminal.render(demo()[0], colour=False).replace(demo()[1], ".cache/demo") + "```\n"


def why_sample() -> str:
    """The answer and how far the logs reach: all before the evidence."""
    report, _ = demo()
    text = why.render(report, report.model.lineages[0], colour=False, width=80)
    return fenced(text.partition("\n\nGeneration ")[0])


def picture_sample() -> str:
    model = demo()[0].model
    drawn = picture.picture(model, model.lineages[0])
    return fenced(terminal.to_text(drawn, colour=False, width=80))


PARTS = {"rules": rule_table, "why": why_sample, "picture": picture_sample}


def dialogue() -> str:
    """What a person sees who types Enter, Enter and y; the plan's name is another each time."""
    with tempfile.TemporaryDirectory() as scratch:
        machine = build(MACHINES / "demo.machine", Path(scratch, ".cache/demo"))
        command = f"certaudit fix .cache/demo --as-of {machine.as_of.isoformat()}"
        environment = {"PATH": "/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8", "HOME": scratch}
        words = [sys.executable, "-m", *command.split()]
        environment |= {"CERTAUDIT_STATE_DIR": f"{scratch}/state", "PYTHONPATH": str(README.parent)}
        child = pexpect.spawn(
            "/bin/sh",  # what is said of waiting is no part of the dialogue
            ["-c", f"exec {shlex.join(words)} 2> /dev/null"],
            cwd=scratch,
            env=environment,
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
    return f"```\n$ {command}\n{text}```\n"


def between(text: str, name: str) -> tuple[int, int]:
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    return text.index(begin) + len(begin), text.index(end)


@pytest.mark.parametrize("name", PARTS)
def test_what_is_generated_is_that_of_the_code(name: str) -> None:
    text = README.read_text("utf-8")
    begin, end = between(text, name)
    assert text[begin:end] == PARTS[name]()


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
    for name, content in {**PARTS, "sample": sample, "dialogue": dialogue}.items():
        begin, end = between(text, name)
        text = text[:begin] + content() + text[end:]
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    rewrite()
