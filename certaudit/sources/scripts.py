"""The machine as the shell reader asks for it, and the traces of what each trigger would run.

Law: the reader is pure; this is where its questions (a script's text, a file test, a program on the
path) are answered from the tree, with ``None`` wherever the tree cannot tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct, field

from certaudit.errors import UnreadableError
from certaudit.facts import Candidate, Entry
from certaudit.host.identity import users
from certaudit.host.machine import Host
from certaudit.host.root import Entry as Node
from certaudit.model import Evidence, Gap
from certaudit.parsers.shell import Command, CommandLine, Place, Program, ScriptText, Trace, follow
from certaudit.records import replace

SCRIPT_LIMIT = 1 << 20
ROOT_ENVIRONMENT = (
    ("HOME", "/root"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
)
# Where packages put programs: hier(7). A partial tree lacks them, and no admin writes there.
PACKAGED = ("/bin/", "/sbin/", "/lib/", "/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/share/")
INTERPRETER = re.compile(r"#!\s*(\S+)(?:\s+(\S+))?")
Traced = tuple[tuple[Entry, Trace], ...]


class ScriptMachine(Struct):
    """Answers the shell reader's questions from a host's files."""

    host: Host
    unreadable: dict[str, str] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)

    def script(self, path: str) -> ScriptText | None:
        """The text of a script, or ``None`` if there is none or it is no text."""
        try:
            found = self.host.root.entry(path)
            if found is None or found.is_dir:
                self._note_absent(path, found)
                return None
            with self.host.root.open(path) as stream:
                data = stream.read(SCRIPT_LIMIT + 1)
        except UnreadableError as error:
            self.unreadable[path] = str(error)
            return None
        except OSError as error:
            self.unreadable[path] = f"{path}: {error.strerror}"
            return None
        if data.startswith(b"\x7fELF") or b"\0" in data[:1024]:
            return None
        if len(data) > SCRIPT_LIMIT:
            self.unreadable[path] = f"{path}: longer than 1 MiB, the rest was not read"
        text = data[:SCRIPT_LIMIT].decode("utf-8", "replace")
        self.read.add(str(found.path))
        match = INTERPRETER.match(text)
        interpreter = None
        if match:
            interpreter = match[2] if match[1].endswith("/env") and match[2] else match[1]
            interpreter = self.shell(interpreter)
        return ScriptText(str(found.path), text, interpreter)

    def shell(self, path: str) -> str:
        """A shell as it is called, but dash where ``sh`` leads there: it knows less than the others."""
        try:
            found = self.host.root.entry(path) if path.endswith("/sh") else None
        except UnreadableError:
            return path
        return str(found.path) if found and found.path.name == "dash" else path

    def _note_absent(self, path: str, found: Node | None) -> None:
        """A script in a part of the machine that the tree does not hold: what it does is not known."""
        unknown = found is None and self.host.root.exists(path) is None
        if unknown and not path.startswith(PACKAGED):
            self.absent.add(path)

    def test(self, operator: str, path: str) -> bool | None:
        """What a file test, such as ``-x``, answers to root: of the permissions only x matters."""
        if operator in ("-h", "-L"):
            if self.host.root.link(path) is not None:
                return True
            return None if self.host.root.exists(path) is None else False
        found = self.host.path_exists(path)
        if not found or operator in ("-e", "-a", "-r", "-w"):
            return found
        if str(path).rstrip("/") == "/run/systemd/system":
            return operator == "-d"
        try:
            node = self.host.root.entry(path)
        except UnreadableError:
            return None
        return None if node is None else answer(operator, node)

    def which(self, name: str, search_path: Sequence[str]) -> str | None:
        """The first executable of that name on a search path, or ``None``."""
        if "/" in name:
            return name if self.test("-x", name) else None
        for directory in search_path:
            path = f"{directory.rstrip('/')}/{name}"
            if directory.startswith("/") and self.test("-x", path) and not self.test("-d", path):
                return path
        return None

    def missing(self, name: str, search_path: Sequence[str]) -> bool:
        """Is a program certainly not there: every directory that could hold it is in the tree."""
        if "/" in name:
            return self.host.root.exists(name) is False
        places = [f"{d.rstrip('/')}/{name}" for d in search_path if d.startswith("/")]
        known = [self.host.root.exists(place) for place in places]
        held = any(self.host.root.exists(d) for d in ("/usr/bin", "/bin"))
        return bool(known) and held and all(k is not True for k in known)

    def barred(self, user: str | None, directory: str) -> bool:
        """Is a user certainly kept from making certbot's lock file in its directory?

        ``util.lock_dir_until_exit`` does that before anything else. A user with a cli.ini of their own
        may use other directories; a tree unpacked by somebody else than root tells no owners.
        """
        number, home = next(
            ((uid, home) for name, uid, home in users(self.host.root) if name == user), (None, None)
        )
        if not number:
            return False
        try:
            own = self.host.root.entry(f"{home}/.config/letsencrypt/cli.ini")
            top, node = self.host.root.entry("/etc"), self.host.root.entry(directory)
        except UnreadableError:
            return False
        return bool(not own and top and node and top.uid == 0 and closed_to(node, number))


def closed_to(node: Node, uid: int) -> bool:
    """Do a directory's owner and mode keep a user out, whatever groups they are in?"""
    return node.is_dir and node.uid != uid and not node.mode & 0o022


def answer(operator: str, node: Node) -> bool | None:
    """One file test on a node that exists, or ``None`` for an operator this does not know."""
    answers = {
        "-f": node.is_file,
        "-d": node.is_dir,
        "-x": node.is_dir or node.executable,
        "-s": node.size > 0,
    }
    return answers.get(operator)


def trace(candidate: Candidate, machine: ScriptMachine) -> Traced:
    """What each entry of a candidate would run, in order."""
    return tuple(
        (entry, follow(start_of(as_here(entry, machine)), machine)) for entry in candidate.entries
    )


def as_here(entry: Entry, machine: ScriptMachine) -> Entry:
    """An entry with the shell that its own name stands for on this machine."""
    return replace(entry, shell=machine.shell(entry.shell))


def followed(hook: str, machine: ScriptMachine) -> tuple[Command, ...]:
    """The commands of one hook, which certbot hands to /bin/sh (hooks.py, execute_command)."""
    return follow(CommandLine(hook, Place(hook, 0, hook), ROOT_ENVIRONMENT), machine).commands


def start_of(entry: Entry) -> CommandLine | Program:
    """An entry in the shell reader's own terms."""
    last = entry.chain[-1]
    place = Place(last.path, last.line or 0, last.text)
    if entry.argv is not None:
        return Program(entry.argv, place, entry.environment)
    return CommandLine(entry.text or "", place, entry.environment, entry.shell, stdin=entry.stdin)


def unreadable_gaps(machine: ScriptMachine) -> tuple[Gap, ...]:
    """Scripts that were named but could not be read."""
    closed = [
        Gap("scripts", reason, (Evidence(path),)) for path, reason in sorted(machine.unreadable.items())
    ]
    if machine.absent:
        text = f"scripts that are named here are not in the tree: {len(machine.absent)}"
        closed.append(Gap("scripts", text, tuple(Evidence(p) for p in sorted(machine.absent)[:3])))
    return tuple(closed)
