"""What happened to the admin of the wildcard certificate, with real parts, in a few seconds.

His own script, started by cron, obtains a certificate over dns-01 and hands copies to two servers;
certbot remembers the hooks. Then the packaged certbot.timer fires and renews before him, and the
copies stay behind. Law: no clock is set. cron alone sees another time (libfaketime), certbot.timer
fires because its last run seems long ago, and certificates of 29 days are due from the first day.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.live.box import Box, BoxError
from tests.summary import timed

MACHINE = Path(__file__).with_name("machine")  # laid over the box's file system
LINEAGE = "example.org"
SCRIPT = "/usr/local/sbin/renew-wildcard.sh"
TABLE = "/etc/cron.d/renew-wildcard"
PATH_LINE = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OWNER = f"cron:{TABLE}:3"
COPIES = tuple(f"/srv/{host}/tls/fullchain.pem" for host in ("host1", "host2"))
LIVE = f"/etc/letsencrypt/live/{LINEAGE}/fullchain.pem"
STAMP = "/var/lib/systemd/timers/stamp-certbot.timer"
FAKE_CLOCK = "/run/systemd/system/cron.service.d/clock.conf"
AT_ONCE = "/run/systemd/system/certbot.timer.d/at-once.conf"
DIRECTORY_ANSWERS = "openssl s_client -brief -connect 127.0.0.1:14000 </dev/null"
CERTIFICATE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 "
    "-subj /CN=localhost -addext subjectAltName=DNS:localhost "
    "-keyout /etc/pebble/server.key -out /etc/pebble/server.crt && "
    "cat /etc/pebble/server.crt >>/etc/ssl/certs/ca-certificates.crt"
)
LEADS = (2, 8)  # seconds before its minute at which cron is started; more where that was too late
PATIENCE = 20  # seconds until a line that was run is logged


@dataclass(frozen=True, slots=True)
class Story:
    """What the story did: the cron line's five fields, and when each trigger fired (whole seconds)."""

    schedule: str
    cron_fired: datetime
    timer_fired: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """A box in which the story was told, still up, and what other boxes start from (``Box.save``)."""

    box: Box
    story: Story
    saved: Path
    zone: str


def tell(box: Box, *, traditional: bool = False) -> Story:
    """Play the whole story in a fresh box.

    ``traditional`` gives syslog the stamps without year and zone. Raise ``BoxError`` where a step
    does not happen in time.
    """
    with timed("story"):
        settle(box, traditional=traditional)
        start_acme_server(box)
        schedule, cron_fired = let_cron_renew(box)
        timer_fired = let_timer_renew(box)
    return Story(schedule, cron_fired, timer_fired)


def settle(box: Box, *, traditional: bool = False) -> None:
    """The admin's files, and the form of syslog's stamps."""
    box.put(MACHINE)
    if traditional:
        line = "$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat\n"
        box.write("/etc/rsyslog.d/00-traditional.conf", line)
        box.output("/bin/rm", "/var/log/syslog")  # its first lines have the other form
        box.output("/usr/bin/systemctl", "restart", "rsyslog")
    box.output("/usr/bin/systemctl", "daemon-reload")


def start_acme_server(box: Box) -> None:
    """Pebble, with a certificate that the box trusts."""
    shell(box, CERTIFICATE)
    box.output("/usr/bin/systemctl", "start", "pebble")
    wait(box, DIRECTORY_ANSWERS, "the ACME server answers")


def let_cron_renew(box: Box) -> tuple[str, datetime]:
    """Generation 1: a line for this very minute, run by a cron for which the minute just begins.

    cron gives its jobs a clean environment, so they see the real time; and once cron sees it
    again, the minute is over, so the line does not run twice.
    """
    library = shell(box, "ls /usr/lib/*/faketime/libfaketime.so.1").strip()
    for lead in LEADS:
        now = early_in_a_minute(box.zone, lead)
        schedule = f"{now.minute} {now.hour} * * {now.isoweekday() % 7}"
        comment = "# the wildcard certificate, once a week"
        box.write(TABLE, f"{comment}\n{PATH_LINE}\n{schedule} root {SCRIPT}\n")
        behind = now.second + lead
        box.write(FAKE_CLOCK, f"[Service]\nEnvironment=LD_PRELOAD={library} FAKETIME=-{behind}\n")
        reload_and(box, "restart", "cron.service")
        if started(box, lead + PATIENCE):
            break
    wait(box, "grep -q 'renew-wildcard: ' /var/log/syslog", "cron's job has ended", 60)
    box.output("/bin/rm", "-r", str(Path(FAKE_CLOCK).parent))
    reload_and(box, "restart", "cron.service")
    return schedule, now + timedelta(seconds=lead)


def started(box: Box, seconds: float) -> bool:
    """Has cron run the line? Not where it came too late for the minute."""
    try:
        wait(box, f"grep -q 'CMD ({SCRIPT})' /var/log/syslog", "cron runs the line", seconds)
    except BoxError:
        return False
    return True


def early_in_a_minute(zone: ZoneInfo, lead: int) -> datetime:
    """Now, if the line that is to run in a moment still falls into this minute; else a bit later."""
    now = datetime.now(zone)
    if now.second > 59 - lead - 4:
        time.sleep(60 - now.second)
        now = datetime.now(zone)
    return now.replace(microsecond=0)


def let_timer_renew(box: Box) -> datetime:
    """Generation 2: certbot.timer catches up, as after two days without power (Persistent=)."""
    box.write(AT_ONCE, "[Timer]\nRandomizedDelaySec=0\n")
    box.output("/usr/bin/systemctl", "stop", "certbot.timer")
    box.output("/usr/bin/touch", "-d", "2 days ago", STAMP)
    reload_and(box, "start", "certbot.timer")
    wait(box, "grep -q 'Finished certbot.service' /var/log/syslog", "certbot.service has ended", 60)
    fired = datetime.fromtimestamp(int(box.output("/usr/bin/stat", "-c", "%Y", STAMP)), box.zone)
    box.output("/bin/rm", "-r", str(Path(AT_ONCE).parent))
    box.output("/usr/bin/systemctl", "daemon-reload")
    return fired


def generations(box: Box) -> tuple[str, ...]:
    """The serial numbers of the lineage's generations, the first one first."""
    archive = f"/etc/letsencrypt/archive/{LINEAGE}"
    count = len(box.output("/bin/ls", archive).split()) // 4
    return tuple(serial(box, f"{archive}/cert{number}.pem") for number in range(1, count + 1))


def serial(box: Box, path: str) -> str:
    """The serial number of the first certificate in a file, in hexadecimal."""
    return box.output("/usr/bin/openssl", "x509", "-noout", "-serial", "-in", path).strip()[7:]


def reload_and(box: Box, verb: str, unit: str) -> None:
    """systemctl daemon-reload, and a verb."""
    box.output("/usr/bin/systemctl", "daemon-reload")
    box.output("/usr/bin/systemctl", verb, unit)


def shell(box: Box, script: str) -> str:
    """The output of a shell script in the box."""
    return box.output("/bin/sh", "-c", script)


def wait(box: Box, condition: str, what: str, seconds: float = 20) -> None:
    """Return when a shell command succeeds in the box. Raise ``BoxError`` if it does not in time."""
    until = time.monotonic() + seconds
    while box.run("/bin/sh", "-c", condition).returncode != 0:
        if time.monotonic() > until:
            log = box.run("/usr/bin/journalctl", "--no-pager", "-n", "40").stdout
            raise BoxError(f"not within {seconds} s: {what}\n{log}")
        time.sleep(0.1)
