"""Builtins that change the shell or whose status is known: POSIX XCU 2.14, and bash's.

Law: each takes a call and the state it changes, and gives the formula of its success.
"""

from __future__ import annotations

from collections.abc import Callable

from certaudit.parsers.shell.calls import Call, Caller
from certaudit.parsers.shell.conditions import Condition, Operand, absolute
from certaudit.parsers.shell.formula import ALWAYS, NEVER, Formula, Test
from certaudit.parsers.shell.state import UNSET, ExitStatus, State
from certaudit.records import replace

Builtin = Callable[[Caller, Call, State], Formula]
OPTIONS = {"e": "errexit"}
MAX_EVAL = 10_000
NAMED_OPTIONS = frozenset({"errexit", "pipefail"})


def run_true(runner: Caller, call: Call, state: State) -> Formula:
    """``true`` and everything that succeeds without effect on what is read here."""
    return ALWAYS


def run_false(runner: Caller, call: Call, state: State) -> Formula:
    """``false``."""
    return Test("false", call.place, False)


def run_unknown(runner: Caller, call: Call, state: State) -> Formula:
    """A builtin whose status cannot be told."""
    return Test(call.place.text, call.place, None)


def run_said(runner: Caller, call: Call, state: State) -> Formula:
    """``echo`` and ``printf``: listed, but their success is no condition."""
    operands = call.operands()
    if call.argv[0] == "printf" and operands[:1] == ("-v",):
        forget_names(state, operands[1:2])
        return ALWAYS
    runner.leaf(call, state)
    return ALWAYS


def run_cd(runner: Caller, call: Call, state: State) -> Formula:
    """``cd``: the logical directory; a failure counts only where the directory is not there."""
    operands = [word for word in call.operands() if word not in ("-L", "-P", "--")]
    target = operands[0] if operands else state.text("HOME")
    before, state.directory = state.directory, None
    if target is None or target == "-":
        return Test(call.place.text, call.place, None)
    path = absolute(target, before)
    if path is None:
        return Test(call.place.text, call.place, None)
    state.directory = path
    there = None if runner.touched(path) else runner.machine.test("-d", path)
    if there or path == "/":
        return ALWAYS
    because = None if there is None else f"{path} is no directory"
    return Test(f"cd {target}", call.place, there, because)


def run_popd(runner: Caller, call: Call, state: State) -> Formula:
    """``popd``: where it leads is not kept."""
    state.directory = None
    return ALWAYS


def run_declare(runner: Caller, call: Call, state: State) -> Formula:
    """``export``, ``readonly``, ``declare``, ``typeset`` and ``local``."""
    name = call.argv[0]
    names = [word for word in call.operands() if word is not None and not word.startswith("-")]
    plain = [word.partition("=")[0] for word in names] + [one.name for one in call.declared]
    saved = state.frame.saved
    if name in ("local", "declare", "typeset") and saved is not None:
        for one in plain:
            saved.setdefault(one, state.variables.get(one, UNSET))
            if one not in [d.name for d in call.declared]:
                state.assign(one, UNSET)
    for word in names:
        key, given, value = word.partition("=")
        if given:
            state.assign(key, value)
    for assignment in call.declared:
        runner.assignment(assignment, state)
    if None in call.operands():
        state.forget()
    if name == "export" or "-x" in call.operands():
        state.exported |= frozenset(plain)
    return ALWAYS


def run_unset(runner: Caller, call: Call, state: State) -> Formula:
    """``unset``."""
    for name in call.operands():
        if name is None:
            state.forget()
        elif not name.startswith("-"):
            state.assign(name, UNSET)
            state.functions.pop(name, None)
    return ALWAYS


def run_set(runner: Caller, call: Call, state: State) -> Formula:
    """``set``: ``-e``, ``-o errexit``, ``-o pipefail``, and the arguments."""
    words = list(call.argv[1:])
    while words:
        word = words[0]
        if word == "--" or not isinstance(word, str) or word[:1] not in ("-", "+") or word == "-":
            state.arguments = tuple(words[1:] if word in ("--", "-") else words)
            return ALWAYS
        del words[0]
        state.options = with_letters(state.options, word)
        if "o" in word[1:] and words and isinstance(words[0], str):
            state.options = with_option(state.options, words.pop(0) or "", word[0] == "-")
    return ALWAYS


def with_letters(options: frozenset[str], word: str) -> frozenset[str]:
    """The options after ``-eu`` or ``+e``."""
    for letter in word[1:]:
        options = with_option(options, OPTIONS.get(letter, ""), word[0] == "-")
    return options


