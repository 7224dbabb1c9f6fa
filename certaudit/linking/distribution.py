"""What a path does after a renewal: hooks, and the steps of its wrapper that follow the client.

Law: a step is bound by what must be true for it to run. Only hooks that certbot itself runs on every
path are shared; a step of a wrapper belongs to that wrapper's path alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath

from msgspec import Struct

from certaudit.facts import Hooks, LineageFact
from certaudit.linking.invocations import Invocation
from certaudit.model import Binding, Distribution, Source
from certaudit.parsers.program import program_name
from certaudit.parsers.shell import Command
from certaudit.records import replace

COPIES = frozenset({"cp", "install", "mv", "ln", "tee", "dd", "openssl", "keytool", "rsync"})
REMOTE = frozenset({"scp", "rsync", "sftp", "ssh", "aws", "gsutil", "az", "curl", "kubectl"})
PEM_NAME = re.compile(r"\.(?:pem|crt|cer|key|p12|pfx|jks)\b|fullchain|privkey")
SYSTEM_PROGRAMS = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/snap/", "/usr/lib/", "/lib/")
RELOADERS = frozenset({
    "systemctl", "service", "rc-service", "nginx", "apachectl", "apache2ctl", "httpd",
    "haproxy", "postfix", "doveadm", "invoke-rc.d", "supervisorctl", "docker", "docker-compose",
    "podman", "kill", "pkill", "killall",
})  # fmt: skip
RELOAD_WORDS = frozenset({
    "reload", "restart", "try-restart", "reload-or-restart", "try-reload-or-restart",
    "force-reload", "graceful", "condrestart", "start",
})  # fmt: skip
COMPARISONS = frozenset({"cmp", "diff", "md5sum", "sha256sum", "sha1sum"})
WRITERS = frozenset({"cp", "install", "mv", "ln", "tee", "scp", "rsync", "cat"})
# Preparation and talk: what a renewal's wrapper does besides, and nobody would miss alone.
IDLE = COMPARISONS | {
    "sleep", "logger", "echo", "printf", "date", "mkdir", "true", ":", "false", "test", "[", "cd",
    "exit", "mail", "mailx", "openssl", "grep", "find", "hostname", "id", "touch", "chmod", "chown",
    "mktemp", "rm", "cat", "sed", "awk", "cut", "head", "tail", "tee", "wc", "sort", "run-parts",
}  # fmt: skip
QUESTIONS = COMPARISONS | {"grep", "egrep", "fgrep", "openssl", "find", "expr"}

SHARED_HOOKS = frozenset({"deploy", "renew", "post"})  # pre-hooks run before, and distribute nothing
SAVED_HOOKS = frozenset({"deploy_hook", "renew_hook", "post_hook"})


class HookWork(Struct, frozen=True):
    """What a followed hook does: the commands it runs, and the places they write to."""

    does: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


Hooked = Mapping[str, HookWork]  # by a hook's command
NOTHING = HookWork()


def steps(call: Invocation, later: Iterable[Command]) -> Iterator[Distribution]:
    """The wrapper's own steps after a call: those that copy, send or reload."""
    commands = tuple(later)
    known: dict[int, Command] = {}
    for command in commands:
        known.setdefault(command.number, command)  # a later Exec line counts from 1 again
    for command in commands:
        if command.argv and not any(guard.holds is False for guard in command.guards):
            kind = kind_of(command, call)
            if kind:
                asked = {program_of(known[n.command]) for n in command.needs if n.command in known}
                yield step(command, call, kind, asked & QUESTIONS)


def beside(commands: Iterable[Command], calls: Iterable[Invocation]) -> Iterator[str]:
    """The commands that have to do neither with a client's call nor with handing a certificate out.

    Whoever switches their trigger off switches them off too. One that may belong to the renewal, such
    as a program of the administrator's own that could not be followed, is among them.
    """
    made = tuple(calls)
    clients = {id(call.command) for call in made}
    for command in commands:
        if not command.argv or id(command) in clients or program_of(command) in IDLE:
            continue
        kinds = {kind_of(command, call) for call in made}
        sleeps = program_of(command) in ("perl", "python3", "bash") and "sleep" in spelled(command)
        if kinds <= {None, "command"} and not sleeps:
            yield f"{spelled(command)} ({command.place.path}:{command.place.line or 1})"


