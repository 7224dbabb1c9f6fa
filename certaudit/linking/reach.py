"""Which lineages one call of certbot can renew.

Law: pure. "Can" means without a person and at some moment: whether a certificate is due today is for
``due`` to say. The rules are those of ``certbot._internal.main`` (``renew``, ``certonly``, ``run``),
``renewal.should_renew`` and ``cert_manager.find_duplicative_certs``.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from certaudit.facts import CertificateFile, LineageFact
from certaudit.parsers.certbot_arguments import CertbotArguments

DEFAULT_CONFIG_DIR = "/etc/letsencrypt"
RENEWING = frozenset({"renew", "certonly", "run"})

AUTORENEW_OFF = "autorenew = False in its renewal conf"
NOT_NAMED = "another lineage is named by --cert-name"
OTHER_NAMES = "has other names than the call asks for"


class Reach(Struct, frozen=True):
    """The lineages a call can renew, in order, and those it passes over with the reason.

    ``certain`` is ``False`` where a word of the call is unknown, or where the outcome hangs on an
    answer that a person would give or on a file not looked at here.
    """

    lineages: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    certain: bool = True


def reach(arguments: CertbotArguments, lineages: Sequence[LineageFact]) -> Reach:
    """Judge a call against the lineages; those of other config directories are left out altogether."""
    mine = [x for x in lineages if x.config_dir == _config_dir(arguments)]
    certain = not arguments.unknown and not arguments.config_files
    if arguments.subcommand is None:
        return Reach((), tuple((x.name, "the subcommand is not known") for x in mine), certain=False)
    none = _renews_nothing(arguments)
    if none:
        return Reach((), tuple((x.name, none) for x in mine), certain)
    if arguments.subcommand == "renew":
        return _renew(arguments, mine, certain)
    return _certonly(arguments, mine, certain)


def _config_dir(arguments: CertbotArguments) -> str:
    given = arguments.config_dir or DEFAULT_CONFIG_DIR
    return given.rstrip("/") or "/"


def _renews_nothing(arguments: CertbotArguments) -> str | None:
    if arguments.subcommand not in RENEWING:
        return f"{arguments.subcommand} renews nothing"
    if arguments.refused:
        return f"certbot refuses {arguments.refused[:80]}"
    if arguments.dry_run:
        return "--dry-run saves nothing"
    if arguments.csr:
        return "--csr makes a certificate outside any lineage"
    if arguments.subcommand == "renew" and arguments.domains:
        return "renew refuses to be given domains"
    refused = arguments.subcommand == "renew" and arguments.force_interactive
    return "renew refuses --force-interactive" if refused else None


def _renew(arguments: CertbotArguments, mine: Sequence[LineageFact], certain: bool) -> Reach:
    taken: list[str] = []
    skipped: list[tuple[str, str]] = []
    for lineage in mine:
        if arguments.cert_name and lineage.name != arguments.cert_name:
            why: str | None = NOT_NAMED
        else:
            why = _obstacle(arguments, lineage)
        if why:
            skipped.append((lineage.name, why))
        else:
            taken.append(lineage.name)
    return Reach(tuple(taken), tuple(skipped), certain)


def _obstacle(arguments: CertbotArguments, lineage: LineageFact) -> str | None:
    """Why ``renew`` passes a lineage over; what the call brings makes up for what the conf lacks."""
    if lineage.broken:
        return f"certbot can not use its renewal conf: {lineage.broken[0].text}"
    if not lineage.autorenew and not arguments.force:
        return AUTORENEW_OFF
    if arguments.staging and not arguments.break_my_certs and not _is_staging(lineage.server):
        return "a test certificate will not replace a valid one without --break-my-certs"
    lacking = [r for r in lineage.unattended if not _supplied(r.code, arguments)]
    return f"can not be renewed without a person: {lacking[0].text}" if lacking else None


def _supplied(code: str, arguments: CertbotArguments) -> bool:
    if arguments.authenticator and arguments.authenticator != "manual":
        return True
    return code in ("manual-without-hook", "hook-program-missing") and bool(
        arguments.hook("manual-auth")
    )


def _is_staging(server: str | None) -> bool:
    """``util.is_staging``: Let's Encrypt's own test server, or ``staging`` in the address."""
    return bool(server) and "staging" in str(server)


def _certonly(arguments: CertbotArguments, mine: Sequence[LineageFact], certain: bool) -> Reach:
    usable = [x for x in mine if not x.broken]
    chosen, sure = _chosen(arguments, usable)
    if arguments.duplicate and not arguments.cert_name:
        chosen, sure = None, True
    why = _certonly_obstacle(arguments, chosen) if chosen else None
    taken = () if chosen is None or why else (chosen.name,)
    skipped = tuple(
        (x.name, why if x is chosen and why else _passed_over(arguments, x))
        for x in mine
        if x.name not in taken
    )
    prompt = bool(chosen) and not (
        arguments.force or arguments.keep or arguments.non_interactive or arguments.quiet
    )
    hangs_on_answer = prompt and why == AUTORENEW_OFF
    return Reach(taken, skipped, certain and sure and not hangs_on_answer)


def _passed_over(arguments: CertbotArguments, lineage: LineageFact) -> str:
    if lineage.broken:
        return f"certbot can not use its renewal conf: {lineage.broken[0].text}"
    if arguments.duplicate and not arguments.cert_name:
        return "--duplicate makes a new lineage"
    return NOT_NAMED if arguments.cert_name else OTHER_NAMES


def _chosen(
    arguments: CertbotArguments, usable: Sequence[LineageFact]
) -> tuple[LineageFact | None, bool]:
    """``_find_lineage_for_domains_and_certname``: the lineage a call is about, and is that sure."""
    wanted = set(arguments.domains)
    if arguments.cert_name:
        named = next((x for x in usable if x.name == arguments.cert_name), None)
        if named is None or not wanted or wanted == names_of(named):
            return named, True
        return named, arguments.renew_with_new_domains or arguments.non_interactive or arguments.quiet
    if not wanted:
        return None, False  # a person is asked, or the web server's configuration
    same = [x for x in usable if names_of(x) == wanted]
    if same:
        return same[-1], len(same) == 1
    parts = sorted(
        (x for x in usable if names_of(x) and names_of(x) < wanted), key=lambda x: -len(names_of(x))
    )
    if not parts:
        return None, all(names_of(x) for x in usable)
    return (parts[0], False) if arguments.expand or arguments.force else (None, False)


def _certonly_obstacle(arguments: CertbotArguments, lineage: LineageFact) -> str | None:
    changed = bool(arguments.domains) and set(arguments.domains) != names_of(lineage)
    if not lineage.autorenew and not arguments.force and not changed:
        return AUTORENEW_OFF
    if arguments.staging and not arguments.break_my_certs and not _is_staging(lineage.server):
        return "a test certificate will not replace a valid one without --break-my-certs"
    if arguments.authenticator == "manual" and not arguments.hook("manual-auth"):
        return "can not be renewed without a person: --manual without --manual-auth-hook"
    return None


def names_of(lineage: LineageFact) -> frozenset[str]:
    """The names of the deployed certificate, else of the newest; empty where none can be read."""
    by_number: dict[int, CertificateFile] = dict(lineage.generations)
    number = lineage.live if lineage.live in by_number else max(by_number, default=None)
    return frozenset(n.lower() for n in by_number[number].names) if number is not None else frozenset()
