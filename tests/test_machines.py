"""Every whole machine: what its ``expect`` lines say, a valid report, the same bytes twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from certaudit.model import Deployment, Finding, Lineage
from certaudit.render import json_v1, schema, timeline_json
from fixtures.machine import MACHINES
from tests.audits import Audited, audit_file

FILES = sorted(MACHINES.glob("*.machine"))
STOCK = [file for file in FILES if file.stem.startswith("stock-")]
REPEATED = ("demo", "stock-debian-12")  # a second build and audit, compared byte by byte


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Audited]:
    """A machine's audit by all rules; each is built once."""

    @cache
    def by_file(file: Path) -> Audited:
        return audit_file(file, tmp_path_factory.mktemp(file.stem) / "root")

    return by_file


def found_finding(audit: Audited, rule: str, subject: str, severity: str | None = None) -> bool:
    """Is there such a finding; a copy is meant by its id where the finding is about its lineage?"""

    def about(finding: Finding) -> bool:
        cited = {f"copy:{line.where}" for line in finding.evidence}
        return finding.subject == subject or subject in cited

    found = [f for r, f in audit.report.findings if r.rule == rule and about(f)]
    return bool(found) and all(severity in (None, f.severity) for f in found)


def lineage(audit: Audited, name: str) -> Lineage:
    found = audit.model.lineage(name)
    assert found is not None, f"no lineage {name}"
    return found


def found_trigger(audit: Audited, trigger: str, state: str) -> bool:
    found = audit.model.trigger(trigger)
    return found is not None and found.state == state


def found_owner(audit: Audited, name: str, path: str) -> bool:
    return lineage(audit, name).owner == path


def found_generation(
    audit: Audited, name: str, number: str, trigger: str, relation: str, confidence: str | None = None
) -> bool:
    found = next(g for g in lineage(audit, name).generations if g.number == int(number))
    made = found.made_by
    sure = confidence in (None, made.confidence)
    return (made.trigger or "unknown", found.relation) == (trigger, relation) and sure


def found_copy(audit: Audited, place: str, generation: str, status: str) -> bool:
    found: Deployment | None = next((d for d in audit.model.deployments if d.id == place), None)
    return found is not None and (found.generation, found.status) == (int(generation), status)


def found_silence(audit: Audited) -> bool:
    return not audit.report.findings


CHECKS: dict[str, Callable[..., bool]] = {
    "finding": found_finding,
    "trigger": found_trigger,
    "owner": found_owner,
    "generation": found_generation,
    "copy": found_copy,
    "silent": found_silence,
}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_every_expectation_holds(file: Path, audited: Callable[[Path], Audited]) -> None:
    audit = audited(file)
    assert audit.machine.expectations
    for text in audit.machine.expectations:
        word, *arguments = text.split()
        assert CHECKS[word](audit, *arguments), f"expect {text}\n{json_v1.render(audit.report)[:4000]}"


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_no_rule_speaks_that_is_not_expected(file: Path, audited: Callable[[Path], Audited]) -> None:
    audit = audited(file)
    texts = (text.split() for text in audit.machine.expectations)
    wanted = {words[1] for words in texts if words[0] == "finding"}
    assert {result.rule for result, _ in audit.report.findings} == wanted


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_the_json_is_valid_by_the_published_schema(
    file: Path, audited: Callable[[Path], Audited]
) -> None:
    Draft202012Validator.check_schema(schema.schema())
    validator = Draft202012Validator(schema.schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    document = json.loads(json_v1.render(audited(file).report))
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_the_timeline_is_valid_in_order_and_loses_no_renewal(
    file: Path, audited: Callable[[Path], Audited]
) -> None:
    model = audited(file).model
    document = json.loads(timeline_json.render(model, model.lineages))
    validator = Draft202012Validator(timeline_json.schema())
    assert [error.message for error in validator.iter_errors(document)] == []
    for told, known in zip(document["lineages"], model.lineages, strict=True):
        times = [datetime.fromisoformat(event["time"]) for event in told["events"]]
        assert times == sorted(times)
        made = [e["generation"] for e in told["events"] if e["kind"] == "renewed" and e["generation"]]
        assert sorted(made) == [generation.number for generation in known.generations]


@pytest.mark.parametrize("name", REPEATED)
def test_the_same_files_give_the_same_bytes(
    name: str, audited: Callable[[Path], Audited], tmp_path: Path
) -> None:
    file = MACHINES / f"{name}.machine"
    again = audit_file(file, tmp_path / "elsewhere" / "root")
    assert json_v1.render(again.report) == json_v1.render(audited(file).report)


@pytest.mark.parametrize("file", STOCK, ids=lambda f: f.stem)
def test_a_stock_machine_is_silent_and_wholly_seen(
    file: Path, audited: Callable[[Path], Audited]
) -> None:
    report = audited(file).report
    assert report.findings == ()
    assert report.model.gaps == ()
    assert {result.status for result in report.results} == {"passed"}


def test_ids_are_unique_in_every_report(audited: Callable[[Path], Audited]) -> None:
    for file in FILES:
        document = json_v1.document(audited(file).report)
        for kind in ("triggers", "paths", "runs", "deployments"):
            ids = [item["id"] for item in document[kind]]
            assert len(ids) == len(set(ids)), f"{file.stem}: {kind}"


def test_what_a_report_refers_to_is_in_it(audited: Callable[[Path], Audited]) -> None:
    for file in FILES:
        document = json_v1.document(audited(file).report)
        triggers = {t["id"] for t in document["triggers"]}
        paths = {p["id"] for p in document["paths"]}
        runs = {r["id"] for r in document["runs"]}
        names = {x["name"] for x in document["lineages"]}
        assert {p["trigger"] for p in document["paths"]} <= triggers
        assert {r["trigger"] for r in document["runs"]} <= triggers | {None}
        assert {d["lineage"] for d in document["deployments"]} <= names
        assert {d["written_by"] for d in document["deployments"]} <= paths | {None}
        for lineage_ in document["lineages"]:
            assert {*lineage_["renewers"], lineage_["owner"]} <= paths | {None}
            made = [g["made_by"] for g in lineage_["generations"]]
            assert {m["run"] for m in made} <= runs | {None}
            assert {m["trigger"] for m in made} <= triggers | {None}