def program_of(command: Command) -> str:
    """The name of the program that a command calls, as far as it is known."""
    return program_name(command.argv[0] or "") if command.argv else ""


def step(command: Command, call: Invocation, kind: str, asked: AbstractSet[str]) -> Distribution:
    """One command after the client as a distribution step; ``asked`` are the questions before it."""
    return Distribution(
        kind=kind,
        binding=binding(command, call, asked),
        command=spelled(command),
        source=Source(command.place.path, command.place.line or None),
        targets=targets(command),
        lineages=named_lineages(command, call.config_dir),
    )


def spelled(command: Command) -> str:
    """A command's words as they are known, or its line as written where one is not."""
    words = [word for word in command.argv if word is not None]
    return " ".join(words) if len(words) == len(command.argv) else command.place.text.strip()


def kind_of(command: Command, call: Invocation) -> str | None:
    """What a command after the client does with a certificate; ``None`` for what distributes nothing."""
    words = [word for word in command.argv if word is not None]
    name = program_name(words[0]) if words and command.argv[0] else ""
    if name in RELOADERS and is_reload(name, words):
        return "reload"
    if name == "ssh" or (name in REMOTE and carries(command, call)):
        return "remote"
    if (name in COPIES or (name == "cat" and command.redirects)) and carries(command, call):
        return "copy"
    return "command" if is_own_script(command) else None


def carries(command: Command, call: Invocation) -> bool:
    """Does a command name files of a certificate, or files that cannot be known?"""
    words = command.argv[1:]
    targets = [r.target for r in command.redirects]
    return any(w is None or call.config_dir in w or PEM_NAME.search(w) for w in (*words, *targets))


def is_own_script(command: Command) -> bool:
    """A program of the administrator's own, which could not be followed: what else would it be for."""
    program = command.program or command.argv[0] or ""
    return program.startswith("/") and not program.startswith(SYSTEM_PROGRAMS)


def is_reload(name: str, words: list[str]) -> bool:
    """Does this call make a running consumer read its files again?"""
    if name in ("kill", "pkill", "killall"):
        return any("HUP" in word or word in ("-1", "-USR1", "-s") for word in words)
    if name in ("nginx", "httpd"):
        return "-s" in words or "-k" in words
    return bool(RELOAD_WORDS & set(words))


def binding(command: Command, call: Invocation, asked: AbstractSet[str] = frozenset()) -> Binding:
    """When a step runs: only after this path's own renewal, on a comparison, or on every run.

    certbot ends with success when nothing was due, so a step behind ``&&`` runs then too. A call that
    only happens when the wrapper itself found the certificate due, or that forces the renewal, ties
    its steps to its own renewals.
    """
    if (call.arguments.force or conditional(call)) and not apart(command, call):
        return "own-renewal"
    extra = [
        guard for guard in command.guards if guard.holds is None and guard not in call.command.guards
    ]
    if extra or asked:
        compares = any(word in guard.text for guard in extra for word in COMPARISONS)
        compares = compares or bool(asked & COMPARISONS)
        return "if-changed" if compares else "own-renewal"
    return "every-run"


def apart(command: Command, call: Invocation) -> bool:
    """Does a step run whether or not the wrapper comes to call the client?

    So it does where the call stands under open conditions and the step under none of them: behind the
    wrapper in a crontab line, in another Exec line, after the ``fi``.
    """
    open_guards = {guard for guard in call.command.guards if guard.holds is None}
    asked = {need for need in call.command.needs if not need.errexit}
    if not open_guards and not asked:
        return False
    if command.chain[:1] != call.command.chain[:1]:  # needs count anew in another Exec line
        return True
    return not (open_guards & set(command.guards) or asked & set(command.needs))


