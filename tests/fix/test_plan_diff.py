"""What ``diff`` shows of each kind of action: what goes, what comes, and no byte of a key."""

from __future__ import annotations

from pathlib import Path

import pytest

from certaudit.plan import (
    ABSENT,
    Action,
    ChangeMode,
    CopyParts,
    Held,
    LaterFile,
    MakeDirectory,
    MoveFile,
    Node,
    PutLink,
    ReloadUnit,
    RemoveLink,
    RunCommand,
    SendParts,
    Step,
    StopUnit,
)
from certaudit.render import plan_diff
from fixtures.machine import MACHINES
from tests.fix.machines import bench

OLD, NEW = (
    Held(1800, "0a1b", "2024-01-02T03:04:05+00:00"),
    Held(2003, "0c2d", "2024-04-01T00:00:00+00:00"),
)
FILE = Node("file", "0" * 64, 0o644)
LIVE, BEFORE = ("/etc/x/archive/a/fullchain2.pem",), ("/etc/x/archive/a/fullchain1.pem",)
CASES: list[tuple[Action, list[str]]] = [
    (
        CopyParts("/srv/a.pem", FILE, FILE, LIVE, BEFORE, old=OLD, new=NEW),
        [
            "copy fullchain2.pem to /srv/a.pem",
            "- certificate 0a1b, good until 2024-01-02 (fullchain1.pem), 1800 bytes, mode 0644",
            "+ certificate 0c2d, good until 2024-04-01 (fullchain2.pem), 2003 bytes, mode 0644",
        ],
    ),
    (
        CopyParts(
            "/srv/key.pem", FILE, FILE, ("/x/privkey2.pem",), secret=True, old=Held(9), new=Held(8)
        ),
        [
            "copy privkey2.pem to /srv/key.pem",
            "- private key (in no archive), 9 bytes, mode 0644",
            "+ private key (privkey2.pem), 8 bytes, mode 0644",
        ],
    ),
    (
        SendParts("h", "/a.pem", ABSENT, FILE, (*LIVE, "/x/privkey2.pem"), secret=True, new=NEW),
        [
            "send fullchain2.pem + privkey2.pem to h:/a.pem",
            "- not there",
            "+ certificate 0c2d, good until 2024-04-01 and private key (fullchain2.pem + privkey2.pem), "
            "2003 bytes, mode 0644",
        ],
    ),
    (
        PutLink("/etc/a", Node("link", target="/b"), Node("link", target="/dev/null")),
        ["link /etc/a -> /dev/null", "- -> /b", "+ -> /dev/null"],
    ),
    (
        RemoveLink("/etc/a", Node("link", target="/b")),
        ["remove the link /etc/a", "- -> /b", "+ not there"],
    ),
    (
        ChangeMode("/etc/a", Node("file", mode=0o755), Node("file", mode=0o644)),
        ["change the mode of /etc/a from 0755 to 0644", "- mode 0755", "+ mode 0644"],
    ),
    (MoveFile("/etc/a", FILE, "/etc/b"), ["move /etc/a to /etc/b", "- /etc/a", "+ /etc/b"]),
    (
        MakeDirectory("/etc/a", ABSENT, Node("directory", mode=0o755)),
        ["make the directory /etc/a", "- not there", "+ a directory, mode 0755"],
    ),
    (
        LaterFile("/var/a", folder=True),
        [
            "let the script keep /var/a",
            "+ a copy of the certificate handed out last; undo takes it away",
        ],
    ),
    (StopUnit("a.timer", "active"), ["stop a.timer", "- active", "+ inactive"]),
    (
        RunCommand("/x --token=s3cr3t", "/l", "a", "/y:1"),
        ["run /x --token=*** (/y:1)", "= what that changes is not known to certaudit"],
    ),
    (
        ReloadUnit("nginx.service", ("/usr/sbin/nginx", "-t")),
        ["run /usr/sbin/nginx -t; reload nginx.service", "= no file is changed"],
    ),
]


@pytest.mark.parametrize(("action", "expected"), CASES, ids=lambda c: type(c).__name__)
def test_each_kind_of_action(action: Action, expected: list[str]) -> None:
    step = Step(("stale-copy",), ("a",), "resync", "do it", (action,))
    assert [line.strip() for line in plan_diff.diff(step, 200).splitlines()] == expected
    narrow = plan_diff.diff(step, 80).splitlines()
    assert max(map(len, narrow)) <= 80
    assert " ".join(" ".join(narrow).split()) == " ".join(expected)


def test_the_copies_of_a_machine(tmp_path: Path) -> None:
    machine = bench(MACHINES / "demo.machine", tmp_path)
    (step,) = [s for s in machine.plan().steps if s.remedy == "resync"]
    said = plan_diff.diff(step)
    archive = machine.root / "etc/letsencrypt/archive/hogeserver.example"
    for number, until in ((3, "2023-12-30"), (4, "2024-02-28")):
        size = (archive / f"fullchain{number}.pem").stat().st_size
        assert f"good until {until}\n     (fullchain{number}.pem), {size} bytes, mode 0644\n" in said
        size = (archive / f"privkey{number}.pem").stat().st_size
        assert f" private key (privkey{number}.pem), {size} bytes, mode 0600\n" in said
        assert (archive / f"privkey{number}.pem").read_text().splitlines()[1] not in said
