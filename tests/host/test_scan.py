"""The search of many files: equal to a loop over lines, whatever the packing, pieces, workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest
import stringzilla
from hypothesis import given, settings
from hypothesis import strategies as st

from certaudit.host.logs import literals as literals_module
from certaudit.host.logs import scan
from certaudit.host.logs.files import LogFile, log_file, rotated
from certaudit.host.logs.literals import newlines
from certaudit.host.logs.matcher import PADDING
from certaudit.host.logs.scan import Found, search
from certaudit.host.root import Root
from tests.host.test_unpacking import BARE, PACKERS, small_pieces

WORDS = (b"ertbot", b"certbot.timer", b"/usr/local/sbin/renew", b"Renew the wildcard", b"bot", b"ab")


@pytest.fixture(params=["fast", "bare"])
def libraries(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the libraries of the extra ``logs``, and with the standard library alone."""
    if request.param == "bare":
        for name in BARE:
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setattr(literals_module, "stringzilla", None)


def written(folder: Path, contents: Sequence[bytes], pack: str = "plain") -> list[LogFile]:
    """Log files of these contents."""
    (folder / "var/log").mkdir(parents=True, exist_ok=True)
    root = Root(folder)
    files = []
    for number, data in enumerate(contents):
        name = f"syslog.{number}" + ("" if pack == "plain" else f".{pack}")
        (folder / "var/log" / name).write_bytes(PACKERS[pack](data))
        files.append(log_file(root, PurePosixPath("/var/log") / name))
    return files


def expected(data: bytes, words: Sequence[bytes]) -> Found:
    """What a loop over the lines finds."""
    lines = data.removesuffix(b"\n").split(b"\n") if data else []
    texts = [line.decode("utf-8", "replace") for line in lines]
    hits = [(n, t) for n, (t, line) in enumerate(zip(texts, lines, strict=True), 1) if has(line, words)]
    return Found(tuple(hits), texts[0] if texts else None, ())


def has(line: bytes, words: Sequence[bytes]) -> bool:
    return any(word in line for word in words)


SCRAPS = st.sampled_from(
    [
        *WORDS,
        b"\n",
        b"\n",
        b"\r\n",
        b"\0",
        b"\xff\xfe",
        b"certbo",
        b"t",
        b"a",
        b" ",
        b"Nov 30 20:03:53 web01 ",
    ]
)


@pytest.mark.parametrize("pack", sorted(PACKERS))
@settings(max_examples=60, deadline=None)
@given(st.lists(SCRAPS, max_size=40).map(b"".join), st.integers(1, 12))
def test_equal_to_a_loop_over_lines(
    tmp_path_factory: pytest.TempPathFactory, pack: str, data: bytes, piece: int
) -> None:
    files = written(tmp_path_factory.mktemp("log"), [data], pack)
    with small_pieces(piece):
        assert search(files, WORDS) == (expected(data, WORDS),)


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("words", [WORDS, WORDS[:1], (), (b"", b"a\nb"), (b"", b"ertbot", b"t\nN")])
def test_literals_of_any_kind(tmp_path: Path, words: tuple[bytes, ...]) -> None:
    data = b"\n".join([b"Nov 1 certbot", b"", b"ab\r", b"no", b"x/usr/local/sbin/renew -q"]) * 3
    sound = [word for word in words if word and b"\n" not in word]
    assert search(written(tmp_path, [data]), words) == (expected(data, sound),)


@st.composite
def logs(draw: st.DrawFn) -> bytes:
    """A syslog of machines of which some have a name that holds a literal."""
    hosts = draw(st.lists(st.sampled_from([b"web01", b"certbot-a", b"bot", b"acme-ab-ab"]), min_size=1))
    stamp = draw(
        st.sampled_from([b"Nov 30 20:03:53", b"<13>Nov  1 20:03:53", b"2026-11-30T01:02:03.1Z"])
    )
    texts = st.sampled_from(
        [
            *(b"sshd[1]: session opened",) * 30,
            b"systemd[1]: Starting certbot.service",
            b"sudo: a : HOST=certbot-a ; PWD=/",
            b"x: on certbot-a and certbot-a certbot-a ",
            b"x: acme-ab-ab acme-ab-abx",
            b"",
        ]
    )
    lines = [
        b"%s %s %s" % (stamp, draw(st.sampled_from(hosts)), text)
        for text in draw(st.lists(texts, min_size=20, max_size=60))
    ]
    return b"\n".join(lines)


