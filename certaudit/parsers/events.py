"""What a line of syslog or of the journal reports: units, cron, anacron, sudo, certbot itself.

Law: a line is reported as it is written. Whether "Started" means begun or done depends on the type
of the unit, which no line tells. Wordings: systemd src/core/{job,service,unit}.c of 215 to 257,
Debian's cron 3.0pl1, cronie, busybox crond, dcron, anacron 2.3, sudo's log_format.
"""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

UnitPhase: TypeAlias = Literal[
    "starting", "started", "finished", "deactivated", "exited", "failed", "skipped",
    "stopping", "stopped",
]  # fmt: skip


class Message(Protocol):
    """What ``classify`` looks at; a ``LogLine`` and a ``JournalEntry`` are one."""

    @property
    def program(self) -> str:
        """The syslog tag without the pid."""

    @property
    def pid(self) -> int | None:
        """The process that logged."""

    @property
    def message(self) -> str:
        """The text after the tag."""


class UnitEvent(Struct, frozen=True):
    """A service manager speaks of a unit.

    ``unit`` is its full name if the text has it, ``description`` its Description=; before systemd
    252 the job messages have only the latter. ``result`` is systemd's word with "failed"
    ("exit-code", "timeout", "dependency"), the status with "exited" ("1/FAILURE"), else None.
    ``user_manager``: written by a ``systemd --user`` (its pid is not 1).
    """

    phase: UnitPhase
    unit: str | None
    description: str | None
    result: str | None = None
    user_manager: bool = False


class CronCommand(Struct, frozen=True):
    """Cron started (or saw the end of) a command. ``job_pid``: the pid of the job, if known.

    ``command`` is what the crontab says, without blanks around it, cut where the line is cut.
    """

    user: str
    command: str
    phase: Literal["started", "ended"]
    job_pid: int | None


class CronJobFailed(Struct, frozen=True):
    """Debian's cron: the job that logged CMD with this pid ended with a status other than 0."""

    job_pid: int
    status: int


class CronTableChanged(Struct, frozen=True):
    """A crontab was replaced, edited, deleted or loaded anew.

    ``owner`` is a user, or cron's name of a system crontab: ``*system*certbot``. ``table`` is
    crontab(1)'s or cron's word for the file.
    """

    action: Literal["reload", "replace", "edit", "delete"]
    owner: str
    table: str


class CronRefusal(Struct, frozen=True):
    """Cron does not use a crontab; ``reason`` in its own words, ``table`` as it names the file."""

    owner: str
    reason: str
    table: str


class CronOutputDiscarded(Struct, frozen=True):
    """Cron had output of a job to mail and no MTA to mail it with; logged by the job's parent."""


class AnacronJob(Struct, frozen=True):
    """``status`` is the exit status with "ended" (None: killed by a signal), None with "started"."""

    job: str
    phase: Literal["started", "ended"]
    status: int | None


class SudoCommand(Struct, frozen=True):
    """A command that sudo allowed. ``directory`` and ``tty`` are None where not logged."""

    user: str
    run_as: str
    command: str
    directory: str | None
    tty: str | None


class CronSession(Struct, frozen=True):
    """pam_unix(8) speaks of the session of a cron job; ``pid`` is the job's parent, not the job."""

    phase: Literal["opened", "closed"]
    user: str
    pid: int | None


class ClientOutput(Struct, frozen=True):
    """A line that certbot itself printed under a service manager."""

    program: str
    message: str


Event: TypeAlias = (
    UnitEvent
    | CronCommand
    | CronJobFailed
    | CronTableChanged
    | CronRefusal
    | CronOutputDiscarded
    | AnacronJob
    | SudoCommand
    | CronSession
    | ClientOutput
)

_CRONS = frozenset(("cron", "crond", "crontab"))
_CLIENTS = frozenset(("certbot", "certbot.renew", "certbot-auto", "letsencrypt"))


def classify(line: Message) -> Event | None:
    """The event that a line reports, or None. Total: no text raises, time is linear."""
    program = line.program.rpartition("/")[2]
    if program == "systemd":
        return _unit_event(line.message, line.pid not in (None, 1))
    if program.lower() in _CRONS:
        return _cron_event(line.message, line.pid)
    if program == "anacron":
        return _anacron_event(line.message)
    if program == "sudo":
        return _sudo_event(line.message)
    if program in _CLIENTS:
        return ClientOutput(program, line.message)
    return None


# systemd

