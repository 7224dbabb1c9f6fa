"""Every rule on the machines of its folder: the exact findings, and silence where there is no fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from certaudit.model import SEVERITIES
from certaudit.rules import Rule, rules
from fixtures.machine import FIXTURES
from tests.audits import audit_file

FOLDER = FIXTURES / "rules"
CASES = sorted(FOLDER.glob("*/*.machine"))
BY_SLUG = {rule.slug: rule for rule in rules()}
LIVE_ONLY = {"half-switched-unit"}  # needs a running manager; its alarms are in test_by_hand
SECTIONS = ("What.", "Why it matters.", "How to fix.", "Severity.", "References.")


def expected(texts: tuple[str, ...]) -> set[tuple[str, str]]:
    """The ``(subject, severity)`` that a fixture's ``expect`` lines name; none for ``silent``."""
    if texts == ("silent",):
        return set()
    words = [text.split() for text in texts]
    assert words, "a rule's fixture must say what it expects"
    assert all(len(w) == 4 and w[0] == "finding" for w in words), texts
    return {(w[2], w[3]) for w in words}


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.parent.name}/{c.stem}")
def test_exactly_what_the_fixture_expects(case: Path, tmp_path: Path) -> None:
    rule = BY_SLUG[case.parent.name]
    audited = audit_file(case, tmp_path / "root", [rule])
    wanted = expected(audited.machine.expectations)
    assert all(text.split()[1] == rule.slug for text in audited.machine.expectations if text != "silent")
    assert bool(wanted) == case.stem.startswith("flagged-")
    assert {(f.subject, f.severity) for _, f in audited.report.findings} == wanted
    for _, finding in audited.report.findings:
        assert finding.severity in rule.severities
        assert finding.evidence, "a finding without evidence"
        assert finding.message


@pytest.mark.parametrize("rule", rules(), ids=lambda r: r.slug)
def test_a_rule_has_flagged_and_clean_fixtures(rule: Rule) -> None:
    names = [case.stem for case in CASES if case.parent.name == rule.slug]
    flagged = [name for name in names if name.startswith("flagged-")]
    clean = [name for name in names if name.startswith("clean-")]
    assert len(flagged) >= (0 if rule.slug in LIVE_ONLY else 2)
    assert len(clean) >= 2
    assert sorted(flagged + clean) == sorted(names)


@pytest.mark.parametrize("rule", rules(), ids=lambda r: r.slug)
def test_a_rule_has_a_complete_page(rule: Rule) -> None:
    lines = rule.page.splitlines()
    assert lines[0] == rule.title
    assert lines[1] == ""
    assert not rule.title.endswith(".")
    starts = [line for line in lines if line.startswith(SECTIONS)]
    assert [next(s for s in SECTIONS if line.startswith(s)) for line in starts] == list(SECTIONS)
    assert all(len(line.split()) > len(s.split()) for line, s in zip(starts, SECTIONS, strict=True))
    assert rule.severities == tuple(sorted(rule.severities, key=SEVERITIES.index))
    severity = rule.page.partition("\nSeverity.")[2].partition("\nReferences.")[0].lower()
    assert all(name in severity for name in rule.severities)


def test_no_folder_without_its_rule() -> None:
    assert {folder.name for folder in FOLDER.iterdir()} == set(BY_SLUG)


def test_the_severities_of_every_rule_are_all_reached() -> None:
    reached: dict[str, set[str]] = {}
    for case in CASES:
        for line in case.read_text("utf-8").splitlines():
            words = line.split()
            if words[:2] == ["expect", "finding"]:
                reached.setdefault(words[2], set()).add(words[4])
    unreached = {r.slug: set(r.severities) - reached.get(r.slug, set()) for r in rules()}
    assert {slug for slug, left in unreached.items() if left} == LIVE_ONLY
