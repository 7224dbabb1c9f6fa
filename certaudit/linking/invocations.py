"""Which of the commands a trigger runs is a call of an ACME client.

Law: a program is a client by its name as the catalogue gives it; containers and snaps that wrap one are
unwrapped here and nowhere else. What cannot be known stays ``None`` in the argument list.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct

from certaudit.catalogue import Client, clients, mentions_client
from certaudit.facts import Entry
from certaudit.linking.reach import RENEWING
from certaudit.model import ChainStep
from certaudit.parsers.certbot_arguments import CertbotArguments, parse_arguments
from certaudit.parsers.program import program_name
from certaudit.parsers.shell import Command, Guard, Trace

CONTAINER_ENGINES = frozenset({"docker", "podman", "docker-compose", "nerdctl"})
TAKES_VALUE = frozenset({
    "-v", "--volume", "-e", "--env", "--name", "-p", "--publish", "-w", "--workdir", "-u",
    "--user", "--network", "--net", "--entrypoint", "--mount", "--label", "-l", "--env-file",
    "-f", "--file", "--project-name", "-h", "--hostname", "--link", "--dns", "--ip",
    "--restart", "--platform", "--memory", "--cpus", "--log-driver", "--log-opt", "--cap-add",
    "--cap-drop", "--security-opt", "--volumes-from", "--add-host", "--device", "--tmpfs", "--ulimit",
})  # fmt: skip
# What only speaks of commands, or runs them on another machine.
NO_RUNNERS = frozenset({
    "echo", "printf", "logger", "mail", "mailx", "mutt", "sendmail", "wall", "curl", "wget", "grep",
    "egrep", "pgrep", "pkill", "killall", "ssh", "lxc", "incus", "machinectl", "kubectl", "cat", "tee",
    "sleep", "true", "false", "date", "test", "[", "cd", "touch", "mkdir", "wc", "sort", "head", "tail",
})  # fmt: skip
ELSEWHERE = "a container"  # a config directory of which nothing is seen
Words = tuple[str | None, ...]
Options = tuple[tuple[str, str], ...]


class Invocation(Struct, frozen=True):
    """One call of a client, and where in the trace it stands.

    ``blocked`` is the first guard on its way that is false on this machine; ``asked`` are the commands
    before it whose end decides whether it is made, each with ``success`` or ``failure``.
    """

    client: str
    argv: Words
    arguments: CertbotArguments
    command: Command
    entry: Entry
    config_dir: str
    blocked: Guard | None
    contained: bool = False
    asked: tuple[tuple[Command, str], ...] = ()

    @property
    def renews(self) -> bool:
        """Can this call renew anything at all: a call whose verb is not known may."""
        return self.arguments.subcommand in (*RENEWING, None) and not self.arguments.dry_run

    @property
    def chain(self) -> tuple[ChainStep, ...]:
        """Every step from the trigger to the call, each line once."""
        steps = [*self.entry.chain]
        for place in self.command.chain:
            step = ChainStep(place.path, place.line or None, place.text)
            if not any(same_line(step, known) for known in steps):
                steps.append(step)
        return tuple(steps)


def same_line(one: ChainStep, other: ChainStep) -> bool:
    """Two steps that are one line of one file."""
    return one.path == other.path and one.line == other.line


def find(entry: Entry, commands: tuple[Command, ...], options: Options = ()) -> tuple[Invocation, ...]:
    """The client calls among the commands of one entry, in order; ``options`` are those of cli.ini."""
    numbered = {command.number: command for command in commands}
    found = (of_command(entry, command, options, numbered) for command in commands)
    return tuple(invocation for invocation in found if invocation is not None)


def of_command(
    entry: Entry, command: Command, options: Options, numbered: Mapping[int, Command]
) -> Invocation | None:
    """A command as a client call, or ``None`` if it is none."""
    call = unwrapped(command)
    if call is None:
        return None
    client, argv, mounted = call
    if "chroot" in command.prefixes:
        mounted = ELSEWHERE
    arguments = parse_arguments(argv[1:], () if mounted else options)
    blocked = next((guard for guard in command.guards if guard.holds is False), None)
    return Invocation(
        client=client.name,
        argv=argv,
        arguments=arguments,
        command=command,
        entry=entry,
        config_dir=mounted or arguments.config_dir or "/etc/letsencrypt",
        blocked=blocked,
        contained=mounted is not None,
        asked=tuple(
            (numbered[need.command], need.condition)
            for need in command.needs
            if not need.errexit and need.command in numbered
        ),
    )


def unwrapped(command: Command) -> tuple[Client, Words, str | None] | None:
    """The client, its own argument list, and the host's directory a container sees as its state."""
    argv = command.argv
    if not argv or argv[0] is None:
        return None
    name = program_name(argv[0])
    if client := client_named(name):
        return client, argv, None
    if name == "snap" and "run" in argv:
        return snap_call(argv)
    if name in CONTAINER_ENGINES:
        return container_call(argv)
    if name.startswith("python"):
        return python_call(argv)
    return None


