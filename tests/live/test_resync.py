"""``certaudit resync`` on a machine that serves by five programs and hands out over a real ssh.

What is served is asked with openssl, not with certaudit's own client; what other hosts hold is read
there.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pexpect
import pytest

from tests.live import services
from tests.live.box import CHECKOUT, Box
from tests.live.root import root
from tests.live.services import ARCHIVE, BACKUP, DOORS, MIRROR, Serials
from tests.live.story import LINEAGE, Told, shell

FOLDERS = "/etc/nginx/tls /etc/postfix/tls /etc/dovecot/tls /etc/haproxy/certs /srv"
LISTING = f"find {FOLDERS} -type f -printf '%p %m %u:%g %T@ ' -exec sha256sum {{}} ';' | sort"
HOME = "/home/sftponly/tls"
DECLARED = (
    "sftponly@sftp.example.org:tls/site.crt",
    "sftponly@sftp.example.org:tls/site.key",
    "nothing@nothing.example.org:tls/site.crt",
)
CUTS = {"ssh": 20, "rsync": 12}


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

    def holds(self, generation: int) -> dict[str, str]:
        """What the other hosts hold when all of them have a generation."""
        full, key = self.sums(f"fullchain{generation}", f"privkey{generation}")
        return {
            f"{BACKUP}/fullchain.pem": f"644 root:root {full}",
            f"{BACKUP}/privkey.pem": f"640 root:root {key}",
            f"{MIRROR}/site.crt": f"644 deploy:deploy {full}",
            f"{MIRROR}/site.key": f"600 deploy:deploy {key}",
        }

    def sums(self, *parts: str) -> list[str]:
        return [shell(self.box, f"sha256sum <{ARCHIVE}/{part}.pem").split()[0] for part in parts]

    @property
    def all_new(self) -> dict[str, str]:
        return dict.fromkeys(DOORS, self.serials.live)

    @property
    def all_old(self) -> dict[str, str]:
        return dict.fromkeys(DOORS, self.serials.old)


@pytest.fixture(scope="module")
def prepared(told: Told) -> Iterator[Machine]:
    with Box(root(services.PACKAGES), saved=told.saved, zone=told.zone) as box:
        yield Machine(box, services.set_up(box))


@pytest.fixture
def machine(prepared: Machine) -> Machine:
    services.begin(prepared.box)
    return prepared


def test_everything_holds_and_serves_the_live_one_and_is_given_back(machine: Machine) -> None:
    before = machine.listing()
    assert services.served(machine.box) == machine.all_old
    assert services.elsewhere(machine.box) == machine.holds(1)
    code, said, error = machine.resync("--yes", "--remote")
    assert (code, error) == (0, ""), said
    assert "Nothing is left" in said
    assert services.served(machine.box) == machine.all_new
    assert services.elsewhere(machine.box) == machine.holds(2)
    assert shell(machine.box, "grep -rl 'PRIVATE KEY' /var/lib/certaudit || true") == ""
    assert machine.resync("--plan", "--remote")[1] == "Plan for web1 (this host): nothing to do"
    code, said = machine.undo()
    assert (code, "what was sent to other hosts was left there" in said) == (4, True)
    assert machine.listing() == before
    assert services.elsewhere(machine.box) == machine.holds(2)
    assert machine.undo("--remote") == (0, "")
    assert services.elsewhere(machine.box) == machine.holds(1)
    # apache names live/ itself, which is as it was all the time
    assert services.served(machine.box) == {**machine.all_old, "apache2": machine.serials.live}


def test_no_other_host_is_reached_unasked(machine: Machine) -> None:
    before = services.logins(machine.box)
    code, said, _ = machine.resync("--yes")
    assert code == 1
    assert services.served(machine.box) == machine.all_new
    assert services.elsewhere(machine.box) == machine.holds(1)
    assert services.logins(machine.box) == before
    assert f"Not looked at: backup.example.org:{BACKUP}/" in said
    assert f"scp -q /etc/letsencrypt/live/{LINEAGE}/fullchain.pem" in said


def test_what_fails_keeps_nothing_else_from_its_own(machine: Machine) -> None:
    """A changed host key, an account for nothing, a broken configuration; the rest is done."""
    box = machine.box
    shell(box, "rm -f /tmp/k*; ssh-keygen -q -t ed25519 -N '' -f /tmp/k")
    services.trust(box, "/tmp/k.pub", host="backup.example.org")
    shell(box, "echo 'server {' >>/etc/nginx/conf.d/site.conf")
    shell(box, f"rm -rf {HOME}; mkdir {HOME}; cp {ARCHIVE}/fullchain1.pem {HOME}/site.crt")
    shell(box, f"(umask 077; cp {ARCHIVE}/privkey1.pem {HOME}/site.key); chown -R sftponly: {HOME}")
    box.write("/etc/certaudit.toml", f'[lineages."{LINEAGE}"]\ncopies = {json.dumps(DECLARED)}\n')
    before = shell(box, f"ls -ln {HOME}; sha256sum {HOME}/*")
    code, said, error = machine.resync("--yes", "--remote")
    assert code == 4
    assert "backup.example.org can not be reached: Host key verification failed" in said
    assert "nothing.example.org runs no command for this account" in said
    assert re.search(r"nginx.service was not reloaded: nginx ended with status 1: .*nginx.conf", error)
    assert "certaudit undo" in error
    assert services.served(box) == {**machine.all_new, "nginx": machine.serials.old}
    old, new = machine.holds(1), machine.holds(2)
    mine = {path: new[path] for path in new if path.startswith(MIRROR)}
    assert services.elsewhere(box) == {**old, **mine}
    listed = shell(box, f"stat -c '%n %a %U' {HOME}/*; ls -A {HOME}").split()
    assert listed == [
        *(f"{HOME}/site.crt", "644", "sftponly", f"{HOME}/site.key", "600", "sftponly"),
        *("site.crt", "site.key"),
    ]
    found = [line.split()[0] for line in shell(box, f"sha256sum {HOME}/*").splitlines()]
    assert found == machine.sums("fullchain2", "privkey2")
    box.write("/etc/nginx/conf.d/site.conf", services.FILES["/etc/nginx/conf.d/site.conf"])
    assert machine.undo("--remote") == (0, "")
    assert services.elsewhere(box) == old
    after = shell(box, f"ls -ln {HOME}; sha256sum {HOME}/*")
    assert [re.sub(r"\w+ +\d+ \d\d:\d\d", "", line) for line in after.splitlines()] == [
        re.sub(r"\w+ +\d+ \d\d:\d\d", "", line) for line in before.splitlines()
    ]


RSYNC = "/home/rsynconly/tls"


def rsync_only(box: Box, *options: str, names: tuple[str, ...] = ("site.crt", "site.key")) -> None:
    """An account for rsync alone that holds the first generation, and a policy that names it."""
    services.only_rsync(box, *options)
    shell(box, f"rm -rf {RSYNC}; mkdir {RSYNC}; cp {ARCHIVE}/fullchain1.pem {RSYNC}/site.crt")
    shell(box, f"(umask 077; cp {ARCHIVE}/privkey1.pem {RSYNC}/site.key); chmod 640 {RSYNC}/site.crt")
    shell(box, f"chown -R rsynconly: {RSYNC}; chmod 711 {RSYNC}")
    places = [f"rsynconly@rsync.example.org:tls/{name}" for name in names]
    box.write("/etc/certaudit.toml", f'[lineages."{LINEAGE}"]\ncopies = {json.dumps(places)}\n')


def there(box: Box) -> list[str]:
    return shell(
        box, f"stat -c '%n %a %U:%G' {RSYNC} {RSYNC}/*; ls -A {RSYNC}; sha256sum {RSYNC}/*"
    ).splitlines()


def test_an_account_for_rsync_alone(machine: Machine) -> None:
    box = machine.box
    rsync_only(box)
    before = there(box)
    code, said, error = machine.resync("--yes", "--remote")
    assert (code, error) == (0, ""), said
    assert "to 2 places on rsynconly@rsync.example.org" in said
    sums = machine.sums("fullchain2", "privkey2")
    assert [line.split()[0] for line in there(box)[-2:]] == sums
    assert there(box)[:-2] == before[:-2]
    assert machine.resync("--plan", "--remote")[1] == "Plan for web1 (this host): nothing to do"
    assert machine.undo("--remote") == (0, "")
    assert there(box) == before


def test_what_rsync_alone_can_not_do_is_refused(machine: Machine) -> None:
    """A file that is not there, an account that only gives or only takes, an unknown host key."""
    box = machine.box
    rsync_only(box, names=("site.crt", "site.key", "other.crt"))
    before = there(box)
    _, said, _ = machine.resync("--yes", "--remote")
    assert "tls/other.crt is not there, and undo could not take it away" in said
    assert there(box) == before
    services.begin(box)
    rsync_only(box, "-wo")
    _, said, _ = machine.resync("--plan", "--remote")
    assert "runs no command for this account" in said
    rsync_only(box, "-ro")
    code, _, error = machine.resync("--yes", "--remote")
    assert (code, "nothing was changed on rsynconly@rsync.example.org" in error) == (4, True)
    assert there(box) == before
    shell(box, ": >/root/.ssh/known_rsync.example.org; : >/root/.ssh/known_rsync")
    _, said, _ = machine.resync("--plan", "--remote")
    assert "rsynconly@rsync.example.org can not be reached: Host key verification failed" in said
    assert there(box) == before


def test_a_host_is_known_or_nothing_goes_there(machine: Machine) -> None:
    """Whatever the configuration says; and a host that is down is said."""
    box = machine.box
    shell(box, "for f in /root/.ssh/known_*; do : >$f; done; cp /root/.ssh/config /root/.ssh/was")
    shell(box, "printf 'Host *\\n StrictHostKeyChecking no\\n' >>/root/.ssh/config")
    _, said, _ = machine.resync("--plan", "--remote")
    shell(box, "mv /root/.ssh/was /root/.ssh/config")
    assert said.count("Host key verification failed") == 2
    assert shell(box, "cat /root/.ssh/known_*") == ""
    services.trust(box, "/etc/ssh/other_host_key.pub")
    box.output("/usr/bin/systemctl", "stop", "sshd-other")
    _, said, _ = machine.resync("--plan", "--remote")
    assert said.count("Connection refused") == 2


def test_what_a_service_still_serves_is_only_seen_on_the_wire(machine: Machine) -> None:
    """Copies are well, apache names live/ itself and was not reloaded since the renewal."""
    box = machine.box
    services.bring(box, 2)
    done = box.certaudit("audit", "--format", "json", "--rule", "stale-copy")
    assert json.loads(done.stdout)["results"][0]["status"] == "passed"
    done = box.certaudit("audit", "--connect", "--format", "json", "--rule", "stale-copy")
    found = json.loads(done.stdout)
    served = {d["where"]: d["status"] for d in found["deployments"] if d["kind"] == "served"}
    assert served == {
        **dict.fromkeys(("127.0.0.1:8443", "127.0.0.1:10443", "smtp://127.0.0.1:25"), "current"),
        **dict.fromkeys(("127.0.0.1:993", "127.0.0.1:995"), "current"),
        **dict.fromkeys(("imap://127.0.0.1:143", "pop3://127.0.0.1:110"), "current"),
        "127.0.0.1:9443": "stale",
    }
    assert "127.0.0.1:9443 still serves an older" in found["results"][0]["findings"][0]["message"]
    planned = json.loads(box.certaudit("resync", "--plan", "--format", "json").stdout)
    assert [a["unit"] for s in planned["steps"] for a in s["actions"]] == ["apache2.service"]
    assert machine.resync("--yes")[0] == 0
    assert services.served(box) == machine.all_new


def test_the_dialogue_asks_for_each_thing_that_is_never_done_unasked(machine: Machine) -> None:
    box = machine.box
    shell(box, "rm -f /run/noted")
    env = {"PYTHONPATH": str(CHECKOUT), "TERM": "dumb"}
    words = box.argv(sys.executable, "-m", "certaudit", "resync", LINEAGE, env=env)
    child = pexpect.spawn(words[0], words[1:], timeout=60, encoding="utf-8", dimensions=(60, 80))
    try:
        child.expect("Step 1 of")
        child.expect("Do this")
        child.sendline("all")
        child.expect("Look there over ssh, as this user")
        assert f"backup.example.org:{BACKUP}/" in child.before
        child.sendline("y")
        child.expect("Run that too")
        assert "/etc/letsencrypt/renewal-hooks/deploy/note" in child.before
        assert "scp" not in child.before  # that has been seen to already
        child.sendline("y")
        child.expect("Step . of")
        child.expect("Do this")
        child.sendline("all")
        child.expect("Apply .* now")
        child.sendline("y")
        child.expect("Nothing is left")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0
    finally:
        child.close(force=True)
    assert box.read("/run/noted") == f"/etc/letsencrypt/live/{LINEAGE} for {LINEAGE} *.{LINEAGE}\n"
    assert services.served(box) == machine.all_new
    assert services.elsewhere(box) == machine.holds(2)


@pytest.mark.parametrize("tool", ["ssh", "rsync"])
def test_a_connection_cut_anywhere_leaves_old_or_new(
    tool: str, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real ssh through a proxy that ends after so many bytes of all the connections of a sending."""
    env = {"PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
    script = str(CHECKOUT / "tests/live/cut_off.py")
    done = machine.box.run(sys.executable, script, tool, ARCHIVE, BACKUP, str(CUTS[tool]), env=env)
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert counted["lost"] > counted["whole"] > 0, counted
    assert counted["wrong"] == []
    assert counted["left"] == ["fullchain.pem", "privkey.pem"]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{counted['lost']} real connections of {tool} cut, {counted['whole']} whole\n"
        )
