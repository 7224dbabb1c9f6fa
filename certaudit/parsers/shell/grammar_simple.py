"""Simple commands as syntax: assignments, words and redirections, POSIX XCU 2.10.2.

Law: as for the grammar; the reader is left after what was read.
"""

from __future__ import annotations

import re

from certaudit.parsers.shell.syntax import (
    Assignment,
    HereDocument,
    Node,
    Redirection,
    Simple,
    Word,
)
from certaudit.parsers.shell.tokens import Reader

TEXT_LENGTH = 300
ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\[[^\]\n=]{1,100}\])?(\+?)=")
REDIRECTED = re.compile(r"([0-9]*|\{[A-Za-z_]\w*\})(<<<|<<-|<<|<>|<&|>>|>&|>\||<(?!\()|>(?!\())|&>>|&>")
DECLARING = frozenset(["export", "local", "readonly", "declare", "typeset"])


class SimpleGrammar:
    """Reads one simple command, and the redirections that may follow any command."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def _newlines(self) -> None:
        """Skip blanks, comments and newlines."""
        self.reader.blanks()
        while self.reader.starts("\n"):
            self.reader.newline()
            self.reader.blanks()

    def _text(self, begin: int) -> str:
        end = min(self.reader.at, begin + 2 * TEXT_LENGTH)
        joined = self.reader.text[begin:end].replace("\\\n", " ")
        return " ".join(joined.split())[:TEXT_LENGTH]

    def _redirections(self) -> tuple[Redirection, ...]:
        found: list[Redirection] = []
        self.reader.blanks()
        while (redirection := self._redirection()) is not None:
            found.append(redirection)
            self.reader.blanks()
        return tuple(found)

    def _redirection(self) -> Redirection | None:
        operator = self.reader.take(REDIRECTED)
        if not operator:
            return None
        self.reader.blanks()
        if operator.endswith(("<<", "<<-")) and not operator.endswith("<<<"):
            document = HereDocument(self.reader.delimiter(), operator.endswith("-"))
            self.reader.pending.append(document)
            return Redirection(operator, None, document)
        target = self.reader.word()
        if target is None:
            raise self.reader.error(f"nothing after {operator!r}")
        return Redirection(operator, target)

    def simple(self) -> Node:
        """Assignments, words and redirections, in any order the shell allows."""
        begin, line = self.reader.at, self.reader.line()
        self.reader.count()
        assignments: list[Assignment] = []
        declared: list[Assignment] = []
        words: list[Word] = []
        redirections: list[Redirection] = []
        end = begin
        while True:
            if redirection := self._redirection():
                redirections.append(redirection)
            elif not words and (assignment := self._assignment()):
                assignments.append(assignment)
            elif words and words[0].text in DECLARING and (assignment := self._assignment()):
                declared.append(assignment)
            elif word := self.reader.word():
                words.append(word)
            else:
                break
            end = self.reader.at
            self.reader.blanks()
        if end == begin:
            raise self.reader.error(f"unexpected {self.reader.peek(10)!r}")
        self.reader.at = max(end, begin)
        text = self._text(begin)
        return Simple(line, text, tuple(assignments), tuple(words), tuple(declared), tuple(redirections))

    def _assignment(self) -> Assignment | None:
        found = ASSIGNED.match(self.reader.text, self.reader.at)
        if not found:
            return None
        self.reader.at = found.end()
        name, append, indexed = found[1], bool(found[3]), bool(found[2])
        if self.reader.starts("("):
            self.reader.at += 1
            return Assignment(name, None, self._elements(), append, indexed)
        value = self.reader.word() or Word("", ())
        return Assignment(name, value, None, append, indexed)

    def _elements(self) -> tuple[Word, ...]:
        elements: list[Word] = []
        self._newlines()
        while not self.reader.starts(")"):
            word = self.reader.word()
            if word is None:
                raise self.reader.error("unterminated array")
            elements.append(word)
            self._newlines()
        self.reader.at += 1
        return tuple(elements)
