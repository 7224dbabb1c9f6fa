"""The command line of certbot, letsencrypt and certbot-auto.

Law: pure; words in, ``CertbotArguments`` out, for any words at all: what can not be known is marked
``unknown``, never guessed. The rules are those of ``certbot._internal.cli.helpful`` (the verb may stand
anywhere), of argparse (a long option may be cut short while it stays the only one) and of
ConfigArgParse (``cli.ini`` adds what the command line leaves out). The options are those of
``certbot_options``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from certaudit.parsers.certbot_options import (
    DROPPED,
    FLAGS,
    IGNORED,
    LONG,
    PLUGINS,
    SHORT,
    VALUES,
    VERBS,
)
from certaudit.parsers.misspelling import meant

_DNS_VALUE = re.compile(
    r"[a-z0-9-]*dns-[a-z0-9-]+-(?:credentials|propagation-seconds|project|config|endpoint)"
)


_OPTION = re.compile(r"-(?!\d+$|\d*\.\d+$)[^ ]+\Z")  # what argparse takes for an option


class CertbotArguments(Struct, frozen=True):
    """What one call of certbot asks for.

    ``subcommand`` is certbot's own name of it (``run`` where none is given), ``help`` for a call that
    only prints, ``None`` where an unknown word might be one. ``domains`` are lower case, without a
    final dot, each once, in order. ``hooks`` are ``(kind, command)`` with the kinds ``pre``, ``post``,
    ``deploy``, ``manual-auth`` and ``manual-cleanup``. ``unknown``: some word is not known, so that
    options may be missing here. ``dropped`` are options that some releases refuse. ``refused``: for what
    argparse ends the call, before certbot renews anything; an option that is merely not known may be a
    plugin's, or one of a later release.
    """

    subcommand: str | None = "run"
    config_dir: str | None = None
    work_dir: str | None = None
    logs_dir: str | None = None
    config_files: tuple[str, ...] = ()
    cert_name: str | None = None
    domains: tuple[str, ...] = ()
    server: str | None = None
    csr: str | None = None
    authenticator: str | None = None
    installer: str | None = None
    hooks: tuple[tuple[str, str], ...] = ()
    force: bool = False
    keep: bool = False
    expand: bool = False
    duplicate: bool = False
    renew_with_new_domains: bool = False
    dry_run: bool = False
    staging: bool = False
    break_my_certs: bool = False
    non_interactive: bool = False
    force_interactive: bool = False
    quiet: bool = False
    no_random_sleep: bool = False
    no_directory_hooks: bool = False
    disable_hook_validation: bool = False
    no_autorenew: bool = False
    run_deploy_hooks: bool = False
    max_log_backups: str | None = None
    unknown: bool = False
    refused: str | None = None
    dropped: tuple[str, ...] = ()

    def hook(self, kind: str) -> str | None:
        """The command of a hook given on this call, or ``None``."""
        return dict(self.hooks).get(kind)


class _Found(Struct):
    """What has been read so far; destinations repeat where an option is repeated."""

    values: list[tuple[str, str]] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    plugins: list[str] = field(default_factory=list)
    unknown: bool = False
    refused: str | None = None
    dropped: list[str] = field(default_factory=list)

    def last(self, destination: str) -> str | None:
        return next((v for d, v in reversed(self.values) if d == destination), None)


def parse_arguments(
    arguments: Sequence[str | None], cli_ini: Sequence[tuple[str, str]] = ()
) -> CertbotArguments:
    """Read the words after the program's name as certbot would; ``None`` is a word that is not known.

    ``cli_ini`` are ``(option, value)`` pairs of the configuration files that count for the call; an
    option on the command line wins.
    """
    words = list(arguments)
    subcommand = _take_verb(words)
    found = _Found()
    _read(words, found)
    given = {d for d, _ in found.values} | found.flags
    _add_defaults(cli_ini, found, given, subcommand)
    if found.flags & {"help", "version"}:
        subcommand = "help"
    return _build(subcommand, found)


def _take_verb(words: list[str | None]) -> str | None:
    """``HelpfulArgumentParser.determine_verb``: the first word that is a verb, wherever it stands."""
    if words[:1] == ["help"] or "-h" in words or "--help" in words:
        return "help"
    for at, word in enumerate(words):
        if word is not None and word in VERBS:
            del words[at]
            return VERBS[word]
    return None if None in words else "run"


def _read(words: Sequence[str | None], found: _Found) -> None:
    rest = iter(words)
    for word in rest:
        if word is None or not word.startswith("-") or word in ("-", "--"):
            if word and not word.startswith("-") and not found.unknown:
                found.refused = f"the word {word}"  # certbot has no positional words
            found.unknown = True  # after an option that is not known, it may be its value
        elif word.startswith("--"):
            _long(word[2:], rest, found)
        else:
            _short(word[1:], rest, found)


def _long(text: str, rest: Iterator[str | None], found: _Found) -> None:
    given, assigned, value = text.partition("=")
    name = _full_name(given)
    if name is None:
        found.unknown = True
        _refuse_misspelt(given, f"--{given}", found)
        return
    if name in DROPPED:
        found.dropped.append(name)
    if name in FLAGS:
        _set_flag(name, found)
        if assigned:
            found.unknown, found.refused = True, f"a value for --{given}"
    elif assigned:
        _set_value(name, value, found)
    else:
        _take_value(name, f"--{given}", rest, found)


def _refuse_misspelt(given: str, shown: str, found: _Found) -> None:
    """No plugin and no release has an option that is one slip from one of certbot's own."""
    cut_short = any(name.startswith(given) for name in LONG)
    own = None if cut_short else meant(given, LONG)
    if own is not None:
        found.refused = f"{shown}; it has --{own}"


