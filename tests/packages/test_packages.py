"""Real Debian packages, audited as images: what their timers and cron lines are taken for."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.audit import audit, observe
from certaudit.cli.common import policy_of
from certaudit.host.machine import open_host
from certaudit.host.root import Root
from certaudit.model import Report
from certaudit.rules import rules
from certaudit.sources.certbot_installed import installed_certbots
from fixtures.machine import build_text
from tests.packages import debs, unpack

AS_OF = datetime(2026, 6, 1, tzinfo=timezone.utc)
LINEAGE = """
born 2026-05-01T00:00:00+00:00
as-of 2026-06-01T00:00:00+00:00
lineage example.org
generation example.org 1 from=2026-05-20T00:00:00+00:00 days=90
conf example.org authenticator=nginx installer=nginx renew_hook=/usr/local/bin/reload-nginx
"""
# The admin of this machine renews and hands out by a job of their own.
STORY = """
born 2026-01-01T00:00:00+00:00
as-of 2026-06-01T00:00:00+00:00
lineage example.org names=example.org,*.example.org
generation example.org 1 from=2026-05-20T00:00:00+00:00 days=90
conf example.org authenticator=manual pref_challs=dns-01,
| manual_auth_hook = /usr/local/sbin/dns
| manual_cleanup_hook = /usr/local/sbin/dns
file /usr/local/sbin/dns 0755
| #!/bin/sh
file /etc/cron.d/wildcard 0644
| 17 4 * * * root /usr/local/sbin/renew-wildcard
file /usr/local/sbin/renew-wildcard 0755
| #!/bin/sh -e
| certbot certonly -n --manual --manual-auth-hook /usr/local/sbin/dns --cert-name example.org \\
|   --manual-cleanup-hook /usr/local/sbin/dns -d example.org -d '*.example.org' --keep
| install -m 600 /etc/letsencrypt/live/example.org/privkey.pem /srv/host1/tls/privkey.pem
copy /srv/host1/tls/privkey.pem of example.org 1 privkey 0600
"""
CRON_LINE = "cron:/etc/cron.d/certbot:"
DAILY = "run-parts:/etc/cron.daily/renew"
Make = Callable[..., Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a named root once; skips where packages cannot be had."""
    made: dict[tuple[str, str], Path] = {}

    def root(name: str, machine: str = LINEAGE) -> Path:
        if (name, machine) not in made:
            place = tmp_path_factory.mktemp("packages") / name
            place.mkdir()
            try:
                unpack.make(name, place)
            except debs.NoSuiteError as error:
                pytest.skip(str(error))
            except debs.DebsError as error:
                if os.environ.get("CERTAUDIT_LIVE") == "require":
                    pytest.fail(str(error))
                pytest.skip(str(error))
            add(build_text(machine, place.parent / "machine").root, place)
            made[name, machine] = place
        return made[name, machine]

    if os.environ.get("CERTAUDIT_LIVE") == "off":
        pytest.skip("CERTAUDIT_LIVE=off")
    return root


def add(machine: Path, root: Path) -> None:
    """Lay what is certbot's and the admin's of a machine over a root, and a zone for its clock."""
    for part in ("etc/letsencrypt", "etc/cron.d", "usr/local", "srv"):
        if (machine / part).exists():
            shutil.copytree(machine / part, root / part, symlinks=True, dirs_exist_ok=True)
    (root / "etc/timezone").write_text("Etc/UTC\n")
    hook = root / "usr/local/bin/reload-nginx"
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text("#!/bin/sh\nsystemctl reload nginx\n")
    hook.chmod(0o755)


def audited(root: Path) -> Report:
    host = open_host(root, AS_OF)
    return audit(observe(host, policy_of(host.root, None)), rules())


def setting(unit: Path, key: str) -> str:
    """The one value of a key in a unit's file."""
    lines = unit.read_text().splitlines()
    (value,) = (line.partition("=")[2] for line in lines if line.startswith(f"{key}="))
    return value


def states(report: Report) -> dict[str, str]:
    """Trigger and state; the number of the packaged cron line is left out."""
    found = {trigger.id: trigger.state for trigger in report.model.triggers}
    return {CRON_LINE if key.startswith(CRON_LINE) else key: value for key, value in found.items()}


