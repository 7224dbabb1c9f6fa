"""Triggers that lead to a client: their state, their paths, and what could not be followed."""

from __future__ import annotations

import pytest

from certaudit.facts import Candidate
from certaudit.linking.paths import candidate_gaps, scripts_of
from certaudit.model import Gap, Reason
from certaudit.parsers.certbot_options import DROPPED
from certaudit.parsers.shell import follow
from certaudit.records import replace
from certaudit.sources.scripts import start_of
from tests.linking.makers import LIVE, Files, cron, fact, linked, linked_or_none, timer, traced

SCRIPT = "/usr/local/sbin/renew"
A, B = fact("a.example"), fact("b.example")
GONE = frozenset({"/run/systemd/system", "/opt/certbot"})


def test_a_timer_leads_over_its_service_to_every_lineage() -> None:
    found = linked(timer(), A, B)
    (path,) = found.paths
    assert path.id == "timer:certbot.timer>certbot.service>certbot"
    assert (path.trigger, path.state, path.subcommand) == ("timer:certbot.timer", "armed", "renew")
    assert path.lineages == ("a.example", "b.example")
    assert [(s.path, s.line) for s in path.chain] == [("/lib/systemd/system/certbot.service", 6)]


def test_a_wrapper_stands_in_the_id_and_in_the_chain() -> None:
    files = Files({SCRIPT: "#!/bin/sh\nset -e\ncertbot -q renew --cert-name b.example\n"})
    (path,) = linked(cron(SCRIPT, line=4), A, B, files=files).paths
    assert path.id == f"cron:/etc/cron.d/renew:4>{SCRIPT}>certbot"
    assert path.lineages == ("b.example",)
    assert path.skipped == (("a.example", "another lineage is named by --cert-name"),)
    assert [(s.path, s.line) for s in path.chain] == [("/etc/cron.d/renew", 4), (SCRIPT, 3)]


def test_a_second_call_of_one_chain_gets_a_number() -> None:
    found = linked(
        cron("certbot renew --cert-name a.example; certbot renew --cert-name b.example"), A, B
    )
    assert [p.id for p in found.paths] == [
        "cron:/etc/cron.d/renew:1>certbot",
        "cron:/etc/cron.d/renew:1>certbot#2",
    ]
    assert [p.lineages for p in found.paths] == [("a.example",), ("b.example",)]


@pytest.mark.parametrize(
    "command", ["run-parts /etc/cron.daily", "certbot certificates", "certbot renew --dry-run"]
)
def test_what_never_renews_is_no_trigger(command: str) -> None:
    assert linked_or_none(cron(command), A) is None


def test_a_false_guard_makes_a_trigger_dormant_and_says_why() -> None:
    found = linked(cron("test -d /run/systemd/system && certbot -q renew"), A, files=Files(gone=GONE))
    assert (found.trigger.state, found.paths[0].state) == ("dormant", "dormant")
    assert [r.code for r in found.trigger.reasons] == ["guard-false", "cron-line"]
    assert "`-d /run/systemd/system` does not hold: " in found.trigger.reasons[0].text
    assert found.trigger.reasons[0].evidence[0].place == "/etc/cron.d/renew:1"


def test_one_call_that_happens_is_enough() -> None:
    guarded = "test -d /run/systemd/system && certbot renew --cert-name a.example"
    text = f"{guarded}; certbot renew --cert-name b.example"
    found = linked(cron(text), A, B, files=Files(gone=GONE))
    assert found.trigger.state == "armed"
    assert [p.state for p in found.paths] == ["dormant", "armed"]


def test_a_missing_program_makes_it_dormant() -> None:
    found = linked(cron("/opt/certbot renew"), A, files=Files(gone=GONE))
    assert (found.trigger.state, found.trigger.reasons[0].code) == ("dormant", "program-missing")
    assert found.trigger.reasons[0].text == "the program it calls, /opt/certbot, is not there"


def test_a_failing_condition_makes_it_dormant() -> None:
    failing = Reason("condition-false", "ConditionPathExists=/x fails")
    found = linked(replace(timer(), conditions=(failing,)), A)
    assert (found.trigger.state, found.trigger.reasons[0]) == ("dormant", failing)


def test_a_switch_that_is_off_stays_off_whatever_else_stops_it() -> None:
    found = linked(cron("/opt/certbot renew", state="off"), A, files=Files(gone=GONE))
    assert (found.trigger.state, found.paths[0].state) == ("off", "off")


