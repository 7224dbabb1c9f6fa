"""Calendar expressions against the real ``systemd-analyze calendar``."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import pytest

from certaudit.errors import ParseError
from certaudit.parsers.calendar import next_after, normalize, parse
from tests.summary import SEED, compared, scaled

SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
BASE_CASES = 300
BATCH = 20
FIRINGS = 5

pytestmark = pytest.mark.skipif(SYSTEMD_ANALYZE is None, reason="systemd-analyze is not installed")

# Base times in UTC, hours before a change of clocks where the zone has one.
PLACES = {
    "UTC": ("2024-02-28 22:00:00", "1999-12-31 23:59:58", "2026-06-01 12:34:56"),
    "Europe/Berlin": ("2024-03-31 00:10:00", "2024-10-26 23:30:00", "2024-10-27 00:59:59"),
    "Asia/Tokyo": ("2024-02-29 15:00:00", "2026-12-31 14:59:59"),
    "America/New_York": ("2024-03-10 06:30:00", "2024-11-03 04:59:00", "2024-11-03 06:00:00"),
    "Australia/Lord_Howe": ("2024-04-06 13:45:00", "2024-10-05 15:00:00", "2024-04-06 15:20:00"),
}
NAMES = ["UTC", "utc", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "CET", "CEST", "EST"]
NAMES += ["EDT", "JST", "+11", "+1030", "Europe", "Nowhere/City", "europe/berlin", "posix/Cuba"]
SHORTHANDS = ["minutely", "hourly", "daily", "weekly", "monthly", "yearly", "annually", "anually"]
SHORTHANDS += ["quarterly", "semiannually", "semi-annually", "biannually", "bi-annually", "Daily"]
SHORTHANDS += ["fortnightly", "midnight", "reboot", "never", ""]
DAYS = ["Mon", "Tuesday", "wed", "THU", "Friday", "Sat", "Sun", "Sunday", "Tues", "Mo"]


@dataclass(frozen=True)
class Answer:
    """``normalized`` is ``None`` for a refused expression; ``firings`` ``None`` if it gave up."""

    normalized: str | None
    firings: tuple[str, ...] | None


class Generator:
    """Random calendar expressions, most of them valid."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def maybe(self, probability: float) -> bool:
        return self.random.random() < probability

    def number(self, low: int, high: int, width: int) -> str:
        if self.maybe(0.02):
            low, high = 0, 3 * high + 1
        value = self.random.randint(low, high)
        return f"{value:0{width}d}" if self.maybe(0.7) else str(value)

    def component(self, low: int, high: int, width: int, fraction: bool = False) -> str:
        def number(first: int = low) -> str:
            text = self.number(first, high, width)
            if fraction and self.maybe(0.2):
                text += "." + self.random.choice(["5", "25", "000001", "9999995", "1234567", ""])
            return text

        text = number()
        if self.maybe(0.25):
            text += self.random.choice(["..", "..", "..", "..", "-"]) + number(
                min(high, int(float(text)) if int(float(text)) >= low else low)
            )
        if self.maybe(0.3):
            span = max(1, (high - low) // 2)
            text += "/" + self.number(0 if self.maybe(0.05) else 1, span, 1)
            if fraction and self.maybe(0.2):
                text += ".5"
        return text

    def chain(self, low: int, high: int, width: int, star: float, fraction: bool = False) -> str:
        if self.maybe(star):
            return "*"
        count = self.random.choice([1, 1, 1, 1, 2, 3])
        return ",".join(self.component(low, high, width, fraction) for _ in range(count))

    def weekdays(self) -> str:
        parts = []
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            start = self.random.randrange(len(DAYS) - (0 if self.maybe(0.05) else 2))
            text = DAYS[start]
            if self.maybe(0.4):
                end = self.random.randrange(min(start, 7), 8)
                text += self.random.choice(["..", "..", "..", "-", "."]) + DAYS[end]
            parts.append(text)
        return ",".join(parts) + ("," if self.maybe(0.05) else "")

    def date(self) -> str:
        if self.maybe(0.04):
            return "@" + self.random.choice(["", " ", "+", "-"]) + str(self.random.randrange(2**33))
        text = ""
        if self.maybe(0.7):
            text = "*-" if self.maybe(0.75) else self.year() + "-"
        text += self.chain(1, 12, 2, 0.6)
        text += "~" if self.maybe(0.2) else "-"
        return text + self.chain(1, 28 if "~" in text else 31, 2, 0.5)

    def year(self) -> str:
        low, high = self.random.choice([(2024, 2030), (1970, 2199), (0, 99)])
        return self.chain(low, high, 2, 0)

    def time(self) -> str:
        hours = self.chain(0, 4, 2, 0.2) if self.maybe(0.6) else self.chain(0, 23, 2, 0.3)
        text = hours + ":" + self.chain(0, 59, 2, 0.3)
        return text + (":" + self.chain(0, 59, 2, 0.2, True) if self.maybe(0.6) else "")

    def expression(self) -> str:
        if self.maybe(0.08):
            text = self.random.choice(SHORTHANDS)
        else:
            parts = [self.weekdays()] if self.maybe(0.3) else []
            parts += [self.date()] if self.maybe(0.6) else []
            parts += [self.time()] if self.maybe(0.8) or not parts else []
            text = (" " if self.maybe(0.97) else "  ").join(parts)
        if self.maybe(0.15):
            text += " " + self.random.choice(NAMES)
        return self.mutated(text) if self.maybe(0.08) else text

    def mutated(self, text: str) -> str:
        at = self.random.randrange(len(text) + 1)
        kept = at + self.random.choice([0, 0, 1])
        inserted: str = self.random.choice([*" ,.-~:/*@0159", "..", "é", "x"])
        return text[:at] + inserted + text[kept:]


def ask_systemd(expressions: list[str], zone: str, base: str) -> list[Answer]:
    assert SYSTEMD_ANALYZE is not None
    run = subprocess.run(
        [
            SYSTEMD_ANALYZE,
            "calendar",
            f"--iterations={FIRINGS}",
            f"--base-time={base} UTC",
            "--",
            *expressions,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"TZ": zone, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""},
    )
    blocks: list[list[str]] = [[]]
    for line in run.stdout.splitlines():
        if line:
            blocks[-1].append(line)
        else:
            blocks.append([])
    assert len(blocks) == len(expressions), run.stdout + run.stderr
    return [
        read_block(block, f"next elapse for '{expression}'" in run.stderr)
        for block, expression in zip(blocks, expressions, strict=True)
    ]


def read_block(block: list[str], gave_up: bool) -> Answer:
    if not block:
        return Answer("" if gave_up else None, None)
    values = [line.strip().partition(": ")[::2] for line in block]
    normalized = next(value for key, value in values if key == "Normalized form")
    in_utc = [value for key, value in values if key == "(in UTC)"]
    local = [value for key, value in values if re.match("Next elapse|Iter", key)]
    firings = tuple(value.strip() for value in in_utc or local if value.strip() != "never")
    return Answer(normalized.strip(), firings)


def ask_certaudit(expression: str, zone: str, base: str) -> Answer:
    host = timezone.utc if zone == "UTC" else ZoneInfo(zone)
    try:
        spec = parse(expression, host)
    except ParseError:
        return Answer(None, None)
    naive = datetime.strptime(base, "%Y-%m-%d %H:%M:%S")
    moment = naive.replace(tzinfo=timezone.utc).astimezone(host)
    firings = []
    for _ in range(FIRINGS):
        found = next_after(spec, moment)
        if found is None:
            break
        firings.append(found.astimezone(timezone.utc).strftime("%a %Y-%m-%d %H:%M:%S UTC"))
        moment = found
    return Answer(normalize(spec), tuple(firings))


def agrees(expected: Answer, got: Answer) -> bool:
    if expected.normalized == "":
        # systemd gave up its search: no firing may be promised for all five.
        return got.firings is not None and len(got.firings) < FIRINGS
    return expected == got


def cases() -> list[tuple[str, str, list[str]]]:
    generator = Generator(SEED)
    places = [(zone, base) for zone, bases in PLACES.items() for base in bases]
    batches = []
    for number in range(scaled(BASE_CASES // BATCH)):
        zone, base = places[number % len(places)]
        batches.append((zone, base, [generator.expression() for _ in range(BATCH)]))
    return batches


def test_same_answers_as_systemd() -> None:
    wrong = []
    accepted = 0
    for zone, base, expressions in cases():
        expected = ask_systemd(expressions, zone, base)
        for expression, answer in zip(expressions, expected, strict=True):
            got = ask_certaudit(expression, zone, base)
            accepted += answer.normalized is not None
            if not agrees(answer, got):
                wrong.append(f"{expression!r} in {zone} after {base}:\n  {answer}\n  {got}")
        compared("calendar expressions: systemd-analyze", len(expressions))
    assert not wrong, f"{len(wrong)} deviations\n" + "\n".join(wrong[:20])
    assert accepted > scaled(BASE_CASES) // 3


@pytest.mark.parametrize("zone", PLACES)
@pytest.mark.parametrize(
    "expression",
    [
        "*-*-* 02:30:00",
        "*:0/30",
        "Sun *-*-* 01:59:59.5",
        "*-*~1..3/2 00:00",
        "*-02~01",
        "*-*-31 00:00",
        "*-02-30",
        "02:30 Europe/Berlin",
        "*-*-* 00,12:00:00",
        "2025-*-* *:*:*",
        "*-*~07/1 04:00",
        "Mon *-05~07/1",
        "*:*:06/16,26",
    ],
)
def test_expressions_of_note(zone: str, expression: str) -> None:
    for base in PLACES[zone]:
        (expected,) = ask_systemd([expression], zone, base)
        assert ask_certaudit(expression, zone, base) == expected