@pytest.mark.usefixtures("libraries")
@settings(max_examples=150, deadline=None)
@given(logs(), st.sampled_from([100, 3000]), st.sampled_from([40, 4096]))
def test_what_the_guard_against_a_machine_s_name_leaves_out(data: bytes, sparse: int, leaf: int) -> None:
    finder, before = literals_module.Finder(WORDS), (literals_module.SPARSE, literals_module.LEAF)
    literals_module.SPARSE, literals_module.LEAF = sparse, leaf
    try:
        found = {data[at:].split(b"\n")[0] for at in finder.starts(data, 0, len(data))}
    finally:
        literals_module.SPARSE, literals_module.LEAF = before
    for line in data.split(b"\n"):
        if not has(line, WORDS):
            assert line not in found
        elif has(without_names(line), WORDS):
            assert line in found


def without_names(line: bytes) -> bytes:
    """A line without the names that stand in it as words between blanks."""
    for name in (b"web01", b"certbot-a", b"bot", b"acme-ab-ab"):
        line = line.replace(b" %b " % name, b"  ").replace(b" %b " % name, b"  ")
    return line


@pytest.mark.usefixtures("libraries")
def test_a_machine_named_like_a_client_finds_only_what_is_about_the_client(tmp_path: Path) -> None:
    host = b"Nov 30 20:03:53 certbot01 "
    noise = [host + b"sshd[%d]: session opened" % n for n in range(1000)]
    wanted = host + b"systemd[1]: Starting Certbot..."
    told = b"Nov 30 20:03:53 web systemd[1]: certbot01 was restarted"  # of another machine
    lines = [*noise[:500], wanted, *noise[500:], told]
    (found,) = search(written(tmp_path, [b"\n".join(lines)]), [b"ertbot", b"unheard of"])
    assert found.lines == ((501, wanted.decode()),)


