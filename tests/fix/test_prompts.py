"""The dialogue of ``certaudit fix`` on a terminal, driven as a person would."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from fixtures.machine import MACHINES
from tests.fix.machines import HERE, Bench, bench

ASKED = "Do this"
TIMEOUT = 30


@pytest.fixture
def demo(tmp_path: Path) -> Bench:
    return bench(MACHINES / "demo.machine", tmp_path)


@contextmanager
def dialogue(machine: Bench, *verb: str) -> Iterator[pexpect.spawn]:
    arguments = ["-m", "certaudit", *verb, "--state-dir", str(machine.store.directory)]
    if verb[0] == "fix":
        arguments += [str(machine.root), "--as-of", machine.as_of.isoformat()]
    size = (50, 80)
    environment = {"PATH": "/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8", "HOME": "/root"}
    child = pexpect.spawn(
        sys.executable,
        arguments,
        env=environment,
        timeout=TIMEOUT,
        encoding="utf-8",
        dimensions=size,
    )
    try:
        yield child
    finally:
        child.close(force=True)


def ended(child: pexpect.spawn) -> tuple[int, str]:
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus, child.before


def test_enter_and_y_resolve_the_demo(demo: Bench) -> None:
    with dialogue(demo, "fix") as child:
        child.expect("Step 1 of 2: disable and mask certbot.timer")
        child.expect(ASKED)
        child.sendline("")
        child.expect("Step 2 of 2")
        child.expect(ASKED)
        child.sendline("")
        child.expect("Apply 2 steps now")
        child.sendline("y")
        code, said = ended(child)
    assert (code, "Done. `certaudit undo" in said) == (1, True)
    assert "\x1b" not in said
    assert demo.findings() == []


def test_quit_no_and_the_end_of_input_change_nothing(demo: Bench) -> None:
    before = demo.manifest()
    for words in (["q"], ["n", "n"], [None], ["a", ""]):
        with dialogue(demo, "fix") as child:
            for word in words:
                child.expect([ASKED, "Apply"])
                child.sendeof() if word is None else child.sendline(word)
            code, said = ended(child)
        assert (code, "Nothing was changed." in said) == (0, True), words
        assert demo.manifest() == before


def test_explain_diff_and_a_wrong_word(demo: Bench) -> None:
    with dialogue(demo, "fix") as child:
        child.expect(ASKED)
        child.sendline("e")
        child.expect("What brings the old state back: The mask")
        child.expect(ASKED)
        child.sendline("diff")
        child.expect("remove the link /etc/systemd/system/timers.target.wants/certbot.timer")
        child.expect(ASKED)
        child.sendline("perhaps")
        child.expect("The answers are: yes, no, all, quit, explain, diff, remedy")
        child.expect(ASKED)
        child.sendline("quit")
        assert ended(child)[0] == 0


def test_one_step_is_declined_and_the_other_done(demo: Bench) -> None:
    with dialogue(demo, "fix") as child:
        child.expect(ASKED)
        child.sendline("n")
        child.expect("Step 1 of 1: copy the live")
        child.expect(ASKED)
        child.sendline("y")
        child.expect("Apply 1 step now")
        child.sendline("yes")
        assert ended(child)[0] == 1
    assert demo.findings() == [
        "hidden-renewal-path hogeserver.example",
        "stolen-renewal hogeserver.example",
    ]


def test_another_remedy_can_be_chosen(tmp_path: Path) -> None:
    machine = bench(HERE / "owner-forces.machine", tmp_path)
    with dialogue(machine, "fix") as child:
        child.expect("set autorenew = False")
        child.expect(ASKED)
        child.sendline("r")
        child.expect("nothing would renew mail.example.org any more")
        child.expect("Which one. a, b, or Enter: c stays: ")
        child.sendline("a")
        child.expect("Hand hoge.example out in a deploy hook")
        child.expect(ASKED)
        child.sendline("d")
        child.expect(r"\+install -m 0644")
        child.expect(ASKED)
        child.sendline("")
        child.expect("Apply 1 step now")
        child.sendline("y")
        child.expect("Done")
        ended(child)
    hook = machine.root / "etc/letsencrypt/renewal-hooks/deploy/certaudit-hoge.example"
    assert hook.stat().st_mode & 0o777 == 0o755


def test_undo_asks_too(demo: Bench) -> None:
    before = demo.manifest()
    record = demo.apply()
    for word, same in (("", False), ("y", True)):
        with dialogue(demo, "undo") as child:
            child.expect(record.id)
            child.expect("Take it back")
            child.sendline(word)
            assert ended(child)[0] == 0
        assert (demo.manifest() == before) == same