def handed_on(command: Command) -> bool:
    """Does a program that is not known get a client and a renewing verb as words, or to read?

    ``xargs certbot renew`` and ``at now`` with such a line do; a message that speaks of one does not.
    """
    if not command.argv or command.argv[0] is None or unwrapped(command) or runs_nothing(command):
        return False
    if command.stdin and mentions_client(command.stdin):
        return True
    words = [word for word in command.argv[1:] if word is not None]
    for position, word in enumerate(words):
        if client_named(program_name(word)) and RENEWING & set(words[position + 1 :]):
            return True
        first, *rest = word.split() or [""]
        if client_named(program_name(first)) and RENEWING & set(rest):
            return True
    return False


def may_run_input(entry: Entry, trace: Trace) -> bool:
    """May something run the client that an entry's input names, where none is called that is seen?

    Plain is only what is known to run nothing: by a pipe, ``read`` or a program that is not known the
    text may come to a shell, and a shell of which the input is not known is not followed itself.
    """
    if not entry.stdin or not mentions_client(entry.stdin) or any(map(unwrapped, trace.commands)):
        return False
    return not nothing_runs(trace)


def nothing_runs(trace: Trace) -> bool:
    """Is it plain that no command of a trace runs anything of what it reads?"""
    return not trace.unresolved and all(map(runs_nothing, trace.commands))


def runs_nothing(command: Command) -> bool:
    """Is it known that a command runs nothing of what it is given?"""
    first = command.argv[0] if command.argv else None
    return first is not None and program_name(first) in NO_RUNNERS


def client_named(name: str) -> Client | None:
    """The client one of whose programs has that name."""
    return next((c for c in clients() if name in c.programs), None)


def snap_call(argv: Words) -> tuple[Client, Words, str | None] | None:
    """``snap run [options] certbot.renew``: the app's command is ``certbot -q renew``."""
    words = [w for w in argv[argv.index("run") + 1 :] if w is not None and not w.startswith("-")]
    snap, _, app = words[0].partition(".") if words else ("", "", "")
    client = client_named(snap)
    if client is None:
        return None
    fixed: Words = ("-q", "renew") if app == "renew" else ()
    return client, (snap, *fixed, *words[1:]), None


def container_call(argv: Words) -> tuple[Client, Words, str | None] | None:
    """``docker run|exec ... IMAGE|SERVICE [program] arguments``."""
    mounted = ELSEWHERE
    for before, word in pairwise(argv):
        if before in ("-v", "--volume") and word and ":/etc/letsencrypt" in word:
            mounted = word.partition(":")[0]
    position = 1
    while position < len(argv):
        word = argv[position]
        position += 2 if word in TAKES_VALUE else 1
        if word is None or word.startswith("-"):
            continue
        name = program_name(word).partition(":")[0]
        client = client_named(name) or next(
            (c for c in clients() if any(image in word for image in c.images)), None
        )
        if client:
            rest = argv[position:]
            if rest and rest[0] and client_named(program_name(rest[0])):
                rest = rest[1:]
            return client, (client.name, *rest), mounted
    return None


def python_call(argv: Words) -> tuple[Client, Words, str | None] | None:
    """``python -m certbot ...`` and ``python /opt/certbot/bin/certbot ...``."""
    words = argv[1:]
    if len(words) > 1 and words[0] == "-m":
        words = words[1:]
    name = program_name(words[0]) if words and words[0] else ""
    client = client_named(name)
    return (client, words, None) if client else None
