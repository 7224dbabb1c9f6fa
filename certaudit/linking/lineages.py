"""A certbot lineage as a report has it, from what its conf, ``live/`` and ``archive/`` say."""

from __future__ import annotations

from datetime import datetime

from certaudit.facts import CertificateFile, LineageFact
from certaudit.linking.due import due, due_of
from certaudit.model import Evidence, Generation, Lineage


def lineage_of(fact: LineageFact, installed: str | None) -> Lineage:
    """One lineage; ``installed`` is the version of the certbot on the machine, if known."""
    generations = tuple(
        generation_of(number, cert, due_of(cert, fact, installed)[0])
        for number, cert in fact.generations
    )
    current = next((g for g in generations if g.number == fact.live), None)
    examined = dict(fact.generations).get(fact.live) if fact.live is not None else None
    moment, rule = due(fact, installed)
    return Lineage(
        name=fact.name,
        client="certbot",
        names=examined.names if examined else (),
        renewal_conf=fact.conf,
        config_dir=fact.config_dir,
        authenticator=fact.authenticator,
        autorenew=fact.autorenew,
        live=fact.live,
        not_after=current.not_after if current else None,
        due=moment,
        due_rule=rule,
        generations=generations,
        broken=fact.broken,
        unattended=fact.unattended,
        dead_hooks=fact.dead_hooks,
        remembered=remembered(fact),
        server=fact.server,
        version=fact.version,
    )


def remembered(fact: LineageFact) -> tuple[Evidence, ...]:
    """The lines of a conf that let any `certbot renew` renew it: the authenticator and its hooks."""
    hooks = [h for h in fact.hooks if h[0] in ("manual_auth_hook", "manual_cleanup_hook")]
    lines = tuple(Evidence(fact.conf, number, f"{key} = {value}") for key, value, number in hooks)
    authenticator = Evidence(fact.conf, None, f"authenticator = {fact.authenticator}")
    return lines or (authenticator,)


def generation_of(number: int, cert: CertificateFile, moment: datetime | None) -> Generation:
    """One certificate of ``archive/``, and when it is due by the lineage's rule."""
    return Generation(
        number=number,
        serial=cert.serial,
        not_before=cert.not_before,
        not_after=cert.not_after,
        fingerprint=cert.fingerprint,
        public_key=cert.public_key,
        due=moment,
    )
