"""Remedies (a) and (b): afterwards the certificate is handed out, and an audit agrees."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from certaudit.fix.catch_up import certain
from certaudit.fix.plan import Choices
from certaudit.plan import LaterFile, MakeDirectory, Plan, Remedy, WriteText
from certaudit.render import plan_diff, plan_text
from fixtures.machine import MACHINES
from tests.fix.machines import HERE, RULES, Bench, Verb, at, bench

NAME = "hoge.example"
SITE = "include ../base/wildcard.machine\n"
CRON = "replace /etc/cron.d/wildcard\n| PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin\n"
SERVICE = (
    "remove /etc/cron.d/wildcard\nfile /etc/systemd/system/own.service\n| [Service]\n| Type=oneshot\n"
    "| ExecStart=/usr/local/sbin/renew-wildcard\n"
    "file /etc/systemd/system/own.timer\n| [Timer]\n| OnCalendar=daily\n"
    "link /etc/systemd/system/timers.target.wants/own.timer -> ../own.timer\n"
)


def chosen(machine: Bench, letter: Remedy) -> Plan:
    return machine.plan(Choices(remedies=((NAME, letter),)))


def written(plan: Plan) -> dict[str, str]:
    return {a.path: a.text for a in plan.actions if isinstance(a, WriteText)}


def applied(machine: Bench, plan: Plan) -> list[str]:
    """Apply, what an audit then says with its severity, and take back."""
    from certaudit.audit import audit  # noqa: PLC0415
    from certaudit.rules import rules  # noqa: PLC0415

    before = machine.manifest()
    record = machine.apply(plan)
    report = audit(machine.look()[0], rules())
    machine.undo(record)
    assert machine.manifest() == before
    return [f"{r.rule} {f.severity}" for r, f in report.findings]


def test_after_a_nothing_is_hidden(tmp_path: Path) -> None:
    machine = bench(HERE / "serves-another.machine", tmp_path)
    plan = chosen(machine, "a")
    (hook,) = written(plan)
    assert hook == "/etc/letsencrypt/renewal-hooks/deploy/certaudit-hoge.example"
    assert applied(machine, plan) == ["rival-renewal-paths low"]


def own_hook(option: str) -> str:
    """A machine whose owner gives certbot a hook that asks for RENEWED_LINEAGE."""
    hook = f"certbot -q renew --cert-name {NAME} {option}"
    return (
        (HERE / "serves-another.machine").read_text().replace("../", f"{HERE.parent}/")
        + f"replace /usr/local/sbin/renew-wildcard\n| #!/bin/sh\n| {hook}\n"
        + "file /usr/local/sbin/hand-out 0755\n| #!/bin/sh\n"
        + '| install -m 0644 "$RENEWED_LINEAGE/fullchain.pem" /srv/host1/tls/fullchain.pem\n'
        + "| systemctl reload nginx\n"
    )


@pytest.mark.parametrize("option", ["--deploy-hook {}", "--renew-hook={}", "--deploy-hook '{} --all'"])
def test_a_the_owners_own_deploy_hook_runs_on_every_path(option: str, tmp_path: Path) -> None:
    machine = bench(own_hook(option.format("/usr/local/sbin/hand-out")), tmp_path)
    plan = chosen(machine, "a")
    (text,) = written(plan).values()
    command = "/usr/local/sbin/hand-out --all" if "--all" in option else "/usr/local/sbin/hand-out"
    assert text.endswith(
        f'[ "$RENEWED_LINEAGE" = /etc/letsencrypt/live/{NAME} ] || exit 0\nset -e\n{command}\n'
    )
    assert applied(machine, plan) == ["rival-renewal-paths low"]


@pytest.mark.parametrize(
    ("letter", "option"),
    [
        ("b", "--deploy-hook /usr/local/sbin/hand-out"),  # nothing else sets RENEWED_LINEAGE
        ("a", "--post-hook /usr/local/sbin/hand-out"),
        ("a", "--deploy-hook hand-out"),
        ("a", '--deploy-hook "/usr/local/sbin/hand-out $HOME"'),
        ("a", "--deploy-hook '/usr/local/sbin/hand-out ; date'"),
    ],
)
def test_a_hook_that_is_not_certain_is_not_repeated(letter: Remedy, option: str, tmp_path: Path) -> None:
    plan = chosen(bench(own_hook(option), tmp_path), letter)
    assert plan.steps == ()
    assert "can not be repeated for certain" in plan.refusals[0].why


def test_after_a_a_step_that_was_added_later_is_hidden_again(tmp_path: Path) -> None:
    machine = bench(HERE / "serves-another.machine", tmp_path)
    machine.apply(chosen(machine, "a"))
    with (machine.root / "usr/local/sbin/renew-wildcard").open("a") as script:
        script.write("systemctl reload nginx\n")
    assert machine.findings() == ["hidden-renewal-path hoge.example"]


def test_a_is_not_for_a_path_that_runs_no_hooks(tmp_path: Path) -> None:
    text = SITE + (
        "include ../base/timer-off.machine\nfile /etc/cron.d/other\n"
        f"| 9 9 * * * root certbot certonly -n --cert-name {NAME} --manual "
        f"--manual-auth-hook /opt/hoge/dns-put -d {NAME} -d '*.{NAME}'\n"
    )
    (refusal,) = chosen(bench(text, tmp_path), "a").refusals
    assert "calls certbot certonly, which runs no hooks" in refusal.why
    assert refusal.others == ("b", "d", "e")


def test_b_in_a_crontab(tmp_path: Path) -> None:
    machine = bench(HERE / "serves-another.machine", tmp_path)
    plan = chosen(machine, "b")
    script = "/usr/local/sbin/certaudit-hand-out-hoge.example"
    texts = written(plan)
    assert list(texts) == [script, "/etc/cron.d/wildcard"]
    assert texts["/etc/cron.d/wildcard"].splitlines()[1] == (
        f"17 4 * * * root /usr/local/sbin/renew-wildcard; {script}"
    )
    changed = plan_diff.diff(plan.steps[0])
    assert "+install -m 0600 /etc/letsencrypt/live/hoge.example/privkey.pem" in changed
    assert applied(machine, plan) == ["hidden-renewal-path low"]


def test_b_in_a_drop_in_of_the_owners_service(tmp_path: Path) -> None:
    machine = bench(SITE + SERVICE, tmp_path)
    plan = chosen(machine, "b")
    drop_in = "/etc/systemd/system/own.service.d/certaudit-hoge.example.conf"
    assert [type(a) for a in plan.steps[0].actions] == [LaterFile, WriteText, MakeDirectory, WriteText]
    assert written(plan)[drop_in].endswith(
        "[Service]\nExecStartPost=/usr/local/sbin/certaudit-hand-out-hoge.example\n"
    )
    assert plan.steps[0].reload
    assert applied(machine, plan) == ["hidden-renewal-path low"]


@pytest.mark.parametrize(
    "line",
    [
        "17 4 * * * root exec /usr/local/sbin/renew-wildcard",
        "17 4 * * * root /usr/local/sbin/renew-wildcard %stdin",
        "17 4 * * * root /usr/local/sbin/renew-wildcard # nightly",
        "17 4 * * * root (/usr/local/sbin/renew-wildcard)",
        "17 4 * * * root /usr/local/sbin/renew-wildcard &",
        "17 4 * * * root sh -c '/usr/local/sbin/renew-wildcard",
    ],
)
def test_a_line_that_is_not_certain_is_left_to_a_person(line: str) -> None:
    assert not certain(line)


@pytest.mark.parametrize(
    "line",
    [
        "17 4 * * * root /usr/local/sbin/renew-wildcard",
        "@daily root /usr/local/sbin/renew-wildcard >/dev/null 2>&1",
        "*/5 4-6 1,15 * mon-fri root nice -n 19 /usr/local/sbin/renew-wildcard --quiet > /dev/null",
        "1 1 * * * root sleep 5; /usr/local/sbin/renew-wildcard && logger -t tls done",
    ],
)
def test_a_plain_line_takes_one_more_command(line: str) -> None:
    assert certain(line)


def test_b_is_told_with_the_text_where_it_is_not_done(tmp_path: Path) -> None:
    text = SITE + CRON + "| 17 4 * * * root exec /usr/local/sbin/renew-wildcard\n"
    (refusal,) = chosen(bench(text, tmp_path), "b").refusals
    assert "/etc/cron.d/wildcard:2 is no line that takes one more command" in refusal.why
    assert refusal.commands[0] == "cat > /usr/local/sbin/certaudit-hand-out-hoge.example <<'END'"
    assert refusal.commands[-1] == "chmod 755 /usr/local/sbin/certaudit-hand-out-hoge.example"
    assert "set -e" in refusal.commands


def test_b_is_told_for_a_daily_script(tmp_path: Path) -> None:
    text = SITE + (
        "remove /etc/cron.d/wildcard\nfile /etc/cron.daily/tls 0755\n| #!/bin/sh\n"
        "| /usr/local/sbin/renew-wildcard\n"
    )
    (refusal,) = chosen(bench(text, tmp_path), "b").refusals
    assert "is started in a way that certaudit adds nothing to" in refusal.why


@pytest.mark.parametrize(
    "step",
    [
        "cd /etc/letsencrypt/live/hoge.example && cp fullchain.pem /srv/host1/tls/",
        "sudo -u deploy scp /etc/letsencrypt/live/hoge.example/fullchain.pem host2:/etc/tls/",
        "cat /etc/letsencrypt/live/hoge.example/fullchain.pem > /srv/host1/tls/fullchain.pem",
    ],
)
@pytest.mark.parametrize("letter", ["a", "b"])
def test_steps_that_are_not_certain_are_not_repeated(step: str, letter: Remedy, tmp_path: Path) -> None:
    text = SITE + (
        "replace /usr/local/sbin/renew-wildcard\n| #!/bin/sh\n"
        "| openssl x509 -noout -checkend 9 -in /etc/letsencrypt/live/hoge.example/cert.pem && exit 0\n"
        "| certbot certonly -n --cert-name hoge.example --manual "
        f"--manual-auth-hook /opt/hoge/dns-put || exit 1\n| {step}\n"
    )
    (refusal,) = [r for r in chosen(bench(text, tmp_path), letter).refusals if "stale" not in r.rules[0]]
    assert "can not be repeated for certain" in refusal.why


def test_the_script_hands_out_once_for_each_certificate(tmp_path: Path) -> None:
    """The script itself, run by a real shell on a copy of the machine's paths."""
    machine = bench(HERE / "serves-another.machine", tmp_path)
    (script, _) = written(chosen(machine, "b")).values()
    for place in ("/etc/letsencrypt", "/srv", "/var/lib/certaudit"):
        script = script.replace(f" {place}/", f" {machine.root}{place}/")
    certificate = machine.root / "srv/host1/tls/fullchain.pem"
    key = certificate.with_name("privkey.pem")

    def run() -> int:
        return subprocess.run(["/bin/sh", "-c", script], check=False, capture_output=True).returncode

    def handed_out() -> bool:
        return certificate.exists() and certificate.read_bytes() == live.read_bytes()

    live = machine.root / "etc/letsencrypt/live/hoge.example/fullchain.pem"
    archive = machine.root / "etc/letsencrypt/archive/hoge.example"
    certificate.write_text("older")
    assert (run(), handed_out(), key.stat().st_mode & 0o777) == (0, True, 0o600)
    certificate.write_text("changed by hand")
    assert (run(), handed_out()) == (0, False)  # it was handed out; what a person did stays
    (archive / "fullchain2.pem").write_text("newer")
    shutil.move(certificate.parent, certificate.parent.with_name("gone"))
    assert run() != 0  # a place that is away is tried again
    shutil.move(certificate.parent.with_name("gone"), certificate.parent)
    assert (run(), handed_out()) == (0, True)
    state = machine.root / "var/lib/certaudit/handed-out"
    assert [p.name for p in state.iterdir()] == ["hoge.example.pem"]
    assert state.stat().st_mode & 0o777 == 0o700