def test_a_path_that_finds_no_lineage_is_dormant_and_its_trigger_is_not() -> None:
    found = linked(timer(), replace(A, autorenew=False))
    assert (found.trigger.state, found.paths[0].state) == ("armed", "dormant")
    assert found.paths[0].reasons[0].code == "no-lineage"
    assert found.paths[0].skipped == (("a.example", "autorenew = False in its renewal conf"),)


def test_each_config_directory_has_its_own_lineages() -> None:
    other = fact("c.example", config_dir="/srv/le")
    (path,) = linked(cron("certbot renew --config-dir /srv/le/"), A, other).paths
    assert path.lineages == ("c.example",)


def test_a_presumed_service_makes_its_paths_uncertain() -> None:
    found = linked(replace(timer(), presumed="certbot-deb-timer"), A)
    assert [p.certain for p in found.paths] == [False]


def unseen(candidate: Candidate) -> tuple[Gap, ...]:
    return candidate_gaps(candidate, traced(candidate), Files(gone=GONE))


@pytest.mark.parametrize(
    "text",
    [
        'certbot renew; "$EDITOR" certbot; . "$UNKNOWN/certbot.sh"',
        "cronitor exec abc certbot renew",
        "ls /etc/letsencrypt/live | xargs -I{} certbot renew --cert-name {}",
        "find /etc/letsencrypt/renewal -name '*.conf' -exec certbot renew ';'",
        'script -qc "certbot renew" /dev/null',
        "perl -e 'system(\"certbot renew\")'",
        "docker compose run --rm certbot renew",
        "chroot /srv/jail certbot renew",
    ],
)
def test_what_could_not_be_followed_is_a_gap_where_it_may_hide_a_client(text: str) -> None:
    found = unseen(cron(text))
    assert {gap.aspect for gap in found} == {"scripts"}
    assert all(gap.evidence[0].place == "/etc/cron.d/renew:1" for gap in found)


@pytest.mark.parametrize(
    "text",
    [
        "certbot renew",
        "perl -e 'sleep int(rand(3600))' && certbot -q renew",
        "certbot renew || echo certbot renew failed",
        'certbot renew || mail -s "certbot renew failed" root',
        "ssh web2 certbot renew",
        "tar czf /srv/le.tgz /etc/letsencrypt",
        "python3 -m certbot renew",
        "docker run -v /etc/letsencrypt:/etc/letsencrypt certbot/certbot renew",
    ],
)
def test_a_command_that_hides_no_client_is_no_gap(text: str) -> None:
    assert unseen(cron(text)) == ()


@pytest.mark.parametrize(
    ("text", "name", "aspect"),
    [
        ('"/root/.acme.sh"/acme.sh --cron --home "/root/.acme.sh" > /dev/null', "acme.sh", "clients"),
        ("bash /opt/acme.sh --cron", "acme.sh", "clients"),
        ("flock -n /run/le.lock dehydrated -c", "dehydrated", "clients"),
        ("/usr/bin/lego --path /etc/lego -d a.example renew --days 30", "lego", "clients"),
        ("docker run --rm -v /etc/lego:/l registry.example.org/goacme/lego:v4 renew", "lego", "clients"),
        ("docker exec proxy /acme.sh/acme.sh --cron", "acme.sh", "clients"),
        ("getssl -u -a -q", "getssl", "clients"),
        ("uacme -h /usr/share/uacme/uacme.sh issue a.example", "uacme", "clients"),
        ("/usr/bin/acmetool --batch reconcile", "acmetool", "clients"),
        ("python3 /opt/acme_tiny.py --account-key k --csr c > a.crt", "acme-tiny", "clients"),
        ("/etc/webmin/virtual-server/collectinfo.pl", "Virtualmin", "clients"),
        ("caddy run --config /etc/caddy/Caddyfile", "caddy", "apart"),
        ("/usr/local/cpanel/bin/autossl_check --all", "cPanel", "apart"),
        ("/usr/bin/pveupdate", "Proxmox", "apart"),
        ("step ca renew --force a.crt a.key", "step", "apart"),
        ("docker exec -u 0 acme.sh --cron", "acme.sh", "clients"),
        ("docker run --restart always -h web1 goacme/lego:v4 renew", "lego", "clients"),
        ("docker run --cpu-shares 5 goacme/lego:v4 renew", "lego", "clients"),
        ("docker compose exec -T web sh /acme.sh/acme.sh --cron", "acme.sh", "clients"),
        ('docker exec web sh -c "acme.sh --cron"', "acme.sh", "clients"),
        ("/usr/local/ispconfig/server/cron.sh", "ISPConfig", "clients"),
        ("php -q /usr/local/ispconfig/server/cron.php", "ISPConfig", "clients"),
        ("php -d auto_prepend_file=sdk.php /opt/psa/scripts/keep-secured.php", "Plesk", "apart"),
        ("xargs -a /etc/hosts lego renew", "lego", "clients"),
        ("xargs -a /etc/hosts acme.sh --cron --home", "acme.sh", "clients"),
        ("/usr/bin/find /srv -name '*.d' -exec /usr/bin/lego renew {} ';'", "lego", "clients"),
        ('script -qc "/usr/bin/lego renew" /dev/null', "lego", "clients"),
        ("setpriv --reuid 1000 lego renew", "lego", "clients"),
        ("ts lego --path /srv renew", "lego", "clients"),
        ('ts "" lego lego renew', "lego", "clients"),
        ("docker run --pull always alpine acme.sh --cron", "acme.sh", "clients"),
        ("docker exec web env A=b lego renew", "lego", "clients"),
        ("ts yunohost domain cert renew", "YunoHost", "apart"),
    ],
)
def test_a_client_that_is_not_followed_is_named_where_it_is_called(
    text: str, name: str, aspect: str
) -> None:
    (gap,) = unseen(cron(text))
    assert (gap.aspect, gap.reason) == (
        aspect,
        f"{name} is at work here: what it renews is not followed",
    )
    assert gap.evidence[0].place == "/etc/cron.d/renew:1"
    assert unseen(cron(text, state="off")) == ()


