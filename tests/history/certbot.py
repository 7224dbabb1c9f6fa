"""The client of the play: which lineages are due, what a run of certbot does to them, and when.

Law: shares nothing with the code under test. Measured: one certificate by dns-01 takes 3-6 s. certbot's
sleep is ``random.uniform(1, 480)``, before the first lineage that is due, unless stdin is a terminal
(``handle_renewal_request`` in certbot/_internal/renewal.py).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from tests.history.acts import PEOPLE, Execution, Result, Said
from tests.history.jobs import NO_SLEEP
from tests.history.scenario import Machine, Spell

LIFE = timedelta(days=60)  # from a renewal until the next is due


class Certbot:
    """The client with its lineages."""

    def __init__(self, machine: Machine, draw: Random) -> None:
        self.machine = machine
        self.draw = draw
        self.due = {n: machine.begin + timedelta(days=draw.uniform(0, 30)) for n in machine.lineages}
        self.generations = {name: draw.randrange(1, 9) for name in machine.lineages}

    def run(self, who: str, at: datetime, arguments: tuple[str, ...], origin: Said | None) -> Execution:
        """What certbot does once it has the lock."""
        old = self.machine.upgraded is not None and at < self.machine.upgraded
        version = "1.21.0" if old else self.machine.client.version
        dry, forced = "--dry-run" in arguments, "--force-renewal" in arguments
        person = who in PEOPLE
        run = Execution("manual" if person else who, at, at, arguments, version, origin=origin)
        at += timedelta(seconds=self.draw.uniform(0.1, 0.6))
        quick = not person and self.machine.client.sleeps and NO_SLEEP not in arguments
        results = []
        for name in sorted(self.machine.lineages):
            due = forced or self.due[name] <= at
            if dry or not due:
                end = at + timedelta(seconds=self.draw.uniform(0.1, 0.7))
                results.append(
                    Result(name, "simulated" if dry else "not_due", self.generations[name] + 1, at, end)
                )
            else:
                if quick and not run.slept:
                    run.slept = self.draw.uniform(1, 480)
                    results.append(self.attempt(name, at, run.slept))
                else:
                    results.append(self.attempt(name, at, 0))
            at = results[-1].ended
            if results[-1].outcome == "killed":
                break
        run.results = tuple(results)
        run.ended = at if results[-1].outcome == "killed" else at + timedelta(seconds=0.3)
        words = [result.outcome for result in results]
        order = ("killed", "failed", "renewed", "simulated", "not_due")
        run.outcome = next(word for word in order if word in words)
        return self.interrupted(run)

    def attempt(self, name: str, at: datetime, slept: float) -> Result:
        """One lineage that is due."""
        work = self.draw.choice([self.draw.uniform(3, 6), self.draw.uniform(30, 130)])
        end = at + timedelta(seconds=slept + work)
        outcome = self.draw.choices(["renewed", "failed", "killed"], [85, 13, 2])[0]
        if outcome == "renewed":
            self.generations[name] += 1
            self.due[name] = end + LIFE
        return Result(name, outcome, self.generations[name], at, end)

    def interrupted(self, run: Execution) -> Execution:
        """A run that the machine's own end cuts off leaves what it had written by then."""
        spells = self.machine.spells
        spell = next((s for s in spells if run.began < s.since <= run.ended), None)
        if spell is None:
            return run
        if spell.power == "suspended":
            return self.paused(run, spell)
        done = tuple(r for r in run.results if r.ended < spell.since)
        cut = next((r for r in run.results if r.ended >= spell.since), None)
        if cut is not None:
            done += (Result(cut.lineage, "killed", cut.generation, cut.began, spell.since),)
        run.results, run.ended, run.outcome = done, spell.since, "killed"
        return run

    @staticmethod
    def paused(run: Execution, spell: Spell) -> Execution:
        """A run that a suspended machine lets wait goes on afterwards."""
        length = spell.until - spell.since
        moved = []
        for r in run.results:
            began = r.began + length if r.began >= spell.since else r.began
            moved.append(
                replace(r, began=began, ended=r.ended + length if r.ended >= spell.since else r.ended)
            )
        run.results, run.ended = tuple(moved), run.ended + length
        return run