_SUFFIXES = (
    ".service", ".timer", ".path", ".socket", ".target", ".mount", ".automount", ".swap",
    ".slice", ".scope", ".device",
)  # fmt: skip
_JOBS: tuple[tuple[str, str, UnitPhase, str | None], ...] = (
    ("Starting ", "...", "starting", None),
    ("Started ", ".", "started", None),
    ("Finished ", ".", "finished", None),
    ("Failed to start ", ".", "failed", None),
    ("Timed out starting ", ".", "failed", "timeout"),
    ("Dependency failed for ", ".", "failed", "dependency"),
    ("Assertion failed for ", ".", "failed", "assert"),
    ("Condition check resulted in ", " being skipped.", "skipped", "condition"),
    ("Stopping ", "...", "stopping", None),
    ("Stopped ", ".", "stopped", None),
)
_STATES: dict[str, tuple[UnitPhase, str | None]] = {
    "Succeeded.": ("deactivated", None),
    "Deactivated successfully.": ("deactivated", None),
    "Unit entered failed state.": ("failed", None),
}
_SKIPPED = " was skipped because "


def _unit_event(message: str, user_manager: bool) -> UnitEvent | None:
    for start, end, phase, result in _JOBS:
        if message.startswith(start) and message.endswith(end):
            unit, description = _unit_and_description(message[len(start) : -len(end)])
            return UnitEvent(phase, unit, description, result, user_manager)
    subject, skipped, _ = message.partition(_SKIPPED)
    if skipped:
        unit, description = _unit_and_description(subject)
        return UnitEvent("skipped", unit, description, "condition", user_manager)
    return _state_event(message, user_manager)


def _unit_and_description(text: str) -> tuple[str | None, str | None]:
    """Of ``certbot.service - Certbot`` (252+), ``Certbot``, or ``certbot.service``."""
    name, dash, description = text.partition(" - ")
    if _is_unit_name(name):
        return name, description if dash else None
    return None, text


def _is_unit_name(text: str) -> bool:
    return text.endswith(_SUFFIXES) and " " not in text and not text.startswith(".")


def _state_event(message: str, user_manager: bool) -> UnitEvent | None:
    """Messages about a unit's state: ``certbot.service: Failed with result 'exit-code'.``"""
    unit, colon, state = message.partition(": ")
    if not colon:
        return _old_failure(message, user_manager)
    if not _is_unit_name(unit):
        return None
    phase_and_result = _STATES.get(state) or _phase_and_result(state)
    if phase_and_result is None:
        return None
    phase, result = phase_and_result
    return UnitEvent(phase, unit, None, result, user_manager)


def _phase_and_result(state: str) -> tuple[UnitPhase, str | None] | None:
    if state.startswith("Failed with result '"):
        return "failed", state[20:].rstrip("'.")
    if state.startswith("Skipped due to 'exec-condition'"):
        return "skipped", "exec-condition"
    if state[1:].startswith(("ain process exited", "ontrol process exited")):  # 219: lower case
        return "exited", _exit_status(state)
    return None


def _old_failure(message: str, user_manager: bool) -> UnitEvent | None:
    """Before 220: ``Unit certbot.service entered failed state.``, ``certbot.service failed.``"""
    name = message.removesuffix(" failed.")
    if name == message and message.startswith("Unit "):
        name = message[5:].removesuffix(" entered failed state.")
    if len(name) < len(message) and _is_unit_name(name):
        return UnitEvent("failed", name, None, None, user_manager)
    return None


def _exit_status(state: str) -> str | None:
    """``1/FAILURE`` of ``Main process exited, code=exited, status=1/FAILURE``."""
    _, found, status = state.partition("status=")
    return status.strip() if found else None


# cron

_REFUSALS = (
    "BAD FILE MODE", "INSECURE MODE", "WRONG FILE OWNER", "WRONG SYMLINK OWNER", "NOT REGULAR",
    "NOT A REGULAR FILE", "NUMBER OF HARD LINKS > 1", "BAD LINK COUNT", "CAN'T OPEN", "FSTAT FAILED",
    "LSTAT FAILED", "ORPHAN", "ERROR", "bad ",
)  # fmt: skip
_REFUSED = ("Missing newline before EOF", "Syntax error")
_CHANGES: dict[str, Literal["reload", "replace", "edit", "delete"]] = {
    "RELOAD": "reload",
    "REPLACE": "replace",
    "END EDIT": "edit",
    "DELETE": "delete",
}


def _cron_event(message: str, pid: int | None) -> Event | None:
    """``(user) WHAT (detail)`` of Debian's cron, cronie and crontab(1); else busybox and dcron."""
    if message.startswith("pam_unix("):
        return _cron_session(message, pid)
    if not message.startswith("("):
        return _table_error(message) or _small_cron_event(message)
    user, _, rest = message[1:].partition(") ")
    what, _, detail = rest.partition(" (")
    detail = detail.rpartition(")")[0] if ")" in detail else detail
    if what in ("CMD", "CMDEND", "END"):
        return _cron_command(user, detail, pid, ended=what != "CMD")
    if what in _CHANGES:
        return CronTableChanged(_CHANGES[what], user, detail)
    if what.startswith(_REFUSALS):
        return _refusal(user, rest)
    if detail.startswith("No MTA installed"):
        return CronOutputDiscarded()
    return _failed_job(detail)


