"""How each kind of trigger is switched off in an image, what is refused, and what was off already."""

from __future__ import annotations

from pathlib import Path

import pytest

from certaudit.fix.perform import DriftError
from certaudit.fix.plan import Choices
from certaudit.fix.remedies import LETTERS
from certaudit.plan import Action, ChangeMode, Plan, PutLink, RemoveLink, WriteText
from certaudit.render import plan_text
from tests.fix.machines import HERE, Bench, bench

SITE = "include ../base/wildcard.machine\ninclude ../base/timer-off.machine\n"
BOOT = (
    "file /lib/systemd/system/renew-at-boot.service\n| [Service]\n| Type=oneshot\n"
    "| ExecStart=/usr/bin/certbot -q renew\n| [Install]\n| WantedBy=multi-user.target\n"
    "link /etc/systemd/system/multi-user.target.wants/renew-at-boot.service -> "
    "/lib/systemd/system/renew-at-boot.service\n"
)
USER = (
    "append /etc/passwd\n| deploy:x:1000:1000::/home/deploy:/bin/bash\n"
    "file /var/lib/systemd/linger/deploy\n"
    "file /home/deploy/.config/systemd/user/mine.service\n| [Service]\n"
    "| ExecStart=/usr/bin/sudo -n /usr/bin/certbot -q renew\n"
    "file /home/deploy/.config/systemd/user/mine.timer\n| [Timer]\n| OnCalendar=daily\n"
    "link /home/deploy/.config/systemd/user/timers.target.wants/mine.timer -> ../mine.timer\n"
)
BACKUP = (
    "file /etc/systemd/system/backup.service\n| [Unit]\n| {}=certbot.service\n| [Service]\n"
    "| ExecStart=/usr/local/bin/backup\n"
    "file /etc/systemd/system/backup.timer\n| [Timer]\n| OnCalendar=daily\n"
    "link /etc/systemd/system/timers.target.wants/backup.timer -> ../backup.timer\n"
)


def unit_of(kind: str, text: str) -> str:
    """A unit in /etc that starts a service which renews."""
    return (
        "file /etc/systemd/system/asked.service\n| [Service]\n| ExecStart=/usr/bin/certbot -q renew\n"
        f"file /etc/systemd/system/asked.{kind}\n| {text}\n"
        f"link /etc/systemd/system/sockets.target.wants/asked.{kind} -> ../asked.{kind}\n"
    )


def done(machine: Bench, plan: Plan | None = None) -> tuple[list[Action], list[str]]:
    """Apply a plan; its actions and what an audit then says. Then take it back, and compare."""
    before = machine.manifest()
    plan = plan or machine.plan()
    record = machine.apply(plan)
    left = machine.findings()
    machine.undo(record)
    assert machine.manifest() == before
    return list(plan.actions), left


def refusal(text: str, into: Path) -> str:
    """Why nothing is done, with the commands."""
    plan = bench(SITE + text, into).plan()
    assert plan.steps == ()
    (one,) = plan.refusals
    return " ".join((one.why, *one.commands))


def test_a_service_that_renews_at_boot_is_masked(tmp_path: Path) -> None:
    actions, left = done(bench(SITE + BOOT, tmp_path))
    assert [(type(a), a.path) for a in actions if not isinstance(a, WriteText)] == [  # type: ignore[union-attr]
        (RemoveLink, "/etc/systemd/system/multi-user.target.wants/renew-at-boot.service"),
        (PutLink, "/etc/systemd/system/renew-at-boot.service"),
    ]
    assert left == []


def test_one_in_etc_is_only_disabled_and_the_plan_says_so(tmp_path: Path) -> None:
    machine = bench(SITE + BOOT.replace("/lib/systemd/system", "/etc/systemd/system"), tmp_path)
    plan = machine.plan()
    assert [type(a) for a in plan.actions] == [RemoveLink]
    assert "It can not be masked" in plan.steps[0].lasts
    assert done(machine, plan)[1] == []


def test_a_service_that_the_owners_timer_starts_too_is_not_masked(tmp_path: Path) -> None:
    text = BOOT + (
        "remove /etc/cron.d/wildcard\nfile /etc/systemd/system/own.timer\n| [Timer]\n"
        "| OnCalendar=daily\n| Unit=renew-at-boot.service\n"
        "link /etc/systemd/system/timers.target.wants/own.timer -> ../own.timer\n"
        'file /etc/certaudit.toml\n| [lineages."hoge.example"]\n| owner = "timer:own.timer"\n'
    )
    machine = bench(SITE + text, tmp_path)
    (one,) = machine.plan().refusals
    assert "own.timer starts renew-at-boot.service too, so it can not be masked" in one.why
    assert one.others == ("d",)
    assert done(machine, machine.plan(Choices(remedies=(("hoge.example", "d"),))))[1] == []


