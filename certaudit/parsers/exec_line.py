"""Command lines of units: ExecStart= and its kin, systemd.service(5) "Command lines".

Law: words are split and unquoted first, then specifiers, then variables, as systemd does; what is not
known (a variable, a specifier) is left as written and named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from certaudit.errors import ParseError
from certaudit.parsers.unit_words import BLANK, next_word, split_words

PREFIXES = "-@:+!|"
HEX_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VARIABLE = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\})")


@dataclass(frozen=True, slots=True)
class ExecCommand:
    """One command of an ``Exec*=`` setting.

    ``program`` is the file to run; ``argv[0]`` equals it unless ``@`` gave another. ``unknown`` are
    the specifiers and variables, as written, whose values are not known.
    """

    program: str
    argv: tuple[str, ...]
    prefixes: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def ignore_failure(self) -> bool:
        """``-``: a failure of this command does not fail the unit."""
        return "-" in self.prefixes

    @property
    def arguments(self) -> tuple[str, ...]:
        """The program and its arguments, whatever argv[0] says."""
        return (self.program, *self.argv[1:])


def parse_exec_line(value: str) -> tuple[ExecCommand, ...]:
    """The commands of one setting's value, nothing expanded; () for an empty value.

    Raise ``ParseError`` for unbalanced quotes and for a command without a program.
    """
    commands: list[ExecCommand] = []
    words: list[str] = []
    at = 0
    while at < len(value):
        if value[at] in BLANK:
            at += 1
        elif value[at] == ";" and value[at + 1 : at + 2].strip(BLANK) == "":
            at += 1
            commands.extend(command_of(words))
            words = []
        elif value.startswith("\\;", at) and value[at + 2 : at + 3].strip(BLANK) == "" and words:
            at += 2
            words.append(";")
        else:
            word, at = next_word(value, at)
            words.append(word or "")
    commands.extend(command_of(words))
    return tuple(commands)


def command_of(words: Sequence[str]) -> tuple[ExecCommand, ...]:
    """The command that these unquoted words are, or () for none."""
    if not words:
        return ()
    first, prefixes = words[0], ""
    while first and first[0] in PREFIXES and prefix_allowed(first[0], prefixes):
        prefixes, first = prefixes + first[0], first[1:]
    if not first or first.endswith("/") or any(c < " " for c in first):
        raise ParseError(f"no program in {words[0][:80]!r}")
    argv = tuple(words[1:]) if "@" in prefixes else (first, *words[1:])
    if not argv:
        raise ParseError(f"no argv[0] after {words[0][:80]!r}")
    return (ExecCommand(first, argv, prefixes),)


def prefix_allowed(prefix: str, before: str) -> bool:
    """Each prefix counts once (``!`` twice), and ``+`` and ``!`` exclude each other."""
    if prefix == "!":
        return "+" not in before and before.count("!") < 2
    if prefix == "+":
        return "+" not in before and "!" not in before
    return prefix not in before


def expand_specifiers(text: str, known: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """A text with ``%x`` replaced, and the specifiers that are not known; ``%%`` is a percent sign."""
    result, unknown, at = list[str](), list[str](), 0
    while (found := text.find("%", at)) >= 0:
        result.append(text[at:found])
        letter = text[found + 1 : found + 2]
        at = found + 2
        if letter == "%":
            result.append("%")
        elif letter in known:
            result.append(known[letter])
        else:
            result.append("%" + letter)
            unknown += ["%" + letter] if letter.isalpha() else []
    return "".join([*result, text[at:]]), tuple(unknown)


def expand_command(
    command: ExecCommand,
    environment: Mapping[str, str] | None = None,
    specifiers: Mapping[str, str] | None = None,
) -> ExecCommand:
    """The command as it would run, as far as the given variables and specifiers tell.

    ``$VAR`` as a word of its own is split at blanks, ``${VAR}`` is put in place; ``$$`` is a dollar
    sign. An unset variable is the empty string to systemd; here it is kept, and named in ``unknown``,
    because the environment given may not be all of it. ``specifiers`` maps letters to values.
    """
    known, env, unknown = specifiers or {}, environment or {}, list(command.unknown)
    program, missing = expand_specifiers(command.program, known)
    unknown += missing
    argv: list[str] = []
    for word in command.argv:
        text, missing = expand_specifiers(word, known)
        unknown += missing
        if ":" in command.prefixes:
            argv.append(text)
            continue
        words, missing = expand_variables(text, env)
        argv += words
        unknown += missing
    return replace(command, program=program, argv=tuple(argv), unknown=tuple(dict.fromkeys(unknown)))


def expand_variables(word: str, env: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words that one word of a command line becomes, and the variables that are not known."""
    if word[:1] == "$" and word[1:2] not in ("{", "$", ""):
        name = word[1:]
        if name in env:
            return split_words(env[name], relaxed=True), ()
        return (word,), (word,) if NAME.fullmatch(name) else ()
    unknown: list[str] = []

    def value(match: re.Match[str]) -> str:
        if match[0] != "$$" and match[1] not in env:
            unknown.append(match[0])
        return "$" if match[0] == "$$" else env.get(match[1], match[0])

    return (VARIABLE.sub(value, word),), tuple(unknown)


def unit_specifiers(
    name: str, *, user: str = "root", home: str = "/root", uid: int | None = 0, host: str | None = None
) -> dict[str, str]:
    """What the specifiers of systemd.unit(5) stand for in a unit of this name.

    ``user``, ``home`` and ``uid`` are those of the *manager* that runs it. Of a template without an
    instance, ``%i`` and its kin are left out.
    """
    stem = name.rpartition(".")[0]
    prefix, at, instance = stem.partition("@")
    known = {"n": name, "N": stem, "p": prefix, "P": unescaped(prefix), "u": user, "h": home}
    if not at:
        known |= {"i": "", "I": "", "f": "/" + unescaped(prefix).lstrip("/")}
    elif instance:
        inner = unescaped(instance)
        known |= {"i": instance, "I": inner, "f": "/" + inner.lstrip("/")}
    last = prefix.rpartition("-")[2]
    known |= {"j": last, "J": unescaped(last)}
    if uid is not None:
        known["U"] = str(uid)
    if user == "root":
        known |= {"t": "/run", "S": "/var/lib", "C": "/var/cache", "L": "/var/log", "E": "/etc"}
    known |= {"T": "/tmp", "V": "/var/tmp"}  # noqa: S108 - systemd's words for them
    if host is not None:
        known |= {"H": host, "l": host.partition(".")[0]}
    return known


def unescaped(text: str) -> str:
    r"""A name's part with systemd-escape(1) undone: ``-`` is ``/``, ``\x2d`` is ``-``."""
    raw = text.replace("-", "/").encode("utf-8", "replace")
    return HEX_ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), raw).decode("utf-8", "replace")
