"""What an administrator declares of his certificates."""

from __future__ import annotations

from msgspec import Struct


class Policy(Struct, frozen=True):
    """What the machine's ``/etc/certaudit.toml`` (or ``--policy``) declares.

    ``owners`` pairs a lineage's name with what its owner is called there, ``copies`` with places that
    must hold and ``served`` with addresses that must serve the live one; ``ignores``: SLUG[:SUBJECT].
    """

    owners: tuple[tuple[str, str], ...] = ()
    copies: tuple[tuple[str, str], ...] = ()
    ignores: tuple[str, ...] = ()
    where: str | None = None
    served: tuple[tuple[str, str], ...] = ()
