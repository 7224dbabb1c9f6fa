"""Nothing that looks like a secret reaches a report, and evidence stays evidence."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certaudit.history import History, PackageChange
from certaudit.linking.redaction import (
    KEY_BLOCK,
    PATTERNS,
    SIGNS,
    redacted,
    redacted_text,
    redacted_words,
)
from certaudit.model import ChainStep, Evidence, HostInfo, Model, Reason
from certaudit.records import replace
from tests.linking.makers import NOW, lineage, path, step


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("certbot --eab-hmac-key aBcD123 renew", "certbot --eab-hmac-key *** renew"),
        ("certbot --eab-hmac-key=aBcD123 -q", "certbot --eab-hmac-key=*** -q"),
        ("['--eab-kid', 'k', '--eab-hmac-key', 'V', '-q']",
         "['--eab-kid', 'k', '--eab-hmac-key', '***', '-q']"),
        ("certbot renew --eab-hmac-keyy s3cr3t -q", "certbot renew --eab-hmac-keyy *** -q"),
        ("certbot renew --eab-hmac-keyy=s3cr3t", "certbot renew --eab-hmac-keyy=***"),
        ("certbot renew --eab-hmac-key=-s3cr3t", "certbot renew --eab-hmac-key=***"),
        ("certbot renew --eab_hmac_key s3cr3t", "certbot renew --eab_hmac_key ***"),
        ("certbot renew --eab-hmac-kye 's3cr3t'", "certbot renew --eab-hmac-kye '***'"),
        ("certbot renew --eab-hmac-key 's3cr3t'", "certbot renew --eab-hmac-key '***'"),
        ("certbot renew --eab-hmac s3cr3t", "certbot renew --eab-hmac ***"),
        ("certbot renew --eab-hmac-k=s3cr3t", "certbot renew --eab-hmac-k=***"),
        ("['--eab-hmac-kye', 's3cr3t', '-q']", "['--eab-hmac-kye', '***', '-q']"),
        ("PASSWORD='a b' scp x", "PASSWORD=*** scp x"),
        ('PASSPHRASE="a b" x', "PASSPHRASE=*** x"),
        ("AWS_SECRET_ACCESS_KEY=abc/d+e aws s3 cp", "AWS_SECRET_ACCESS_KEY=*** aws s3 cp"),
        ("CF_API_TOKEN=xyz; certbot renew", "CF_API_TOKEN=***; certbot renew"),
        ("curl https://user:pw@host.example/x", "curl https://user:***@host.example/x"),
        ("curl 'https://host.example/?token=abc&y=1'", "curl 'https://host.example/?token=***&y=1'"),
        ("curl -s -u admin:hunter2 https://x.example", "curl -s -u admin:*** https://x.example"),
        ("curl -H 'Authorization: Bearer abcdefgh123'", "curl -H 'Authorization: Bearer ***'"),
        ("curl -H 'X-Api-Key: hunter2' x", "curl -H 'X-Api-Key: ***' x"),
        ("curl -H PRIVATE-TOKEN: hunter2 x", "curl -H PRIVATE-TOKEN: *** x"),
        ("curl --header 'Authorization: token hunter2'", "curl --header 'Authorization: token ***'"),
        ("X-Auth-Key: hunter2", "X-Auth-Key: ***"),
        ("openssl pkcs12 -passout pass:hunter2", "openssl pkcs12 -passout pass:***"),
        ("mysqldump -u root -phunter2 db", "mysqldump -u root -p*** db"),
        ("lftp -u admin,hunter2 -e 'put x'", "lftp -u admin,*** -e 'put x'"),
        ("sshpass -p hunter2 scp a b", "sshpass -p *** scp a b"),
        ("x -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----", "x ***"),
    ],
)  # fmt: skip
def test_secrets_are_hidden(text: str, shown: str) -> None:
    assert redacted_text(text) == shown
    assert redacted_text(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "certbot --manual-auth-hook /opt/dns-put --authenticator manual",
        "--authenticator=dns-route53",
        "certbot --eab-kid hogehoge --eab-hmac-alg HS512 --reuse-key --key-type ecdsa",
        "certbot --eab-hmac-a HS512 --eab-hmac-key --quiet",
        "certbot --key-typ ecdsa --key-path /etc/ssl/hogehoge.pem",
        "manual_auth_hook=/opt/dns-put",
        "curl -H 'Content-Type: application/x-pem-file' https://x.example",
        "mysqldump -p db > x.sql",
        "openssl rsa -passin file:/root/pw",
        "certbot --dns-cloudflare-credentials /root/cf.ini",
        "17 4 * * * root /usr/local/sbin/renew-wildcard",
        "install -m 0600 /etc/letsencrypt/live/a.example/privkey.pem /srv/tls/privkey.pem",
        "https://acme-v02.api.letsencrypt.org/directory",
        "rsync -aL /etc/letsencrypt/live/a.example/ backup@host.example:/etc/tls/",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted_text(text) == text


def test_the_value_after_a_secret_option_is_hidden_in_an_argument_list() -> None:
    words = ("certbot", "--eab-kid", "kid", "--eab-hmac-key", "V", "--password", "-q", "renew")
    shown = ("certbot", "--eab-kid", "kid", "--eab-hmac-key", "***", "--password", "-q", "renew")
    assert redacted_words(words) == shown
    assert redacted_words(("--eab-hmac-keyy", "V", "--eab-hmac-alg", "HS512")) == (
        "--eab-hmac-keyy", "***", "--eab-hmac-alg", "HS512",
    )  # fmt: skip
    assert redacted_words(("--manual-auth-hook", "/opt/put")) == ("--manual-auth-hook", "/opt/put")


def test_a_whole_model_is_redacted_however_deep() -> None:
    secret = "certbot renew --eab-hmac-key S3CR3T"
    one = path(
        argv=tuple(secret.split()),
        chain=(ChainStep("/etc/cron.d/renew", 1, f"0 3 * * * root {secret}"),),
        distribution=(step("curl https://u:S3CR3T@host.example/"),),
    )
    reasons = (Reason("x", secret, (Evidence("/a", 1, secret, NOW),)),)
    model = Model(
        HostInfo("web1", "/", live=True, as_of=NOW),
        paths=(one,),
        lineages=(lineage(broken=reasons, owner_because=secret),),
        comforts=reasons,
        history=History((PackageChange(NOW, "install", "certbot", None, "1", secret),)),
    )
    shown = redacted(model)
    assert "S3CR3T" not in repr(shown)
    assert shown.paths[0].argv == ("certbot", "renew", "--eab-hmac-key", "***")
    assert shown.host is model.host
    bare = replace(model, paths=(), lineages=(), comforts=(), history=History())
    assert replace(shown, paths=(), lineages=(), comforts=(), history=History()) == bare


@pytest.mark.parametrize(
    "text",
    [
        "-" * 100_000,
        "auth" * 25_000,
        "--" + "pass" * 25_000,
        "://a:" * 20_000,
        "curl " * 20_000,
        "curl -u " + "a" * 100_000,
        "sshpass" + " " * 100_000,
        "'--" * 30_000,
        "a_" * 50_000 + "=",
    ],
)
def test_a_hostile_line_costs_no_time(text: str) -> None:
    before = time.process_time()
    redacted_text(text)
    assert time.process_time() - before < 1


@pytest.mark.parametrize("pattern", [*PATTERNS, KEY_BLOCK])
@settings(deadline=None)
@given(data=st.data())
def test_no_secret_is_without_a_sign(pattern: re.Pattern[str], data: st.DataObject) -> None:
    text = data.draw(st.from_regex(pattern))
    assert any(sign in text.casefold() for sign in SIGNS)
    assert not any(sign in other for sign in SIGNS for other in SIGNS if other != sign)
