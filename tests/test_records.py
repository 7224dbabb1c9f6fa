"""What every record keeps to, and how one is made anew."""

from __future__ import annotations

import pickle
from inspect import getmembers, isclass
from types import ModuleType

import pytest
from msgspec import Struct

from certaudit import evidence, facts, history, model, plan, policy
from certaudit.evidence import Evidence, Gap
from certaudit.records import replace

SEEN = Evidence("/etc/cron.d/renew", 3, "17 4 * * * root certbot renew")


@pytest.mark.parametrize("module", [evidence, policy, history, model, facts, plan])
def test_every_noun_is_frozen(module: ModuleType) -> None:
    nouns = [
        one for _, one in getmembers(module, isclass) if one is not Struct and issubclass(one, Struct)
    ]
    assert [one.__name__ for one in nouns if not one.__struct_config__.frozen] == []
    assert nouns


def test_a_record_made_anew_differs_in_the_fields_named() -> None:
    assert replace(SEEN, line=4) == Evidence(SEEN.where, 4, SEEN.text)
    with pytest.raises(TypeError):
        replace(SEEN, lines=4)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        SEEN.line = 4  # type: ignore[misc]
    assert SEEN.line == 3


def test_records_of_one_class_with_equal_fields_are_equal() -> None:
    again = pickle.loads(pickle.dumps(SEEN))
    assert (again == SEEN, hash(again) == hash(SEEN), again is SEEN) == (True, True, False)
    other: object = Gap("a", "")
    assert other != Evidence("a")
    with pytest.raises(TypeError):
        sorted([SEEN, again])
