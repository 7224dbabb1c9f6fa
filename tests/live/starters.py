"""Every way a renewal is really started, one after the other in one box, each making a generation.

The truth is data: what was done, and the name the report has for it. No code of the product has a
part in it. Certificates of the test ACME server are always due, so each start renews.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.live import people, story
from tests.live.box import Box
from tests.live.unit_variations import INSTALL, OFTEN, oneshot, unit
from tests.live.variation import OWNER, RENEW, TIMER

PACKAGES = ("anacron", *people.PACKAGES)
PERSON = "manual"
DAILY = "run-parts:/etc/cron.daily/renew"
SECOND = "timer:tls.timer"
USER = "deploy"
USERS = f"timer:{USER}/renew.timer"
SNAP = "snap.certbot.renew"
SNAPS = f"timer:{SNAP}.timer"
DATED = "HISTTIMEFORMAT='%F %T '"
APART = 3.0  # seconds between two starts
STAMPS = "/var/lib/systemd/timers"
NOW = f"{RENEW} --no-random-sleep-on-renew"
# Units as snapd writes them (its wrappers/services.go and timers.go), but for times to the second.
SNAP_SERVICE = """[Unit]
# Auto-generated, DO NOT EDIT
Description=Service for snap application certbot.renew
Wants=network.target
After=network.target snapd.apparmor.service
X-Snappy=yes

[Service]
EnvironmentFile=-/etc/environment
ExecStart=/usr/bin/snap run --timer="00:00~24:00/2" certbot.renew
SyslogIdentifier=certbot.renew
Restart=no
WorkingDirectory=/var/snap/certbot/3024
TimeoutStopSec=30
Type=oneshot
"""
SNAP_TIMER = """[Unit]
# Auto-generated, DO NOT EDIT
Description=Timer renew for snap application certbot.renew
X-Snappy=yes

[Timer]
Unit=snap.certbot.renew.service
OnCalendar=*-*-* {first:%H:%M:%S}
OnCalendar=*-*-* {second:%H:%M:%S}
AccuracySec=1s

[Install]
WantedBy=timers.target
"""
# An imitation of snapd: what `snap run certbot.renew` comes to, with Debian's certbot, the snap's own
# arguments (certbot's snap_config.py adds the last) and the least of its random sleeps.
SNAP_RUN = """#!/usr/bin/python3
import random, sys
random.uniform = lambda low, high: low
sys.argv = ["/snap/certbot/3024/bin/certbot", "-q", "renew", "--preconfigured-renewal"]
from certbot.main import main
sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class Starter:
    """``truth``: the trigger's id in the report, or ``manual`` for a person.

    ``logged``: something that is left says who it was.
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
    """A person logged in as root: systemctl start certbot.service."""
    people.types(box, "systemctl start certbot.service")


def by_systemctl_dated(box: Box) -> None:
    """The same, of a root whose history says when."""
    people.types(box, DATED, "systemctl start certbot.service")


def by_shell(box: Box) -> None:
    """A person logged in as root: certbot renew."""
    people.types(box, "certbot renew")


def by_shell_at_once(box: Box) -> None:
    """A person logged in as root: certbot renew, without the sleep."""
    people.types(box, "certbot renew --no-random-sleep-on-renew")


def by_script(box: Box) -> None:
    """A person logged in as root runs the owner's script."""
    people.types(box, story.SCRIPT)


def by_shell_dated(box: Box) -> None:
    """The same, of a root whose history says when."""
    people.types(box, DATED, "certbot renew --no-random-sleep-on-renew")


def by_sudo(box: Box) -> None:
    """A person logged in as a user: sudo certbot renew."""
    people.types(box, "sudo certbot renew", user=USER)


def by_nobody(box: Box) -> None:
    """A command from outside, of which nothing is written down."""
    box.output("/bin/sh", "-c", f"exec {NOW}")


def by_anacron(box: Box) -> None:
    """anacron, through run-parts and a script of cron.daily."""
    box.output("/usr/bin/systemctl", "start", "anacron.service")
    story.wait(box, "grep -q 'cron.daily. terminated' /var/log/syslog", "anacron's job has ended", 60)


def by_second_timer(box: Box) -> None:
    """A second timer with a service of another name, catching up."""
    box.output("/usr/bin/touch", "-d", "9 days ago", f"{STAMPS}/stamp-tls.timer")
    box.output("/usr/bin/systemctl", "start", "tls.timer")
    ended(box, "renew-tls.service")


def by_users_timer(box: Box) -> None:
    """A timer of a user's own manager, which calls certbot with sudo."""
    box.output("/usr/bin/systemctl", "--user", "start", "renew.timer", user=USER)
    done = "grep -q 'Finished renew.service' /var/log/syslog"
    story.wait(box, done, "the user's service has ended", 60)


