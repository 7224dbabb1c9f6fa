"""What a rule says on Models that no image can hold, and what its messages and fixes must name."""

from __future__ import annotations

from pathlib import Path

import pytest

from certaudit.model import (
    Evidence,
    Finding,
    Gap,
    HalfSwitched,
    HostInfo,
    Model,
    Result,
)
from certaudit.rules import Rule, rules, run_rule
from fixtures.machine import FIXTURES, build_text
from tests.audits import audit_file, audit_text, model_of
from tests.linking.makers import NOW, lineage, path

HOST = HostInfo("web1", "/", live=True, as_of=NOW)
BY_SLUG = {rule.slug: rule for rule in rules()}


def ask(slug: str, model: Model) -> Result:
    return run_rule(BY_SLUG[slug], model)


def of_fixture(slug: str, name: str, into: Path) -> Finding:
    """The one finding of a rule on one of its fixtures."""
    file = FIXTURES / "rules" / slug / f"{name}.machine"
    ((_, found),) = audit_file(file, into / "root", [BY_SLUG[slug]]).report.findings
    return found


@pytest.mark.parametrize(
    ("what", "severity", "commands"),
    [
        ("enabled-inactive", "medium", ("systemctl start x.timer", "systemctl disable x.timer")),
        ("disabled-active", "medium", ("systemctl stop x.timer", "systemctl enable x.timer")),
        ("masked-active", "medium",
         ("systemctl stop x.timer", "systemctl unmask x.timer", "systemctl enable x.timer")),
        ("not-reloaded", "low", ("systemctl daemon-reload",)),
    ],
)  # fmt: skip
def test_a_half_switched_unit(what: str, severity: str, commands: tuple[str, ...]) -> None:
    half = HalfSwitched("x.timer", what, "x.timer is odd", (Evidence("bus"),))  # type: ignore[arg-type]
    found = ask("half-switched-unit", Model(HOST, half_switched=(half,)))
    assert (found.status, found.severity) == ("flagged", severity)
    (finding,) = found.findings
    assert (finding.subject, finding.message, finding.evidence) == (
        "x.timer", "x.timer is odd", (Evidence("bus"),),
    )  # fmt: skip
    assert tuple(action for fix in finding.fixes for action in fix.actions) == commands


def test_no_half_switched_unit_is_passed() -> None:
    assert ask("half-switched-unit", Model(HOST)).status == "passed"


@pytest.mark.parametrize("rule", rules(), ids=lambda r: r.slug)
def test_a_gap_in_what_a_rule_needs_leaves_it_open(rule: Rule) -> None:
    for aspect in sorted(rule.aspects):
        gap = Gap(aspect, "closed")
        found = run_rule(rule, Model(HOST, gaps=(gap,)))
        assert (found.status, found.gaps) == ("not_assessed", (gap,))
    other = run_rule(rule, Model(HOST, gaps=(Gap("clock", "no zone"),)))
    assert (other.status, other.gaps) == ("passed", ())


@pytest.mark.parametrize("rule", [r for r in rules() if r.subject], ids=lambda r: r.slug)
def test_a_rule_without_its_subject_is_not_assessed(rule: Rule) -> None:
    assert rule.subject is not None
    found = run_rule(rule, Model(HOST, absent=(rule.subject,)))
    assert found.status == "not_assessed"
    assert found.gaps


def test_nothing_renews_is_not_said_where_a_trigger_may_be_unseen() -> None:
    model = Model(HOST, lineages=(lineage(),), gaps=(Gap("units", "closed"),))
    assert ask("no-renewal-path", model).status == "not_assessed"
    assert ask("no-renewal-path", Model(HOST, lineages=(lineage(),))).status == "flagged"


def test_hidden_names_the_lag_where_the_copies_only_come_late(tmp_path: Path) -> None:
    found = of_fixture("hidden-renewal-path", "flagged-steps-every-run", tmp_path)
    assert "; the copies follow when the owner runs next, up to 24 hours later" in found.message


