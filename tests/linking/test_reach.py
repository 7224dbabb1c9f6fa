from __future__ import annotations

from datetime import datetime, timezone

import pytest

from certaudit.facts import CertificateFile, LineageFact
from certaudit.linking.reach import AUTORENEW_OFF, NOT_NAMED, OTHER_NAMES, Reach, reach
from certaudit.model import Reason
from certaudit.parsers.certbot_arguments import parse_arguments
from certaudit.records import replace

DAY = datetime(2026, 9, 1, tzinfo=timezone.utc)
SERVER = "https://acme-v02.api.letsencrypt.org/directory"


def lineage(
    name: str, *names: str, autorenew: bool = True, config_dir: str = "/etc/letsencrypt"
) -> LineageFact:
    certificate = CertificateFile("c", "1", DAY, DAY, names or (name,), "f", "k")
    return LineageFact(
        name=name,
        config_dir=config_dir,
        conf=f"{config_dir}/renewal/{name}.conf",
        version="2.1.0",
        authenticator="nginx",
        installer=None,
        autorenew=autorenew,
        renew_before_expiry=None,
        hooks=(),
        params=(),
        live=1,
        live_dir=f"{config_dir}/live/{name}",
        archive_dir=f"{config_dir}/archive/{name}",
        generations=((1, certificate),),
        keys=(),
        server=SERVER,
    )


A = lineage("a.example", "a.example", "*.a.example")
B = lineage("b.example")
OFF = lineage("off.example", autorenew=False)
ALL = (A, B, OFF)
BROKEN = replace(lineage("c.example"), broken=(Reason("no-renewalparams", "lacks renewalparams"),))
MANUAL = replace(
    lineage("m.example"),
    authenticator="manual",
    unattended=(Reason("manual-without-hook", "the manual plugin has no manual_auth_hook"),),
)


def judge(line: str, lineages: tuple[LineageFact, ...] = ALL) -> Reach:
    return reach(parse_arguments(line.split()), lineages)


def test_renew_takes_all_but_those_with_autorenew_off() -> None:
    assert judge("-q renew") == Reach(("a.example", "b.example"), (("off.example", AUTORENEW_OFF),))


def test_force_goes_over_autorenew() -> None:
    assert judge("renew --force-renewal").lineages == ("a.example", "b.example", "off.example")


def test_renew_of_one() -> None:
    found = judge("renew --cert-name b.example")
    assert found.lineages == ("b.example",)
    assert found.skipped == (("a.example", NOT_NAMED), ("off.example", NOT_NAMED))


def test_what_certbot_can_not_use_is_passed_over() -> None:
    found = judge("renew", (A, BROKEN))
    assert found.lineages == ("a.example",)
    assert found.skipped == (("c.example", "certbot can not use its renewal conf: lacks renewalparams"),)


def test_what_needs_a_person_is_passed_over_unless_the_call_brings_the_hook() -> None:
    assert judge("renew", (MANUAL,)).lineages == ()
    assert "without a person" in judge("renew", (MANUAL,)).skipped[0][1]
    assert judge("renew --manual-auth-hook /x", (MANUAL,)).lineages == ("m.example",)
    assert judge("renew -a webroot", (MANUAL,)).lineages == ("m.example",)


@pytest.mark.parametrize(
    "line",
    [
        "certificates", "delete --cert-name a.example", "revoke", "plugins", "register", "install",
        "enhance", "show_account", "update_account", "reconfigure --cert-name a.example", "--help",
        "renew --dry-run", "certonly --dry-run -d b.example", "renew --version", "certonly --csr x.csr",
        "renew -d b.example",
    ],
)  # fmt: skip
def test_calls_that_renew_nothing(line: str) -> None:
    found = judge(line)
    assert found.lineages == ()
    assert [name for name, _ in found.skipped] == [x.name for x in ALL]
    assert found.certain


@pytest.mark.parametrize("verb", ["certonly -n", "run --quiet", "-n"])
def test_names_choose_the_lineage_in_any_order(verb: str) -> None:
    found = judge(f"{verb} -d *.a.example,A.example")
    assert found.lineages == ("a.example",)
    assert found.skipped == (("b.example", OTHER_NAMES), ("off.example", OTHER_NAMES))
    assert found.certain


def test_cert_name_chooses_the_lineage() -> None:
    assert judge("certonly -n --cert-name a.example").lineages == ("a.example",)
    assert judge("certonly -n --cert-name new.example -d b.example").lineages == ()
    changed = judge("certonly --cert-name a.example -d b.example")
    assert (changed.lineages, changed.certain) == (("a.example",), False)
    assert judge(
        "certonly -n --cert-name a.example -d b.example"
    ).certain  # the question's default is yes
    sure = judge("certonly --cert-name a.example -d b.example --renew-with-new-domains")
    assert (sure.lineages, sure.certain) == (("a.example",), True)


def test_autorenew_off_holds_for_certonly_too_but_not_when_forced() -> None:
    kept = judge("certonly --keep-until-expiring -d off.example")
    assert (kept.lineages, kept.certain) == ((), True)
    assert ("off.example", AUTORENEW_OFF) in kept.skipped
    assert not judge("certonly -d off.example").certain  # a person may answer "renew & replace"
    assert judge("certonly -n -d off.example --force-renewal").lineages == ("off.example",)


def test_more_names_than_a_lineage_has() -> None:
    asked = judge("certonly -n -d b.example,c.example")
    assert (asked.lineages, asked.certain) == ((), False)
    expanded = judge("certonly -n --expand -d b.example,c.example")
    assert (expanded.lineages, expanded.certain) == (("b.example",), False)


def test_other_names_make_a_new_lineage() -> None:
    assert judge("certonly -n -d a.example").lineages == ()
    assert judge("certonly -n -d a.example").certain
    assert judge("certonly -n --duplicate -d b.example").lineages == ()


def test_without_names_it_can_not_be_known() -> None:
    found = judge("--nginx -n")
    assert (found.lineages, found.certain) == ((), False)


def test_manual_without_a_hook_waits_for_a_person() -> None:
    assert judge("certonly --manual -d b.example").lineages == ()
    assert judge("certonly -n --manual --manual-auth-hook x -d b.example").lineages == ("b.example",)


def test_a_test_certificate_does_not_replace_a_valid_one() -> None:
    assert judge("renew --staging").lineages == ()
    assert judge("renew --staging --break-my-certs").lineages == ("a.example", "b.example")
    staging = replace(B, server="https://acme-staging-v02.api.letsencrypt.org/directory")
    assert judge("renew --staging", (staging,)).lineages == ("b.example",)


def test_only_one_config_directory_counts() -> None:
    other = lineage("d.example", config_dir="/srv/le")
    assert judge("renew", (B, other)) == Reach(("b.example",))
    assert judge("renew --config-dir /srv/le/", (B, other)) == Reach(("d.example",))


def test_unknown_words_and_files_make_it_uncertain() -> None:
    assert not judge("renew --frobnicate").certain
    assert not judge("renew -c /srv/cli.ini").certain
    unknown = reach(parse_arguments([None]), ALL)
    assert (unknown.lineages, unknown.certain) == ((), False)