@pytest.mark.parametrize(
    ("kind", "text", "emptied"),
    [
        ("path", "[Path]\n| PathChanged=/srv/ask", "[Path]\nPathChanged=\n"),
        ("socket", "[Socket]\n| ListenStream=/run/ask", "[Socket]\nListenStream=\n"),
        ("timer", "[Timer]\n| OnBootSec=1h\n| OnUnitActiveSec=1d", "[Timer]\nOnCalendar=\n"),
    ],
)
def test_a_unit_in_etc_is_left_nothing_to_wait_for(
    kind: str, text: str, emptied: str, tmp_path: Path
) -> None:
    actions, left = done(bench(SITE + unit_of(kind, text), tmp_path))
    assert next(a.text for a in actions if isinstance(a, WriteText)).endswith(emptied)
    assert left == []


def test_a_users_timer_keeps_its_owner(tmp_path: Path) -> None:
    machine = bench(SITE + USER, tmp_path)
    actions, left = done(machine)
    folder = "/home/deploy/.config/systemd/user"
    places = [a.path for a in actions if isinstance(a, (RemoveLink, WriteText))]
    assert places == [
        f"{folder}/timers.target.wants/mine.timer",
        f"{folder}/mine.timer.d/zz-certaudit.conf",
    ]
    there = (machine.root / folder[1:]).lstat()
    written = next(a for a in actions if isinstance(a, WriteText))
    assert (written.after.uid, written.after.gid) == (there.st_uid, there.st_gid)
    assert left == []


def test_one_that_all_users_have_is_masked_for_this_one(tmp_path: Path) -> None:
    text = USER.replace("file /home/deploy/.config/systemd/user/mine.", "file /etc/systemd/user/mine.")
    machine = bench(SITE + "dir /home/deploy/.config/systemd/user\n" + text, tmp_path)
    actions, left = done(machine)
    masks = [a for a in actions if isinstance(a, PutLink)]
    assert [(m.path, m.after.target) for m in masks] == [
        ("/home/deploy/.config/systemd/user/mine.timer", "/dev/null")
    ]
    assert left == []


@pytest.mark.parametrize("key", ["OnSuccess", "Wants", "Upholds"])
def test_what_another_service_brings_along_is_masked_alone(key: str, tmp_path: Path) -> None:
    machine = bench(SITE + BACKUP.format(key), tmp_path)
    plan = machine.plan()
    assert [step.title for step in plan.steps] == [
        "mask certbot.service, which backup.timer brings along"
    ]
    assert [type(a) for a in plan.actions] == [PutLink]
    assert done(machine, plan)[1] == []


def test_but_not_what_it_can_not_do_without(tmp_path: Path) -> None:
    said = refusal(BACKUP.format("Requires"), tmp_path)
    assert "certbot.service can not be masked: backup.service needs it" in said


def test_a_job_that_does_more_is_not_switched_off_unasked(tmp_path: Path) -> None:
    text = "file /etc/cron.d/nightly\n| 1 1 * * * root tar -cf /srv/b.tar /home && certbot -q renew\n"
    machine = bench(SITE + text, tmp_path)
    (one,) = machine.plan().refusals
    assert "also runs tar -cf /srv/b.tar /home (/etc/cron.d/nightly:1)" in one.why
    assert one.others == ("a", "b", "d", "e")
    plan = machine.plan(Choices(remedies=(("hoge.example", "d"),)))
    assert any("also runs tar" in note for note in plan.steps[0].notes)
    assert done(machine, plan)[1] == []


@pytest.mark.parametrize(
    "line",
    [
        "sleep 9; certbot -q renew",
        "test -x /usr/bin/certbot && certbot -q renew && systemctl reload nginx",
        "certbot -q renew || echo failed | mail -s certbot root",
    ],
)
def test_what_belongs_to_a_renewal_is_nothing_more(line: str, tmp_path: Path) -> None:
    text = (
        f"file /etc/cron.d/le\n| 1 1 * * * root {line}\n"
        'file /etc/certaudit.toml\n| [lineages."hoge.example"]\n| owner = "/etc/cron.d/wildcard"\n'
    )
    plan = bench(SITE + text, tmp_path).plan()
    assert [step.remedy for step in plan.steps if step.trigger] == ["e"]


def test_a_link_in_cron_daily_is_taken_away_and_its_target_stays(tmp_path: Path) -> None:
    text = (
        "file /opt/renew 0755\n| #!/bin/sh\n| certbot -q renew\n"
        "link /etc/cron.daily/renew -> /opt/renew\n"
    )
    actions, left = done(bench(SITE + text, tmp_path))
    assert [(type(a), a.path) for a in actions if not isinstance(a, WriteText)] == [  # type: ignore[union-attr]
        (RemoveLink, "/etc/cron.daily/renew")
    ]
    assert left == []


