"""What every verb that looks at a machine shares: its options, and the way to the Model."""

from __future__ import annotations

import re
import sys
import warnings
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from certaudit.cli.progress import watched
from certaudit.errors import ParseError, UnreadableError, UsageError
from certaudit.model import Lineage, Model, Policy
from certaudit.parsers.policy import POLICY_FILE
from certaudit.records import replace
from certaudit.render.harmless import harmless

if TYPE_CHECKING:
    from certaudit.host.machine import Host
    from certaudit.host.root import Root
    from certaudit.sources.served import Ask

ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d)?", re.ASCII)

A_MOMENT = "2023-12-03T12:24:00+09:00"  # the example that people are given
RootOption = Annotated[
    Path | None,
    typer.Option(
        "--root", metavar="DIR", help="Look at the root file system in DIR instead of this host."
    ),
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help=f"Look at it as of this moment, such as {A_MOMENT} (default: now).",
    ),
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
    try:
        return typed_moment(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--as-of {text!r}: no moment: try {A_MOMENT}") from error


def typed_moment(text: str, missing: datetime | None = None) -> datetime:
    """What a person typed, ``missing`` telling what he left out. Raise ``ValueError``.

    A zone by an abbreviation that this machine does not use could be any: it is refused, not dropped.
    """
    from dateutil import parser  # noqa: PLC0415 - its import is slow

    with warnings.catch_warnings():
        warnings.simplefilter("error", parser.UnknownTimezoneWarning)
        try:
            return parser.parse(text, default=missing)
        except parser.UnknownTimezoneWarning as error:
            raise ValueError(str(error)) from error


def limit_of(option: str, text: str | None, *, last: bool = False) -> datetime | None:
    """A day, month or moment as a person types it: its first moment, or with ``last`` its last one.

    Naive where no zone is given.
    """
    if text is None:
        return None
    missing = datetime(2000, 12, 31, 23, 59, 59) if last else datetime(2000, 1, 1)  # noqa: DTZ001
    try:
        return typed_moment(text, missing)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{option} {text!r}: no day or moment: try 2023-11-30") from error


def zoned(moment: datetime | None, zone: tzinfo | None) -> datetime | None:
    """A moment that a person typed, in the machine's own zone where none was given."""
    return moment.replace(tzinfo=zone) if moment is not None and moment.tzinfo is None else moment


def chosen_lineages(model: Model, name: str | None) -> list[Lineage]:
    """The lineages of that name or domain; all of them without one. Raise ``UsageError`` for none."""
    found = [x for x in model.lineages if name is None or x.name == name or name in x.names]
    if name is not None and not found:
        known = ", ".join(x.name for x in model.lineages) or "none"
        raise UsageError(f"there is no certificate {name!r} here; there is: {known}")
    return found


def only_ascii() -> bool:
    """Can the terminal show nothing but ASCII for certain?"""
    return "utf" not in (sys.stdout.encoding or "").lower()


def complain(reason: str) -> None:
    """One line on stderr."""
    sys.stderr.write(harmless("certaudit: " + " ".join(reason.split())) + "\n")


def say(*lines: str) -> None:
    """Lines on stdout, whatever file their words were read from."""
    put("".join(f"{harmless(line)}\n" for line in lines))


def put(text: str) -> None:
    """Text on stdout in its own encoding; what that cannot say becomes a question mark."""
    sys.stdout.buffer.write(text.encode(sys.stdout.encoding or "utf-8", "replace"))
    sys.stdout.flush()


def model_of(
    root: Path | None, as_of: str | None, policy: Path | None, *, connect: bool = False
) -> Model:
    """The Model of a machine, its owners from ``--policy`` or the machine's own file.

    ``connect``: with what its addresses serve, if it is the one this runs on.
    """
    from certaudit.audit import observe  # noqa: PLC0415 - see ``moment_of``
    from certaudit.host.machine import open_host  # noqa: PLC0415

    with watched() as progress:
        host = open_host(root or Path("/"), moment_of(as_of), progress)
        return observe(host, policy_of(host.root, policy), asker(host) if connect else None)


def asker(host: Host) -> Ask | None:
    """The way to ask addresses what they serve; none for a machine that does not run here."""
    from certaudit.host import wire  # noqa: PLC0415

    return wire.leaf if host.live else None


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
    return replace(found, ignores=())
