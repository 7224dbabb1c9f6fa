"""Consumers on an image and by their states: what is reloaded, and what is left to a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from certaudit.facts import Unit
from certaudit.fix.plan import Choices, plan_of
from certaudit.model import Deployment, Evidence, Policy
from certaudit.plan import Plan, ReloadUnit
from certaudit.records import replace
from tests.fix.machines import HERE, Bench, bench

STEPS = Choices(only=("stale-copy",))
PROGRAMS = "".join(
    f"file /usr/sbin/{name} 0755\n| x\n" for name in ("nginx", "haproxy", "apachectl", "postfix")
)


class Units:
    """A manager that knows the state of each unit."""

    backend = "dbus"
    gaps = ()

    def __init__(self, **states: str) -> None:
        self.states = states

    def names(self) -> tuple[str, ...]:
        return tuple(f"{name}.service" for name in self.states)

    def unit(self, name: str) -> Unit | None:
        state = self.states.get(name.removesuffix(".service"))
        return (
            Unit(name, "enabled", f"/lib/systemd/system/{name}", active_state=state) if state else None
        )


def live_plan(machine: Bench, *served: Deployment, **states: str) -> Plan:
    """The plan, as if this machine were the running one with these units."""
    model, target = machine.look()
    model = replace(
        model,
        host=replace(model.host, live=True),
        deployments=(*model.deployments, *served),
    )
    return plan_of(model, replace(target, systemd=Units(**states)), STEPS)  # type: ignore[arg-type]


@pytest.fixture
def machine(tmp_path: Path) -> Bench:
    return bench(
        (HERE / "many-paths.machine").read_text().replace("../", f"{HERE.parent}/") + PROGRAMS, tmp_path
    )


def reloads(plan: Plan) -> dict[str, ReloadUnit]:
    return {a.unit: a for a in plan.actions if isinstance(a, ReloadUnit)}


def test_on_an_image_it_is_said_what_will_be_needed(machine: Bench) -> None:
    plan = machine.plan(STEPS)
    assert reloads(plan) == {}
    assert set(plan.commands) == {
        "nginx -t && systemctl reload nginx",
        "haproxy -c -q -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy",
    }


def test_active_units_are_tested_and_reloaded_and_looked_at(machine: Bench) -> None:
    plan = live_plan(machine, nginx="active", haproxy="active")
    found = reloads(plan)
    assert found["nginx.service"].test == ("/usr/sbin/nginx", "-t")
    assert [(s.address, s.name) for s in found["nginx.service"].served] == [
        ("127.0.0.1:443", "hoge.example")
    ]
    assert found["haproxy.service"].test[0] == "/usr/sbin/haproxy"
    assert plan.commands == ()
    assert all(s.fingerprint not in s.older for a in found.values() for s in a.served)


def test_what_rests_reads_its_files_when_it_is_started(machine: Bench) -> None:
    plan = live_plan(machine, nginx="inactive", haproxy="active")
    assert list(reloads(plan)) == ["haproxy.service"]
    assert plan.commands == ()


def test_what_has_no_unit_is_left_to_a_person(machine: Bench) -> None:
    plan = live_plan(machine, haproxy="active")
    assert plan.commands == ("nginx -t && systemctl reload nginx",)


def stale(address: str, *where: str) -> Deployment:
    lines = tuple(Evidence(path, 1, "x") for path in where)
    return Deployment(
        f"served:{address}", "hoge.example", "served", address, 1, "stale", referenced_by=lines
    )


def test_an_older_one_on_the_wire_alone_is_reason_enough(tmp_path: Path) -> None:
    machine = bench("include ../base/wildcard.machine\n" + PROGRAMS, tmp_path)
    assert machine.plan(STEPS).steps == ()
    plan = live_plan(machine, stale("127.0.0.1:8443", "/etc/nginx/site.conf"), nginx="active")
    served = reloads(plan)["nginx.service"].served
    assert [s.address for s in served] == ["127.0.0.1:8443", "127.0.0.1:443"]


def test_what_serves_an_older_one_and_is_not_known_is_refused(tmp_path: Path) -> None:
    machine = bench("include ../base/wildcard.machine\n" + PROGRAMS, tmp_path)
    plan = live_plan(machine, stale("127.0.0.1:9000"))
    assert (plan.steps, len(plan.refusals)) == ((), 1)
    assert "127.0.0.1:9000 serves an older hoge.example" in plan.refusals[0].why
    plan = live_plan(machine, stale("127.0.0.1:9000", "/etc/nginx/site.conf"))
    assert plan.refusals[0].commands == ("nginx -t && systemctl reload nginx",)


def test_a_declared_address_is_looked_at_too(machine: Bench) -> None:
    model, target = machine.look()
    policy = Policy(served=(("hoge.example", "192.0.2.1:443"),))
    model = replace(model, host=replace(model.host, live=True), policy=policy)
    units = replace(target, systemd=Units(nginx="active", haproxy="active"))  # type: ignore[arg-type]
    found = reloads(plan_of(model, units, STEPS))
    assert [[s.address for s in a.served] for a in found.values()] == [
        ["127.0.0.1:443", "192.0.2.1:443"],
        ["127.0.0.1:443", "192.0.2.1:443"],
    ]


def test_what_is_tested_and_reloaded_is_not_reloaded_once_more(tmp_path: Path) -> None:
    text = "\n".join([
        "include ../base/site.machine",
        "file /etc/haproxy/haproxy.cfg",
        "| bind *:443 ssl crt /etc/haproxy/certs/",
        "file /etc/cron.d/renew",
        "| 5 3 * * * root /usr/local/sbin/renew-haproxy",
        "file /usr/local/sbin/renew-haproxy 0755",
        "| #!/bin/sh",
        "| certbot renew -q --cert-name www.example.org",
        "| cd /etc/letsencrypt/live/www.example.org",
        "| cat fullchain.pem privkey.pem > /etc/haproxy/certs/www.example.org.pem",
        "| systemctl reload haproxy",
        "copy /etc/haproxy/certs/www.example.org.pem of www.example.org 1 combined 0600",
    ])  # fmt: skip
    plan = bench(text.replace("../", f"{HERE.parent}/"), tmp_path).plan()
    assert [step.remedy for step in plan.steps] == ["e", "resync"]
    assert plan.commands == ("haproxy -c -q -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy",)
