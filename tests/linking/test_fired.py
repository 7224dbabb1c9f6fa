"""Firings, and whether they called the client."""

from __future__ import annotations

from datetime import datetime, timedelta

from certaudit.facts import Start
from certaudit.history import Firing
from certaudit.linking.history.fired import firings
from certaudit.linking.history.ledger import Horizon, runs
from certaudit.linking.paths import Linked
from certaudit.parsers.letsencrypt_log import LogRun
from tests.linking.makers import (
    NOW,
    Files,
    cron,
    cron_start,
    linked,
    log_outcome,
    log_run,
    sudo,
    timer,
    unit_start,
)

SCRIPT = {"/usr/local/sbin/renew": "#!/bin/sh\ncertbot -q renew\n"}
TIMER = linked(timer())
WRAPPED = linked(cron("/usr/local/sbin/renew"), files=Files(SCRIPT))
LONG_AGO = NOW - timedelta(days=30)


def fired(
    *logged: LogRun,
    starts: tuple[Start, ...],
    among: tuple[Linked, ...] = (TIMER, WRAPPED),
    client: datetime | None = LONG_AGO,
) -> tuple[Firing, ...]:
    found = runs(logged, starts, among, Horizon(client, LONG_AGO))
    return firings(starts, among, found, client)


def test_a_firing_with_its_run() -> None:
    run = log_run(1, outcomes=(log_outcome(2),))
    (firing,) = fired(run, starts=(unit_start(),))
    assert (firing.trigger, firing.called, firing.run) == ("timer:certbot.timer", True, "r1")
    assert firing.evidence.place == "/var/log/syslog:3"


def test_a_script_that_ended_before_it_called_the_client() -> None:
    (firing,) = fired(starts=(cron_start("/usr/local/sbin/renew"),))
    assert (firing.trigger, firing.called, firing.run) == ("cron:/etc/cron.d/renew:1", False, None)


def test_without_the_clients_log_nothing_tells() -> None:
    (firing,) = fired(starts=(cron_start("/usr/local/sbin/renew"),), client=None)
    assert firing.called is None
    later = NOW + timedelta(hours=1)
    (firing,) = fired(starts=(cron_start("/usr/local/sbin/renew"),), client=later)
    assert firing.called is None


def test_a_run_of_nobody_near_it_may_be_its_own() -> None:
    start = cron_start("/usr/local/sbin/renew")
    stranger = log_run(30, ("--standalone",))
    (firing,) = fired(stranger, starts=(start,))
    assert firing.called is None
    (firing,) = fired(log_run(90_000, ("--standalone",)), starts=(start,))
    assert firing.called is False


def test_a_unit_that_only_calls_the_client_did_call_it() -> None:
    (firing,) = fired(starts=(unit_start(),))
    assert firing.called is None  # its log is silent: locked out, perhaps


def test_a_persons_start_and_a_start_of_two_triggers_are_nobodys_firing() -> None:
    person = sudo("/usr/bin/systemctl start certbot.service", -1)
    found = fired(log_run(1), starts=(person, unit_start()))
    assert found == ()
    twin = linked(timer(name="certbot"))
    other = Linked(twin.trigger.__class__("timer:b.timer", "timer", "armed", twin.trigger.source),
                   twin.paths, twin.candidate)  # fmt: skip
    assert fired(starts=(unit_start(),), among=(TIMER, other)) == ()