def with_option(options: frozenset[str], name: object, on: bool) -> frozenset[str]:
    """The options after one of them is switched."""
    if not isinstance(name, str) or name not in NAMED_OPTIONS:
        return options
    return options | {name} if on else options - {name}


def run_shift(runner: Caller, call: Call, state: State) -> Formula:
    """``shift [n]``."""
    operands = call.operands()
    number = operands[0] if operands else "1"
    if state.arguments is None or number is None or not number.isdigit() or len(number) > 6:
        state.arguments = None
        return ALWAYS
    if int(number) > len(state.arguments):
        return Test(call.place.text, call.place, False, "there are not so many arguments")
    state.arguments = state.arguments[int(number) :]
    return ALWAYS


def given_status(call: Call, state: State) -> Formula:
    """The status that ``exit`` or ``return`` ends with."""
    if len(call.argv) < 2:
        return state.status
    value = call.argv[1]
    if isinstance(value, ExitStatus):
        return value.success
    if value is None:
        return Test(call.place.text, call.place, None)
    return ALWAYS if value.strip("0") == "" and value else NEVER


def run_exit(runner: Caller, call: Call, state: State) -> Formula:
    """``exit``: nothing after it in this shell is reached."""
    status = given_status(call, state)
    state.frame.exits.append((state.copy(), status))
    runner.die(state, "exit")
    return status


def run_return(runner: Caller, call: Call, state: State) -> Formula:
    """``return`` from a function or a sourced file."""
    if state.frame.returns is None:
        return run_exit(runner, call, state)
    status = given_status(call, state)
    state.frame.returns.append((state.copy(), status))
    runner.die(state, "return")
    return status


def run_break(runner: Caller, call: Call, state: State) -> Formula:
    """``break [n]`` and ``continue [n]``."""
    operands = call.operands()
    level = int(operands[0]) if operands and operands[0] in tuple("123456789") else 1
    if not state.frame.loops:
        return ALWAYS
    loops = state.frame.loops[-min(level, len(state.frame.loops))]
    left = loops.breaks if call.argv[0] == "break" else loops.continues
    left.append(state.copy())
    far = level > 1 and call.argv[0] == "continue"
    runner.die(state, "break" if call.argv[0] == "break" or far else "continue")
    return ALWAYS


def run_read(runner: Caller, call: Call, state: State) -> Formula:
    """``read``, ``mapfile``, ``getopts``: the variables they name are unknown afterwards.

    What the first two leave of the shell's input is not known either.
    """
    names = call.operands()
    if call.argv[0] == "getopts":
        names = (*names[1:2], "OPTARG", "OPTIND")
    else:
        state.frame = replace(state.frame, stdin=None)
    forget_names(state, (*names, "REPLY", "MAPFILE"))
    return Test(call.place.text, call.place, None)


def forget_names(state: State, names: tuple[str | None, ...]) -> None:
    """These variables have values that are not known."""
    for name in names:
        if name is not None and name.isidentifier():
            state.assign(name, None)


def run_let(runner: Caller, call: Call, state: State) -> Formula:
    """``let``: arithmetic is not computed."""
    names = [(word or "").partition("=")[0].rstrip("+-*/%") for word in call.operands()]
    forget_names(state, tuple(names))
    return run_unknown(runner, call, state)


def run_test(runner: Caller, call: Call, state: State) -> Formula:
    """``test`` and ``[``."""
    words = call.argv[1:]
    written = call.words[-len(words) :] if words else ()
    if call.argv[0] == "[" and words[-1:] == ("]",):
        words, written = words[:-1], written[:-1]
    elif call.argv[0] == "[":
        return run_unknown(runner, call, state)
    operands = [Operand(v, text) for v, text in zip(words, written, strict=False)]
    text = call.place.text
    if len(operands) != len(words):
        return Test(text, call.place, None)
    return Condition(operands, call.place, state, runner).formula(text)


def run_source(runner: Caller, call: Call, state: State) -> Formula:
    """``.`` and ``source``."""
    if call.argv[0] == "source" and state.frame.shell == "dash":
        return Test(call.place.text, call.place, False, "dash knows no source, only a dot")
    path = call.operands()[0] if len(call.argv) > 1 else ""
    if path == "":
        return NEVER
    if path is None:
        runner.unresolved(call.place, "the name of the sourced file is not known", call.place.text)
        state.forget()
        return run_unknown(runner, call, state)
    return runner.source(path, call, state)