def by_snap(box: Box) -> None:
    """The timer of certbot's snap, at one of its times."""
    soon = datetime.now(box.zone) + timedelta(seconds=4)
    text = SNAP_TIMER.format(first=soon, second=soon + timedelta(hours=12))
    unit(box, f"{SNAP}.timer", text)
    box.output("/usr/bin/systemctl", "daemon-reload")
    box.output("/usr/bin/systemctl", "enable", "--now", f"{SNAP}.timer")
    ended(box, f"{SNAP}.service")


def ended(box: Box, service: str) -> None:
    """Return when a oneshot service has run."""
    done = f"systemctl show -P Result -P ActiveState {service} | grep -qx inactive"
    story.wait(box, f"journalctl -u {service} | grep -q Finished && {done}", "it has ended", 60)


STARTERS = (
    Starter(OWNER, by_cron),
    Starter(TIMER, by_timer),
    Starter(PERSON, by_systemctl),
    Starter(PERSON, by_shell),
    Starter(PERSON, by_shell_at_once),
    Starter(PERSON, by_script, logged=False),
    Starter(SECOND, by_second_timer),
    Starter(PERSON, by_sudo),
    Starter(DAILY, by_anacron),
    Starter(PERSON, by_systemctl_dated),
    Starter(PERSON, by_shell_dated),
    Starter(USERS, by_users_timer),
    Starter(SNAPS, by_snap),
    Starter(PERSON, by_nobody, logged=False),
)


def prepare(box: Box) -> None:
    """What the starters need: the test ACME server, timers, a daily script, a sudoer, an sshd."""
    box.output("/usr/bin/systemctl", "stop", "anacron.timer", "anacron.service")
    box.output("/bin/sed", "-i", r"s/^\([17@][a-z]*\)\t[0-9]*/\1\t0/", "/etc/anacrontab")
    story.settle(box)
    of_some_age(box)
    story.start_acme_server(box)
    unit(box, "renew-tls.service", oneshot(NOW))
    unit(box, "tls.timer", f"{OFTEN}Unit=renew-tls.service\nPersistent=yes\n{INSTALL}")
    unit(box, f"{SNAP}.service", SNAP_SERVICE)
    box.write("/usr/bin/snap", SNAP_RUN, 0o755)
    box.output("/bin/mkdir", "-p", "/var/snap/certbot/3024")
    box.output("/usr/bin/systemctl", "daemon-reload")
    box.output("/usr/bin/systemctl", "enable", "tls.timer")
    box.write("/etc/cron.daily/renew", f"#!/bin/sh\nexec {NOW}\n", 0o755)
    prepare_user(box)
    people.let_in(box, "root", USER)


def of_some_age(box: Box) -> None:
    """Let the log of the system begin nine days ago, as that of a machine that is in use."""
    since = (datetime.now(box.zone) - timedelta(days=9)).isoformat()
    line = f"{since} web1 kernel: hello"
    box.output("/bin/sed", "-i", f"1i {line}", "/var/log/syslog")
    box.output("/usr/bin/systemctl", "kill", "--signal=HUP", "rsyslog.service")


def prepare_user(box: Box) -> None:
    """A sudoer with a manager of his own that runs without a login, and a timer in it."""
    box.output("/usr/sbin/useradd", "--create-home", "--shell", "/bin/bash", USER)
    box.write("/etc/sudoers.d/deploy", f"{USER} ALL=(root) NOPASSWD: ALL\n", 0o440)
    home = f"/home/{USER}"
    units, stamps = f"{home}/.config/systemd/user", f"{home}/.local/share/systemd/timers"
    box.write(f"{units}/renew.service", oneshot(f"/usr/bin/sudo {NOW}"))
    box.write(f"{units}/renew.timer", f"{OFTEN}Persistent=yes\n{INSTALL}")
    box.write(f"{stamps}/stamp-renew.timer", "")
    box.output("/bin/chown", "-R", f"{USER}:", home)
    box.output("/usr/bin/touch", "-d", "9 days ago", f"{stamps}/stamp-renew.timer")
    box.output("/usr/bin/loginctl", "enable-linger", USER)
    story.wait(box, f"test -S /run/user/$(id -u {USER})/systemd/private", "the user's manager runs")
    box.output("/usr/bin/systemctl", "--user", "enable", "renew.timer", user=USER)


def play(box: Box) -> None:
    """Start them all; each must make one generation."""
    for number, starter in enumerate(STARTERS, 1):
        starter.start(box)
        made = len(story.generations(box))
        assert made == number, f"{starter.name}: {made} generations, not {number}"
        time.sleep(APART)
