"""The command ``certaudit``; ``--version`` answers without importing anything heavy."""

from __future__ import annotations

import sys

from certaudit import __version__


def main() -> int:
    """Run the command line of this process and return its exit code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"certaudit {__version__}\n")
        return 0
    from certaudit.cli import run  # noqa: PLC0415 - only verbs pay for the libraries

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
