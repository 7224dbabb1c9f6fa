"""What looks switched off and is not; and what is switched off indeed."""

from __future__ import annotations

import pytest

from certaudit.linking.comfort import false_comforts
from certaudit.model import HostInfo, Model, Reason, RenewalPath, Source, Trigger
from certaudit.records import replace
from tests.linking.makers import NOW, path

HOST = HostInfo("web1", "/image", live=False, as_of=NOW, cron="vixie-debian")
TIMER = path("timer:certbot.timer>certbot.service>certbot", hidden_for=("a.example",))


def decoy(file: str, code: str = "name-ignored") -> tuple[Trigger, RenewalPath]:
    trigger = Trigger(f"cron:{file}:6", "cron", "off", Source(file, 6), reasons=(Reason(code, "x"),))
    return trigger, path(f"cron:{file}:6>certbot", state="off")


def comforts(*pairs: tuple[Trigger, RenewalPath], timer: RenewalPath = TIMER) -> list[tuple[str, str]]:
    model = Model(HOST, tuple(t for t, _ in pairs), (timer, *(p for _, p in pairs)))
    return [(reason.code, reason.text) for reason in false_comforts(model)]


@pytest.mark.parametrize(
    ("file", "code", "done"),
    [
        ("/etc/cron.d/.certbot.org", "name-ignored", "renamed or put aside"),
        ("/etc/cron.d/certbot.disabled", "name-ignored", "renamed or put aside"),
        ("/etc/cron.d/certbot", "commented-out", "commented out"),
    ],
)
def test_the_packages_cron_file_put_aside_while_a_hidden_timer_runs(
    file: str, code: str, done: str
) -> None:
    assert comforts(decoy(file, code)) == [
        (
            f"cron:{file}:6",
            f"{file} was {done}, but it never was what renews here: certbot.timer is, and it still does",
        )
    ]


def test_a_file_of_the_admins_own_was_what_it_seemed() -> None:
    assert comforts(decoy("/etc/cron.d/renew.disabled")) == []


def test_where_nothing_is_hidden_nobody_was_deceived() -> None:
    assert comforts(decoy("/etc/cron.d/.certbot.org"), timer=replace(TIMER, hidden_for=())) == []


def test_where_the_timer_is_off_too_the_switch_holds() -> None:
    assert comforts(decoy("/etc/cron.d/.certbot.org"), timer=replace(TIMER, state="off")) == []


def test_another_config_directory_is_another_matter() -> None:
    assert comforts(decoy("/etc/cron.d/.certbot.org"), timer=replace(TIMER, config_dir="/srv/le")) == []


def still_read(file: str, daemon: str) -> list[str]:
    trigger = Trigger(f"cron:{file}:1", "cron", "armed", Source(file, 1))
    model = Model(replace(HOST, cron=daemon), (trigger,), (path(f"cron:{file}:1>certbot"),))
    return [reason.text for reason in false_comforts(model)]


@pytest.mark.parametrize("name", ["certbot.disabled", "renew.bak", "certbot.org"])
def test_cronie_reads_what_looks_put_aside(name: str) -> None:
    assert still_read(f"/etc/cron.d/{name}", "cronie") == [
        f"/etc/cron.d/{name} looks put aside, but cronie reads files of that name"
    ]


@pytest.mark.parametrize(
    ("file", "daemon"),
    [
        ("/etc/cron.d/certbot.disabled", "vixie-debian"),
        ("/etc/cron.d/certbot", "cronie"),
        ("/etc/cron.d/www.example.org", "cronie"),
        ("/var/spool/cron/root.bak", "cronie"),
    ],
)
def test_names_that_deceive_nobody(file: str, daemon: str) -> None:
    assert still_read(file, daemon) == []
