"""``certaudit timeline`` and ``why`` as a person meets them: spans, formats, narrow terminals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pyte
import pytest
from jsonschema import Draft202012Validator

from certaudit.render import timeline_json
from fixtures.machine import MACHINES, build
from tests.cli.test_command_line import AS_OF, Ran

NAME = "hogeserver.example"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(MACHINES / "demo.machine", tmp_path_factory.mktemp("timeline") / "demo").root


def words(demo: Path, *more: str) -> list[str]:
    return ["timeline", NAME, "--root", str(demo), "--as-of", AS_OF, *more]


def events(demo: Path, capfd: pytest.CaptureFixture[str], *more: str) -> list[dict[str, object]]:
    ran = Ran(capfd, *words(demo, *more), "--format", "json")
    assert ran.code == 0 and ran.err == ""
    found: list[dict[str, object]] = json.loads(ran.out)["lineages"][0]["events"]
    return found


def test_every_lineage_or_one_by_any_of_its_names(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = Ran(capfd, "timeline", "--root", str(demo), "--as-of", AS_OF)
    assert whole.code == 0 and whole.out.startswith(f"{NAME}\n")
    for name in (NAME, "*.hogeserver.example"):
        assert Ran(capfd, "timeline", name, "--root", str(demo), "--as-of", AS_OF).out == whole.out
    unknown = Ran(capfd, "timeline", "other.example", "--root", str(demo), "--as-of", AS_OF)
    assert unknown.code == 2 and NAME in unknown.err and unknown.out == ""


def test_the_json_is_valid_and_nothing_is_folded(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ran = Ran(capfd, *words(demo), "--format", "json")
    printed = Ran(capfd, "schema", "timeline")
    schema = json.loads(printed.out)
    assert schema == timeline_json.schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    document = json.loads(ran.out)
    assert [error.message for error in validator.iter_errors(document)] == []
    kinds = [event["kind"] for event in document["lineages"][0]["events"]]
    assert (kinds.count("renewed"), kinds.count("idle")) == (4, 15)
    assert kinds.count("not-due") == 167
    assert document["lineages"][0]["events"] == events(demo, capfd)


def test_the_span(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    every = [e["time"] for e in events(demo, capfd)]
    month = [e["time"] for e in events(demo, capfd, "--since", "2023-11", "--until", "2023-11")]
    assert month == [t for t in every if str(t).startswith("2023-11-")]
    day = events(demo, capfd, "--since", "2023-11-30", "--until", "2023-11-30 19:00")
    assert [(e["kind"], e["time"]) for e in day] == [
        ("idle", "2023-11-30T04:17:01+09:00"),
        ("not-due", "2023-11-30T11:36:20.860000+09:00"),
    ]
    one = "2023-10-31T07:45:48Z"
    assert [e["kind"] for e in events(demo, capfd, "--since", one, "--until", one)] == ["expired"]
    assert events(demo, capfd, "--since", "2030-01-01") == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--since", "some day"], "--since"),
        (["--until", "2023-11-31"], "--until"),
        (["--since", "2023-12-01", "--until", "2023-11-01"], "before"),
        (["--format", "xml"], "xml"),
    ],
)
def test_what_is_no_span(
    more: list[str], said: str, demo: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = Ran(capfd, *words(demo, *more))
    assert ran.code == 2 and ran.out == "" and said in ran.err
    assert ran.err.count("\n") == 1


def test_a_machine_without_certificates(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = build(MACHINES / "clean-no-certbot.machine", tmp_path / "root").root
    ran = Ran(capfd, "timeline", "--root", str(root))
    assert (ran.code, ran.out) == (0, "There is no certbot certificate here.\n")
    ran = Ran(capfd, "timeline", "--root", str(root), "--format", "json")
    assert json.loads(ran.out)["lineages"] == []


def test_a_hole_in_the_logs_is_part_of_every_answer(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = build(MACHINES / "demo.machine", tmp_path / "demo").root
    (root / "var/log/letsencrypt/letsencrypt.log.5.gz").unlink()
    said = "certbot's log has a hole, after 2023-10-28 until 2023-11-05: number 5 is missing beside"
    for command in (words(root), ["why", *words(root)[1:]], ["audit", *words(root)[2:]]):
        assert said in " ".join(Ran(capfd, *command).out.split())
    report = json.loads(Ran(capfd, "audit", *words(root)[2:], "--format", "json").out)
    client = report["coverage"][0]
    assert (client["kind"], len(client["holes"])) == ("client", 1)
    assert client["holes"][0]["since"] == "2023-10-28T15:16:23.040000+09:00"


@pytest.mark.parametrize("verb", ["timeline", "why"])
def test_a_terminal_that_knows_ascii_only(verb: str, demo: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "certaudit", verb, NAME, "--root", str(demo), "--as-of", AS_OF],
        capture_output=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.isascii() and b"\x1b" not in done.stdout
    if verb == "timeline":
        assert b"certbot.timer             +   .   .   .   X   .  X|" in done.stdout


@pytest.mark.parametrize("verb", ["timeline", "why"])
def test_on_a_terminal_of_80_columns(verb: str, demo: Path) -> None:
    """As a person sees it: coloured, nothing wider than the screen, the answer in the first lines."""
    screen = pyte.Screen(80, 400)
    stream = pyte.Stream(screen)
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", "NO_COLOR": ""}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "certaudit", verb, NAME, "--root", str(demo), "--as-of", AS_OF],
        dimensions=(400, 80),
        env=environment,
        encoding="utf-8",
        timeout=60,
    )
    stream.feed(child.read())
    child.close()
    assert child.exitstatus == 0
    shown = [line.rstrip() for line in screen.display]
    shown = shown[1:] if shown[0].startswith("certaudit: reading") else shown
    assert shown[0] == NAME
    assert shown[2].startswith("certbot.timer renewed it last, on 2023-11-30 20:07 (generation 4)")
    plain = subprocess.run(
        [sys.executable, "-m", "certaudit", verb, NAME, "--root", str(demo), "--as-of", AS_OF],
        capture_output=True,
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        timeout=60,
        check=False,
    ).stdout.splitlines()
    assert shown[: len(plain)] == plain
    colours = {cell.fg for row in screen.buffer.values() for cell in row.values()}
    assert "cyan" in colours
    assert ("red" in colours) == (verb == "timeline")
