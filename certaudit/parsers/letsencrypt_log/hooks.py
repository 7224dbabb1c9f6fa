"""The hooks a run began, and which of them failed.

Law: a hook counts as begun by ``Running NAME command: C`` alone; whether it failed is what certbot
says next. Source: ``certbot.compat.misc.execute_command_status``, ``certbot.display.ops``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from certaudit.parsers.letsencrypt_log.attempts import Seen

_MOST = 10_000  # of one run; more is no log of certbot
_BEGUN = re.compile(r"Running ([a-z-]{1,40}) command: (.*)")
_KINDS = {
    "pre-hook": "pre",
    "post-hook": "post",
    "deploy-hook": "deploy",
    "renew-hook": "deploy",
    "manual-auth-hook": "manual-auth",
    "manual-cleanup-hook": "manual-cleanup",
}


class BegunHook(Struct):
    """A hook with the record that says it began."""

    name: str
    command: str
    seen: Seen
    failed: bool = False

    @property
    def kind(self) -> str:
        """The kind as ``LogHook`` words it."""
        return _KINDS.get(self.name, "unknown")


class Hooks:
    """The hooks of one run in their order."""

    def __init__(self) -> None:
        self._all: list[BegunHook] = []

    def __iter__(self) -> Iterator[BegunHook]:
        return iter(self._all)

    def begun(self, message: str, seen: Seen) -> bool:
        """Take ``Running NAME command: C``; whether it was such a message."""
        found = _BEGUN.match(message)
        if found is None or len(self._all) >= _MOST:
            return False
        self._all.append(BegunHook(found[1], found[2].strip(), seen))
        return True

    def failed(self, message: str) -> None:
        """Take certbot's complaint about the hook that ran last under the name it gives.

        ``Hook 'deploy-hook' reported error code 1``, ``Hook '--manual-auth-hook' for X reported ...``,
        ``NAME command "C" returned error code 1``, ``Hook command "C" returned error code 1``.
        """
        for hook in reversed(self._all):
            if hook.name in message or f'"{hook.command}"' in message:
                hook.failed = True
                return
