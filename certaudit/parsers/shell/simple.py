"""Simple commands: expanded, then run as what they name, in the order POSIX XCU 2.9.1 gives.

Law: a call ends as a builtin, a function, a prefix, a shell, a readable shell script, or a leaf that is
listed; never as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from certaudit.parsers.program import program_name
from certaudit.parsers.shell.builtins import BUILTINS, PURE
from certaudit.parsers.shell.calls import Argv, Call
from certaudit.parsers.shell.conditions import absolute
from certaudit.parsers.shell.formula import ALWAYS, Formula
from certaudit.parsers.shell.prefixes import Peeled, peel
from certaudit.parsers.shell.records import Redirect, ScriptText
from certaudit.parsers.shell.scopes import Scopes, mentioning
from certaudit.parsers.shell.state import Field, State, Value
from certaudit.parsers.shell.syntax import Assignment, Redirection, Simple, Word
from certaudit.records import replace

SHELLS = frozenset(["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "rbash"])
SYSTEM = frozenset({"/bin", "/sbin", "/usr/bin", "/usr/sbin"})
EXPANDED = re.compile(r"[$`\\]")  # what a here-document's text may not be without its delimiter quoted
NOT_WRITTEN = re.compile(r"[0-9]*>&")
READ = re.compile(r"0?<(?:[&>]|<<)?")  # what gives a command another standard input
THE_SAME = frozenset({"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
NOT_KNOWN = "$(cat)"  # an input whose text only running it would tell
INTERPRETERS = re.compile(
    r"(?:python|perl|php|ruby|lua|tclsh|pypy)[0-9.]*|node|nodejs|expect|ansible-playbook"
)
MAKES = frozenset({"make", "gmake"})
MAKEFILES = ["GNUmakefile", "makefile", "Makefile"]  # in the order make(1) looks for them
SHEBANG = re.compile(r"#![ \t]*\S+(?:[ \t]+([^\n]{1,100}))?")


class Commands(Scopes):
    """Runs simple commands; what a script holds is run by the nodes' own methods."""

    def simple(self, node: Simple, state: State) -> Formula:
        """One simple command of a script."""
        place = state.frame.place(node)
        self.substituted = ALWAYS
        fields, _ = self.fields(node.words, state)
        redirects, stdin = self.redirects(node.redirections, state)
        if not fields:
            for assignment in node.assignments:
                self.assignment(assignment, state)
            return self.substituted
        given = tuple((one.name, self.value_before(one, state)) for one in node.assignments)
        call = Call(
            argv=tuple(fields), words=tuple(word.text for word in node.words), place=place, given=given,
            declared=node.declared, redirects=redirects, user=state.frame.user, stdin=stdin,
        )  # fmt: skip
        if stdin is None:
            return self.invoke(call, state)
        outer = state.frame.stdin
        state.frame = replace(state.frame, stdin=None)
        success = self.invoke(call, state)
        if call.argv != ("exec",):  # which redirects the shell itself
            state.frame = replace(state.frame, stdin=outer)
        return success

    def value_before(self, assignment: Assignment, state: State) -> Field:
        """The value of an assignment that stands before a command."""
        return None if assignment.value is None else self.single(assignment.value, state)

    def assignment(self, assignment: Assignment, state: State) -> None:
        """Carry out an assignment in this shell."""
        value: Value
        if assignment.elements is not None:
            fields, is_open = self.fields(assignment.elements, state)
            known = tuple(one if isinstance(one, str) else None for one in fields)
            keyed = any(word.text.startswith("[") for word in assignment.elements)
            value = None if is_open or keyed else known
        else:
            value = self.single(assignment.value or Word("", ()), state)
        if assignment.append:
            value = appended(state.variables.get(assignment.name), value)
        state.assign(assignment.name, None if assignment.indexed else value)

    def redirects(
        self, redirections: Sequence[Redirection], state: State
    ) -> tuple[tuple[Redirect, ...], str | None]:
        """The files that are written, and what is read instead of the standard input, if anything."""
        found: list[Redirect] = []
        stdin: str | None = None
        for one in redirections:
            if one.body is not None:
                stdin = one.body.text
            elif one.target is not None:
                target = self.single(one.target, state)
                if READ.fullmatch(one.operator):
                    stdin = input_of(one.operator, target, stdin)
                descriptor = (
                    NOT_WRITTEN.match(one.operator) and one.target.text.strip("0123456789-") == ""
                )
                if ">" in one.operator and not descriptor and target != "/dev/null":
                    found.append(Redirect(one.operator, target if isinstance(target, str) else None))
        return tuple(found), stdin

    def invoke(self, call: Call, state: State) -> Formula:
        """Run a call as what its first word names."""
        first = call.argv[0] if call.argv else ""
        if not isinstance(first, str):
            named = call.words[0] if call.words and not call.prefixes else call.place.text
            reason = f"the command is the value of {named[:100]}, which is not known"
            self.unresolved(call.place, reason, call.place.text)
            return self.leaf(call, state)
        if not call.prefixes and first in state.functions:
            return self.nest(call, state, lambda: self.function(first, call, state))
        builtin = (PURE if call.external else BUILTINS).get(first)
        if builtin is not None and not call.elsewhere:
            return self.nest(call, state, lambda: builtin(self, call, state))
        peeled = peel(call.argv)
        if peeled is not None:
            return self.nest(call, state, lambda: self.prefixed(peeled, call, state))
        if program_name(first) in SHELLS and not call.elsewhere:
            return self.nest(call, state, lambda: self.shell(call, state))
        return self.external(first, call, state)

    def function(self, name: str, call: Call, state: State) -> Formula:
        """Call a function of the script."""
        node, defined = state.functions[name]
        if (defined.path, name) in self.active:
            self.unresolved(call.place, f"the function {name} calls itself", call.place.text)
            return self.leaf(call, state)
        self.active.add((defined.path, name))
        try:
            return self.within(node.body, defined, call, state)
        finally:
            self.active.discard((defined.path, name))

    def prefixed(self, peeled: Peeled, call: Call, state: State) -> Formula:
        """Run what a prefix program starts."""
        inner = replace(
            call,
            argv=peeled.argv,
            prefixes=(*call.prefixes, peeled.name),
            user=peeled.user or call.user,
            given=(() if peeled.clears else call.given) + peeled.environment,
            external=True,
            cleared=call.cleared or peeled.clears,
            elsewhere=call.elsewhere or peeled.elsewhere,
        )
        if not peeled.is_text:
            return self.invoke(inner, state)
        argv: Argv = ("sh", "-c", peeled.text, *peeled.arguments)
        return self.invoke(replace(inner, argv=argv), state)

    def shell(self, call: Call, state: State) -> Formula:
        """``sh -c text``, ``sh script``, or a shell that reads a here-document that nothing expands."""
        name = program_name(str(call.argv[0]))
        options, is_text, rest = shell_options(call.argv[1:])
        if rest is None or (is_text and not isinstance(rest[0], str)):
            self.unresolved(call.place, "the text for the shell is not known", call.place.text)
            return self.leaf(call, state)
        if is_text:
            return self.shell_text(str(rest[0]), name, options, replace(call, argv=rest[1:]), state)
        if not rest or "stdin" in options:
            return self.shell_input(name, options, replace(call, argv=(name, *rest)), state)
        if not isinstance(rest[0], str):
            self.unresolved(call.place, "the name of the script is not known", call.place.text)
            return self.leaf(call, state)
        if PurePosixPath(rest[0]).name in self.limits.leaves:
            return self.external(rest[0], replace(call, argv=rest), state)
        path = absolute(rest[0], state.directory)
        script = self.machine.script(path) if path else None
        if script is None:
            self.unresolved(call.place, f"the script {rest[0][:200]} could not be read", call.place.text)
            return self.leaf(call, state)
        inner = replace(call, argv=rest)
        return self.script(script, rest[0], name, options, inner, state)

    def shell_input(self, name: str, options: frozenset[str], call: Call, state: State) -> Formula:
        """A shell that reads its commands: from a here-document, or from what the entry is given."""
        given, inner = state.frame.stdin, replace(call, stdin=None)
        if call.stdin is not None and not EXPANDED.search(call.stdin):
            # it begins on the line below
            return self.shell_text("\n" + call.stdin, name, options, inner, state)
        if call.stdin is None and given is not None:
            state.frame = replace(state.frame, stdin=None)
            return self.shell_text(given, name, options, inner, state, flat=True)
        lines = mentioning(call.place.text if call.stdin == NOT_KNOWN else call.stdin or "")
        self.unresolved(call.place, "the shell reads its commands from standard input", lines)
        return self.leaf(call, state)

    def external(self, first: str, call: Call, state: State) -> Formula:
        """A program: followed if it is a readable shell script, else a leaf."""
        if INTERPRETERS.fullmatch(program_name(first)) and not call.elsewhere:
            self.interpreted(call, state)
        if program_name(first) in MAKES and not call.elsewhere:
            self.made(call, state)
        path = self.program(first, call, state)
        known = program_name(first) in self.limits.leaves or (path or "").startswith("/etc/init.d/")
        if path is None or known or call.elsewhere:
            return self.leaf(call, state, path)
        script = self.machine.script(path)
        if script is None:
            return self.leaf(call, state, path)
        language = program_name(script.interpreter or "sh")
        if language in SHELLS or language == "busybox":
            shebang = SHEBANG.match(script.text)
            letters = (shebang[1] or "").split()[-1:] if shebang else []
            options = shell_options(tuple(letters))[0]
            # execve(2): the interpreter is given the path that the search found, and that is $0
            name = first if "/" in first else path
            return self.script(script, name, language, options, call, state)
        if str(PurePosixPath(script.path).parent) not in SYSTEM:
            reason = f"a {language.rstrip('0123456789.')} script: not followed"
            self.unresolved(call.place, reason, mentioning(script.text))
        return self.leaf(call, state, path)

    def interpreted(self, call: Call, state: State) -> None:
        """Say where an interpreter's script, or the text it is given, names a client."""
        for before, word in pairwise(call.argv):
            if not isinstance(word, str):
                return
            if before in ("-c", "-e", "-r") or (word[:1] != "-" and before != "-m"):
                text = word if before in ("-c", "-e", "-r") else self.not_shell(word, state.directory)
                if lines := mentioning(text):
                    self.unresolved(call.place, "a text for an interpreter: not followed", lines)
                return

    def made(self, call: Call, state: State) -> None:
        """Say where a makefile names a client: make(1), ``-C`` and ``-f``, and its usual names."""
        given = dict(pairwise(word for word in call.argv if isinstance(word, str)))
        directory = absolute(given.get("-C", "."), state.directory)
        names = [given["-f"]] if "-f" in given else MAKEFILES
        for name in names:
            path = absolute(name, directory)
            known = path is not None and self.machine.test("-e", path) is not False
            if known and (text := self.not_shell(name, directory)):
                if lines := mentioning(text):
                    self.unresolved(call.place, "a makefile: not followed", lines)
                return

    def not_shell(self, word: str, directory: str | None) -> str:
        """The text of an interpreter's script, or nothing: not there, packaged, or itself a client."""
        path = absolute(word, directory)
        known = program_name(word) in self.limits.leaves
        script = self.machine.script(path) if path and not known else None
        packaged = script is None or str(PurePosixPath(script.path).parent) in SYSTEM
        return "" if script is None or packaged else script.text

    def program(self, first: str, call: Call, state: State) -> str | None:
        """The file that a command's first word names, or ``None``."""
        if call.elsewhere:
            return None
        if "/" not in first:
            return self.machine.which(first, state.search_path())
        path = absolute(first, state.directory)
        if path is None:
            reason = "it is named relative to a directory that is not known"
            self.unresolved(call.place, reason, call.place.text)
        return path

    def script(
        self,
        script: ScriptText,
        name: str,
        shell: str,
        options: frozenset[str],
        call: Call,
        state: State,
    ) -> Formula:
        """Run a script in a shell of its own, unless it is being run already."""
        if script.path in state.frame.scripts:
            self.unresolved(call.place, f"the script {script.path} calls itself", call.place.text)
            return self.leaf(call, state)
        if len(script.text) > self.limits.text:
            self.unresolved(call.place, f"the script {script.path} is too long", call.place.text)
            return self.leaf(call, state)
        return self.nest(
            call, state, lambda: self.child_script(script, name, shell, options, call, state)
        )


