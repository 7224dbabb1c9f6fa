"""Names of units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.unit_name import (
    alias_allowed,
    instance_of,
    name_and_prefixes,
    name_kind,
    template_of,
    with_instance,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("certbot.timer", "plain"),
        ("acme@.timer", "template"),
        ("acme@www.example.org.timer", "instance"),
        ("a@b@c.service", "instance"),
        ("dev-sda\\x2d1.device", "plain"),
        (".service", None),
        ("@x.service", None),
        ("certbot", None),
        ("certbot.conf", None),
        ("two words.service", None),
        ("\udcff.service", None),
        ("x" * 248 + ".service", None),
    ],
)
def test_kinds(name: str, kind: str | None) -> None:
    assert name_kind(name) == kind


def test_templates_and_instances() -> None:
    assert template_of("a@b.timer") == template_of("a@.timer") == "a@.timer"
    assert template_of("a.timer") is None
    assert instance_of("a@b.timer") == "b"
    assert with_instance("a@.timer", "b") == "a@b.timer"


@pytest.mark.parametrize(
    ("alias", "target", "allowed"),
    [
        ("a.service", "b.service", True),
        ("a.service", "a.service", False),
        ("a.service", "b.timer", False),
        ("a@x.service", "b@x.service", True),
        ("a@x.service", "b@y.service", False),
        ("a@x.service", "b@.service", True),
        ("a@.service", "b@x.service", False),
        ("a@.service", "b.service", False),
        ("a.mount", "b.mount", False),
        ("a.service", "b", False),
    ],
)
def test_aliases(alias: str, target: str, *, allowed: bool) -> None:
    assert alias_allowed(alias, target) is allowed


@pytest.mark.parametrize(
    ("name", "owners"),
    [
        ("foo-bar-baz.timer", ("foo-bar-baz.timer", "foo-bar-.timer", "foo-.timer")),
        (
            "a-b@x.service",
            ("a-b@x.service", "a-b@.service", "a-.service", "a-@x.service", "a-@.service"),
        ),
        ("-a-b.service", ("-a-b.service", "-a-.service")),
        ("a--.timer", ("a--.timer", "a-.timer")),
        ("timer", ("timer",)),
    ],
)
def test_drop_in_owners(name: str, owners: tuple[str, ...]) -> None:
    assert name_and_prefixes(name) == owners


@given(st.text(alphabet=st.sampled_from("a-@.\\"), max_size=20))
def test_nothing_escapes(stem: str) -> None:
    name = stem + ".service"
    assert name_and_prefixes(name)[0] == name
    if name_kind(name) == "instance":
        assert with_instance(template_of(name) or "", instance_of(name)) == name
