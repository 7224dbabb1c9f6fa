"""Generated crontabs, good and bad, as files with names, modes, owners and links of all kinds.

Law: each command names its own number, so that what ran says where it stood.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from certaudit.parsers.crontab import Daemon
from tests.conformance.cron_lab import RECORDER, SENTINEL, WATCHER

ODD_USERS = ("web.admin", "_under", "UPPER", "has-dash", "trail9", "wwwdata", "0zero")
STRANGERS = ("hogehoge", "nosuch", "0", "root:root", "ROOT", "*", "root\r", "r\u00f6\u00f6t")
NAMES = (
    "plain", "with-dash", "with_under", "UPPER", "0digit", "-dash", "_under", "a.dot", "b.conf",
    "c~", "#d#",
    ".hidden", "e.dpkg-dist", "f.dpkg-old", "g dpkg", "h:i", "j+k", "l,m", "n@o", "p\u00e9",
    "q\nr", "s\tt",
    "u.sh", "w.rpmsave", "x.rpmnew", "y.swp", "z=z", "x" * 200, ".placeholder", "trailing-",
    "(paren)", "a'b", 'a"b', "$(x)", "back\\slash", "%", "d" * 254 + "~",
)  # fmt: skip
GOOD_MODES = (0o644, 0o600, 0o755, 0o444, 0o640, 0o700, 0o400, 0o4644, 0o2644, 0o1644, 0o000, 0o111)
BAD_MODES = (0o664, 0o666, 0o646, 0o777, 0o620, 0o602)
SPOOL_MODES = (0o644, 0o640, 0o400, 0o700, 0o660, 0o604, 0o4600, 0o1600, 0o200, 0o000)
COMMENTS = (
    "# a comment",
    "  # indented",
    "#",
    "\t#x",
    "",
    "   ",
    "\t",
    "# * * * * * root /run/lab/r no",
)
ASSIGNMENTS = (
    "HOGE=fuga", "HOGE = fuga piyo", "HOGE='a b'", 'HOGE="a b"', 'HOGE=" a "', "'HOGE'=x", '"FUGA" = y',
    "HOGE=$PATH:/x", "PATH=/bin:/usr/bin:/opt/x", "SHELL=/bin/bash", "SHELL=/bin/dash", "HOME=/tmp",
    "LOGNAME=somebody", "USER=somebody", 'MAILTO=""', "MAILTO=root@example.org", "HOGE=a#b", "HOGE= x ",
    "  FUGA=indented", "HOGE=x\r", "HOGE='a\"b'", "HOGE=a=b", "CRON_TZ=Asia/Tokyo", "TZ=Asia/Tokyo",
    "RANDOM_DELAY=5", "HOGE='x'  ", "HOGE=\"'x'\"", "HOGE\t=\tx", "HOGE=''", 'FUGA=""',
    "HOGE=x\\", "HOGE=%",
)  # fmt: skip
BAD_ASSIGNMENTS = (
    "HOGE=", "MAILTO=", "HOGE='a", 'HOGE="a" b', "HOGE", "=x", "HOGE FUGA=x", "export HOGE=x",
    "'HOGE=x",
    '"A B"=x', "HOGE+=x", "HOGE='a'b", "\"=\"=x", "''=x",
)  # fmt: skip
BAD_LINES = (
    "* * * *", "* * * * *", "* * * * * ", "* * * * * root", "* * * * * root ", "not a line",
    "\r", "\x0c", "*",
    "@", "@reboot", "@fortnightly root {c}", "@Daily root {c}", "60 * * * * root {c}",
    "* 24 * * * root {c}",
    "* * 0 * * root {c}", "* * 32 * * root {c}", "* * * 13 * root {c}", "* * * 0 * root {c}",
    "* * * * 8 root {c}", "*/0 * * * * root {c}", "-1 * * * * root {c}", "* * * january * root {c}",
    "5/2 * * * * root {c}", "a * * * * root {c}", "; * * * * root {c}", "// * * * * root {c}",
    "* * * * * * root {c}", "- * * * * * root {c}", "\ufeff* * * * * root {c}", "1, * * * * root {c}",
    "99999999999999999999 * * * * root {c}", "*/99999999999 * * * * root {c}", "* * * * * root * {c}",
    ",1 * * * * root {c}", "1-2-3 * * * * root {c}", "1- * * * * root {c}", "*,, * * * * root {c}",
)  # fmt: skip
ENDS = (
    "", " ", "\t", " arg", "  two  blanks", " a%b", " a\\%b", " %", " \\\\", " a#b", " # c",
    " 'q r'", " \r",
    "\r", " a%b%c", " \\a", " a\\\\%b", " $HOGE", " ~", ' "x"', " `echo 1`", " >/dev/null 2>&1",
    " && true",
    "; true", " \u00e9", " a\\", "%stdin",
)  # fmt: skip


@dataclass(slots=True)
class Tables:
    """A tree in the making."""

    root: Path
    random: random.Random
    moment: datetime
    daemon: Daemon = "vixie-debian"
    users: dict[str, int] = field(default_factory=dict)
    lines: int = 0
    files: int = 0

    def make(self, cron_d: int, spool: int) -> None:
        """Write ``cron_d`` files of /etc/cron.d, ``spool`` of users, and everything around them."""
        for directory in ("etc/cron.d/targets.d", "usr/sbin", "usr/bin", "var/spool/cron/crontabs"):
            (self.root / directory).mkdir(parents=True)
        self.program()
        self.accounts(spool)
        self.write(self.root / "etc/crontab", self.table(True, tame=True), 0o644)
        crontabs = self.root / "var/spool/cron/crontabs"
        self.write(crontabs / WATCHER, f"* * * * * {RECORDER} {SENTINEL}\n", 0o600)
        for number, name in enumerate(self.names(cron_d)):
            self.cron_d_file(self.root / "etc/cron.d" / name, number)
        users = [name for name in self.users if name != WATCHER]
        for name in (*users, "root~", "tmp.x1", ".root", "#root#", "ghost", "root.bak"):
            self.spool_file(crontabs / name)

    def program(self) -> None:
        """What tells certaudit which daemon is here."""
        if self.daemon == "busybox":
            (self.root / "usr/bin/busybox").touch()
            (self.root / "usr/sbin/crond").symlink_to("../bin/busybox")
        else:
            (self.root / "usr/sbin" / ("crond" if self.daemon == "cronie" else "cron")).touch()

    def names(self, number: int) -> Iterator[str]:
        """Odd names first, then plain ones, so that contents and modes count."""
        yield from NAMES
        for extra in range(number - len(NAMES)):
            yield f"{self.random.choice(('job', 'JOB', 'a_b', 'x-y'))}{extra}"

    def accounts(self, number: int) -> None:
        """Users in passwd(5), each with a group and a password that never expires."""
        names = ["root", "daemon", WATCHER, *ODD_USERS, *(f"user{n}" for n in range(number))]
        for at, name in enumerate(names):
            self.users[name] = at if at < 2 else 20_000 + at
        homes = {"root": "/root", "daemon": "/usr/sbin"}
        if self.daemon == "busybox":  # its joined lines have * among the arguments: none with files
            homes = {name: f"/home/{name}" for name in names}
        for directory in ("root", "tmp", "srv", *(f"home/{name}" for name in names)):
            (self.root / directory).mkdir(parents=True)
        passwd = [
            f"{n}:x:{u}:{u}::{homes.get(n, f'/home/{n}' if u % 3 else f'/srv/{n}')}:/bin/sh"
            for n, u in self.users.items()
        ]
        group = [f"{n}:x:{u}:" for n, u in self.users.items()]
        shadow = [f"{n}:*:19000:0:99999:7:::" for n in self.users]
        permit = [f"{kind} required pam_permit.so" for kind in ("auth", "account", "session")]
        (self.root / "etc/pam.d").mkdir()
        for name, content in (
            ("passwd", passwd),
            ("group", group),
            ("shadow", shadow),
            ("pam.d/cron", permit),
            ("pam.d/cronie", permit),
        ):
            (self.root / "etc" / name).write_text("\n".join(content) + "\n")

    def write(self, path: Path, text: str, mode: int, owner: int = 0) -> None:
        """One file, its mode last: chown(2) may clear bits of it."""
        path.write_bytes(text.encode())
        os.chown(path, owner, 0)
        path.chmod(mode)
        self.files += 1

    def cron_d_file(self, path: Path, number: int) -> None:
        """A file of /etc/cron.d: mostly plain, else odd in one way."""
        rng = self.random
        kind = "plain" if number < len(NAMES) else rng.choice(["plain"] * 8 + KINDS)
        text = self.table(True, tame=kind != "plain" or number < len(NAMES))
        nobody = rng.choice(list(self.users.values()))
        target = path.parent / "targets.d" / str(number)
        if kind == "mode":
            self.write(path, text, rng.choice(GOOD_MODES + BAD_MODES))
        elif kind == "owner":
            self.write(path, text, 0o644, nobody)
        elif kind == "hard link":
            self.write(path, text, 0o644)
            os.link(path, rng.choice([target, path.with_name(path.name + "-twin")]))
        elif kind == "symlink":
            self.write(target, text, rng.choice(GOOD_MODES + BAD_MODES), rng.choice([0, 0, 0, nobody]))
            self.link(path, f"/etc/cron.d/targets.d/{number}", rng.choice([0, 0, nobody]))
        elif kind == "second name":
            self.write(path, text, 0o644)
            self.link(path.with_name(path.name + "-again"), path.name, 0)
        elif kind == "other":
            self.other(path)
        else:
            self.write(path, text, 0o644)

    def link(self, path: Path, target: str, owner: int) -> None:
        """A symlink with an owner."""
        path.symlink_to(target)
        os.lchown(path, owner, 0)

    def other(self, path: Path) -> None:
        """What is no regular file; no FIFO, for opening one stops Debian's cron for good."""
        chosen = self.random.choice(("directory", "/dev/null", "/etc/nowhere", path.name))
        if chosen == "directory":
            path.mkdir()
        else:
            self.link(path, chosen, 0)

    def spool_file(self, path: Path) -> None:
        """A user's crontab: mostly as crontab(1) leaves it, else odd in one way."""
        rng = self.random
        owner = 0 if self.daemon == "busybox" else self.users.get(path.name, 0)
        kind = rng.choice(["plain"] * 4 + ["mode", "owner", "root", "hard link", "symlink"])
        text = self.table(False, tame=kind != "plain")
        if path.name == "user0":  # busybox reads 255 lines of it
            text = "# comment\n\n" + "".join(f"{self.line(False, tame=True)}\n" for _ in range(260))
        if kind == "mode":
            self.write(path, text, rng.choice(SPOOL_MODES), owner)
        elif kind == "owner":
            self.write(path, text, 0o600, rng.choice(list(self.users.values())))
        elif kind == "root":
            self.write(path, text, 0o600)
        elif kind == "hard link":
            self.write(path, text, 0o600, owner)
            os.link(path, self.root / "etc/cron.d/targets.d" / path.name)
        elif kind == "symlink":
            self.write(self.root / "etc/cron.d/targets.d" / path.name, text, 0o600, owner)
            self.link(path, f"/etc/cron.d/targets.d/{path.name}", owner)
        else:
            self.write(path, text, 0o600, owner)

    def table(self, system: bool, *, tame: bool) -> str:
        """The text of a crontab; a ``tame`` one has no line that may be refused."""
        rng = self.random
        lines = [self.line(system, tame=True) for _ in range(rng.randint(1, 3))]
        for _ in range(rng.randint(0, 2)):
            lines.insert(rng.randrange(len(lines) + 1), self.assignment())
        if rng.random() < 0.4:
            lines.insert(rng.randrange(len(lines) + 1), rng.choice(COMMENTS))
        if not tame and rng.random() < 0.55:
            bad = self.line(system, tame=False) if rng.random() < 0.4 else self.bad(system)
            lines.insert(rng.randrange(len(lines) + 1), bad)
        text = "\n".join(lines) + "\n"
        if not tame and rng.random() < 0.15:
            text = rng.choice(
                [
                    text[:-1],
                    text.replace("\n", "\r\n"),
                    text + "# last",
                    text + "  ",
                    text + "\n\n",
                    text + "x",
                ]
            )
        return text

    def assignment(self) -> str:
        """A variable; none whose effect cronie draws by lot."""
        drawn = self.daemon == "cronie"
        return self.random.choice([a for a in ASSIGNMENTS if not (drawn and "RANDOM_DELAY" in a)])

    def bad(self, system: bool) -> str:
        """A line that may cost the whole file."""
        line = self.random.choice(BAD_LINES + BAD_ASSIGNMENTS).replace("{c}", self.command())
        return line if system else line.replace(" root", "", 1)

    def command(self) -> str:
        """The recorder with the next number."""
        self.lines += 1
        return f"{RECORDER} {self.lines}"

    def line(self, system: bool, *, tame: bool) -> str:
        """A line that runs a command, or would if it were not commented out."""
        rng = self.random
        user = rng.choice([*self.users] if tame or rng.random() < 0.5 else STRANGERS)
        blank = rng.choice([" "] * 8 + ["\t", "  ", " \t "])
        words = [self.schedule(blank), *([user] if system else []), self.command()]
        if self.daemon == "cronie" and rng.random() < 0.1:
            words[-1] = rng.choice(("-n ", "-n\t ", "-n", "-n -n ", "-x ", "- ")) + words[-1]
        text = rng.choice(["", "", "", " ", "\t"]) + blank.join(words) + rng.choice(("",) * 20 + ENDS)
        if not tame and rng.random() < 0.2:
            text += " " + "x" * rng.choice((900, 950, 960, 970, 975, 980, 985, 990, 1100))
        return rng.choice(("",) * 12 + ("#", "# ", "##", "#\t")) + text

    def schedule(self, blank: str) -> str:
        """Five fields or an @-form, about half of them due at the moment."""
        rng = self.random
        if rng.random() < 0.15 and self.daemon != "busybox":  # Debian's build dies of an @-form
            forms = ("reboot", "yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly")
            return "@" + rng.choice(forms)
        due = [(self.moment.minute, 60), (self.moment.hour, 24), (self.moment.day, 31)]
        due += [(self.moment.month, 12), (self.moment.isoweekday() % 7, 7)]
        fields = [self.field(at, now, size) for at, (now, size) in enumerate(due)]
        return blank.join(fields)

    def field(self, at: int, now: int, size: int) -> str:
        """One field that the daemon takes."""
        rng = self.random
        if rng.random() < 0.72:
            return "*"
        other = min(size - 1, now + rng.randint(1, 3))
        forms = [
            f"{now}",
            f"{now:02}",
            f"{now}-{other}",
            f"{other},{now}",
            f"{now},{other}",
            f"{other}",
            "*/2",
        ]
        forms += [
            f"*/{rng.randint(1, 40)}",
            f"{now}-{size - 1}/{rng.randint(1, 9)}",
            f"{now},{now},{now}",
            "*,1",
        ]
        drawn = now if self.daemon == "cronie" else other  # it draws one of several by lot
        forms += [f"{now}~{drawn}", f"{now}.5", f"{other}-{now}", f"{now};x"]
        names = {
            3: ("jan", "JAN", "Dec", "jan-mar"),
            4: ("sun", "Sun", "MON", "7", "0-7", "5-7", "sun-sat"),
        }
        return rng.choice([*forms, *names.get(at, ())])


KINDS = ["mode", "owner", "hard link", "symlink", "second name", "other"]
