"""What the reader says against what dash and bash really run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from certaudit.parsers.shell import Command, CommandLine, Place, Trace, follow
from certaudit.parsers.shell.grammar import parse_script
from tests.parsers.shell.generated import Generator
from tests.parsers.shell.machines import DirectoryMachine
from tests.summary import SEED, compared, scaled

SHELLS = [name for name in ("dash", "bash") if shutil.which(name)]
FAKE = """#!/bin/sh
printf '%s\\0' "${{0##*/}}" "$@" '<end>' >> '{log}'
exit {status}
"""
Argv = tuple[str, ...]


class World:
    """A directory with fake programs that note how they were called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bin = root / "bin"
        self.log = root / "log"
        (root / "there").mkdir(parents=True)
        self.bin.mkdir()
        for name, status in (("ok", 0), ("no", 1)):
            self.program(name, status)
        self.environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(root)}

    def program(self, name: str, status: int = 0) -> None:
        file = self.bin / name
        file.write_text(FAKE.format(log=self.log, status=status))
        file.chmod(0o755)

    def script(self, name: str, text: str) -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
        return file

    def run(self, shell: str, text: str, stdin: str = "") -> list[Argv]:
        self.log.write_bytes(b"")
        subprocess.run(
            [shell, "-c", text], cwd=self.root, env=self.environment, timeout=20, check=False,
            input=stdin.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        records = self.log.read_bytes().decode().split("<end>\0")
        return [tuple(record.split("\0")[:-1]) for record in records if record]

    def follow(self, shell: str, text: str, stdin: str | None = None) -> Trace:
        place = Place("/etc/cron.d/x", 1, text[:300])
        environment = tuple(self.environment.items())
        entry = CommandLine(text, place, environment, f"/bin/{shell}", stdin=stdin)
        return follow(entry, DirectoryMachine(self.bin))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def same(said: Sequence[str | None], real: Sequence[str]) -> bool:
    """Does an argument list with unknown words (any number of real ones) fit a real one?"""
    if not said:
        return not real
    if said[0] is None:
        return any(same(said[1:], real[n:]) for n in range(len(real) + 1))
    return bool(real) and said[0] == real[0] and same(said[1:], real[1:])


def fakes(trace: Trace, names: Sequence[str] = ("ok", "no")) -> list[Command]:
    return [c for c in trace.commands if c.argv and c.argv[0] in (*names, None)]


def predictions(trace: Trace) -> dict[int, bool | None]:
    """Whether each command runs, as guards and needs tell when the programs' statuses are known."""
    runs: dict[int, bool | None] = {}
    for command in trace.commands:
        answers: list[bool | None] = [guard.holds for guard in command.guards]
        for need in command.needs:
            if need.condition == "any-known":
                answers.append(None)
                continue
            earlier = trace.commands[need.command - 1]
            if earlier.argv[0] not in ("ok", "no"):
                answers.append(None)
                continue
            fits = (earlier.argv[0] == "ok") == (need.condition == "success")
            answers.append(False if not fits else runs[need.command])
        runs[command.number] = False if False in answers else None if None in answers else True
    return runs


def check(trace: Trace, real: list[Argv]) -> None:
    listed = fakes(trace)
    runs = predictions(trace)
    for argv in real:
        fitting = [runs[c.number] for c in listed if same(c.argv, argv)]
        assert fitting, f"ran, but is not listed: {argv}"
        assert set(fitting) != {False}, f"said not to run, ran: {argv}"
    for command in listed:
        if runs[command.number] is True:
            ran = any(same(command.argv, argv) for argv in real)
            assert ran, f"said to run, did not: {command}"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("number", range(scaled(40)))
def test_generated_scripts_run_as_they_are_read(world: World, shell: str, number: int) -> None:
    text = Generator(f"{SEED}/{number}").script()
    check(world.follow(shell, text), world.run(shell, text))
    compared(f"scripts: {shell}", 1)


HAND_MADE = [
    'x=$(ok 1 a); y=`ok 2 "b c"`; ok 3 "$x$y"',
    "ok 1 \\\n  two \\\n  # three\nok 2 # four",
    "cat <<E\nok 1\nE\nok 2 <<'E' after\nno 3\nE\nok 4",
    "cat <<-E | ok 1 x\n\tok 2\n\tE\nok 3",
    'f() { ok 1 "$1" $#; shift; ok 2 "$@"; return 1; }; f a \'b c\' || ok 3',
    "g() ( ok 1; exit 1 )\ng && no 2\nok 3",
    'cd there && ok 1 "$(basename "$PWD")"; cd .. && ok 2',
    "for f in a b; do for g in c d; do ok 1 $f$g; [ $g = c ] && continue 2; no 2; done; done; ok 3",
    'n=0; while [ $n -lt 3 ]; do n=$((n+1)); ok 1 $n; done; ok 2 "$n"',
    "printf 'a\\nb\\n' | while read -r l; do ok 1 \"$l\"; done; ok 2",
    "case abc in a*) ok 1;; *) no 2;; esac; case 'a b' in 'a b'|x) ok 3;; esac",
    'set -- -a x; while [ $# -gt 0 ]; do case $1 in -a) ok 1 "$2"; shift;; esac; shift; done; ok 2',
    "trap 'ok 9 $v' EXIT; v=end; no 1; exit 3",
    "{ ok 1; no 2; } > out && no 3; ok 4 >> out 2>&1",
    'env A=b ok 1; nice -n 1 ok 2; timeout 5 ok 3 x; nohup ok 4; env -i PATH="$PATH" ok 5',
    "sh -c 'ok 1 \"$0\" \"$@\"' zero 'o ne'; sh -ec 'no 2; no 3'; ok 4",
    "exec ok 1 last\nno 2",
    "eval \"ok 1 'a b'\"; c='ok 2 x'; $c; eval $c \\; ok 3",
    "! no 1 && ok 2; ! ok 3 || no 4; ok 5",
    "if no 1; then no 2; elif ok 3; then ok 4; else no 5; fi && ok 6",
    "command ok 1; command -v ok >/dev/null && ok 2; command -v nothing-there || ok 3",
    "ok 1 & wait; ok 2",
    "[ -n \"$HOME\" ] && ok 1; [ -z '' -a -d there ] && ok 2; [ ! -e there -o 1 -gt 2 ] || ok 3",
    "./run.sh 'a b' && ok 1",
    ". ./lib.sh x; lib y; ok 1 $LIB",
    'd=$(cd "$(dirname ./run.sh)" && pwd); $d/run.sh sub',
    'p=ok; "$p" 1; ${p} 2; $p$q 3',
    "a=1 b=2 ok 1 $a; a=3; ok 2 ${a} ${b:-none} ${HOME:+set} ${a%3}${a#x}",
    'ok 1 ~ ~/x \'a\'"b"c "" \'\' "a\'b" \'a"b\' \\$x "\\$x" "a\\b"',
    "set -e; f() { no 1; ok 2; }; if f; then ok 3; fi; f || ok 4; f; no 5",
    "set -e; (no 1; no 2); no 3",
    "set -e; x=$(no 1); no 2",
    "set -e; no 1 | ok 2; ok 3; no 4 && no 5; ok 6; { no 7; }; no 8",
    "until ok 1; do no 2; done; ok 3; while false; do no 4; done; ok 5",
    "if true; then :; fi; ok 1; f() { :; }; f && ok 2; (exit 3) || ok 3; (exit 0) && ok 4",
]
BASH_ONLY = [
    'a=(\'x y\' z); ok 1 "${a[@]}" ${#a[@]} "${a[1]}"; a+=(w); ok 2 "${a[@]}"',
    "ok 1 {a,b}{1..2} x{c,d}y; ok 2 '{a,b}' \"{a,b}\"",
    "[[ -d there && ! -e missing ]] && ok 1; [[ abc == a* ]] && ok 2; [[ a = b || x = x ]] && ok 3",
    "function f { local v=in; ok 1 $v; }; v=out; f; ok 2 $v",
    "set -o pipefail; no 1 | ok 2 && no 3; ok 4",
    "ok 1 <(true) | true; ok 2 $'a\\tb'; (( 1 )) && ok 3; for ((i=0;i<2;i++)); do ok 4 $i; done",
    "source ./lib.sh; lib z; ./run.sh; pushd there >/dev/null; ok 1; popd >/dev/null; ok 2",
    "no 1; if (( $? != 0 )); then ok 2; fi; ok 3 &>> out; time ok 4",
    "while read -r x; do ok 1 \"$x\"; done < <(printf 'a\\nb\\n'); ok 2",
]
RUN = """#!/bin/bash
HERE="$(dirname "$(readlink -f "$0")")"
set -eu
. "$HERE/lib.sh"
lib "${1:-none}" "$#"
ok run
"""
LIB = """LIB=lib
lib() {
  local w="$*"
  ok "$LIB" "$w"
}
"""


@pytest.mark.parametrize(
    ("shell", "text"),
    [(shell, text) for shell in SHELLS for text in HAND_MADE]
    + [("bash", text) for text in BASH_ONLY if "bash" in SHELLS],
)
def test_hand_made_scripts_run_as_they_are_read(world: World, shell: str, text: str) -> None:
    world.script("run.sh", RUN)
    world.script("lib.sh", LIB)
    trace = world.follow(shell, text)
    check(trace, world.run(shell, text))
    assert not [u for u in trace.unresolved if "not read further" in u.reason]


REDIRECTED = [
    "sh",
    "sh < /dev/stdin",
    "sh <&0",
    "sh 3< plain",
    "{ true; } < plain; sh",
    "true < plain && sh",
    "sh < plain",
    "sh 0<> plain",
    "sh < /dev/null",
    "sh <&-",
    "sh <<E\nE",
    "sh <<E\nok 8\nE",
    "{ sh; } < plain",
    "(sh) < plain",
    "for i in 1; do sh; done < plain",
    "f() { sh; }; f < plain",
    "eval sh < plain",
    "sh -c sh < plain",
    "exec < plain; sh",
    "true | sh",
    "sh < plain; sh",
    "cat > out; sh",
    "tee out < plain; sh",
    "tee out; sh",
    "cat plain; sh",
    "wc -l; sh",
    "read l; sh",
    "read l < plain; sh",
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", REDIRECTED)
def test_a_shell_reads_what_its_redirections_leave_it(world: World, shell: str, text: str) -> None:
    world.script("plain", "true\n")
    given = "ok 7\n"
    real = world.run(shell, text, given)
    assert [command.argv for command in fakes(world.follow(shell, text, given))] == real


HALVES = [
    "ok 1; sh -c 'echo \"half'",
    'ok 1; eval "echo \'half"',
    "ok 1; cat <<E",
    "ok 1; echo 'half",
    "ok 1; [ $(date +",
    "ok 1; x=`date +",
    "ok 1 &&",
    "if true; then ok 1",
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", HALVES)
def test_half_a_line_runs_nothing_and_half_of_an_inner_one_leaves_the_rest(
    world: World, shell: str, text: str
) -> None:
    error = parse_script(text).error
    assert (error is None) == (("ok", "1") in world.run(shell, text))
