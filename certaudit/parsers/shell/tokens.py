"""The characters of a script: blanks, comments, here-documents, quotes and words (POSIX XCU 2.2, 2.3).

Law: every character is read a bounded number of times; nesting beyond the limit is a syntax error.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from certaudit.parsers.shell.syntax import (
    Block,
    HereDocument,
    Literal,
    Opaque,
    Parameter,
    Part,
    Substitution,
    Word,
)

BLANKS = re.compile(r"(?:[ \t]+|\\\n)*")
COMMENT = re.compile(r"#[^\n]*")
PLAIN = re.compile(r"[^ \t\n;&|<>()'\"\\$`]+")
BRACED = re.compile(r"[^}'\"\\$`]+")
DOUBLE = re.compile(r"[^\"\\$`]+")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SIMPLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!\-]")
BRACE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]{1,9}|[@*#?$!\-]")
BRACE_LENGTH = re.compile(r"\{#([A-Za-z_][A-Za-z0-9_]*|[0-9@*]+)(?:\[([^\]\n]{1,100})\])?\}")
BRACE_INDEX = re.compile(r"\[([^\]\n]{1,100})\]")
BRACE_OPERATOR = re.compile(r":[-=?+]|[-=?+]|##?|%%?|//?|:|\^\^?|,,?|@")
BACKQUOTED = re.compile(r"(?:[^`\\]|\\.)*`", re.DOTALL)
ANSI = re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL)
ANSI_ESCAPE = re.compile(r"\\([abefnrtv\\'\"?])")
ANSI_VALUES = dict(zip("abefnrtv\\'\"?", "\a\b\x1b\f\n\r\t\v\\'\"?", strict=True))
ARITHMETIC_LIMIT = 2000
MAX_NESTING = 30
MAX_COMMANDS = 50_000


class ShellSyntaxError(Exception):
    """The text is no shell script from this line on."""

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class Reader:
    """A position in a script, and the words that can be read from there.

    ``nested`` reads the commands of a substitution from a reader up to a closing parenthesis, or to the
    end of the text; the grammar provides it.
    """

    def __init__(
        self, text: str, nested: Callable[[Reader, bool], Block], line: int, depth: int
    ) -> None:
        self.text = text
        self.at = 0
        self.depth = depth
        self.first_line = line
        self.nested = nested
        self.pending: list[HereDocument] = []
        self._commands_read = 0
        self._newlines = [found.start() for found in re.finditer("\n", text)]

    def line(self, at: int | None = None) -> int:
        """The line of a position, by default the present one."""
        return self.first_line + bisect_right(self._newlines, (self.at if at is None else at) - 1)

    def error(self, reason: str) -> ShellSyntaxError:
        """A syntax error here."""
        return ShellSyntaxError(reason, self.line())

    def count(self) -> None:
        """Note one more command; a text of more than any person writes is refused."""
        self._commands_read += 1
        if self._commands_read > MAX_COMMANDS:
            raise self.error("too many commands")

    def deeper(self) -> None:
        """Enter one more level of nesting; the caller leaves it with ``depth -= 1``."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self.error("nested too deep")

    def peek(self, length: int = 1) -> str:
        """The next characters."""
        return self.text[self.at : self.at + length]

    def starts(self, prefix: str) -> bool:
        """Do these characters come next?"""
        return self.text.startswith(prefix, self.at)

    def take(self, pattern: re.Pattern[str]) -> str:
        """What a pattern matches here, or the empty string."""
        found = pattern.match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[0]

    def blanks(self) -> None:
        """Skip blanks, continued lines and a comment."""
        self.take(BLANKS)
        if self.starts("#"):
            self.take(COMMENT)

    def newline(self) -> None:
        """Step over a newline and the here-documents that begin after it."""
        self.at += 1
        for document in self.pending:
            self._here_document(document)
        self.pending.clear()

    def _here_document(self, document: HereDocument) -> None:
        begin = self.at
        while self.at < len(self.text):
            end = self.text.find("\n", self.at)
            end = len(self.text) if end < 0 else end
            line = self.text[self.at : end]
            stop = self.at
            self.at = min(end + 1, len(self.text))
            if (line.lstrip("\t") if document.strip else line) == document.delimiter:
                document.text = self.text[begin:stop]
                return
        document.text = self.text[begin:]

    def delimiter(self) -> str:
        """The word after ``<<``, its quotes removed."""
        word = self.word()
        if word is None:
            raise self.error("no here-document delimiter")
        return "".join(p.text if isinstance(p, Literal) else word.text for p in word.parts)

    def word(self) -> Word | None:
        """The next word, or ``None`` where none begins."""
        begin = self.at
        parts = self._parts(PLAIN, False, "")
        if self.at == begin:
            return None
        return Word(self.text[begin : self.at], tuple(parts))

    def _parts(self, plain: re.Pattern[str], quoted: bool, close: str) -> list[Part]:
        """Parts up to ``close`` (a word's end where empty); the closing character is not taken."""
        parts: list[Part] = []
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == close:
                break
            if character in "\\'\"$`":
                self._special(character, quoted, parts)
            elif character in "<>" and not close and self.peek(2) in ("<(", ">("):
                self.at += 2
                parts.append(Substitution(self._commands(), quoted, process=True))
            elif taken := self.take(plain):
                parts.append(Literal(taken, quoted))
            else:
                break
        return parts

    def _special(self, character: str, quoted: bool, parts: list[Part]) -> None:
        if character == "\\":
            self._backslash(quoted, parts)
        elif character == "'" and not quoted:
            end = self.text.find("'", self.at + 1)
            if end < 0:
                raise self.error("unterminated quote")
            parts.append(Literal(self.text[self.at + 1 : end], True))
            self.at = end + 1
        elif character == "'":
            parts.append(Literal("'", quoted))
            self.at += 1
        elif character == '"':
            parts.extend(self._double())
        elif character == "$":
            self._dollar(quoted, parts)
        else:
            parts.append(self._backquotes(quoted))

    def _backslash(self, quoted: bool, parts: list[Part]) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        self.at += 2 if following else 1
        if following == "\n":
            return
        kept = "\\" if not following or (quoted and following not in '$`"\\') else ""
        parts.append(Literal(kept + following, True))

    def _double(self) -> list[Part]:
        self.at += 1
        self.deeper()
        parts = self._parts(DOUBLE, True, '"')
        if not self.starts('"'):
            raise self.error("unterminated double quote")
        self.at += 1
        self.depth -= 1
        return parts or [Literal("", True)]

    def _dollar(self, quoted: bool, parts: list[Part]) -> None:
        if self.starts("$(("):
            end = self.arithmetic_end(self.at + 3)
            if end is not None:
                parts.append(Opaque(self.text[self.at : end], quoted))
                self.at = end
                return
        if self.starts("$("):
            self.at += 2
            parts.append(Substitution(self._commands(), quoted))
        elif self.starts("${"):
            self.at += 1
            parts.append(self._brace(quoted))
        elif self.starts("$'") and not quoted:
            parts.append(self._ansi())
        elif self.starts('$"') and not quoted:
            self.at += 1
        else:
            self.at += 1
            name = self.take(SIMPLE_NAME)
            parts.append(Parameter(name, quoted) if name else Literal("$", quoted))

    def arithmetic_end(self, at: int) -> int | None:
        """The end, after ``))``, of an arithmetic expression that begins here; ``None``: it is none."""
        depth = 0
        for position in range(at, min(len(self.text), at + ARITHMETIC_LIMIT)):
            character = self.text[position]
            if character == "(":
                depth += 1
            elif character == ")":
                if depth == 0:
                    return position + 2 if self.text.startswith("))", position) else None
                depth -= 1
        return None

    def _commands(self) -> Block:
        self.count()
        self.deeper()
        body = self.nested(self, True)
        if not self.starts(")"):
            raise self.error("unterminated command substitution")
        self.at += 1
        self.depth -= 1
        return body

    def _ansi(self) -> Literal:
        self.at += 2
        taken = self.take(ANSI)
        if not taken:
            raise self.error("unterminated quote")
        return Literal(ANSI_ESCAPE.sub(lambda m: ANSI_VALUES[m[1]], taken[:-1]), True)

    def _backquotes(self, quoted: bool) -> Substitution:
        line = self.line()
        self.count()
        self.at += 1
        taken = self.take(BACKQUOTED)
        if not taken:
            raise self.error("unterminated backquote")
        inner = re.sub(r'\\([$`\\"])' if quoted else r"\\([$`\\])", r"\1", taken[:-1])
        self.deeper()
        reader = Reader(inner, self.nested, line, self.depth)
        body = self.nested(reader, False)
        self.depth -= 1
        return Substitution(body, quoted)

    def _brace(self, quoted: bool) -> Part:
        begin = self.at - 1
        if length := BRACE_LENGTH.match(self.text, self.at):
            self.at = length.end()
            return Parameter(length[1], quoted, "len", None, length[2])
        self.at += 1
        indirect = self.starts("!")
        if indirect:
            self.at += 1
        name = self.take(BRACE_NAME)
        index = BRACE_INDEX.match(self.text, self.at)
        if index:
            self.at = index.end()
        operator = self.take(BRACE_OPERATOR)
        argument = self._brace_argument(quoted and operator[:1] not in ("#", "%", "/"))
        if indirect or (not name and not operator):
            return Opaque(self.text[begin : self.at], quoted)
        return Parameter(name, quoted, operator, argument, index[1] if index else None)

    def _brace_argument(self, quoted: bool) -> Word:
        begin = self.at
        self.deeper()
        parts = self._parts(BRACED, quoted, "}")
        if not self.starts("}"):
            raise self.error("unterminated ${")
        self.depth -= 1
        self.at += 1
        return Word(self.text[begin : self.at - 1], tuple(parts))
