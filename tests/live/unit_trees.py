"""Generated unit trees: fragments, drop-ins, masks, aliases, templates and wants links in every
directory, with hard values; each family of names stays apart from the others.

Law: nothing of the product has a part in it, and nothing that is generated is ever started.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ETC, RUN = "/etc/systemd/system", "/run/systemd/system"
USUAL = (ETC, RUN, "/usr/lib/systemd/system", "/usr/local/lib/systemd/system")
RARE = (*USUAL, "/etc/systemd/system.control")
OPT = "/opt"  # no unit directory: what a link there leads to is a linked unit
STEMS = (
    "-a-b.service", "-a-b.timer", "-a.service", "-@.service", "-a@.service", "-a@one.service",
    "-a@two.service", "-ali.service", "-ali@.service", "-ali@one.service", "-x.timer", "--y.service",
    ".service",
)  # fmt: skip
PREFIXES = ("-.service", "-.timer", "-a-.service", "-a-@.service", "-@one.service")
ASKED = ("-@q.service", "-ali@zz.service", "-a@three.service")  # instances that no file names
WORDS = (
    "a", "b c", "$A", "${B}", "$$", "%%", "%i", "%n", "%p", r"\x41", r"\s", '"q w"', "'s\"q'", r"\;",
    "; /bin/true x", "x;y", r"\u00e9", r"\101", r"\z", "$C", "${C}x", "a'b'c", "%N", "%P", "%I", "%f",
    "%j", "-", "@", "'open",
)  # fmt: skip
MARKS = ("", "-", "@", "+", "!", "!!", ":", "-@", "@-:")
PROGRAMS = ("/bin/echo",) * 6 + ("/bin/%p", "echo") * 3 + ("bin/x", "/bin/", "/bin%f", "")
CALENDARS = {
    "daily": "*-*-* 00:00:00",
    "monthly": "*-*-01 00:00:00",
    "Mon 03:00": "Mon *-*-* 03:00:00",
}
DROP_INS = ("10-a", "20-b", "z")
NODES = (10, 40)  # how many files, links and drop-ins a family has


@dataclass(slots=True)
class Family:
    """The units of one prefix, written below ``top``; ``names`` are those to ask for."""

    top: Path
    prefix: str
    rng: random.Random
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        plain = [stem for stem in STEMS if "@." not in stem]
        self.names = tuple(self.prefix + stem for stem in (*plain, *ASKED))

    def make(self) -> None:
        """Write the family."""
        for stem in STEMS[:3]:
            self.write(f"{OPT}/{self.prefix}{stem}", self.fragment(stem))
        for _ in range(self.rng.randint(*NODES)):
            directory = self.rng.choice(USUAL if self.rng.random() < 0.8 else RARE)
            kind = self.rng.random()
            if kind < 0.4:
                self.add_fragment(directory)
            elif kind < 0.52:
                self.add_link(directory)
            elif kind < 0.6:
                self.add_wants(directory)
            else:
                self.add_drop_in(directory)

    def name(self, stems: Sequence[str] = STEMS) -> str:
        """One of the family's names."""
        return self.prefix + self.rng.choice(stems)

    def add_fragment(self, directory: str) -> None:
        name = self.name()
        self.write(f"{directory}/{name}", self.fragment(name) if self.rng.random() < 0.93 else "")

    def add_link(self, directory: str) -> None:
        """A mask, an alias, or a link to a file elsewhere."""
        name = self.name()
        elsewhere = f"{self.rng.choice(RARE)}/{self.name()}"
        targets = ("/dev/null", f"{self.prefix}-a.service", elsewhere, self.name(), f"{OPT}/{name}")
        self.link(f"{directory}/{name}", self.rng.choice(targets))

    def add_wants(self, directory: str) -> None:
        """What ``systemctl enable`` makes; the target is never started again in a running machine."""
        name = self.name()
        kind = self.rng.choice(("wants", "requires"))
        self.link(f"{directory}/multi-user.target.{kind}/{name}", f"{directory}/{name}")

    def add_drop_in(self, directory: str) -> None:
        owner = self.name((*STEMS, *PREFIXES))
        path = f"{directory}/{owner}.d/{self.rng.choice(DROP_INS)}.conf"
        if self.rng.random() < 0.1:
            self.link(path, "/dev/null")
        else:
            self.write(path, self.text(self.lines(owner)))

    def fragment(self, name: str) -> str:
        """A whole unit; now and then with an ``[Install]`` section."""
        timer = name.endswith(".timer")
        lines = [*self.lines(name), "OnCalendar=monthly" if timer else "ExecStart=/bin/true"]
        if self.rng.random() < 0.5:
            wanted = ("WantedBy=multi-user.target", f"Also={self.prefix}-a.service", "DefaultInstance=q")
            lines += ["[Install]", self.rng.choice(wanted)]
        return self.text(lines)

    def lines(self, name: str) -> list[str]:
        """A section with settings that add up, or reset each other, over several files."""
        if name.endswith(".timer"):
            others = ("OnCalendar=", "OnBootSec=5h", f"Unit={self.prefix}.service")
            delays = (
                *("RandomizedDelaySec=5h", "RandomizedDelaySec=", "RandomizedDelaySec=hogehoge"),
                *("Persistent=yes", "Persistent=", "Persistent=maybe", "Persistent=OFF", "Persistent=y"),
                *("AccuracySec=1h 5min", "AccuracySec=", "AccuracySec=-1"),
            )
            settings = (*others, *delays, *(f"OnCalendar={text}" for text in CALENDARS))
            return ["[Timer]", *self.rng.choices(settings, k=self.rng.randint(0, 3))]
        chosen = [self.service_setting() for _ in range(self.rng.randint(0, 4))]
        return ["[Service]", "Type=oneshot", *chosen]

    def service_setting(self) -> str:
        settings = (
            f"ExecStart={self.command()}", f"ExecStart={self.command()}", "ExecStart=",
            f"ExecStartPost={self.command()}", 'Environment=A=1 "B=b  c" C=%n', "Environment=",
            "Environment='A=x y' D=\"q\" I=%I", "User=daemon", "User=", "EnvironmentFile=-/etc/x%p",
            "EnvironmentFile=",
        )  # fmt: skip
        return self.rng.choice(settings)

    def command(self) -> str:
        words = self.rng.choices(WORDS, k=self.rng.randint(0, 6))
        return " ".join([self.rng.choice(MARKS) + self.rng.choice(PROGRAMS), "w", *words])

    def text(self, lines: Sequence[str]) -> str:
        return self.rng.choice(("\n", "\r\n")).join(lines) + "\n"

    def write(self, path: str, text: str) -> None:
        """A new file; one that is there stays."""
        place = self.free(path)
        if place is not None:
            place.write_text(text, newline="")

    def link(self, path: str, target: str) -> None:
        """A new link; what is there stays."""
        place = self.free(path)
        if place is not None:
            place.symlink_to(target)

    def free(self, path: str) -> Path | None:
        """The place of a path below the top, if nothing is there."""
        place = self.top / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        return None if place.is_symlink() or place.exists() else place
