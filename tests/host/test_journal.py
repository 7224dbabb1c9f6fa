"""Reading the journal with the real journalctl."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from datetime import datetime, timezone
from pathlib import Path

import pytest

from certaudit.errors import UnreadableError
from certaudit.host.journal import Journal, Telling, at_once
from certaudit.host.process import Completed, ProgramRefusedError
from certaudit.host.runner import find_program

REMOTE = Path("/lib/systemd/systemd-journal-remote")
SAMPLE = Path(__file__).parents[2] / "fixtures" / "logs" / "journal" / "certbot-timer.json"
STORY = "machines/debian12-wildcard-story.tar.gz"
JOURNALCTL = find_program("journalctl") or Path("/usr/bin/journalctl")

pytestmark = pytest.mark.skipif(find_program("journalctl") is None, reason="no journalctl here")


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal file of a real machine, below a folder with a glob's characters in its name."""
    corpus = os.environ.get("CERTAUDIT_CORPUS")
    if not corpus:
        pytest.skip("CERTAUDIT_CORPUS names no folder with a real journal")
    target = tmp_path_factory.mktemp("image[1]") / "system.journal"
    with tarfile.open(Path(corpus, STORY)) as tar:
        member = next(m for m in tar if m.name.endswith("/system.journal"))
        content = tar.extractfile(member)
        assert content is not None
        target.write_bytes(content.read())
    return target


@pytest.mark.corpus
def test_unit_and_cron_entries_of_a_real_journal(story: Path) -> None:
    read = Journal(JOURNALCTL, (story,)).entries(["certbot.service"], ["CRON"])
    assert (read.skipped, read.complaints) == (0, ())
    about = [(e.program, e.pid, e.message) for e in read if e.unit == "certbot.service"]
    assert about == [
        ("systemd", 1, "Starting certbot.service - Certbot..."),
        ("systemd", 1, "certbot.service: Deactivated successfully."),
        ("systemd", 1, "Finished certbot.service - Certbot."),
    ]
    assert len({e.invocation_id for e in read if e.unit == "certbot.service"}) == 1
    commands = [e.message for e in read if " CMD " in e.message]
    assert commands[0] == "(root) CMD (/usr/local/sbin/renew-wildcard.sh)"
    times = [e.time for e in read]
    assert times == sorted(times)
    assert len(times) == 14


@pytest.mark.corpus
def test_only_what_was_asked_for_and_only_in_the_bounds(story: Path) -> None:
    journal = Journal(JOURNALCTL, (story,))
    assert {e.unit for e in journal.entries(["certbot.service"], [])} == {"certbot.service"}
    assert journal.entries(["nothing.service"], []).entries == ()
    assert journal.entries([], []).entries == ()
    moment = datetime(2026, 11, 23, 8, 9, 13, tzinfo=timezone.utc)
    before = Journal(JOURNALCTL, (story,), until=moment).entries(["certbot.service"], ["CRON"])
    after = Journal(JOURNALCTL, (story,), since=moment).entries(["certbot.service"], ["CRON"])
    assert (len(before.entries), len(after.entries)) == (11, 3)


@pytest.mark.corpus
def test_the_oldest_entry_of_a_real_journal(story: Path) -> None:
    oldest = datetime(2026, 11, 23, 8, 9, 3, 737522, tzinfo=timezone.utc)
    assert Journal(JOURNALCTL, (story,)).oldest() == oldest


