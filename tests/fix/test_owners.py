"""Who is meant to renew it: asked, written into the policy with everything else kept, and taken back."""

from __future__ import annotations

from pathlib import Path

import pytest

from certaudit.fix.owners import with_owner
from certaudit.fix.sight import CannotError
from fixtures.machine import MACHINES
from tests.fix.machines import RULES, Bench, Verb, at, bench, unfolded
from tests.fix.test_prompts import ASKED, dialogue, ended

RIVALS = RULES / "rival-renewal-paths/flagged-timer-and-crontab.machine"
NAME = "www.example.org"
KEPT = '# who renews what\nignore = ["stale-copy"] # not now\n\n[lineages.other]\nowner = "x" # mine\n'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", '[lineages."a.example"]\nowner = "timer:t"\n'),
        (KEPT, KEPT + '\n[lineages."a.example"]\nowner = "timer:t"\n'),
        ("# no end", '# no end\n\n[lineages."a.example"]\nowner = "timer:t"\n'),
        (
            '[lineages."a.example"] # mine\ncopies = ["/srv/a.pem"]\n[lineages.b]\nowner = "y"\n',
            '[lineages."a.example"] # mine\nowner = "timer:t"\ncopies = ["/srv/a.pem"]\n'
            '[lineages.b]\nowner = "y"\n',
        ),
        ("[lineages.'a.example']\nowner='gone'\n", "[lineages.'a.example']\nowner = \"timer:t\"\n"),
        ('[ lineages . "a.example" ]', '[ lineages . "a.example" ]\nowner = "timer:t"'),
    ],
)
def test_one_line_is_put_into_a_policy(old: str, new: str) -> None:
    assert with_owner(old, "a.example", "timer:t") == new


@pytest.mark.parametrize(
    "old",
    [
        'lineages = {"a.example" = {copies = ["/x"]}}\n',
        '[lineages]\n"a.example".owner = "gone"\n',
        "no toml at all",
        "[lineages.a]\nunknown = 1\n",
    ],
)
def test_a_policy_of_another_form_is_left_alone(old: str) -> None:
    with pytest.raises(CannotError) as refused:
        with_owner(old, "a.example", "timer:t")
    assert refused.value.commands == ('[lineages."a.example"]', 'owner = "timer:t"')


@pytest.fixture
def rivals(tmp_path: Path) -> Bench:
    return bench(RIVALS, tmp_path)


def test_the_command_line_names_the_owner(rivals: Bench, certaudit: Verb) -> None:
    before = rivals.manifest()
    code, out, _ = certaudit("fix", *at(rivals), "--owner", f"{NAME}=timer:certbot.timer", "--yes")
    assert (code, "Nothing is left" in unfolded(out)) == (0, True)
    policy = (rivals.root / "etc/certaudit.toml").read_text()
    assert policy == '[lineages."www.example.org"]\nowner = "timer:certbot.timer"\n'
    assert rivals.findings() == []
    assert "#" in (rivals.root / "var/spool/cron/crontabs/root").read_text()
    certaudit("undo", "--yes")
    assert rivals.manifest() == before


def test_a_name_that_fits_nothing_is_usage(rivals: Bench, certaudit: Verb) -> None:
    code, _, err = certaudit("fix", *at(rivals), "--owner", f"{NAME}=timer:typo.timer")
    assert (code, "try: timer:certbot.timer, cron:/var/spool" in err) == (2, True)
    code, _, err = certaudit("fix", *at(rivals), "--owner", "timer:certbot.timer")
    assert (code, "try NAME=timer:certbot.timer" in err) == (2, True)


def test_it_is_asked_and_both_steps_are_done(rivals: Bench) -> None:
    before = rivals.manifest()
    with dialogue(rivals, "fix") as child:
        child.expect("2 paths renew www.example.org, and nothing tells which of them is meant to:")
        child.expect("1. certbot.timer")
        child.expect("Who should renew it. 1 to 2, quit, or Enter to leave it open: ")
        child.sendline("3")
        child.expect("The answers are the numbers 1 to 2, quit, and Enter.")
        child.sendline("2")
        child.expect("Step 1 of 2: declare /var/spool/cron/crontabs/root the owner")
        child.expect(ASKED)
        child.sendline("")
        child.expect("Step 2 of 2: disable and mask certbot.timer")
        child.expect(ASKED)
        child.sendline("")
        child.expect(r"Apply 2 steps to\s+/\S+\s+now\? ")
        child.sendline("y")
        assert ended(child)[0] == 0
    assert rivals.findings() == []
    (record,) = rivals.store.records()
    rivals.undo(record)
    assert rivals.manifest() == before


def test_left_open_quit_and_a_declined_owner_change_nothing(rivals: Bench) -> None:
    before = rivals.manifest()
    for words in ([""], ["q"], [None], ["1", "n"]):
        with dialogue(rivals, "fix") as child:
            for word in words:
                child.expect(["Who should renew it", ASKED])
                child.sendeof() if word is None else child.sendline(word)
            code, _ = ended(child)
        assert code == (4 if words == [""] else 0), words
        assert rivals.manifest() == before


def test_a_crontab_with_two_calls_is_named_by_more(tmp_path: Path) -> None:
    text = (
        "include ../base/site.machine\nfile /etc/cron.d/le\n"
        "| 1 1 * * * root certbot -q renew\n| 2 2 * * * root certbot -q renew\n"
    )
    (refusal,) = bench(text, tmp_path).plan().refusals
    assert refusal.commands[1:] == (
        f"certaudit fix --owner {NAME}=cron:/etc/cron.d/le:1",
        f"certaudit fix --owner {NAME}=cron:/etc/cron.d/le:2",
    )


def test_a_healthy_machine_is_asked_nothing(tmp_path: Path) -> None:
    machine = bench(MACHINES / "clean-owner-only.machine", tmp_path)
    with dialogue(machine, "fix") as child:
        code, said = ended(child)
    assert (code, "nothing to do" in unfolded(said), "Who should" in unfolded(said)) == (0, True, False)
