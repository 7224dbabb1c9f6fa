"""How things are named to a person, and the commands that switch a trigger off."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from certaudit.linking import words
from certaudit.model import HostInfo, Model, Source, Trigger
from tests.linking.makers import NOW, lineage, path, step


@pytest.mark.parametrize(
    ("path_id", "name"),
    [
        ("timer:certbot.timer>certbot.service>certbot", "certbot.timer"),
        ("timer:hoge/renew.timer>renew.service>certbot", "hoge/renew.timer"),
        (
            "cron:/etc/cron.d/x:4>/usr/local/sbin/renew>certbot",
            "/etc/cron.d/x:4 (/usr/local/sbin/renew)",
        ),
        ("run-parts:/etc/cron.daily/renew>certbot#2", "/etc/cron.daily/renew"),
    ],
)
def test_a_path_is_named_by_its_trigger_and_its_script(path_id: str, name: str) -> None:
    assert words.path_name(path_id) == name


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "an unknown time"), (60, "1 minute"), (3600, "60 minutes"), (7200, "2 hours"),
     (86_400, "24 hours"), (129_600, "2 days"), (2_678_400, "31 days")],
)  # fmt: skip
def test_a_span_is_in_a_persons_unit(seconds: float | None, text: str) -> None:
    assert words.span(seconds) == text


def test_moments_and_days() -> None:
    when = datetime(2024, 3, 1, 9, 5, tzinfo=timezone.utc)
    assert (words.moment(when), words.day(when)) == ("2024-03-01 09:05", "2024-03-01")
    assert (words.moment(None), words.day(None)) == ("an unknown moment", "an unknown day")


@pytest.mark.parametrize(
    ("items", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c"),
     (["a", "b", "c", "d", "e"], "a, b, c and 2 more")],
)  # fmt: skip
def test_a_listing(items: list[str], text: str) -> None:
    assert words.listing(items) == text


def test_counting() -> None:
    assert [words.count(n, "copy", "copies") for n in (0, 1, 2)] == ["0 copies", "1 copy", "2 copies"]


def trigger(
    name: str, kind: str = "timer", place: str = "/etc/systemd/system/x", line: int | None = None
) -> Trigger:
    return Trigger(name, kind, "armed", Source(place, line))


@pytest.mark.parametrize(
    ("found", "commands"),
    [
        (trigger("timer:certbot.timer", place="/lib/systemd/system/certbot.timer"),
         ("systemctl disable --now certbot.timer", "systemctl mask certbot.timer")),
        (trigger("timer:certbot.timer", place="/etc/systemd/system/certbot.timer"),
         ("systemctl disable --now certbot.timer",)),
        (trigger("timer:own.timer", place="/etc/systemd/system/own.timer"),
         ("systemctl disable --now own.timer",)),
        (trigger("timer:vendor.timer", place="/usr/lib/systemd/system/vendor.timer"),
         ("systemctl disable --now vendor.timer", "systemctl mask vendor.timer")),
        (trigger("timer:hoge/own.timer"), ("systemctl --user -M hoge@ disable --now own.timer",)),
        (trigger("cron:/etc/cron.d/renew:4", "cron", "/etc/cron.d/renew", 4),
         ("sed -i '4s/^/#/' /etc/cron.d/renew",)),
        (trigger("run-parts:/etc/cron.daily/renew", "run-parts", "/etc/cron.daily/renew"),
         ("chmod -x /etc/cron.daily/renew",)),
        (trigger("anacron:renew", "anacron", "/etc/anacrontab", 9),
         ("sed -i '9s/^/#/' /etc/anacrontab",)),
    ],
)  # fmt: skip
def test_what_switches_a_trigger_off(found: Trigger, commands: tuple[str, ...]) -> None:
    assert words.off_commands(found) == commands


def test_the_packages_cron_file_is_diverted_not_edited() -> None:
    found = trigger("cron:/etc/cron.d/certbot:6", "cron", "/etc/cron.d/certbot", 6)
    assert words.off_commands(found)[0].startswith("dpkg-divert ")


def test_switching_off_the_only_renewer_is_not_safe() -> None:
    timer, other = path("timer:certbot.timer>certbot"), path("cron:/x:1>certbot")
    off = trigger("timer:certbot.timer")
    host = HostInfo("web1", "/", live=True, as_of=NOW)

    def fix(*renewers: str) -> tuple[str, bool]:
        one = lineage(renewers=renewers)
        found = words.switch_off(Model(host, (off,), (timer, other), (one,)), off)
        return found.title, found.safe

    assert fix(timer.id, other.id) == ("switch certbot.timer off", True)
    assert fix(timer.id) == ("switch certbot.timer off (then nothing renews a.example)", False)


def test_what_a_path_does_in_a_few_words() -> None:
    hook = step("/d/x", kind="hook", binding="deploy-directory")
    assert words.steps_of(path()) == "nothing"
    assert words.steps_of(path(distribution=(hook,))) == "runs a hook"
    own = path(distribution=(hook, step("cp"), step("cp"), step("reload", kind="reload")))
    assert words.steps_of(own) == "copies, reloads"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("web1.example.org", "web1.example.org# "),
        ("unknown", "image# "),
        ("x;touch /tmp/x;", "image# "),
        ("two words", "image# "),
        ("-rf", "image# "),
        ("a" * 41, "image# "),
    ],
)
def test_only_a_plain_name_stands_before_a_command(name: str, shown: str) -> None:
    assert words.prompt(name, live=False) == shown
    assert words.prompt(name, live=True) == ""
