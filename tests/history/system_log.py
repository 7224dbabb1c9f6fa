"""What systemd, cron, PAM, anacron, sudo and certbot say of an act, in a machine's own words.

Law: shares nothing with the code under test. Recorded with Debian 12 (systemd 252, cron 3.0pl1) and read
in public logs of systemd 232, 237, 239, 245 and 249; from 252 on the messages name the unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.history.acts import Said
from tests.history.scenario import Machine

NAMES_UNITS = 252
FINISHES = 245  # from here on the end of a oneshot is "Finished", before it is "Started"
SUCCEEDS = 239


@dataclass(frozen=True, slots=True)
class Line:
    """One line: the logs that get it, who says it, and what only the journal keeps."""

    families: tuple[str, ...]
    program: str
    pid: int | None
    message: str
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """Program and pid as syslog writes them."""
        return self.program if self.pid is None else f"{self.program}[{self.pid}]"


def lines_of(one: Said, machine: Machine) -> Iterator[Line]:
    """The lines that one act leaves on this machine."""
    general = ("messages",) if machine.rpm else ("syslog",)
    cron = ("cron",) if machine.rpm else (("syslog", "cron.log") if machine.iso else ("syslog",))
    secret = ("secure",) if machine.rpm else ("auth.log",)
    name = "CROND" if machine.rpm else "CRON"
    if one.word == "sudo":
        text = f"   alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND={one.text}"
        yield Line(secret, "sudo", None, text)
    elif one.word in ("cron", "other"):
        command = one.job.command if one.job else one.text
        yield Line(cron, name, one.pid, f"(root) CMD ({command})")
    elif one.word in ("opened", "closed"):
        if not machine.rpm:  # Red Hat's PAM leaves pam_unix out for crond
            user = "root(uid=0) by (uid=0)" if machine.systemd >= 249 else "root by (uid=0)"
            who = user if one.word == "opened" else "root"
            text = f"pam_unix(cron:session): session {one.word} for user {who}"
            yield Line(secret, name, one.pid, text)
    elif one.word in ("anacron", "anacron-end") and one.job:
        text = "started" if one.word == "anacron" else "terminated"
        yield Line(cron, "anacron", one.pid, f"Job `{one.job.anacron}' {text}")
    elif one.word in ("user-start", "user-end"):
        phase = "start" if one.word == "user-start" else "end"
        for text in unit_lines(phase, "certbot.service", "Certbot", machine.systemd):
            fields = {"USER_UNIT": "certbot.service", "_SYSTEMD_USER_UNIT": "init.scope"}
            yield Line(general, "systemd", one.pid, text, fields)
    elif one.word == "boot":
        text = "[    0.000000] Linux version 6.1.0-13-amd64 (gcc-12) #1 SMP PREEMPT_DYNAMIC"
        yield Line(general, "kernel", None, text)
    elif one.word in ("sleep", "wake"):
        yield Line(general, "systemd-sleep", 3100, sleep_text(one.word, machine.systemd))
    elif one.job and one.job.unit:
        yield from service_lines(one, one.job.unit, one.job.description, machine, general)


def sleep_text(word: str, systemd: int) -> str:
    """What systemd-sleep says, by version (src/sleep/sleep.c)."""
    doing = "sleep operation 'suspend'"
    texts = (f"Performing {doing}...", f"System returned from {doing}.")
    if systemd < 254:
        texts = ("Entering sleep state 'suspend'...", "System returned from sleep state.")
    if systemd < 250:
        texts = ("Suspending system...", "System resumed.")
    return texts[word == "wake"]


def service_lines(
    one: Said, unit: str, description: str, machine: Machine, families: tuple[str, ...]
) -> Iterator[Line]:
    """What the system manager says of a service, and what the service's own client prints."""
    if one.word == "locked":
        fields = {"_SYSTEMD_UNIT": unit, "_SYSTEMD_INVOCATION_ID": one.invocation}
        text = "Another instance of Certbot is already running."
        yield Line(families, "certbot", one.pid, text, fields)
        return
    for text in unit_lines(one.word, unit, description, machine.systemd):
        yield Line(families, "systemd", 1, text, {"UNIT": unit, "INVOCATION_ID": one.invocation})


def unit_lines(word: str, unit: str, description: str, systemd: int) -> Iterator[str]:
    """The messages about a oneshot service, by version."""
    name = f"{unit} - {description}" if systemd >= NAMES_UNITS else description
    if word == "start":
        yield f"Starting {name}..."
    elif word == "failed":
        yield f"{unit}: Main process exited, code=exited, status=1/FAILURE"
        if systemd < 237:
            yield f"Failed to start {name}."
            yield f"{unit}: Unit entered failed state."
        yield f"{unit}: Failed with result 'exit-code'."
        if systemd >= 237:
            yield f"Failed to start {name}."
    elif systemd < FINISHES:
        if systemd >= SUCCEEDS:
            yield f"{unit}: Succeeded."
        yield f"Started {name}."
    else:
        yield f"{unit}: Deactivated successfully."
        yield f"Finished {name}."