def test_a_daily_script_loses_only_its_execute_bits(tmp_path: Path) -> None:
    text = "file /etc/cron.daily/renew 0750\n| #!/bin/sh\n| certbot -q renew\n"
    (action,) = done(bench(SITE + text, tmp_path))[0]
    assert isinstance(action, ChangeMode)
    assert (action.before.mode, action.after.mode) == (0o750, 0o640)


def test_an_anacron_job_is_commented_out(tmp_path: Path) -> None:
    text = (
        "file /usr/sbin/anacron 0755\nfile /etc/anacrontab\n| SHELL=/bin/sh\n"
        "| 7 5 tls certbot -q renew\n"
    )
    machine = bench(SITE + text, tmp_path)
    (action,) = [a for a in machine.plan().actions if isinstance(a, WriteText)]
    assert action.text == "SHELL=/bin/sh\n#7 5 tls certbot -q renew\n"
    assert done(machine)[1] == []


def test_an_anacron_job_over_two_lines_is_left_to_a_person(tmp_path: Path) -> None:
    text = "file /usr/sbin/anacron 0755\nfile /etc/anacrontab\n| 7 5 tls \\\n| certbot -q renew\n"
    assert "goes on in the next line" in refusal(text, tmp_path)


def test_what_was_off_already_is_said_with_what_brings_it_back(tmp_path: Path) -> None:
    disabled = (
        "include ../base/wildcard.machine\n"
        "remove /etc/systemd/system/timers.target.wants/certbot.timer\n"
    )
    plan = bench(disabled, tmp_path / "1").plan()
    assert plan.steps == ()
    assert plan.off_already[0].startswith("certbot.timer is off already. It is disabled only.")
    assert "a first boot that applies presets enable it again" in " ".join(
        plan_text.render(plan).split()
    )
    runtime = disabled + "link /run/systemd/system/certbot.timer -> /dev/null\n"
    assert bench(SITE, tmp_path / "2").plan().off_already == ()  # masked: nothing brings it back
    assert bench(runtime, tmp_path / "3").plan().off_already[0].endswith("the next boot ends it.")


def test_nothing_ever_proposes_a_purge(tmp_path: Path) -> None:
    for number, machine in enumerate(sorted(HERE.glob("*.machine"))):
        for letter in LETTERS:
            plan = bench(machine, tmp_path / f"{number}{letter}").plan(
                Choices(remedies=(("hoge.example", letter),))
            )
            text = plan_text.render(plan)
            assert not any(
                word in text for word in ("apt purge", "apt-get", "dpkg -P", "remove certbot")
            )


def test_what_only_the_switched_off_path_does_is_said(tmp_path: Path) -> None:
    text = (
        "file /etc/cron.d/le\n| 1 1 * * * root certbot -q renew && systemctl reload nginx\n"
        'file /etc/certaudit.toml\n| [lineages."hoge.example"]\n| owner = "/etc/cron.d/wildcard"\n'
    )
    (step,) = [s for s in bench(SITE + text, tmp_path).plan().steps if s.trigger]
    said = "does what the owner does not, and will not any more: systemctl reload nginx"
    assert any(said in note for note in step.notes)


def test_undo_says_by_how_much_a_text_has_changed(tmp_path: Path) -> None:
    machine = bench(HERE / "many-paths.machine", tmp_path)
    record = machine.apply()
    crontab = machine.root / "var/spool/cron/crontabs/root"
    crontab.write_text(crontab.read_text().replace("#45 2", "45 2") + "1 1 * * * backup\n")
    with pytest.raises(
        DriftError, match=r"crontabs/root has other content \(2 lines added, 1 removed\)"
    ):
        machine.undo(record)


@pytest.mark.parametrize("name", ["mine.timer.d", "."])
def test_a_user_can_not_lead_a_repair_out_of_home(name: str, tmp_path: Path) -> None:
    machine = bench(SITE + USER, tmp_path)
    place = machine.root / "home/deploy/.config/systemd/user"
    outside = machine.root / "etc/systemd/system/cron.service.d"
    outside.mkdir()
    if name == ".":
        place.rename(machine.root / "etc/theirs")
        place.symlink_to("/etc/theirs")
    else:
        (place / name).symlink_to("/etc/systemd/system/cron.service.d")
    plan = machine.plan()
    assert plan.steps == ()
    assert "leads through one" in plan.refusals[0].why
    assert list(outside.iterdir()) == []
