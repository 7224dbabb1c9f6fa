"""Remedy (c): ``autorenew = False`` for one lineage.

Law: one line is put into the text, comments and order stay; what configobj, certbot's own reader, makes
of the result must differ in that one setting alone. Offered only where the owner can still renew:
``renewal.should_autorenew`` passes such a lineage over unless the call forces.
"""

from __future__ import annotations

import re

from certaudit.errors import ParseError
from certaudit.fix.sight import CannotError, Sight, edited
from certaudit.model import Lineage, RenewalPath
from certaudit.parsers.renewal_conf import RenewalConf, parse_renewal_conf
from certaudit.plan import WriteText
from certaudit.records import replace

HEADER = re.compile(r"^[ \t]*\[[ \t]*renewalparams[ \t]*\][^\n]*$", re.M)
SETTING = re.compile(r"^([ \t]*autorenew[ \t]*=[ \t]*)(\w+)", re.M)
LASTS = (
    "certbot keeps the line when it renews with `renew`; a `certonly` or `run` that renews this "
    "certificate rebuilds the section from its own options and drops it."
)


def lasting(owner: RenewalPath) -> bool:
    """Does the owner's call renew in spite of the setting, and keep it?"""
    return owner.forced and owner.subcommand == "renew"


def autorenew_off(
    lineage: Lineage, owner: RenewalPath, other: RenewalPath, sight: Sight
) -> tuple[WriteText, tuple[str, ...]]:
    """The edit, and its price. Raise ``CannotError`` where it would not do or would do harm."""
    if other.client != "certbot":
        raise CannotError(f"only certbot knows autorenew, and {other.id} calls {other.client}")
    if not owner.forced:
        raise CannotError(
            f"autorenew = False would also stop the owner of {lineage.name}, whose call does not force"
        )
    if other.forced:
        raise CannotError(f"{other.id} forces the renewal: autorenew = False would not stop it")
    price = () if lasting(owner) else ("The owner's next renewal drops the line again.",)
    return edited(sight, lineage.renewal_conf, with_setting), price


def with_setting(text: str) -> str:
    """The text of a renewal conf with ``autorenew = False``. Raise ``CannotError``."""
    header = HEADER.search(text)
    if header is None:
        raise CannotError("the renewal conf has no [renewalparams]")
    try:
        before = parse_renewal_conf(text)
        if before.param("autorenew") is None:
            end = "\r\n" if header.group().endswith("\r") else "\n"
            new = f"{text[: header.end()]}\nautorenew = False{end[:-1]}{text[header.end() :]}"
        else:
            new = text[: header.end()] + SETTING.sub(r"\g<1>False", text[header.end() :], count=1)
        after = parse_renewal_conf(new)
    except ParseError as error:
        raise CannotError(f"the renewal conf can not be read: {error}") from error
    if after.autorenew or meaning(before) != meaning(after):
        raise CannotError("the renewal conf does not take one more line: edit it by hand")
    return new


def meaning(conf: RenewalConf) -> RenewalConf:
    """What a conf says, but for ``autorenew`` and the lines it stands on."""
    top = tuple(replace(p, line=None) for p in conf.top)
    params = tuple(replace(p, line=None) for p in conf.params if p.key != "autorenew")
    problems = tuple(replace(p, line=None) for p in conf.problems)
    return replace(conf, top=top, params=params, problems=problems)
