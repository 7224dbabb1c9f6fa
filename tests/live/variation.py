"""What a variation is: a machine that differs from the story's by one thing, with the truth about it.

The truth is data: what systemd's and cron's own documents say will happen, in the words of the
report. No code of the product has a part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.live import story
from tests.live.box import Box
from tests.live.root import root

State = Literal["armed", "dormant", "off", "absent"]

TIMER = "timer:certbot.timer"
PACKAGED_TABLE = "/etc/cron.d/certbot"
PACKAGED_LINE = 17  # of Debian 12's file; a test compares
PACKAGED = f"cron:{PACKAGED_TABLE}:{PACKAGED_LINE}"
OWNER = story.OWNER
BASELINE: Mapping[str, State] = {TIMER: "armed", PACKAGED: "dormant", OWNER: "armed"}
ALL_RENEWERS = (TIMER, OWNER)
ENABLED = {"certbot.timer": ("enabled", "active")}
RENEW = "/usr/bin/certbot -q renew"


@dataclass(frozen=True, slots=True)
class Variation:
    """One change of a machine and what is true afterwards.

    ``triggers``: by the id of the report, armed, dormant or off; ``absent`` is one that no longer
    exists. ``renewers``: the triggers of armed paths that can renew the story's lineage, which must
    exist. ``units``: what ``systemctl is-enabled`` and ``is-active`` then answer; a unit of a user's
    manager is USER/NAME. ``packages``: what the root needs beyond the base.
    """

    name: str
    apply: Callable[[Box], None]
    triggers: Mapping[str, State]
    renewers: frozenset[str]
    units: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    packages: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """What was done, and the document that says what follows from it."""
        return self.apply.__doc__ or ""


VARIATIONS: dict[str, Variation] = {}


def variation(
    triggers: Mapping[str, State],
    renewers: tuple[str, ...],
    units: Mapping[str, tuple[str, str]] = ENABLED,
    packages: tuple[str, ...] = (),
) -> Callable[[Callable[[Box], None]], Callable[[Box], None]]:
    """Enter a function that changes a box into ``VARIATIONS``.

    Triggers that are not named are as in ``BASELINE``.
    """

    def enter(apply: Callable[[Box], None]) -> Callable[[Box], None]:
        name = apply.__name__.replace("_", "-")
        truth = {**BASELINE, **triggers}
        VARIATIONS[name] = Variation(name, apply, truth, frozenset(renewers), units, packages)
        return apply

    return enter


@contextmanager
def machine(variation: Variation, saved: Path, zone: str) -> Iterator[Box]:
    """A box as it was when ``saved``, with one variation applied."""
    with Box(root(variation.packages), saved=saved, zone=zone) as box:
        variation.apply(box)
        yield box


def systemctl(box: Box, *arguments: str) -> None:
    """systemctl(1), which must succeed."""
    box.output("/usr/bin/systemctl", *arguments)


def drop_in(box: Box, unit: str, text: str) -> None:
    """An administrator's drop-in (systemd.unit(5))."""
    box.write(f"/etc/systemd/system/{unit}.d/override.conf", text)
