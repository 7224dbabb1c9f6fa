"""certbot's own logs as certbot 2 writes them: a file a run, not due, renewed or failed."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

API = "https://acme-v02.api.letsencrypt.org"


def write_client_logs(folder: Path, count: int, end: datetime, seed: int) -> None:
    """``letsencrypt.log`` and its rotations, the newest first."""
    folder.mkdir()
    numbers = random.Random(seed)
    for number in range(count):
        name = "letsencrypt.log" if number == 0 else f"letsencrypt.log.{number}"
        kind = numbers.choices(("not_due", "renewed", "failed"), (76, 19, 5))[0]
        text = "".join(one_run(kind, end - timedelta(hours=12 * number), numbers))
        (folder / name).write_text(text)


def one_run(kind: str, at: datetime, numbers: random.Random) -> Iterator[str]:
    """The records of one run."""

    def say(level: str, logger: str, message: str) -> str:
        nonlocal at
        at += timedelta(milliseconds=numbers.randrange(1, 90))
        return f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03}:{level}:{logger}:{message}\n"

    main, client = "certbot._internal.main", "acme.client"
    display, renewal = "certbot._internal.display.obj", "certbot._internal.renewal"
    yield say("DEBUG", main, "certbot version: 2.1.0")
    yield say("DEBUG", main, "Location of certbot entry point: /usr/bin/certbot")
    yield say("DEBUG", main, "Arguments: ['-q', '--no-random-sleep-on-renew']")
    plugins = ",".join(
        f"PluginEntryPoint#{name}" for name in ("manual", "null", "standalone", "webroot")
    )
    yield say("DEBUG", main, f"Discovered plugins: PluginsRegistry({plugins})")
    yield say("DEBUG", "certbot._internal.log", "Root logging level set at 40")
    for name in ("www.example.org", "mail.example.org", "wild.example.org"):
        yield say("DEBUG", display, f"Notifying user: Processing /etc/letsencrypt/renewal/{name}.conf")
        yield from checks(say, name)
        if kind == "not_due" or name != "wild.example.org":
            yield say("DEBUG", display, "Notifying user: Certificate not yet due for renewal")
            continue
        yield say("INFO", renewal, "Certificate is due for renewal, auto-renewing...")
        yield say("DEBUG", display, f"Notifying user: Renewing an existing certificate for {name}")
        for call in range(12):
            yield from exchange(say, client, call, at, numbers)
        if kind == "failed":
            yield say(
                "ERROR",
                renewal,
                f"Failed to renew certificate {name} with error: Some challenges have failed.",
            )
            yield say("DEBUG", renewal, "Traceback was:\n" + TRACE)
            continue
        archive = f"/etc/letsencrypt/archive/{name}"
        for part in ("cert", "privkey", "chain", "fullchain"):
            path = f"{archive}/{part}4.pem"
            yield say(
                "DEBUG",
                "certbot._internal.storage",
                f"Writing {'certificate' if part == 'cert' else part} to {path}.",
            )
    yield from results(say, kind, display)


def checks(say: Callable[[str, str, str], str], name: str) -> Iterator[str]:
    """What certbot writes about any lineage."""
    selection = "certbot._internal.plugins.selection"
    yield say(
        "DEBUG",
        "certbot._internal.plugins.selection",
        "Requested authenticator webroot and installer None",
    )
    yield say("DEBUG", selection, f"Single candidate plugin: * webroot\n{PLUGIN}")
    webroot = "<certbot._internal.plugins.webroot.Authenticator object at 0x7f1d2c3b4a50>"
    yield say("DEBUG", selection, f"Selected authenticator {webroot} and installer None")
    yield say("DEBUG", "certbot.ocsp", f"Querying OCSP for /etc/letsencrypt/archive/{name}/cert3.pem")
    yield say("DEBUG", "urllib3.connectionpool", "Starting new HTTP connection (1): r3.o.lencr.org:80")
    yield say("DEBUG", "urllib3.connectionpool", 'http://r3.o.lencr.org:80 "POST / HTTP/1.1" 200 503')
    yield say(
        "DEBUG",
        "certbot.ocsp",
        f"OCSP certificate status for /etc/letsencrypt/archive/{name}/cert3.pem is: OCSPCertStatus.GOOD",
    )


def exchange(
    say: Callable[[str, str, str], str], logger: str, number: int, at: datetime, numbers: random.Random
) -> Iterator[str]:
    """One call of the CA's interface and its answer."""

    def token(size: int) -> str:
        return "".join(numbers.choices(string.ascii_letters + string.digits + "-_", k=size))

    yield say(
        "DEBUG", logger, "JWS payload:\nb'" + repr(json.dumps({"n": number}, indent=2))[1:-1] + "'"
    )
    body = json.dumps(
        {"protected": token(300), "signature": token(342), "payload": token(120)}, indent=2
    )
    yield say("DEBUG", logger, f"Sending POST request to {API}/acme/authz/{number}:\n{body}")
    yield say(
        "DEBUG", "urllib3.connectionpool", f'{API}:443 "POST /acme/authz/{number} HTTP/1.1" 200 820'
    )
    answer = {
        "status": "valid",
        "expires": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "renewalInfo": f"{API}/ari",
        "error": None,
        "challenges": [
            {"type": kind, "url": f"{API}/acme/chall/{token(8)}", "token": token(43)}
            for kind in ("http-01", "dns-01", "tls-alpn-01")
        ],
    }
    certificate = "\n".join(token(64) for _ in range(45)) if number == 11 else ""
    chain = (
        f"-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n" if certificate else ""
    )
    date = f"Date: {at:%a, %d %b %Y %H:%M:%S} GMT"
    headers = f"HTTP 200\nServer: nginx\n{date}\n{HEADERS}Replay-Nonce: {token(51)}\n"
    yield say("DEBUG", logger, f"Received response:\n{headers}\n{json.dumps(answer, indent=2)}\n{chain}")
    yield say("DEBUG", logger, f"Storing nonce: {token(51)}")