@pytest.mark.parametrize("capabilities", [(), ("icelake",)])
@given(st.binary(max_size=3000), st.integers(0, 50), st.integers(0, 3000))
def test_newlines_are_counted(capabilities: tuple[str, ...], data: bytes, start: int, end: int) -> None:
    data = data.replace(b"a", b"\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stringzilla, "__capabilities__", capabilities)
        assert newlines(data, start, min(end, len(data))) == data.count(b"\n", start, end)


def test_what_makes_up_the_number_of_literals_is_never_found(tmp_path: Path) -> None:
    lines = [*PADDING, b"certbot" + PADDING[2], b"", b"\0" * 50, b"ab"]
    (found,) = search(written(tmp_path, [b"\n".join(lines)]), [b"certbot", b"ab"])
    assert [number for number, _ in found.lines] == [len(PADDING) + 1, len(lines)]


@pytest.mark.usefixtures("libraries")
def test_many_true_hits_are_all_found(tmp_path: Path) -> None:
    lines = [b"Nov 30 20:03:53 certbot01 certbot[%d]: certbot said" % n for n in range(3000)]
    (found,) = search(written(tmp_path, [b"\n".join(lines)]), [b"ertbot"])
    assert [number for number, _ in found.lines] == list(range(1, 3001))


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    files = written(tmp_path, [b"x\n" * 900, b"", b"certbot\n" * 100], "gz")
    search(files, WORDS, lambda behind, total: told.append((behind, total)))
    total = sum(file.size for file in files)
    assert told[-1] == (total, total)
    assert [behind for behind, _ in told] == sorted(behind for behind, _ in told)


# Workers: in a process of their own, since this one may have threads

FILES = 5
LINES = b"".join(b"%d certbot\n" % n if n % 7 == 0 else b"%d\n" % n for n in range(1, 2000))

SCRIPT = """
import os, signal, sys, time
from pathlib import Path, PurePosixPath
from certaudit.host.logs import scan
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job starts with it ignored
from certaudit.host.logs.files import rotated
from certaudit.host.root import Root
root = Path(sys.argv[1])
files = rotated(Root(root), "/var/log", "syslog")
read = scan.read
def work(file, share, finder, report, keep):
    (root / f"pid-{os.getpid()}").touch()
    WORK
    return read(file, share, finder, report, keep)
scan.read = work
scan.SHARE = 4000
found = scan.search(files, [b"certbot"], workers=3)
for file, one in zip(files, found):
    numbers = [n for n, _ in one.lines]
    print(file.path.name, len(numbers), sum(numbers), one.first, *one.problems, sep="|")
"""
WHOLE = [f"syslog.{n}|{1999 // 7}|{sum(range(7, 2000, 7))}|1" for n in range(FILES - 1, -1, -1)]


def script(folder: Path, work: str) -> subprocess.Popen[str]:
    written(folder, [LINES] * FILES)
    command = (sys.executable, "-c", SCRIPT.replace("WORK", work), str(folder))
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def workers(folder: Path) -> list[int]:
    return [int(path.name.removeprefix("pid-")) for path in folder.glob("pid-*")]


def gone(pids: Sequence[int]) -> bool:
    """Whether all of them are gone, waited for up to ten seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not any(Path("/proc", str(pid)).exists() for pid in pids):
            return True
        time.sleep(0.02)
    return False


def test_shared_out_files_and_shares_of_files_give_the_same(tmp_path: Path) -> None:
    output, errors = script(tmp_path, "pass").communicate(timeout=60)
    assert (output.splitlines(), errors) == (WHOLE, "")
    assert len(workers(tmp_path)) == 3


def test_a_worker_that_is_killed_is_a_problem_of_its_file(tmp_path: Path) -> None:
    work = (
        "if file.path.name == 'syslog.1' and share.start == 8000: os.kill(os.getpid(), signal.SIGKILL)"
    )
    output, errors = script(tmp_path, work).communicate(timeout=60)
    lost = next(line for line in output.splitlines() if line.startswith("syslog.1|"))
    _, count, total, first, problem = lost.split("|")
    assert problem == "not read to its end: the process that read it was killed by signal 9"
    # what is before the lost share has its true numbers; what is after it has none
    before = LINES[: LINES.index(b"\n", 8000 - 1) + 1].count(b"\n")
    assert (int(count), int(total), first) == (before // 7, sum(range(7, before + 1, 7)), "1")
    assert [line for line in output.splitlines() if line != lost] == [
        line for line in WHOLE if not line.startswith("syslog.1|")
    ]
    assert errors == ""


def test_all_workers_killed_is_a_problem_of_every_file(tmp_path: Path) -> None:
    output, errors = script(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)").communicate(timeout=60)
    assert [line.split("|")[1] for line in output.splitlines()] == ["0"] * FILES
    assert all("|not read to its end: " in line for line in output.splitlines()) and errors == ""


def test_where_no_process_can_be_had_it_is_done_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fork() -> int:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(os, "fork", fork)
    files = written(tmp_path, [LINES] * 3)
    assert search(files, WORDS, workers=2) == (expected(LINES, WORDS),) * 3


def test_a_bug_in_a_worker_is_a_bug_here(tmp_path: Path) -> None:
    child = script(tmp_path, "1 / 0")
    output, errors = child.communicate(timeout=60)
    assert (child.returncode, output) == (1, "")
    assert errors.rstrip().endswith("ZeroDivisionError: division by zero")
    assert errors.count("Traceback") == 1
    assert gone(workers(tmp_path))


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_search(tmp_path: Path, end: signal.Signals) -> None:
    child = script(tmp_path, "[(time.sleep(0.05), report(n)) for n in range(1200)]")
    until = time.monotonic() + 20
    while len(workers(tmp_path)) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    child.send_signal(end)
    child.communicate(timeout=20)
    assert len(workers(tmp_path)) == 3
    assert gone(workers(tmp_path))


def test_threads_forbid_workers() -> None:
    tasks = [scan.Task(0, None, 10.0), scan.Task(1, None, 10.0)]
    code = "from certaudit.host.logs import scan\nprint(scan.worth([scan.Task(0, None, 9)] * 9))"
    words = [sys.executable, "-c", code]
    with_one = subprocess.run(words, capture_output=True, text=True, check=True)
    assert int(with_one.stdout) == min(len(os.sched_getaffinity(0)), scan.MOST_WORKERS)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert scan.worth(tasks) == 1
    finally:
        done.set()
        thread.join()


def test_little_work_is_not_shared_out() -> None:
    assert scan.worth([scan.Task(0, None, 0.1), scan.Task(1, None, 0.1)]) == 1


def test_of_the_lines_found_only_those_wanted_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "var/log/syslog"
    log.parent.mkdir(parents=True)
    log.write_text("certbot one\nnoise\ncertbot two\ncertbot three\n")
    files = rotated(Root(tmp_path), "/var/log", "syslog")
    (found,) = search(files, [b"certbot"], keep=lambda line: "two" not in line)
    assert found.lines == ((1, "certbot one"), (4, "certbot three"))
