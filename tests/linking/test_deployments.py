"""Copies, references and remote targets, each with its generation and how it stands."""

from __future__ import annotations

import pytest

from certaudit.facts import CopyFact, Reference, ServedFact
from certaudit.linking.deployments import deployments, of_served
from certaudit.model import Deployment, Evidence, Policy, RenewalPath
from certaudit.records import replace
from tests.linking.makers import LIVE, fact, path, step

FACT = fact(live=2)
NOTHING = Policy()
PLACE = "/srv/tls/site.pem"
LINE = Evidence("/etc/nginx/nginx.conf", 7, f"ssl_certificate {PLACE};")


def copy(number: int | None, part: str = "cert", **given: object) -> CopyFact:
    fingerprint = None if part == "key" else f"fingerprint{number}"
    base = CopyFact(PLACE, part, fingerprint, f"key{number}")  # type: ignore[arg-type]
    return replace(base, **given)  # type: ignore[arg-type]


def reference(place: str = PLACE) -> Reference:
    return Reference("nginx", place, LINE)


def found(
    *copies: CopyFact,
    references: tuple[Reference, ...] = (),
    paths: tuple[RenewalPath, ...] = (),
    policy: Policy = NOTHING,
) -> tuple[Deployment, ...]:
    return deployments(copies, references, (FACT,), paths, policy)


def test_a_copy_of_the_live_generation_is_current() -> None:
    (place,) = found(copy(2))
    assert (place.id, place.lineage, place.generation, place.status) == (
        f"copy:{PLACE}", "a.example", 2, "current",
    )  # fmt: skip


def test_an_older_copy_that_nobody_uses_is_unreferenced() -> None:
    assert found(copy(1))[0].status == "unreferenced"


def test_an_older_copy_that_a_consumer_names_is_stale() -> None:
    (place,) = found(copy(1), references=(reference(),))
    assert (place.status, place.referenced_by) == ("stale", (LINE,))


@pytest.mark.parametrize("target", [PLACE, "/srv/tls", "/srv/tls/"])
def test_an_older_copy_that_an_armed_path_writes_is_stale(target: str) -> None:
    writer = path(distribution=(step(targets=(target,)),))
    (place,) = found(copy(1), paths=(writer,))
    assert (place.status, place.written_by) == ("stale", writer.id)
    off = replace(writer, state="off")
    assert found(copy(1), paths=(off,))[0].status == "unreferenced"


def test_an_older_copy_that_the_policy_names_is_stale() -> None:
    assert found(copy(1), policy=Policy(copies=(("a.example", PLACE),)))[0].status == "stale"


def test_a_place_that_the_policy_names_and_that_is_not_there_is_missing() -> None:
    (place,) = found(policy=Policy(copies=(("a.example", "/srv/none.pem"),)))
    assert (place.id, place.status, place.generation) == ("copy:/srv/none.pem", "missing", None)


def test_certificate_and_key_that_do_not_fit_are_a_mismatch_where_they_are_used() -> None:
    odd = copy(2, "combined", key_matches=False)
    assert found(odd, references=(reference(),))[0].status == "mismatch"
    assert found(odd)[0].status == "unreferenced"
    assert found(copy(2, "combined", key_matches=True))[0].status == "current"


def test_a_key_that_two_generations_share_counts_as_the_newer() -> None:
    shared = replace(FACT, keys=((1, "key1"), (2, "key1")))
    (place,) = deployments((copy(1, "key"),), (), (shared,), (), Policy())
    assert (place.part, place.generation, place.status) == ("key", 2, "current")


def test_a_file_of_no_lineage_is_no_deployment() -> None:
    assert found(copy(9)) == ()


def test_without_a_live_generation_nothing_can_be_said() -> None:
    (place,) = deployments((copy(1),), (reference(),), (replace(FACT, live=None),), (), Policy())
    assert place.status == "unknown"


@pytest.mark.parametrize(
    ("name", "generation", "status"),
    [
        (f"{LIVE}/fullchain.pem", 2, "current"),
        ("/etc/letsencrypt/archive/a.example/fullchain2.pem", 2, "current"),
        ("/etc/letsencrypt/archive/a.example/privkey1.pem", 1, "stale"),
    ],
)
def test_a_consumer_that_names_certbots_own_files(name: str, generation: int, status: str) -> None:
    (place,) = found(references=(reference(name),))
    assert (place.kind, place.where, place.generation, place.status) == (
        "config", name, generation, status,
    )  # fmt: skip


def test_a_remote_target_is_listed_and_its_state_unknown() -> None:
    send = step("rsync", kind="remote", targets=("web2.example:/etc/tls/",))
    (place,) = found(paths=(path(distribution=(send,)),))
    assert (place.id, place.kind, place.status) == ("remote:web2.example:/etc/tls/", "remote", "unknown")


def test_a_directory_that_a_consumer_takes_whole_uses_what_is_in_it() -> None:
    (place,) = found(copy(1), references=(reference(PLACE.rpartition("/")[0] + "/"),))
    assert (place.status, len(place.referenced_by)) == ("stale", 1)


def test_declared_places_on_other_hosts_are_listed() -> None:
    (place,) = found(policy=Policy(copies=(("a.example", "web2.example:/etc/tls/x.pem"),)))
    assert (place.id, place.kind, place.status) == (
        "remote:web2.example:/etc/tls/x.pem", "remote", "unknown",
    )  # fmt: skip


def test_what_is_served_is_a_generation_or_of_somebody_else() -> None:
    facts = [ServedFact("a.example", f"127.0.0.1:{n}", f"fingerprint{n}") for n in (1, 2, 3)]
    places = {p.where: (p.kind, p.generation, p.status) for p in of_served(facts, (FACT,))}
    assert places == {
        "127.0.0.1:1": ("served", 1, "stale"),
        "127.0.0.1:2": ("served", 2, "current"),
    }


def test_the_order_is_that_of_the_ids() -> None:
    places = found(copy(1), replace(copy(1), path="/a.pem"), references=(reference(f"{LIVE}/cert.pem"),))
    assert [p.id for p in places] == sorted(p.id for p in places)
