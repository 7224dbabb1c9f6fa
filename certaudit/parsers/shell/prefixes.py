"""Commands that run another command: sudo, env, nice, flock, timeout and their kin.

Law: pure; the options are those of each program's man page. A prefix whose own words are not all known
is not peeled.
"""

from __future__ import annotations

import re

from msgspec import Struct

from certaudit.parsers.program import program_name
from certaudit.parsers.shell.state import Field

ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
Argv = tuple[Field, ...]


class Spec(Struct, frozen=True):
    """Options with values (one letter each, and long), and operands before the command."""

    values: str = ""
    long: str = ""
    operands: int = 0
    assignments: bool = False
    user: str = ""  # the option that names the user
    text: str = ""  # the option whose value is a text for a shell
    numeric: bool = False  # ``-10`` is an option


class Peeled(Struct, frozen=True):
    """What a prefix runs: an argument list, or a text for a shell."""

    name: str
    argv: Argv = ()
    text: Field = None
    is_text: bool = False
    user: str | None = None
    environment: tuple[tuple[str, str], ...] = ()
    clears: bool = False
    elsewhere: bool = False  # in another root: paths are not this machine's
    arguments: Argv = ()


SPECS = {
    "sudo": Spec(
        "ugpCDhRrTtU", "user group prompt close-from chdir host chroot role type other-user",
        assignments=True, user="u",
    ),
    "doas": Spec("uC", user="u"),
    "env": Spec("uCS", "unset chdir split-string", assignments=True),
    "nice": Spec("n", "adjustment", numeric=True),
    "ionice": Spec("cnpPu", "class classdata pid pgid uid"),
    "chrt": Spec("TPD", operands=1),
    "taskset": Spec("", operands=1),
    "nohup": Spec(),
    "setsid": Spec(),
    "chronic": Spec(),
    "cronic": Spec(),
    "unbuffer": Spec(),
    "time": Spec("fo", "format output"),
    "run-one": Spec(),
    "sshpass": Spec("pfdP"),
    "torsocks": Spec(),
    "proxychains": Spec("f"),
    "proxychains4": Spec("f"),
    "cpulimit": Spec("lepP", "limit exe pid path"),
    "stdbuf": Spec("ioe", "input output error"),
    "timeout": Spec("ks", "kill-after signal", operands=1),
    "flock": Spec("wEc", "wait timeout conflict-exit-code command", operands=1, text="c"),
    "setlock": Spec(operands=1),
    "chroot": Spec("", "", operands=1),
    "systemd-inhibit": Spec("", "what who why mode"),
    "systemd-cat": Spec("tp", "identifier priority stderr-priority level-prefix"),
    "systemd-run": Spec(
        "upEHMt", "unit property description slice uid gid nice setenv working-directory on-active "
        "on-boot on-startup on-unit-active on-unit-inactive on-calendar path-property socket-property "
        "timer-property host machine service-type background", user="uid",
    ),
    "runuser": Spec(
        "ugGscw", "user group supp-group shell command session-command whitelist-environment", user="u",
        text="c",
    ),
    "su": Spec(
        "gGscw", "group supp-group shell command session-command whitelist-environment", text="c"
    ),
    "xvfb-run": Spec("enpsfw", "server-num server-args"),
    "busybox": Spec(),
}  # fmt: skip
ALSO_LONG = {"command": "c", "session-command": "c", "user": "u"}
NO_PEEL = {"systemd-run": frozenset({"-H", "-M", "--host", "--machine"})}


def peel(argv: Argv) -> Peeled | None:
    """What a prefix command runs; ``None`` if this is no prefix or runs nothing that is named."""
    first = argv[0] if argv else None
    if not isinstance(first, str):
        return None
    name = program_name(first)
    spec = SPECS.get(name)
    if spec is None:
        return None
    return Reading(name, spec, argv[1:]).peeled()


