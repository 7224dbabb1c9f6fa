"""``replace``: a record as it is but for some fields.

Law: the lowest floor. A record is a ``msgspec.Struct``: of a few hundred classes each is made in a tenth
of the time of a dataclass, and each instance too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The one function of this kind whose names and types mypy checks, also for a Struct (PEP 681).
    from dataclasses import replace
else:
    from msgspec.structs import replace

__all__ = ["replace"]
