"""Every way a renewal is really started, one after the other in one box, each making a generation.

The truth is data: what was done, and the name the report has for it. No code of the product has a
part in it. Certificates of the test ACME server are always due, so each start renews.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.live import story
from tests.live.box import Box
from tests.live.unit_variations import INSTALL, OFTEN, oneshot, unit
from tests.live.variation import OWNER, RENEW, TIMER

PACKAGES = ("anacron", "sudo")
PERSON = "manual"
DAILY = "run-parts:/etc/cron.daily/renew"
SECOND = "timer:tls.timer"
APART = 3.0  # seconds between two starts
STAMPS = "/var/lib/systemd/timers"


@dataclass(frozen=True, slots=True)
class Starter:
    """``truth``: the trigger's id in the report, or ``manual`` for a person.

    ``logged``: some log says who it was. Of a person at a root shell none does, and of one that
    starts a timer's service only that something started it.
    """

    truth: str
    start: Callable[[Box], object]
    logged: bool = True

    @property
    def name(self) -> str:
        """What it is, in words."""
        return (self.start.__doc__ or "").strip(". \n")


def by_cron(box: Box) -> None:
    """The owner's line, run by cron."""
    story.let_cron_renew(box)


def by_timer(box: Box) -> None:
    """The packaged timer, catching up."""
    story.let_timer_renew(box)


def by_systemctl(box: Box) -> None:
    """A person: systemctl start certbot.service."""
    box.output("/usr/bin/systemctl", "start", "certbot.service")


def by_shell(box: Box) -> None:
    """A person at a root shell: certbot renew."""
    box.output("/bin/sh", "-c", f"exec {RENEW} --no-random-sleep-on-renew")


def by_sudo(box: Box) -> None:
    """A person through sudo: certbot renew."""
    words = ("/usr/bin/certbot", "renew", "--no-random-sleep-on-renew")
    box.output("/usr/bin/sudo", *words, user="deploy")


def by_anacron(box: Box) -> None:
    """anacron, through run-parts and a script of cron.daily."""
    box.output("/usr/bin/systemctl", "start", "anacron.service")
    story.wait(box, "grep -q 'cron.daily. terminated' /var/log/syslog", "anacron's job has ended", 60)


def by_second_timer(box: Box) -> None:
    """A second timer with a service of another name, catching up."""
    box.output("/usr/bin/touch", "-d", "9 days ago", f"{STAMPS}/stamp-tls.timer")
    box.output("/usr/bin/systemctl", "start", "tls.timer")
    done = "systemctl show -P Result -P ActiveState renew-tls.service | grep -qx inactive"
    story.wait(box, f"journalctl -u renew-tls.service | grep -q Finished && {done}", "it has ended", 60)


STARTERS = (
    Starter(OWNER, by_cron),
    Starter(TIMER, by_timer),
    Starter(PERSON, by_systemctl, logged=False),
    Starter(PERSON, by_shell, logged=False),
    Starter(SECOND, by_second_timer),
    Starter(PERSON, by_sudo),
    Starter(DAILY, by_anacron),
)


def prepare(box: Box) -> None:
    """What the starters need: the test ACME server, a second timer, a daily script, a sudoer."""
    box.output("/usr/bin/systemctl", "stop", "anacron.timer", "anacron.service")
    box.output("/bin/sed", "-i", r"s/^\([17@][a-z]*\)\t[0-9]*/\1\t0/", "/etc/anacrontab")
    story.settle(box)
    story.start_acme_server(box)
    unit(box, "renew-tls.service", oneshot(f"{RENEW} --no-random-sleep-on-renew"))
    unit(box, "tls.timer", f"{OFTEN}Unit=renew-tls.service\nPersistent=yes\n{INSTALL}")
    box.output("/usr/bin/systemctl", "daemon-reload")
    box.output("/usr/bin/systemctl", "enable", "tls.timer")
    box.write("/etc/cron.daily/renew", f"#!/bin/sh\nexec {RENEW} --no-random-sleep-on-renew\n", 0o755)
    box.output("/usr/sbin/useradd", "--create-home", "deploy")
    box.write("/etc/sudoers.d/deploy", "deploy ALL=(root) NOPASSWD: ALL\n", 0o440)


def play(box: Box) -> None:
    """Start them all; each must make one generation."""
    for number, starter in enumerate(STARTERS, 1):
        starter.start(box)
        made = len(story.generations(box))
        assert made == number, f"{starter.name}: {made} generations, not {number}"
        time.sleep(APART)
