"""``certaudit resync`` on the command line: what it takes, what it refuses, and on an image."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from certaudit.cli import run
from tests.fix.machines import HERE, Bench, bench

PATIENCE = "certaudit: reading the machine ...\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("CERTAUDIT_STATE_DIR", str(tmp_path / "state"))
    return bench(HERE / "many-paths.machine", tmp_path)


def ran(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capfd.readouterr()
    code = run(("resync", *words))
    out, err = capfd.readouterr()
    return code, out, err.replace(PATIENCE, "")


def at(machine: Bench) -> tuple[str, ...]:
    return (str(machine.root), "--as-of", machine.as_of.isoformat())


def test_without_a_terminal_it_only_shows(machine: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    before = machine.manifest()
    code, out, err = ran(capfd, *at(machine))
    assert (code, err) == (0, "")
    assert out.startswith("Plan for hogehoge")
    assert machine.manifest() == before
    assert max(len(line) for line in out.splitlines() if str(machine.root) not in line) <= 80


def test_only_copies_are_dealt_with(machine: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = ran(capfd, "hoge.example", *at(machine), "--yes")
    assert (code, err) == (1, "")
    assert "\nLeft for you to run, on hogehoge itself:\n   hogehoge# " in out
    found = machine.findings()
    assert not [line for line in found if line.startswith("stale-copy")]
    assert "hidden-renewal-path hoge.example" in found
    assert run(("undo", "--yes", "--state-dir", str(machine.root.parent / "state"))) == 0
    assert [line for line in machine.findings() if line.startswith("stale-copy")]


def test_the_plan_as_json(machine: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capfd, *at(machine), "--format", "json")
    data = json.loads(out)
    assert (code, data["schema"], data["unseen"]) == (0, "certaudit/plan/v1", [])
    assert {step["remedy"] for step in data["steps"]} == {"resync"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody.example", "{root}"), "there is no certificate 'nobody.example' here"),
        (("{root}", "--remote"), "--remote works on the host this runs on"),
        (("{root}", "--run-hooks", "--yes"), "--run-hooks works on the host this runs on"),
        (("{root}", "--yes", "--plan"), "--yes does the plan"),
        (("{root}/nothing",), "No such file"),
        (("hoge.example", "{root}", "--root", "/mnt"), "give the directory once"),
    ],
)
def test_what_is_refused(
    words: tuple[str, ...], said: str, machine: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ran(capfd, *(word.format(root=machine.root) for word in words))
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_an_image_is_asked_nothing_on_the_wire(
    machine: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ("audit", *at(machine), "--connect", "--format", "json", "--fail-on", "never")
    assert run(words) == 0
    found = json.loads(capfd.readouterr().out)
    assert [d for d in found["deployments"] if d["kind"] == "served"] == []
