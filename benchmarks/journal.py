"""``python -m benchmarks.journal FILE``: what an audit reads of a journal."""

from __future__ import annotations

import sys
from pathlib import Path

from certaudit.host.journal import Journal
from certaudit.sources.logs import IDENTIFIERS


def main() -> None:
    """Read, and print how many entries there are."""
    journal = Journal(Path("/usr/bin/journalctl"), (Path(sys.argv[1]),))
    print(
        len(list(journal.entries(("certbot.service", "certbot.timer"), IDENTIFIERS))), journal.oldest()
    )


if __name__ == "__main__":
    main()
