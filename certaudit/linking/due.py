"""When certbot will deem a lineage due.

Law: pure. The rule follows the release that will run, see ``should_autorenew`` in
``certbot._internal.storage`` (to 4.0) and ``certbot._internal.renewal`` (from 4.1). What a CA answers
to a question about renewal information, or an OCSP responder about revocation, can not be known here;
either can only make a renewal earlier than the date given.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta

from certaudit.facts import CertificateFile, LineageFact

DEFAULT_INTERVAL = "30 days"
SHORT_LIFETIME = timedelta(days=10)
MAX_NUMBER_DIGITS = 5

# The units of parsedatetime's English locale, as relativedelta names them.
_UNITS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), "seconds"),
    **dict.fromkeys(("m", "mi", "min", "mins", "minute", "minutes"), "minutes"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "hours"),
    **dict.fromkeys(("d", "dy", "day", "days"), "days"),
    **dict.fromkeys(("w", "wk", "week", "weeks"), "weeks"),
    **dict.fromkeys(("mth", "month", "months"), "months"),
    **dict.fromkeys(("y", "yr", "year", "years"), "years"),
}
_TERM = re.compile(r"(\d+)\s*([a-z]+)\s*(?:,\s*|and\s+)?", re.IGNORECASE)


def due(lineage: LineageFact, installed: str | None = None) -> tuple[datetime | None, str | None]:
    """``(moment from which certbot renews the lineage, the rule in words)``.

    certbot examines the newest complete number in the archive, not the one ``live/`` points at. ``None``
    twice where that certificate can not be read.
    """
    certificate = examined(lineage)
    return (None, None) if certificate is None else due_of(certificate, lineage, installed)


def due_of(
    certificate: CertificateFile, lineage: LineageFact, installed: str | None = None
) -> tuple[datetime | None, str]:
    """``(moment from which certbot renews one certificate of a lineage, the rule in words)``.

    ``installed`` is the version of the certbot that will run, in any spelling of a package manager;
    without it, the one that wrote the conf counts. The moment is ``None`` where the interval can not be
    read; the rule then says so. ``autorenew`` is no matter of dates.
    """
    text = installed or lineage.version
    version = version_numbers(text)
    name = f"certbot {upstream(text)}" if version else "certbot of an unknown version"
    interval = lineage.renew_before_expiry
    if version is None or version < (4, 0, 0):
        return _before_expiry(certificate, interval, name)
    if version < (4, 1, 0):
        return _release_4_0(certificate, interval, name)
    moment, rule = (
        _default(certificate, name) if interval is None else _before_expiry(certificate, interval, name)
    )
    return moment, f"{rule}; earlier if the CA's renewal information (ARI) says so"


def examined(lineage: LineageFact) -> CertificateFile | None:
    """The certificate whose dates decide: the newest number with all four files."""
    newest = max(lineage.complete, default=None)
    return dict(lineage.generations).get(newest) if newest is not None else None


def version_numbers(text: str | None) -> tuple[int, int, int] | None:
    """The first three numbers of a version without epoch and packaging revision, or ``None``."""
    found = re.match(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", upstream(text or ""))
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def upstream(text: str | None) -> str:
    """``1.21.0`` of ``1:1.21.0-1ubuntu2``."""
    return re.split(r"[-+~]", (text or "").rpartition(":")[2].strip())[0]


def interval_before(moment: datetime, interval: str) -> datetime | None:
    """The moment an interval before another: ``30 days``, ``2 weeks``, ``3 days 12 hours``, ``20``.

    A number alone counts days (``storage.add_time_interval``). ``None`` for words not understood.
    """
    text = interval.strip()
    if re.fullmatch(rf"[0-9]{{1,{MAX_NUMBER_DIGITS}}}", text):
        text += " days"
    amounts: dict[str, int] = {}
    at = 0
    while at < len(text):
        term = _TERM.match(text, at)
        if term is None or term[2].lower() not in _UNITS or len(term[1]) > MAX_NUMBER_DIGITS:
            return None
        unit = _UNITS[term[2].lower()]
        if unit in amounts:
            return None
        amounts[unit] = int(term[1])
        at = term.end()
    return _subtract(moment, amounts) if amounts else None


def _subtract(moment: datetime, amounts: dict[str, int]) -> datetime | None:
    try:
        return moment - relativedelta(**amounts)  # type: ignore[arg-type]
    except (OverflowError, ValueError):
        return None


def _before_expiry(
    certificate: CertificateFile, interval: str | None, name: str
) -> tuple[datetime | None, str]:
    moment = interval_before(certificate.not_after, interval or DEFAULT_INTERVAL)
    if moment is None:
        return None, f"renew_before_expiry = {interval}, which is not understood here ({name})"
    shown = (interval or DEFAULT_INTERVAL).strip()
    shown = f"{shown} days" if shown.isdigit() else shown
    saved = "renew_before_expiry, " if interval else ""
    return moment, f"{shown} before expiry ({saved}{name})"


def _default(certificate: CertificateFile, name: str) -> tuple[datetime, str]:
    """``renewal._default_renewal_time``: a third of the lifetime left, half of one below ten days."""
    lifetime = certificate.not_after - certificate.not_before
    if lifetime < SHORT_LIFETIME:
        return certificate.not_before + lifetime / 2, f"when half of its lifetime is left ({name})"
    return certificate.not_before + lifetime * 2 / 3, f"when a third of its lifetime is left ({name})"


def _release_4_0(
    certificate: CertificateFile, interval: str | None, name: str
) -> tuple[datetime | None, str]:
    """4.0 applied its default even beside ``renew_before_expiry``: the earlier of the two counts."""
    default, rule = _default(certificate, name)
    if interval is None:
        return default, rule
    moment, saved = _before_expiry(certificate, interval, name)
    if moment is None or default <= moment:
        return default, rule if moment else f"{rule}; {saved}"
    return moment, saved
