"""Which files of a directory count, by name and by mode.

Law: each predicate answers for one program exactly as that program decides; a ``(False, reason)``
names the rule. Sources: ``valid_name`` and ``process_crontab`` of ``database.c`` (Debian's cron);
``not_a_crontab`` and ``check_open`` of ``database.c`` (cronie); ``rescan_crontab_dir`` and
``load_crontab`` of ``crond.c``, ``invalid_name`` of ``run_parts.c`` (busybox); systemd-cron's
generator; run-parts(8); certbot's ``hooks.list_hooks`` and ``storage.renewal_conf_files``.
"""

from __future__ import annotations

import re
from typing import Literal

CronDaemon = Literal["vixie-debian", "vixie-debian-lsb", "cronie", "busybox", "systemd-cron"]
RunPartsFlavour = Literal["debian", "debian-lsb", "redhat", "busybox"]
Answer = tuple[bool, str]

_OK: Answer = (True, "")
_CLASSICAL = re.compile(r"[A-Za-z0-9_-]+")
_LSB_HIERARCHICAL = re.compile(r"_?(?:[a-z0-9_.]+-)+[a-z0-9]+")
_CRON_EXCLUDED = re.compile(r"[a-z0-9-].*dpkg-(?:old|dist)")
_LSB_TRADITIONAL = re.compile(r"[a-z0-9][a-z0-9-]*")
_RUN_PARTS_EXCLUDED = re.compile(r"[a-z0-9-].*\.dpkg-(?:old|dist|new|tmp)")
_BUSYBOX_RUN_PARTS = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_CRONIE_SUFFIXES = ("~", ".rpmsave", ".rpmorig", ".rpmnew")
_REDHAT_SUFFIXES = ("~", ",", ".rpmsave", ".rpmorig", ".rpmnew", ".swp", ".cfsaved")
_REDHAT_LISTS = ("jobs.deny", "jobs.allow")
_NAME_MAX = 255


def cron_d_name_ok(name: str, daemon: CronDaemon) -> Answer:
    """Whether the daemon reads a file of this name in /etc/cron.d.

    ``vixie-debian-lsb`` is Debian's cron started with ``-l``.
    """
    if daemon == "vixie-debian":
        return _classical(name)
    if daemon == "vixie-debian-lsb":
        return _lsb_name(name, _CRON_EXCLUDED)
    if daemon == "cronie":
        return _cronie_name(name)
    if daemon == "systemd-cron":
        return _systemd_cron_name(name)
    return False, "busybox crond reads no cron.d"


def spool_name_ok(name: str, daemon: CronDaemon) -> Answer:
    """Whether the daemon takes a file of this name in its spool for a user's crontab."""
    if daemon == "cronie":
        return _cronie_name(name)
    if daemon == "busybox" and "." in name:
        return False, "the name has a dot"
    return (False, "the name begins with a dot") if name.startswith(".") else _OK


def run_parts_name_ok(name: str, flavour: RunPartsFlavour) -> Answer:
    """Whether run-parts takes a file of this name; that it is executable is a second condition.

    ``debian-lsb`` is Debian's with ``--lsbsysinit``; ``redhat`` the script of the crontabs package.
    """
    if flavour == "debian":
        return _classical(name)
    if flavour == "debian-lsb":
        return _lsb_name(name, _RUN_PARTS_EXCLUDED)
    if flavour == "busybox":
        ok = _BUSYBOX_RUN_PARTS.fullmatch(name) is not None
        return _OK if ok else (False, "the name has characters other than A-Z a-z 0-9 _ - .")
    return _redhat_name(name)


def certbot_hook_name_ok(name: str) -> Answer:
    """Whether certbot runs an executable of this name in renewal-hooks (``list_hooks``)."""
    return (False, "the name ends in ~") if name.endswith("~") else _OK


