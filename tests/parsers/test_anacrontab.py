from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from certaudit.parsers.anacrontab import AnacronError, AnacronJob, Anacrontab, parse_anacrontab

TABLE = """\
# /etc/anacrontab: configuration file for anacron
SHELL=/bin/sh
START_HOURS_RANGE=3-22
RANDOM_DELAY=45
PATH = /usr/bin
1\t5\tcron.daily\tnice run-parts /etc/cron.daily
@monthly 45 cron.monthly  renew \\
  --quiet
#7 25 cron.weekly run-parts /etc/cron.weekly
1 5 a/b bad
"""
ENVIRONMENT = (
    ("SHELL", "/bin/sh"),
    ("START_HOURS_RANGE", "3-22"),
    ("RANDOM_DELAY", "45"),
    ("PATH", " /usr/bin"),
)


def test_cronie_table() -> None:
    assert parse_anacrontab(TABLE, "cronie") == Anacrontab(
        jobs=(
            AnacronJob(
                line=6,
                period="1",
                days=1,
                delay=timedelta(minutes=5),
                identifier="cron.daily",
                command="nice run-parts /etc/cron.daily",
                environment=ENVIRONMENT,
                text="1\t5\tcron.daily\tnice run-parts /etc/cron.daily",
            ),
            AnacronJob(
                line=7,
                period="@monthly",
                days=31,
                delay=timedelta(minutes=45),
                identifier="cron.monthly",
                command="renew    --quiet",
                environment=ENVIRONMENT,
                text="@monthly 45 cron.monthly  renew \\\n  --quiet",
            ),
        ),
        errors=(AnacronError(10, "invalid syntax"),),
        commented=(
            AnacronJob(
                line=9,
                period="7",
                days=7,
                delay=timedelta(minutes=25),
                identifier="cron.weekly",
                command="run-parts /etc/cron.weekly",
                environment=ENVIRONMENT,
                text="#7 25 cron.weekly run-parts /etc/cron.weekly",
                commented=True,
            ),
        ),
        start_hours=(3, 22),
        random_delay=timedelta(minutes=45),
    )


def test_debian_knows_no_settings_and_runs_unknown_periods_at_every_start() -> None:
    table = parse_anacrontab("START_HOURS_RANGE=3-22\n@weekly 1 x y\n@yearly 1 x y\n")
    assert table.start_hours is None
    assert table.errors == ()
    assert [job.days for job in table.jobs] == [0, 366]


def test_cronie_refuses_settings_without_meaning() -> None:
    table = parse_anacrontab("START_HOURS_RANGE=22-3\nRANDOM_DELAY=soon\n", "cronie")
    assert table.errors == (AnacronError(1, "invalid syntax"), AnacronError(2, "invalid syntax"))
    assert (table.start_hours, table.random_delay) == (None, None)


def test_number_out_of_range() -> None:
    assert parse_anacrontab("9999999999 5 x y").errors == (AnacronError(1, "number out of range"),)


def test_backslashes_vanish() -> None:
    (job,) = parse_anacrontab("1 5 x test \\! -d /run && y\n").jobs
    assert job.command == "test ! -d /run && y"


def test_line_without_newline_counts() -> None:
    assert len(parse_anacrontab("1 5 x y").jobs) == 1


@given(st.text() | st.text(alphabet="#@monthly159 \t\n\\=/a"))
def test_never_raises(text: str) -> None:
    for table in (parse_anacrontab(text), parse_anacrontab(text, "cronie")):
        assert len(table.jobs) + len(table.errors) <= text.count("\n") + 1
