"""What lines of syslog and journal report."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.events import (
    AnacronJob,
    ClientOutput,
    CronCommand,
    CronJobFailed,
    CronOutputDiscarded,
    CronRefusal,
    CronSession,
    CronTableChanged,
    Event,
    SudoCommand,
    UnitEvent,
    classify,
)


@dataclass
class Line:
    program: str
    pid: int | None
    message: str


def event(program: str, message: str, pid: int | None = 1) -> Event | None:
    return classify(Line(program, pid, message))


CERTBOT = "certbot.service"
EPEL = "This service automatically renews any certbot certificates found"
SNAP = "snap.certbot.renew.service"
SNAP_TEXT = "Service for snap application certbot.renew"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Starting Certbot...", UnitEvent("starting", None, "Certbot")),
        ("Starting certbot.service - Certbot...", UnitEvent("starting", CERTBOT, "Certbot")),
        ("Starting certbot.service...", UnitEvent("starting", CERTBOT, None)),
        (f"Starting {EPEL}...", UnitEvent("starting", None, EPEL)),
        (f"Starting {SNAP} - {SNAP_TEXT}...", UnitEvent("starting", SNAP, SNAP_TEXT)),
        (f"Starting {SNAP_TEXT}...", UnitEvent("starting", None, SNAP_TEXT)),
        ("Started Certbot.", UnitEvent("started", None, "Certbot")),
        (
            "Started certbot.timer - Run certbot twice daily.",
            UnitEvent("started", "certbot.timer", "Run certbot twice daily"),
        ),
        ("Finished Certbot.", UnitEvent("finished", None, "Certbot")),
        ("Finished certbot.service - Certbot.", UnitEvent("finished", CERTBOT, "Certbot")),
        ("certbot.service: Succeeded.", UnitEvent("deactivated", CERTBOT, None)),
        ("certbot.service: Deactivated successfully.", UnitEvent("deactivated", CERTBOT, None)),
        (
            "certbot.service: Main process exited, code=exited, status=1/FAILURE",
            UnitEvent("exited", CERTBOT, None, "1/FAILURE"),
        ),
        (
            "certbot.service: main process exited, code=exited, status=1/FAILURE",
            UnitEvent("exited", CERTBOT, None, "1/FAILURE"),
        ),
        (
            "apache2.service: Control process exited, code=exited status=1",
            UnitEvent("exited", "apache2.service", None, "1"),
        ),
        (
            "certbot.service: Failed with result 'exit-code'.",
            UnitEvent("failed", CERTBOT, None, "exit-code"),
        ),
        ("certbot.service: Unit entered failed state.", UnitEvent("failed", CERTBOT, None)),
        ("Unit certbot.service entered failed state.", UnitEvent("failed", CERTBOT, None)),
        ("certbot.service failed.", UnitEvent("failed", CERTBOT, None)),
        ("Failed to start Certbot.", UnitEvent("failed", None, "Certbot")),
        ("Failed to start certbot.service - Certbot.", UnitEvent("failed", CERTBOT, "Certbot")),
        ("Dependency failed for Certbot.", UnitEvent("failed", None, "Certbot", "dependency")),
        ("Timed out starting Certbot.", UnitEvent("failed", None, "Certbot", "timeout")),
        (
            "certbot.service: Skipped due to 'exec-condition'.",
            UnitEvent("skipped", CERTBOT, None, "exec-condition"),
        ),
        (
            "Condition check resulted in Certbot being skipped.",
            UnitEvent("skipped", None, "Certbot", "condition"),
        ),
        (
            "certbot.service - Certbot was skipped because of an unmet condition check "
            "(ConditionPathExists=/etc/letsencrypt).",
            UnitEvent("skipped", CERTBOT, "Certbot", "condition"),
        ),
        ("Stopping Certbot...", UnitEvent("stopping", None, "Certbot")),
        (
            "Stopped certbot.timer - Run certbot twice daily.",
            UnitEvent("stopped", "certbot.timer", "Run certbot twice daily"),
        ),
    ],
)
def test_units(message: str, expected: UnitEvent) -> None:
    assert event("systemd", message) == expected


@pytest.mark.parametrize(
    "message",
    [
        "certbot.timer: Adding 4h 14min 54.086663s random time.",
        "certbot.service: Consumed 1.360s CPU time, 61.4M memory peak.",
        "certbot.service: Failed to reset devices.list: Operation not permitted",
        "snap.nextcloud.renew-certs.service: Scheduled restart job, restart counter is at 5.",
        "Reached target Timers.",
        "Reloading.",
        "Startup finished in 12ms.",
        "Time has been changed",
        "Reloaded The Apache HTTP Server.",
        "note: Succeeded.",
        "",
    ],
)
def test_noise_of_systemd_is_no_event(message: str) -> None:
    assert event("systemd", message) is None


def test_the_manager_of_a_user_is_told_from_the_systems() -> None:
    renew = UnitEvent("started", None, "renew certificates", None, True)
    assert event("systemd", "Started renew certificates.", 5313) == renew
    assert event("systemd", "Started X.", None) == UnitEvent("started", None, "X")


PACKAGED = "test -x /usr/bin/certbot -a \\! -d /run/systemd/system && certbot -q renew"


@pytest.mark.parametrize(
    ("program", "message", "expected"),
    [
        ("CRON", f"(root) CMD ({PACKAGED})", CronCommand("root", PACKAGED, "started", 228)),
        (
            "CROND",
            "(root) CMD (  run-parts /etc/cron.hourly)",
            CronCommand("root", "run-parts /etc/cron.hourly", "started", 228),
        ),
        (
            "CROND",
            "(alice) CMDEND (/opt/renew (x))",
            CronCommand("alice", "/opt/renew (x)", "ended", 228),
        ),
        ("CRON", "(root) CMD ([23094] false)", CronCommand("root", "false", "started", 23094)),
        ("CRON", "(root) END ([23094] false)", CronCommand("root", "false", "ended", 23094)),
        (
            "CRON",
            "(root) CMD ([ -x /bin/x ] && /bin/x)",
            CronCommand("root", "[ -x /bin/x ] && /bin/x", "started", 228),
        ),
        (
            "CRON",
            "(root) CMD (/opt/renew --cut-of",
            CronCommand("root", "/opt/renew --cut-of", "started", 228),
        ),
        ("/USR/SBIN/CRON", "(root) CMD (x)", CronCommand("root", "x", "started", 228)),
        (
            "crond",
            "USER root pid  77 cmd /usr/bin/certbot renew",
            CronCommand("root", "/usr/bin/certbot renew", "started", 77),
        ),
        (
            "crond",
            "FILE /etc/cron.d/certbot USER root PID  77 certbot renew",
            CronCommand("root", "certbot renew", "started", 77),
        ),
        ("CRON", "(CRON) error (grandchild #228 failed with exit status 1)", CronJobFailed(228, 1)),
        ("CRON", "(CRON) info (No MTA installed, discarding output)", CronOutputDiscarded()),
        ("cron", "(root) RELOAD (crontabs/root)", CronTableChanged("reload", "root", "crontabs/root")),
        (
            "cron",
            "(*system*certbot) RELOAD (/etc/cron.d/certbot)",
            CronTableChanged("reload", "*system*certbot", "/etc/cron.d/certbot"),
        ),
        ("crontab", "(root) REPLACE (root)", CronTableChanged("replace", "root", "root")),
        ("crontab", "(root) END EDIT (alice)", CronTableChanged("edit", "root", "alice")),
    ],
)
def test_cron(program: str, message: str, expected: Event) -> None:
    assert event(program, message, 228) == expected


@pytest.mark.parametrize(
    ("message", "owner", "reason", "table"),
    [
        (
            "(*system*certbot) BAD FILE MODE (/etc/cron.d/certbot)",
            "*system*certbot",
            "BAD FILE MODE",
            "/etc/cron.d/certbot",
        ),
        (
            "(*system*x) INSECURE MODE (group/other writable) (/etc/cron.d/x)",
            "*system*x",
            "INSECURE MODE (group/other writable)",
            "/etc/cron.d/x",
        ),
        (
            "(root) INSECURE MODE (mode 0600 expected) (crontabs/root)",
            "root",
            "INSECURE MODE (mode 0600 expected)",
            "crontabs/root",
        ),
        (
            "(*system*x) WRONG FILE OWNER (/etc/cron.d/x)",
            "*system*x",
            "WRONG FILE OWNER",
            "/etc/cron.d/x",
        ),
        (
            "(*system*x) NUMBER OF HARD LINKS > 1 (/etc/cron.d/x)",
            "*system*x",
            "NUMBER OF HARD LINKS > 1",
            "/etc/cron.d/x",
        ),
        (
            "(*system*x) CAN'T OPEN SYMLINK (/etc/cron.d/x)",
            "*system*x",
            "CAN'T OPEN SYMLINK",
            "/etc/cron.d/x",
        ),
        (
            "(*system*x) ERROR (Missing newline before EOF, this crontab file will be ignored)",
            "*system*x",
            "Missing newline before EOF, this crontab file will be ignored",
            "",
        ),
        (
            "(*system*x) ERROR (Syntax error, this crontab file will be ignored)",
            "*system*x",
            "Syntax error, this crontab file will be ignored",
            "",
        ),
        ("Error: bad minute; while reading /etc/cron.d/x", "", "bad minute", "/etc/cron.d/x"),
        ("(CRON) bad minute (/etc/cron.d/x)", "CRON", "bad minute", "/etc/cron.d/x"),
        ("(alice) ORPHAN (no passwd entry)", "alice", "ORPHAN (no passwd entry)", ""),
    ],
)
def test_crontabs_that_cron_refuses(message: str, owner: str, reason: str, table: str) -> None:
    assert event("cron", message) == CronRefusal(owner, reason, table)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("CRON", "pam_unix(cron:account): account root has password changed in future"),
        ("CRON", "pam_env(cron:session): Unable to open env file: /etc/default/locale"),
        ("CRON", "pam_unix(cron:session): session opened for user "),
        ("cron", "(CRON) INFO (pidfile fd = 3)"),
        ("cron", "(CRON) STARTUP (fork ok)"),
        ("CROND", "(root) CMDOUT (some output)"),
        ("crontab", "(root) BEGIN EDIT (root)"),
        ("crontab", "(root) LIST (root)"),
        ("CRON", "(root) ERROR (failed to change user)"),
        ("CRON", "(CRON) error (can't fork)"),
        ("crond", "USER root pid"),
        ("incrond", "(system::etc.conf) CMD (/etc/scripts/backup.sh /etc/letsencrypt/x)"),
        ("kernel", '[1.2] audit: apparmor="DENIED" comm="(certbot)"'),
        ("cron", ""),
        ("", "(root) CMD (x)"),
    ],
)
def test_other_lines_of_cron_are_no_event(program: str, message: str) -> None:
    assert event(program, message) is None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("session opened for user root(uid=0) by (uid=0)", CronSession("opened", "root", 227)),
        ("session opened for user hoge by (uid=0)", CronSession("opened", "hoge", 227)),
        ("session closed for user root", CronSession("closed", "root", 227)),
    ],
)
def test_the_session_of_a_cron_job(message: str, expected: CronSession) -> None:
    assert event("CRON", f"pam_unix(cron:session): {message}", 227) == expected
    assert event("crond", f"pam_unix(crond:session): {message}", 227) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Job `cron.daily' started", AnacronJob("cron.daily", "started", None)),
        ("Job `cron.daily' terminated", AnacronJob("cron.daily", "ended", 0)),
        ("Job `cron.daily' terminated (mailing output)", AnacronJob("cron.daily", "ended", 0)),
        (
            "Job `cron.daily' terminated (exit status: 1) (mailing output)",
            AnacronJob("cron.daily", "ended", 1),
        ),
        ("Job `cron.daily' terminated due to signal 9", AnacronJob("cron.daily", "ended", None)),
        ("Will run job `cron.daily' in 5 min.", None),
        ("Normal exit (1 job run)", None),
        ("Job `cron.daily' locked by another anacron - skipping", None),
    ],
)
def test_anacron(message: str, expected: AnacronJob | None) -> None:
    assert event("anacron", message) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "  alice : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/bin/certbot renew ; x",
            SudoCommand("alice", "root", "/usr/bin/certbot renew ; x", "/root", "pts/0"),
        ),
        ("bob : USER=www ; COMMAND=/bin/x", SudoCommand("bob", "www", "/bin/x", None, None)),
        ("alice : command not allowed ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/x", None),
        ("alice : 3 incorrect password attempts ; TTY=pts/0 ; USER=root ; COMMAND=/bin/x", None),
        ("pam_unix(sudo:session): session opened for user root by alice(uid=0)", None),
    ],
)
def test_sudo(message: str, expected: SudoCommand | None) -> None:
    assert event("sudo", message) == expected


def test_certbots_own_lines() -> None:
    text = "1 renew failure(s), 0 parse failure(s)"
    assert event("certbot", text, 99) == ClientOutput("certbot", text)
    assert event("certbot.renew", text, 99) == ClientOutput("certbot.renew", text)
    assert event("certbot-helper", text, 99) is None


PROGRAMS = ["systemd", "CRON", "crond", "cron", "crontab", "anacron", "sudo", "certbot", "x"]
PIECES = st.sampled_from(
    ["Starting ", "...", ".", ": ", " - ", "a.service", ".service", "(", ")", ") ", " (", "CMD", "[1] ",
     "ERROR", "RELOAD", "USER ", " pid ", "Job `", "' ", "terminated", "COMMAND=", " : ", " ; ", "X=",
     "Failed with result '", "status=", "²", "٣", "\x00", "Error: ", "; while reading "]
)  # fmt: skip


@given(st.sampled_from(PROGRAMS), st.lists(PIECES | st.text(max_size=5), max_size=12))
def test_any_text_is_an_event_or_none(program: str, pieces: list[str]) -> None:
    found = event(program, "".join(pieces))
    assert found is None or isinstance(found, Event)


@pytest.mark.parametrize("program", PROGRAMS)
def test_long_text_takes_linear_time(program: str) -> None:
    start = perf_counter()
    for piece in ("(", ")", ") (", " : ", " ; ", "' ", ": ", " - ", "USER ", " pid "):
        event(program, "(" + piece * 200_000)
        event(program, "Job `" + piece * 200_000 + "COMMAND=")
    assert perf_counter() - start < 5
