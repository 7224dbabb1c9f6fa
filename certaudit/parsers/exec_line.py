"""Command lines of units: ExecStart= and its kin, systemd.service(5) "Command lines".

Law: words are split and unquoted first, then specifiers, then variables, as systemd does; what is not
known (a variable, a specifier) is left as written and named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from certaudit.errors import ParseError
from certaudit.parsers.unit_words import BLANK, next_word, split_words
from certaudit.records import replace

PREFIXES = "-@:+!|"
HEX_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VARIABLE = re.compile(r"\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\})")


class ExecCommand(Struct, frozen=True):
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


class ExecLine(Struct, frozen=True):
    """The commands of a setting's value as far as systemd reads it.

    ``fault`` says why it reads no further; ``refused``: and it reads no further in the file either,
    which for a unit's own file means that it refuses the unit.
    """

    commands: tuple[ExecCommand, ...]
    fault: str | None = None
    refused: bool = False


def read_exec_line(value: str, failing: Collection[str] = ()) -> ExecLine:
    """The commands of one setting's value, nothing expanded, as systemd 252 reads it.

    Source: ``config_parse_exec`` of ``load-fragment.c``. ``failing`` are the letters of specifiers
    that have no value in this unit. A fault behind ``-``, and one in a command's first word, costs
    the rest of the line alone.
    """
    commands: list[ExecCommand] = []
    at = 0
    while at < len(value):
        words, at, fault = command_words(value, at)
        if fault is not None and not words:
            return ExecLine(tuple(commands), fault)
        try:
            found = command_of(words)
        except ParseError as error:
            fault = fault or error.reason
        else:
            fault = fault or unresolved(words, failing)
        if fault is not None:
            return ExecLine(tuple(commands), fault, refused="-" not in split_prefixes(words[0])[0])
        commands.extend(found)
    return ExecLine(tuple(commands))


def command_words(value: str, at: int) -> tuple[list[str], int, str | None]:
    """The unquoted words up to a lone ``;`` or the end, where the next command begins, and a fault."""
    words: list[str] = []
    while at < len(value):
        if value[at] in BLANK:
            at += 1
        elif value[at] == ";" and value[at + 1 : at + 2].strip(BLANK) == "":
            return words, at + 1, None
        elif value.startswith("\\;", at) and value[at + 2 : at + 3].strip(BLANK) == "" and words:
            at += 2
            words.append(";")
        else:
            try:
                word, at = next_word(value, at)
            except ParseError as error:
                return words, at, error.reason
            words.append(word or "")
    return words, at, None


def unresolved(words: Sequence[str], failing: Collection[str]) -> str | None:
    """The first specifier that has no value, as a fault."""
    letters = (letter for word in words for letter in re.findall("%(.)", word) if letter in failing)
    return next((f"%{letter} has no value here" for letter in letters), None)


def command_of(words: Sequence[str]) -> tuple[ExecCommand, ...]:
    """The command that these unquoted words are, or () for none."""
    if not words:
        return ()
    prefixes, first = split_prefixes(words[0])
    relative = "/" in first and first[0] not in "/%"
    if not first or first.endswith("/") or relative or any(c < " " for c in first):
        raise ParseError(f"no program in {words[0][:80]!r}")
    argv = tuple(words[1:]) if "@" in prefixes else (first, *words[1:])
    if not argv:
        raise ParseError(f"no argv[0] after {words[0][:80]!r}")
    return (ExecCommand(first, argv, prefixes),)


def split_prefixes(word: str) -> tuple[str, str]:
    """The special characters before a program, and the program."""
    prefixes = ""
    while word and word[0] in PREFIXES and prefix_allowed(word[0], prefixes):
        prefixes, word = prefixes + word[0], word[1:]
    return prefixes, word


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
        known |= {"i": "", "I": ""}
    elif instance:
        known |= {"i": instance, "I": unescaped(instance)}
    path = path_of(instance or prefix)
    if path is not None and (instance or not at):
        known["f"] = path
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


def failing_specifiers(name: str) -> frozenset[str]:
    """The letters that have no value in a unit of this name."""
    prefix, _, instance = name.rpartition(".")[0].partition("@")
    return frozenset("f" if path_of(instance or prefix) is None else "")


def path_of(text: str) -> str | None:
    """A unit name's part as the path it stands for (``unit_name_path_unescape``), or ``None``."""
    if text == "-":
        return "/"
    parts = unescaped(text).split("/")
    return None if any(part in ("", ".", "..") for part in parts) else "/" + "/".join(parts)


def unescaped(text: str) -> str:
    r"""A name's part with systemd-escape(1) undone: ``-`` is ``/``, ``\x2d`` is ``-``."""
    raw = text.replace("-", "/").encode("utf-8", "replace")
    return HEX_ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), raw).decode("utf-8", "replace")
