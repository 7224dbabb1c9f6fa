"""Each trigger made to fire as it does by itself, as often as a test likes; no clock is set.

The timer fires because its stamp is old (Persistent=); cron because it alone, by libfaketime, believes
that the owner's minute is about to begin.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.live.box import Box
from tests.live.story import (
    AT_ONCE,
    DIRECTORY_ANSWERS,
    FAKE_CLOCK,
    LEADS,
    LINEAGE,
    STAMP,
    reload_and,
    shell,
    wait,
)

ACCOUNT = f"""set -e
cd /etc/letsencrypt/accounts && rm -r localhost:14000
certbot register -q -n --agree-tos --no-eff-email -m admin@example.org --server https://localhost:14000/dir
sed -i "s/^account = .*/account = $(ls localhost:14000/dir)/" /etc/letsencrypt/renewal/{LINEAGE}.conf
"""
SYSLOG = "/var/log/syslog"
BY_OWNER = "renew-wildcard: "
BY_TIMER = "Finished certbot.service"


def known_to_the_acme_server(box: Box) -> None:
    """An ACME server that forgets everything when it ends, and an account there for the lineage."""
    box.output("/usr/bin/systemctl", "restart", "pebble")
    wait(box, DIRECTORY_ANSWERS, "the ACME server answers")
    shell(box, ACCOUNT)


def count(box: Box, text: str) -> int:
    """How many lines of syslog hold a text."""
    return int(shell(box, f"grep -c '{text}' {SYSLOG} || true").strip())


def fire_timer(box: Box) -> None:
    """certbot.timer catches up on a firing of two days ago, and its service has run."""
    before = count(box, BY_TIMER)
    box.write(AT_ONCE, "[Timer]\nRandomizedDelaySec=0\n")
    box.output("/usr/bin/systemctl", "stop", "certbot.timer")
    box.output("/usr/bin/touch", "-d", "2 days ago", STAMP)
    reload_and(box, "start", "certbot.timer")
    wait(box, more(before, BY_TIMER), "certbot.service has ended", 60)
    box.output("/bin/rm", "-r", AT_ONCE.rpartition("/")[0])
    box.output("/usr/bin/systemctl", "daemon-reload")


def fire_cron(box: Box, schedule: str) -> None:
    """The line with these five fields (``MINUTE HOUR * * WEEKDAY``) runs, and its job has ended."""
    minute, hour, weekday = (int(schedule.split()[field]) for field in (0, 1, 4))
    now = datetime.now(box.zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
    due = now - timedelta(days=(now.isoweekday() - weekday) % 7)
    early = due - timedelta(seconds=LEADS[0])
    clock = f"@{early:%Y-%m-%d %H:%M:%S}"
    library = shell(box, "ls /usr/lib/*/faketime/libfaketime.so.1").strip()
    before = count(box, BY_OWNER)
    settings = f'[Service]\nEnvironment=LD_PRELOAD={library} "FAKETIME={clock}"\n'
    box.write(FAKE_CLOCK, settings)
    reload_and(box, "restart", "cron.service")
    wait(box, more(before, BY_OWNER), "cron's job has ended", 60)
    box.output("/bin/rm", "-r", FAKE_CLOCK.rpartition("/")[0])
    reload_and(box, "restart", "cron.service")


def more(before: int, text: str) -> str:
    """A shell's condition: syslog has one more line with a text than before."""
    return f'test "$(grep -c "{text}" {SYSLOG})" -gt {before}'