def results(say: Callable[[str, str, str], str], kind: str, display: str) -> Iterator[str]:
    """The summary at the end of a run."""
    rule = "- " * 39 + "-"
    yield say("DEBUG", display, f"Notifying user: \n{rule}")
    word = {"not_due": "skipped", "renewed": "success", "failed": "failure"}[kind]
    heads = {
        "not_due": "The following certificates are not due for renewal yet:",
        "renewed": "Congratulations, all renewals succeeded: ",
        "failed": "All renewals failed. The following certificates could not be renewed:",
    }
    yield say("DEBUG", display, f"Notifying user: {heads[kind]}")
    path = "/etc/letsencrypt/live/wild.example.org/fullchain.pem"
    yield say("DEBUG", display, f"Notifying user:   {path} ({word})")
    yield say("DEBUG", display, f"Notifying user: {rule}")
    renewal = "certbot._internal.renewal"
    if kind == "failed":
        yield say("ERROR", "certbot._internal.log", "1 renew failure(s), 0 parse failure(s)")
    else:
        yield say("DEBUG", renewal, "no renewal failures")


PLUGIN = """\
Description: Place files in webroot directory
Interfaces: Authenticator, Plugin
Entry point: webroot = certbot._internal.plugins.webroot:Authenticator
Initialized: <certbot._internal.plugins.webroot.Authenticator object at 0x7f1d2c3b4a50>
Prep: True"""
HEADERS = """\
Content-Type: application/json
Content-Length: 820
Connection: keep-alive
Cache-Control: public, max-age=0, no-cache
Link: <https://acme-v02.api.letsencrypt.org/directory>;rel="index"
X-Frame-Options: DENY
Strict-Transport-Security: max-age=604800
"""
TRACE = """\
Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/certbot/_internal/renewal.py", line 540, in handle_renewal_request
    main.renew_cert(lineage_config, plugins, renewal_candidate)
certbot.errors.AuthorizationError: Some challenges have failed."""
