"""Who owns a lineage, and which paths are hidden from the owner."""

from __future__ import annotations

import pytest

from certaudit.linking.ownership import assign, catches_up, left_out, owner_of
from certaudit.model import Distribution, Gap, Policy, RenewalPath
from certaudit.records import replace
from tests.linking.makers import lineage, path, step

NOTHING = Policy()
TIMER = path("timer:certbot.timer>certbot.service>certbot")
WRAPPER = path(
    "cron:/etc/cron.d/wildcard:4>/usr/local/sbin/renew>certbot",
    distribution=(step("cp to host1"), step("reload nginx")),
)


def declared(word: str) -> Policy:
    return Policy((("a.example", word),))


def hidden(*paths: RenewalPath, policy: Policy = NOTHING) -> dict[str, tuple[str, ...]]:
    _, marked, _ = assign((lineage(),), paths, policy)
    return {p.id: p.hidden_for for p in marked}


def test_the_only_armed_path_is_the_owner() -> None:
    found = owner_of("a.example", (TIMER, path("cron:/x:1>certbot", state="off")), Policy())
    assert (found.owner, found.source) == (TIMER.id, "inferred")
    assert found.because == "it is the only armed path that can renew it"


@pytest.mark.parametrize(
    ("aspect", "only"),
    [("cron", "of what was seen, the only armed path"), ("copies", "it is the only armed path")],
)
def test_what_was_not_seen_may_renew_too(aspect: str, only: str) -> None:
    gaps = (Gap(aspect, "closed"),)
    alone = owner_of("a.example", (TIMER,), Policy(), gaps)
    assert (alone.owner, alone.because) == (TIMER.id, f"{only} that can renew it")
    (found,), _, _ = assign((lineage(),), (TIMER, WRAPPER), Policy(), gaps)
    steps = f"{only} that distributes the certificate by steps of its own"
    assert (found.owner, found.owner_because) == (WRAPPER.id, steps)


def test_the_only_path_that_distributes_is_the_owner() -> None:
    found = owner_of("a.example", (TIMER, WRAPPER), Policy())
    assert (found.owner, found.source) == (WRAPPER.id, "inferred")


def test_a_shared_hook_distributes_for_nobody_in_particular() -> None:
    hook = step("/etc/letsencrypt/renewal-hooks/deploy/x", binding="deploy-directory")
    other = path("cron:/x:1>certbot", distribution=(hook,))
    found = owner_of("a.example", (TIMER, other), Policy())
    assert found.owner is None
    assert found.because == (
        "2 armed paths can renew it, and none of them distributes by steps of its own"
    )


def test_several_that_distribute_leave_it_open() -> None:
    other = path("cron:/x:1>certbot", distribution=(step("scp"),))
    found = owner_of("a.example", (WRAPPER, other), Policy())
    assert (found.owner, found.source) == (None, None)
    assert "several of them distribute" in found.because


def test_steps_for_another_lineage_do_not_count() -> None:
    other = path("cron:/x:1>certbot", distribution=(step("scp", lineages=("b.example",)),))
    assert owner_of("a.example", (WRAPPER, other), Policy()).owner == WRAPPER.id


def test_nobody_owns_what_no_armed_path_renews() -> None:
    found = owner_of("a.example", (path(state="dormant"),), Policy())
    assert (found.owner, found.because) == (None, "no armed path was found that can renew it")


@pytest.mark.parametrize(
    "word",
    [
        "cron:/etc/cron.d/wildcard:4",
        "cron:/etc/cron.d/wildcard",
        "/etc/cron.d/wildcard",
        "cron:/etc/cron.d/wildcard:4>/usr/local/sbin/renew>certbot",
    ],
)
def test_a_policy_names_a_trigger_with_or_without_its_line_or_a_file_of_the_chain(word: str) -> None:
    found = owner_of("a.example", (TIMER, WRAPPER), declared(word))
    assert (found.owner, found.source) == (WRAPPER.id, "declared")


def test_a_policy_names_a_timer_as_systemd_does() -> None:
    assert owner_of("a.example", (TIMER, WRAPPER), declared("certbot.timer")).owner == TIMER.id


@pytest.mark.parametrize(("word", "count"), [("nobody", "no renewal path"), ("/x", "2 renewal paths")])
def test_a_policy_that_names_nothing_or_several_is_a_problem(word: str, count: str) -> None:
    two = (path("cron:/x:1>certbot"), path("cron:/x:2>certbot"))
    found = owner_of("a.example", two, declared(word))
    assert (found.owner, found.source) == (None, None)
    assert found.problem is not None
    assert found.problem.text == f'the owner declared for a.example, "{word}", names {count}'


