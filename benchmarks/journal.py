"""``python -m benchmarks.journal FILE``: what an audit reads of a journal."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.literals import LITERALS
from certaudit.host.journal import Journal, Telling

UNITS = ("certbot.service", "certbot.timer")
IDENTIFIERS = ("CRON", "CROND", "crond", "cron", "anacron", "sudo")


def main() -> None:
    """Read, and print how many entries there are and how old the oldest is."""
    journal = Journal(Path("/usr/bin/journalctl"), (Path(sys.argv[1]),))
    commands = tuple(text for text in LITERALS if " " in text or "/" in text)
    read = journal.entries(UNITS, IDENTIFIERS, Telling(("ertbot", "etsencrypt"), commands))
    print(len(read.entries), journal.oldest())


if __name__ == "__main__":
    main()
