"""Traces of a line of a crontab, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping

from certaudit.parsers.shell import Command, CommandLine, Place, Trace, follow
from tests.parsers.shell.machines import TextMachine

PLACE = Place("/etc/cron.d/certbot", 9, "0 */12 * * * root ...")
ENVIRONMENT = (("PATH", "/usr/bin:/bin"), ("HOME", "/root"), ("LOGNAME", "root"))


def cron(
    text: str,
    scripts: Mapping[str, str] | None = None,
    answers: Mapping[str, bool] | None = None,
    programs: Mapping[str, str] | None = None,
    shell: str = "/bin/sh",
    stdin: str | None = None,
) -> Trace:
    machine = TextMachine(scripts or {}, answers or {}, programs or {})
    return follow(CommandLine(text, PLACE, ENVIRONMENT, shell, stdin=stdin), machine)


def argvs(trace: Trace) -> list[tuple[str | None, ...]]:
    return [command.argv for command in trace.commands]


def words(text: str, **more: object) -> list[str]:
    """Every command's words, joined; ``?`` where one cannot be known."""
    trace = cron(text, **more)  # type: ignore[arg-type]
    return [" ".join(word if word is not None else "?" for word in c.argv) for c in trace.commands]


def only(trace: Trace, program: str) -> Command:
    (found,) = [c for c in trace.commands if c.argv and c.argv[0] == program]
    return found


def states(command: Command) -> list[tuple[str, bool | None]]:
    return [(guard.text, guard.holds) for guard in command.guards]
