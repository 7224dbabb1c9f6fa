"""What the tests of repairs share: a built machine, its plan, and a manifest of every node in it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from certaudit.audit import audit, observe
from certaudit.cli.common import policy_of
from certaudit.fix.checkpoint import Store
from certaudit.fix.perform import Machine as Target
from certaudit.fix.perform import apply, machine_at
from certaudit.fix.plan import Choices, plan_of
from certaudit.fix.undo import undo
from certaudit.host.machine import open_host
from certaudit.model import Model
from certaudit.plan import Plan, Record
from certaudit.records import replace
from certaudit.rules import rules
from fixtures.machine import MACHINES, build, build_text

Verb = Callable[..., tuple[int, str, str]]
NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
RULES = MACHINES.parent / "rules"
HERE = MACHINES.parent / "fix"


@dataclass(slots=True)
class Bench:
    """A built machine with a state directory beside it."""

    root: Path
    as_of: datetime
    store: Store
    remote: bool = False  # look at other hosts

    def look(self) -> tuple[Model, Target]:
        """What is known of it now."""
        host = open_host(self.root, self.as_of)
        return observe(host, policy_of(host.root, None)), machine_at(
            host.root.directory, host.systemd, remote=self.remote
        )

    def plan(self, choices: Choices | None = None) -> Plan:
        """The plan for it as it is now."""
        model, target = self.look()
        plan = plan_of(model, target, choices or Choices(), target.remote)
        return replace(plan, target=str(self.root))

    def apply(self, plan: Plan | None = None) -> Record:
        """Do a plan."""
        with self.store.lock():
            machine = machine_at(self.root, remote=self.remote)
            return apply(plan or self.plan(), machine, self.store, NOW, "tester")

    def undo(self, record: Record, *forced: str) -> Record:
        """Take it back, from what is on disk."""
        with self.store.lock():
            fresh = self.store.record(record.id)
            machine = machine_at(self.root, remote=self.remote)
            return undo(fresh, machine, self.store, frozenset(forced))

    def findings(self) -> list[str]:
        """The findings of an audit now, but for mere information."""
        report = audit(self.look()[0], rules())
        return [f"{r.rule} {f.subject}" for r, f in report.findings if f.severity != "info"]

    def manifest(self) -> dict[str, tuple[object, ...]]:
        """Every node: kind, mode, owner, and of files and links the time and the content."""
        return manifest(self.root)


def at(machine: Bench) -> tuple[str, ...]:
    """The arguments of a command line that name a machine."""
    return (str(machine.root), "--as-of", machine.as_of.isoformat())


def bench(machine: Path | str, into: Path) -> Bench:
    """A machine file, or the text of one, built below ``into``."""
    built = (
        build(machine, into / "root")
        if isinstance(machine, Path)
        else build_text(machine, into / "root")
    )
    return Bench(into / "root", built.as_of, Store(into / "state"))


def manifest(root: Path) -> dict[str, tuple[object, ...]]:
    """See ``Bench.manifest``."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, directories, files in os.walk(root):
        for name in (*directories, *files):
            path = Path(folder, name)
            at = path.lstat()
            kept: tuple[object, ...] = (oct(at.st_mode), at.st_uid, at.st_gid)
            if stat.S_ISLNK(at.st_mode):
                kept += (at.st_mtime_ns, str(path.readlink()))
            elif stat.S_ISREG(at.st_mode):
                xattrs = tuple((key, os.getxattr(path, key)) for key in sorted(os.listxattr(path)))
                kept += (at.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest(), xattrs)
            found[str(path.relative_to(root))] = kept
    return found


def unfolded(text: str) -> str:
    """What was printed as one line: where a line is folded depends on how long a temporary path is."""
    return " ".join(text.split())
