"""What every verb that looks at a machine shares: its options, and the way to the Model."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certaudit.cli.progress import watched
from certaudit.errors import ParseError, UnreadableError, UsageError
from certaudit.model import Model, Policy

if TYPE_CHECKING:
    from certaudit.host.root import Root

ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d)?", re.ASCII)
POLICY_FILE = "/etc/certaudit.toml"

RootOption = Annotated[
    Path | None,
    typer.Option(
        "--root", metavar="DIR", help="Look at the root file system in DIR instead of this host."
    ),
]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Look at it as of this moment (default: now)."),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy", metavar="FILE", help=f"Who should renew what (default: the machine's {POLICY_FILE})."
    ),
]


def moment_of(text: str | None) -> datetime | None:
    """A moment as a person types it; naive where no zone is given: then the machine's own is meant."""
    if text is None:
        return None
    moment = iso_moment(text) or any_moment(text)
    if not 2000 <= moment.year <= 9000:
        raise UsageError(f"--as-of {text!r}: there were no such certificates then")
    return moment


def iso_moment(text: str) -> datetime | None:
    """A moment as a program writes it, which is read at once; ``None`` for any other text."""
    try:
        return datetime.fromisoformat(text) if ISO.fullmatch(text) else None
    except ValueError:
        return None


def any_moment(text: str) -> datetime:
    """A moment in whatever way a person writes it. Raise ``UsageError``."""
    from dateutil import parser  # noqa: PLC0415 - its import is slow

    try:
        return parser.parse(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--as-of {text!r}: no moment: try 2023-12-03T12:24:00+09:00") from error


def model_of(root: Path | None, as_of: str | None, policy: Path | None) -> Model:
    """The Model of a machine, its owners from ``--policy`` or the machine's own file."""
    from certaudit.audit import observe  # noqa: PLC0415 - see ``moment_of``
    from certaudit.host.machine import open_host  # noqa: PLC0415

    with watched() as progress:
        host = open_host(root or Path("/"), moment_of(as_of), progress)
        return observe(host, policy_of(host.root, policy))


def policy_of(root: Root, policy: Path | None) -> Policy:
    """The policy to judge by: a file named on the command line, else the machine's own.

    The machine's own file declares owners and copies; what to ignore is the auditor's to say.
    """
    from certaudit.parsers.policy import parse_policy  # noqa: PLC0415

    if policy is not None:
        try:
            return parse_policy(policy.read_text("utf-8"), str(policy))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{policy}: {getattr(error, 'strerror', None) or error}") from error
        except ParseError as error:
            raise UsageError(f"{policy}: {error}") from error
    try:
        if root.entry(POLICY_FILE) is None:
            return Policy()
        found = parse_policy(root.text(POLICY_FILE), POLICY_FILE)
    except UnreadableError as error:
        raise UsageError(str(error)) from error
    except ParseError as error:
        raise UsageError(f"{POLICY_FILE}: {error}") from error
    return Policy(found.owners, found.copies, (), POLICY_FILE)
