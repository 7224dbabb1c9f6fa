"""The installed certbot and certaudit must say the same of generated lineages.

Each case is a renewal conf, links and minted certificates in a config directory of its own making; one
``certbot renew`` against a server that is not there tells which lineages are due (their renewal fails),
not due, or not usable.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from certaudit.facts import LineageFact
from certaudit.host.root import Root
from certaudit.linking.due import due
from certaudit.linking.reach import reach
from certaudit.parsers.certbot_arguments import parse_arguments
from certaudit.sources.certbot import collect_lineages
from fixtures.minting import Request, mint
from tests.summary import SEED, compared, scaled

CERTBOT = os.environ.get("CERTAUDIT_CERTBOT") or shutil.which("certbot")
CASES = 60
KINDS = ("cert", "privkey", "chain", "fullchain")

pytestmark = pytest.mark.skipif(CERTBOT is None, reason="no certbot is installed on this machine")

INTERVALS = (
    None, None, None, None, "30 days", "2 weeks", "10", "1 week", "36 hours", "45 days", "1 month",
    "3 days 12 hours", "1 week 2 days", " 20 ", "60 days", "1 year", "90 minutes",
)  # fmt: skip
AUTORENEW = (None,) * 8 + ("True", "False", "false", "TRUE", '"False"', "no", "0", "off", "False,")
TOP_AUTORENEW = (None,) * 9 + ("False",)
# A month before the 31st is no fixed day: there certbot, which adds to today, may differ by days.
MONTH_END = timedelta(days=4)
DAMAGE = ("",) * 14 + (
    "no-params", "no-authenticator", "no-chain-key", "plain-live", "dangling-live", "no-live", "garbage",
    "duplicate-key", "interpolation", "latin1", "bad-int", "live-behind", "incomplete-newest", "gap",
    "previous", "stray-copy", "triple-quotes", "comma-cert", "bad-bool",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One generated lineage."""

    name: str
    lifetime: timedelta
    left: timedelta
    interval: str | None
    autorenew: str | None
    top_autorenew: str | None
    damage: str


def cases(rng: random.Random, count: int) -> Iterator[Case]:
    for number in range(count):
        lifetime = timedelta(days=rng.choice((6, 30, 47, 90, 90, 90, 365)))
        left = lifetime * rng.uniform(-0.1, 1.0)
        if rng.random() < 0.4:  # near a border of one rule or another
            border = rng.choice((timedelta(days=30), timedelta(days=14), lifetime / 3, lifetime / 2))
            left = min(border + timedelta(minutes=rng.choice((-90, -20, 20, 90))), lifetime)
        yield Case(
            name=f"n{number:04}.example.org",
            lifetime=lifetime,
            left=left,
            interval=rng.choice(INTERVALS),
            autorenew=rng.choice(AUTORENEW),
            top_autorenew=rng.choice(TOP_AUTORENEW),
            damage=rng.choice(DAMAGE),
        )


def write(config: Path, case: Case, now: datetime) -> None:
    archive, live = config / "archive" / case.name, config / "live" / case.name
    archive.mkdir(parents=True)
    live.mkdir(parents=True)
    newest = 5 if case.damage in ("incomplete-newest", "live-behind", "gap", "previous") else 3
    for number in (3, 5) if newest == 5 else (3,):
        end = now + case.left - (timedelta(days=0) if number == newest else case.lifetime / 2)
        request = Request((case.name,), end - case.lifetime, end, f"{case.name}{number}", number + 1000)
        minted = mint(request)
        for kind in KINDS:
            (archive / f"{kind}{number}.pem").write_text(getattr(minted, kind))
    pointed = 3 if case.damage in ("incomplete-newest", "live-behind", "previous") else newest
    for kind in KINDS:
        (live / f"{kind}.pem").symlink_to(f"../../archive/{case.name}/{kind}{pointed}.pem")
    conf = config / "renewal" / f"{case.name}.conf"
    conf.write_text(conf_text(config, case, archive, live))
    damage(case, conf, archive, live)


def conf_text(config: Path, case: Case, archive: Path, live: Path) -> str:
    lines = ["# renew_before_expiry = 30 days", "version = 2.1.0", f"archive_dir = {archive}"]
    lines += [f"{kind} = {live}/{kind}.pem" for kind in KINDS]
    lines += [f"renew_before_expiry = {case.interval}"] if case.interval else []
    lines += [f"autorenew = {case.top_autorenew}"] if case.top_autorenew else []
    lines += ["", "# Options used in the renewal process", "[renewalparams]"]
    lines += ["account = 0123456789abcdef0123456789abcdef", "authenticator = standalone"]
    lines += ["server = http://127.0.0.1:1/dir", "key_type = ecdsa"]
    lines += [f"autorenew = {case.autorenew}"] if case.autorenew else []
    return "\n".join(lines) + "\n"


