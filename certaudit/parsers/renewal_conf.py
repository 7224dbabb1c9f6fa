"""``renewal/NAME.conf``: what certbot remembers of a lineage.

Law: pure; text in, ``RenewalConf`` or ``ParseError`` out. The format is ConfigObj's, read by the reader
that certbot itself uses (``certbot._internal.storage.RenewableCert``), so that a file is broken here
exactly when it is broken there. What certbot refuses *after* reading (a missing file reference, an
``autorenew`` that is no boolean: ``certbot._internal.renewal._reconstitute``) is no error of the format:
it is listed in ``problems``.

ConfigObj's regular expressions can take exponential time on text made for it. Lines that could do so
are refused before it sees them; see ``check_cost``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from certaudit.errors import ParseError

if TYPE_CHECKING:
    from configobj import Section

ALL_FOUR = ("cert", "privkey", "chain", "fullchain")
HOOK_KEYS = (
    "pre_hook",
    "post_hook",
    "renew_hook",
    "deploy_hook",
    "manual_auth_hook",
    "manual_cleanup_hook",
)
BOOLEANS = ("must_staple", "allow_subset_of_names", "reuse_key", "autorenew")
INTEGERS = ("rsa_key_size", "http01_port")

MAX_TEXT = 256 << 10
MAX_BLANKS = 200
MAX_BRACKETS = 32
MAX_INTERPOLATIONS = 16
MAX_LOOSE_VALUES = 50
MAX_LOOSE_MARKS = 10

# A value ConfigObj reads without backtracking: items that are quoted, or bare up to the next comma.
_STRICT_VALUE = re.compile(
    r"""(?:(?:"[^"]*"\s*|'[^']*'\s*|[^'",\#\s][^,\#]*),\s*)*"""
    r"""(?:"[^"]*"\s*|'[^']*'\s*|[^'",\#\s][^,\#]*)?(?:\#.*)?,?"""
)
_BLANKS = re.compile(rf"\s{{{MAX_BLANKS + 1}}}")
_LOOSE_BLANKS = re.compile(r"\s{4}")
_MARK = re.compile(r"""[,'"]""")
_WHERE = re.compile(r" at line \d+\.$")
_QUOTES = ('"""', "'''")


class Param(Struct, frozen=True):
    """One ``key = value`` with the line it stands on; a list is joined by ``", "``."""

    key: str
    value: str
    line: int | None = None


class Problem(Struct, frozen=True):
    """Why certbot would pass the lineage over although the text is well formed."""

    code: str
    text: str
    line: int | None = None


class RenewalConf(Struct, frozen=True):
    """A renewal conf as certbot reads it.

    ``top`` are the keys before any section, ``params`` those of ``[renewalparams]``. ``lists`` names the
    top-level keys whose value is a list. ``problems`` is empty where certbot would take the lineage.
    """

    top: tuple[Param, ...]
    params: tuple[Param, ...]
    webroot_map: tuple[tuple[str, str], ...]
    ari_retry_after: str | None
    problems: tuple[Problem, ...]
    lists: tuple[str, ...] = ()

    def value(self, key: str) -> str | None:
        """A top-level value, or ``None``."""
        return next((p.value for p in self.top if p.key == key), None)

    def param(self, key: str) -> Param | None:
        """A setting of ``[renewalparams]``; the text ``None`` stands for no value, as in certbot."""
        return next((p for p in self.params if p.key == key and p.value != "None"), None)

    @property
    def autorenew(self) -> bool:
        """``False`` only where ``[renewalparams]`` says so; a top-level key has no say since 0.26."""
        found = self.param("autorenew")
        return found is None or found.value.lower() != "false"

    @property
    def hooks(self) -> tuple[Param, ...]:
        """Every saved hook, in the order of ``HOOK_KEYS``; those of the manual plugin too."""
        found = (self.param(key) for key in HOOK_KEYS)
        return tuple(p for p in found if p is not None and p.value)


def parse_renewal_conf(text: str) -> RenewalConf:
    """Read the text of a renewal conf of any release since letsencrypt 0.1.

    Raise ``ParseError`` with the line where ConfigObj fails, or where a text would take it unbounded
    time. Line numbers count from 1.
    """
    check_cost(text)
    config = _read(text)
    lines = dict(_key_lines(text))
    params = config.get("renewalparams")
    sections = params if isinstance(params, Mapping) else {}
    webroots = sections.get("webroot_map")
    ari = config.get("acme_renewal_info")
    retry = ari.get("ari_retry_after") if isinstance(ari, Mapping) else None
    return RenewalConf(
        top=tuple(_scalars(config, (), lines)),
        params=tuple(_scalars(sections, ("renewalparams",), lines)),
        webroot_map=tuple((k, _flat(v)) for k, v in webroots.items())
        if isinstance(webroots, Mapping)
        else (),
        ari_retry_after=None if retry is None else _flat(retry),
        problems=tuple(_problems(config, lines)),
        lists=tuple(key for key, value in config.items() if isinstance(value, list)),
    )


