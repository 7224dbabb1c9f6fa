"""Which subcommand a run was of, as far as its log proves it.

Law: never guessed. ``Arguments:`` leaves the subcommand out (certbot takes it from the list before
the record is written), so it follows from what only one subcommand does or says.
"""

from __future__ import annotations

from typing import Literal

from certaudit.parsers.letsencrypt_log.clock import version_pair

Mark = Literal[
    "renew",  # announces confs, counts failures, sleeps: only this subcommand does
    "listing",
    "plugins",
    "reconfigured",
    "revoking",
    "deleted",
    "no_action",  # "...; no action taken." is certonly's
    "requesting",
    "renewing",
    "no_installer",
    "deploying",
    "issued",
    "finished",
    "dry_run",
    "forced",
]
Marks = set[Mark]

_PLAIN: tuple[tuple[Mark, str], ...] = (
    ("renew", "renew"),
    ("listing", "certificates"),
    ("plugins", "plugins"),
    ("reconfigured", "reconfigure"),
    ("revoking", "revoke"),  # before delete: revoking may delete
    ("deleted", "delete"),
    ("no_action", "certonly"),
)
_ANNOUNCES = (1, 10)  # from here on a run of renew says which conf it processes


def subcommand(
    marks: Marks, version: str | None, headed: bool, asked_dry_run: bool | None
) -> str | None:
    """The subcommand, or ``None``.

    ``asked_dry_run``: whether the command line has ``--dry-run`` (``None``: not known). A dry run that
    nobody asked for may be one of ``reconfigure``.
    """
    for mark, name in _PLAIN:
        if mark in marks:
            return name
    if not _issues(marks, version, headed):
        return None
    if "deploying" in marks:  # renew and certonly never install
        return "run"
    if "dry_run" in marks and not asked_dry_run:
        return None
    # run refuses to work without an installer (certbot.plugins.selection)
    return "certonly" if "no_installer" in marks else None


def _issues(marks: Marks, version: str | None, headed: bool) -> bool:
    """Whether it gets a certificate and is not a ``renew`` that went unannounced."""
    if "requesting" in marks:
        return True
    pair = version_pair(version)
    return "renewing" in marks and headed and pair is not None and pair >= _ANNOUNCES
