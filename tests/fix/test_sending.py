"""Copies on other hosts: found in the owner's script or the policy, judged and written as local ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from certaudit.fix.plan import Choices
from certaudit.plan import Refusal, RunCommand, SendParts
from tests.fix.machines import Bench, bench
from tests.fix.other_hosts import OtherHosts, other_hosts

SCRIPT = """include ../base/wildcard.machine
replace /usr/local/sbin/renew-wildcard
| #!/bin/sh
| LIVE=/etc/letsencrypt/live/hoge.example
| openssl x509 -noout -checkend 2592000 -in "$LIVE/cert.pem" > /dev/null && exit 0
| certbot certonly -n --manual --preferred-challenges dns --manual-auth-hook /opt/hoge/dns-put \\
|     --manual-cleanup-hook /opt/hoge/dns-take --cert-name hoge.example \\
|     -d hoge.example -d '*.hoge.example' || exit 1
| {}
"""
PAIR = 'scp -q -P 2222 "$LIVE/fullchain.pem" "$LIVE/privkey.pem" backup.example.org:tls/'
STEPS = Choices(only=("stale-copy",))


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OtherHosts:
    return other_hosts(tmp_path / "others", monkeypatch)


def machine(tmp_path: Path, *steps: str) -> Bench:
    found = bench(SCRIPT.format("\n| ".join(steps)), tmp_path)
    found.remote = True
    return found


def archived(machine: Bench, part: str) -> bytes:
    return (machine.root / f"etc/letsencrypt/archive/hoge.example/{part}.pem").read_bytes()


def give(machine: Bench, folder: Path, generation: int, **names: str) -> None:
    """Files of a generation in a directory of another host, by their part; keys are for their owner."""
    folder.mkdir(exist_ok=True)
    for part, name in (names or {"fullchain": "fullchain.pem", "privkey": "privkey.pem"}).items():
        (folder / name).write_bytes(archived(machine, f"{part}{generation}"))
        (folder / name).chmod(0o600 if part == "privkey" else 0o644)


def sends(machine: Bench) -> dict[str, list[str]]:
    """What a plan sends: the parts, by the place."""
    actions = [a for a in machine.plan(STEPS).actions if isinstance(a, SendParts)]
    return {a.where: [s.rpartition("/")[2] for s in a.sources] for a in actions}


def refusals(machine: Bench) -> list[Refusal]:
    return list(machine.plan(STEPS).refusals)


def test_a_pair_in_a_directory(tmp_path: Path, others: OtherHosts) -> None:
    here = machine(tmp_path, PAIR)
    tls = others.home("backup.example.org") / "tls"
    give(here, tls, 1)
    assert sends(here) == {
        "backup.example.org:tls/fullchain.pem": ["fullchain2.pem"],
        "backup.example.org:tls/privkey.pem": ["privkey2.pem"],
    }
    before = {p.name: (p.read_bytes(), p.stat().st_mode) for p in tls.iterdir()}
    record = here.apply(here.plan(STEPS))
    assert (tls / "fullchain.pem").read_bytes() == archived(here, "fullchain2")
    assert (tls / "privkey.pem").read_bytes() == archived(here, "privkey2")
    assert (tls / "privkey.pem").stat().st_mode & 0o777 == 0o600
    assert sorted(p.name for p in tls.iterdir()) == ["fullchain.pem", "privkey.pem"]
    assert sends(here) == {}
    here.undo(record)
    assert {p.name: (p.read_bytes(), p.stat().st_mode) for p in tls.iterdir()} == before


def test_the_way_is_the_owners_and_no_key_is_on_a_command_line(
    tmp_path: Path, others: OtherHosts
) -> None:
    here = machine(tmp_path, PAIR.replace("-P 2222", "-P 2222 -i /root/k -o StrictHostKeyChecking=no"))
    give(here, others.home("backup.example.org") / "tls", 1)
    here.apply(here.plan(STEPS))
    assert len(others.asked) == 5
    for line in others.asked:
        words = line.split()
        at = words.index("--")
        assert words[at - 4 : at + 2] == ["-p", "2222", "-i", "/root/k", "--", "backup.example.org"]
        assert words.count("BatchMode=yes") == words.count("StrictHostKeyChecking=yes") == 1
        assert "StrictHostKeyChecking=no" not in words
        assert "BEGIN" not in line


def test_nobody_is_asked_without_consent(tmp_path: Path, others: OtherHosts) -> None:
    here = machine(tmp_path, PAIR)
    give(here, others.home("backup.example.org") / "tls", 1)
    here.remote = False
    plan = here.plan(STEPS)
    assert (plan.steps, plan.unseen) == ((), ("backup.example.org:tls/",))
    assert others.asked == []


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ("scp $LIVE/fullchain.pem deploy@backup.example.org:site.pem", "site.pem"),
        ("scp $LIVE/fullchain.pem backup.example.org:~/site.pem", "site.pem"),
        ("rsync -az $LIVE/fullchain.pem backup.example.org:site.pem", "site.pem"),
        ("rsync -az -e 'ssh -p 2222' $LIVE/fullchain.pem backup.example.org:site.pem", "site.pem"),
        ("ssh backup.example.org 'cat > site.pem' < $LIVE/fullchain.pem", "site.pem"),
        ("cat $LIVE/fullchain.pem | ssh backup.example.org 'umask 077; cat > site.pem'", "site.pem"),
        ("for h in backup; do scp $LIVE/fullchain.pem $h.example.org:site.pem; done", "site.pem"),
    ],
)
def test_ways_of_sending(step: str, place: str, tmp_path: Path, others: OtherHosts) -> None:
    here = machine(tmp_path, step)
    give(here, others.home("backup.example.org"), 1, fullchain="site.pem")
    assert [(w.rpartition(":")[2], parts) for w, parts in sends(here).items()] == [
        (place, ["fullchain2.pem"])
    ]


def test_the_whole_of_live(tmp_path: Path, others: OtherHosts) -> None:
    here = machine(tmp_path, "rsync -aL $LIVE/ backup.example.org:tls/")
    tls = others.home("backup.example.org") / "tls"
    parts = ("cert", "chain", "fullchain", "privkey")
    give(here, tls, 1, **{part: f"{part}.pem" for part in parts})
    assert {w.rpartition("/")[2] for w in sends(here)} >= {"cert.pem", "fullchain.pem", "privkey.pem"}
    record = here.apply(here.plan(STEPS))
    for part in parts:
        assert (tls / f"{part}.pem").read_bytes() == archived(here, f"{part}2")
    assert sends(here) == {}
    here.undo(record)
    assert (tls / "cert.pem").read_bytes() == archived(here, "cert1")


def test_each_form_is_kept(tmp_path: Path, others: OtherHosts) -> None:
    here = machine(tmp_path, "scp $LIVE/fullchain.pem backup.example.org:site.pem")
    home = others.home("backup.example.org")
    (home / "site.pem").write_bytes(archived(here, "privkey1") + archived(here, "fullchain1"))
    (home / "site.pem").chmod(0o640)
    assert list(sends(here).values()) == [["privkey2.pem", "fullchain2.pem"]]
    here.apply(here.plan(STEPS))
    assert (home / "site.pem").read_bytes() == archived(here, "privkey2") + archived(here, "fullchain2")
    assert (home / "site.pem").stat().st_mode & 0o777 == 0o640


def test_a_declared_place(tmp_path: Path, others: OtherHosts) -> None:
    text = SCRIPT.format("true") + (
        'file /etc/certaudit.toml\n| [lineages."hoge.example"]\n| copies = ["www.example.org:a/b.crt"]\n'
    )
    here = bench(text, tmp_path)
    here.remote = True
    folder = others.home("www.example.org") / "a"
    give(here, folder, 1, cert="b.crt")
    assert sends(here) == {"www.example.org:a/b.crt": ["cert2.pem"]}
    (folder / "b.crt").unlink()
    assert sends(here) == {"www.example.org:a/b.crt": ["fullchain2.pem"]}
    record = here.apply(here.plan(STEPS))
    here.undo(record)
    assert list(folder.iterdir()) == []


def refused(here: Bench, others: OtherHosts) -> str:
    """Why nothing is sent; that nothing has changed is part of it."""
    home = others.home("backup.example.org")
    before = sorted((str(p), p.lstat().st_mtime_ns) for p in home.rglob("*"))
    assert sends(here) == {}
    (refusal,) = refusals(here)
    assert refusal.commands[0].startswith("scp -q -P 2222 /etc/letsencrypt/live/hoge.example/fullchain")
    assert sorted((str(p), p.lstat().st_mtime_ns) for p in home.rglob("*")) == before
    return refusal.why


def test_what_is_refused(tmp_path: Path, others: OtherHosts) -> None:
    here = machine(tmp_path, PAIR)
    home = others.home("backup.example.org")
    tls = home / "tls"
    assert "can not be compared" in refused_after(here, others, lambda: closed(tls, here)) or (
        os.geteuid() == 0
    )
    give(here, tls, 1)
    (tls / "privkey.pem").unlink()
    (tls / "privkey.pem").symlink_to("elsewhere.pem")
    assert "is a link" in refused(here, others)
    (tls / "privkey.pem").unlink()
    give(here, tls, 1)
    os.link(tls / "privkey.pem", tls / "second")
    assert "hard links" in refused(here, others)
    (tls / "second").unlink()
    (tls / "privkey.pem").write_text("nothing of the kind\n")
    assert "neither PEM nor DER" in refused(here, others)
    (tls / "privkey.pem").unlink()
    tls.joinpath("fullchain.pem").write_bytes(archived(here, "fullchain1") + b"# mine\n")
    assert "holds more than" in refused(here, others)


def closed(tls: Path, here: Bench) -> None:
    give(here, tls, 1)
    (tls / "privkey.pem").chmod(0)


def refused_after(here: Bench, others: OtherHosts, change: object) -> str:
    """As ``refused``, where root may look at everything all the same."""
    assert callable(change)
    change()
    if os.geteuid() == 0:
        return "can not be compared"
    return refused(here, others)


def test_never_back_to_an_older_certificate(tmp_path: Path, others: OtherHosts) -> None:
    text = SCRIPT.format(PAIR).replace(
        "wildcard.machine\n",
        "wildcard.machine\ngeneration hoge.example 3 from=2024-03-10T09:00:00+00:00 days=90\n",
    )
    newer = bench(text, tmp_path / "newer")
    here = machine(tmp_path, PAIR)
    tls = others.home("backup.example.org") / "tls"
    give(newer, tls, 3)
    why = refused(here, others)
    assert "newer than the live one" in why or "not known to be one" in why
    give(here, tls, 2)
    assert sends(here) == {}
    assert refusals(here) == []


def test_a_host_that_can_not_be_reached(tmp_path: Path, others: OtherHosts) -> None:
    here = machine(tmp_path, PAIR, 'scp "$LIVE/fullchain.pem" mirror.example.org:x.pem')
    give(here, others.home("mirror.example.org"), 1, fullchain="x.pem")
    (refusal,) = refusals(here)
    assert "backup.example.org can not be reached: " in refusal.why
    assert list(sends(here)) == ["mirror.example.org:x.pem"]
    here.apply(here.plan(STEPS))
    assert sends(here) == {}


def test_what_the_owner_does_there_after_sending_is_left(tmp_path: Path, others: OtherHosts) -> None:
    rsync = 'rsync -a -e "ssh -p 2222" "$LIVE/fullchain.pem" "$LIVE/privkey.pem" backup.example.org:tls/'
    here = machine(
        tmp_path, rsync, "ssh backup.example.org systemctl reload nginx", "service nginx reload"
    )
    give(here, others.home("backup.example.org") / "tls", 1)
    plan = here.plan(STEPS)
    assert len(plan.actions) == 2
    assert plan.commands == ("ssh backup.example.org systemctl reload nginx",)
    told = here.plan(Choices(only=("stale-copy",), run_hooks=frozenset({"hoge.example"})))
    assert [a.command for a in told.actions if isinstance(a, RunCommand)] == [
        "ssh backup.example.org systemctl reload nginx",
        "service nginx reload",
    ]
    assert told.commands == ()


def test_a_pair_is_not_parted_by_a_step_that_is_not_certain(tmp_path: Path, others: OtherHosts) -> None:
    full = 'scp "$LIVE/fullchain.pem" backup.example.org:tls/'
    here = machine(tmp_path, full, 'scp "$(ls -d $LIVE/priv*)" backup.example.org:tls/')
    give(here, others.home("backup.example.org") / "tls", 1)
    assert sends(here) == {}
    (refusal,) = refusals(here)
    assert "certificate and key could part" in refusal.why


def test_what_another_user_sends_is_not_sent_by_root(tmp_path: Path, others: OtherHosts) -> None:
    line = "17 4 * * * admin /usr/local/sbin/renew-wildcard"
    more = f"replace /etc/cron.d/wildcard\n| PATH=/usr/sbin:/usr/bin:/sbin:/bin\n| {line}\n"
    here = bench(SCRIPT.format(PAIR) + more, tmp_path)
    here.remote = True
    give(here, others.home("backup.example.org") / "tls", 1)
    assert sends(here) == {}
    assert others.asked == []


def test_drift_there_is_refused_before_anything_is_written(tmp_path: Path, others: OtherHosts) -> None:
    here = machine(tmp_path, PAIR, 'install -m 0644 "$LIVE/fullchain.pem" /srv/x.pem')
    tls = others.home("backup.example.org") / "tls"
    give(here, tls, 1)
    (here.root / "srv/x.pem").write_bytes(archived(here, "fullchain1"))
    plan = here.plan(STEPS)
    assert len(plan.steps) == 2
    (tls / "fullchain.pem").chmod(0o600)
    before = here.manifest()
    with pytest.raises(Exception, match=r"nothing was changed: backup.*has mode 0600, not 0644"):
        here.apply(plan)
    assert here.manifest() == before


def test_what_no_archive_holds_is_kept_here_for_undo(tmp_path: Path, others: OtherHosts) -> None:
    here = machine(tmp_path, PAIR)
    tls = others.home("backup.example.org") / "tls"
    give(here, tls, 1)
    old = (tls / "privkey.pem").read_bytes()
    for name in ("privkey1", "fullchain1"):
        (here.root / f"etc/letsencrypt/archive/hoge.example/{name}.pem").unlink()
    plan = here.plan(STEPS)
    assert any("backup.example.org:tls/privkey.pem" in note for note in plan.steps[0].notes)
    record = here.apply(plan)
    kept = sorted((here.store.plans / record.id / "before").iterdir())
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600, 0o600]
    assert "PRIVATE KEY" not in (here.store.plans / record.id / "plan.json").read_text()
    here.undo(record)
    assert (tls / "privkey.pem").read_bytes() == old


def test_undo_refuses_what_was_changed_there(tmp_path: Path, others: OtherHosts) -> None:
    here = machine(tmp_path, PAIR)
    tls = others.home("backup.example.org") / "tls"
    give(here, tls, 1)
    record = here.apply(here.plan(STEPS))
    (tls / "fullchain.pem").write_bytes(archived(here, "cert2"))
    with pytest.raises(Exception, match=r"tls/fullchain.pem has other content"):
        here.undo(record)
    assert (tls / "privkey.pem").read_bytes() == archived(here, "privkey2")
    here.undo(record, "backup.example.org:tls/fullchain.pem")
    assert (tls / "fullchain.pem").read_bytes() == archived(here, "fullchain1")


def test_an_account_without_commands_and_sftp_is_left_to_the_owners_way(
    tmp_path: Path, others: OtherHosts
) -> None:
    here = machine(tmp_path, PAIR)
    give(here, others.home("backup.example.org") / "tls", 1)
    program = others.directory / "ssh"
    program.write_text("#!/bin/sh\necho only rsync here >&2\nexit 1\n")
    (refusal,) = refusals(here)
    assert "runs no command for this account: only rsync here" in refusal.why
    own = Choices(only=("stale-copy",), run_hooks=frozenset({"hoge.example"}))
    plan = here.plan(own)
    assert plan.refusals == ()
    (action,) = plan.actions
    assert isinstance(action, RunCommand)
    assert action.command.startswith("scp -q -P 2222 /etc/letsencrypt/live/hoge.example/fullchain.pem")
    assert (action.lineage, action.domains) == (
        "/etc/letsencrypt/live/hoge.example",
        "hoge.example *.hoge.example",
    )
