"""Random scripts whose every command is one of two fake programs with a number of its own."""

from __future__ import annotations

import random
from collections.abc import Callable


class Generator:
    """Scripts of a seed: ``ok N ...`` ends with success, ``no N ...`` with failure."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.number = 0
        self.functions: list[str] = []
        self.in_function = 0
        self.in_loop = 0
        self.repeats = 0  # around a loop that would never end after "continue"

    def script(self) -> str:
        lines = [self.random.choice(["", "set -e", "set -e -o noglob", "set -o errexit", ""])]
        lines += ["v=one", "w='two words'", "unset u", "set -- first 'sec ond'"]
        for name in ("f", "g")[: self.random.randint(0, 2)]:
            self.in_function += 1
            loops, self.in_loop = self.in_loop, 0
            lines.append(f"{name}() {{\n{self.lines(1, 3)}\n}}")
            self.in_loop = loops
            self.in_function -= 1
            self.functions.append(name)
        lines.append(self.lines(0, 6))
        return "\n".join(lines) + "\n"

    def lines(self, depth: int, most: int) -> str:
        return "\n".join(self.statement(depth) for _ in range(self.random.randint(1, most)))

    def call(self) -> str:
        self.number += 1
        name = self.random.choice(["ok", "ok", "no"])
        words = ['"$v"', "$w", '"$w"', "'a b'", "x\\ y", "${u:-d e}", '"${u-}"', "$1", '"$@"', "$#",
                 "-$v-", '"${w%% *}"', '"${v#o}"', "$(dirname /a/b)", '"pre$v"post', "''"]  # fmt: skip
        return f"{name} {self.number} " + " ".join(
            self.random.choice(words) for _ in range(self.random.randint(0, 2))
        )

    def condition(self, depth: int) -> str:
        choices: list[Callable[[], str]] = [
            self.call,
            self.call,
            lambda: f"! {self.call()}",
            lambda: f"{self.call()} && {self.call()}",
            lambda: f"{self.call()} || {self.call()}",
            lambda: "[ -d there ]",
            lambda: "[ ! -d there ]",
            lambda: "test -e missing -o -d there",
            lambda: '[ "$v" = one ]',
            lambda: '[ "$w" != one ] && [ -d missing ]',
            lambda: "[ $? -eq 0 ]",
            lambda: "true",
            lambda: "false",
        ]
        return self.random.choice(choices)()

    def statement(self, depth: int) -> str:
        simple: list[Callable[[], str]] = [self.call] * 4 + [
            self.and_or,
            self.assign,
            self.status,
            self.leave,
        ]
        compound: list[Callable[[int], str]] = [
            self.branch,
            self.loop,
            self.repeat,
            self.case,
            self.group,
            self.substitution,
        ]
        if depth >= 3:
            return self.random.choice(simple)()
        if self.functions and self.random.random() < 0.15:
            return f"{self.random.choice(self.functions)} arg '{self.random.choice('xyz')} z'"
        if self.random.random() < len(compound) / (len(simple) + len(compound)):
            return self.random.choice(compound)(depth + 1)
        return self.random.choice(simple)()

    def and_or(self) -> str:
        parts = [self.condition(3)]
        for _ in range(self.random.randint(1, 2)):
            parts.append(self.random.choice(["&&", "||"]))
            parts.append(self.random.choice([self.call, self.leave])())
        return " ".join(parts)

    def assign(self) -> str:
        return self.random.choice(
            ["v=two", "w=$v", 'v="$v+"', "u=set", "unset u", "v=one w=z", "v=${u:-q}"]
        )

    def status(self) -> str:
        return f"{self.call()}\nrc=$?\n[ $rc -ne 0 ] && {self.call()}"

    def leave(self) -> str:
        choices = ["exit 0", "exit 3", "exit"]
        choices += ["return 0", "return 1", "return"] * 2 if self.in_function else []
        choices += ["break"] * 3 if self.in_loop else []
        choices += ["continue"] * 3 if self.in_loop and not self.repeats else []
        word = self.random.choice(choices)
        return word if self.random.random() < 0.15 else f"{self.condition(3)} && {word}"

    def branch(self, depth: int) -> str:
        text = f"if {self.condition(depth)}; then\n{self.lines(depth, 2)}\n"
        if self.random.random() < 0.3:
            text += f"elif {self.condition(depth)}; then\n{self.lines(depth, 2)}\n"
        if self.random.random() < 0.5:
            text += f"else\n{self.lines(depth, 2)}\n"
        return text + "fi"

    def loop(self, depth: int) -> str:
        self.in_loop += 1
        head = self.random.choice(["for i in 1 two 'th ree'", "for i in $w", 'for i in "$@"', "for i"])
        text = f'{head}; do\n{self.call()} "$i"\n{self.lines(depth, 2)}\ndone'
        self.in_loop -= 1
        return text

    def repeat(self, depth: int) -> str:
        self.in_loop += 1
        self.repeats += 1
        head = self.random.choice(["while", "until"])
        text = f"{head} {self.call()}; do\n{self.lines(depth, 2)}\nbreak\ndone"
        self.in_loop -= 1
        self.repeats -= 1
        return text

    def case(self, depth: int) -> str:
        word = self.random.choice(["$v", '"$w"', "$u", "$?", "one"])
        return (
            f"case {word} in\none|two*) {self.lines(depth, 1)};;\n0) {self.lines(depth, 1)};;\n"
            f"*) {self.lines(depth, 1)};;\nesac"
        )

    def group(self, depth: int) -> str:
        loops, functions = self.in_loop, self.in_function
        kind = self.random.choice(["{}", "()", "|"])
        if kind == "{}":
            return f"{{\n{self.lines(depth, 2)}\n}}"
        self.in_loop = self.in_function = 0
        body = self.lines(depth, 2)
        self.in_loop, self.in_function = loops, functions
        return f"(\n{body}\n)" if kind == "()" else f"{self.call()} | {{\n{body}\n}}"

    def substitution(self, depth: int) -> str:
        return self.random.choice(
            [f"out=$({self.call()})", f"{self.call()} $({self.call()}) `{self.call()}`"]
        )