def renewal_conf_name_ok(name: str) -> Answer:
    """Whether certbot takes a file of renewal/ for a lineage (``glob("*.conf")``)."""
    if name.startswith("."):
        return False, "the name begins with a dot"
    return _OK if name.endswith(".conf") else (False, "the name does not end in .conf")


def cron_d_mode_ok(
    mode: int,
    uid: int,
    daemon: CronDaemon,
    *,
    links: int = 1,
    symlink_uid: int | None = None,
) -> Answer:
    """Whether the daemon takes a file of /etc/cron.d, or /etc/crontab, with these attributes.

    ``mode`` is the file's permission bits, behind any symbolic link; ``symlink_uid`` the owner of
    that link, ``None`` without one. The type must be a regular file for all. cronie's ``-p`` lifts
    its rules.
    """
    if daemon == "systemd-cron":
        return _OK
    if daemon == "busybox":
        return False, "busybox crond reads no cron.d"
    if daemon == "cronie":
        return _cronie_mode(mode, uid, None)
    return _debian_mode(mode, uid, links, symlink_uid)


def spool_mode_ok(mode: int, uid: int, user_uid: int, daemon: CronDaemon, *, links: int = 1) -> Answer:
    """Whether the daemon takes a user's crontab in its spool; ``user_uid`` is that user's."""
    if daemon == "systemd-cron":
        return _OK
    if daemon == "busybox":
        return _OK if uid == 0 else (False, "not owned by root")
    if daemon == "cronie":
        answer = _cronie_mode(mode, uid, user_uid)
        return (False, "more than one hard link") if answer[0] and links != 1 else answer
    if uid not in (user_uid, 0):
        return False, "owned neither by its user nor by root"
    if mode & 0o7777 != 0o600:
        return False, "mode is not 0600"
    return _OK if links == 1 else (False, "more than one hard link")


def _classical(name: str) -> Answer:
    if _CLASSICAL.fullmatch(name):
        return _OK
    reason = "a dot" if "." in name else "characters other than A-Z a-z 0-9 _ -"
    return False, f"the name has {reason}"


def _lsb_name(name: str, excluded: re.Pattern[str]) -> Answer:
    # The program takes fewer names than run-parts(8) says: no capitals in LSB mode.
    if _LSB_HIERARCHICAL.fullmatch(name):
        return (False, "the name ends as a file left by dpkg") if excluded.fullmatch(name) else _OK
    return _OK if _LSB_TRADITIONAL.fullmatch(name) else (False, "the name is no LSB name")


def _cronie_name(name: str) -> Answer:
    if name.startswith((".", "#")):
        return False, f"the name begins with {name[0]}"
    if len(name.encode(errors="replace")) >= _NAME_MAX:
        return False, "the name is too long"
    for suffix in _CRONIE_SUFFIXES:
        if name.endswith(suffix):
            return False, f"the name ends in {suffix}"
    return _OK


def _systemd_cron_name(name: str) -> Answer:
    if name.startswith("."):
        return False, "the name begins with a dot"
    for part in (".dpkg-", "~"):
        if part in name:
            return False, f"the name has {part}"
    return _OK


def _redhat_name(name: str) -> Answer:
    if name.startswith("."):
        return False, "the name begins with a dot"
    if name in _REDHAT_LISTS:
        return False, "the name is that of a list of jobs"
    for suffix in _REDHAT_SUFFIXES:
        if name.endswith(suffix):
            return False, f"the name ends in {suffix}"
    return _OK


def _debian_mode(mode: int, uid: int, links: int, symlink_uid: int | None) -> Answer:
    if symlink_uid not in (None, 0):
        return False, "the symbolic link is not owned by root"
    if uid != 0:
        return False, "not owned by root"
    if mode & 0o022:
        return False, "writable by group or others"
    return _OK if links == 1 else (False, "more than one hard link")


def _cronie_mode(mode: int, uid: int, user_uid: int | None) -> Answer:
    if mode & 0o7533 != 0o400:
        return False, "mode allows more than reading, or writing by its owner"
    return _OK if uid in (0, user_uid) else (False, "not owned by root")
