"""``python -m benchmarks.journal FILE``: what an audit reads of a journal."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.literals import LITERALS
from certaudit.host.journal import Journal, Telling, at_once

UNITS = ("certbot.service", "certbot.timer")
IDENTIFIERS = ("CRON", "CROND", "crond", "cron", "anacron", "sudo")


def main() -> None:
    """Read, and print how many entries there are and how old the oldest is."""
    journal = Journal(Path("/usr/bin/journalctl"), (Path(sys.argv[1]),))
    commands = tuple(text for text in LITERALS if " " in text or "/" in text)
    telling = Telling(("ertbot", "etsencrypt"), commands)
    read, oldest = at_once(lambda: journal.entries(UNITS, IDENTIFIERS, telling), journal.oldest)
    print(len(read.entries), oldest)


if __name__ == "__main__":
    main()
