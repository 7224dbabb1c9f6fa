"""Variations with units that an administrator wrote; see ``variation``."""

from __future__ import annotations

from tests.live import story
from tests.live.box import Box
from tests.live.variation import ALL_RENEWERS, ENABLED, OWNER, RENEW, TIMER, systemctl, variation

ETC = "/etc/systemd/system"
OFTEN = "[Timer]\nOnCalendar=Mon *-*-* 04:00:00\n"
INSTALL = "[Install]\nWantedBy=timers.target\n"
DISABLED = {"certbot.timer": ("disabled", "inactive")}
USER = "deploy"


@variation(
    {"timer:tls.timer": "armed"},
    (*ALL_RENEWERS, "timer:tls.timer"),
    {**ENABLED, "tls.timer": ("enabled", "active")},
)
def second_timer_with_another_service(box: Box) -> None:
    """Unit= names a service that is not called like the timer (systemd.timer(5))."""
    unit(box, "renew-certificates.service", oneshot(RENEW))
    unit(box, "tls.timer", f"{OFTEN}Unit=renew-certificates.service\n{INSTALL}")
    enable(box, "tls.timer")


@variation({}, ALL_RENEWERS, {"certbot.timer": ("enabled", "active")})
def runtime_mask_beaten(box: Box) -> None:
    """/run comes after /etc (systemd.unit(5)): a mask there does nothing to a file of the admin's."""
    unit(box, "certbot.timer", f"{OFTEN}{INSTALL}")
    box.output("/bin/ln", "-s", "/dev/null", "/run/systemd/system/certbot.timer")
    systemctl(box, "daemon-reload")
    systemctl(box, "restart", "certbot.timer")


@variation({TIMER: "off"}, (OWNER,), {"certbot.timer": ("masked-runtime", "failed")})
def runtime_mask(box: Box) -> None:
    """Masked until the next boot (systemctl(1), mask --runtime); the link that enables it stays."""
    systemctl(box, "mask", "--runtime", "--now", "certbot.timer")


@variation({TIMER: "dormant"}, (OWNER,), {"certbot.timer": ("enabled", "inactive")})
def service_refused(box: Box) -> None:
    """systemd refuses a service whose command line it cannot read, and then also its timer."""
    unit(box, "certbot.service", oneshot('/usr/bin/certbot -q renew "'))
    systemctl(box, "daemon-reload")
    done = box.run("/usr/bin/systemctl", "restart", "certbot.timer")
    assert done.returncode != 0, "the timer's service has been loaded"


@variation(
    {"timer:renew@example.org.timer": "armed"},
    (*ALL_RENEWERS, "timer:renew@example.org.timer"),
    {**ENABLED, "renew@example.org.timer": ("enabled", "active")},
)
def timer_instance(box: Box) -> None:
    """An instance of a template timer starts the same instance of the service (systemd.unit(5))."""
    unit(box, "renew@.service", oneshot(f"{RENEW} --cert-name %i"))
    unit(box, "renew@.timer", f"{OFTEN}{INSTALL}")
    enable(box, f"renew@{story.LINEAGE}.timer")


@variation(
    {"path:renew-request.path": "armed"},
    (*ALL_RENEWERS, "path:renew-request.path"),
    {**ENABLED, "renew-request.path": ("enabled", "active")},
)
def path_unit(box: Box) -> None:
    """A service started by a change of a file (systemd.path(5))."""
    unit(box, "renew-request.service", oneshot(RENEW))
    watched = "[Path]\nPathChanged=/srv/renew-request\n[Install]\nWantedBy=multi-user.target\n"
    unit(box, "renew-request.path", watched)
    enable(box, "renew-request.path")


@variation(
    {TIMER: "off", "timer:backup.timer": "armed"},
    (OWNER, "timer:backup.timer"),
    {**DISABLED, "backup.timer": ("enabled", "active")},
)
def pulled_in_by_success(box: Box) -> None:
    """certbot.timer is off, but a backup starts certbot.service when it ends well (OnSuccess=)."""
    systemctl(box, "disable", "--now", "certbot.timer")
    unit(box, "backup.service", f"[Unit]\nOnSuccess=certbot.service\n{oneshot('/bin/true')}")
    unit(box, "backup.timer", f"{OFTEN}{INSTALL}")
    enable(box, "backup.timer")


@variation(
    {TIMER: "off", "timer:report.timer": "armed"},
    (OWNER, "timer:report.timer"),
    {**DISABLED, "report.timer": ("enabled", "active")},
)
def pulled_in_by_wants(box: Box) -> None:
    """certbot.timer is off, but a service that a timer starts wants certbot.service (Wants=)."""
    systemctl(box, "disable", "--now", "certbot.timer")
    unit(box, "report.service", f"[Unit]\nWants=certbot.service\n{oneshot('/bin/true')}")
    unit(box, "report.timer", f"{OFTEN}{INSTALL}")
    enable(box, "report.timer")


@variation(
    {f"timer:{USER}/renew.timer": "armed"},
    ALL_RENEWERS,
    {**ENABLED, f"{USER}/renew.timer": ("enabled", "active")},
)
def timer_of_a_user(box: Box) -> None:
    """A timer of a user whose manager runs without a login (loginctl(1), enable-linger).

    His certbot has a configuration of its own, so it cannot renew the machine's lineage.
    """
    box.output("/usr/sbin/useradd", "--create-home", USER)
    units = f"/home/{USER}/.config/systemd/user"
    call = f"{RENEW} --config-dir %h/tls/etc --work-dir %h/tls/lib --logs-dir %h/tls/log"
    box.write(f"{units}/renew.service", oneshot(call))
    box.write(f"{units}/renew.timer", f"{OFTEN}{INSTALL}")
    box.output("/bin/chown", "-R", f"{USER}:", f"/home/{USER}")
    box.output("/usr/bin/loginctl", "enable-linger", USER)
    story.wait(box, "test -S /run/user/$(id -u deploy)/systemd/private", "the user's manager runs")
    box.output("/usr/bin/systemctl", "--user", "enable", "--now", "renew.timer", user=USER)


def unit(box: Box, name: str, text: str) -> None:
    """An administrator's own unit."""
    box.write(f"{ETC}/{name}", text)


def oneshot(command: str) -> str:
    """The section of a service that runs one command."""
    return f"[Service]\nType=oneshot\nExecStart={command}\n"


def enable(box: Box, name: str) -> None:
    """Enable and start."""
    systemctl(box, "enable", "--now", name)
