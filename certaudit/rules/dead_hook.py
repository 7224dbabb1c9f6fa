"""A hook that hands a certificate out cannot run

What. certbot renews the lineage, but a deploy or post hook that is bound to it does not run: the program
that the renewal conf names is gone or not executable, its interpreter is gone (often after a move to
another release), or a script in renewal-hooks/deploy or renewal-hooks/post is not executable.

Why it matters. A failing hook never fails a renewal: certbot warns on one line and ends with success. A
file that is not executable is passed over without a word. The servers go on with the old certificate,
and the copies stay as they are, until it expires.

How to fix. Put the program back, or make it executable; then do once by hand what it would have done
since the last renewal. A script that was switched off on purpose is better moved out of the directory.

Severity. Medium; low for a script that is passed over where something else still runs after each renewal
of the lineage: it may have been switched off on purpose.

References. certbot/_internal/hooks.py (list_hooks, renew_hook), certbot/compat/misc.py
(execute_command_status); execve(2) for interpreters.
"""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from certaudit.linking.words import listing
from certaudit.model import Finding, Fix, Lineage, Model, Reason, RenewalPath, Severity

SEVERITIES: tuple[Severity, ...] = ("low", "medium")
ASPECTS = ("renewal", "hooks", "certificates", "scripts")
SUBJECT = "renewal"
GIVEN = ("--deploy-hook", "--renew-hook", "--post-hook")


def check(model: Model) -> Iterator[Finding]:
    """One finding per hook, with every lineage that something renews and that it is bound to."""
    bound: dict[Reason, list[Lineage]] = {}
    for lineage in model.lineages:
        for reason in lineage.dead_hooks if not lineage.broken else ():
            if any(runs(path, reason) for path in model.renewers(lineage)):
                bound.setdefault(reason, []).append(lineage)
    for reason, lineages in bound.items():
        yield finding(model, reason, lineages)


def runs(path: RenewalPath, reason: Reason) -> bool:
    """Would a path run a hook: a saved one unless its call gives others, one of a directory by default?

    What a call gives wins over what a conf holds (``renewal.restore_required_config_elements``).
    """
    if saved(reason):
        return not any(word.startswith(GIVEN) for word in path.argv)
    return "--no-directory-hooks" not in path.argv


def saved(reason: Reason) -> bool:
    """Is it a line of a renewal conf, rather than a file of a directory?"""
    return reason.evidence[0].line is not None


def finding(model: Model, reason: Reason, lineages: list[Lineage]) -> Finding:
    """What does not happen after the renewals of some lineages."""
    names = [lineage.name for lineage in lineages]
    silent = reason.code != "hook-fails"
    other = silent and all(handed_on(model, lineage) for lineage in lineages)
    return Finding(
        subject=names[0] if saved(reason) else reason.evidence[0].where,
        severity="low" if other else "medium",
        message=f"after a renewal of {listing(names)}, {reason.text}",
        confidence="medium" if silent else "high",
        evidence=reason.evidence,
        fixes=(fix(reason),),
    )


def handed_on(model: Model, lineage: Lineage) -> bool:
    """Does something run after every renewal of a lineage, whichever path makes it?"""
    return all(
        any(step.lineages is None or lineage.name in step.lineages for step in path.distribution)
        for path in model.renewers(lineage)
    )


def fix(reason: Reason) -> Fix:
    """Make it run; what it missed is done by hand."""
    if reason.code == "hook-not-executable":
        title = "make it executable, and do by hand what it missed; or move it away"
        return Fix(title, True, (f"chmod 755 {quote(reason.evidence[0].where)}",))
    what = "the line" if saved(reason) else "the file"
    return Fix(f"put what is missing back, or correct {what}; then do by hand what it missed", True)