def check_cost(text: str) -> None:
    """Raise ``ParseError`` for a text that ConfigObj could not read in bounded time.

    No file that certbot or a person wrote comes near these bounds: 256 KiB, 200 blanks in a row, 32
    brackets in a section line, 16 interpolations, and 50 values with stray quotes or commas.
    """
    if len(text) > MAX_TEXT:
        raise ParseError(f"larger than {MAX_TEXT} characters, no renewal conf is")
    if text.count("%(") > MAX_INTERPOLATIONS:
        raise ParseError("too many %(...)s references to be read safely")
    loose = 0
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        if _BLANKS.search(line):
            raise ParseError("too many blanks in a row to be read safely", number)
        if bare.startswith("[") and bare.count("[") + bare.count("]") > MAX_BRACKETS:
            raise ParseError("too many brackets to be read safely", number)
        value = bare.partition("=")[2].strip()
        if not value or _STRICT_VALUE.fullmatch(value):
            continue
        loose += 1
        marks = len(_MARK.findall(bare))
        if loose > MAX_LOOSE_VALUES or marks > MAX_LOOSE_MARKS or _LOOSE_BLANKS.search(bare):
            raise ParseError("quotes and commas too tangled to be read safely", number)


def _read(text: str) -> Mapping[str, Any]:
    from configobj import ConfigObj, ConfigObjError  # noqa: PLC0415

    data = io.BytesIO(text.encode("utf-8", "surrogatepass"))
    try:
        config = ConfigObj(data, encoding="utf-8", default_encoding="utf-8", raise_errors=True)
        return _resolved(config, 0)
    except ConfigObjError as error:
        number = getattr(error, "line_number", None)
        reason = _WHERE.sub("", str(error).partition(" (")[0])
        raise ParseError(reason or "not a ConfigObj file", number) from None
    except (ValueError, TypeError, LookupError, AttributeError, SyntaxError) as error:
        # ConfigObj lets a few of its own slips through, as certbot then does ("unexpected error")
        raise ParseError(f"not a ConfigObj file ({type(error).__name__})") from None


def _resolved(section: Section, depth: int) -> dict[str, Any]:
    """A plain copy with ``%(name)s`` replaced; ConfigObj raises where a name is missing."""
    if depth > 4:
        raise ParseError("sections nested deeper than any renewal conf")
    return {
        key: _resolved(section[key], depth + 1) if key in section.sections else section[key]
        for key in [*section.scalars, *section.sections]
    }


def _flat(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _scalars(
    section: Mapping[str, Any], at: tuple[str, ...], lines: Mapping[tuple[str, ...], int]
) -> Iterator[Param]:
    for key, value in section.items():
        if not isinstance(value, Mapping):
            yield Param(key, _flat(value), lines.get((*at, key)))


def _key_lines(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each ``(section, ..., key)`` with its line, for a text that ConfigObj has accepted."""
    here: tuple[str, ...] = ()
    closing = ""
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        bare = line.strip()
        if closing:
            closing = "" if closing in bare else closing
        elif bare.startswith("["):
            depth = len(bare) - len(bare.lstrip("[ \t"))
            name = bare.partition("#")[0].strip("[] \t\"'")
            here = (*here[: max(bare[:depth].count("[") - 1, 0)], name)
            yield here, number
        elif bare and not bare.startswith("#"):
            key, _, value = bare.partition("=")
            value = value.strip()
            if value[:3] in _QUOTES and value[:3] not in value[3:]:
                closing = value[:3]
            yield (*here, key.strip().strip("\"'")), number


def _problems(config: Mapping[str, Any], lines: Mapping[tuple[str, ...], int]) -> Iterator[Problem]:
    missing = [key for key in ALL_FOUR if key not in config]
    if missing:
        yield Problem(
            "missing-file-reference", f"missing a required file reference: {', '.join(missing)}"
        )
    for key in ALL_FOUR:
        if key in config and not isinstance(config[key], str):
            yield Problem("bad-file-reference", f"{key} is not one path", lines.get((key,)))
    params = config.get("renewalparams")
    if not isinstance(params, Mapping):
        yield Problem("no-renewalparams", "lacks renewalparams")
        return
    if "authenticator" not in params:
        line = lines.get(("renewalparams",))
        yield Problem("no-authenticator", "does not specify an authenticator", line)
    for key in (*BOOLEANS, *INTEGERS):
        if key in params and (text := _bad_value(key, params[key])):
            yield Problem(f"bad-{key.replace('_', '-')}", text, lines.get(("renewalparams", key)))


def _bad_value(key: str, value: object) -> str | None:
    """What certbot says of a value it can not restore (``_restore_bool``, ``_restore_int``)."""
    shown = _flat(value)
    if key in BOOLEANS:
        good = isinstance(value, str) and value.lower() in ("true", "false")
        return None if good else f"Expected True or False for {key} but found {shown}"
    if key == "http01_port" and value == "None":
        return None
    good = isinstance(value, str) and bool(re.fullmatch(r"\s*[+-]?\d+(?:_\d+)*\s*", value))
    return None if good else f"Expected a numeric value for {key}"