def _take_value(name: str, shown: str, rest: Iterator[str | None], found: _Found) -> None:
    """The next word as an option's value; argparse takes none that looks like an option."""
    value = next(rest, "--")
    if value is not None and value[:1] == "-" and _OPTION.match(value):
        found.unknown, found.refused = True, f"{shown} without a value"
        return
    _set_value(name, value, found)


def _short(cluster: str, rest: Iterator[str | None], found: _Found) -> None:
    """``-qn``, ``-vvv``, ``-dexample.org``: flags may be joined, a value may follow its letter."""
    for at, letter in enumerate(cluster):
        name = SHORT.get(letter)
        if name is None:
            found.unknown = True
            return
        if name in FLAGS:
            _set_flag(name, found)
            continue
        joined = cluster[at + 1 :].removeprefix("=")
        if joined:
            _set_value(name, joined, found)
        else:
            _take_value(name, f"-{letter}", rest, found)
        return


def _full_name(given: str) -> str | None:
    """The option a word stands for; ``None`` if there is none, or if it is short for several."""
    if given in FLAGS or given in VALUES:
        return given
    if _DNS_VALUE.fullmatch(given):
        return given
    meant = [name for name in LONG if name.startswith(given)]
    return meant[0] if len(meant) == 1 else None


def _set_flag(name: str, found: _Found) -> None:
    if name in PLUGINS:
        found.plugins.append(name)
    else:
        found.flags.add(FLAGS[name])


def _set_value(name: str, value: str | None, found: _Found) -> None:
    if value is None:
        found.unknown = True
        return
    found.values.append((VALUES.get(name, IGNORED), value))


def _add_defaults(
    cli_ini: Sequence[tuple[str, str]], found: _Found, given: set[str], subcommand: str | None
) -> None:
    """``cli.ini``: its domains do not count for ``renew``
    (``helpful.remove_config_file_domains_for_renewal``).
    """
    for written, value in cli_ini:
        key = written.lstrip("-")
        name = _full_name(key)
        if name is None:
            _refuse_misspelt(key, f"{key} in its cli.ini", found)
        if name is None or (VALUES.get(name) == "domains" and subcommand == "renew"):
            continue
        if name in PLUGINS and not found.plugins and "authenticator" not in given:
            found.plugins.extend([name] if _true(value) else [])
        elif name in FLAGS and _true(value):
            found.flags.add(FLAGS[name])
        elif name in VALUES and VALUES[name] not in given:
            found.values.append((VALUES[name], value))


def _true(value: str) -> bool:
    return value.lower() in ("true", "yes", "1")


def _build(subcommand: str | None, found: _Found) -> CertbotArguments:
    flags = found.flags
    plugin = found.plugins[-1] if found.plugins else found.last("configurator")
    installs = plugin in ("apache", "nginx")
    kinds = ("pre", "post", "deploy", "manual-auth", "manual-cleanup")
    commands = ((kind, found.last(f"{kind.replace('-', '_')}_hook")) for kind in kinds)
    return CertbotArguments(
        subcommand=subcommand,
        config_dir=found.last("config_dir"),
        work_dir=found.last("work_dir"),
        logs_dir=found.last("logs_dir"),
        config_files=tuple(v for d, v in found.values if d == "config_file"),
        cert_name=found.last("cert_name"),
        domains=_domains(found),
        server=found.last("server"),
        csr=found.last("csr"),
        authenticator=found.last("authenticator") or plugin,
        installer=found.last("installer") or (plugin if installs else None),
        hooks=tuple((kind, command) for kind, command in commands if command),
        force="force" in flags,
        keep="keep" in flags,
        expand="expand" in flags,
        duplicate="duplicate" in flags,
        renew_with_new_domains="renew_with_new_domains" in flags,
        dry_run="dry_run" in flags,
        staging="staging" in flags,
        break_my_certs="break_my_certs" in flags,
        non_interactive="non_interactive" in flags or subcommand == "renew",
        force_interactive="force_interactive" in flags,
        quiet="quiet" in flags,
        no_random_sleep="no_random_sleep_on_renew" in flags,
        no_directory_hooks="no_directory_hooks" in flags,
        disable_hook_validation="disable_hook_validation" in flags,
        no_autorenew="no_autorenew" in flags,
        run_deploy_hooks="run_deploy_hooks" in flags,
        max_log_backups=found.last("max_log_backups"),
        unknown=found.unknown,
        refused=found.refused,
        dropped=tuple(found.dropped),
    )


def _domains(found: _Found) -> tuple[str, ...]:
    """``add_domains``: split at commas, lower case, no final dot (``util.enforce_domain_sanity``)."""
    given = (d for kind, value in found.values if kind == "domains" for d in value.split(","))
    return tuple(dict.fromkeys(d.strip().lower().removesuffix(".") for d in given if d.strip()))
