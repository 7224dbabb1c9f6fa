"""Who was logged in at a terminal when: wtmp, where the machine keeps one.

Law: support and no more; that somebody was there does not tell what they did.
"""

from __future__ import annotations

from certaudit.errors import UnreadableError
from certaudit.facts import Login
from certaudit.host.machine import Host
from certaudit.linking.history.starts import local
from certaudit.model import Evidence, Gap
from certaudit.parsers.wtmp import Session, parse_wtmp

FILES = ("/var/log/wtmp.1", "/var/log/wtmp")  # logrotate keeps one (Debian, Red Hat)
LIMIT = 64 << 20


def collect(host: Host) -> tuple[tuple[Login, ...], tuple[Gap, ...]]:
    """The logins that are written down, up to the moment of the audit, and which file is closed."""
    found: list[Login] = []
    gaps: list[Gap] = []
    for path in FILES:
        try:
            data = host.root.read(path, LIMIT) if host.root.exists(path) else b""
        except UnreadableError as error:
            gaps.append(Gap("logs", str(error), (Evidence(path),)))
            continue
        found += [login(host, path, one) for one in parse_wtmp(data) if one.since <= host.as_of]
    return tuple(found), tuple(gaps)


def login(host: Host, path: str, one: Session) -> Login:
    """A login with the line that last(1) has for it; one without a logout goes on."""
    since = local(one.since, host.zone)
    until = local(min(one.until or host.as_of, host.as_of), host.zone)
    end = f"{until:%Y-%m-%d %H:%M:%S}" if one.until else "now"
    line = f"{one.user} at {one.terminal} from {since:%Y-%m-%d %H:%M:%S} to {end}"
    return Login(one.user, one.terminal, since, until, Evidence(path, None, line, since))
