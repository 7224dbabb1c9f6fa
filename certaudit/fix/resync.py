"""Stale copies on this machine: each is written again from the live files, in the form it has.

Law: never an older certificate, never a certificate without its key, never wider permissions, never
through a link to somewhere else. What is written belongs to the live generation; places that must agree
are done together or not at all. Other hosts are for ``sending``, what reads the files for ``consumers``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from certaudit.errors import CertauditError
from certaudit.fix.sight import CannotError, Sight, digest
from certaudit.model import Deployment, Lineage, Model
from certaudit.parsers.certificate import certificate_digests, parse_pem
from certaudit.plan import ABSENT, CopyParts, Held, Node, Refusal, Step
from certaudit.records import replace

RULE = "stale-copy"
FAULTS = frozenset({"stale", "mismatch", "missing"})
BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\r?\n[A-Za-z0-9+/=\s]+?-----END \1-----")
PARTS = ("cert", "chain", "fullchain", "privkey")
BY_ENDING = {"key": "privkey", "crt": "fullchain", "fullchain": "fullchain"}
LASTS = "The next renewal is handed out by the owner; until then the copies equal the live files."


class Live(Struct, frozen=True):
    """The live generation: each part's file in the archive, and its bytes."""

    files: dict[str, str]
    data: dict[str, bytes]


def resynced(model: Model, lineage: Lineage, sight: Sight) -> Iterator[Step | Refusal]:
    """One step for all places that can be written, and a refusal for each group that can not."""
    behind = [d for d in places(model, lineage) if d.status in FAULTS]
    if not behind:
        return
    try:
        live = live_files(lineage, sight)
    except CertauditError as error:
        yield Refusal((RULE,), (lineage.name,), str(error))
        return
    actions: list[CopyParts] = []
    for group in groups(behind):
        try:
            actions += written_together(group, lineage, live, sight)
        except CertauditError as error:
            commands = tuple(by_hand(d, lineage) for d in group)
            yield Refusal((RULE,), (lineage.name,), str(error), commands)
    if actions:
        yield Step(
            rules=(RULE,),
            subjects=(lineage.name,),
            remedy="resync",
            title=f"copy the live {lineage.name} (generation {lineage.live}) to {len(actions)} "
            + ("place" if len(actions) == 1 else "places"),
            actions=tuple(actions),
            lasts=LASTS,
            notes=tuple(notes(actions)),
            locks=(f"{lineage.config_dir}/.certbot.lock",),
        )


def places(model: Model, lineage: Lineage) -> list[Deployment]:
    """The copies of a lineage on this machine."""
    return [d for d in model.deployments if d.lineage == lineage.name and d.kind == "copy"]


def live_files(lineage: Lineage, sight: Sight) -> Live:
    """The live generation, its certificate and key proven to be a pair. Raise ``CannotError``."""
    files, data = {}, {}
    for part in PARTS:
        place = sight.place(f"{lineage.config_dir}/live/{lineage.name}/{part}.pem")
        if place is None or sight.node(place).kind != "file":
            raise CannotError(f"live/{lineage.name}/{part}.pem leads to no file")
        files[part], data[part] = place, sight.read(place)
    cert = parse_pem(data["cert"], files["cert"]).leaf
    full = parse_pem(data["fullchain"], files["fullchain"]).leaf
    keys = parse_pem(data["privkey"], files["privkey"]).keys
    current = lineage.current
    if cert is None or full is None or current is None or cert.public_key not in keys:
        raise CannotError(f"the live certificate and key of {lineage.name} do not belong together")
    if not cert.fingerprint == full.fingerprint == current.fingerprint:
        raise CannotError(f"live/{lineage.name} changed while it was read: try again")
    newest = max(g.number for g in lineage.generations)
    if newest != lineage.live:
        raise CannotError(f"live/{lineage.name} is not the newest generation ({newest})")
    return Live(files, data)


