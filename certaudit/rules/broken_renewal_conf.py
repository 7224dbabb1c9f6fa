"""certbot cannot use a renewal conf

What. A file in /etc/letsencrypt/renewal that certbot takes for a lineage cannot be parsed, lacks what
it needs, or names files that are not there.

Why it matters. certbot skips the lineage at every run and exits with an error; the other lineages
renew, so the failure is easily taken for noise. The certificate expires.

How to fix. Restore the conf, or issue the certificate anew under the same name
(`certbot certonly --cert-name NAME`); move a left-over conf out of the directory.

Severity. High.

References. certbot/_internal/renewal.py (reconstitute) and storage.py (RenewableCert); certbot
issues 7093 and 5868.
"""

from __future__ import annotations

from collections.abc import Iterator

from certaudit.model import Evidence, Finding, Fix, Model, Severity

SEVERITIES: tuple[Severity, ...] = ("high",)
ASPECTS = ("certificates", "renewal")
SUBJECT = "renewal"


def check(model: Model) -> Iterator[Finding]:
    """One finding per lineage that certbot would skip as unusable."""
    for lineage in model.lineages:
        if lineage.broken:
            first = lineage.broken[0]
            lines = tuple(e for reason in lineage.broken for e in reason.evidence)
            yield Finding(
                subject=lineage.name,
                severity="high",
                message=f"certbot cannot use {lineage.renewal_conf}: {first.text}",
                confidence="high",
                evidence=lines or (Evidence(lineage.renewal_conf),),
                fixes=(
                    Fix(
                        "restore the conf, or issue the certificate again under its name",
                        True,
                        (f"certbot certonly --cert-name {lineage.name}",),
                    ),
                ),
            )
