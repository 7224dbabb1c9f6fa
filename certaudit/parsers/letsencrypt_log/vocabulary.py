"""What certbot's messages mean, by the words they begin with, from letsencrypt 0.1 to certbot 5.

Law: a table of literals, most special first, and the one pattern that seeks them. The wordings were
read in certbot's own sources (``main``, ``renewal``, ``storage``, ``hooks``, ``log``, ``cert_manager``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal

from certaudit.parsers.letsencrypt_log.lines import version_text

Meaning = Literal[
    "version",
    "level",
    "entry_point",
    "arguments",
    "notice",
    "processing",
    "not_due",
    "no_action",
    "due",
    "forced",
    "renewing",
    "requesting",
    "simulating",
    "simulated_renewal",
    "simulated_request",
    "dry_run",
    "dry_lineage",
    "delay",
    "written",
    "failed_named",
    "failed_conf",
    "broken_conf",
    "renew_result",
    "no_failures",
    "exit",
    "user_exit",
    "hook",
    "hook_failed",
    "output",
    "checked",
    "installer",
    "deploying",
    "issued",
    "finished",
    "removed",
    "revoking",
    "listing",
    "plugins",
    "deleted",
    "reconfigured",
    "response",
    "result",
]

_WORDS: Final[tuple[tuple[str, Meaning], ...]] = (
    ("certbot version: ", "version"),
    ("letsencrypt version: ", "version"),
    ("Root logging level set at ", "level"),
    ("Location of certbot entry point: ", "entry_point"),
    ("Arguments: ", "arguments"),
    ("Notifying user:", "notice"),
    ("Cert not yet due for renewal", "not_due"),
    ("Certificate not yet due for renewal", "not_due"),
    ("Cert is due for renewal, auto-renewing", "due"),
    ("Certificate is due for renewal, auto-renewing", "due"),
    ("Should renew, ", "due"),
    ("Auto-renewal forced with --force-renewal", "forced"),
    ("Cert not due for renewal, but simulating", "simulating"),
    ("Certificate not due for renewal, but simulating", "simulating"),
    ("Renewing an existing certificate", "renewing"),
    ("Obtaining a new certificate", "requesting"),
    ("Non-interactive renewal: random delay of ", "delay"),
    ("Writing certificate to ", "written"),
    ("Failed to renew certificate ", "failed_named"),
    ("Attempting to renew cert (", "failed_named"),
    ("Attempting to renew cert from ", "failed_conf"),
    ("Renewal configuration file ", "broken_conf"),
    ("An error occurred while parsing ", "broken_conf"),
    ("All renewal attempts failed", "renew_result"),
    ("All renewals failed", "renew_result"),
    ("All simulated renewals failed", "renew_result"),
    ("The following renewals failed", "renew_result"),
    ("The following simulated renewals failed", "renew_result"),
    ("The following certs could not be renewed", "renew_result"),
    ("no renewal failures", "no_failures"),
    ("Exiting abnormally", "exit"),
    ("Exiting due to user request", "user_exit"),
    ("Running ", "hook"),
    ("Hook '", "hook_failed"),
    ("Hook command ", "hook_failed"),
    ("pre-hook command ", "hook_failed"),
    ("post-hook command ", "hook_failed"),
    ("deploy-hook command ", "hook_failed"),
    ("renew-hook command ", "hook_failed"),
    ("manual-auth-hook command ", "hook_failed"),
    ("manual-cleanup-hook command ", "hook_failed"),
    ("Output from ", "output"),
    ("Error output from ", "output"),
    ("Dry run: skipping updating lineage at ", "dry_lineage"),
    ("Dry run: ", "dry_run"),
    ("Var dry_run=True", "dry_run"),
    ("Querying OCSP for ", "checked"),
    ("OCSP response for certificate ", "checked"),
    ("OCSP certificate status for ", "checked"),
    ("Cannot extract OCSP URI from ", "checked"),
    ("Selected authenticator ", "installer"),
    ("Deploying Certificate ", "deploying"),
    ("Deploying certificate", "deploying"),
    ("Reporting to user: Congratulations! Your certificate and chain", "issued"),
    ("Reporting to user: The dry run was successful", "dry_run"),
    ("Removed ", "removed"),
    ("Revoking ", "revoking"),
    ("Expected interfaces: ", "plugins"),
    ("Received response:", "response"),
    ("  ", "result"),
)

_NOTICES: Final[tuple[tuple[str, Meaning], ...]] = (
    ("Processing", "processing"),
    ("Cert not yet due for renewal; no action taken", "no_action"),
    ("Certificate not yet due for renewal; no action taken", "no_action"),
    ("Cert not yet due for renewal", "not_due"),
    ("Certificate not yet due for renewal", "not_due"),
    ("Renewing an existing certificate", "renewing"),
    ("Requesting a certificate for ", "requesting"),
    ("Simulating renewal of an existing certificate", "simulated_renewal"),
    ("Simulating a certificate request", "simulated_request"),
    ("** DRY RUN", "dry_run"),
    ("The dry run was successful", "dry_run"),
    ("The following certs are not due for renewal", "renew_result"),
    ("The following certificates are not due for renewal", "renew_result"),
    ("The following renewals ", "renew_result"),
    ("The following simulated renewals ", "renew_result"),
    ("No renewals were attempted", "renew_result"),
    ("No simulated renewals were attempted", "renew_result"),
    ("Congratulations, all renewals succeeded", "renew_result"),
    ("Congratulations, all simulated renewals succeeded", "renew_result"),
    ("Successfully received certificate", "issued"),
    ("Deploying certificate", "deploying"),
    ("Congratulations! You have successfully ", "finished"),
    ("Your existing certificate has been successfully renewed", "finished"),
    ("NEXT STEPS", "finished"),
    ("If you like Certbot, please consider", "finished"),  # said at exit, after success only
    ("Found the following ", "listing"),
    ("No certs found", "listing"),
    ("No certificates found", "listing"),
    ("Deleted all files relating to certificate", "deleted"),
    ("Successfully updated configuration", "reconfigured"),
    ("Hook '", "output"),
)

_ONLY_IN: Final[dict[Meaning, tuple[str, ...]]] = {
    "version": (".main", ".cli"),
    "arguments": (".main", ".cli"),
    "entry_point": (".main", ".cli"),
    "broken_conf": (".renewal", ".cli"),  # "certificates" and others complain of confs too
    "written": (".storage",),
    "removed": (".storage",),
    "not_due": (".renewal", ".cli", ".main"),
    "delay": (".renewal", ".main"),
}

_MEANINGS: Final = dict(_WORDS)
_NOTICE_MEANINGS: Final = dict(_NOTICES)


def _any_of(words: Iterable[str]) -> str:
    return "|".join(map(re.escape, words))


WORD: Final = _any_of(_MEANINGS)  # a pattern for the words that a telling record begins with
_NOTICE: Final = re.compile(_any_of(_NOTICE_MEANINGS))


@lru_cache(1000)
def meaning_of(word: str, logger: str) -> Meaning | None:
    """What a record that begins with ``word`` means to the history of a run, or ``None`` for nothing.

    ``logger`` is the record's: only certbot's own say what certbot did, and some words only where
    their module says them.
    """
    meaning = _MEANINGS[word]
    if meaning == "response":
        return meaning if logger in ("acme.client", "root") else None
    if not logger.startswith(("certbot", "letsencrypt")):
        return None
    module = _ONLY_IN.get(meaning)
    return meaning if module is None or logger.endswith(module) else None


def begins_run(meaning: Meaning | None, message: str, logger: str) -> bool:
    """Whether a record is one of the two that certbot begins a run with."""
    if meaning == "version":
        return version_text(message.partition("version: ")[2]) is not None
    return meaning == "level" and logger.endswith((".main", ".cli"))


def notice_meaning(text: str) -> Meaning | None:
    """The same for a text shown to the user (``certbot.display``), which the log repeats."""
    found = _NOTICE.match(text)
    return _NOTICE_MEANINGS[found[0]] if found is not None else None