@pytest.mark.corpus
def test_a_damaged_file_does_not_hide_the_others(story: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "system@1.journal~"
    damaged.write_bytes(story.read_bytes()[:3_000_000])
    journal = Journal(JOURNALCTL, (damaged, story, story))
    read = journal.entries(["certbot.service"], [])
    assert len(read.entries) == 3
    assert len(read.complaints) == 1
    assert str(damaged) in read.complaints[0]
    assert journal.oldest() == Journal(JOURNALCTL, (story,)).oldest()


@pytest.mark.corpus
def test_of_too_many_entries_the_newest_are_kept(story: Path) -> None:
    journal = Journal(JOURNALCTL, (story,), max_output_bytes=5000)
    read = journal.entries(["certbot.service"], ["CRON"])
    assert 0 < len(read.entries) < 14
    assert read.entries[-1].message == "Finished certbot.service - Certbot."
    assert read.skipped == 0
    assert "older entries were left out" in read.complaints[0]


@pytest.mark.parametrize("content", [b"", b"LPKSHHRH", bytes(range(256)) * 400])
def test_a_file_that_is_no_journal_is_unreadable(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "system.journal"
    file.write_bytes(content)
    journal = Journal(JOURNALCTL, (file,))
    with pytest.raises(UnreadableError, match=r"system\.journal"):
        journal.entries(["certbot.service"], [])
    with pytest.raises(UnreadableError):
        journal.oldest()


def test_damaged_files_only_are_unreadable(tmp_path: Path) -> None:
    files = (tmp_path / "missing.journal", tmp_path / "also.journal")
    with pytest.raises(UnreadableError, match=r"missing\.journal.*No such file"):
        Journal(JOURNALCTL, files).entries(["certbot.service"], [])
    with pytest.raises(UnreadableError):
        Journal(JOURNALCTL, files).oldest()


def test_an_image_without_journal_files_is_empty() -> None:
    journal = Journal(JOURNALCTL, ())
    assert journal.entries(["certbot.service"], []).entries == ()
    assert journal.oldest() is None


def test_another_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProgramRefusedError):
        Journal(tmp_path / "journalctl").entries(["certbot.service"], [])


@pytest.mark.skipif(not REMOTE.exists(), reason="systemd-journal-remote is not installed")
def test_a_journal_made_for_the_test(tmp_path: Path) -> None:
    export = tmp_path / "export"
    export.write_text(_export(SAMPLE.read_text()))
    made = tmp_path / "made.journal"
    subprocess.run([REMOTE, f"--output={made}", export], check=True, capture_output=True)
    copy = tmp_path / "a*b" / "system.journal"
    copy.parent.mkdir()
    shutil.copy(made, copy)
    read = Journal(JOURNALCTL, (copy,)).entries(["certbot.service"], [])
    assert [e.message for e in read] == [
        "Starting certbot.service - Certbot...",
        "\x1b[1mno renewal",
        "certbot.service: Deactivated successfully.",
    ]


CRON_LINES = (
    ("CRON", "(root) CMD (test -x /usr/bin/certbot && certbot -q renew)"),
    ("CRON", "(www-data) CMD (php -f /srv/cloud/cron.php)"),
    ("CROND", "(root) CMDEND (/opt/renew.sh {a|b} [x])"),
    ("CROND", "(root) CMDEND (/opt/other.sh)"),
    ("CRON", "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)"),
    ("CRON", "(CRON) error (grandchild #228 failed with exit status 1)"),
    ("crontab", "(root) REPLACE (root)"),
    ("cron", "(*system*certbot) RELOAD (/etc/cron.d/certbot)"),
    ("sudo", "   alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/true"),
    ("CRON", "(root) CMD (CERTBOT)"),
    ("cron", "(root) CMD (  [4711] sleep 9; certbot renew)"),
    ("cron", "(root) CMD ([4711] sleep 9)"),
    ("CRON", "(root) CMD (/opt/e/eertbo/eertbot)"),  # a word after beginnings of itself
)


@pytest.mark.skipif(not REMOTE.exists(), reason="systemd-journal-remote is not installed")
def test_commands_of_cron_that_tell_nothing_are_left_out(tmp_path: Path) -> None:
    made, export = tmp_path / "made.journal", tmp_path / "export"
    lines = [
        {
            "__REALTIME_TIMESTAMP": str(1_700_000_000_000_000 + number),
            "__MONOTONIC_TIMESTAMP": str(1 + number),
            "_BOOT_ID": "ab" * 16,
            "SYSLOG_IDENTIFIER": identifier,
            "MESSAGE": message,
        }
        for number, (identifier, message) in enumerate(CRON_LINES)
    ]
    export.write_text(_export("\n".join(map(json.dumps, lines))))
    subprocess.run([REMOTE, f"--output={made}", export], check=True, capture_output=True)
    names = sorted({identifier for identifier, _ in CRON_LINES})
    journal = Journal(JOURNALCTL, (made,))

    def numbers(words: list[str], commands: list[str]) -> list[int]:
        read = journal.entries(["certbot.service"], names, Telling(tuple(words), tuple(commands)))
        assert read.complaints == ()
        return [[line[1] for line in CRON_LINES].index(entry.message) for entry in read]

    every = list(range(len(CRON_LINES)))
    assert len(journal.entries(["certbot.service"], names).entries) == len(every)
    always = [5, 6, 7, 8]
    assert numbers(["ertbot"], ["/opt/renew.sh {a|b} [x"]) == [0, 2, *always, 10, 12]
    assert numbers(["ERTBOT"], ["test -x /usr/bin/c"]) == [0, *always, 9]
    assert numbers([], ["/opt/renew.sh {a|c}", "/opt/o", "t", "te", "[x", "s"]) == [
        0,
        3,
        *always,
        10,
        11,
    ]
    assert numbers([], ["renew.sh", "CERTBOT", "sleep 5"]) == [*always, 9]  # only how it begins counts
    assert numbers([], []) == numbers(["\0", "a\nb"], []) == always
    assert numbers([], ["x" * 100_000]) == every  # too long to be asked for
    nobody = journal.entries([], ["nobody"], Telling(("x",), ()))
    assert (nobody.entries, nobody.complaints) == ((), ())


def test_a_journalctl_without_patterns_is_asked_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def run(program: Path, args: list[str], **_: object) -> Completed:
        grep = any(word.startswith("--grep=") for word in args)
        asked.append(grep)
        complaint = "Compiled without pattern matching support"
        return Completed(1, b"", complaint) if grep else Completed(0, b"", "")

    monkeypatch.setattr("certaudit.host.journal.run", run)
    read = Journal(JOURNALCTL, (tmp_path / "x.journal",)).entries([], ["CRON"], Telling(("ertbot",), ()))
    assert (read.entries, read.complaints, asked) == ((), (), [True, False])


def test_of_two_questions_at_once_both_are_answered_or_an_error_of_either_raised() -> None:
    def fail() -> str:
        raise UnreadableError("closed")

    assert at_once(lambda: 1, lambda: "two") == (1, "two")
    for one, quick in ((fail, str), (str, fail), (fail, fail)):
        with pytest.raises(UnreadableError, match="closed"):
            at_once(one, quick)


def _export(lines: str) -> str:
    """The journal export format of JSON lines, text fields only."""
    entries = list[str]()
    for line in lines.splitlines():
        fields = {
            name: bytes(value).decode() if isinstance(value, list) else value
            for name, value in json.loads(line).items()
        }
        fields["__MONOTONIC_TIMESTAMP"] = str(len(entries) + 1)
        entries.append("".join(f"{name}={value}\n" for name, value in fields.items()))
    return "\n".join(entries) + "\n"
