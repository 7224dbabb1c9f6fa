"""The command line as a person and a script meet it: verbs, options, exit codes, one line of stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from certaudit import __version__
from certaudit.cli import run
from certaudit.rules import rules
from fixtures.machine import MACHINES, build, build_text

AS_OF = "2023-12-03T12:24:00+09:00"
OWNED = "cron:/etc/cron.d/wildcard"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(MACHINES / "demo.machine", tmp_path_factory.mktemp("cli") / "demo").root


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(MACHINES / "clean-owner-only.machine", tmp_path_factory.mktemp("cli") / "clean").root


class Ran:
    """What one command line, run in this process, wrote and returned."""

    def __init__(self, capfd: pytest.CaptureFixture[str], *words: str) -> None:
        capfd.readouterr()
        self.code = run(words)
        self.out, self.err = capfd.readouterr()

    @property
    def refused(self) -> bool:
        """Exit code 2, nothing on stdout, one line that begins with the program's name."""
        one_line = self.err.count("\n") == 1 and self.err.startswith("certaudit: ")
        return self.code == 2 and self.out == "" and one_line


def started(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "certaudit", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


# Verbs


def test_version() -> None:
    done = started("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"certaudit {__version__}\n", "")


def test_the_version_is_told_without_the_libraries() -> None:
    code = (
        "import sys; sys.argv = ['certaudit', '--version']\n"
        "from certaudit.__main__ import main\n"
        "main()\n"
        "heavy = {'typer', 'rich', 'cryptography', 'pystemd', 'dateutil', 'configobj', 'msgspec'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


def test_an_image_is_audited_without_the_bus(demo: Path) -> None:
    code = (
        "import os, sys\nfrom certaudit.cli import run\n"
        "run([*sys.argv[1:], '--output', os.devnull])\n"
        "sys.exit(', '.join({'pystemd'} & set(sys.modules)) or 0)\n"
    )
    words = [sys.executable, "-c", code, "audit", str(demo), "--as-of", AS_OF]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


def test_help_of_everything(capfd: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["--help"],
        ["-h"],
        ["audit", "--help"],
        ["why", "-h"],
        ["timeline", "-h"],
        ["rules", "-h"],
        ["schema", "-h"],
    ):
        ran = Ran(capfd, *words)
        assert (ran.code, ran.err) == (0, "")
        assert "Usage: certaudit" in ran.out
        assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize("verb", ["audit", "fix", "resync", "why", "timeline"])
def test_help_shows_how_a_moment_is_written(verb: str, capfd: pytest.CaptureFixture[str]) -> None:
    said = Ran(capfd, verb, "--help").out
    assert f"this moment, such as {AS_OF} (default: now)." in " ".join(said.split())
    assert max(map(len, said.splitlines())) <= 80


def test_rules_and_one_rule(capfd: pytest.CaptureFixture[str]) -> None:
    listed = Ran(capfd, "rules")
    assert listed.code == 0
    rows = [line for line in listed.out.splitlines() if not line.startswith(" ")]
    assert [line.split()[0] for line in rows] == [rule.slug for rule in rules()]
    assert max(map(len, listed.out.splitlines())) <= 80
    for rule in rules():
        assert rule.title in " ".join(listed.out.split())
        page = Ran(capfd, "rules", rule.slug)
        assert page.code == 0
        assert page.out.startswith(f"{rule.slug}: ")
        assert max(map(len, page.out.splitlines())) <= 80
        said = [text.split() for text in page.out.split("\n\n")]
        assert said == [text.split() for text in f"{rule.slug}: {rule.page}".split("\n\n")]
    unknown = Ran(capfd, "rules", "no-such-rule")
    assert unknown.refused and "no-such-rule" in unknown.err


def test_schema_is_json(capfd: pytest.CaptureFixture[str]) -> None:
    ran = Ran(capfd, "schema")
    assert ran.code == 0
    assert json.loads(ran.out)["$schema"].startswith("https://json-schema.org/")


def test_why(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("hogeserver.example", "*.hogeserver.example"):
        ran = Ran(capfd, "why", name, "--root", str(demo), "--as-of", AS_OF)
        assert ran.code == 0 and ran.err == ""
        assert "certbot.timer" in ran.out
    unknown = Ran(capfd, "why", "other.example", "--root", str(demo), "--as-of", AS_OF)
    assert unknown.refused and "hogeserver.example" in unknown.err


def test_no_word_at_all_gets_the_help(capfd: pytest.CaptureFixture[str]) -> None:
    ran = Ran(capfd)
    assert (ran.code, ran.err) == (2, "")
    assert ran.out.startswith("Usage: certaudit") and "\n  audit " in ran.out


# Targets


def test_targets_that_are_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for target in ("missing", "file", "empty", "\udcff"):
        for words in ([str(tmp_path / target)], ["--root", str(tmp_path / target)]):
            assert Ran(capfd, "audit", *words).refused


def test_the_directory_is_given_once(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert Ran(capfd, "audit", str(demo), "--root", "/").refused
    words = ["audit", str(demo), "--root", str(demo), "--as-of", AS_OF]
    assert Ran(capfd, *words).code == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--no-such-option"],
        ["no-such-verb"],
        ["audit", "--format", "xml"],
        ["audit", "--fail-on", "always"],
        ["audit", "a", "b"],
        ["audit", "--as-of"],
        ["why"],
    ],
)
def test_usage(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert Ran(capfd, *words).refused


# The moment


def test_the_moment(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told = {}
    for text in (AS_OF, "2023-12-03T12:24", "2023-12-03 03:24Z", "3 Dec 2023 12:24 +0900"):
        ran = Ran(capfd, "audit", str(demo), "--as-of", text, "--format", "json")
        assert ran.err == ""
        told[text] = json.loads(ran.out)["host"]["as_of"]
    assert set(told.values()) == {AS_OF}  # without a zone: the machine's own, Asia/Tokyo


@pytest.mark.parametrize(
    "text",
    ["yesterday-ish", "", "2023-13-01", "99999999999999", "2023-12-03T25:00", "2023-12-03 12:24 EST"],
)
def test_what_is_no_moment(text: str, demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ran = Ran(capfd, "audit", str(demo), "--as-of", text)
    assert ran.refused and "--as-of" in ran.err


# The policy


def test_a_policy_decides_the_owner(
    demo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(f'ignore = ["stale-copy"]\n[lineages."hogeserver.example"]\nowner = "{OWNED}"\n')
    words = ["audit", str(demo), "--as-of", AS_OF, "--format", "json"]
    report = json.loads(Ran(capfd, *words, "--policy", str(policy)).out)
    assert report["lineages"][0]["owner_source"] == "declared"
    assert "stale-copy" not in [r["rule"] for r in report["results"] if r["findings"]]
    assert "stale-copy" in [
        r["rule"] for r in json.loads(Ran(capfd, *words).out)["results"] if r["findings"]
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file"),
        (b"a = 1\nb = = 2\n", "line 2"),
        (b"owner = 1\n", 'unknown key "owner"'),
        (b'[lineages."a"]\nwoner = "x"\n', 'unknown key "woner"'),
        (b"ignore = 3\n", "ignore"),
        (b"\xff\xfe", "decode"),
        (b"[" * 9000, ""),
    ],
)
def test_a_policy_that_is_none(
    text: bytes | None, said: str, demo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    if text is not None:
        policy.write_bytes(text)
    ran = Ran(capfd, "audit", str(demo), "--as-of", AS_OF, "--policy", str(policy))
    assert ran.refused and said in ran.err and str(policy) in ran.err


# What to write, and where


def test_output(demo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["audit", str(demo), "--as-of", AS_OF]
    shown = Ran(capfd, *words)
    written = Ran(capfd, *words, "--output", str(tmp_path / "report"))
    assert (written.code, written.out, written.err) == (shown.code, "", "")
    assert (tmp_path / "report").read_text() == shown.out
    for bad in (tmp_path, tmp_path / "no" / "where"):
        assert Ran(capfd, *words, "--output", str(bad)).refused


def test_the_same_bytes_every_time(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["audit", str(demo), "--as-of", AS_OF, "--format", "json"]
    here = Ran(capfd, *words).out
    there = started(*words, env={**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C"})
    assert there.stdout == here


@pytest.mark.parametrize(
    ("level", "code"), [("info", 1), ("low", 1), ("medium", 1), ("high", 1), ("never", 0)]
)
def test_fail_on(level: str, code: int, demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert Ran(capfd, "audit", str(demo), "--as-of", AS_OF, "--fail-on", level).code == code


def test_fail_on_looks_at_the_severity(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["audit", str(demo), "--as-of", AS_OF, "--rule", "stale-copy", "--fail-on"]
    assert [Ran(capfd, *words, level).code for level in ("low", "medium", "high")] == [1, 1, 0]


def test_a_healthy_machine(healthy: Path, capfd: pytest.CaptureFixture[str]) -> None:
    ran = Ran(capfd, "audit", str(healthy), "--as-of", AS_OF, "--format", "json", "--fail-on", "info")
    report = json.loads(ran.out)
    assert (ran.code, ran.err) == (0, "")
    assert [r for r in report["results"] if r["findings"]] == []


def test_strict(demo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "etc").mkdir()
    assert Ran(capfd, "audit", str(tmp_path)).code == 0
    assert Ran(capfd, "audit", str(tmp_path), "--strict").code == 3
    assert Ran(capfd, "audit", str(demo), "--as-of", AS_OF, "--strict").code == 1  # 1 goes before 3


@pytest.mark.parametrize(("program", "code"), [("caddy", 0), ("lego", 3)])
def test_strict_where_another_client_is_at_work(
    program: str, code: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = f"include {MACHINES}/stock-debian-12.machine\nfile /usr/bin/{program} 0755\n| \x7fELF\n"
    text += f"file /etc/cron.d/own\n| 0 3 * * * root {program} run\n"
    machine = build_text(text, tmp_path / "root")
    ran = Ran(capfd, "audit", str(machine.root), "--as-of", machine.as_of.isoformat(), "--strict")
    assert ran.code == code
    assert f"{program} is at work here: what it renews is not followed" in ran.out.replace("\n", " ")


def test_one_rule_and_ignored_ones(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def flagged(*words: str) -> dict[str, list[str]]:
        ran = Ran(capfd, "audit", str(demo), "--as-of", AS_OF, "--format", "json", *words)
        found = json.loads(ran.out)["results"]
        return {r["rule"]: [f["subject"] for f in r["findings"]] for r in found if r["findings"]}

    everything = flagged()
    assert set(everything) == {"hidden-renewal-path", "stale-copy", "starved-job", "stolen-renewal"}
    assert set(flagged("--rule", "stale-copy")) == {"stale-copy"}
    assert set(flagged("--rule", "stale-copy", "--rule", "stolen-renewal")) == {
        "stale-copy",
        "stolen-renewal",
    }
    assert set(flagged("--ignore", "stale-copy")) == set(everything) - {"stale-copy"}
    subject = everything["stale-copy"][0]
    assert subject not in flagged("--ignore", f"stale-copy:{subject}").get("stale-copy", [])
    assert flagged("--ignore", "stale-copy:somebody.else") == everything
    for words in (["--rule", "stale"], ["--ignore", "stale"], ["--ignore", "stale:x"]):
        assert Ran(capfd, "audit", str(demo), "--as-of", AS_OF, *words).refused
