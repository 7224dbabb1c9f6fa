"""From a readable machine to what an audit says of it: the one way the tests of a whole audit go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from certaudit.audit import audit, observe
from certaudit.cli.common import policy_of
from certaudit.host.machine import open_host
from certaudit.model import Model, Report
from certaudit.records import replace
from certaudit.rules import Rule, rules
from fixtures.machine import Machine, build, build_text

TARGET = "/image"


@dataclass(frozen=True, slots=True)
class Audited:
    """A built machine, what is known of it, and what the rules say."""

    machine: Machine
    report: Report

    @property
    def model(self) -> Model:
        """What is known of the machine."""
        return self.report.model


def model_of(machine: Machine) -> Model:
    """Everything known of a built machine, with its own policy; the target's name is always the same."""
    host = open_host(machine.root, machine.as_of)
    model = observe(host, policy_of(host.root, None))
    return replace(model, host=replace(model.host, target=TARGET))


def audit_file(file: Path, into: Path, chosen: Sequence[Rule] | None = None) -> Audited:
    """A ``.machine`` file built below ``into`` and audited by the rules chosen (default: all)."""
    machine = build(file, into)
    return Audited(machine, audit(model_of(machine), chosen if chosen is not None else rules()))


def audit_text(text: str, into: Path, chosen: Sequence[Rule] | None = None) -> Audited:
    """As ``audit_file`` for a text whose includes are relative to ``fixtures/machines``."""
    machine = build_text(text, into)
    return Audited(machine, audit(model_of(machine), chosen if chosen is not None else rules()))