def test_a_declared_owner_may_be_stopped_by_the_lineages_own_switch() -> None:
    stopped = path("cron:/x:1>certbot", lineages=(), skipped=(("a.example", "autorenew = False"),))
    assert owner_of("a.example", (TIMER, stopped), declared("/x")).owner == stopped.id


def test_the_path_that_leaves_the_owners_steps_out_is_hidden() -> None:
    assert hidden(TIMER, WRAPPER) == {TIMER.id: ("a.example",), WRAPPER.id: ()}
    assert [s.command for s in left_out(TIMER, WRAPPER, "a.example")] == ["cp to host1", "reload nginx"]


def test_a_path_that_leaves_only_part_out_is_hidden_too() -> None:
    other = path("cron:/x:1>certbot", distribution=(step("reload nginx"),))
    policy = declared("/etc/cron.d/wildcard")
    assert hidden(WRAPPER, other, policy=policy)[other.id] == ("a.example",)


def test_a_path_that_does_the_same_is_a_rival_and_not_hidden() -> None:
    twin = path("cron:/x:1>certbot", distribution=WRAPPER.distribution)
    assert hidden(WRAPPER, twin, policy=declared("/x"))[WRAPPER.id] == ()


def test_a_hook_that_runs_the_steps_or_writes_to_their_places_leaves_nothing_out() -> None:
    place = "/srv/host1/tls/fullchain.pem"
    owner = path(
        "cron:/o:1>certbot", distribution=(step("cp A", targets=(place,)), step("reload nginx"))
    )
    hook = step("/hooks/x", kind="hook", binding="deploy-directory")
    done = [
        (("reload nginx",), (), ["cp A"]),
        (("reload nginx",), (f"{place}/",), []),
        (("cp A", "reload nginx"), (), []),
        ((), (place,), ["reload nginx"]),
        ((), ("?",), ["cp A", "reload nginx"]),
    ]
    for does, targets, left in done:
        other = path("timer:t>certbot", distribution=(replace(hook, does=does, targets=targets),))
        assert [s.command for s in left_out(other, owner, "a.example")] == left


def test_an_owner_catches_up_where_each_step_runs_whatever_happened() -> None:
    mine, late = step("cp A", binding="own-renewal"), step("cp A", binding="if-changed")
    assert catches_up(path(distribution=(mine, late)), "a.example")
    assert not catches_up(path(distribution=(mine,)), "a.example")
    assert not catches_up(
        path(distribution=(mine, late, step("cp B", binding="own-renewal"))), "a.example"
    )
    assert not catches_up(path(), "a.example")


def test_a_hook_saved_in_the_conf_does_what_the_owner_gives_on_its_command_line() -> None:
    given = Distribution("hook", "command-line-hook", "/opt/hook", step().source)
    saved = Distribution("hook", "saved-hook", "/opt/hook", step().source)
    owner = path("cron:/x:1>certbot", distribution=(saved, given))
    timer = path("timer:certbot.timer>certbot", distribution=(saved,))
    assert hidden(owner, timer, policy=declared("/x"))[timer.id] == ()


def test_a_path_that_is_off_is_not_hidden() -> None:
    assert hidden(path("timer:certbot.timer>certbot", state="off"), WRAPPER) == {
        "timer:certbot.timer>certbot": (),
        WRAPPER.id: (),
    }


def test_lineages_and_paths_are_marked_with_what_was_found() -> None:
    lineages, paths, problems = assign((lineage(),), (TIMER, WRAPPER), Policy())
    assert lineages[0].renewers == (TIMER.id, WRAPPER.id)
    assert (lineages[0].owner, lineages[0].owner_source) == (WRAPPER.id, "inferred")
    assert [p.owner_of for p in paths] == [(), ("a.example",)]
    assert problems == ()


def test_names_that_are_not_here_are_problems_once_each() -> None:
    policy = Policy((("b.example", "x"),), (("b.example", "/srv/b"), ("c.example", "/srv/c")))
    _, _, problems = assign((lineage(),), (TIMER,), policy)
    assert [p.text for p in problems] == [
        "the policy names a lineage that is not here: b.example",
        "the policy names a lineage that is not here: c.example",
    ]