def run_eval(runner: Caller, call: Call, state: State) -> Formula:
    """``eval`` of a text that is known."""
    words = call.operands()
    if any(word is None for word in words) or sum(len(word or "") for word in words) > MAX_EVAL:
        runner.unresolved(call.place, "eval of a text that is not known", call.place.text)
        state.forget()
        return run_unknown(runner, call, state)
    return runner.text(" ".join(word for word in words if word is not None), call, state)


def run_exec(runner: Caller, call: Call, state: State) -> Formula:
    """``exec``: the program takes the shell's place; without one, only redirections change."""
    words = list(call.argv[1:])
    while words and isinstance(words[0], str) and words[0][:1] == "-":
        option = words.pop(0)
        if isinstance(option, str) and option.endswith("a") and words:
            del words[0]
        if option == "--":
            break
    if not words:
        return ALWAYS
    argv = tuple(words)
    inner = replace(call, argv=argv, prefixes=(*call.prefixes, "exec"), external=True)
    status = runner.invoke(inner, state)
    state.frame.exits.append((state.copy(), status))
    runner.die(state, "exit")
    return status


def run_command(runner: Caller, call: Call, state: State) -> Formula:
    """``command`` and ``builtin``: no function is meant; ``command -v`` asks for a program."""
    words = list(call.argv[1:])
    asks = False
    while words and isinstance(words[0], str) and words[0][:1] == "-" and words[0] != "-":
        option = words.pop(0)
        asks |= option in ("-v", "-V")
    if asks:
        return known(runner, call, tuple(words), state)
    if not words:
        return ALWAYS
    name = str(call.argv[0])
    inner = replace(call, argv=tuple(words), prefixes=(*call.prefixes, name))
    return runner.invoke(inner, state)


def run_which(runner: Caller, call: Call, state: State) -> Formula:
    """``which``, ``type`` and ``hash`` as questions for a program."""
    words = tuple(w for w in call.argv[1:] if not (isinstance(w, str) and w.startswith("-")))
    return known(runner, call, words, state) if words else ALWAYS


def known(runner: Caller, call: Call, names: tuple[object, ...], state: State) -> Formula:
    """Is there a program, function or builtin of that name; not finding it decides nothing."""
    name = names[0] if names else None
    text = call.place.text
    if not isinstance(name, str) or len(names) > 1:
        return Test(text, call.place, None)
    if name in state.functions or name in BUILTINS:
        return ALWAYS
    found = runner.machine.which(name, state.search_path())
    because = None if found is None else f"{name} is {found}"
    return Test(f"command -v {name}", call.place, None if found is None else True, because)


def run_trap(runner: Caller, call: Call, state: State) -> Formula:
    """``trap text EXIT``: the text runs when the shell ends, whichever way."""
    words = call.operands()
    if len(words) < 2 or not {"EXIT", "0"} & set(words[1:]):
        return ALWAYS
    if words[0] is None:
        runner.unresolved(call.place, "the text of a trap is not known", call.place.text)
    elif words[0] not in ("", "-"):
        state.frame.traps.append((words[0], call.place, state.copy()))
    return ALWAYS


PURE: dict[str, Builtin] = {
    "true": run_true,
    ":": run_true,
    "false": run_false,
    "test": run_test,
    "[": run_test,
    "which": run_which,
}
BUILTINS: dict[str, Builtin] = {
    **PURE,
    **dict.fromkeys(("umask", "ulimit", "alias", "unalias", "shopt", "times", "bg", "jobs"), run_true),
    **dict.fromkeys(("echo", "printf"), run_said),
    **dict.fromkeys(("cd", "chdir", "pushd"), run_cd),
    "popd": run_popd,
    "pwd": run_true,
    **dict.fromkeys(("export", "readonly", "declare", "typeset", "local"), run_declare),
    "unset": run_unset,
    "set": run_set,
    "shift": run_shift,
    "exit": run_exit,
    "return": run_return,
    **dict.fromkeys(("break", "continue"), run_break),
    **dict.fromkeys(("read", "mapfile", "readarray", "getopts"), run_read),
    "let": run_let,
    "wait": run_unknown,
    **dict.fromkeys((".", "source"), run_source),
    "eval": run_eval,
    "exec": run_exec,
    **dict.fromkeys(("command", "builtin"), run_command),
    **dict.fromkeys(("type", "hash"), run_which),
    "trap": run_trap,
}
