"""``python -m benchmarks.scanner FILE...``: certaudit's search alone, as a process like its peers.

Prints the lines that hold any of the literals, without numbers, so that they compare with grep's.
``--plain-read`` only unpacks the files, in as many processes: what no search can be faster than.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath

from benchmarks.literals import LITERALS
from certaudit.host.logs import scan
from certaudit.host.logs.files import LogFile, Share, log_file
from certaudit.host.logs.literals import Finder
from certaudit.host.logs.scan import Part
from certaudit.host.logs.unpacking import pieces
from certaudit.host.root import Root


def files_of(words: list[str]) -> list[LogFile]:
    """The files named on the command line."""
    root = Root(Path("/"))
    return [log_file(root, PurePosixPath(Path(word).resolve())) for word in words]


def unpack(
    file: LogFile, share: Share | None, finder: Finder, report: object, keep: object = None
) -> Part:
    """A reader that looks at nothing."""
    del share, finder, report, keep
    with file.root.open(file.path) as raw:
        for _ in pieces(raw):
            pass
    return Part((), None, (), 0)


def main() -> None:
    """Search, and print."""
    words = sys.argv[1:]
    workers = int(os.environ.get("BENCH_WORKERS", "0")) or None
    if words[0] == "--plain-read":
        scan.read = unpack
        words.pop(0)
    found = scan.search(files_of(words), [text.encode() for text in LITERALS], workers=workers)
    out = "".join(f"{line}\n" for one in found for _, line in one.lines)
    sys.stdout.buffer.write(out.encode("utf-8", "surrogateescape"))


if __name__ == "__main__":
    main()