def damage(case: Case, conf: Path, archive: Path, live: Path) -> None:
    text = conf.read_text()
    changed = {
        "no-params": text.partition("[renewalparams]")[0],
        "no-authenticator": text.replace("authenticator =", "authenticated ="),
        "no-chain-key": text.replace("\nchain =", "\nchained ="),
        "garbage": text + "what is this\n",
        "duplicate-key": text + "account = again\n",
        "interpolation": text + "pre_hook = echo %(nothing)s\n",
        "bad-int": text + "rsa_key_size = large\n",
        "bad-bool": text + "reuse_key = maybe\n",
        "triple-quotes": text + "pre_hook = '''echo \"it's\"'''\npost_hook = date +%s # every time\n",
        "comma-cert": text.replace("\ncert =", "\ncert = a,"),
    }.get(case.damage, text)
    conf.write_bytes(changed.encode() + (b"pre_hook = \xe9\n" if case.damage == "latin1" else b""))
    if case.damage == "plain-live":
        (live / "chain.pem").unlink()
        shutil.copy(archive / "chain3.pem", live / "chain.pem")
    elif case.damage == "dangling-live":
        (archive / "privkey3.pem").unlink()
    elif case.damage == "no-live":
        shutil.rmtree(live)
    elif case.damage == "incomplete-newest":
        (archive / "chain5.pem").unlink()
    elif case.damage == "previous":
        for kind in KINDS:
            (live / f"previous_{kind}.pem").symlink_to(archive / f"{kind}3.pem")
            (live / f"{kind}.pem").unlink()
    elif case.damage == "stray-copy":
        shutil.copy(conf, conf.with_name(f"{case.name}-copy.conf"))
        shutil.copy(conf, conf.with_name(f"{case.name}.conf.bak"))
        shutil.copy(conf, conf.with_name(f".{case.name}.conf"))


def foretold(lineage: LineageFact, version: str, now: datetime, force: bool) -> str:
    words = ["renew", "--config-dir", lineage.config_dir]
    judged = reach(parse_arguments([*words, *(["--force-renewal"] if force else [])]), [lineage])
    if lineage.broken:
        return "broken"
    if not judged.lineages:
        return "not due"  # certbot says the same of autorenew = False
    moment, _ = due(lineage, version)
    assert moment is not None
    if re.search("month|year", lineage.renew_before_expiry or "") and abs(moment - now) < MONTH_END:
        return "due or not due"
    return "due" if force or moment <= now else "not due"


def told(output: str, config: Path) -> dict[str, str]:
    """What certbot did with each conf, from its messages and the lists at the end."""
    found: dict[str, str] = {}
    processed = re.findall(rf"Processing\s+{re.escape(str(config))}/renewal/(.+)\.conf", output)
    for name in processed:
        found[name] = "not due"
    for name in re.findall(r"Failed to renew certificate (\S+) with error", output):
        found[name] = "due"
    for name in re.findall(r"renewal/(\S+)\.conf \(parsefail\)", output):
        found[name] = "broken"
    return found


def agree(expected: str | None, actual: str | None) -> bool:
    return expected == actual or (expected == "due or not due" and actual in ("due", "not due"))


def renew(config: Path, *flags: str) -> str:
    assert CERTBOT is not None
    words = [CERTBOT, "renew", "-n", "--no-random-sleep-on-renew", "--no-directory-hooks", *flags]
    words += ["--config-dir", str(config), "--work-dir", f"{config}-w", "--logs-dir", f"{config}-l"]
    words += ["--server", "http://127.0.0.1:1/dir"]
    clean = {"PATH": os.environ["PATH"], "HOME": str(config), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, env=clean, check=False)
    return done.stdout + done.stderr


def installed_version() -> str:
    assert CERTBOT is not None
    shown = subprocess.run([CERTBOT, "--version"], capture_output=True, text=True, check=True)
    return (shown.stdout + shown.stderr).split()[-1]


@pytest.mark.parametrize("force", [False, True], ids=["renew", "renew --force-renewal"])
def test_certbot_does_what_is_foretold(tmp_path: Path, force: bool) -> None:
    config = tmp_path / "le"
    (config / "renewal").mkdir(parents=True)
    now = datetime.now(timezone.utc).replace(microsecond=0)
    generated = list(cases(random.Random(SEED), scaled(CASES // 6 if force else CASES)))
    for case in generated:
        write(config, case, now)
    lineages, gaps = collect_lineages(Root(Path("/")), str(config))
    version = installed_version()
    expected = {x.name: foretold(x, version, now, force) for x in lineages}
    actual = told(renew(config, *(["--force-renewal"] if force else [])), config)
    compared(f"renewal confs: certbot {version} renew", len(generated))
    by_name = {case.name: case for case in generated}
    wrong = [
        (by_name.get(n, n), expected.get(n), actual.get(n))
        for n in sorted({*expected, *actual})
        if not agree(expected.get(n), actual.get(n))
    ]
    assert not wrong, f"seed {SEED}: (case, foretold, certbot)\n" + "\n".join(map(str, wrong))
    assert not gaps
    assert len(set(actual.values())) > 1
