"""``python -m benchmarks.client_log DIR``: certbot's logs of a folder, parsed."""

from __future__ import annotations

import sys
from datetime import timezone
from pathlib import Path

from certaudit.host.logs.files import rotated
from certaudit.host.root import Root
from certaudit.parsers.letsencrypt_log import LogPart, parse_logs


def main() -> None:
    """Parse, and print how many runs there are."""
    files = rotated(Root(Path(sys.argv[1])), "/", "letsencrypt.log")
    print(len(list(parse_logs([LogPart(str(f.path), f.texts()) for f in files], timezone.utc))))


if __name__ == "__main__":
    main()