def groups(behind: Iterable[Deployment]) -> list[list[Deployment]]:
    """Places that must be written together: those of one directory; by itself what is whole or other."""
    found: dict[str, list[Deployment]] = {}
    others: list[list[Deployment]] = []
    for place in behind:
        if other_container(place, ""):
            others.append([place])
            continue
        folder = place.where.rpartition("/")[0]
        found.setdefault(place.where if place.part == "combined" else folder, []).append(place)
    halves = [g for g in found.values() if {d.part for d in g} in ({"cert"}, {"key"})]
    whole = [g for g in found.values() if g not in halves]
    rest = [place for group in halves for place in group]
    return [*whole, *([rest] if rest else []), *others]


def written_together(
    group: Iterable[Deployment], lineage: Lineage, live: Live, sight: Sight
) -> list[CopyParts]:
    """The copies of one group, chains that lie beside them included. Raise ``CannotError``."""
    found = [copied(place, lineage, live, sight) for place in group]
    for folder in dict.fromkeys(action.path.rpartition("/")[0] for action in found):
        found += chains_beside(folder, lineage, live, sight, {action.path for action in found})
    return found


def copied(place: Deployment, lineage: Lineage, live: Live, sight: Sight) -> CopyParts:
    """One place, in the form it has. Raise ``CannotError``."""
    where = sight.place(place.where)
    if where is None:
        raise CannotError(f"{place.where}: the directory that should hold it is not there")
    own = sight.place(lineage.config_dir) or lineage.config_dir
    if where.startswith((f"{own}/archive/", f"{own}/live/")):
        raise CannotError(f"{place.where} leads into certbot's own {where}")
    if place.generation is not None and place.generation > (lineage.live or 0):
        raise CannotError(f"{place.where} holds generation {place.generation}, newer than live")
    before = sight.node(where)
    if before.kind == "absent":
        return fresh(place, where, live)
    if before.kind != "file":
        raise CannotError(f"{place.where} is no file")
    if before.links > 1:
        raise CannotError(f"{where} has {before.links} names (hard links): they would part")
    data = sight.read(where)
    parts = form(data, place.where)
    old = kept(data, parts, place.generation, lineage, sight)
    return action(where, before, parts, live, old, held(data, where))


def action(
    where: str,
    before: Node,
    parts: tuple[str, ...],
    live: Live,
    kept: tuple[str, ...] = (),
    old: Held | None = None,
) -> CopyParts:
    """The writing of some parts to a place."""
    data = b"".join(live.data[part] for part in parts)
    after = replace(before, kind="file", digest=digest(data), mtime=None)
    sources = tuple(live.files[part] for part in parts)
    return CopyParts(where, before, after, sources, kept, "privkey" in parts, old, held(data, where))


def held(data: bytes, where: str) -> Held:
    """What may be told of a file of certificates and keys. Raise ``ParseError``."""
    leaf = parse_pem(data, where).leaf
    return Held(len(data), *((leaf.serial, leaf.not_after.isoformat()) if leaf else ()))


def fresh(place: Deployment, where: str, live: Live) -> CopyParts:
    """A place that the policy names and that is not there, if its name tells what it is to hold."""
    part = fresh_part(where)
    if part is None:
        raise CannotError(f"{place.where} is not there, and its name does not tell what it should hold")
    made = action(where, ABSENT, (part,), live)
    return replace(made, after=replace(made.after, mode=0o600 if part == "privkey" else 0o644))


def fresh_part(where: str) -> str | None:
    """What a place that is not there is to hold, by its name; ``None`` where that does not tell."""
    stem, _, ending = where.rpartition("/")[2].rpartition(".")
    return stem if stem in PARTS and ending == "pem" else BY_ENDING.get(ending)


