"""People at a terminal of a box: they log in over ssh, type, and log out.

What that leaves is what sshd, PAM, logind, sudo and bash write by themselves: auth.log, the journal,
wtmp, and the shell's history, which bash writes at logout.
"""

from __future__ import annotations

import pexpect

from tests.live.box import Box, BoxError

PACKAGES = ("openssh-server", "sudo")
KEY = "/etc/ssh/key_of_the_people"
LOGIN = (
    "/usr/bin/ssh", "-tt", "-q", "-i", KEY, "-o", "StrictHostKeyChecking=no",
    "-o", "UserKnownHostsFile=/dev/null",
)  # fmt: skip
MAKE_KEY = f"test -e {KEY} || ssh-keygen -q -t ed25519 -N '' -f {KEY}"
TRUST = 'd=$(getent passwd "$1" | cut -d: -f6)/.ssh && install -d -m 700 -o "$1" "$d" && \
install -m 600 -o "$1" "$2" "$d/authorized_keys"'
PROMPT = r"[#$] $"
PATIENCE = 60.0  # seconds for one command


def let_in(box: Box, *users: str) -> None:
    """Let users log in by key, at the box's own sshd."""
    box.output("/bin/sh", "-c", MAKE_KEY)
    for user in users:
        box.output("/bin/sh", "-c", TRUST, "sh", user, f"{KEY}.pub")
    box.output("/usr/bin/systemctl", "start", "ssh.service")


def types(box: Box, *commands: str, user: str = "root") -> str:
    """All that a terminal shows while a user logs in, types commands and logs out.

    Raise ``BoxError`` where a command does not come back to the prompt in time.
    """
    program, *arguments = box.argv(*LOGIN, f"{user}@localhost", env={"TERM": "dumb"})
    terminal = pexpect.spawn(program, arguments, encoding="utf-8", timeout=PATIENCE)
    shown = ""
    try:
        terminal.expect(PROMPT)
        for command in commands:
            shown += terminal.before or ""
            terminal.sendline(command)
            terminal.expect_exact(command)
            terminal.expect(PROMPT)
        shown += terminal.before or ""
        terminal.sendline("exit")
        terminal.expect(pexpect.EOF)
    except pexpect.ExceptionPexpect as error:
        raise BoxError(f"{user} at a terminal, typing {commands}: {shown}\n{terminal.before}") from error
    finally:
        terminal.close()
    return shown
