"""Programs that serve a certificate and have to read its files again.

Law: a consumer is reloaded through its unit, only if that is active on this machine, and only after its
own test of its configuration; when all are, none may be seen to serve an older one. On an image, and
for a consumer that is not known here, what to do is printed for a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from certaudit.errors import CertauditError
from certaudit.fix.sight import Sight
from certaudit.linking.words import listing
from certaudit.model import Deployment, Generation, Lineage, Model
from certaudit.parsers.endpoint import Endpoint, asked_for, parse_endpoint
from certaudit.parsers.listeners import listeners
from certaudit.plan import CopyParts, ReloadUnit, Served, Step

RULE = "stale-copy"
FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin")


class Consumer(Struct, frozen=True):
    """A program that serves certificates: its unit, and how it tests its configuration."""

    name: str
    unit: str
    test: tuple[str, ...]

    @property
    def by_hand(self) -> str:
        """Test and reload as a person types it."""
        quiet = " >/dev/null" if self.name == "dovecot" else ""
        return f"{' '.join(self.test)}{quiet} && systemctl reload {self.unit.removesuffix('.service')}"


APACHE = ("apachectl", "configtest")
# By the directory below /etc that holds the configuration.
CONSUMERS = {
    "nginx": Consumer("nginx", "nginx.service", ("nginx", "-t")),
    "apache2": Consumer("apache", "apache2.service", APACHE),
    "httpd": Consumer("apache", "httpd.service", APACHE),
    "haproxy": Consumer(
        "haproxy", "haproxy.service", ("haproxy", "-c", "-q", "-f", "/etc/haproxy/haproxy.cfg")
    ),
    "postfix": Consumer("postfix", "postfix.service", ("postfix", "check")),
    "dovecot": Consumer("dovecot", "dovecot.service", ("doveconf", "-n")),
}


class Use(Struct):
    """What makes a consumer's reload necessary: lineages, and the files that name their certificates."""

    lineages: dict[str, Lineage] = field(default_factory=dict)
    files: dict[tuple[str, str], None] = field(default_factory=dict)


def consumer_of(config: str) -> Consumer | None:
    """The consumer whose configuration a file is."""
    parts = config.split("/")
    return CONSUMERS.get(parts[2]) if len(parts) > 3 and parts[1] == "etc" else None


def uses(model: Model, steps: Iterable[Step], wanted: Iterable[Lineage]) -> dict[Consumer, Use]:
    """The consumers of places that a plan writes, or that are seen to serve an older generation."""
    written = {a.path for s in steps for a in s.actions if isinstance(a, CopyParts)}
    found: dict[Consumer, Use] = {}
    for lineage in wanted:
        for place in model.deployments:
            behind = place.kind == "served" and place.status == "stale"
            if place.lineage != lineage.name or not (behind or place.where in written):
                continue
            for line in place.referenced_by:
                if consumer := consumer_of(line.where):
                    use = found.setdefault(consumer, Use())
                    use.lineages[lineage.name] = lineage
                    use.files[lineage.name, line.where] = None
    return found


def reloaded(model: Model, consumer: Consumer, use: Use, sight: Sight) -> Step | None:
    """The reload of a consumer; ``None`` where certaudit can not do it."""
    unit = sight.unit(consumer.unit) if model.host.live else None
    program = program_at(consumer.test[0], sight)
    if unit is None or unit.active_state != "active" or program is None:
        return None
    served = tuple(dict.fromkeys(watched(model, consumer, use, sight)))
    action = ReloadUnit(unit.name, (program, *consumer.test[1:]), served)
    return Step(
        rules=(RULE,),
        subjects=tuple(use.lineages),
        remedy="resync",
        title=f"let {consumer.name} read {listing(list(use.lineages), 3)} again",
        actions=(action,),
        lasts="It serves what its files hold now.",
        notes=() if served else ("Where it serves them is not known: look yourself afterwards.",),
    )


def rests(model: Model, consumer: Consumer, sight: Sight) -> bool:
    """Is a consumer there and not running, so that it reads the files when it is started?"""
    unit = sight.unit(consumer.unit) if model.host.live else None
    return unit is not None and unit.active_state in ("inactive", "failed")


def program_at(name: str, sight: Sight) -> str | None:
    """The path of a system program on the machine."""
    return next((f"{folder}/{name}" for folder in FOLDERS if name in sight.names(folder)), None)


def watched(model: Model, consumer: Consumer, use: Use, sight: Sight) -> Iterator[Served]:
    """What must be served afterwards, at the addresses of the configuration and of the policy."""
    for name, config in use.files:
        lineage = use.lineages[name]
        declared = [parse_endpoint(a) for n, a in model.policy.served if n == name]
        for endpoint in (*addresses(model, consumer.name, lineage, config, sight), *declared):
            if lineage.current is not None:
                yield served(lineage, endpoint, lineage.current)


def served(lineage: Lineage, endpoint: Endpoint, live: Generation) -> Served:
    """What an address must show: the live generation, not one of the older ones."""
    older = tuple(g.fingerprint for g in lineage.generations if g.number != live.number)
    name = asked_for(lineage.names) or lineage.name
    return Served(str(endpoint), name, live.fingerprint, live.serial, older)


def addresses(
    model: Model, consumer: str, lineage: Lineage, config: str, sight: Sight
) -> Iterator[Endpoint]:
    """Where a lineage may be served by one configuration file: seen, declared, configured or usual."""
    for place in model.deployments:
        if place.kind == "served" and place.lineage == lineage.name and refers(place, config):
            yield parse_endpoint(place.where)
    try:
        found = sight.place(config)
        text = sight.read(found).decode("utf-8", "replace") if found else ""
    except CertauditError:
        text = ""
    yield from listeners(consumer, text)


def refers(place: Deployment, config: str) -> bool:
    """Is a configuration file among the evidence for a place?"""
    return any(line.where == config for line in place.referenced_by)
