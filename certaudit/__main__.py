"""The command ``certaudit``; ``--version`` answers without importing anything heavy."""

from __future__ import annotations

import gc
import sys

from certaudit import __version__


def main() -> int:
    """Run the command line of this process and return its exit code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"certaudit {__version__}\n")
        return 0
    # A run is short and makes few cycles: looking for them less often saves a twentieth of its time.
    gc.set_threshold(200_000, 20, 100)
    from certaudit.cli import run  # noqa: PLC0415 - only verbs pay for the libraries

    try:
        return run(sys.argv[1:])
    finally:
        gc.freeze()  # nor are they looked for, several times over, when Python takes everything down


if __name__ == "__main__":
    sys.exit(main())