def conditional(call: Invocation) -> bool:
    """Does the wrapper call the client only under a condition that is open now?

    A command before it that must succeed is mere preparation (a directory made, a random sleep),
    unless its purpose is to ask a question.
    """
    if any(guard.holds is None for guard in call.command.guards):
        return True
    return any(
        condition != "success" or program_of(asked) in QUESTIONS or is_own_script(asked)
        for asked, condition in call.asked
    )


def targets(command: Command) -> tuple[str, ...]:
    """The places a step writes to, as far as its words tell."""
    words = [word if word is not None else "?" for word in command.argv[1:]]
    written = tuple(r.target for r in command.redirects if r.target and r.target != "/dev/null")
    name = program_name(command.argv[0] or "")
    plain = [word for word in words if not word.startswith("-")]
    into = target_directory(words) if name in ("cp", "install", "mv", "ln") else None
    if into or (name in ("cp", "install", "mv", "ln", "scp", "rsync") and len(plain) > 1):
        place, sources = (into, plain) if into else (plain[-1], plain[:-1])
        inside = (PurePosixPath(w).name for w in sources if w.startswith("/") and w != place)
        return (place, *(f"{place.rstrip('/')}/{inner}" for inner in inside))
    if name == "tee":
        return tuple(plain)
    return written


def target_directory(words: list[str]) -> str | None:
    """What ``-t DIR`` or ``--target-directory=DIR`` of coreutils names, or ``None``."""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word in ("-t", "--target-directory") and after:
            return after
        if word.startswith("--target-directory="):
            return word.partition("=")[2]
    return None


def named_lineages(command: Command, config_dir: str) -> tuple[str, ...] | None:
    """The lineages whose live files a step names, or ``None`` if it names none."""
    prefix = f"{config_dir.rstrip('/')}/live/"
    found = {
        word.partition(prefix)[2].partition("/")[0]
        for word in command.argv
        if word is not None and prefix in word
    }
    return tuple(sorted(found)) or None


def command_line_hooks(call: Invocation, work: Hooked) -> Iterator[Distribution]:
    """Hooks that this call alone gives certbot."""
    for kind, command in call.arguments.hooks:
        if kind in SHARED_HOOKS:
            place = call.command.place
            where = Source(place.path, place.line or None)
            text = command or "(not known)"
            yield hook("command-line-hook", text, where, work.get(command, NOTHING))


def shared_hooks(
    hooks: Hooks | None, lineages: Iterable[LineageFact], work: Hooked
) -> Iterator[Distribution]:
    """Hooks that certbot runs on every path: of the directory, of cli.ini, and saved in a conf."""
    for kind, path in hooks.directory if hooks else ():
        if kind in SHARED_HOOKS:
            yield hook("deploy-directory", path, Source(path), work.get(path, NOTHING))
    for option, value, path, line in hooks.cli_ini if hooks else ():
        if option.removesuffix("-hook") in SHARED_HOOKS:
            yield hook("global-hook", value, Source(path, line), work.get(value, NOTHING))
    for lineage in lineages:
        for key, command, number in lineage.hooks:
            if key in SAVED_HOOKS:
                where = Source(lineage.conf, number)
                saved = hook("saved-hook", command, where, work.get(command, NOTHING))
                yield replace(saved, lineages=(lineage.name,))


def hook(binding: Binding, command: str, where: Source, work: HookWork) -> Distribution:
    """A hook as a distribution step."""
    return Distribution("hook", binding, command, where, work.targets, does=work.does)


def hook_work(commands: Iterable[Command]) -> HookWork:
    """What the commands of a followed hook do, but for those behind a guard that is false here."""
    run = [c for c in commands if c.argv and not any(guard.holds is False for guard in c.guards)]
    found = (place for c in run if program_of(c) in WRITERS or c.redirects for place in targets(c))
    return HookWork(tuple(dict.fromkeys(map(spelled, run))), tuple(dict.fromkeys(found)))