def test_hidden_shows_both_chains_and_what_is_left_out(tmp_path: Path) -> None:
    found = of_fixture("hidden-renewal-path", "flagged-timer-and-wrapper", tmp_path)
    places = [line.place for line in found.evidence]
    assert "later" not in found.message
    assert places[0].endswith("/certbot.service:6")
    assert "/etc/cron.d/wildcard:2" in places
    assert {"/usr/local/sbin/renew-wildcard:4", "/usr/local/sbin/renew-wildcard:7"} <= set(places)
    assert found.fixes[0].actions == (
        "systemctl disable --now certbot.timer",
        "systemctl mask certbot.timer",
    )
    assert found.fixes[0].safe


def test_hidden_is_medium_sure_where_a_path_is_not_certain() -> None:
    owner = path("cron:/x:1>certbot")
    timer = path("timer:t.timer>certbot", hidden_for=("a.example",), certain=False)
    one = lineage(owner=owner.id, renewers=(owner.id, timer.id))
    found = ask("hidden-renewal-path", Model(HOST, paths=(owner, timer), lineages=(one,)))
    assert [f.confidence for f in found.findings] == ["medium"]


def test_rivals_without_an_owner_are_asked_to_be_declared(tmp_path: Path) -> None:
    found = of_fixture("rival-renewal-paths", "flagged-timer-and-crontab", tmp_path)
    assert "nothing tells which of them is meant to: declare its owner" in found.message
    assert found.fixes[0].actions == ('[lineages."www.example.org"]', 'owner = "timer:certbot.timer"')
    assert found.fixes[1].actions[1] == 'owner = "cron:/var/spool/cron/crontabs/root"'


def test_the_declaration_that_rivals_propose_settles_them(tmp_path: Path) -> None:
    text = "\n".join([
        "include ../base/site.machine",
        "file /var/spool/cron/crontabs/root 0600",
        "| 0 0 1 */2 * certbot renew",
        "file /etc/certaudit.toml",
        '| [lineages."www.example.org"]',
        '| owner = "cron:/var/spool/cron/crontabs/root"',
    ])  # fmt: skip
    model = audit_text(text, tmp_path / "root").model
    assert model.lineages[0].owner == "cron:/var/spool/cron/crontabs/root:1>certbot"
    assert model.policy_problems == ()


def test_nothing_renews_says_why(tmp_path: Path) -> None:
    masked = of_fixture("no-renewal-path", "flagged-timer-masked", tmp_path / "masked")
    assert "certbot.timer is off (certbot.timer is masked)" in masked.message
    assert masked.fixes[0].actions == (
        "systemctl unmask certbot.timer",
        "systemctl enable --now certbot.timer",
    )
    switch = of_fixture("no-renewal-path", "flagged-autorenew-false", tmp_path / "switch")
    assert "certbot.timer passes it over (autorenew = False in its renewal conf)" in switch.message


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "flagged-cut-at-percent",
            "cron ends the command at the %: the shell gets half of one, and runs nothing",
        ),
        ("flagged-percent-to-mail", "cron ends the command at the %: nothing runs what follows"),
        ("flagged-cron-line-without-user", "cron does not take the line: bad username"),
        ("flagged-cron-line-of-no-time", "cron does not take the line: bad minute"),
    ],
)
def test_nothing_renews_names_the_cron_line_that_was_meant_to(
    name: str, why: str, tmp_path: Path
) -> None:
    found = of_fixture("no-renewal-path", name, tmp_path)
    assert f"/etc/cron.d/renew:1 is off ({why})" in found.message
    assert "/etc/cron.d/renew:1" in [line.place for line in found.evidence]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("flagged-program-gone", "/opt/gone.sh does not exist"),
        ("flagged-not-executable", "/opt/hand-out is not executable"),
        ("flagged-script-of-a-shell-gone", "/opt/hand-out does not exist"),
        ("flagged-interpreter-gone", "its interpreter /usr/bin/python does not exist"),
        ("flagged-carriage-return", "deploy/reload ends in a carriage return"),
        ("flagged-passed-over", "it is not executable"),
        ("flagged-link-to-nothing", "it is a link to nothing"),
    ],
)
def test_a_dead_hook_says_why(name: str, why: str, tmp_path: Path) -> None:
    found = of_fixture("dead-hook", name, tmp_path)
    assert found.message.startswith("after a renewal of www.example.org, ")
    assert found.message.endswith(why)
    assert len(found.evidence) == 1