@pytest.mark.parametrize(("program", "gaps"), [("at now", 1), ("sh", 1), ("mail root", 0)])
def test_such_a_client_may_be_what_a_command_is_given_to_read(program: str, gaps: int) -> None:
    candidate = cron(program)
    (entry,) = candidate.entries
    fed = replace(candidate, entries=(replace(entry, stdin="dehydrated -c\n"),))
    found = candidate_gaps(fed, tuple((e, follow(start_of(e), Files())) for e in fed.entries), Files())
    assert [gap.aspect for gap in found] == ["clients"] * gaps


@pytest.mark.parametrize(
    ("text", "gaps"),
    [
        ("cat | sh", 1),
        ('while read l; do eval "$l"; done', 1),
        ("$(cat)", 1),
        ("at now", 1),
        ("/opt/own", 1),
        ("sh < /opt/plain", 1),
        ("sh", 0),
        ("sh; /opt/own", 0),
        ("mail -s x root", 0),
        ("cat > /srv/x", 0),
        ("read l; echo $l", 0),
    ],
)
def test_a_client_in_the_input_is_a_gap_where_something_may_run_it(text: str, gaps: int) -> None:
    candidate = cron(text)
    (entry,) = candidate.entries
    for stdin, known in (("certbot -q renew\n", gaps), ("yes\n", 0)):
        fed = replace(candidate, entries=(replace(entry, stdin=stdin),))
        (start,) = fed.entries
        found = candidate_gaps(fed, ((start, follow(start_of(start), Files())),), Files())
        assert [gap.aspect for gap in found] == ["scripts"] * known


def test_a_text_that_is_not_followed_may_name_such_a_client() -> None:
    (gap,) = unseen(cron("perl -e 'exec(\"/root/.acme.sh/acme.sh --cron\")'"))
    assert (gap.aspect, gap.reason) == ("scripts", "a text for an interpreter: not followed")


@pytest.mark.parametrize(
    "text",
    [
        "/opt/certbot/acme.sh --cron",
        "[ -d /run/systemd/system ] && dehydrated -c",
        "apt-get install -y lego caddy",
        "cp /root/.acme.sh/a.example/ca.cer /srv/dehydrated",
        "systemctl reload caddy",
        "docker restart traefik",
        "docker run -v /srv/goacme/lego:/data -v /etc/traefik nginx",
        "tar czf /srv/lego.tgz /etc/lego",
        "docker exec web rm -rf /tmp/lego",
        "docker exec web cat /etc/dehydrated",
        "docker run --rm alpine echo acme.sh --cron",
        "docker exec web service nginx reload lego",
        "docker exec acme.sh --list",
        "docker exec web",
        "docker run",
        "docker run web " * 2000,
        "rsync -a /root/ host:/usr/local/ispconfig/server/cron.sh",
        "cp /opt/psa/scripts/keep-secured.php /srv",
        "echo yunohost domain cert renew",
        "ssh web2 step ca renew",
        "/usr/bin/lego --version",
        "lego renew --help",
        "acme.sh --list",
        "getssl -h",
        "xargs -a /etc/hosts rm /tmp/lego",
        "find /etc/dehydrated -name '*.pem' -exec chmod 600 {} ';'",
        'mail -s "lego renew failed" root',
    ],
)
def test_no_such_client_is_named_where_none_is_called(text: str) -> None:
    files = Files(gone=frozenset({*GONE, "/opt/certbot/acme.sh"}))
    candidate = cron(text)
    assert candidate_gaps(candidate, traced(candidate, files), files) == ()


