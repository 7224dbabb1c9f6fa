"""``certaudit resync`` on a machine that serves by five programs and hands out over a real ssh.

What is served is asked with openssl, not with certaudit's own client; what other hosts hold is read
there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.live import services, story
from tests.live.box import Box
from tests.live.root import root
from tests.live.services import ARCHIVE, BACKUP, DOORS, MIRROR, Serials
from tests.live.story import Told, shell

LOCAL = "find /etc/nginx/tls /etc/postfix/tls /etc/dovecot/tls /etc/haproxy/certs /srv -type f "
LISTING = LOCAL + "-printf '%p %m %u:%g %T@ ' -exec sha256sum {} ';' | sort"


@dataclass(frozen=True, slots=True)
class Machine:
    """The box as each test begins with it."""

    box: Box
    serials: Serials

    def resync(self, *options: str) -> tuple[int, str, str]:
        """Exit code, output with its lines joined, and what stderr says."""
        done = self.box.certaudit("resync", *options)
        error = done.stderr.replace("certaudit: reading the machine ...\n", "").strip()
        return done.returncode, " ".join(done.stdout.split()), error

    def undo(self, *options: str) -> tuple[int, str]:
        done = self.box.certaudit("undo", "--yes", *options)
        return done.returncode, done.stderr.strip()

    def listing(self) -> str:
        return shell(self.box, LISTING)

    @property
    def all_new(self) -> dict[str, str]:
        return dict.fromkeys(DOORS, self.serials.live)


@pytest.fixture(scope="module")
def prepared(told: Told) -> Iterator[Machine]:
    with Box(root(services.PACKAGES), saved=told.saved, zone=told.zone) as box:
        yield Machine(box, services.set_up(box))


@pytest.fixture
def machine(prepared: Machine) -> Machine:
    services.begin(prepared.box)
    return prepared


def sums(box: Box, *parts: str) -> list[str]:
    return [shell(box, f"sha256sum <{ARCHIVE}/{part}.pem").split()[0] for part in parts]


def holds(machine: Machine, generation: int) -> dict[str, str]:
    """What the other hosts hold when all of them have a generation."""
    full, key = sums(machine.box, f"fullchain{generation}", f"privkey{generation}")
    return {
        f"{BACKUP}/fullchain.pem": f"644 root:root {full}",
        f"{BACKUP}/privkey.pem": f"640 root:root {key}",
        f"{MIRROR}/site.crt": f"644 deploy:deploy {full}",
        f"{MIRROR}/site.key": f"600 deploy:deploy {key}",
    }


def test_everything_holds_and_serves_the_live_one_and_is_given_back(machine: Machine) -> None:
    before = machine.listing()
    assert services.served(machine.box) == dict.fromkeys(DOORS, machine.serials.old)
    assert services.elsewhere(machine.box) == holds(machine, 1)
    code, said, error = machine.resync("--yes", "--remote")
    assert (code, error) == (0, ""), said
    assert "Nothing is left" in said
    assert services.served(machine.box) == machine.all_new
    assert services.elsewhere(machine.box) == holds(machine, 2)
    records = shell(machine.box, "grep -rl PRIVATE /var/lib/certaudit || true")
    assert records == ""
    assert machine.resync("--yes", "--remote")[:2] == (
        0,
        "Plan for web1 (this host): nothing to do Nothing is left: no copy is stale, and nothing here "
        "serves an older certificate.",
    )
    assert machine.undo("--remote") == (0, "")
    assert machine.listing() == before
    assert services.elsewhere(machine.box) == holds(machine, 1)
    old = dict.fromkeys(DOORS, machine.serials.old)
    assert services.served(machine.box) == {**old, "apache2": machine.serials.live}  # it names live/


def test_no_other_host_is_reached_unasked(machine: Machine) -> None:
    before = services.logins(machine.box)
    code, said, _ = machine.resync("--yes")
    assert code == 1
    assert services.served(machine.box) == machine.all_new
    assert services.elsewhere(machine.box) == holds(machine, 1)
    assert services.logins(machine.box) == before
    assert f"Not looked at: backup.example.org:{BACKUP}/" in said
    assert "scp -q /etc/letsencrypt/live/example.org/fullchain.pem" in said
    assert machine.undo() == (0, "")
    assert services.logins(machine.box) == before


def test_undo_leaves_other_hosts_unless_asked(machine: Machine) -> None:
    before = machine.listing()
    machine.resync("--yes", "--remote")
    code, said = machine.undo()
    assert (code, "--remote" in said) == (4, True)
    assert machine.listing() == before
    assert services.elsewhere(machine.box) == holds(machine, 2)
    assert machine.undo("--remote") == (0, "")
    assert services.elsewhere(machine.box) == holds(machine, 1)


def test_a_changed_host_key_is_refused(machine: Machine) -> None:
    shell(machine.box, "rm -f /tmp/k*; ssh-keygen -q -t ed25519 -N '' -f /tmp/k")
    shell(machine.box, "echo other $(cat /tmp/k.pub) >/root/.ssh/known_other")
    code, said, error = machine.resync("--yes", "--remote")
    assert code == 4
    assert "Host key verification failed" in said
    assert "not dealt with" in error
    assert services.elsewhere(machine.box) == holds(machine, 1)
    assert services.served(machine.box) == machine.all_new


def test_a_host_key_is_checked_whatever_the_configuration_says(machine: Machine) -> None:
    shell(machine.box, ": >/root/.ssh/known_other")
    shell(machine.box, "cp /root/.ssh/config /root/.ssh/was")
    shell(machine.box, "printf 'Host *\\n StrictHostKeyChecking no\\n' >>/root/.ssh/config")
    try:
        code, said, _ = machine.resync("--yes", "--remote")
    finally:
        shell(machine.box, "mv /root/.ssh/was /root/.ssh/config")
    assert (code, "Host key verification failed" in said) == (4, True)
    assert shell(machine.box, "cat /root/.ssh/known_other") == ""


def test_an_unreachable_host_harms_nothing_else(machine: Machine) -> None:
    machine.box.output("/usr/bin/systemctl", "stop", "sshd-other")
    code, said, _ = machine.resync("--yes", "--remote")
    assert (code, "Connection refused" in said) == (4, True)
    assert services.served(machine.box) == machine.all_new
    assert services.elsewhere(machine.box) == holds(machine, 1)


def test_a_broken_configuration_is_not_reloaded(machine: Machine) -> None:
    shell(machine.box, "echo 'server {' >>/etc/nginx/conf.d/site.conf")
    before = machine.listing()
    code, _, error = machine.resync("--yes", "--remote")
    assert code == 4
    assert re.search(r"nginx.service was not reloaded: nginx ended with status 1: .*nginx.conf", error)
    assert "certaudit undo" in error
    served = services.served(machine.box)
    assert served == {**machine.all_new, "nginx": machine.serials.old}
    code, error = machine.undo("--remote")
    assert (code, "nginx.service was not reloaded" in error) == (4, True)
    assert machine.listing() == before


def test_what_live_holds_and_a_service_does_not_serve_is_only_seen_on_the_wire(
    machine: Machine,
) -> None:
    machine.resync("--yes", "--remote")
    services.point(machine.box, 1)
    machine.box.output("/usr/bin/systemctl", "reload", "apache2")
    story.wait(machine.box, f"[ $({services.asking('apache2')}) = serial={machine.serials.old} ]", "old")
    services.point(machine.box, 2)
    done = machine.box.certaudit("audit", "--format", "json", "--rule", "stale-copy")
    assert json.loads(done.stdout)["results"][0]["status"] == "passed"
    done = machine.box.certaudit("audit", "--connect", "--format", "json", "--rule", "stale-copy")
    found = json.loads(done.stdout)
    assert [d["where"] for d in found["deployments"] if d["status"] == "stale"] == ["127.0.0.1:9443"]
    assert "127.0.0.1:9443 still serves an older" in found["results"][0]["findings"][0]["message"]
    planned = json.loads(machine.box.certaudit("resync", "--plan", "--format", "json").stdout)
    assert [a["unit"] for s in planned["steps"] for a in s["actions"]] == ["apache2.service"]
    assert machine.resync("--yes")[0] == 0
    assert services.served(machine.box) == machine.all_new