def input_of(operator: str, target: Field, before: str | None) -> str | None:
    """The text that a redirection gives a command to read; ``before``: what it read until then."""
    same = {"0", "0-"} if "&" in operator else THE_SAME
    if "<<" not in operator and target in same:
        return before
    nothing = {"-"} if "&" in operator else {"/dev/null"}
    return "" if "<<" not in operator and target in nothing else NOT_KNOWN


def appended(before: Value, value: Value) -> Value:
    """The value after ``+=``."""
    if isinstance(before, str) and isinstance(value, str):
        return before + value if len(before) + len(value) < 100_000 else None
    if isinstance(before, tuple) and isinstance(value, tuple):
        return (*before, *value) if len(before) + len(value) < 10_000 else None
    return None


def shell_options(words: Argv) -> tuple[frozenset[str], bool, Argv | None]:
    """A shell's own options, whether a text follows (``-c``), and what comes after them.

    The rest is ``None`` if a word that may be an option is not known, or the text is missing.
    """
    rest = list(words)
    options: set[str] = set()
    is_text = False
    while rest:
        word = rest[0]
        if not isinstance(word, str):
            return frozenset(options), is_text, tuple(rest) if is_text else None
        if word == "--" or word[:1] not in ("-", "+") or len(word) < 2:
            rest = rest[1:] if word in ("--", "-") else rest
            break
        del rest[0]
        if word.startswith("--"):
            if word in ("--rcfile", "--init-file"):
                del rest[:1]
            continue
        if word[0] == "-":
            is_text |= "c" in word
            options |= {"errexit"} if "e" in word else set()
            options |= {"stdin"} if "s" in word else set()
        if word[-1] in "oO" and rest:
            named = rest.pop(0)
            options |= {named} if isinstance(named, str) and word[0] == "-" else set()
    if is_text and not rest:
        return frozenset(options), is_text, None
    return frozenset(options), is_text, tuple(rest)
