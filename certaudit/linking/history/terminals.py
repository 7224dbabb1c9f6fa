"""Whether a run had a terminal, which cron and systemd give to nobody, or may have had one.

Law: said only where certbot's own log proves it. Since 0.30 ``renew`` sleeps a random time before the
first lineage that is due, and logs it, unless its standard input is a terminal or it is told not to
(certbot's ``renewal.handle_renewal_request``). cron gives its commands a pipe or /dev/null, systemd
gives /dev/null (systemd.exec(5), StandardInput=).
"""

from __future__ import annotations

import re

from certaudit.linking.paths import Linked
from certaudit.parsers.letsencrypt_log import LogRun
from certaudit.parsers.letsencrypt_log.clock import version_pair

SLEEPS = (0, 30)  # certbot 0.29 slept at another place, those before not at all
SAYS_OTHERWISE = ("--no-random", "--config", "-c")  # argparse takes a beginning of an option, too
QUIET = frozenset(
    {"-q", "--quiet", "-n", "--non-interactive", "--noninteractive", "--no-random-sleep-on-renew"}
)
IN_IMAGE = "/usr/local/bin/certbot"  # of certbot's container, which may have a terminal for good
GIVES = re.compile(
    r"\b(?:docker|docker-compose|podman|nerdctl|lxc|machinectl|script|expect|unbuffer|screen|tmux|ssh)\b"
)


def had_terminal(run: LogRun) -> bool:
    """Does the log prove that a run had a terminal: it renewed at once, where it would have slept?

    A setting in cli.ini may tell it not to sleep as well: see ``Linked.sleepless``.
    """
    # a failure may come before the sleep
    if run.delay is not None or not any(outcome.outcome == "renewed" for outcome in run.outcomes):
        return False
    if run.arguments is None or run.started is None or run.entry_point == IN_IMAGE:
        return False
    told = any(word.startswith(SAYS_OTHERWISE) for word in run.arguments)
    whole = len({line.where for line in run.evidence}) < 2
    sleeps = run.subcommand == "renew" and (version_pair(run.version) or (0, 0)) >= SLEEPS
    return sleeps and whole and not told


def gives_terminal(one: Linked) -> bool:
    """Can a trigger's command give the client a terminal, or a cli.ini that says not to sleep?"""
    texts = (step.text for path in one.paths for step in path.chain)
    return one.sleepless or any(GIVES.search(text) for text in texts)


def typed(run: LogRun) -> bool:
    """Can a person have typed this: nothing in it is for a run that nobody watches?"""
    return run.delay is None and not QUIET & set(run.arguments or ())