class Reading:
    """A prefix's words, read from left to right."""

    def __init__(self, name: str, spec: Spec, words: Argv) -> None:
        self.name = name
        self.spec = spec
        self.words = list(words)
        self.user: str | None = None
        self.text: Field = None
        self.has_text = False
        self.pairs: list[tuple[str, str]] = []
        self.flags: set[str] = set()

    def peeled(self) -> Peeled | None:
        """The command behind the prefix, or ``None``."""
        if not self._options():
            return None
        if self.flags & NO_PEEL.get(self.name, frozenset()):
            return None
        if self.name in ("su", "runuser"):
            return self._switched()
        operands = self.words[: self.spec.operands]
        del self.words[: self.spec.operands]
        if self.name == "flock" and not self._flock_text():
            return None
        if len(operands) < self.spec.operands or not self._assignments():
            return None
        if not self.words and not self.has_text:
            return None
        return self._result()

    def _result(self) -> Peeled:
        clears = self.name == "sudo" and not {"-E", "--preserve-env"} & self.flags
        clears |= self.name == "env" and bool({"-i", "--ignore-environment"} & self.flags)
        default = "root" if self.name in ("sudo", "doas") else None
        return Peeled(
            self.name, tuple(self.words), self.text, self.has_text, self.user or default,
            tuple(self.pairs), clears, elsewhere=self.name == "chroot",
        )  # fmt: skip

    def _options(self) -> bool:
        """Read the options; false if one of them cannot be known."""
        while self.words:
            word = self.words[0]
            if not isinstance(word, str):
                return False
            if word == "--":
                del self.words[0]
                return True
            if not word.startswith("-") or (word == "-" and self.name != "env"):
                return True
            del self.words[0]
            self._option(word)
        return True

    def _option(self, word: str) -> None:
        if word == "-":
            self.flags.add("-i")
            return
        if word.startswith("--"):
            key, given, value = word[2:].partition("=")
            self.flags.add(f"--{key}")
            if key in self.spec.long.split():
                self._value(ALSO_LONG.get(key, key), value if given else self._next())
            return
        if self.spec.numeric and word[1:].isdigit():
            return
        for position, letter in enumerate(word[1:], 2):
            self.flags.add(f"-{letter}")
            if letter in self.spec.values:
                self._value(letter, word[position:] or self._next())
                return

    def _next(self) -> Field:
        return self.words.pop(0) if self.words else None

    def _value(self, key: str, value: Field) -> None:
        if key == self.spec.user and isinstance(value, str):
            self.user = value
        elif key == self.spec.text:
            self.text, self.has_text = value, True
        elif self.name == "env" and key in ("S", "split-string") and isinstance(value, str):
            self.words[:0] = value.split()

    def _assignments(self) -> bool:
        while self.spec.assignments and self.words:
            word = self.words[0]
            if not isinstance(word, str):
                return self.name == "sudo"
            found = ASSIGNED.fullmatch(word)
            if not found:
                return True
            self.pairs.append((found[1], found[2]))
            del self.words[0]
        return True

    def _flock_text(self) -> bool:
        """``flock FILE -c text``: the option may stand behind the file."""
        if self.words and self.words[0] in ("-c", "--command"):
            if len(self.words) < 2:
                return False
            self.text, self.has_text = self.words[1], True
            self.words = []
        return True

    def _switched(self) -> Peeled | None:
        """``su [-] [user] [-c text]`` and ``runuser``, whose options may stand behind the user."""
        if self.name == "runuser" and self.user and not self.has_text:
            return self._result() if self.words else None
        login = "-" in self.words[:1]
        if login:
            del self.words[0]
            if not self._options():
                return None
        user = self.words.pop(0) if self.words else "root"
        if not isinstance(user, str) or not self._options() or not self.has_text:
            return None
        return Peeled(
            self.name, (), self.text, True, self.user or user, (), login or bool({"-l"} & self.flags),
            arguments=tuple(self.words),
        )  # fmt: skip
