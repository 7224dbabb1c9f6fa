"""systemd.preset(5)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.preset import PresetRule, parse_preset, preset_rule

TEXT = """\
# local policy
; and another comment
enable certbot-renew.timer
  disable   certbot.*
enable acme@.timer www mail
enable dirsrv.service foo
permit x.service
disable *
"""


def test_the_rules_of_a_file() -> None:
    assert parse_preset(TEXT, "/p") == (
        PresetRule(True, "certbot-renew.timer", "/p", 3),
        PresetRule(False, "certbot.*", "/p", 4),
        PresetRule(True, "acme@.timer", "/p", 5, ("www", "mail")),
        PresetRule(False, "*", "/p", 8),
    )


def test_the_first_rule_that_matches_wins() -> None:
    rules = parse_preset(TEXT)
    lines = {
        name: rule.line if (rule := preset_rule(rules, name)) else None
        for name in (
            "certbot-renew.timer",
            "certbot.timer",
            "acme@.timer",
            "acme@www.timer",
            "acme@x.timer",
        )
    }
    assert lines == {
        "certbot-renew.timer": 3,
        "certbot.timer": 4,
        "acme@.timer": 5,
        "acme@www.timer": 5,
        "acme@x.timer": 8,
    }
    assert preset_rule(rules[:3], "cron.service") is None


def test_globs() -> None:
    rules = parse_preset("disable [a-c]ertbot?timer\nenable x[!y].service\ndisable x*.service\n")
    assert preset_rule(rules, "certbot.timer") == rules[0]
    assert preset_rule(rules, "xz.service") == rules[1]
    assert preset_rule(rules, "xy.service") == rules[2]


@given(st.text(), st.text(max_size=30))
def test_nothing_escapes(text: str, name: str) -> None:
    preset_rule(parse_preset(text), name)


def test_many_stars_end_in_time() -> None:
    rules = parse_preset("disable " + "*" * 5000 + "x\nenable " + "*a" * 12 + "b\n")
    assert preset_rule(rules, "a" * 200) is None
