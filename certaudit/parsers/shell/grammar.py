"""A script's text as a syntax tree: POSIX XCU 2.10, with the reserved words bash adds.

Law: nothing but the text is looked at; what stands before a syntax error is kept, as a shell runs it
before it comes to the error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from certaudit.parsers.shell.grammar_simple import SimpleGrammar
from certaudit.parsers.shell.syntax import (
    AndOr,
    Arithmetic,
    Block,
    Case,
    Conditional,
    For,
    Function,
    Group,
    If,
    Item,
    Literal,
    Loop,
    Node,
    Pipeline,
    Word,
)
from certaudit.parsers.shell.tokens import Reader, ShellSyntaxError

END = r"(?=[ \t\n;&|()<>]|$)"
RESERVED = re.compile(
    rf"(?:if|then|elif|else|fi|while|until|for|select|do|done|case|esac|in|function)(?:\\\n)?{END}"
    rf"|[{{}}!]{END}|\[\[{END}"
)
CLOSERS = frozenset(["then", "elif", "else", "fi", "do", "done", "esac", "in", "}"])
TIMED = re.compile(r"time(?:[ \t]+-p)?[ \t]+(?=[({!]|(?:if|while|until|for|case)[ \t])")
FUNCTION = re.compile(r"([^ \t\n;&|<>()$`'\"\\=]+)[ \t]*\([ \t]*\)")
EMPTY_PARENTHESES = re.compile(r"[ \t]*\([ \t]*\)")
FUNCTION_NAME = re.compile(r"[^ \t\n;&|<>()$`'\"\\]+")
SEPARATOR = re.compile(r";(?!;|&)|&(?![&>])|\n")
NAME_ONLY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MATCHES = re.compile(r"(?:'[^']*'|\"[^\"]*\"|\\.|[^ \t\n'\"\\])+", re.DOTALL)
COND_OPERATOR = re.compile(r"&&|\|\||[()<>]|!(?=[ \t\n(])")


class Parsed(Struct, frozen=True):
    """The commands of a script up to its end, or to the first syntax error (reason, line)."""

    body: Block
    error: tuple[str, int] | None = None


@lru_cache(maxsize=8)  # one script is often started by several units, such as apt's daily one
def parse_script(text: str, line: int = 1) -> Parsed:
    """Read a whole script; ``line`` is the number of its first line. Never raises."""
    grammar = Grammar(Reader(text, nested, line, 0))
    try:
        grammar.top_level()
    except ShellSyntaxError as error:
        return Parsed(Block(tuple(grammar.items)), (error.reason, error.line))
    return Parsed(Block(tuple(grammar.items)))


def nested(reader: Reader, closed: bool) -> Block:
    """The commands of a substitution: up to ``)`` if ``closed``, else to the end of the text."""
    body = Grammar(reader).block()
    if not closed and reader.at < len(reader.text):
        raise reader.error(f"unexpected {reader.peek(10)!r}")
    return body


class Grammar(SimpleGrammar):
    """Recursive descent over a reader; every method leaves the reader after what it read."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self.items: list[Item] = []

    def top_level(self) -> None:
        """Fill ``items`` with the commands of the whole text."""
        self._fill(self.items)
        if self.reader.at < len(self.reader.text):
            raise self.reader.error(f"unexpected {self.reader.peek(10)!r}")

    def block(self) -> Block:
        """A list of commands up to a closing word or sign, which is not taken."""
        items: list[Item] = []
        self._fill(items)
        return Block(tuple(items))

    def _fill(self, items: list[Item]) -> None:
        self._newlines()
        while self.reader.at < len(self.reader.text) and not self._closing():
            node = self.and_or()
            self.reader.blanks()
            background = self.reader.starts("&") and not self.reader.starts("&&")
            items.append(Item(node, background))
            found = SEPARATOR.match(self.reader.text, self.reader.at)
            if not found:
                return
            if found[0] != "\n":
                self.reader.at += 1
            self._newlines()

    def _closing(self) -> bool:
        if self.reader.starts(")") or self.reader.starts(";"):
            return True
        return self._reserved() in CLOSERS

    def _reserved(self) -> str:
        found = RESERVED.match(self.reader.text, self.reader.at)
        return found[0].rstrip("\\\n") if found else ""

    def _expect(self, *words: str) -> str:
        """Take one of these words, after newlines; it is a syntax error if none comes."""
        self._newlines()
        for word in words:
            if self.reader.starts(word):
                self.reader.at += len(word)
                return word
        raise self.reader.error(f"expected {words[-1]!r}, found {self.reader.peek(10)!r}")

    def and_or(self) -> Node:
        """Pipelines joined by ``&&`` and ``||``."""
        begin, line = self.reader.at, self.reader.line()
        first = self.pipeline()
        rest: list[tuple[str, Node]] = []
        self.reader.blanks()
        while self.reader.peek(2) in ("&&", "||"):
            operator = self.reader.peek(2)
            self.reader.at += 2
            self._newlines()
            rest.append((operator, self.pipeline()))
            self.reader.blanks()
        return AndOr(line, self._text(begin), first, tuple(rest)) if rest else first

    def pipeline(self) -> Node:
        """Commands joined by ``|``, after any number of ``!``."""
        begin, line = self.reader.at, self.reader.line()
        negated = False
        while self._reserved() == "!":
            negated = not negated
            self.reader.at += 1
            self.reader.blanks()
        self.reader.take(TIMED)
        commands = [self.command()]
        self.reader.blanks()
        while self.reader.starts("|") and not self.reader.starts("||"):
            self.reader.at += 2 if self.reader.starts("|&") else 1
            self._newlines()
            commands.append(self.command())
            self.reader.blanks()
        if len(commands) == 1 and not negated:
            return commands[0]
        return Pipeline(line, self._text(begin), tuple(commands), negated)

    def command(self) -> Node:
        """One simple or compound command, or a function's definition."""
        reserved = self._reserved()
        compound = self._compounds().get(reserved)
        if self.reader.starts("(("):
            end = self.reader.arithmetic_end(self.reader.at + 2)
            if end is not None:
                return self._arithmetic(end)
        if self.reader.starts("("):
            compound = self._subshell
        if compound is not None:
            self.reader.deeper()
            node = compound(self.reader.at, self.reader.line())
            self.reader.depth -= 1
            return node
        if reserved:
            raise self.reader.error(f"unexpected {reserved!r}")
        if found := FUNCTION.match(self.reader.text, self.reader.at):
            return self._function(found)
        return self.simple()

    def _compounds(self) -> dict[str, Callable[[int, int], Node]]:
        return {
            "if": self._if,
            "while": self._loop,
            "until": self._loop,
            "for": self._for,
            "select": self._for,
            "case": self._case,
            "{": self._group,
            "[[": self._conditional,
            "function": self._function_word,
        }

    def _arithmetic(self, end: int) -> Node:
        begin, line = self.reader.at, self.reader.line()
        self.reader.at = end
        return Arithmetic(line, self._text(begin), self.reader.text[begin + 2 : end - 2])

    def _subshell(self, begin: int, line: int) -> Node:
        self.reader.at += 1
        body = self.block()
        self._expect(")")
        return Group(line, self._text(begin), body, True, self._redirections())

    def _group(self, begin: int, line: int) -> Node:
        self.reader.at += 1
        body = self.block()
        self._expect("}")
        return Group(line, self._text(begin), body, False, self._redirections())

    def _if(self, begin: int, line: int) -> Node:
        branches: list[tuple[Block, Block]] = []
        word = self._expect("if")
        otherwise = Block()
        while word in ("if", "elif"):
            condition = self.block()
            self._expect("then")
            branches.append((condition, self.block()))
            word = self._expect("elif", "else", "fi")
        if word == "else":
            otherwise = self.block()
            self._expect("fi")
        text = self._text(begin)
        return If(line, text, tuple(branches), otherwise, self._redirections())

    def _loop(self, begin: int, line: int) -> Node:
        until = self._expect("while", "until") == "until"
        condition = self.block()
        body = self._do()
        return Loop(line, self._text(begin), condition, body, until, self._redirections())

    def _do(self) -> Block:
        self._expect("do")
        body = self.block()
        self._expect("done")
        return body

    def _for(self, begin: int, line: int) -> Node:
        self._expect("for", "select")
        self.reader.blanks()
        name: str | None = None
        words: tuple[Word, ...] | None = ()
        if self.reader.starts("(("):
            end = self.reader.arithmetic_end(self.reader.at + 2)
            if end is None:
                raise self.reader.error("unterminated for ((")
            self.reader.at = end
        else:
            name = self.reader.take(NAME_ONLY)
            if not name:
                raise self.reader.error("for without a name")
            words = self._for_words()
        self.reader.blanks()
        if self.reader.starts(";"):
            self.reader.at += 1
        self._newlines()
        body = self._group_body() if self._reserved() == "{" else self._do()
        return For(line, self._text(begin), name, words, body, self._redirections())

    def _group_body(self) -> Block:
        self.reader.at += 1
        body = self.block()
        self._expect("}")
        return body

    def _for_words(self) -> tuple[Word, ...] | None:
        self._newlines()
        if self._reserved() != "in":
            return None
        self.reader.at += 2
        words: list[Word] = []
        self.reader.blanks()
        while (word := self.reader.word()) is not None:
            words.append(word)
            self.reader.blanks()
        return tuple(words)

    def _case(self, begin: int, line: int) -> Node:
        self._expect("case")
        self.reader.blanks()
        word = self.reader.word()
        if word is None:
            raise self.reader.error("case without a word")
        self._expect("in")
        branches: list[tuple[tuple[Word, ...], Block]] = []
        self._newlines()
        while self._reserved() != "esac":
            branches.append((self._patterns(), self.block()))
            self._newlines()
            if self.reader.starts(";"):
                self.reader.at += 3 if self.reader.starts(";;&") else 2
                self._newlines()
            elif self._reserved() != "esac":
                raise self.reader.error(f"unexpected {self.reader.peek(10)!r} in case")
        self._expect("esac")
        return Case(line, self._text(begin), word, tuple(branches), self._redirections())

    def _patterns(self) -> tuple[Word, ...]:
        if self.reader.starts("("):
            self.reader.at += 1
        patterns: list[Word] = []
        while True:
            self.reader.blanks()
            word = self.reader.word()
            if word is None:
                raise self.reader.error(f"unexpected {self.reader.peek(10)!r} in case")
            patterns.append(word)
            self.reader.blanks()
            if self.reader.starts(")"):
                self.reader.at += 1
                return tuple(patterns)
            if not self.reader.starts("|"):
                raise self.reader.error(f"unexpected {self.reader.peek(10)!r} in case")
            self.reader.at += 1

    def _conditional(self, begin: int, line: int) -> Node:
        self.reader.at += 2
        tokens: list[Word] = []
        while True:
            self._newlines()
            if self.reader.starts("]]"):
                self.reader.at += 2
                break
            tokens.append(self._condition_token(tokens))
        return Conditional(line, self._text(begin), tuple(tokens))

    def _condition_token(self, before: list[Word]) -> Word:
        if before and before[-1].text == "=~":
            taken = self.reader.take(MATCHES)
            return Word(taken, (Literal(taken, True),))
        if operator := self.reader.take(COND_OPERATOR):
            return Word(operator, ())
        word = self.reader.word()
        if word is None:
            raise self.reader.error("unterminated [[")
        return word

    def _function_word(self, begin: int, line: int) -> Node:
        self.reader.at += len("function")
        self.reader.blanks()
        name = self.reader.take(FUNCTION_NAME)
        self.reader.take(EMPTY_PARENTHESES)
        return self._function_body(begin, line, name)

    def _function(self, found: re.Match[str]) -> Node:
        begin, line = self.reader.at, self.reader.line()
        self.reader.at = found.end()
        return self._function_body(begin, line, found[1])

    def _function_body(self, begin: int, line: int, name: str) -> Node:
        self._newlines()
        self.reader.deeper()
        body = self.command()
        self.reader.depth -= 1
        return Function(line, self._text(begin), name, body)