def test_a_dead_hook_of_the_directory_is_said_once_for_all_lineages(tmp_path: Path) -> None:
    text = "\n".join([
        "include ../base/site.machine",
        "lineage mail.example.org",
        "generation mail.example.org 1 from=2024-02-20T09:00:00+00:00 days=90",
        "conf mail.example.org version=1.21.0 authenticator=standalone",
        "file /etc/letsencrypt/renewal-hooks/deploy/reload 0644",
        "| #!/bin/sh",
    ])  # fmt: skip
    result = run_rule(BY_SLUG["dead-hook"], audit_text(text, tmp_path / "root").model)
    (found,) = result.findings
    assert found.message.startswith("after a renewal of mail.example.org and www.example.org, certbot")
    assert found.fixes[0].actions == ("chmod 755 /etc/letsencrypt/renewal-hooks/deploy/reload",)


def test_a_combined_file_whose_key_does_not_fit(tmp_path: Path) -> None:
    text = "\n".join([
        "include ../base/site.machine",
        "copy /etc/haproxy/site.pem of www.example.org 2 fullchain 0600",
        "copy /tmp/key of www.example.org 1 privkey",
        "file /etc/haproxy/haproxy.cfg",
        "| frontend https",
        "|     bind :443 ssl crt /etc/haproxy/site.pem",
    ])  # fmt: skip
    machine = build_text(text, tmp_path / "root")
    combined = machine.root / "etc/haproxy/site.pem"
    combined.write_bytes(combined.read_bytes() + (machine.root / "tmp/key").read_bytes())
    found = ask("stale-copy", model_of(machine))
    (finding,) = found.findings
    assert (finding.subject, finding.severity) == ("www.example.org", "high")
    assert finding.message == (
        "certificate and key of www.example.org do not belong together in /etc/haproxy/site.pem"
    )
    live = "/etc/letsencrypt/live/www.example.org"
    assert finding.fixes[0].actions == (
        f"cat {live}/fullchain.pem {live}/privkey.pem > /etc/haproxy/site.pem",
    )


def test_a_pinned_reference_is_changed_and_nothing_is_copied_over_the_archive(tmp_path: Path) -> None:
    found = of_fixture("stale-copy", "flagged-archive-pinned", tmp_path)
    assert [fix.actions for fix in found.fixes] == [()]
    assert "name the files in /etc/letsencrypt/live/www.example.org instead" in found.fixes[0].title


def test_a_missing_place_is_called_missing(tmp_path: Path) -> None:
    found = of_fixture("stale-copy", "flagged-policy-missing", tmp_path)
    assert found.message == "/srv/export/www.pem should hold www.example.org and is not there"


def test_an_expired_one_is_renewed_by_all_of_its_owners_job(tmp_path: Path) -> None:
    by_timer = of_fixture("expired-or-expiring", "flagged-expired", tmp_path)
    assert by_timer.fixes[0].actions == ("systemctl start certbot.service",)
    rare = (FIXTURES / "rules/expired-or-expiring/flagged-expired.machine").read_text()
    text = rare.replace("include ../../", f"include {FIXTURES}/") + (
        "link /etc/systemd/system/certbot.timer -> /dev/null\n"
        "file /etc/cron.d/own 0644\n| 5 4 * * * root /usr/local/sbin/own\n"
        "file /usr/local/sbin/own 0755\n| #!/bin/sh\n| certbot renew && cp /x /y\n"
    )
    found = audit_text(text, tmp_path / "own", [BY_SLUG["expired-or-expiring"]]).report.findings
    assert found[0][1].fixes[0].actions == ("/usr/local/sbin/own",)
    told = text.replace("sbin/own\n", "sbin/own -q\n", 1)
    found = audit_text(told, tmp_path / "told", [BY_SLUG["expired-or-expiring"]]).report.findings
    assert found[0][1].fixes[0].actions == ()


