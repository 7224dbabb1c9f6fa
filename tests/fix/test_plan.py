"""Which remedy is chosen, what is refused, and what each one writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from certaudit.fix.confs import with_setting
from certaudit.fix.perform import DriftError
from certaudit.fix.plan import Choices
from certaudit.fix.record_text import decode, encode
from certaudit.fix.sight import CannotError
from certaudit.parsers.renewal_conf import parse_renewal_conf
from certaudit.plan import ChangeMode, MakeDirectory, MoveFile, Plan, PutLink, RemoveLink, WriteText
from certaudit.render import plan_diff, plan_text
from tests.fix.machines import HERE, RULES, Bench, bench

CRONTAB = "include ../base/wildcard.machine\ninclude ../base/timer-off.machine\n"


def kinds(plan: Plan) -> list[list[type]]:
    return [[type(action) for action in step.actions] for step in plan.steps]


def restored(machine: Bench, plan: Plan) -> list[str]:
    """Apply, keep what an audit says then, take back, and compare."""
    before = machine.manifest()
    record = machine.apply(plan)
    left = machine.findings()
    machine.undo(record)
    assert machine.manifest() == before
    return left


def test_every_kind_of_trigger_is_switched_off(tmp_path: Path) -> None:
    machine = bench(HERE / "many-paths.machine", tmp_path)
    plan = machine.plan()
    assert kinds(plan)[:5] == [
        [RemoveLink, PutLink],
        [RemoveLink, MakeDirectory, WriteText],
        [WriteText],
        [WriteText],
        [ChangeMode],
    ]
    assert [step.remedy for step in plan.steps] == ["e", "e", "e", "e", "e", "resync"]
    owner = "Then /etc/cron.d/wildcard:2 (/usr/local/sbin/renew-wildcard) renews hoge.example."
    assert [step.notes[0] for step in plan.steps[:5]] == [owner] * 5
    assert plan.refusals == ()
    assert decode(encode(plan)) == plan
    assert restored(machine, plan) == []


def test_two_lines_of_one_crontab(tmp_path: Path) -> None:
    machine = bench(HERE / "many-paths.machine", tmp_path)
    machine.apply()
    text = (machine.root / "var/spool/cron/crontabs/root").read_text()
    assert text == (
        "# m h dom mon dow command\n#30 2 * * * /usr/bin/certbot -q renew\n"
        "#45 2 * * * /usr/bin/certbot -q renew --cert-name hoge.example\n"
    )


def test_a_trigger_that_serves_another_certificate_is_left_alone(tmp_path: Path) -> None:
    machine = bench(HERE / "serves-another.machine", tmp_path)
    plan = machine.plan()
    assert plan.steps == ()
    assert "also renews mail.example.org" in plan.refusals[0].why
    assert "--remedy hoge.example=a|b\n" in plan_text.render(plan)


@pytest.mark.parametrize("letter", ["d", "e"])
def test_no_certificate_loses_its_last_path(tmp_path: Path, letter: str) -> None:
    machine = bench(HERE / "serves-another.machine", tmp_path)
    chosen = (("hoge.example", letter),)
    plan = machine.plan(Choices(remedies=chosen))  # type: ignore[arg-type]
    assert plan.steps == ()
    assert "nothing would renew mail.example.org" in plan.refusals[0].why
    accepted = Choices(remedies=chosen, accepted=frozenset({"mail.example.org"}))  # type: ignore[arg-type]
    plan = machine.plan(accepted)
    assert [step.remedy for step in plan.steps] == [letter]
    assert "renews mail.example.org too" in plan.steps[0].notes[-1]
    owner = "/etc/cron.d/wildcard:2 (/usr/local/sbin/renew-wildcard)"
    assert plan.steps[0].notes[0] == f"Then {owner} renews hoge.example."
    assert PutLink in kinds(plan)[0] if letter == "e" else kinds(plan)[0] == [RemoveLink]
    assert restored(machine, plan) == ["no-renewal-path mail.example.org"]


def test_autorenew_false_where_it_lasts(tmp_path: Path) -> None:
    machine = bench(HERE / "owner-forces.machine", tmp_path)
    plan = machine.plan()
    assert [step.remedy for step in plan.steps] == ["c"]
    assert plan.steps[0].locks == ("/etc/letsencrypt/.certbot.lock",)
    changed = [line.strip() for line in plan_diff.diff(plan.steps[0]).splitlines()]
    assert [line for line in changed if line[:1] in "+-"] == ["+autorenew = False"]
    assert restored(machine, plan) == []


def test_autorenew_false_is_refused_where_it_stops_the_owner(tmp_path: Path) -> None:
    machine = bench(RULES / "hidden-renewal-path/flagged-timer-and-wrapper.machine", tmp_path)
    plan = machine.plan(Choices(remedies=(("hoge.example", "c"),)))
    assert plan.steps == ()
    assert "whose call does not force" in plan.refusals[0].why


def test_a_deploy_hook_only_when_chosen(tmp_path: Path) -> None:
    machine = bench(HERE / "serves-another.machine", tmp_path)
    plan = machine.plan(Choices(remedies=(("hoge.example", "a"),)))
    written = plan.steps[0].actions[-1]
    assert isinstance(written, WriteText)
    assert written.path == "/etc/letsencrypt/renewal-hooks/deploy/certaudit-hoge.example"
    assert written.after.mode == 0o755
    assert written.text.endswith(
        '[ "$RENEWED_LINEAGE" = /etc/letsencrypt/live/hoge.example ] || exit 0\nset -e\n'
        "install -m 0644 /etc/letsencrypt/live/hoge.example/fullchain.pem /srv/host1/tls/fullchain.pem\n"
        "install -m 0600 /etc/letsencrypt/live/hoge.example/privkey.pem /srv/host1/tls/privkey.pem\n"
    )
    restored(machine, plan)


def test_a_step_that_is_not_certain_makes_no_hook(tmp_path: Path) -> None:
    text = (
        "include ../fix/serves-another.machine\nreplace /usr/local/sbin/renew-wildcard\n| #!/bin/sh\n"
        "| openssl x509 -noout -checkend 9 -in /etc/letsencrypt/live/hoge.example/cert.pem && exit 0\n"
        "| certbot certonly -n --cert-name hoge.example --manual "
        "--manual-auth-hook /opt/hoge/dns-put || exit 1\n"
        "| cat /etc/letsencrypt/live/hoge.example/fullchain.pem > /srv/host1/tls/fullchain.pem\n"
    )
    plan = bench(text, tmp_path).plan(Choices(remedies=(("hoge.example", "a"),)))
    assert plan.steps == ()
    assert "can not be repeated for certain" in plan.refusals[0].why


def test_rivals_without_an_owner_have_to_be_declared(tmp_path: Path) -> None:
    machine = bench(RULES / "rival-renewal-paths/flagged-timer-and-crontab.machine", tmp_path)
    plan = machine.plan()
    assert plan.steps == ()
    assert plan.refusals[0].commands == (
        "certaudit fix --owner www.example.org=timer:certbot.timer",
        "certaudit fix --owner www.example.org=cron:/var/spool/cron/crontabs/root",
    )


def test_a_declared_rival_is_switched_off(tmp_path: Path) -> None:
    machine = bench(RULES / "rival-renewal-paths/flagged-declared-timer.machine", tmp_path)
    plan = machine.plan()
    assert [step.rules for step in plan.steps] == [("rival-renewal-paths",)]
    assert restored(machine, plan) == []


def test_a_snap_is_for_snapd(tmp_path: Path) -> None:
    text = CRONTAB + (
        "file /etc/systemd/system/snap.certbot.renew.timer\n| [Timer]\n| OnCalendar=*-*-* 03:00\n"
        "| [Install]\n| WantedBy=timers.target\n"
        "file /etc/systemd/system/snap.certbot.renew.service\n| [Service]\n"
        "| ExecStart=/usr/bin/certbot -q renew\n"
        "link /etc/systemd/system/timers.target.wants/snap.certbot.renew.timer -> "
        "/etc/systemd/system/snap.certbot.renew.timer\n"
    )
    plan = bench(text, tmp_path).plan()
    assert plan.steps == ()
    assert plan.refusals[0].commands == ("snap stop --disable certbot.renew",)


def test_the_packaged_cron_file_is_diverted(tmp_path: Path) -> None:
    machine = bench("include ../base/wildcard.machine\ninclude ../base/sysvinit.machine\n", tmp_path)
    (machine.root / "var/lib/dpkg").mkdir(parents=True, exist_ok=True)
    plan = machine.plan()
    assert kinds(plan) == [[MoveFile, WriteText]]
    machine.apply(plan)
    assert not (machine.root / "etc/cron.d/certbot").exists()
    assert (machine.root / "var/lib/dpkg/diversions").read_text() == (
        "/etc/cron.d/certbot\n/etc/cron.d/certbot.diverted\n:\n"
    )
    assert "hidden-renewal-path hoge.example" not in machine.findings()


def test_drift_is_refused_before_the_first_write(tmp_path: Path) -> None:
    machine = bench(HERE / "many-paths.machine", tmp_path)
    plan = machine.plan()
    (machine.root / "etc/cron.daily/renew-all").chmod(0o750)
    (machine.root / "srv/host1/tls/fullchain.pem").write_text("other")
    before = machine.manifest()
    with pytest.raises(DriftError) as refused:
        machine.apply(plan)
    assert len(refused.value.differences) == 2
    assert machine.manifest() == before
    assert machine.store.records() == ()


def test_a_live_renewal_in_between_is_drift(tmp_path: Path) -> None:
    machine = bench(HERE / "many-paths.machine", tmp_path)
    plan = machine.plan()
    key = machine.root / "etc/letsencrypt/archive/hoge.example/privkey2.pem"
    key.write_text("other")
    with pytest.raises(DriftError, match="changed since the plan was made"):
        machine.apply(plan)


@pytest.mark.parametrize(
    ("conf", "line"),
    [
        ("[renewalparams]\naccount = x\n", "[renewalparams]\nautorenew = False\naccount = x\n"),
        ("[renewalparams]", "[renewalparams]\nautorenew = False"),
        (
            "# c\r\n[renewalparams]\r\na = b\r\n",
            "# c\r\n[renewalparams]\r\nautorenew = False\r\na = b\r\n",
        ),
        ("[renewalparams]\nautorenew = True # why\nb = c\n", "autorenew = False # why\nb = c\n"),
    ],
)
def test_one_line_is_put_into_a_conf(conf: str, line: str) -> None:
    new = with_setting(conf)
    assert line in new
    assert not parse_renewal_conf(new).autorenew


def test_a_conf_that_can_not_be_edited_is_refused() -> None:
    with pytest.raises(CannotError):
        with_setting("version = 1.21.0\n")
