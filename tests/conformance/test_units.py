"""Unit file states and presets against the real ``systemctl --root=DIR`` on generated trees."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from certaudit.host.root import Root
from certaudit.host.units.files import UnitFiles
from certaudit.parsers.unit_name import name_kind
from tests.summary import SEED, compared, scaled

SYSTEMCTL = shutil.which("systemctl")
BASE_TREES = 60
TREES_PER_TEST = 15

pytestmark = pytest.mark.skipif(SYSTEMCTL is None, reason="systemctl is not installed")

ADMIN, RUN = "etc/systemd/system", "run/systemd/system"
USR, LIB = "usr/lib/systemd/system", "lib/systemd/system"
RARE = [
    "etc/systemd/system.control",
    "run/systemd/transient",
    "run/systemd/generator.early",
    "run/systemd/generator",
    "run/systemd/generator.late",
    "run/systemd/system.attached",
    "usr/local/lib/systemd/system",
]
NAMES = ["alpha.service", "alpha.timer", "beta-x.timer", "beta-x.service", "beta.timer", "delta.path"]
NAMES += ["eps.socket", "boot.target", "zeta.mount", "user.slice", "gamma@.service", "gamma@.timer"]
NAMES += ["gamma@one.timer", "gamma@two.service", "omega@.timer", "omega@one.timer"]
OWNERS = ["timers.target", "boot.target", "multi-user.target", "gamma@.target", "alpha.service", "timer"]
WORDS = ["timers.target", "alpha.timer", "beta.timer", "gamma@one.timer", "omega@.timer", '"x y.target"']
WORDS += ["multi-user.target", "beta-x.timer", "omega@one.timer", "gamma@two.service", "%p-x.timer"]
GLOBS = [
    "alpha.*",
    "*.timer",
    "beta*",
    "gamma@.timer",
    "*",
    "omega@one.timer",
    "[a-e]*.service",
    "delta.path",
]


class TreeMaker:
    """One random root with unit directories in it."""

    def __init__(self, root: Path, rng: random.Random) -> None:
        self.root = root
        self.random = rng
        self.directories = [ADMIN, ADMIN, RUN, USR, USR, LIB, *rng.sample(RARE, 2)]

    def maybe(self, probability: float) -> bool:
        return self.random.random() < probability

    def make(self) -> None:
        release = re.findall(r"\d+", subprocess.check_output([str(SYSTEMCTL), "--version"], text=True))[
            0
        ]
        self.write(f"usr/lib/systemd/libsystemd-shared-{release}.so", "x")
        if Path("/etc/os-release").exists():
            self.write("etc/os-release", Path("/etc/os-release").read_text())
        if self.maybe(0.6):
            (self.root / "lib").symlink_to("usr/lib")  # systemctl follows "/usr/lib" out of its root
        if self.maybe(0.5):
            self.write("dev/null", "")
        for name in NAMES[:5]:
            self.write(f"opt/units/{name}", self.unit())
        self.write("opt/units/other.service", self.unit())
        self.link("opt/units/null.service", "/dev/null")
        for _ in range(self.random.randint(6, 26)):
            self.one()
        for _ in range(self.random.randint(0, 3)):
            self.preset()

    def one(self) -> None:
        directory = self.random.choice(self.directories)
        name = self.random.choice(NAMES)
        step = self.random.random()
        if step < 0.42:
            self.write(f"{directory}/{name}", self.unit())
        elif step < 0.48:
            self.write(f"{directory}/{name}", "")
        elif step < 0.66:
            self.link(f"{directory}/{name}", self.target(name))
        elif step < 0.76:
            folder = f"{name}.d" if self.maybe(0.8) else f"{name.rpartition('.')[2]}.d"
            text = self.unit() if self.maybe(0.8) else ""
            self.write(f"{directory}/{folder}/{self.random.choice(['10-a', '20-b'])}.conf", text)
        elif step < 0.98:
            self.dependency(directory, name)
        else:
            place = self.root / directory / name
            if self.ready(place):
                place.mkdir()

    def dependency(self, directory: str, name: str) -> None:
        kind = self.random.choice(["wants", "wants", "wants", "requires", "upholds", "foo"])
        folder = f"{directory}/{self.random.choice(OWNERS)}.{kind}"
        if self.maybe(0.05):
            self.link(folder, "/opt/links")
        elif self.maybe(0.08):
            self.write(f"{folder}/{name}", self.unit())
        else:
            name = (
                name
                if self.maybe(0.7)
                else self.random.choice(["gamma@one.timer", "gamma@three.service"])
            )
            self.link(f"{folder}/{name}", self.target(name))

    def target(self, name: str) -> str:
        directory = "/" + self.random.choice(self.directories)
        other = self.random.choice([name, self.random.choice(NAMES)])
        return self.random.choice(
            [
                f"{directory}/{name}",
                f"{directory}/{other}",
                f"../system/{other}",
                other,
                f"../../..{directory}/{other}",
                "/dev/null",
                "../../../dev/null",
                "/../../dev/null",
                f"/opt/units/{name}",
                f"/opt/units/{name}",
                "/opt/units/other.service",
                "/opt/units/null.service",
                f"/opt/absent/{name}",
                f"/nowhere/../{other}",
                f"{directory}/sub/{name}",
            ]
        )

    def unit(self) -> str:
        lines = ["[Unit]", "Description=x"]
        if self.maybe(0.75):
            lines.append(
                self.random.choice(["[Install]", "[Install]", "[Install]", " [Install]", "[X-Install]"])
            )
            for _ in range(self.random.randint(0, 3)):
                key = self.random.choice(
                    ["WantedBy", "WantedBy", "RequiredBy", "UpheldBy", "Alias", "Also"]
                )
                words = " ".join(self.random.sample(WORDS, self.random.randint(0, 2)))
                words = words.replace('"x y.target"', "") if key == "Also" else words
                lines.append(f"{key}={words}")
        if self.maybe(0.3):
            lines += [
                "[Install]",
                f"DefaultInstance={self.random.choice(['one', 'two', '', 'a/b', '%p'])}",
            ]
        if self.maybe(0.1):
            lines.append(
                self.random.choice(["junk", "[Broken", "# [Install]", "WantedBy=\\\n# c\n boot.target"])
            )
        return self.random.choice(["\n", "\n", "\n", "\r\n"]).join(lines) + "\n"

    def preset(self) -> None:
        directory = self.random.choice(["etc", "run", "usr/lib", "usr/local/lib"])
        lines = ["# presets", ""]
        verbs = self.random.choices(["enable", "disable"], k=self.random.randint(1, 4))
        lines += [f"{verb} {self.random.choice(GLOBS)}" for verb in verbs]
        if self.maybe(0.3):
            lines.append("enable gamma@.timer one two")
        self.random.shuffle(lines)
        name = self.random.choice(["50-a", "60-b", "90-c"])
        self.write(f"{directory}/systemd/system-preset/{name}.preset", "\n".join(lines) + "\n")

    def write(self, path: str, text: str) -> None:
        whole = self.root / path
        if self.ready(whole):
            whole.write_bytes(text.encode())

    def link(self, path: str, target: str) -> None:
        whole = self.root / path
        if self.ready(whole):
            whole.symlink_to(target)

    def ready(self, path: Path) -> bool:
        """Is the place free, its directory made, and inside the root?"""
        inside = path.relative_to(self.root)
        if inside.parts[0] == "lib" and (self.root / "lib").is_symlink():
            path = self.root / "usr" / inside
        if any(parent.is_symlink() for parent in path.parents if parent != self.root):
            return False
        if os.path.lexists(path):
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        return True


def listed(root: Path) -> dict[str, tuple[str, str | None]]:
    """Name -> (state, preset) as ``list-unit-files`` prints them."""
    arguments = [str(SYSTEMCTL), f"--root={root}", "list-unit-files", "--output=json"]
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"}
    )
    return {row["unit_file"]: (row["state"], row.get("preset")) for row in json.loads(done.stdout)}


def is_enabled(root: Path, name: str) -> str | None:
    """The word that ``is-enabled`` prints; ``None`` where it fails, empty where it never got there.

    Builds with SysV support first look for the unit outside the generators' directories and give up
    where that ends in a broken link.
    """
    arguments = [str(SYSTEMCTL), f"--root={root}", "is-enabled", name]
    done = subprocess.run(
        arguments, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}
    )
    return "" if "Failed to look up unit file state" in done.stderr else done.stdout.strip() or None


@pytest.mark.parametrize("block", range(scaled(BASE_TREES // TREES_PER_TEST)))
def test_states_are_those_that_systemctl_prints(block: int, tmp_path: Path) -> None:
    for number in range(block * TREES_PER_TEST, (block + 1) * TREES_PER_TEST):
        root = tmp_path / str(number)
        rng = random.Random(f"{SEED}/{number}")
        TreeMaker(root, rng).make()
        shown = f"CERTAUDIT_SEED={SEED}, tree {number}: {root}"
        units = UnitFiles(Root(root))
        expected = listed(root)
        states = {name: units.file_state(name) for name in expected}
        assert states == {name: state for name, (state, _) in expected.items()}, shown
        for name, (_, preset) in expected.items():
            rule = units.preset(name)
            if rule is not None and rule.pattern == "gamma@.timer" and name != rule.pattern:
                continue  # this list passes over the instances that "systemctl preset" honours
            word = "enabled" if rule is None or rule.enable else "disabled"
            assert preset in (None, word), f"{name}: {shown}"
        pulled = [
            name for name in units.names() if name not in expected and name_kind(name) == "instance"
        ]
        for name in pulled[:2]:
            state, printed = units.file_state(name), is_enabled(root, name)
            assert printed in ("", None if state == "bad" else state), f"{name}: {shown}"
        compared("unit trees: systemctl --root", 1)
        compared("unit file states: systemctl --root list-unit-files, is-enabled", len(expected))
        for name in units.names():  # whatever the tree, a unit is built
            units.unit(name)


def test_the_generator_reaches_every_state(tmp_path: Path) -> None:
    seen: set[str | None] = set()
    for number in range(60):
        TreeMaker(tmp_path / str(number), random.Random(f"fixed/{number}")).make()
        units = UnitFiles(Root(tmp_path / str(number)))
        seen.update(units.file_state(name) for name in units.names())
    assert seen >= {
        *(
            "enabled",
            "enabled-runtime",
            "linked",
            "alias",
            "masked",
            "masked-runtime",
            "static",
            "indirect",
        ),
        *("disabled", "generated", "transient", "bad", None),
    }
