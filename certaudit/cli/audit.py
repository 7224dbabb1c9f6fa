"""``certaudit audit``: who renews each certificate, by which path, and what that left stale."""

from __future__ import annotations

import os
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from certaudit.cli.common import AsOfOption, PolicyOption, RootOption, model_of
from certaudit.errors import UsageError
from certaudit.linking.others import APART
from certaudit.model import SEVERITIES, Report

FINDINGS, NOT_ASSESSED = 1, 3


class Format(str, Enum):
    """How the report is written."""

    terminal = "terminal"
    json = "json"


class FailOn(str, Enum):
    """From which severity on a finding makes the exit code 1."""

    info = "info"
    low = "low"
    medium = "medium"
    high = "high"
    never = "never"


def command(
    target: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A directory that holds a root file system.")
    ] = None,
    root: RootOption = None,
    as_of: AsOfOption = None,
    policy: PolicyOption = None,
    form: Annotated[Format, typer.Option("--format", help="How to write the report.")] = Format.terminal,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write it there.")
    ] = None,
    fail_on: Annotated[FailOn, typer.Option(help="Findings from here on exit 1.")] = FailOn.medium,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 if a question stayed open.")] = False,
    rule: Annotated[list[str] | None, typer.Option(metavar="SLUG", help="Only this rule.")] = None,
    ignored: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="SLUG[:SUBJECT]", help="Leave this out.")
    ] = None,
    connect: Annotated[
        bool, typer.Option("--connect", help="Ask this host's addresses what they serve.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Write no colours.")] = False,
) -> int:
    """Tell who renews each certificate, by which path, and what that left stale.

    Looks at this host, or at the image in DIR. Only reads, and opens no connection but with --connect.
    """
    from certaudit.audit import audit, ignore  # noqa: PLC0415 - only this verb pays for the libraries
    from certaudit.rules import rules  # noqa: PLC0415

    if target is not None and root is not None and target != root:
        raise UsageError("give the directory once: as an argument or with --root")
    chosen = [r for r in rules() if not rule or r.slug in rule]
    check_slugs([*(rule or ()), *(i.partition(":")[0] for i in ignored or ())])
    model = model_of(target or root, as_of, policy, connect=connect)
    report = ignore(audit(model, chosen), [*(ignored or ()), *model.policy.ignores])
    write(text_of(report, form, colour=wants_colour(output, no_color=no_color)), output)
    return exit_code(report, fail_on, strict=strict)


def check_slugs(slugs: list[str]) -> None:
    """Raise ``UsageError`` for a rule that does not exist: a typing mistake must not hide findings."""
    from certaudit.rules import rules  # noqa: PLC0415

    known = {rule.slug for rule in rules()}
    for slug in slugs:
        if slug not in known:
            raise UsageError(f"there is no rule {slug!r}; `certaudit rules` lists them")


def wants_colour(output: Path | None, *, no_color: bool) -> bool:
    """Colour only on a terminal that wants it (no-color.org, TERM=dumb)."""
    if no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return output is None and sys.stdout.isatty()


def text_of(report: Report, form: Format, *, colour: bool) -> str:
    """The report in the format asked for."""
    if form is Format.json:
        from certaudit.render import json_v1  # noqa: PLC0415 - needs no library

        return json_v1.render(report)
    from certaudit.render import terminal  # noqa: PLC0415 - needs rich

    return terminal.render(report, colour=colour, width=width())


def width() -> int:
    """The columns to write for: the terminal's, within what a person can read; 80 in a pipe."""
    if not sys.stdout.isatty():
        return 80
    try:
        return max(60, min(os.get_terminal_size(sys.stdout.fileno()).columns, 120))
    except OSError:
        return 80


def write(text: str, output: Path | None) -> None:
    """The report to stdout or to a file. Raise ``UsageError`` where it does not take it."""
    data = text.encode("utf-8", "replace")
    try:
        if output is not None:
            output.write_bytes(data)
            return
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        where = "stdout" if output is None else f"--output {output}"
        raise UsageError(f"{where}: {error.strerror}") from error


def exit_code(report: Report, fail_on: FailOn, *, strict: bool) -> int:
    """The contract's code: 1 for findings, 3 with ``--strict`` for an open question."""
    if fail_on is not FailOn.never:
        least = SEVERITIES.index(fail_on.value)
        if any(SEVERITIES.index(finding.severity) >= least for _, finding in report.findings):
            return FINDINGS
    still_open = any(result.status == "not_assessed" for result in report.results)
    still_open |= any(gap.aspect != APART for gap in report.model.gaps)
    return NOT_ASSESSED if strict and still_open else 0