KEPT = "var/lib/certaudit/handed-out/hoge.example.pem"


def test_undo_takes_away_what_the_script_of_b_has_kept(tmp_path: Path) -> None:
    machine = bench(HERE / "serves-another.machine", tmp_path)
    before = machine.manifest()
    plan = chosen(machine, "b")
    assert "   - let the script keep /" + KEPT in plan_text.render(plan).splitlines()
    for ran in (True, False):
        record = machine.apply(plan)
        assert not (machine.root / KEPT).exists()
        if ran:
            (machine.root / KEPT).parent.mkdir(parents=True)
            (machine.root / KEPT).write_text("as install(1) writes it")
        machine.undo(record)
        shutil.rmtree(machine.root / "var/lib/certaudit", ignore_errors=True)  # empty, or never made
        assert machine.manifest() == before


def test_undo_leaves_what_it_did_not_cause(tmp_path: Path) -> None:
    """Another lineage's copy, something else at the place, and a copy from before the plan."""
    machine = bench(HERE / "serves-another.machine", tmp_path)
    record = machine.apply(chosen(machine, "b"))
    other = (machine.root / KEPT).with_name("mail.example.org.pem")
    other.parent.mkdir(parents=True)
    other.write_text("of another plan")
    (machine.root / KEPT).symlink_to(other)
    machine.undo(record)
    assert (other.exists(), (machine.root / KEPT).is_symlink()) == (True, True)
    (machine.root / KEPT).unlink()
    (machine.root / KEPT).write_text("from before")
    record = machine.apply(chosen(machine, "b"))
    machine.undo(record)
    assert (machine.root / KEPT).read_text() == "from before"


@pytest.mark.parametrize("letter", ["a", "b"])
def test_a_chosen_remedy_is_no_fault_afterwards(letter: str, tmp_path: Path, certaudit: Verb) -> None:
    machine = bench(MACHINES / "demo.machine", tmp_path)
    code, out, _ = certaudit("fix", *at(machine), "--yes", "--remedy", f"hogeserver.example={letter}")
    assert code == 1
    ends = [line for line in out.splitlines() if line.startswith("As chosen: ")]
    meant = ["hidden-renewal-path"] if letter == "b" else ["rival-renewal-paths"]
    assert [line.split(":")[1].strip() for line in ends] == meant
    assert "\nLeft for you to run, on hogehoge itself:\n   hogehoge# " in out
    assert os.path.lexists(machine.root / "etc/systemd/system/timers.target.wants/certbot.timer")


def test_no_step_of_its_own_is_nothing_to_repeat(tmp_path: Path) -> None:
    machine = bench(RULES / "rival-renewal-paths/flagged-declared-timer.machine", tmp_path)
    plan = machine.plan(Choices(remedies=((NAME, "a"),)))
    assert "does nothing of its own after a renewal" in plan.refusals[0].why
