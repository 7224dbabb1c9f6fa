"""Runs and starts matched with each other: which start a run uses up, and what is left for the others.

Law: a start makes no more runs than its trigger calls the client. What fits in one way only is
settled, closest first; what fits in several ways stays open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from certaudit.catalogue import mentions_client
from certaudit.facts import Apart, Start
from certaudit.history import Hole
from certaudit.linking.history.around import Around
from certaudit.linking.history.claims import (
    EARLY,
    PEOPLE,
    SLEEPING,
    SNUG,
    SOON,
    Claim,
    allowed,
    began,
    by_hand,
    calls,
    claims,
    is_line,
    likely,
    owners_of,
    starts_unit,
    trigger_arguments,
    wrapped,
)
from certaudit.linking.history.exchange import exchanged, ways_of
from certaudit.linking.history.firings import Doubts, Span, all_doubts, breaks_of, elapse_before
from certaudit.linking.paths import Linked
from certaudit.parsers.letsencrypt_log import LogRun
from certaudit.records import replace

ROUNDS = 10


class Matched(Struct, frozen=True):
    """For each run the starts that are left to it, and what all of them together tell."""

    starts: tuple[tuple[Start, ...], ...]
    around: Around


def match(
    logs: Sequence[LogRun],
    starts: Sequence[Start],
    linked: Sequence[Linked],
    since: datetime | None,
    apart: tuple[Apart, ...] = (),
    lost: tuple[Hole, ...] = (),
) -> Matched:
    """Match runs with starts.

    ``since`` is how far back the client's own log reaches; ``lost``: the times of which that log, or
    one of starts, may lack something.
    """
    near = nearby(logs, starts)
    fitting = [claims(log, found, linked) for log, found in zip(logs, near, strict=True)]
    matching = Matching([likely(found) for found in fitting])
    matching.settle()
    spoken = taken_by_one(logs, near, matching, linked)
    left = [
        tuple(s for s in found if matching.open_to(n, s) and spoken.get(s, n) == n)
        for n, found in enumerate(near)
    ]
    zone = logs[0].first_seen.tzinfo if logs else None
    last = max((s.ended or s.time for s in starts), default=None)
    span = Span(min(s.time for s in starts), last, zone, apart) if last is not None else None
    around = what_is_around(matching, starts, linked, since, span)
    longest = max((allowed(one) for one in linked), default=timedelta(0))
    holes = (*lost, *cut_off(logs))
    whole = frozenset(s for s in around.sole if not any(near_hole(s, hole, longest) for hole in holes))
    loose = [log for number, log in enumerate(logs) if number not in matching.settled]
    pressed = frozenset(log for log, found in zip(logs, fitting, strict=True) if is_pressed(found))
    swapped = frozenset(logs[n] for n in in_doubt(logs, near, matching, spoken, linked))
    around = replace(
        around, sole=whole, crowded=crowded(loose, linked), pressed=pressed, exchanged=swapped
    )
    return Matched(tuple(left), around)


def taken_by_one(
    logs: Sequence[LogRun],
    near: Sequence[tuple[Start, ...]],
    matching: Matching,
    linked: Sequence[Linked],
) -> dict[Start, int]:
    """Whose a person's line is that calls the client once: the first run's that no start explains."""
    found: dict[Start, int] = {}
    for n in sorted(set(range(len(logs))) - set(matching.settled), key=lambda n: began(logs[n])):
        calls_one = (s for s in near[n] if s.kind in PEOPLE and mentions_client(s.command or ""))
        found.update({s: n for s in calls_one if s not in found and by_hand(logs[n], s, linked)})
    return found


def cut_off(logs: Sequence[LogRun]) -> Iterator[Hole]:
    """What is lost before a run without its head, where others follow it in its file: runs, perhaps.

    certbot's own rotation gives each run a file of its own (``RotatingFileHandler`` rolled over at
    each start); there it is the head alone.
    """
    for before, log, after in zip((None, *logs), logs, logs[1:], strict=False):
        if log.started is None and after.where == log.where:
            known = before is not None and before.ended <= log.first_seen
            since = before.ended if before is not None and known else None
            yield Hole(since, log.first_seen, f"{log.where} begins within a run")


def near_hole(start: Start, hole: Hole, longest: timedelta) -> bool:
    """Can a hole have lost what the run that seems to be a start's really is of, or the start's own run?

    ``longest``: how long after its start a client of this machine may come.
    """
    first, last = start.time - longest, start.time + longest
    return (hole.since is None or hole.since <= last) and (hole.until is None or first <= hole.until)


def in_doubt(
    logs: Sequence[LogRun],
    near: Sequence[tuple[Start, ...]],
    matching: Matching,
    spoken: Mapping[Start, int],
    linked: Sequence[Linked],
) -> Iterator[int]:
    """The runs that could have changed places with others, with what people started among them."""
    settled = matching.settled | {n: start for start, n in spoken.items()}
    ways = [
        ways_of(
            matching.fitting[n],
            [s for s in near[n] if s.kind in PEOPLE and by_hand(log, s, linked)],
            settled.get(n),
        )
        for n, log in enumerate(logs)
    ]
    spare = frozenset(s for s, most in matching.most.items() if matching.used[s] < most)
    return exchanged(ways, settled, spare)


def is_pressed(found: Sequence[Claim]) -> bool:
    """Did two triggers start right before a run, each by a start of its own, and fit it?"""
    near = [(c.start, c.name) for c in likely(found) if c.lag <= SNUG]
    return any(a != b and one != other for a, one in near for b, other in near)


def crowded(logs: Sequence[LogRun], linked: Sequence[Linked]) -> frozenset[tuple[str, LogRun]]:
    """The runs that share one elapse of a trigger whose arguments they have: not all can be its."""
    found: set[tuple[str, LogRun]] = set()
    for one in linked:
        groups: dict[datetime, list[LogRun]] = {}
        for log in logs:
            elapse = elapse_before(one, began(log)) if trigger_arguments(log, one) else None
            if elapse is not None:
                groups.setdefault(elapse, []).append(log)
        crowds = (group for group in groups.values() if len(group) > calls(one))
        found |= {(one.trigger.id, log) for group in crowds for log in group}
    return frozenset(found)


def nearby(logs: Sequence[LogRun], starts: Sequence[Start]) -> list[tuple[Start, ...]]:
    """For each run the starts that can matter to it."""
    ordered = sorted(starts, key=lambda s: s.time)
    times = [s.time for s in ordered]
    spans = [(began(log) - SLEEPING, began(log) + EARLY) for log in logs]
    return [tuple(ordered[bisect_left(times, a) : bisect_right(times, b)]) for a, b in spans]


class Matching:
    """Settles runs on starts: first those right after a start, then those with nowhere else to go."""

    def __init__(self, fitting: Sequence[Sequence[Claim]]) -> None:
        self.fitting = fitting
        self.settled: dict[int, Start] = {}
        self.used: Counter[Start] = Counter()
        self.most: dict[Start, int] = {}
        self.runs: dict[Start, set[int]] = {}
        for number, found in enumerate(fitting):
            for claim in found:
                self.runs.setdefault(claim.start, set()).add(number)
                self.most[claim.start] = max(self.most.get(claim.start, 0), calls(claim.linked))

    def settle(self) -> None:
        """Settle what can be, until nothing more can."""
        for _ in range(ROUNDS):
            close = [found for n in range(len(self.fitting)) if (found := self.closest(n))]
            steps = [(number, start) for _, number, start in sorted(close, key=lambda c: c[:2])]
            if not self.give_all(steps) and not self.give_all(self.forced()):
                return

    def give_all(self, steps: Sequence[tuple[int, Start]]) -> bool:
        """Settle each run on its start where that is still possible; was there one?"""
        return sum(self.give(number, start) for number, start in steps) > 0

    def closest(self, number: int) -> tuple[tuple[bool, bool, bool, timedelta], int, Start] | None:
        """The one start that a run follows closely, if no other fits as well."""
        if number in self.settled:
            return None
        close = [c for c in self.fitting[number] if c.close and self.open_to(number, c.start)]
        best = min((c.rank[:2] for c in close), default=None)
        starts = {c.start for c in close if c.rank[:2] == best}
        if len(starts) != 1:
            return None
        claim = min((c for c in close if c.start in starts), key=lambda c: c.rank)
        weak = not claim.headed or (not claim.whole and wrapped(claim.linked))
        if weak and self.contested(claim.start):
            return None
        return claim.rank, number, claim.start

    def contested(self, start: Start) -> bool:
        """Is a start left to more runs than it makes?

        After a script's work none of them is the closest, nor is one whose beginning is lost.
        """
        return sum(n not in self.settled for n in self.runs[start]) > self.most[start] - self.used[start]

    def give(self, number: int, start: Start) -> bool:
        """Settle a run on a start that is not used up."""
        if number in self.settled or self.used[start] >= self.most[start]:
            return False
        self.settled[number] = start
        self.used[start] += 1
        return True

    def forced(self) -> list[tuple[int, Start]]:
        """The runs to which one start is left, where that start is left to no other run."""
        wanted = self.wanted()
        found = []
        for number, fitting in enumerate(self.fitting):
            left = {c.start for c in fitting if self.open_to(number, c.start)}
            if number not in self.settled and len(left) == 1 and wanted[start := left.pop()] == 1:
                found.append((number, start))
        return found

    def open_to(self, number: int, start: Start) -> bool:
        """Can a run still belong to a start: is it settled on it, or is the start not used up?"""
        if self.settled.get(number) == start:
            return True
        return start not in self.most or self.used[start] < self.most[start]

    def names(self, start: Start) -> frozenset[str]:
        """The triggers that the arguments of its settled run leave for a start."""
        return frozenset(
            c.name
            for n in self.runs.get(start, ())
            if self.settled.get(n) == start
            for c in self.fitting[n]
            if c.start == start and c.arguments is not False
        )

    def rivalled(self) -> frozenset[Start]:
        """The used up starts within whose time a run lies that no other start explains.

        Which of the two is theirs their order does not tell; nor when one began whose head is lost.
        """
        lost = [
            n
            for n, found in enumerate(self.fitting)
            if n not in self.settled and not any(self.open_to(n, c.start) for c in found)
        ]
        return frozenset(c.start for n in lost for c in self.fitting[n] if c.close or not c.headed)

    def wanted(self) -> Counter[Start]:
        """How many runs each start is left to."""
        found: Counter[Start] = Counter(self.settled.values())
        for number, fitting in enumerate(self.fitting):
            if number not in self.settled:
                found.update({c.start for c in fitting if self.open_to(number, c.start)})
        return found


def what_is_around(
    matching: Matching,
    starts: Sequence[Start],
    linked: Sequence[Linked],
    since: datetime | None,
    span: Span | None,
) -> Around:
    """What all runs and starts together tell about each."""
    units = [s for s in starts if s.kind == "unit"]
    people = tuple(by_people(starts, units))
    by_hand = {unit for unit, _ in people}
    wanted = matching.wanted()
    own = [s for s in units if s not in by_hand]
    names = {s: matching.names(s) or frozenset(o.trigger.id for o in owners_of(s, linked)) for s in own}
    found = all_doubts(own, linked, names, span, breaks_of(starts)) if span else Doubts()
    rivalled = matching.rivalled()
    return Around(
        sole=frozenset(
            s
            for s, n in wanted.items()
            if n <= matching.most[s] and since is not None and since <= s.time
        ),
        shared=frozenset(s for s, n in wanted.items() if n > matching.most[s] or s in rivalled),
        doubtful=found.doubtful,
        unproven=found.unproven,
        disproved=found.disproved,
        steady=frozenset(one.trigger.id for one in linked if is_steady(one, starts, wanted, since)),
        people=people,
        orphans=tuple(s.time for s in starts if is_orphan(s, linked)),
    )


def is_orphan(start: Start, linked: Sequence[Linked]) -> bool:
    """Did cron start a client by a line that is not on the machine any more?"""
    command = start.command or ""
    if start.kind != "cron" or not mentions_client(command):
        return False
    crons = (one for one in linked if one.trigger.kind in ("cron", "run-parts"))
    return not any(is_line(command, one.candidate.entries[0]) for one in crons)


def by_people(starts: Sequence[Start], units: Sequence[Start]) -> Iterator[tuple[Start, Start]]:
    """The units' starts that a person made, each with the line that says so: the first of each unit."""
    ordered = sorted(units, key=lambda s: s.time)
    times = [s.time for s in ordered]
    for person in starts:
        if person.kind in PEOPLE:
            first = bisect_left(times, person.time - EARLY)
            last = bisect_right(times, person.time + SOON)
            near = [unit for unit in ordered[first:last] if starts_unit(person, unit)]
            firsts = {unit.units: unit for unit in reversed(near)}
            yield from ((unit, person) for unit in firsts.values())


def is_steady(
    one: Linked, starts: Sequence[Start], wanted: Counter[Start], since: datetime | None
) -> bool:
    """Did nearly every start of a trigger lead to a run, as far as the client's log reaches back?"""
    own = [
        s
        for s in starts
        if since is not None and s.time >= since and not s.locked and owners_of(s, [one])
    ]
    led = sum(wanted[s] > 0 for s in own)
    return led >= 3 and led >= 0.8 * len(own)