def test_what_is_switched_off_hides_nothing() -> None:
    assert unseen(cron("cronitor exec abc certbot renew", state="off")) == ()


def test_gaps_of_a_candidate_count_only_where_it_leads_to_a_client() -> None:
    gap = Gap("cron", "whether a cron daemon runs is not known")
    assert unseen(replace(cron("certbot renew"), unknown=(gap,))) == (gap,)
    assert unseen(replace(cron("true"), unknown=(gap,))) == ()


def test_steps_of_a_later_exec_line_follow_the_client() -> None:
    found = linked(timer("/usr/bin/certbot renew", "/usr/bin/systemctl reload nginx"), A)
    assert [(d.kind, d.command) for d in found.paths[0].distribution] == [
        ("reload", "/usr/bin/systemctl reload nginx")
    ]


def test_where_copies_are_to_be_looked_for() -> None:
    found = linked(cron(f"certbot renew; cp {LIVE}/fullchain.pem /srv/tls/site.pem"), A)
    assert {"/srv/tls", "/srv/tls/site.pem"} <= scripts_of([found])


def test_a_program_named_relative_to_a_directory_is_looked_for_there() -> None:
    files = Files(there=frozenset({"/opt/venv/bin/certbot"}), gone=frozenset({"./certbot"}))
    assert linked(cron("cd /opt/venv/bin && ./certbot renew"), A, files=files).trigger.state == "armed"
    files = Files(gone=frozenset({"/opt/venv/bin/certbot"}))
    assert linked(cron("cd /opt/venv/bin && ./certbot renew"), A, files=files).trigger.state == "dormant"


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("certbot renew", "dormant"),
        ("sudo certbot renew", "armed"),
        ("su -c 'certbot renew'", "armed"),
    ],
)
def test_a_user_who_may_not_write_to_certbots_directory_renews_nothing(text: str, state: str) -> None:
    candidate = cron(text)
    (entry,) = candidate.entries
    entry = replace(entry, user="admin", environment=(*entry.environment, ("LOGNAME", "admin")))
    files = Files(closed=frozenset({("admin", "/etc/letsencrypt")}))
    found = linked(replace(candidate, entries=(entry,)), A, files=files)
    assert found.trigger.state == state
    assert (found.trigger.reasons[0].code == "no-permission") == (state == "dormant")


def test_shell_operators_in_an_exec_line_are_words_that_certbot_refuses() -> None:
    found = linked(timer("/usr/bin/certbot -q renew && systemctl reload nginx"), A)
    assert found.paths[0].skipped == (("a.example", "certbot refuses the word &&"),)
    assert (found.trigger.state, found.paths[0].state) == ("dormant", "dormant")
    assert found.trigger.reasons[0].code == "refused"


@pytest.mark.parametrize(
    ("text", "release", "state"),
    [
        ("certbot renew --manual-public-ip-logging-ok", "4.0.0-2", "dormant"),
        ("certbot renew --manual-public-ip", "1:4.0.0-2", "dormant"),  # cut short
        ("certbot renew --manual-public-ip-logging-ok", "2.11.0-1", "armed"),
        ("certbot renew --standalone-supported-challenges http-01", "2.1.0-4", "dormant"),
        ("certbot renew --standalone-supported-challenges http-01", "0.40.0-1", "armed"),
        ("certbot renew --manual-public-ip-logging-ok", None, "armed"),
        ("certbot renew --manual-public-ip-logging-ok", "", "armed"),
        ("/opt/venv/bin/certbot renew --manual-public-ip-logging-ok", "4.0.0-2", "armed"),
        ("docker run certbot/certbot renew --manual-public-ip-logging-ok", "4.0.0-2", "armed"),
        ("certbot renew --no-self-upgrade", "4.0.0-2", "armed"),
    ],
)
def test_an_option_that_the_release_dropped(text: str, release: str | None, state: str) -> None:
    found = linked(cron(text), A, release=release)
    assert found.trigger.state == state
    if state == "dormant":
        (reason,) = (r for r in found.trigger.reasons if r.code == "refused")
        option = "--" + next(n for n in DROPPED if n[:12] in text)
        number = "4.0.0" if "4.0.0" in str(release) else "2.1.0"
        assert reason.text == f"certbot refuses {option}, which {number} does not have any more"
