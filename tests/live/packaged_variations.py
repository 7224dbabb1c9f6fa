"""Variations of what the packages and the admin's own cron line do; see ``variation``."""

from __future__ import annotations

from tests.live import story
from tests.live.box import Box
from tests.live.variation import (
    ALL_RENEWERS,
    ENABLED,
    OWNER,
    PACKAGED,
    PACKAGED_LINE,
    PACKAGED_TABLE,
    RENEW,
    TIMER,
    drop_in,
    systemctl,
    variation,
)

DAILY = "run-parts:/etc/cron.daily/renew"
ROOTS_LINE = "cron:/var/spool/cron/crontabs/root:4"  # crontab(1) puts three lines before it


@variation({}, ALL_RENEWERS)
def untouched(box: Box) -> None:
    """The story's machine itself: the guard of the packaged line is false under systemd."""


@variation({PACKAGED: "armed"}, (*ALL_RENEWERS, PACKAGED))
def guard_removed(box: Box) -> None:
    """The packaged cron line without its test for systemd: it runs beside the timer."""
    box.output("/bin/sed", "-i", "s| -a .! -d /run/systemd/system||", PACKAGED_TABLE)


@variation({PACKAGED: "absent", f"cron:/etc/cron.d/.certbot.org:{PACKAGED_LINE}": "off"}, ALL_RENEWERS)
def table_hidden(box: Box) -> None:
    """The packaged table renamed to a name with dots, which cron(8) passes over; the timer runs."""
    box.output("/bin/mv", PACKAGED_TABLE, "/etc/cron.d/.certbot.org")


@variation(
    {PACKAGED: "absent", f"cron:/etc/cron.d/certbot.disabled:{PACKAGED_LINE}": "off"}, ALL_RENEWERS
)
def table_disabled(box: Box) -> None:
    """The packaged table renamed to another name with a dot (cron(8))."""
    box.output("/bin/mv", PACKAGED_TABLE, "/etc/cron.d/certbot.disabled")


@variation({}, ALL_RENEWERS, {"certbot.timer": ("enabled", "inactive")})
def timer_stopped(box: Box) -> None:
    """Stopped only: it is still enabled, and starts with the next boot (systemctl(1), stop)."""
    systemctl(box, "stop", "certbot.timer")


@variation({TIMER: "off"}, (OWNER,), {"certbot.timer": ("disabled", "inactive")})
def timer_disabled(box: Box) -> None:
    """Disabled and stopped (systemctl(1), disable --now)."""
    systemctl(box, "disable", "--now", "certbot.timer")


@variation({}, ALL_RENEWERS, {"certbot.timer": ("disabled", "active")})
def timer_disabled_but_active(box: Box) -> None:
    """Disabled without --now: it goes on until it is stopped or the machine reboots (systemctl(1))."""
    systemctl(box, "disable", "certbot.timer")


@variation({TIMER: "off"}, (OWNER,), {"certbot.timer": ("masked", "failed")})
def timer_masked(box: Box) -> None:
    """Masked and stopped: it cannot be started by anything (systemctl(1), mask --now).

    The state is failed, as in ``timer_masked_while_active``: mask reloads before it stops.
    """
    systemctl(box, "mask", "--now", "certbot.timer")


@variation({TIMER: "off"}, (OWNER,), {"certbot.timer": ("masked", "failed")})
def timer_masked_while_active(box: Box) -> None:
    """Masked without --now: the reload that mask does takes the timer's settings away.

    systemd 252 then says "Unit to trigger vanished", and the timer has failed.
    """
    systemctl(box, "mask", "certbot.timer")


@variation({}, ALL_RENEWERS, {"certbot.timer": ("masked", "active")})
def timer_masked_by_hand(box: Box) -> None:
    """A mask made with ln(1): until a daemon-reload or a reboot the manager goes on as before."""
    box.output("/bin/ln", "-s", "/dev/null", "/etc/systemd/system/certbot.timer")


@variation({TIMER: "dormant"}, (OWNER,))
def calendar_emptied(box: Box) -> None:
    """An empty OnCalendar= removes all times (systemd.timer(5)): active, but it never elapses again."""
    drop_in(box, "certbot.timer", "[Timer]\nOnCalendar=\n")
    systemctl(box, "daemon-reload")


@variation({}, ALL_RENEWERS)
def service_runs_the_script(box: Box) -> None:
    """A drop-in makes the packaged timer run the owner's script in place of certbot renew."""
    drop_in(box, "certbot.service", f"[Service]\nExecStart=\nExecStart={story.SCRIPT}\n")
    systemctl(box, "daemon-reload")


@variation({}, (OWNER,))
def service_looks_elsewhere(box: Box) -> None:
    """The timer's certbot has a --config-dir of its own, which holds no lineage."""
    call = f"{RENEW} --config-dir /opt/tls/etc --work-dir /opt/tls/lib --logs-dir /opt/tls/log"
    drop_in(box, "certbot.service", f"[Service]\nExecStart=\nExecStart={call}\n")
    systemctl(box, "daemon-reload")


@variation({}, ())
def autorenew_off(box: Box) -> None:
    """autorenew = False in the renewal conf: neither renew nor certonly --keep touches the lineage."""
    conf = f"/etc/letsencrypt/renewal/{story.LINEAGE}.conf"
    box.output("/bin/sed", "-i", r"s/^\[renewalparams\]$/&\nautorenew = False/", conf)


@variation({ROOTS_LINE: "armed"}, (*ALL_RENEWERS, ROOTS_LINE))
def crontab_of_root(box: Box) -> None:
    """A line in root's own crontab, which has no field for a user (crontab(5))."""
    box.output("/usr/bin/crontab", "-", stdin="5 4 * * 1 certbot -q renew\n")


@variation({DAILY: "armed"}, (*ALL_RENEWERS, DAILY))
def daily_script(box: Box) -> None:
    """An executable script that run-parts(8) runs once a day."""
    box.write("/etc/cron.daily/renew", f"#!/bin/sh\nexec {RENEW}\n", 0o755)


@variation({f"{DAILY}.sh": "off"}, ALL_RENEWERS)
def daily_script_with_dot(box: Box) -> None:
    """run-parts(8) passes over a name with a dot."""
    box.write("/etc/cron.daily/renew.sh", f"#!/bin/sh\nexec {RENEW}\n", 0o755)


@variation({DAILY: "off"}, ALL_RENEWERS)
def daily_script_not_executable(box: Box) -> None:
    """run-parts(8) passes over a file that is not executable."""
    box.write("/etc/cron.daily/renew", f"#!/bin/sh\nexec {RENEW}\n")


@variation(
    {DAILY: "armed"},
    (*ALL_RENEWERS, DAILY),
    {**ENABLED, "anacron.timer": ("enabled", "active")},
    packages=("anacron", "sudo"),  # the root that the starters have
)
def daily_script_under_anacron(box: Box) -> None:
    """With anacron the line of /etc/crontab steps aside, and anacron runs cron.daily (anacron(8))."""
    box.write("/etc/cron.daily/renew", f"#!/bin/sh\nexec {RENEW}\n", 0o755)
