"""The owner's own steps and deploy hooks: run when a person says so, and only what is certain."""

from __future__ import annotations

from pathlib import Path

import pytest

from certaudit.fix.outward import OutwardError, run
from certaudit.fix.plan import Choices
from certaudit.plan import Plan, RunCommand
from tests.fix.machines import Bench, bench
from tests.fix.test_sending import SCRIPT

STALE = "copy /srv/host1/tls/x.pem of hoge.example 1 fullchain\n"
COPY = 'install -m 0644 "$LIVE/fullchain.pem" /srv/host1/tls/x.pem'
ASKED = Choices(only=("stale-copy",))
TOLD = Choices(only=("stale-copy",), run_hooks=frozenset({"hoge.example"}))


def machine(tmp_path: Path, *steps: str, more: str = "") -> Bench:
    return bench(SCRIPT.format("\n| ".join((COPY, *steps))) + STALE + more, tmp_path)


def runs(plan: Plan) -> list[str]:
    return [a.command for a in plan.actions if isinstance(a, RunCommand)]


def test_never_unasked(tmp_path: Path) -> None:
    here = machine(tmp_path, "systemctl reload nginx", "/opt/tell-all --quick")
    plan = here.plan(ASKED)
    assert runs(plan) == []
    assert plan.commands == ("systemctl reload nginx", "/opt/tell-all --quick")


def test_what_is_certain_is_run_after_the_copies_and_the_plan_says_that_it_stays(
    tmp_path: Path,
) -> None:
    hook = "file /etc/letsencrypt/renewal-hooks/deploy/10-tell 0755\n| #!/bin/sh\n| exit 0\n"
    post = "file /etc/letsencrypt/renewal-hooks/post/10-no 0755\n| #!/bin/sh\n| exit 0\n"
    here = machine(tmp_path, "systemctl reload nginx", more=hook + post)
    plan = here.plan(TOLD)
    assert runs(plan) == [
        "systemctl reload nginx",
        "/etc/letsencrypt/renewal-hooks/deploy/10-tell",
    ]
    assert plan.commands == ()
    assert type(plan.actions[0]).__name__ == "CopyParts"
    assert "can not be undone" in plan.steps[-1].notes[0]


def test_what_is_not_certain_is_refused(tmp_path: Path) -> None:
    here = machine(tmp_path, "/opt/tell-all | logger", "/opt/tell-all 'two words'", "/opt/tell-all well")
    plan = here.plan(TOLD)
    assert runs(plan) == ["/opt/tell-all well"]
    assert "not every word" in plan.refusals[0].why
    assert len(plan.refusals[0].commands) == 2


def test_a_file_of_another_kind_is_made_by_the_owners_step_alone(tmp_path: Path) -> None:
    step = 'openssl pkcs12 -export -passout pass: -in "$LIVE/fullchain.pem" -out /srv/x.p12'
    here = machine(tmp_path, step, 'openssl x509 -noout -dates -in "$LIVE/cert.pem"')
    (command,) = here.plan(ASKED).commands
    assert command.startswith("openssl pkcs12 -export")
    assert runs(here.plan(TOLD)) == [command]


def test_another_users_steps_are_not_run_by_root(tmp_path: Path) -> None:
    line = "17 4 * * * admin /usr/local/sbin/renew-wildcard"
    more = f"replace /etc/cron.d/wildcard\n| PATH=/usr/sbin:/usr/bin:/sbin:/bin\n| {line}\n"
    script = SCRIPT.replace("| certbot", "| sudo certbot").format(f"{COPY}\n| /opt/tell-all")
    here = bench(script + STALE + more, tmp_path)
    plan = here.plan(TOLD)
    assert runs(plan) == []
    assert any("are run by admin, not by root" in refusal.why for refusal in plan.refusals)


def test_a_step_knows_the_lineage_and_its_names(tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    command = f"echo $RENEWED_LINEAGE+$RENEWED_DOMAINS >{noted}"
    run(RunCommand(command, "/etc/letsencrypt/live/x", "a.example b.example", "/x:1"))
    assert noted.read_text() == "/etc/letsencrypt/live/x+a.example b.example\n"


def test_a_step_that_fails_says_its_last_word() -> None:
    with pytest.raises(OutwardError, match="ended with status 3: no room"):
        run(RunCommand("echo no room >&2; exit 3", "/x", "a", "/x:1"))


@pytest.mark.parametrize(
    ("name", "command"),
    [
        (
            "x.p12",
            "openssl pkcs12 -export -in {live}/fullchain.pem -inkey {live}/privkey.pem -out {place}",
        ),
        ("x.der", "openssl x509 -in {live}/cert.pem -outform DER -out {place}"),
    ],
)
def test_a_place_of_another_kind_gets_the_command_that_makes_it(
    name: str, command: str, tmp_path: Path
) -> None:
    declared = f'file /etc/certaudit.toml\n| [lineages."hoge.example"]\n| copies = ["/srv/{name}"]\n'
    here = machine(tmp_path, more=declared + f"file /srv/{name}\n| not text\n")
    refusals = [r for r in here.plan(ASKED).refusals if r.rules == ("stale-copy",)]
    live = "/etc/letsencrypt/live/hoge.example"
    assert refusals[0].commands == (command.format(live=live, place=f"/srv/{name}"),)
