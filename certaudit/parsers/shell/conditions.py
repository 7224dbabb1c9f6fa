"""``test``, ``[`` and ``[[``: POSIX XCU "test", bash "Conditional Expressions".

Law: a file test is the machine's answer; files that a run itself changes, or that live shorter than a
boot, cannot be told. What is compared must be known on both sides.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from msgspec import Struct

from certaudit.parsers.shell.formula import ALWAYS, NEVER, Formula, Test, both, either, negation
from certaudit.parsers.shell.parameters import ambiguous, matches
from certaudit.parsers.shell.records import Place
from certaudit.parsers.shell.state import ExitStatus, Field, Runner, State
from certaudit.parsers.shell.syntax import Word

FILE_TESTS = {
    "-e": ("is there", "is not there"),
    "-a": ("is there", "is not there"),
    "-f": ("is a regular file", "is no regular file"),
    "-d": ("is a directory", "is no directory"),
    "-x": ("can be executed", "cannot be executed"),
    "-r": ("can be read", "cannot be read"),
    "-w": ("can be written", "cannot be written"),
    "-s": ("is not empty", "is empty or not there"),
    "-h": ("is a symbolic link", "is no symbolic link"),
    "-L": ("is a symbolic link", "is no symbolic link"),
}
OTHER_UNARY = frozenset(f"-{letter}" for letter in "bcpSgukOGNtovR")
EQUAL = frozenset({"=", "=="})
NUMERIC = {
    "-eq": int.__eq__,
    "-ne": int.__ne__,
    "-gt": int.__gt__,
    "-ge": int.__ge__,
    "-lt": int.__lt__,
    "-le": int.__le__,
}
BINARY = EQUAL | {"!=", "<", ">", "=~", "-nt", "-ot", "-ef"} | frozenset(NUMERIC)
SHORT_LIVED = ("/tmp", "/var/tmp", "/run", "/var/run", "/var/lock", "/dev/shm")  # noqa: S108
BOOTED = "/run/systemd/system"  # sd_booted(3): decided at boot, whatever runs later
MAX_DEPTH = 20
MAX_NUMBER = 18


class Operand(Struct, frozen=True):
    """One operand: its value, how it reads, the word it came from, and whether it is an operator."""

    value: Field
    text: str
    word: Word | None = None
    operator: bool = False


class UndecidableError(Exception):
    """The expression is malformed or too deep; nothing is concluded from it."""


class Condition(Struct):
    """An expression being read from left to right."""

    operands: Sequence[Operand]
    place: Place
    state: State
    runner: Runner
    double: bool = False
    at: int = 0
    depth: int = 0

    def formula(self, text: str) -> Formula:
        """The formula of the whole expression; one that cannot be told if it makes no sense."""
        if not self.operands:
            return NEVER
        try:
            result = self._either()
            if self.at < len(self.operands):
                raise UndecidableError
        except UndecidableError:
            return Test(text, self.place, None)
        return result

    def _peek(self, ahead: int = 0) -> str | None:
        position = self.at + ahead
        if position >= len(self.operands):
            return None
        operand = self.operands[position]
        if self.double and operand.word is not None and not operand.operator:
            return operand.text if operand.text[:1] in "-=!" else None
        return operand.value if isinstance(operand.value, str) else None

    def _next(self) -> Operand:
        if self.at >= len(self.operands):
            raise UndecidableError
        self.at += 1
        return self.operands[self.at - 1]

    def _either(self) -> Formula:
        result = self._both()
        while self._peek() == ("||" if self.double else "-o"):
            self.at += 1
            result = either(result, self._both())
        return result

    def _both(self) -> Formula:
        result = self._negated()
        while self._peek() == ("&&" if self.double else "-a"):
            self.at += 1
            result = both(result, self._negated())
        return result

    def _negated(self) -> Formula:
        turned = False
        while self._peek() == "!" and len(self.operands) > self.at + 1 and not self._is_binary():
            turned = not turned
            self.at += 1
        result = self._primary()
        return negation(result) if turned else result

    def _is_binary(self) -> bool:
        return self._peek(1) in BINARY and self.at + 2 < len(self.operands)

    def _primary(self) -> Formula:
        if self._is_binary():
            left, operator, right = self._next(), self._next(), self._next()
            return self._compare(left, operator.text if self.double else str(operator.value), right)
        word = self._peek()
        if word == "(" and self.at + 1 < len(self.operands):
            return self._group()
        if word is not None and self.at + 1 < len(self.operands):
            if word in FILE_TESTS:
                self.at += 1
                return self._file(word, self._next())
            if word in ("-n", "-z"):
                self.at += 1
                return self._empty(word, self._next())
            if word in OTHER_UNARY:
                self.at += 1
                return Test(f"{word} {self._next().text}", self.place, None)
        return self._empty("-n", self._next())

    def _group(self) -> Formula:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UndecidableError
        self.at += 1
        result = self._either()
        if self._next().text not in (")", "\\)", "')'", '")"'):
            raise UndecidableError
        self.depth -= 1
        return result

    def _file(self, operator: str, operand: Operand) -> Formula:
        path = operand.value
        if not isinstance(path, str):
            return Test(f"{operator} {operand.text}", self.place, None)
        full = absolute(path, self.state.directory)
        holds = None if full is None or self._changes(full) else self.runner.machine.test(operator, full)
        texts = FILE_TESTS[operator]
        because = None if holds is None else f"{full} {texts[0] if holds else texts[1]}"
        return Test(f"{operator} {path}", self.place, holds, because)

    def _changes(self, path: str) -> bool:
        short = any(path.startswith(f"{folder}/") for folder in SHORT_LIVED)
        return (short and path.rstrip("/") != BOOTED) or self.runner.touched(path)

    def _empty(self, operator: str, operand: Operand) -> Formula:
        value = operand.value
        if isinstance(value, ExitStatus):
            return ALWAYS if operator == "-n" else NEVER
        text = f"{operator} {operand.text}"
        if value is None:
            return Test(text, self.place, None)
        holds = (value != "") == (operator == "-n")
        because = f"{operand.text} is {'empty' if value == '' else repr(value[:100])}"
        return Test(text, self.place, holds, because)

    def _compare(self, left: Operand, operator: str, right: Operand) -> Formula:
        for one, other in ((left, right), (right, left)):
            if isinstance(one.value, ExitStatus) and isinstance(other.value, str):
                return compared_status(one.value, operator, other.value, one is left, self.place)
        text = f"{shown(left)} {operator} {shown(right)}"
        if not isinstance(left.value, str) or not isinstance(right.value, str):
            return Test(text, self.place, None)
        holds = self._compared(left.value, operator, right)
        return Test(text, self.place, holds)

    def _compared(self, left: str, operator: str, right: Operand) -> bool | None:
        value = str(right.value)
        if operator in NUMERIC:
            one, other = number(left), number(value)
            return None if one is None or other is None else NUMERIC[operator](one, other)
        if operator not in EQUAL and operator != "!=":
            return None
        if self.double and right.word is not None and any(c in value for c in "*?["):
            if ambiguous(right.word, value) or len(left) > 1000:
                return None
            return matches(left, value) == (operator != "!=")
        return (left == value) == (operator != "!=")


def shown(operand: Operand) -> str:
    """An operand as a guard shows it: its value if known, else as written."""
    return repr(operand.value[:100]) if isinstance(operand.value, str) else operand.text


def number(text: str) -> int | None:
    """A decimal number as test(1) reads it, or ``None``."""
    digits = text.strip().lstrip("+-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > MAX_NUMBER:
        return None
    return int(text)


def compared_status(status: ExitStatus, operator: str, other: str, first: bool, place: Place) -> Formula:
    """What a comparison of ``$?`` says of the command it is the status of."""
    value = number(other)
    if value == 0 and operator in ("-eq", "=", "=="):
        return status.success
    if value == 0 and (operator in ("-ne", "!=") or operator == ("-gt" if first else "-lt")):
        return negation(status.success)
    exact = Test(f"the status is {other}", place, None)
    if operator in ("-eq", "=", "==") and value:
        return both(negation(status.success), exact)
    if operator in ("-ne", "!=") and value:
        return either(status.success, negation(exact))
    return Test(f"the status {operator} {other}", place, None)


def absolute(path: str, directory: str | None) -> str | None:
    """A path with ``.`` and ``..`` taken away; ``None`` if relative to an unknown directory."""
    if not path.startswith("/"):
        if directory is None or not path:
            return None
        path = f"{directory}/{path}"
    return "/" + posixpath.normpath(path).lstrip("/")
