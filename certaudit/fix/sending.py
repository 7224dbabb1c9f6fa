"""Stale copies on other hosts: each is written again from the live files, in the form it has.

Law: as ``resync``, over ssh, and only where a person agreed to look there: never an older certificate,
never a certificate without its key, never wider permissions, never through a link. The places are those
that the owner's steps send to and those that the policy declares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec import Struct

from certaudit.errors import CertauditError, ParseError
from certaudit.fix.resync import LASTS, RULE, Live, form, fresh_part, held, kept, live_files
from certaudit.fix.sight import CannotError, Sight, digest, line_of
from certaudit.host.ssh import RestrictedError, Way
from certaudit.linking.ownership import own_steps
from certaudit.model import Distribution, Lineage, Model
from certaudit.parsers.certificate import PemFile, parse_pem
from certaudit.parsers.remote_files import RemoteFile
from certaudit.parsers.ssh_command import Sending, is_remote, may_send, parse_place, sending
from certaudit.plan import Refusal, SendParts, Step
from certaudit.records import replace


class Remote(Protocol):
    """Other hosts, as far as a plan looks at them."""

    def look(self, way: Way, paths: list[str]) -> dict[str, RemoteFile]:
        """What stands at some paths. Raise ``RemoteError``."""


class Target(Struct, frozen=True):
    """A place to send to, and the command that the owner does it with, where there is one."""

    sending: Sending
    command: str | None = None

    @property
    def way(self) -> Way:
        """How to come there."""
        return Way(self.sending.host, self.sending.options)

    @property
    def where(self) -> str:
        """The place as ssh's tools name it."""
        return f"{self.sending.host}:{self.sending.path}"


def targets(model: Model, lineage: Lineage, sight: Sight) -> Iterator[Target]:
    """Where the owner's steps send a lineage, then where the policy wants it, each place once."""
    seen: set[Sending] = set()
    for step in remote_steps(model, lineage):
        found = sending(step.command, line_of(step.source, sight))
        if found and found not in seen:
            seen.add(found)
            yield Target(found, step.command)
    known = {(found.host, found.path) for found in seen}
    for name, place in model.policy.copies:
        if name == lineage.name and is_remote(place):
            found = parse_place(place)
            if (found.host, found.path) not in known:
                yield Target(found)


def remote_steps(model: Model, lineage: Lineage) -> Iterator[Distribution]:
    """The owner's steps that reach other hosts, where they do so as root does: by the same ssh."""
    owner = model.path(lineage.owner)
    trigger = model.trigger(owner.trigger) if owner else None
    if owner and (trigger is None or trigger.user in (None, "root")):
        yield from (s for s in own_steps(owner, lineage.name) if s.kind == "remote")


def check_whole(model: Model, lineage: Lineage, host: str, sight: Sight) -> None:
    """Raise ``CannotError`` where the owner may send more to a host than is known for certain.

    Certificate and key could part if only one of them were sent.
    """
    for step in remote_steps(model, lineage):
        if sending(step.command, line_of(step.source, sight)) is None and may_send(step.command, host):
            raise CannotError(
                f"{step.source.path}:{step.source.line} may send more to {host}, and not every word "
                "of it is certain: certificate and key could part"
            )


class Sent(Struct, frozen=True):
    """What is to be done on other hosts, and the hosts that are dealt with here, done or refused."""

    found: tuple[Step | Refusal, ...] = ()
    hosts: frozenset[str] = frozenset()


