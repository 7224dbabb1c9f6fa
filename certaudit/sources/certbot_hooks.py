"""Hooks and options that count for every lineage: ``renewal-hooks/`` and ``cli.ini``.

Law: what certbot would run or read is told apart from what merely lies there, by its own rules
(``certbot._internal.hooks``, ``constants.CLI_DEFAULTS["config_files"]``).
"""

from __future__ import annotations

from certaudit.errors import ParseError, UnreadableError
from certaudit.facts import Hooks
from certaudit.host.root import Root
from certaudit.model import Evidence, Gap
from certaudit.parsers.cli_ini import Option, parse_cli_ini

CONFIG_DIR = "/etc/letsencrypt"
CLI_INIS = ("/etc/letsencrypt/cli.ini", "/root/.config/letsencrypt/cli.ini")
HOOK_KINDS = ("pre", "deploy", "post")
INI_LIMIT = 256 << 10


def dead_program(root: Root, command: str) -> str | None:
    """Why the program of a hook command can not start; ``None`` if it can, or if that can not be known.

    Only a program named by an absolute path is judged: the rest depends on PATH or on a directory.
    """
    words = command.split(None, 1)
    if not words or not words[0].startswith("/"):
        return None
    try:
        found = root.entry(words[0])
    except UnreadableError:
        return None
    if found is None:
        return f"{words[0]} does not exist" if root.exists(words[0]) is False else None
    return None if found.is_file and found.executable else f"{words[0]} is not executable"


def collect_hooks(root: Root, config_dir: str = CONFIG_DIR) -> tuple[Hooks, tuple[Gap, ...]]:
    """The hooks of a config directory that belong to no single lineage, and the options of cli.ini."""
    run: list[tuple[str, str]] = []
    ignored: list[tuple[str, str, str]] = []
    gaps: list[Gap] = []
    for kind in HOOK_KINDS:
        directory = f"{config_dir.rstrip('/')}/renewal-hooks/{kind}"
        try:
            names = root.names(directory)
        except UnreadableError as error:
            gaps.append(Gap("hooks", str(error)))
            continue
        for name in names:
            why = _not_run(root, f"{directory}/{name}")
            if why is None:
                run.append((kind, f"{directory}/{name}"))
            else:
                ignored.append((kind, f"{directory}/{name}", why))
    found, missed = read_cli_inis(root)
    options = tuple((o.name, o.value, path, o.line) for path, o in found)
    return Hooks(config_dir.rstrip("/"), tuple(run), tuple(ignored), options), (*gaps, *missed)


def _not_run(root: Root, path: str) -> str | None:
    """``hooks.list_hooks``: an executable file, links followed, whose name does not end in ``~``."""
    try:
        found = root.entry(path)
    except UnreadableError as error:
        return str(error)
    if found is None:
        return "a link to nothing"
    if not found.is_file:
        return "not a file"
    if not found.executable:
        return "not executable"
    return "its name ends in ~" if path.endswith("~") else None


def read_cli_inis(root: Root) -> tuple[tuple[tuple[str, Option], ...], tuple[Gap, ...]]:
    """The options of both fixed ``cli.ini`` files of root; a later file wins over an earlier one."""
    found: list[tuple[str, Option]] = []
    gaps: list[Gap] = []
    for path in CLI_INIS:
        options, gap = _read_cli_ini(root, path)
        found.extend((path, option) for option in options)
        gaps.extend(gap)
    return tuple(found), tuple(gaps)


def _read_cli_ini(root: Root, path: str) -> tuple[tuple[Option, ...], tuple[Gap, ...]]:
    try:
        if root.entry(path) is None:
            return (), ()
        return parse_cli_ini(root.text(path, INI_LIMIT)), ()
    except UnreadableError as error:
        return (), (Gap("cli-ini", str(error), (Evidence(path),)),)
    except ParseError as error:
        text = f"{path}: certbot refuses it, {error}"
        return (), (Gap("cli-ini", text, (Evidence(path, error.line),)),)


def cli_options(root: Root) -> tuple[dict[str, str], tuple[Gap, ...]]:
    """The options of cli.ini that count, by name."""
    found, gaps = read_cli_inis(root)
    return {option.name: option.value for _, option in found}, gaps
