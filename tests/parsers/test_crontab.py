from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim, CronSimError
from hypothesis import given, settings
from hypothesis import strategies as st

from certaudit.errors import ParseError
from certaudit.parsers.crontab import (
    CronEntry,
    CronError,
    Daemon,
    interval,
    next_firing,
    parse_system_crontab,
    parse_user_crontab,
)
from tests.summary import SEED, compared, scaled

CRONTAB = shutil.which("crontab")
BERLIN = ZoneInfo("Europe/Berlin")
UTC = timezone.utc
DAEMONS: tuple[Daemon, ...] = ("vixie-debian", "cronie", "busybox")

SYSTEM = """\
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/bin
# m h dom mon dow user  command
17 4\t1 * *   root\ttest -x /usr/bin/certbot && certbot -q renew
MAILTO=""
#@daily  root certbot renew  --quiet
@monthly deploy  date +\\%F; cat%one%two
"""


def test_system_crontab() -> None:
    table = parse_system_crontab(SYSTEM)
    above = (("SHELL", "/bin/sh"), ("PATH", "/usr/local/sbin:/usr/bin"))
    assert table.entries == (
        CronEntry(
            line=4,
            schedule="17 4\t1 * *",
            user="root",
            command="test -x /usr/bin/certbot && certbot -q renew",
            stdin=None,
            environment=above,
            text="17 4\t1 * *   root\ttest -x /usr/bin/certbot && certbot -q renew",
        ),
        CronEntry(
            line=7,
            schedule="@monthly",
            user="deploy",
            command="date +%F; cat",
            stdin="one\ntwo\n",
            environment=(*above, ("MAILTO", "")),
            text="@monthly deploy  date +\\%F; cat%one%two",
        ),
    )
    assert table.commented == (
        CronEntry(
            line=6,
            schedule="@daily",
            user="root",
            command="certbot renew  --quiet",
            stdin=None,
            environment=(*above, ("MAILTO", "")),
            text="#@daily  root certbot renew  --quiet",
            commented=True,
        ),
    )
    assert (table.errors, table.refused) == ((), None)


def test_user_crontab_has_no_user_field() -> None:
    (entry,) = parse_user_crontab("0 0,12 * * * root certbot renew\n").entries
    assert (entry.user, entry.command) == (None, "root certbot renew")


def test_one_bad_line_and_debian_ignores_the_file() -> None:
    text = "61 * * * * root a\n0 0 * * * root b\n"
    debian = parse_system_crontab(text)
    assert debian.refused == CronError(1, "bad minute")
    cronie = parse_system_crontab(text, "cronie")
    assert cronie.refused is None
    assert cronie.errors == (CronError(1, "bad minute"),)
    assert [entry.command for entry in cronie.entries] == ["b"]


def test_missing_final_newline() -> None:
    text = "0 0 * * * a\n0 1 * * * b"
    error = CronError(2, "missing newline before EOF")
    assert parse_user_crontab(text).refused == error
    cronie = parse_user_crontab(text, "cronie")
    assert (cronie.refused, cronie.errors, len(cronie.entries)) == (None, (error,), 1)
    assert len(parse_user_crontab(text, "busybox").entries) == 2
    assert parse_user_crontab("0 0 * * * a\n# the end").refused is None


def test_unknown_user() -> None:
    text = "0 0 * * * nobody-here certbot renew\n"
    assert parse_system_crontab(text, users={"root"}).refused == CronError(1, "bad username")
    assert parse_system_crontab(text).refused is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("* * * * *", "bad command"),
        ("* * * * * root", "bad command"),
        ("* * * * * * root x", "bad command"),
        ("* * * *", "bad day-of-week"),
        ("@fortnightly root x", "bad time specifier"),
        ("1/20 * * * * root x", "bad minute"),
        ("0 24 * * * root x", "bad hour"),
        ("0 0 L * * root x", "bad day-of-month"),
        ("0 0 1 foo * root x", "bad month"),
        ("0 0 * * mon#1x8 root " + "x" * 999, "command too long"),
        ("MAILTO=", "bad minute"),
        ("PATH='/bin", "bad minute"),
        ("\r", "bad minute"),
    ],
)
def test_errors_of_debian(line: str, reason: str) -> None:
    assert parse_system_crontab(line + "\n").errors == (CronError(1, reason),)


