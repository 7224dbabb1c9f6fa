"""What the addresses of this machine serve, asked only where a person wants it.

Law: the addresses are those that a consumer's configuration names beside a certificate of a lineage, its
usual ones on the loopback, and those that the policy declares. One that does not answer is a gap only if
it was declared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from certaudit.errors import CertauditError, UnreadableError
from certaudit.facts import ServedFact
from certaudit.host.root import Root
from certaudit.model import Evidence, Gap, Lineage, Model
from certaudit.parsers.endpoint import Endpoint, asked_for, parse_endpoint
from certaudit.parsers.listeners import listeners
from certaudit.sources.references import CONSUMERS

Ask = Callable[[Endpoint, str], bytes]  # address and name -> DER; raises CertauditError


def collect(root: Root, model: Model, ask: Ask) -> tuple[tuple[ServedFact, ...], tuple[Gap, ...]]:
    """What each address shows for each lineage that may be served there."""
    found: list[ServedFact] = []
    gaps: list[Gap] = []
    for lineage in model.lineages:
        declared = [parse_endpoint(a) for name, a in model.policy.served if name == lineage.name]
        for endpoint, evidence in addresses(root, model, lineage, declared).items():
            try:
                der = ask(endpoint, asked_for(lineage.names) or lineage.name)
            except CertauditError as error:
                if endpoint in declared:
                    gaps.append(Gap("served", str(error), tuple(evidence)))
                continue
            digest = hashlib.sha256(der).hexdigest()
            found.append(ServedFact(lineage.name, str(endpoint), digest, tuple(evidence)))
    return tuple(found), tuple(gaps)


def addresses(
    root: Root, model: Model, lineage: Lineage, declared: list[Endpoint]
) -> dict[Endpoint, list[Evidence]]:
    """Where a lineage may be served, each with the lines of configuration that say so."""
    where = Evidence(model.policy.where or "policy", text="declares the address")
    found: dict[Endpoint, list[Evidence]] = {endpoint: [where] for endpoint in declared}
    for consumer, line in references(model, lineage):
        try:
            text = root.text(line.where)
        except UnreadableError:
            continue
        for endpoint in listeners(consumer, text):
            lines = found.setdefault(endpoint, [])
            if line not in lines:
                lines.append(line)
    return found


def references(model: Model, lineage: Lineage) -> Iterator[tuple[str, Evidence]]:
    """The lines of consumers that name a file of a lineage, with the consumer."""
    for place in model.deployments:
        for line in place.referenced_by if place.lineage == lineage.name else ():
            for consumer in CONSUMERS:
                if any(line.where == p or line.where.startswith(f"{p}/") for p in consumer.places):
                    yield consumer.name, line