def told(root: Path, name: str) -> Report:
    """The report on a root, its times, commands and version held against the package's own files."""
    report = audited(root)
    file = debs.fetch(["certbot"], name.partition("@")[2] or None)["certbot"]
    (found,) = installed_certbots(Root(root))
    assert (found.version, found.manager) == (file.name.split("_")[1], "dpkg")
    for trigger in report.model.triggers:
        assert trigger.schedule is not None
        (step,) = {path.chain[-1].text for path in report.model.paths if path.trigger == trigger.id}
        if trigger.kind == "timer":
            timer = root / "usr/lib/systemd/system/certbot.timer"
            assert trigger.schedule.expression == (setting(timer, "OnCalendar"),)
            assert trigger.schedule.random_delay == float(setting(timer, "RandomizedDelaySec"))
            assert step == f"ExecStart={setting(timer.with_suffix('.service'), 'ExecStart')}"
        else:
            line = (root / "etc/cron.d/certbot").read_text().splitlines()[-1]
            assert trigger.schedule.expression == (" ".join(line.split()[:5]),)
            assert step == line
    return report


@pytest.mark.parametrize(
    ("name", "daemon"),
    [
        ("systemd", "vixie-debian"),
        ("anacron", "vixie-debian"),
        ("systemd-cron", "systemd-cron"),
        ("everything", "vixie-debian"),
        ("systemd@bullseye", "vixie-debian"),
        ("systemd@trixie", "vixie-debian"),
        ("cronie@trixie", "cronie"),
        ("systemd-cron@trixie", "systemd-cron"),
    ],
)
def test_certbot_under_systemd(make: Make, name: str, daemon: str) -> None:
    report = told(make(name), name)
    assert report.model.host.cron == daemon
    assert states(report) == {"timer:certbot.timer": "armed", CRON_LINE: "dormant"}
    assert [result.rule for result, _ in report.findings] == []
    dormant = next(t for t in report.model.triggers if t.id.startswith(CRON_LINE))
    assert "guard-false" in [reason.code for reason in dormant.reasons]
    lineage = report.model.lineage("example.org")
    assert lineage is not None
    renewers = report.model.renewers(lineage)
    assert [path.trigger for path in renewers] == ["timer:certbot.timer"]


@pytest.mark.parametrize("name", ["systemd@bullseye", "systemd"])
def test_the_packaged_timer_behind_the_back_of_an_own_job(make: Make, name: str) -> None:
    report = audited(make(name, STORY))
    assert states(report)["cron:/etc/cron.d/wildcard:1"] == "armed"
    (finding,) = [f for result, f in report.findings if result.rule == "hidden-renewal-path"]
    assert "certbot.timer" in finding.message
    lineage = report.model.lineage("example.org")
    assert lineage is not None and lineage.owner is not None
    assert lineage.owner.startswith("cron:/etc/cron.d/wildcard:1")


@pytest.mark.parametrize("name", ["sysvinit", "sysvinit@bullseye", "sysvinit@trixie"])
def test_certbot_under_sysvinit(make: Make, name: str) -> None:
    report = told(make(name), name)
    assert states(report) == {CRON_LINE: "armed"}
    assert [result.rule for result, _ in report.findings] == []


@pytest.mark.parametrize("name", ["others", "acmetool@trixie"])
def test_other_packages_start_no_certbot(make: Make, name: str) -> None:
    report = audited(make(name))
    assert states(report) == {}
    rules_speaking = {result.rule for result, _ in report.findings}
    assert rules_speaking <= {"no-renewal-path", "unattended-renewal-impossible"}


@pytest.mark.parametrize(
    ("name", "first"), [("systemd", "/etc/crontab"), ("anacron", "/etc/anacrontab")]
)
def test_cron_daily_moves_to_anacron(make: Make, name: str, first: str) -> None:
    script = make(name) / "etc/cron.daily/renew"
    script.write_text("#!/bin/sh\ncertbot -q renew\n")
    script.chmod(0o755)
    try:
        model = audited(make(name)).model
    finally:
        script.unlink()
    trigger = model.trigger(DAILY)
    assert trigger is not None
    assert trigger.state == "armed"
    chains = {path.chain[0].path for path in model.paths if path.trigger == DAILY}
    assert chains == {first}