@pytest.mark.parametrize(
    ("line", "assignment"),
    [
        ("MAILTO=root", ("MAILTO", "root")),
        ("  MAILTO = admin@example.org  ", ("MAILTO", "admin@example.org")),
        ("PATH=$PATH:/snap/bin", ("PATH", "$PATH:/snap/bin")),
        ('"NAME" = " two words "', ("NAME", " two words")),
        ("QUOTED='x'", ("QUOTED", "x")),
        ("NEST=\"'x'\"", ("NEST", "x")),
        ("TZ=UTC\r", ("TZ", "UTC")),
    ],
)
def test_assignments_of_debian(line: str, assignment: tuple[str, str]) -> None:
    (entry,) = parse_user_crontab(f"{line}\n@daily x\n").entries
    assert entry.environment == (assignment,)


def test_cronie_keeps_what_stands_in_quotes() -> None:
    (entry,) = parse_user_crontab("A=\" 'x' \"\nCRON_TZ=Asia/Tokyo\n@daily x\n", "cronie").entries
    assert entry.environment == (("A", " 'x' "), ("CRON_TZ", "Asia/Tokyo"))


def test_cronie_takes_an_empty_value() -> None:
    (entry,) = parse_user_crontab("MAILTO=\n@daily a\\\\b%\n", "cronie").entries
    assert entry.environment == (("MAILTO", ""),)
    assert (entry.command, entry.stdin) == ("a\\\\b", "")


def test_cronie_minus_and_random_range() -> None:
    (entry,) = parse_system_crontab("-0~30 4 * * * root certbot renew\n", "cronie").entries
    assert (entry.schedule, entry.logged) == ("0~30 4 * * *", False)


def test_cronie_options_of_a_line() -> None:
    text = "0 4 * * * -n certbot renew\n0 5 * * * -x certbot\n0 6 * * * -n -n x\n-0 7 * * * y\n"
    table = parse_user_crontab(text, "cronie")
    assert [entry.command for entry in table.entries] == ["certbot renew"]
    assert table.errors == tuple(CronError(line, "bad option") for line in (2, 3, 4))
    assert [e.command for e in parse_user_crontab(text, "cronie", root=True).entries][1:] == ["y"]
    assert parse_user_crontab(text).entries[0].command == "-n certbot renew"


def test_busybox_joins_lines_until_none_ends_in_a_backslash() -> None:
    table = parse_user_crontab("0 0 * * * a \\\\\n\n1 1 * * * b\n2 2 * * * c\\", "busybox")
    assert [(e.line, e.command) for e in table.entries] == [(1, "a 1 1 * * * b"), (4, "c")]


def test_busybox_reads_so_many_lines_of_a_user() -> None:
    text = "# none\n\n" + "0 0 * * * x\n" * 256
    table = parse_user_crontab(text, "busybox")
    assert (len(table.entries), table.errors) == (255, (CronError(258, "too many lines"),))
    assert len(parse_user_crontab(text, "busybox", root=True).entries) == 256


def test_busybox() -> None:
    table = parse_user_crontab(
        "SHELL=/bin/ash\nPATH=/bin\n0 22-4 * * * date +%s # now\n0 0 * * * one \\\ntwo\nx", "busybox"
    )
    assert [(entry.command, entry.stdin) for entry in table.entries] == [
        ("date +%s", None),
        ("one two", None),
    ]
    assert table.entries[0].environment == (("SHELL", "/bin/ash"),)
    assert [error.line for error in table.errors] == [2, 6]
    assert table.refused is None
    assert parse_system_crontab("0 0 * * * root x\n", "busybox").entries == ()


def test_comments_that_are_no_entries() -> None:
    text = "# *  *  *  *  * user-name  command to be executed\n# run it every day\n#\n##  \n"
    assert parse_system_crontab(text).commented == ()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("a\\%b", ("a%b", None)),
        ("a%b\\%c", ("a", "b%c\n")),
        ("a%", ("a", "")),
        ("a\\\\%b", ("a\\", "b\n")),
        ("a\\n b\\", ("a\\n b\\", None)),
        ("\\! -d /run", ("\\! -d /run", None)),
    ],
)
def test_percent(command: str, expected: tuple[str, str | None]) -> None:
    (entry,) = parse_user_crontab(f"@daily {command}\n").entries
    assert (entry.command, entry.stdin) == expected


def test_too_many_variables_do_not_refuse_the_file() -> None:
    table = parse_user_crontab("".join(f"A{n}=x\n" for n in range(201)) + "@daily x\n")
    assert table.errors == (CronError(201, "more than 200 variables, ignored here"),)
    assert table.refused is None
    assert len(table.entries[0].environment) == 200


def test_too_many_lines() -> None:
    assert parse_user_crontab("\n" * 9000 + "@daily x\n").refused is None
    assert parse_user_crontab("\n" * 11000 + "@daily x\n").refused is not None


