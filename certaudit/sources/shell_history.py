"""The calls of ACME clients in people's shell histories, where these can be read.

Law: of a history nothing is kept but the call itself: no other command of its line, no other line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import tzinfo

from msgspec import Struct

from certaudit.catalogue import mentions_client
from certaudit.errors import UnreadableError
from certaudit.facts import Entry, Typed
from certaudit.host.machine import Host
from certaudit.linking.history.starts import Observed, local
from certaudit.linking.invocations import find
from certaudit.model import ChainStep, Evidence, Gap
from certaudit.parsers.program import program_name
from certaudit.parsers.shell import CommandLine, Limits, Place, ScriptText, follow
from certaudit.parsers.shell_history import (
    Entered,
    ShellCommand,
    parse_bash_history,
    parse_zsh_history,
)
from certaudit.sources.cron_files import users_of

FILES = ((".bash_history", parse_bash_history), (".zsh_history", parse_zsh_history))
BECOMES_ROOT = re.compile(r"\b(?:sudo|doas|su|pkexec|run0)\b")  # without it, certbot gets no lock
LIMITS = Limits(commands=50, steps=500, text=4096)


class Histories(Struct, frozen=True):
    """What the histories gave: calls with their time, calls without, and what could not be read."""

    observed: tuple[Observed, ...]
    typed: tuple[Typed, ...]
    gaps: tuple[Gap, ...]


class NoMachine:
    """What a line of a history is read against: nothing is known of where it was typed."""

    def script(self, path: str) -> ScriptText | None:
        """No script is followed."""
        del path
        return None

    def test(self, operator: str, path: str) -> bool | None:
        """Nothing is known of a file as it was then."""
        del operator, path
        return None

    def which(self, name: str, search_path: Iterable[str]) -> str | None:
        """Nor of a program."""
        del name, search_path
        return None


def collect(host: Host) -> Histories:
    """The client calls of every history that can be read, up to the moment of the audit."""
    observed: list[Observed] = []
    typed: list[Typed] = []
    closed: list[Evidence] = []
    for user, home, number in homes(host):
        for name, parse in FILES:
            path = f"{home.rstrip('/')}/{name}"
            try:
                text = host.root.text(path) if host.root.entry(path) is not None else ""
            except UnreadableError as error:
                closed.append(Evidence(path, None, str(error)))
                continue
            entered = parse(text.split("\n"))
            if number != 0:
                entered = (one for one in entered if BECOMES_ROOT.search(one.text))
            for found in calls(entered, user, path, host.zone):
                if isinstance(found, Typed):
                    typed.append(found)
                elif found.time <= host.as_of:
                    observed.append(found)
    reason = "shell histories cannot be read: what people typed there is not known"
    gaps = (Gap("history", reason, tuple(closed)),) if closed else ()
    return Histories(tuple(observed), tuple(typed), gaps)


def homes(host: Host) -> Iterator[tuple[str, str, int | None]]:
    """Each user with their home directory and number, each directory once."""
    seen: set[str] = set()
    accounts = [(name, home, number) for name, (number, home) in users_of(host).items() if home]
    try:
        others = [(name, f"/home/{name}", None) for name in host.root.names("/home")]
    except UnreadableError:
        others = []
    for name, home, number in (("root", "/root", 0), *accounts, *others):
        if home not in seen and home.startswith("/") and home != "/":
            seen.add(home)
            yield name, home, number


def client_calls(entered: Entered, path: str) -> tuple[str, ...]:
    """The client calls, and the starts of a client's unit, that a line of a history holds."""
    if not mentions_client(entered.text):
        return ()
    place = Place(path, entered.line, "")
    trace = follow(CommandLine(entered.text[: LIMITS.text], place), NoMachine(), limits=LIMITS)
    entry = Entry((ChainStep(path, entered.line, ""),))
    found = [" ".join(word or "?" for word in call.argv) for call in find(entry, trace.commands)]
    for command in trace.commands:
        words = [word or "?" for word in command.argv]
        if words and program_name(words[0]) == "systemctl" and {"start", "restart"} & set(words):
            found.extend([" ".join(words)] if mentions_client(" ".join(words)) else [])
    return tuple(dict.fromkeys(found))


def calls(history: Iterable[Entered], user: str, path: str, zone: tzinfo) -> Iterator[Observed | Typed]:
    """The client calls of one history: those that say when, and those that do not."""
    for entered in history:
        time = local(entered.time, zone) if entered.time else None
        for command in client_calls(entered, path):
            where = Evidence(path, entered.line, command, time)
            if time is None:
                yield Typed(command, user, where)
            else:
                yield Observed(time, ShellCommand(user, command), where)