def sent(model: Model, lineage: Lineage, sight: Sight, remote: Remote, *, own: bool) -> Sent:
    """One step for each host with places that are behind; a refusal for each that can not be done.

    ``own``: the owner's own steps will be run. Then a host whose account allows them alone is left to
    them.
    """
    by_way: dict[Way, list[Target]] = {}
    for target in targets(model, lineage, sight):
        by_way.setdefault(target.way, []).append(target)
    if not by_way:
        return Sent()
    try:
        live = live_files(lineage, sight)
    except CertauditError as error:
        return Sent((Refusal((RULE,), (lineage.name,), str(error)),))
    found: list[Step | Refusal] = []
    hosts: set[str] = set()
    for way, group in by_way.items():
        try:
            check_whole(model, lineage, way.host, sight)
            actions = tuple(behind(way, group, lineage, live, sight, remote))
            found += [step_of(lineage, way, actions)] if actions else []
        except CertauditError as error:
            if own and isinstance(error, RestrictedError) and all(t.command for t in group):
                continue
            found.append(refusal(lineage, group, error))
        hosts.add(way.host)
    return Sent(tuple(found), frozenset(hosts))


def refusal(lineage: Lineage, group: Iterable[Target], error: CertauditError) -> Refusal:
    """Why a host gets nothing from certaudit, and the owner's own commands for it."""
    why = str(error)
    commands = tuple(dict.fromkeys(t.command or by_hand(t, lineage) for t in group))
    if isinstance(error, RestrictedError):
        why += ", nor sftp or rsync; --run-hooks runs the owner's own steps"
    return Refusal((RULE,), (lineage.name,), why, commands)


def by_hand(target: Target, lineage: Lineage) -> str:
    """The command that would send a declared place, for a person to judge."""
    path = target.sending.path
    part = fresh_part(path) or ("privkey" if "key" in path.rpartition("/")[2] else "fullchain")
    source = f"{lineage.config_dir}/live/{lineage.name}/{part}.pem"
    return f"scp {source} {target.where}"


def step_of(lineage: Lineage, way: Way, actions: tuple[SendParts, ...]) -> Step:
    """The step for one host."""
    many = "place" if len(actions) == 1 else "places"
    return Step(
        rules=(RULE,),
        subjects=(lineage.name,),
        remedy="resync",
        title=f"send the live {lineage.name} (generation {lineage.live}) to {len(actions)} {many} "
        f"on {way.host}, over ssh",
        actions=actions,
        lasts=LASTS,
        notes=tuple(notes(actions)),
        locks=(f"{lineage.config_dir}/.certbot.lock",),
    )


def notes(actions: Iterable[SendParts]) -> Iterator[str]:
    """What a person should know of these copies."""
    for one in actions:
        if one.before.kind == "file" and not one.kept:
            yield f"What {one.where} holds now is in no archive: undo keeps it in a 0600 file here."
        if one.secret and (one.after.mode or 0) & 0o004:
            yield f"{one.where} holds a key that everybody may read there; that is left as it is."


def behind(
    way: Way,
    group: list[Target],
    lineage: Lineage,
    live: Live,
    sight: Sight,
    remote: Remote,
) -> list[SendParts]:
    """What is to be sent to one host, all of it or nothing. Raise ``CannotError``, ``RemoteError``."""
    files: dict[str, RemoteFile] = {}
    for target in group:
        files |= files_of(target, remote)
    present = {p: held_by(f"{way.host}:{p}", f) for p, f in files.items() if f.node.kind == "file"}
    leaves = {p.leaf.public_key for p in present.values() if p.leaf and is_of(p, lineage)}
    found: list[SendParts] = []
    for path, file in files.items():
        where = f"{way.host}:{path}"
        if path in present and is_current(present[path], lineage):
            continue
        parts = wanted(where, file, present.get(path), lineage, leaves)
        data = b"".join(live.data[part] for part in parts)
        if file.node.digest == digest(data):
            continue
        is_there = path in present
        saved = kept(file.data, parts, None, lineage, sight) if is_there else ()
        mode = file.node.mode if is_there else 0o600 if "privkey" in parts else 0o644
        before = file.node
        after = replace(before, kind="file", digest=digest(data), mode=mode)
        sources = tuple(live.files[part] for part in parts)
        secret = "privkey" in parts
        made = SendParts(way.host, path, before, after, sources, way.options, saved, secret)
        old = held(file.data, where) if is_there else None
        found.append(replace(made, old=old, new=held(data, where)))
    return found