@pytest.mark.parametrize(
    ("schedule", "daemon", "start", "expected"),
    [
        ("17 4 1 * *", "vixie-debian", "2026-01-15T00:00", "2026-02-01T04:17"),
        ("0 */12 * * *", "vixie-debian", "2026-01-15T12:00", "2026-01-16T00:00"),
        ("0 0 13 * fri", "vixie-debian", "2026-01-01T00:00", "2026-01-02T00:00"),
        ("0 0 */2 * fri", "vixie-debian", "2026-01-01T00:00", "2026-01-09T00:00"),
        ("0 0 */2 * fri", "busybox", "2026-01-01T00:00", "2026-01-02T00:00"),
        ("5.3 0~30 * * *", "vixie-debian", "2026-01-01T00:10", "2026-01-02T00:05"),
        ("10~30 0 * * *", "cronie", "2026-01-01T00:10", "2026-01-01T00:11"),
        ("0 22-4 * * *", "busybox", "2026-01-01T04:00", "2026-01-01T22:00"),
        ("*/4294967297 0 * * *", "busybox", "2026-01-01T00:05", "2026-01-01T00:06"),
        ("0 3 * * 7", "busybox", "2026-01-05T04:00", "2026-01-06T03:00"),
        ("0 3 * * 7", "vixie-debian", "2026-01-05T04:00", "2026-01-11T03:00"),
        ("30 2 * * *", "vixie-debian", "2026-03-29T00:00", "2026-03-29T03:00"),
        ("30 * * * *", "vixie-debian", "2026-03-29T01:40", "2026-03-29T03:30"),
        ("30 2 * * *", "busybox", "2026-03-28T12:00", "2026-03-30T02:30"),
        ("30 2 * * *", "vixie-debian", "2026-10-25T02:40", "2026-10-26T02:30"),
        ("30 2 * * *", "busybox", "2026-10-25T02:40", "2026-10-25T02:30"),
        ("@weekly", "vixie-debian", "2026-01-01T00:00", "2026-01-04T00:00"),
        ("5-64/30 0 * * *", "cronie", "2026-01-01T00:05", "2026-01-01T00:35"),
        ("0 0 * jan,MAR-apr Mon", "cronie", "2026-02-01T00:00", "2026-03-02T00:00"),
        ("0 0 29 2 *", "vixie-debian", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("@reboot", "vixie-debian", "2026-01-01T00:00", None),
        ("0 0 30 2 *", "vixie-debian", "2026-01-01T00:00", None),
        ("0 0 * * fri-sun", "vixie-debian", "2026-01-01T00:00", None),
        ("0 0 * * fri-sun", "cronie", "2026-01-01T00:00", None),
    ],
)
def test_next_firing(schedule: str, daemon: Daemon, start: str, expected: str | None) -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=BERLIN)
    found = next_firing(schedule, moment, daemon)
    assert (found and found.strftime("%Y-%m-%dT%H:%M")) == expected
    assert found is None or found.astimezone(UTC) > moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("schedule", "daemon", "expected"),
    [
        ("0 */12 * * *", "vixie-debian", timedelta(hours=12)),
        ("@daily", "vixie-debian", timedelta(days=1)),
        ("@monthly", "vixie-debian", timedelta(days=31)),
        ("@yearly", "vixie-debian", timedelta(days=366)),
        ("0 0,3 * * 1", "vixie-debian", timedelta(days=6, hours=21)),
        ("*/7 * * * *", "vixie-debian", timedelta(minutes=7)),
        ("~ 4 * * *", "cronie", timedelta(days=1)),
        ("@reboot", "vixie-debian", None),
        ("0 0 31 2 *", "vixie-debian", None),
    ],
)
def test_interval(schedule: str, daemon: Daemon, expected: timedelta | None) -> None:
    assert interval(schedule, daemon) == expected


@pytest.mark.parametrize(
    ("field", "daemon"),
    [
        *(("*-5", "cronie"), ("5.3", "cronie"), ("30~5", "cronie"), ("60", "cronie")),
        *(("*/5.", "cronie"), ("1-9/3x", "cronie"), ("*/0", "vixie-debian"), ("", "busybox")),
    ],
)
def test_refused_schedules(field: str, daemon: Daemon) -> None:
    with pytest.raises(ParseError):
        next_firing(f"{field} * * * *", datetime(2026, 1, 1, tzinfo=UTC), daemon)


