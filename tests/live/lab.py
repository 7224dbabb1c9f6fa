"""``python -m tests.live.lab``: a root shell in a throw-away box, with certaudit of this checkout."""

from __future__ import annotations

import argparse
import subprocess
import sys

from tests.live import story
from tests.live.box import CHECKOUT, Box, why_not
from tests.live.root import root
from tests.live.variations import VARIATIONS

WRAPPER = f'#!/bin/sh\nPYTHONPATH={CHECKOUT} exec {sys.executable} -m certaudit "$@"\n'
SHELL = ("/usr/bin/script", "--quiet", "--return", "--command", "exec bash -i", "/dev/null")
GREETING = """\
This is a box with its own systemd, as root; what you write in it is gone when you leave it.
certaudit is this checkout's.
"""


def main() -> int:
    """Boot what is asked for, and run a command or a shell in it; its exit code is returned."""
    options = arguments()
    if reason := why_not():
        sys.stderr.write(f"no box can run here: {reason}\n")
        return 2
    variation = VARIATIONS[options.variation]
    base = root((*variation.packages, *options.package))
    with Box(base, zone=options.zone, lifetime=86_400) as box:
        box.write("/usr/local/bin/certaudit", WRAPPER, 0o755)
        if options.story or variation.name != "untouched":
            story.tell(box)
        variation.apply(box)
        return enter(box, options.command)


def arguments() -> argparse.Namespace:
    """The command line."""
    about = "A root shell in a throw-away box, with certaudit of this checkout."
    parser = argparse.ArgumentParser(prog="python -m tests.live.lab", description=about)
    parser.add_argument("--story", action="store_true", help="tell the story first (10 s)")
    parser.add_argument("--variation", choices=VARIATIONS, default="untouched", metavar="NAME")
    parser.add_argument("--zone", default="Etc/UTC", help="the box's local time (%(default)s)")
    parser.add_argument("--package", action="append", default=[], help="one more Debian package")
    parser.add_argument("command", nargs="*", help="run this in place of a shell")
    parser.epilog = f"Variations, which bring the story: {', '.join(VARIATIONS)}."
    return parser.parse_args()


def enter(box: Box, command: list[str]) -> int:
    """Run a command, or a shell on a terminal of the box's own."""
    if command:
        return subprocess.call(box.argv(*command))
    sys.stderr.write(GREETING)
    return subprocess.call(box.argv(*SHELL, env={"TERM": "xterm", "SHELL": "/bin/bash"}))


if __name__ == "__main__":
    sys.exit(main())