def held_by(where: str, file: RemoteFile) -> PemFile:
    """What a file holds. Raise ``CannotError``; nothing that is closed or odd is read here."""
    try:
        return parse_pem(file.data, where)
    except ParseError as error:
        raise CannotError(f"{where}: {error.reason}") from None


def is_current(held: PemFile, lineage: Lineage) -> bool:
    """Does a file hold the live certificate, or the key of it, and nothing that does not fit?"""
    current = lineage.current
    if current is None:
        return False
    if held.leaf is None:
        return set(held.keys) == {current.public_key}
    return held.leaf.fingerprint == current.fingerprint and held.key_matches is not False


def files_of(target: Target, remote: Remote) -> dict[str, RemoteFile]:
    """The files that a command writes there: the place itself, or those in it. Raise ``RemoteError``."""
    sending = target.sending
    below = [f"{sending.path.rstrip('/')}/{name}" for name in sending.names]
    paths = [path for path in (sending.path, *below) if not path.endswith("/")]
    found = remote.look(target.way, paths)
    own = found.get(sending.path)
    if own is None or own.node.kind == "directory" or len(below) > 1:
        return {path: found[path] for path in below}
    return {sending.path: own}


def wanted(
    where: str, file: RemoteFile, held: PemFile | None, lineage: Lineage, leaves: set[str]
) -> tuple[str, ...]:
    """Which parts of the live generation belong to a place. Raise ``CannotError``."""
    if file.nowhere:
        raise CannotError(f"{where}: the directory that should hold it is not there")
    if file.closed:
        raise CannotError(f"{where} may not be read by this account, so it can not be compared")
    if file.fixed:
        raise CannotError(f"{where} is not there, and undo could not take it away with this account")
    if file.node.kind == "absent":
        part = fresh_part(where)
        if part is None:
            raise CannotError(f"{where} is not there, and its name does not tell what it should hold")
        return (part,)
    if file.node.kind != "file" or held is None:
        raise CannotError(f"{where} is a {file.node.kind}, no file")
    if file.node.links > 1:
        raise CannotError(f"{where} has {file.node.links} names (hard links): they would part")
    if file.listed:
        raise CannotError(f"{where} has an access list, which would not be kept")
    check_age(where, held, lineage, leaves)
    return ("chain",) if is_chain(where, held, lineage) else form(file.data, where)


def check_age(where: str, held: PemFile, lineage: Lineage, leaves: set[str]) -> None:
    """Raise ``CannotError`` for a certificate or key of somebody else, or a newer one."""
    current = lineage.current
    known = {g.public_key for g in lineage.generations} | leaves
    if held.leaf is None:
        if not set(held.keys) <= known:
            raise CannotError(f"{where} holds a key that is not known to be one of {lineage.name}")
        return
    if held.keys and held.leaf.public_key not in held.keys:
        return  # certificate and key that do not fit each other are made to fit
    if is_chain(where, held, lineage):
        return
    if not is_of(held, lineage):
        raise CannotError(f"{where} holds a certificate that is not one of {lineage.name}")
    if current is not None and held.leaf.not_before > current.not_before:
        raise CannotError(f"{where} holds a certificate that is newer than the live one")


def is_chain(where: str, held: PemFile, lineage: Lineage) -> bool:
    """Is it a file for the issuers alone, by its name and by what it holds?"""
    name = where.rpartition("/")[2]
    return "chain" in name.replace("fullchain", "") and not held.keys and not is_of(held, lineage)


def is_of(held: PemFile, lineage: Lineage) -> bool:
    """Is the leaf one of the lineage's: a generation in the archive, its key, or its names."""
    leaf = held.leaf
    if leaf is None:
        return False
    if any(leaf.public_key == g.public_key for g in lineage.generations):
        return True
    return bool(leaf.names) and set(leaf.names) == set(lineage.names)
