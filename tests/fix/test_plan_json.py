"""Every plan is valid by the schema that ``certaudit schema plan`` prints, and survives being kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from certaudit.fix.plan import Choices
from certaudit.fix.record_text import decode, encode
from certaudit.plan import ABSENT, REMEDIES, Node, ReloadUnit, Remedy, RunCommand, SendParts, Served
from certaudit.records import replace
from certaudit.render import plan_json, plan_schema
from fixtures.machine import MACHINES
from tests.fix.machines import HERE, RULES, Verb, at, bench

CASES = sorted(
    [*HERE.glob("*.machine"), *MACHINES.glob("*.machine"), *RULES.glob("*/flagged-*.machine")]
)
CHECKS = Draft202012Validator.FORMAT_CHECKER


def valid(text: str) -> None:
    schema = plan_schema.schema()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=CHECKS).validate(json.loads(text))


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.parent.name}/{c.stem}")
def test_the_plan_is_valid_and_kept_as_it_is(case: Path, tmp_path: Path) -> None:
    plan = bench(case, tmp_path).plan()
    valid(plan_json.render(plan))
    assert decode(json.loads(json.dumps(encode(plan)))) == plan


@pytest.mark.parametrize("letter", ["a", "b", "c", "d", "e"])
def test_so_is_that_of_each_remedy(letter: Remedy, tmp_path: Path) -> None:
    machine = bench(HERE / "owner-forces.machine", tmp_path)
    plan = machine.plan(Choices(remedies=(("hoge.example", letter),)))
    valid(plan_json.render(plan))
    assert decode(json.loads(json.dumps(encode(plan)))) == plan


OUTWARD = (
    SendParts(
        "root@mirror.example.org", "/etc/tls/site.pem", ABSENT, Node("file", "0" * 64, 0o600),
        ("/etc/letsencrypt/archive/hoge.example/privkey2.pem",), ("-p", "2222"), secret=True,
    ),
    RunCommand(
        "/usr/local/sbin/note --token=s3cr3t", "/etc/letsencrypt/live/hoge.example", "hoge.example",
        "/usr/local/sbin/renew:9",
    ),
    ReloadUnit(
        "nginx.service", ("/usr/sbin/nginx", "-t"),
        (Served("127.0.0.1:443", "hoge.example", "f" * 64, "0a"),),
    ),
)  # fmt: skip


@pytest.mark.parametrize("action", OUTWARD, ids=lambda a: type(a).__name__)
def test_so_is_what_reaches_beyond_the_files(
    action: SendParts | RunCommand | ReloadUnit, tmp_path: Path
) -> None:
    plan = bench(MACHINES / "demo.machine", tmp_path).plan()
    plan = replace(plan, steps=(replace(plan.steps[0], actions=(action,)),), unseen=("a:/b",))
    text = plan_json.render(plan)
    valid(text)
    assert "s3cr3t" not in text
    assert decode(json.loads(json.dumps(encode(plan)))) == plan
    wrong = json.loads(text)
    wrong["steps"][0]["actions"][0] |= {"options": 1, "environment": 1, "served": 1}
    with pytest.raises(ValidationError):
        valid(json.dumps(wrong))


def test_the_command_line_prints_both(certaudit: Verb, tmp_path: Path) -> None:
    code, out, _ = certaudit("schema", "plan")
    schema = json.loads(out)
    assert (code, schema["title"]) == (0, "certaudit/plan/v1")
    assert schema["$defs"]["step"]["properties"]["remedy"]["examples"] == list(REMEDIES)
    machine = bench(MACHINES / "demo.machine", tmp_path)
    code, out, _ = certaudit("fix", *at(machine), "--plan", "--format", "json")
    Draft202012Validator(schema, format_checker=CHECKS).validate(json.loads(out))
    for arguments in (("schema",), ("schema", "report")):
        assert json.loads(certaudit(*arguments)[1])["title"] == "certaudit/report/v1"
    assert certaudit("schema", "other")[0] == 2


def test_a_plan_that_lacks_something_is_not_valid(tmp_path: Path) -> None:
    data = json.loads(plan_json.render(bench(MACHINES / "demo.machine", tmp_path).plan()))
    del data["steps"][0]["actions"][0]["text"]
    with pytest.raises(ValidationError):
        valid(json.dumps(data))
