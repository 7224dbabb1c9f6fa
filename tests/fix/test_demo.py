"""The demo server repaired and given back, through the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from certaudit.parsers.certificate import parse_pem
from fixtures.machine import MACHINES, build
from tests.fix.machines import Bench, Verb, at, bench, unfolded

KEYS = ("srv/host1/tls/privkey.pem", "srv/host2/tls/privkey.pem")


@pytest.fixture
def demo(tmp_path: Path) -> Bench:
    return bench(MACHINES / "demo.machine", tmp_path)


def test_yes_repairs_all_but_the_remote_target(demo: Bench, certaudit: Verb) -> None:
    code, out, err = certaudit("fix", *at(demo), "--yes")
    assert (code, err) == (1, "")
    rsync = "rsync -aL /etc/letsencrypt/live/hogeserver.example/ backup.hogehoge.example:/etc/tls/"
    assert rsync in out.partition("Left for you to run, on hogehoge itself:")[2].replace(
        "\\\n       ", ""
    )
    assert out.endswith("\n\nUntil that is done, this counts as not finished (exit 1).\n")
    assert demo.findings() == []
    assert (demo.root / "etc/systemd/system/certbot.timer").readlink() == Path("/dev/null")
    live = demo.root / "etc/letsencrypt/archive/hogeserver.example"
    for host in ("host1", "host2"):
        place = demo.root / "srv" / host / "tls"
        assert (place / "fullchain.pem").read_bytes() == (live / "fullchain4.pem").read_bytes()
        assert (place / "privkey.pem").read_bytes() == (live / "privkey4.pem").read_bytes()
        leaf = parse_pem((place / "fullchain.pem").read_bytes(), "").leaf
        assert leaf and leaf.public_key in parse_pem((place / "privkey.pem").read_bytes(), "").keys
        assert (place / "privkey.pem").stat().st_mode & 0o777 == 0o600


def made(demo: Bench, certaudit: Verb) -> list[tuple[str, str | None, str]]:
    """Whose each generation is, who made it, and how sure that is."""
    report = json.loads(certaudit("audit", *at(demo), "--format", "json")[1])
    (lineage,) = report["lineages"]
    return [
        (one["relation"], one["made_by"]["trigger"], one["made_by"]["confidence"])
        for one in lineage["generations"]
    ]


def test_who_made_what_is_not_forgotten(demo: Bench, certaudit: Verb) -> None:
    before = made(demo, certaudit)
    assert before[2:] == [
        ("stolen", "timer:certbot.timer", "medium"),
        ("stolen", "timer:certbot.timer", "high"),
    ]
    certaudit("fix", *at(demo), "--yes")
    assert made(demo, certaudit) == before


def test_undo_gives_an_identical_tree_back(demo: Bench, certaudit: Verb) -> None:
    before = demo.manifest()
    certaudit("fix", *at(demo), "--yes")
    assert demo.manifest() != before
    code, out, _ = certaudit("undo", "--yes")
    assert code == 0
    assert "taken back" in unfolded(out)
    assert demo.manifest() == before
    assert certaudit("undo", "--yes")[:2] == (0, "There is nothing to undo.\n")


def test_after_undo_an_audit_says_the_very_same(demo: Bench, certaudit: Verb) -> None:
    words = ("audit", *at(demo), "--format", "json")
    before = certaudit(*words)
    assert before[0] == 1
    certaudit("fix", *at(demo), "--yes")
    assert certaudit(*words)[1] != before[1]
    certaudit("undo", "--yes")
    assert certaudit(*words) == before


def test_a_second_fix_finds_nothing_to_do(demo: Bench, certaudit: Verb) -> None:
    certaudit("fix", *at(demo), "--yes")
    code, out, _ = certaudit("fix", *at(demo), "--yes")
    assert (code, "nothing to do" in unfolded(out), "Nothing is left" in unfolded(out)) == (
        0,
        True,
        True,
    )


def test_plan_changes_nothing_and_is_json(demo: Bench, certaudit: Verb, tmp_path: Path) -> None:
    before = demo.manifest()
    code, out, _ = certaudit("fix", *at(demo), "--plan", "--format", "json")
    assert code == 0
    plan = json.loads(out)
    assert plan["schema"] == "certaudit/plan/v1"
    assert [step["remedy"] for step in plan["steps"]] == ["e", "resync"]
    assert [action["kind"] for action in plan["steps"][0]["actions"]] == ["RemoveLink", "PutLink"]
    assert certaudit("fix", *at(demo), "--plan", "--format", "json")[1] == out
    assert demo.manifest() == before
    assert not (tmp_path / "state").exists()


def test_without_a_terminal_and_yes_it_only_shows(demo: Bench, certaudit: Verb) -> None:
    before = demo.manifest()
    code, out, _ = certaudit("fix", *at(demo))
    assert (code, out.startswith("Plan for hogehoge")) == (0, True)
    assert demo.manifest() == before


def test_only_leaves_the_rest_alone(demo: Bench, certaudit: Verb) -> None:
    code, out, _ = certaudit("fix", *at(demo), "--yes", "--only", "hidden-renewal-path")
    assert "Copy the live" not in out
    assert code == 1
    left = ("stale-copy", "starved-job", "stolen-renewal")
    assert demo.findings() == [f"{rule} hogeserver.example" for rule in left]


def test_records_are_private_and_hold_no_key(demo: Bench, certaudit: Verb, tmp_path: Path) -> None:
    keys = [(demo.root / key).read_text().splitlines()[1] for key in KEYS]
    certaudit("fix", *at(demo), "--yes")
    files = [p for p in (tmp_path / "state").rglob("*") if p.is_file()]
    assert {p.name for p in files} == {"lock", "plan.json", "journal.jsonl"}
    for path in (tmp_path / "state").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    for path in files:
        assert not any(key in path.read_text() for key in keys)
        assert "PRIVATE KEY" not in path.read_text()


def test_plans_tells_whether_it_still_stands(demo: Bench, certaudit: Verb) -> None:
    assert certaudit("plans")[1].startswith("No plan")
    certaudit("fix", *at(demo), "--yes")
    assert "applied, stands" in unfolded(certaudit("plans")[1])
    (demo.root / KEYS[0]).write_text("other")
    assert "changed since: /srv/host1/tls/privkey.pem" in certaudit("plans")[1]


def test_undo_touches_nothing_after_a_change(demo: Bench, certaudit: Verb) -> None:
    before = demo.manifest()
    certaudit("fix", *at(demo), "--yes")
    (demo.root / KEYS[0]).write_text("other")
    changed = demo.manifest()
    newer = demo.root / "srv/host2/tls/fullchain.pem"
    newer.write_bytes(newer.read_bytes() + b"\n")
    changed = demo.manifest()
    code, _, err = certaudit("undo", "--yes")
    assert (code, "/srv/host1/tls/privkey.pem has other content" in err) == (4, True)
    assert "other content (a certificate that expires on 2024-02-28)" in err
    assert demo.manifest() == changed
    places = ("/srv/host1/tls/privkey.pem", "/srv/host2/tls/fullchain.pem")
    code, _, _ = certaudit("undo", "--yes", *(word for p in places for word in ("--force-file", p)))
    assert code == 0
    assert demo.manifest() == before


def test_undo_leaves_the_files_that_are_to_be_kept(demo: Bench, certaudit: Verb) -> None:
    before = demo.manifest()
    certaudit("fix", *at(demo), "--yes")
    (demo.root / KEYS[0]).write_text("renewed since")
    kept = demo.manifest()[KEYS[0]]
    code, out, _ = certaudit("undo", "--yes", "--keep-file", f"/{KEYS[0]}")
    assert (code, "is taken back" in unfolded(out)) == (0, True)
    assert demo.manifest() == {**before, KEYS[0]: kept}
    assert certaudit("undo", "--yes")[1] == "There is nothing to undo.\n"


def test_undo_passes_over_targets_that_are_gone(demo: Bench, certaudit: Verb, tmp_path: Path) -> None:
    before = demo.manifest()
    certaudit("fix", *at(demo), "--yes")
    image = Bench(tmp_path / "image", demo.as_of, demo.store)
    build(MACHINES / "demo.machine", image.root)
    certaudit("fix", *at(image), "--yes")
    record = demo.store.records()[0]
    assert record.plan.target == str(image.root)
    shutil.rmtree(image.root)
    code, out, err = certaudit("undo", record.id, "--yes")
    assert (code, out) == (4, "")
    assert err == (
        f"certaudit: nothing was changed: plan {record.id} was for {image.root}, which is gone\n"
    )
    passed = "Passed over: 1 plan for targets that are gone.\n"
    code, out, _ = certaudit("undo", "--yes")
    assert (code, out.startswith(passed)) == (0, True)
    assert demo.manifest() == before
    assert certaudit("undo", "--yes") == (0, passed + "There is nothing to undo.\n", "")


@pytest.mark.parametrize("name", ["clean-owner-only", "clean-no-certbot", "stock-debian-12",
                                  "stock-ubuntu-22.04", "stock-almalinux-9"])  # fmt: skip
def test_a_healthy_machine_is_left_alone(name: str, tmp_path: Path, certaudit: Verb) -> None:
    machine = bench(MACHINES / f"{name}.machine", tmp_path)
    before = machine.manifest()
    code, out, _ = certaudit("fix", *at(machine), "--yes")
    assert ("nothing to do" in unfolded(out), machine.manifest()) == (True, before)
    assert code == (0 if not machine.findings() else 1)
    assert not (tmp_path / "state").exists()


def test_a_second_certaudit_is_refused(demo: Bench, certaudit: Verb) -> None:
    before = demo.manifest()
    with demo.store.lock():
        code, _, err = certaudit("fix", *at(demo), "--yes")
    assert (code, "another certaudit" in err) == (4, True)
    assert demo.manifest() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--remedy", "x"), "try NAME=c"),
        (("--remedy", "nobody=c"), "no certificate 'nobody'"),
        (("--only", "typo"), "no rule 'typo'"),
        (("--only", "starved-job"), "does nothing about"),
        (("--yes", "--plan"), "--yes"),
    ],
)
def test_a_wrong_call_is_usage(
    demo: Bench, certaudit: Verb, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = certaudit("fix", *at(demo), *arguments)
    assert (code, said in err) == (2, True)
