"""certbot's own state on disk: renewal confs with what ``live/`` and ``archive/`` hold of them.

Law: nothing is concluded about a certificate here, only what certbot would find if it ran now. The rules
are those of ``certbot._internal.storage`` and ``renewal``; where a tree is partial or a directory is
closed, the answer is a gap, never a broken lineage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from msgspec import Struct, field

from certaudit.errors import ParseError, UnreadableError
from certaudit.facts import CertificateFile, LineageFact
from certaudit.host.root import Root
from certaudit.model import Evidence, Gap, Reason
from certaudit.parsers.certificate import PemFile, parse_pem
from certaudit.parsers.renewal_conf import (
    ALL_FOUR,
    MAX_TEXT,
    RenewalConf,
    parse_renewal_conf,
)
from certaudit.sources.certbot_hooks import CONFIG_DIR, cli_options, collect_hooks, dead_program
from certaudit.sources.certbot_installed import installed_certbots, lacks_plugin

__all__ = ["CONFIG_DIR", "collect_hooks", "collect_lineages", "installed_certbots"]

NUMBERED = re.compile(r"(cert|privkey|chain|fullchain)([0-9]+)\.pem")


class Live(Struct, frozen=True):
    """Where the four names of a lineage point (kind -> target), what stops certbot there, and the paths
    of which nothing is known.
    """

    targets: Mapping[str, str]
    broken: tuple[Reason, ...] = ()
    unknown: tuple[str, ...] = ()


class Archive(Struct, frozen=True):
    """The numbered files of one lineage."""

    generations: tuple[tuple[int, CertificateFile], ...] = ()
    keys: tuple[tuple[int, str], ...] = ()
    complete: tuple[int, ...] = ()
    gaps: tuple[Gap, ...] = ()


class _Unread(Struct):
    """Files of one lineage that could not be read, for one gap instead of many."""

    items: list[Evidence] = field(default_factory=list)

    def gap(self, name: str) -> tuple[Gap, ...]:
        if not self.items:
            return ()
        reason = f"{name}: {len(self.items)} of its certificate and key files could not be read"
        return (Gap("certificates", reason, tuple(self.items[:3])),)


def collect_lineages(
    root: Root, config_dir: str = CONFIG_DIR
) -> tuple[tuple[LineageFact, ...], tuple[Gap, ...]]:
    """Every lineage that ``certbot renew`` would process under one config directory, in its order.

    That is ``glob(renewal/*.conf)`` sorted, without dot-files (``storage.renewal_conf_files``). Without
    a ``renewal/`` directory there are no lineages and one gap with the aspect ``renewal``.
    """
    renewal = f"{config_dir.rstrip('/')}/renewal"
    try:
        there = root.entry(renewal)
        names = root.names(renewal)
    except UnreadableError as error:
        return (), (Gap("renewal", str(error)),)
    if there is None or not there.is_dir:
        return (), (Gap("renewal", f"{renewal} is not in the tree"),)
    options, _ = cli_options(root)
    lineages: list[LineageFact] = []
    gaps: list[Gap] = []
    for name in names:
        if name.endswith(".conf") and not name.startswith("."):
            found, missed = _lineage(root, config_dir.rstrip("/"), f"{renewal}/{name}", options)
            lineages.extend(found)
            gaps.extend(missed)
    return tuple(lineages), tuple(gaps)


def _lineage(
    root: Root, config_dir: str, path: str, options: Mapping[str, str]
) -> tuple[tuple[LineageFact, ...], tuple[Gap, ...]]:
    """One conf with its files, or a gap where the conf itself is closed to us."""
    name = PurePosixPath(path).name.removesuffix(".conf")
    conf, broken, unread = _read_conf(root, path)
    if unread is not None:
        return (), (Gap("renewal", unread, (Evidence(path),)),)
    paths = {kind: f"{config_dir}/live/{name}/{kind}.pem" for kind in ALL_FOUR}
    archive_dir = f"{config_dir}/archive/{name}"
    if conf is not None:
        named = {kind: conf.value(kind) for kind in ALL_FOUR if kind not in conf.lists}
        paths |= {kind: value for kind, value in named.items() if value}
        archive_dir = conf.value("archive_dir") or archive_dir
    live = live_links(root, paths)
    where = str(PurePosixPath(live.targets["cert"]).parent) if "cert" in live.targets else archive_dir
    archive = read_archive(root, where, name)
    fact = LineageFact(
        name=name,
        config_dir=config_dir,
        conf=path,
        version=conf.value("version") if conf else None,
        authenticator=_param(conf, "authenticator"),
        installer=_param(conf, "installer"),
        autorenew=conf.autorenew if conf else True,
        renew_before_expiry=conf.value("renew_before_expiry") if conf else None,
        hooks=tuple((p.key, p.value, p.line) for p in conf.hooks) if conf else (),
        params=tuple((p.key, p.value) for p in conf.params) if conf else (),
        live=_live_number(live),
        live_dir=str(PurePosixPath(paths["cert"]).parent),
        archive_dir=archive_dir,
        generations=archive.generations,
        keys=archive.keys,
        broken=(*broken, *live.broken) if conf else broken,
        unattended=unattended(root, path, conf, options) if conf else (),
        server=_param(conf, "server"),
        complete=archive.complete,
    )
    return (fact,), (*_unseen(name, live), *archive.gaps)


def _unseen(name: str, live: Live) -> tuple[Gap, ...]:
    if not live.unknown:
        return ()
    text = f"{name}: what its live/ links lead to is not in the tree, or closed"
    return (Gap("certificates", text, tuple(Evidence(path) for path in live.unknown)),)


def _param(conf: RenewalConf | None, key: str) -> str | None:
    found = conf.param(key) if conf else None
    return found.value if found else None


def _read_conf(root: Root, path: str) -> tuple[RenewalConf | None, tuple[Reason, ...], str | None]:
    """``(conf, why certbot would refuse it, why it could not be looked at)``."""
    try:
        text = root.read(path, MAX_TEXT * 4).decode("utf-8")
        conf = parse_renewal_conf(text)
    except UnreadableError as error:
        if not _certbot_too(root, path):
            return None, (), str(error)
        return None, (Reason("unreadable-conf", str(error), (Evidence(path),)),), None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        reason = Reason("unparsable-conf", "not UTF-8 text", (Evidence(path, line),))
        return None, (reason,), None
    except ParseError as error:
        return None, (Reason("unparsable-conf", error.reason, (Evidence(path, error.line),)),), None
    lines = text.splitlines()
    broken = tuple(
        Reason(p.code, p.text, (Evidence(path, p.line, lines[p.line - 1].strip() if p.line else ""),))
        for p in conf.problems
    )
    return conf, broken, None


def _certbot_too(root: Root, path: str) -> bool:
    """Would certbot, as root, fail to read this as well: a directory, a FIFO, a dangling link?"""
    try:
        found = root.entry(path)
    except UnreadableError:
        return False
    return root.exists(path) is False if found is None else not found.is_file


def live_links(root: Root, paths: Mapping[str, str]) -> Live:
    """Follow the four names as ``RenewableCert._fix_symlinks`` and ``_check_symlinks`` do.

    If all four ``previous_KIND.pem`` are there, a switch was interrupted and certbot goes back to them.
    """
    previous = {k: f"{PurePosixPath(p).parent}/previous_{k}.pem" for k, p in paths.items()}
    if all(root.exists(p) for p in previous.values()):
        paths = previous
    targets: dict[str, str] = {}
    broken: list[Reason] = []
    unknown: list[str] = []
    for kind, path in paths.items():
        target, problem = _follow(root, path)
        if target:
            targets[kind] = target
        if isinstance(problem, Reason):
            broken.append(problem)
        elif problem:
            unknown.append(problem)
    return Live(targets, tuple(broken), tuple(unknown))


def _follow(root: Root, path: str) -> tuple[str | None, Reason | str | None]:
    """``(target, problem)`` of a link: a ``Reason`` stops certbot, a path can not be judged here."""
    if not path.startswith("/"):
        return None, path  # depends on the directory that certbot is started in
    text = root.link(path)
    if text is None:
        if _absent(root, path) is None:
            return None, path
        return None, Reason("live-not-linked", f"expected {path} to be a symlink", (Evidence(path),))
    target = str(_normal(PurePosixPath(path).parent / text))
    gone = _absent(root, target)
    if gone is None:
        return target, path
    why = f"target {target} of symlink {path} does not exist"
    return target, Reason("dangling-live", why, (Evidence(path),)) if gone else None


def _absent(root: Root, path: str) -> bool | None:
    """Is a file certainly gone? ``None`` where the directory above its own is missing too."""
    found = root.exists(path)
    if found is None:
        return True if root.exists(PurePosixPath(path).parent) is False else None
    return not found


def _normal(path: PurePosixPath) -> PurePosixPath:
    """os.path.abspath for a path that is absolute already: ``..`` taken as text, as certbot does."""
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return PurePosixPath("/", *parts)


def _live_number(live: Live) -> int | None:
    """The smallest number the links point at, certbot's own measure of what is deployed."""
    found = (
        (kind, NUMBERED.fullmatch(PurePosixPath(target).name)) for kind, target in live.targets.items()
    )
    numbers = [int(m.group(2)) for kind, m in found if m and m.group(1) == kind and len(m.group(2)) < 10]
    return min(numbers, default=None)


def read_archive(root: Root, directory: str, name: str) -> Archive:
    """Every numbered certificate and key in an archive directory, whatever numbers are missing."""
    try:
        names = root.names(directory)
    except UnreadableError as error:
        return Archive(gaps=(Gap("certificates", f"{name}: {error}"),))
    if not names and root.exists(directory) is None:
        return Archive(gaps=(Gap("certificates", f"{name}: {directory} is not in the tree"),))
    matches = [m for m in map(NUMBERED.fullmatch, names) if m and len(m.group(2)) < 10]
    numbers = {k: {int(m.group(2)) for m in matches if m.group(1) == k} for k in ALL_FOUR}
    unread = _Unread()
    generations: list[tuple[int, CertificateFile]] = []
    keys: list[tuple[int, str]] = []
    for match in sorted(matches, key=lambda m: int(m.group(2))):
        kind, number = match.group(1), int(match.group(2))
        if kind not in ("cert", "privkey"):
            continue
        held = _read_pem(root, f"{directory}/{match.group()}", unread)
        if held and kind == "cert" and held.leaf:
            generations.append((number, held.leaf))
        elif held and kind == "privkey" and held.keys:
            keys.append((number, held.keys[0]))
    complete = sorted(set.intersection(*numbers.values()))
    return Archive(tuple(generations), tuple(keys), tuple(complete), unread.gap(name))


def _read_pem(root: Root, path: str, unread: _Unread) -> PemFile | None:
    try:
        data = root.read(path, MAX_TEXT)
        entry = root.entry(path)
        return parse_pem(data, path, entry.modified if entry else None)
    except UnreadableError as error:
        unread.items.append(Evidence(path, text=str(error)))
    except ParseError as error:
        unread.items.append(Evidence(path, error.line, error.reason))
    return None


def unattended(
    root: Root, path: str, conf: RenewalConf, options: Mapping[str, str]
) -> tuple[Reason, ...]:
    """Why an unattended ``certbot renew`` of a lineage would fail for want of a person.

    The manual plugin without ``--manual-auth-hook``; a manual hook whose program is gone or not
    executable (``hooks.validate_hook`` looks at the first word); a plugin that is not installed. Pre,
    post and deploy hooks are not judged: when they fail, certbot renews all the same.
    """
    chosen = conf.param("authenticator")
    authenticator = options.get("authenticator") or (chosen.value if chosen else None)
    reasons: list[Reason] = []
    if authenticator == "manual":
        reasons.extend(_manual(root, path, conf, options))
    installer = options.get("installer") or _param(conf, "installer")
    for plugin in dict.fromkeys(p for p in (authenticator, installer) if p):
        if lacks_plugin(root, plugin):
            text = f"the {plugin} plugin is not installed beside certbot"
            param = conf.param("authenticator" if plugin == authenticator else "installer")
            reasons.append(
                Reason("missing-plugin", text, (Evidence(path, param.line if param else None),))
            )
    return tuple(reasons)


def _manual(root: Root, path: str, conf: RenewalConf, options: Mapping[str, str]) -> Iterable[Reason]:
    chosen = conf.param("authenticator")
    saved = conf.param("manual_auth_hook")
    command = options.get("manual-auth-hook") or (saved.value if saved else None)
    if not command:
        text = "the manual plugin has no manual_auth_hook and would wait for a person"
        yield Reason("manual-without-hook", text, (Evidence(path, chosen.line if chosen else None),))
    for key in ("manual_auth_hook", "manual_cleanup_hook"):
        param = conf.param(key)
        command = options.get(key.replace("_", "-")) or (param.value if param else None)
        problem = dead_program(root, command) if command else None
        if problem:
            line = param.line if param else None
            yield Reason(
                "hook-program-missing", f"{key}: {problem}", (Evidence(path, line, command or ""),)
            )
