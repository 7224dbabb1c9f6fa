"""certbot's own log of a run, record by record, as versions 0.10 to 2.9 write it.

Law: shares nothing with the code under test. Wordings and their order are those of certbot's sources at
the tags of these versions; the level record stood before the version up to 0.11.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.history.acts import Execution, Result
from tests.history.scenario import UTC, Client, Machine

Record = tuple[datetime, str]


def records(run: Execution, machine: Machine) -> Iterator[Record]:
    """The records of one run with their moments: logging's format as certbot fills it in."""
    version = Client(run.version).number
    base = "certbot" if version < (1, 0) else "certbot._internal"
    yield from head(run, version, base)
    for result in run.results:
        yield from lineage(result, version, base, run.slept if result is first_due(run) else 0, machine)
    if run.outcome == "killed":
        return
    if run.outcome == "failed":
        logger = f"{base}.main" if version < (0, 20) else f"{base}.log"
        failed = sum(result.outcome == "failed" for result in run.results)
        error = f"{failed} renew failure(s), 0 parse failure(s)"
        yield (
            run.ended,
            f"DEBUG:{logger}:Exiting abnormally:\nTraceback (most recent call last):\n{error}",
        )
        if version >= (1, 0):
            yield run.ended, f"ERROR:{logger}:{error}"
    else:
        yield run.ended, f"DEBUG:{base}.renewal:no renewal failures"


def first_due(run: Execution) -> Result | None:
    """The result before which a run slept."""
    return next((r for r in run.results if r.outcome not in ("not_due", "simulated")), None)


def head(run: Execution, version: tuple[int, int], base: str) -> Iterator[Record]:
    """What stands before the first lineage."""
    at = run.began
    level = 40 if {"-q", "--quiet"} & set(run.arguments) else 30
    if version < (0, 12):
        yield at, f"DEBUG:{base}.main:Root logging level set at {level}"
        yield at, f"INFO:{base}.main:Saving debug log to /var/log/letsencrypt/letsencrypt.log"
    yield at, f"DEBUG:{base}.main:certbot version: {run.version}"
    if version >= (1, 11):
        yield at, f"DEBUG:{base}.main:Location of certbot entry point: /usr/bin/certbot"
    yield at, f"DEBUG:{base}.main:Arguments: {list(run.arguments)!r}"
    yield at, f"DEBUG:{base}.main:Discovered plugins: PluginsRegistry(PluginEntryPoint#manual)"
    if version >= (0, 12):
        yield at + timedelta(milliseconds=9), f"DEBUG:{base}.log:Root logging level set at {level}"


def shown(version: tuple[int, int], base: str) -> str:
    """How what certbot shows a person gets into the log: from 1.10 on."""
    return f"DEBUG:{base}.display.{'util' if version < (1, 22) else 'obj'}:Notifying user: "


def lineage(
    result: Result, version: tuple[int, int], base: str, slept: float, machine: Machine
) -> Iterator[Record]:
    """The records about one lineage."""
    at, name = result.began, result.lineage
    word = "Cert" if version < (1, 16) else "Certificate"
    if version >= (1, 10):
        yield at, f"{shown(version, base)}Processing /etc/letsencrypt/renewal/{name}.conf"
    archive = f"/etc/letsencrypt/archive/{name}"
    at += timedelta(milliseconds=80)
    yield at, f"DEBUG:certbot.ocsp:Querying OCSP for {archive}/cert{max(result.generation - 1, 1)}.pem"
    if result.outcome == "not_due":
        text = f"{word} not yet due for renewal"
        yield at, f"INFO:{base}.renewal:{text}" if version < (1, 16) else f"{shown(version, base)}{text}"
    elif result.outcome == "simulated":
        text = f"{word} not due for renewal, but simulating renewal for dry run"
        yield at, f"INFO:{base}.renewal:{text}"
    else:
        yield at, f"INFO:{base}.renewal:{word} is due for renewal, auto-renewing..."
        yield from attempt(result, at, version, base, slept, machine)


def attempt(
    result: Result, at: datetime, version: tuple[int, int], base: str, slept: float, machine: Machine
) -> Iterator[Record]:
    """The records of a lineage for which a certificate is asked."""
    name = result.lineage
    if slept:
        yield at, f"INFO:{base}.renewal:Non-interactive renewal: random delay of {slept} seconds"
    at += timedelta(seconds=slept)
    if at >= result.ended:
        return  # killed in its sleep
    date = machine.clock(at).astimezone(UTC) if machine.power_at(at) else at.astimezone(UTC)
    yield (
        at,
        "DEBUG:acme.client:Received response:\nHTTP 200\nServer: nginx\n"
        f"Date: {date:%a, %d %b %Y %H:%M:%S} GMT\nContent-Type: application/json\n\n{{}}",
    )
    yield at, f"INFO:{base}.auth_handler:Performing the following challenges:"
    yield at, f"INFO:{base}.auth_handler:dns-01 challenge for {name}"
    if result.outcome == "killed":
        return
    if result.outcome == "failed":
        conf = f"/etc/letsencrypt/renewal/{name}.conf"
        text = f"Failed to renew certificate {name} with error: Some challenges have failed."
        if version < (0, 17):
            text = (
                f"Attempting to renew cert from {conf} produced an unexpected error: Failed. Skipping."
            )
        elif version < (1, 11):
            text = f"Attempting to renew cert ({name}) from {conf} produced an unexpected error: Failed."
        level = "WARNING" if version < (1, 11) else "ERROR"
        yield result.ended, f"{level}:{base}.renewal:{text}"
        return
    archive = f"/etc/letsencrypt/archive/{name}"
    almost = result.ended - timedelta(milliseconds=40)
    for what, file in (("private key", "privkey"), ("certificate", "cert")):
        new = "new " if what == "private key" else ""
        yield (
            almost,
            f"DEBUG:{base}.storage:Writing {new}{what} to {archive}/{file}{result.generation}.pem.",
        )