def form(data: bytes, where: str) -> tuple[str, ...]:
    """Which parts a file holds, in its own order. Raise ``CannotError`` for any other content."""
    labels = [match.group(1) for match in BLOCK.finditer(data)]
    if not labels:
        raise CannotError(f"{where} is no PEM file: certaudit does not make such files")
    if BLOCK.sub(b"", data).strip():
        raise CannotError(f"{where} holds more than certificates and a key")
    if any(label != b"CERTIFICATE" and not label.endswith(b"PRIVATE KEY") for label in labels):
        raise CannotError(f"{where} holds more than certificates and a key")
    keys = [number for number, label in enumerate(labels) if label != b"CERTIFICATE"]
    certificates = len(labels) - len(keys)
    if len(keys) > 1 or (keys and keys[0] not in (0, len(labels) - 1)):
        raise CannotError(f"{where} is ordered as no server reads it: make it anew by hand")
    leaf = parse_pem(data, where).leaf
    if leaf is not None and certificate_digests(data)[0] != leaf.fingerprint:
        raise CannotError(f"{where} does not begin with the server's own certificate")
    chain = () if not certificates else ("cert",) if certificates == 1 else ("fullchain",)
    key = ("privkey",) if keys else ()
    return (*key, *chain) if keys and keys[0] == 0 else (*chain, *key)


def kept(
    data: bytes, parts: tuple[str, ...], generation: int | None, lineage: Lineage, sight: Sight
) -> tuple[str, ...]:
    """The files in the archive whose bytes are those of a copy, one after the other; or ()."""
    for number in dict.fromkeys((generation, *(g.number for g in lineage.generations))):
        files = [f"{lineage.config_dir}/archive/{lineage.name}/{p}{number}.pem" for p in parts]
        found = [place for file in files if (place := sight.place(file))]
        whole = len(found) == len(parts) and all(sight.node(p).kind == "file" for p in found)
        if whole and b"".join(sight.read(place) for place in found) == data:
            return tuple(found)
    return ()


def chains_beside(
    folder: str, lineage: Lineage, live: Live, sight: Sight, known: set[str]
) -> Iterator[CopyParts]:
    """Files beside a copy that are an older generation's chain and nothing else."""
    for name in sight.names(folder):
        path = f"{folder}/{name}"
        node = sight.node(path) if path not in known and "chain" in name else ABSENT
        if node.kind != "file" or node.links > 1 or node.digest == digest(live.data["chain"]):
            continue
        data = sight.read(path)
        old = kept(data, ("chain",), None, lineage, sight)
        if old:
            yield action(path, node, ("chain",), live, old, held(data, path))


def notes(actions: Iterable[CopyParts]) -> Iterator[str]:
    """What a person should know of these copies."""
    for one in actions:
        if one.secret and one.before.kind == "file" and not one.kept:
            yield f"The key that {one.path} holds now is in no archive: undo keeps it in a 0600 file."
        if one.secret and (one.after.mode or 0) & 0o004:
            yield f"{one.path} holds a key that everybody may read; that is left as it is."


def other_container(place: Deployment, live: str) -> str | None:
    """The command that makes a file of another kind than PEM, by its name; ``None`` for PEM."""
    where, ending = place.where, place.where.rpartition(".")[2].lower()
    pkcs12 = f"openssl pkcs12 -export -in {live}/fullchain.pem -inkey {live}/privkey.pem -out"
    if ending in ("p12", "pfx"):
        return f"{pkcs12} {where}"
    if ending in ("jks", "keystore"):
        into = f"keytool -importkeystore -srckeystore {where}.p12 -srcstoretype PKCS12"
        return f"{pkcs12} {where}.p12 && {into} -destkeystore {where} && rm {where}.p12"
    if ending == "der":
        verb, part = ("pkey", "privkey") if place.part == "key" else ("x509", "cert")
        return f"openssl {verb} -in {live}/{part}.pem -outform DER -out {where}"
    return None


def by_hand(place: Deployment, lineage: Lineage) -> str:
    """The command that makes a place anew, for a person to judge."""
    live = f"{lineage.config_dir}/live/{lineage.name}"
    if made := other_container(place, live):
        return made
    if place.part == "combined":
        return f"(umask 077; cat {live}/fullchain.pem {live}/privkey.pem > {place.where})"
    part, mode = ("privkey", "600") if place.part == "key" else ("fullchain", "644")
    return f"install -m {mode} {live}/{part}.pem {place.where}"