def _cron_command(user: str, detail: str, pid: int | None, *, ended: bool) -> CronCommand:
    """With ``-L 8`` Debian's cron writes ``[pid] command``; else the job itself logs, with its pid."""
    mark, bracket, command = detail.partition("] ")
    if bracket and mark.startswith("["):
        number = _pid(mark[1:])
        if number is not None:
            pid, detail = number, command
    return CronCommand(user, detail.strip(), "ended" if ended else "started", pid)


def _refusal(owner: str, rest: str) -> CronRefusal | None:
    """``INSECURE MODE (group/other writable) (/etc/cron.d/x)``: the last bracket is the table.

    ``ERROR (Syntax error, this crontab file will be ignored)`` and ``ORPHAN (no passwd entry)`` name
    none; cron logs other errors under ERROR too, which refuse nothing.
    """
    what, _, table = rest.rstrip().removesuffix(")").rpartition(" (")
    if what == "ERROR":
        return CronRefusal(owner, table, "") if table.startswith(_REFUSED) else None
    if "/" not in table:
        return CronRefusal(owner, rest, "")
    return CronRefusal(owner, what, table)


def _table_error(message: str) -> CronRefusal | None:
    """``Error: bad minute; while reading /etc/cron.d/x``, Debian's cron before its refusal."""
    reason, reading, table = message.removeprefix("Error: ").partition("; while reading ")
    if not reading or not message.startswith("Error: "):
        return None
    return CronRefusal("", reason, table)


def _failed_job(detail: str) -> CronJobFailed | None:
    """``grandchild #228 failed with exit status 1``."""
    start, failed, status = detail.partition(" failed with exit status ")
    pid, number = _pid(start.removeprefix("grandchild #")), _pid(status)
    if not failed or pid is None or number is None:
        return None
    return CronJobFailed(pid, number)


def _small_cron_event(message: str) -> CronCommand | None:
    """Busybox ``USER root pid 12 cmd X``; dcron ``FILE /etc/cron.d/x USER root PID 12 X``."""
    _, user_word, rest = message.partition("USER ")
    user, pid_word, rest = rest.partition(" pid " if " pid " in rest else " PID ")
    digits, _, command = rest.lstrip().partition(" ")
    pid = _pid(digits)
    if not user_word or not pid_word or pid is None or not message.startswith(("USER ", "FILE ")):
        return None
    return CronCommand(user, command.removeprefix("cmd ").strip(), "started", pid)


def _cron_session(message: str, pid: int | None) -> CronSession | None:
    """``pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)``."""
    _, session, text = message.partition(":session): session ")
    phase, _, user = text.partition(" for user ")
    name = user.partition(" ")[0].partition("(")[0]
    if not session or not name or phase not in ("opened", "closed"):
        return None
    return CronSession("opened" if phase == "opened" else "closed", name, pid)


def _pid(digits: str) -> int | None:
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None


# anacron and sudo


def _anacron_event(message: str) -> AnacronJob | None:
    """``Job `cron.daily' terminated (exit status: 1) (mailing output)``."""
    job, quote, state = message.removeprefix("Job `").rpartition("' ")
    if not message.startswith("Job `") or not quote:
        return None
    if state.startswith("started"):
        return AnacronJob(job, "started", None)
    if not state.startswith("terminated"):
        return None
    if state.startswith(("terminated due to signal", "terminated abnormally")):
        return AnacronJob(job, "ended", None)
    _, found, status = state.partition("(exit status: ")
    return AnacronJob(job, "ended", _pid(status.partition(")")[0]) if found else 0)


def _sudo_event(message: str) -> SudoCommand | None:
    """``alice : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/bin/certbot renew``.

    A refused command has a sentence before its fields: sudoers(5), LOG FORMAT.
    """
    user, colon, rest = message.strip().partition(" : ")
    head, found, command = rest.partition("COMMAND=")
    if not colon or not found:
        return None
    fields = dict[str, str]()
    for part in head.split(" ; "):
        name, equals, value = part.strip(" ;").partition("=")
        if equals and name.isupper():
            fields[name] = value
        elif name:
            return None
    run_as = fields.get("USER", "root")
    return SudoCommand(user, run_as, command, fields.get("PWD"), fields.get("TTY"))