EPOCH_2000, EPOCH_2035 = 946684800, 2051222400
# The changes of clocks of 2026 in Berlin and New York.
CLOCK_CHANGES = (1774746000, 1792890000, 1772953200, 1793512800)
NUMBER = st.integers(0, 31).map(str)
PART = st.one_of(
    st.just("*"),
    NUMBER,
    st.builds("{}-{}".format, NUMBER, NUMBER),
    st.builds("*/{}".format, st.integers(1, 20)),
    st.builds("{}-{}/{}".format, NUMBER, NUMBER, st.integers(1, 9)),
)
FIELD = st.lists(PART, min_size=1, max_size=3).map(",".join)
SCHEDULE = st.lists(st.just("*") | FIELD, min_size=5, max_size=5).map(" ".join)


@settings(deadline=None, max_examples=150)
@given(
    SCHEDULE,
    st.integers(EPOCH_2000, EPOCH_2035) | st.sampled_from(CLOCK_CHANGES),
    st.integers(-240, 240),
    st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York")]),
)
def test_agrees_with_cronsim(schedule: str, epoch: int, minutes: int, zone: tzinfo) -> None:
    moment = datetime.fromtimestamp(epoch // 60 * 60 + minutes * 60, zone)
    try:
        expected = next(CronSim(schedule, moment), None)
    except CronSimError:
        return
    if any(part.partition("/")[0] in one_value_ranges() for part in schedule_parts(schedule)):
        return
    found = next_firing(schedule, moment, "vixie-debian")
    within = expected is not None and expected - moment < timedelta(days=39 * 366)
    assert found == expected or not within


def schedule_parts(schedule: str) -> list[str]:
    return [part for field in schedule.split() for part in field.split(",")]


def one_value_ranges() -> set[str]:
    """Ranges such as 5-5, after which cronsim lets a step run to the end of the unit."""
    return {f"{value}-{value}" for value in range(32)}


@settings(deadline=None)
@given(st.text() | st.text(alphabet="*/-,0159 \t\n\\%#@=~dailymonr\r"), st.sampled_from(DAEMONS))
def test_nothing_escapes(text: str, daemon: Daemon) -> None:
    parse_system_crontab(text, daemon)
    table = parse_user_crontab(text, daemon)
    for entry in (*table.entries, *table.commented):
        with contextlib.suppress(ParseError):
            next_firing(entry.schedule, datetime(2026, 3, 29, tzinfo=BERLIN), daemon)
            interval(entry.schedule, daemon)


def random_field(generator: random.Random) -> str:
    number = str(generator.randint(0, 12))
    pieces = ["*", number, f"{number}-{generator.randint(0, 70)}", f"*/{number}", "mon", "JAN-feb"]
    pieces += ["fri-sun", f"{number}~7", f"{number}/2", "1-9/2", "1-5/70", "", "5x", "0 ", "*-5", "6."]
    weights = [40, 30, 8, 6, 2, 2] + [1] * 10
    return ",".join(generator.choices(pieces, weights, k=generator.choice([1, 1, 1, 2])))


def random_line(generator: random.Random) -> str:
    kind = generator.randrange(10)
    if kind < 6:
        fields = [random_field(generator) for _ in range(generator.choice([5] * 9 + [4]))]
        command = generator.choice([" x", " x%y", "", "\tx y", " * x", " " + "x" * 1000])
        return generator.choice(["", " ", "\t"]) + " ".join(fields) + command
    if kind < 8:
        name = generator.choice(["A", "'A'", '"A B"', "A B", "", "0", "'A"])
        value = generator.choice(["x", "", " ", "'x", '"x" ', "'x' y", "x y", "=", '""'])
        return name + generator.choice(["=", " = ", " ", "= "]) + value
    macro = generator.choice(["@daily", "@reboot", "@weekly", "@never", "@", "@Daily"])
    return generator.choice([macro + " x", macro, "# x", "", "  ", "\r", "#", " # 0 0"])


@pytest.mark.skipif(CRONTAB is None, reason="crontab(1) is not installed")
def test_same_verdict_as_debian_crontab(tmp_path: Path) -> None:
    assert CRONTAB is not None
    path = tmp_path / "table"
    path.write_text("* * * * * x\n")
    if subprocess.run([CRONTAB, "-n", path], capture_output=True, check=False).returncode != 0:
        pytest.skip("this crontab(1) has no dry run, or may not be used here")
    generator = random.Random(SEED)
    verdicts = set()
    for _ in range(scaled(200, least=50)):
        lines = [random_line(generator) for _ in range(generator.choice([1, 1, 2]))]
        text = "\n".join(lines) + generator.choice(["\n"] * 9 + [""])
        path.write_bytes(text.encode())
        run = subprocess.run([CRONTAB, "-n", path], capture_output=True, text=True, check=False)
        verdicts.add(run.returncode)
        assert (parse_user_crontab(text).refused is None) == (run.returncode == 0), (text, run)
        compared("small crontabs: Debian's crontab(1)", 1)
    assert verdicts == {0, 1}
