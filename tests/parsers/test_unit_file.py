"""systemd.syntax(7) and the adding up of drop-ins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.facts import Setting
from certaudit.parsers.unit_file import LONG_LINE, Problem, UnitFile, merged, parse_unit_file

TIMER = """\
[Unit]
Description=Run certbot twice daily

# when
[Timer]
OnCalendar=*-*-* 00,12:00:00
RandomizedDelaySec = 43200
Persistent=true
"""


def pairs(text: str) -> list[tuple[str, str, str, int]]:
    return [(s.section, s.key, s.value, s.line) for s in parse_unit_file(text).settings]


def combined(*texts: str) -> list[tuple[str, str]]:
    return [(s.key, s.value) for s in merged(parse_unit_file(text) for text in texts)]


def test_a_packaged_timer() -> None:
    path = "/lib/systemd/system/certbot.timer"
    assert parse_unit_file(TIMER, path) == UnitFile(
        path,
        (
            Setting("Unit", "Description", "Run certbot twice daily", path, 2),
            Setting("Timer", "OnCalendar", "*-*-* 00,12:00:00", path, 6),
            Setting("Timer", "RandomizedDelaySec", "43200", path, 7),
            Setting("Timer", "Persistent", "true", path, 8),
        ),
    )


def test_a_continued_line_counts_where_it_begins_and_skips_comments() -> None:
    text = "[Service]\nExecStart=/bin/a \\\n# not this\n ; nor this\n   -b \\\n\n-c=1\n"
    assert pairs(text) == [("Service", "ExecStart", "/bin/a     -b", 2), ("Service", "-c", "1", 7)]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("K=a\\\\", "a\\\\"),
        ("K=a\\\nb", "a b"),
        ("K=a\\\\\\\nb", "a\\\\ b"),
        ("K=a\\", "a"),
        ("K=a=b ; c", "a=b ; c"),
    ],
)
def test_backslashes_at_the_end(line: str, value: str) -> None:
    assert pairs("[S]\n" + line) == [("S", "K", value, 2)]


def test_line_ends_of_other_systems_and_a_byte_order_mark() -> None:
    assert pairs("\ufeff[A]\r\nK=v\r\n\r\n[B]\rL=w") == [("A", "K", "v", 2), ("B", "L", "w", 5)]


def test_what_is_ignored_is_named() -> None:
    found = parse_unit_file("K=v\n[A]\njunk\n=x\nL=\ufffd\nM=ok\n")
    assert [(s.key, s.value) for s in found.settings] == [("M", "ok")]
    assert found.problems == (
        Problem(1, "K= stands before any section"),
        Problem(3, "no assignment, ignored"),
        Problem(4, "no assignment, ignored"),
        Problem(5, "not UTF-8, ignored"),
    )
    assert not found.refused


@pytest.mark.parametrize("line", ["[Broken", "[", "[a\tb]", "K=" + "x" * LONG_LINE])
def test_what_systemd_refuses_ends_the_reading(line: str) -> None:
    found = parse_unit_file(f"[A]\nK=v\n{line}\nL=w\n")
    assert [(s.key, s.value) for s in found.settings] == [("K", "v")]
    assert found.refused
    assert found.problems[-1].line == 3


def test_an_empty_assignment_resets_lists_and_single_values() -> None:
    text = "[Service]\nExecStart=/bin/a\nUser=bob\nExecStartPost=/bin/p\n"
    assert combined(text, "[Service]\nExecStart=\nExecStart=/bin/b\nUser=\n") == [
        ("ExecStartPost", "/bin/p"),
        ("ExecStart", "/bin/b"),
    ]


def test_an_empty_time_takes_every_kind_of_time_along() -> None:
    text = "[Timer]\nOnCalendar=daily\nOnBootSec=5min\nPersistent=yes\n"
    assert combined(text, "[Timer]\nOnCalendar=\n") == [("Persistent", "yes")]


def test_groups_of_paths_conditions_and_ports() -> None:
    assert combined("[Path]\nPathExists=/a\nPathChanged=/b\n", "[Path]\nPathExists=\n") == []
    unit = "[Unit]\nConditionPathExists=/a\nConditionACPower=true\nAssertPathExists=/b\n"
    assert combined(unit, "[Unit]\nConditionACPower=\n") == [("AssertPathExists", "/b")]
    assert combined("[Socket]\nListenStream=1\nListenFIFO=/x\nAccept=no\n[Socket]\nListenStream=") == [
        ("Accept", "no")
    ]


def test_dependencies_cannot_be_taken_back() -> None:
    assert combined("[Unit]\nWants=a.service\n", "[Unit]\nWants=\nOnSuccess=\n") == [
        ("Wants", "a.service")
    ]
    assert combined("[Install]\nWantedBy=a.target\nWantedBy=\n") == []


def test_the_first_unit_of_a_timer_counts() -> None:
    assert combined("[Timer]\nUnit=a.service\n", "[Timer]\nUnit=\nUnit=b.service\n") == [
        ("Unit", "a.service")
    ]


def test_a_reset_stays_in_its_section() -> None:
    assert combined("[A]\nK=1\n[B]\nK=2\n[A]\nK=\n") == [("K", "2")]


@given(st.text(alphabet=st.sampled_from("[]=\\#; \n\r\0\ufeffKa"), max_size=60) | st.text())
def test_nothing_escapes(text: str) -> None:
    found = parse_unit_file(text, "/x")
    assert all(s.path == "/x" and s.line >= 1 and s.key == s.key.strip(" \t") for s in found.settings)
    assert all(s.value or s.key == "Unit" for s in merged([found]))


@given(st.lists(st.sampled_from(["K=1", "K=", "L=2", "K=3"]), max_size=12))
def test_the_last_reset_decides(lines: list[str]) -> None:
    text = "[S]\n" + "\n".join(lines)
    last = max((n for n, line in enumerate(lines) if line == "K="), default=-1)
    expected = [line[2:] for line in lines[last + 1 :] if line[0] == "K"]
    assert [value for key, value in combined(text) if key == "K"] == expected
