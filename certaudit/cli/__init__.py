"""The command line: one module a verb, and the only place that prints, exits or catches everything.

Law: exit codes are those of the report's contract; one line on stderr says why; never a traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from certaudit.cli.common import complain
from certaudit.errors import CertauditError, ParseError, TargetError, UsageError

USAGE, BUG, INTERRUPTED = 2, 70, 130

# In the order of the help; each is a module of this package.
VERBS = ("audit", "why", "timeline", "fix", "resync", "undo", "plans", "rules", "schema")


def app_of(verbs: Sequence[str]) -> typer.Typer:
    """The command line with these verbs alone: to make one of all takes longer than some of them run."""
    app = typer.Typer(
        name="certaudit",
        help="Tells who really renews each TLS certificate of a server, and what that left stale.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for verb in verbs:
        app.command(verb)(import_module(f"{__name__}.{verb}").command)
    return app


def options(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    """Tells who really renews each TLS certificate of a server, and what that left stale."""
    if version:
        from certaudit import __version__  # noqa: PLC0415 - the callback shadows nothing else

        typer.echo(f"certaudit {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; every error becomes one line and a code.

    No word at all gets the help, and the code that says that nothing was done.
    """
    code = carried_out(list(arguments) or ["--help"])
    return code if arguments else USAGE


def carried_out(arguments: list[str]) -> int:
    """The exit code of a command line of at least one word."""
    verbs = arguments[:1] if arguments[0] in VERBS else VERBS
    try:
        code = int(app_of(verbs)(arguments, prog_name="certaudit", standalone_mode=False) or 0)
        # typer turns an interrupt into an exit, without a word
        return say("interrupted", code) if code == INTERRUPTED else code
    except typer.Exit as done:
        return done.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return say("interrupted", INTERRUPTED)
    except (TargetError, UsageError, ParseError) as error:
        return say(str(error), USAGE)
    except CertauditError as error:
        return say(str(error), USAGE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error of the library that reads the options
            return say(error.format_message(), USAGE)
        return say(f"this is a bug in certaudit: {type(error).__name__}: {error}{where(error)}", BUG)


def where(error: BaseException) -> str:
    """The innermost place of an unexpected error, for a report of the bug."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    code = trace.tb_frame.f_code
    return f" (in {code.co_name}, {os.path.basename(code.co_filename)}:{trace.tb_lineno})"  # noqa: PTH119


def say(text: str, code: int) -> int:
    """One line on stderr, and the exit code it explains."""
    complain(text)
    return code