def test_nothing_renews_says_what_certbot_refuses(tmp_path: Path) -> None:
    found = of_fixture("no-renewal-path", "flagged-refused-by-certbot", tmp_path)
    assert found.message.endswith(
        "/etc/cron.d/renew:1 is dormant (certbot refuses the word rennew); "
        "/etc/cron.d/renew:2 is dormant (certbot refuses --queit; it has --quiet); "
        "/etc/cron.d/renew:3 is dormant (certbot refuses the word reload)"
    )
    found = of_fixture("no-renewal-path", "flagged-option-dropped", tmp_path / "dropped")
    assert found.message.endswith(
        "/etc/cron.d/renew:1 is dormant (certbot refuses --standalone-supported-challenges, which "
        "2.1.0 does not have any more)"
    )


def test_starved_says_how_often_and_what_else_the_owner_found(tmp_path: Path) -> None:
    found = of_fixture("starved-job", "flagged-timer-won", tmp_path)
    assert found.message == (
        "/etc/cron.d/wildcard:2 (/usr/local/sbin/renew-wildcard) came too late at least once, "
        "on 2024-03-02: another path had renewed hoge.example before it; at 2 firings that the logs "
        "show since 2024-03-01 it had nothing to renew"
    )
    assert [line.place for line in found.evidence] == ["/var/log/syslog:8"]


def test_starved_counts_a_firing_for_each_renewal_taken(tmp_path: Path) -> None:
    found = of_fixture("starved-job", "flagged-taken-twice", tmp_path)
    assert found.message == (
        "/etc/cron.d/wildcard:2 (/usr/local/sbin/renew-wildcard) came too late at least 2 "
        "times, first on 2024-03-02 and last on 2024-05-01: another path had renewed hoge.example "
        "before it; at 8 firings that the logs show since 2024-03-01 it had nothing to renew, so what "
        "it does after a renewal was left undone"
    )
    assert [line.place for line in found.evidence] == ["/var/log/syslog:8", "/var/log/syslog:15"]


def test_stolen_names_generation_thief_and_moment(tmp_path: Path) -> None:
    found = of_fixture("stolen-renewal", "flagged-steps-every-run", tmp_path)
    assert found.message.startswith("certbot.timer made 1 generation of hoge.example (2) that ")
    assert found.message.endswith("the last one at 2024-03-01 19:00")
    assert found.confidence == "high"


def test_a_partial_tree_leaves_the_question_open(tmp_path: Path) -> None:
    file = FIXTURES / "rules" / "no-renewal-path" / "clean-partial-tree.machine"
    audited = audit_file(file, tmp_path / "root", [BY_SLUG["no-renewal-path"]])
    assert [result.status for result in audited.report.results] == ["not_assessed"]


QUEIT = "append /etc/letsencrypt/cli.ini\n| queit = true\n"
CALLED = "(called at /lib/systemd/system/certbot.service:6)"
REFUSES = "certbot refuses queit in its cli.ini; it has --quiet"


@pytest.mark.parametrize(
    ("more", "state", "switch"),
    [
        ("", f"dormant ({REFUSES})", ()),
        (
            "include ../base/timer-off.machine\n",
            f"off (certbot.timer is masked; {REFUSES})",
            (("systemctl unmask certbot.timer", "systemctl enable --now certbot.timer"),),
        ),
    ],
)
def test_what_certbot_refuses_is_to_be_corrected_first(
    more: str, state: str, switch: tuple[tuple[str, ...], ...], tmp_path: Path
) -> None:
    text = f"include ../base/site.machine\n{QUEIT}{more}"
    audited = audit_text(text, tmp_path / "root", [BY_SLUG["no-renewal-path"]])
    ((_, found),) = audited.report.findings
    assert f": certbot.timer is {state}; " in found.message
    correct, *others = found.fixes
    assert (correct.title, correct.actions) == (f"correct it: {REFUSES} {CALLED}", ())
    assert tuple(fix.actions for fix in others) == switch
