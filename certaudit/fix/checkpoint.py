"""What was done, kept on disk so that it can be taken back: one directory for each plan.

Law: directories are 0700 and files 0600; a record is on the disk, synced with its directory, before the
act it tells of. No bytes of a private key are in a record; a replaced file that nothing else keeps lies
beside it, under ``before/``.

    STATE/lock                       held while a plan is made, applied or undone
    STATE/plans/ID/plan.json         the plan, who applied it and when
    STATE/plans/ID/journal.jsonl     one line for each thing begun, done and undone
    STATE/plans/ID/before/N          the bytes that action N replaced
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from certaudit.errors import CertauditError, ParseError, TargetError, UsageError
from certaudit.fix.record_text import SCHEMA, decode, encode
from certaudit.plan import Plan, Progress, Record
from certaudit.records import replace

PRIVATE_FILE, PRIVATE_DIRECTORY = 0o600, 0o700


class BusyError(CertauditError):
    """Another certaudit is at work."""


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Be the only certaudit that changes this machine, wherever it keeps its records.

    Raise ``BusyError``, ``TargetError``. The lock is on the directory of its root (flock(2)): no file is
    made for it.
    """
    try:
        handle = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise TargetError(f"{target}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise BusyError(f"another certaudit is at work on {target}") from None
    try:
        yield
    finally:
        os.close(handle)


class StateError(CertauditError):
    """The state directory can not be used."""


class Store:
    """The records below one state directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def plans(self) -> Path:
        """Where the records are."""
        return self.directory / "plans"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only certaudit that changes anything. Raise ``BusyError``, ``StateError``."""
        with errors(self.directory):
            self.directory.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
            self.plans.mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            handle = os.open(self.directory / "lock", flags, PRIVATE_FILE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise BusyError("another certaudit is at work with the same state directory") from None
        try:
            yield
        finally:
            os.close(handle)

    def begin(self, plan: Plan, now: datetime, by: str, replaced: dict[int, bytes]) -> Record:
        """A new record with nothing done yet; ``replaced`` are bytes to keep, by number of action."""
        name = self._free_name(now)
        folder = self.plans / name
        with errors(folder):
            folder.mkdir(mode=PRIVATE_DIRECTORY)
            try:
                if replaced:
                    (folder / "before").mkdir(mode=PRIVATE_DIRECTORY)
                    for number, data in replaced.items():
                        durable(folder / "before" / str(number), data)
                    sync(folder / "before")
                durable(folder / "journal.jsonl", b"")
                head = {"schema": SCHEMA, "id": name, "started": now.isoformat(), "by": by}
                text = json.dumps({**head, "plan": encode(plan)}, indent=1)
                durable(folder / "plan.json.new", text.encode())
                (folder / "plan.json.new").rename(folder / "plan.json")
                sync(folder)
                sync(self.plans)
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        return Record(name, plan, now, by, tuple("planned" for _ in plan.actions))

    def mark(self, record: Record, number: int, state: Progress) -> Record:
        """Say that an action was begun, done or undone; on the disk when this returns."""
        time = datetime.now(timezone.utc).isoformat(timespec="seconds")
        line = "\n" + json.dumps({"action": number, "state": state, "time": time})
        path = self.plans / record.id / "journal.jsonl"
        with errors(path):
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.write(handle, line.encode())
                os.fsync(handle)
            finally:
                os.close(handle)
        progress = list(record.progress)
        progress[number] = state
        return replace(record, progress=tuple(progress))

    def replaced(self, record: Record, number: int) -> bytes | None:
        """The bytes kept of what an action replaced, if they were kept here."""
        with contextlib.suppress(FileNotFoundError):
            return (self.plans / record.id / "before" / str(number)).read_bytes()
        return None

    def records(self) -> tuple[Record, ...]:
        """Every record, newest first. Raise ``StateError``."""
        with errors(self.plans):
            folders = sorted(self.plans.iterdir()) if self.plans.is_dir() else []
        found = [self.record(f.name) for f in folders if (f / "plan.json").exists()]
        return tuple(sorted(found, key=lambda r: (r.started, len(r.id), r.id), reverse=True))

    def record(self, name: str) -> Record:
        """One record by its id. Raise ``UsageError`` where there is none, ``StateError``."""
        folder = self.plans / name
        if "/" in name or name.startswith(".") or not (folder / "plan.json").is_file():
            raise UsageError(f"there is no plan {name!r}; `certaudit plans` lists them")
        with errors(folder):
            text = (folder / "plan.json").read_text("utf-8")
            journal = (folder / "journal.jsonl").read_text("utf-8", "replace")
        try:
            data = json.loads(text)
            plan = decode(data["plan"])
            started = datetime.fromisoformat(data["started"])
            return Record(data["id"], plan, started, data["by"], progress(plan, journal))
        except (ParseError, ValueError, KeyError, TypeError) as error:
            raise StateError(f"{folder}: {error}") from error

    def _free_name(self, now: datetime) -> str:
        base = now.astimezone(timezone.utc).strftime("%Y%m%d-%H%M%S")
        names = (base if n == 1 else f"{base}-{n}" for n in range(1, 1000))
        return next(name for name in names if not (self.plans / name).exists())


def progress(plan: Plan, journal: str) -> tuple[Progress, ...]:
    """How far each action has come; a line begins with its break, so one that was cut off is alone."""
    found: list[Progress] = ["planned"] * len(plan.actions)
    for line in journal.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):
            data = json.loads(line)
            if data["state"] in ("begun", "done", "undone"):
                found[data["action"]] = data["state"]
    return tuple(found)


def durable(path: Path, data: bytes) -> None:
    """A new private file, synced."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, PRIVATE_FILE)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def sync(directory: Path) -> None:
    """The names in a directory, on the disk."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turn what the system says of the state directory into a ``StateError``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StateError(f"{path}: {reason}; --state-dir names another place for the records") from error
