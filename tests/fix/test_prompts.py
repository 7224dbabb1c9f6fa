"""The dialogue of ``certaudit fix`` on a terminal, driven as a person would."""

from __future__ import annotations

import fcntl
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pexpect
import pytest

from certaudit.cli.dialogue import last_question
from certaudit.host.writer import Writer
from certaudit.records import replace
from fixtures.machine import MACHINES
from tests.fix.machines import HERE, Bench, Verb, at, bench

ASKED = "Do this"
TIMEOUT = 30
TERM = "xterm-256color"


@pytest.fixture
def demo(tmp_path: Path) -> Bench:
    return bench(MACHINES / "demo.machine", tmp_path)


@contextmanager
def dialogue(machine: Bench, *verb: str, typed: str = "") -> Iterator[pexpect.spawn]:
    arguments = ["-m", "certaudit", *verb, "--state-dir", str(machine.store.directory)]
    if verb[0] == "fix":
        arguments += [str(machine.root), "--as-of", machine.as_of.isoformat()]
    size = (24, 80)
    environment = {"PATH": "/usr/bin:/bin", "TERM": TERM, "LC_ALL": "C.UTF-8", "HOME": "/root"}
    child = pexpect.spawn(
        sys.executable,
        arguments,
        env=environment,
        timeout=TIMEOUT,
        encoding="utf-8",
        dimensions=size,
        # a job in the background, as these tests may be, ignores what Ctrl-C sends
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    child.send(typed)
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
        child.expect(rf"Apply 2 steps to\s+{re.escape(str(demo.root))}\s+now\? \[y/N\] ")
        child.sendline("y")
        code, said = ended(child)
    assert (code, "`certaudit undo --state-dir" in said) == (1, True)
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
        child.expect("How long it lasts: The mask")
        child.expect("a mask holds in all of these")
        child.expect(ASKED)
        child.sendline("diff")
        child.expect("remove the link /etc/systemd/system/timers.target.wants/certbot.timer\r\n")
        child.expect("   - -> /lib/systemd/system/certbot.timer\r\n   \\+ not there\r\n")
        child.expect(ASKED)
        child.sendline("perhaps")
        child.expect("The answers are, or their first letters")
        child.expect("quit: change nothing at all")
        child.expect(ASKED)
        child.sendline("quit")
        assert ended(child)[0] == 0


def test_nothing_but_one_path_or_one_command_needs_more_than_80_columns(demo: Bench) -> None:
    said = ""
    with dialogue(demo, "fix") as child:
        for word in ("e", "d", "r", "c", "b", "e", "d", "?", "y", "e", "d", "y", "y"):
            child.expect([ASKED, "Which one", "Apply"])
            said += child.before + child.after
            child.sendline(word)
        code, rest = ended(child)
    assert code == 1
    wide = [line for line in (said + rest).split("\r\n") if len(line) > 80]
    assert [line for line in wide if " " in line.strip() and "`" not in line] == []


def test_every_remedy_is_listed_in_order_with_its_price(demo: Bench) -> None:
    with dialogue(demo, "fix") as child:
        child.expect(ASKED)
        child.sendline("remedy")
        child.expect("Which one. a, b, d, quit, or Enter: e stays: ")
        said = child.before.split("\r\n")
        child.sendline("q")
        assert "Nothing was changed." in ended(child)[1]
    letters = [line[3] for line in said if re.match(r"   \w  \w", line)]
    assert letters == ["a", "b", "c", "d", "e"]
    assert "   c  not possible here: autorenew = False for this one certificate" in said
    assert "   e  proposed: switch the trigger off so that upgrades and first boots leave it" in said
    assert len([line for line in said if "The mask, a link in /etc" in line]) == 1


def test_an_answer_is_what_was_typed_after_its_question(demo: Bench) -> None:
    before = demo.manifest()
    with dialogue(demo, "fix", typed="y\ny\ny\n") as child:
        child.expect("What was typed before this question is not taken as its answer.")
        child.expect(ASKED)
        child.sendeof()
        code, said = ended(child)
    assert (code, "Nothing was changed." in said) == (0, True)
    assert demo.manifest() == before


@pytest.mark.parametrize("words", [[], ["y"], ["y", "y"], ["r"]])
def test_control_c_changes_nothing_and_says_so(words: list[str], demo: Bench) -> None:
    before = demo.manifest()
    with dialogue(demo, "fix") as child:
        for word in words:
            child.expect([ASKED, "Apply"])
            child.sendline(word)
        child.expect([ASKED, "Apply", "Which one"])
        child.sendintr()
        code, said = ended(child)
    assert (code, "Nothing was changed.\r\ncertaudit: interrupted" in said) == (130, True)
    assert demo.manifest() == before


def test_control_c_while_it_waits_for_a_renewal_changes_nothing(demo: Bench) -> None:
    lock = demo.root / "etc/letsencrypt/.certbot.lock"
    lock.touch()
    before = demo.manifest()
    with lock.open("ab") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        with dialogue(demo, "fix") as child:
            child.expect(ASKED)
            child.sendline("all")
            child.expect("Apply")
            child.sendline("y")
            child.expect("a renewal that is going on is waited for")
            child.sendintr()
            code, said = ended(child)
    assert (code, "certaudit: nothing was changed\r\ncertaudit: interrupted" in said) == (130, True)
    assert demo.manifest() == before


def test_an_interrupt_on_the_way_says_how_to_take_it_back(
    demo: Bench, certaudit: Verb, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = demo.manifest()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Writer, "link", interrupted)
    code, out, err = certaudit("fix", *at(demo), "--yes")
    monkeypatch.undo()
    monkeypatch.setenv("CERTAUDIT_STATE_DIR", str(demo.store.directory))
    (record,) = demo.store.records()
    assert code == 130
    assert f"only partly done: `certaudit undo {record.id}` takes it back\n" in err
    assert "Done" not in out
    assert demo.manifest() != before
    monkeypatch.setattr(Writer, "link", interrupted)
    code, _, err = certaudit("undo", record.id, "--yes")
    assert (code, f"only partly taken back: run `certaudit undo {record.id}` again\n" in err) == (
        130,
        True,
    )
    monkeypatch.undo()
    monkeypatch.setenv("CERTAUDIT_STATE_DIR", str(demo.store.directory))
    assert certaudit("undo", record.id, "--yes")[0] == 0
    assert demo.manifest() == before


def test_all_shows_each_step_before_it_is_applied(demo: Bench) -> None:
    with dialogue(demo, "fix") as child:
        child.expect(ASKED)
        child.sendline("all")
        child.expect("Step 2 of 2: copy the live")
        child.expect("- copy privkey4.pem to /srv/host2/tls/privkey.pem")
        child.expect(r"Apply 2 steps to\s+/\S+\s+now\? ")
        child.sendline("q")
        assert "Nothing was changed." in ended(child)[1]


def test_the_last_question_names_a_directory_and_not_this_host(demo: Bench) -> None:
    plan = demo.plan()
    image = replace(plan, target="/mnt/image\x1b[2J")
    assert last_question(image, 80) == "Apply 2 steps to /mnt/image\N{REPLACEMENT CHARACTER}[2J now?"
    deep = last_question(replace(plan, target="/mnt/" + 55 * "x"), 80)
    assert deep == f"Apply 2 steps to\n/mnt/{55 * 'x'} now?"
    assert last_question(replace(plan, target="/", live=True), 80) == "Apply 2 steps now?"


def test_one_step_is_declined_and_the_other_done(demo: Bench) -> None:
    with dialogue(demo, "fix") as child:
        child.expect(ASKED)
        child.sendline("n")
        child.expect("Step 1 of 1: copy the live")
        child.expect(ASKED)
        child.sendline("y")
        child.expect(r"Apply 1 step to\s+/\S+\s+now\? ")
        child.sendline("yes")
        code, said = ended(child)
    assert code == 1
    assert said.endswith("\r\n\r\nUntil nothing is left, this counts as not finished (exit 1).\r\n")
    assert demo.findings() == [
        "hidden-renewal-path hogeserver.example",
        "starved-job hogeserver.example",
        "stolen-renewal hogeserver.example",
    ]


def test_another_remedy_can_be_chosen(tmp_path: Path) -> None:
    machine = bench(HERE / "owner-forces.machine", tmp_path)
    with dialogue(machine, "fix") as child:
        child.expect("set autorenew = False")
        child.expect(ASKED)
        child.sendline("r")
        child.expect("c  proposed: autorenew = False")
        child.expect("d  not possible here: switch the trigger off")
        child.expect("nothing would renew mail.example.org any more")
        child.expect("Which one. a, b, quit, or Enter: c stays: ")
        child.sendline("e")
        child.expect("e is not possible here: nothing would renew mail.example.org")
        child.expect("The answers are: a, b, quit, and Enter.")
        child.sendline("c")
        child.expect(ASKED)
        child.sendline("r")
        child.expect("Which one")
        child.sendline("a")
        child.expect("Hand hoge.example out in a deploy hook")
        child.expect(ASKED)
        child.sendline("d")
        child.expect(r"\+install -m 0644")
        child.expect(ASKED)
        child.sendline("")
        child.expect(r"Apply 1 step to\s+/\S+\s+now\? ")
        child.sendline("y")
        child.expect("Done")
        ended(child)
    hook = machine.root / "etc/letsencrypt/renewal-hooks/deploy/certaudit-hoge.example"
    assert hook.stat().st_mode & 0o777 == 0o755


def test_a_step_that_became_another_is_asked_about_again(tmp_path: Path) -> None:
    """A remedy is chosen for a certificate: that of a later step changes one that was agreed to."""
    machine = bench(HERE / "many-paths.machine", tmp_path)
    before = machine.manifest()
    with dialogue(machine, "fix") as child:
        child.expect("Step 1 of 6: disable and mask certbot.timer")
        child.expect(ASKED)
        child.sendline("y")
        child.expect("Step 2 of 6: disable and empty the times of renew.timer")
        child.expect(ASKED)
        child.sendline("r")
        child.expect("Which one")
        child.sendline("d")
        child.expect("Step 1 of 6: disable certbot.timer")
        child.expect(ASKED)
        child.sendline("q")
        assert "Nothing was changed." in ended(child)[1]
    assert machine.manifest() == before


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
