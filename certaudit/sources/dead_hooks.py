"""Hooks that certbot cannot run after a renewal, or passes over without a word.

Law: only what is certain. A hook's program is judged where it is named by a path; what depends on PATH,
on a file that cannot be read or on a part of the machine that the tree does not hold is left alone.

certbot 2.1.0, tried: a hook saved in a renewal conf is not looked at when the conf is read; the shell
that runs it ends with 127 (its program or interpreter is gone) or 126 (not executable), certbot warns
("Hook 'deploy-hook' reported error code 127") and ends with success. What is not executable in
``renewal-hooks/`` is never run (``hooks.list_hooks``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from certaudit.errors import UnreadableError
from certaudit.facts import Hooks, LineageFact
from certaudit.host.root import Root
from certaudit.model import Evidence, Gap, Reason
from certaudit.records import replace
from certaudit.sources.certbot_hooks import dead_program

FAILS = "hook-fails"
SAVED = ("renew_hook", "deploy_hook", "post_hook")  # those that hand a certificate out
AFTER = ("deploy", "post")
# A first word that every shell takes as it is written, and what it hands its first file to.
PLAIN = re.compile(r"(/[\w./+@%,-]+)(?=[\s;&|]|\Z)")
SHELL_SCRIPT = re.compile(r"(?:/[\w./-]*/)?(?:ba|da)?sh\s+(/[\w./+@%,-]+)(?=[\s;&|]|\Z)")
SHEBANG = re.compile(rb"#![ \t]*([^ \t\n]+)")
ASIDE = re.compile(
    r"~\Z|\.(?:bak|backup|old|orig|save|sample|example|disabled?|off|swp|txt|md|dpkg-\w+)\Z", re.I
)
PACKAGED = ("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/libexec/")
SHEBANG_LIMIT = 4096


def with_dead_hooks(root: Root, facts: Iterable[LineageFact], hooks: Hooks) -> tuple[LineageFact, ...]:
    """The lineages of one config directory, each with the hooks that a renewal would not get to run."""
    shared = tuple(_of_directory(root, hooks))
    return tuple(replace(fact, dead_hooks=(*_saved(root, fact, hooks), *shared)) for fact in facts)


def closed_hooks(root: Root, hooks: Hooks) -> tuple[Gap, ...]:
    """A Gap for each file of ``renewal-hooks/`` that is not run, may be meant to be, and is closed.

    Those that are run are followed, and what cannot be read of them is told there.
    """
    if any(name == "no-directory-hooks" for name, *_ in hooks.cli_ini):
        return ()
    places = [path for kind, path, _ in hooks.ignored if kind in AFTER and not put_aside(path)]
    found = ((path, closed(root, path)) for path in places)
    return tuple(Gap("hooks", reason, (Evidence(path),)) for path, reason in found if reason)


def closed(root: Root, path: str) -> str | None:
    """Why a file cannot be read, or ``None`` if it can, or is no file."""
    try:
        found = root.entry(path)
        if found is not None and found.is_file:
            with root.open(path) as stream:
                stream.read(1)
    except UnreadableError as error:
        return str(error)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None


def put_aside(path: str) -> bool:
    """Does a file's name say that it is not meant as a hook?"""
    return bool(ASIDE.search(path)) or PurePosixPath(path).name.startswith((".", "README"))


def _saved(root: Root, fact: LineageFact, hooks: Hooks) -> Iterator[Reason]:
    """Of a conf; a hook of cli.ini wins over them."""
    if any(name.endswith("-hook") for name, *_ in hooks.cli_ini):
        return
    for key, command, line in fact.hooks:
        problem = dead_command(root, command) if key in SAVED else None
        if problem:
            text = f"{key} in {fact.conf} fails: {problem}"
            yield Reason(FAILS, text, (Evidence(fact.conf, line, f"{key} = {command}"),))


def _of_directory(root: Root, hooks: Hooks) -> Iterator[Reason]:
    """Of ``renewal-hooks/``; nothing of it is run where cli.ini says ``no-directory-hooks``."""
    if any(name == "no-directory-hooks" for name, *_ in hooks.cli_ini):
        return
    for kind, path in hooks.directory:
        problem = dead_interpreter(root, path) if kind in AFTER else None
        if problem:
            yield Reason(FAILS, f"{path} fails: {problem}", (Evidence(path),))
    for kind, path, _ in hooks.ignored:
        found = passed_over(root, path) if kind in AFTER else None
        if found:
            code, why = found
            yield Reason(code, f"certbot passes over {path}: {why}", (Evidence(path),))


def dead_command(root: Root, command: str) -> str | None:
    """Why a hook's command cannot start what it names first; ``None`` if it can, or if nobody knows.

    A command with an ``||`` has something else to do then.
    """
    if "||" in command:
        return None
    script = SHELL_SCRIPT.match(command)
    if script:
        return f"{script[1]} does not exist" if root.exists(script[1]) is False else None
    program = PLAIN.match(command)
    if program is None or _not_held(root, program[1]):
        return None
    return dead_program(root, program[1]) or dead_interpreter(root, program[1])


def dead_interpreter(root: Root, path: str) -> str | None:
    """Why the kernel cannot start a script by its first line (execve(2)); ``None`` if it can."""
    shebang = _first_line(root, path)
    if shebang is None:
        return None
    if shebang.endswith("\r"):
        return f"the first line of {path} ends in a carriage return"
    if not shebang.startswith("/") or _not_held(root, shebang):
        return None
    return f"its interpreter {shebang} does not exist" if root.exists(shebang) is False else None


def passed_over(root: Root, path: str) -> tuple[str, str] | None:
    """``(code, why)`` certbot does not take a file for a hook that was meant as one, or ``None``.

    Meant as one is a script, or a link to one, whose name does not say that it was put aside.
    """
    if put_aside(path):
        return None
    try:
        found = root.entry(path)
    except UnreadableError:
        return None
    if found is None:
        gone = root.exists(path) is False
        return ("hook-link-to-nothing", "it is a link to nothing") if gone else None
    script = found.is_file and not found.executable and _first_line(root, path) is not None
    return ("hook-not-executable", "it is not executable") if script else None


def _first_line(root: Root, path: str) -> str | None:
    """The interpreter that a script names, or ``None`` if it is no script or cannot be read."""
    try:
        with root.open(path) as stream:
            found = SHEBANG.match(stream.read(SHEBANG_LIMIT))
    except (UnreadableError, OSError):
        return None
    return found[1].decode("utf-8", "replace") if found else None


def _not_held(root: Root, path: str) -> bool:
    """Is a program one that a package brings, in a tree that was taken without the programs?"""
    return path.startswith(PACKAGED) and not root.exists("/bin/ls")
