"""Lines that tell when a machine was off or asleep: what timers would have done then, they do later.

Law: pure and total, as ``events``. Wordings: the kernel's banner (init/version.c); systemd's
src/sleep/sleep.c of 215 to 257 ("Suspending system...", "Entering sleep state 'suspend'...", "Performing
sleep operation 'suspend'...", and "System resumed.", "System returned from sleep state.").
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from certaudit.parsers.events import Message

LITERALS = (b"Linux version ", b"systemd-sleep[")  # one of which each such line of a file holds
SLEEPER = "systemd-sleep"
_SLEEPS = ("Suspending ", "Hibernating ", "Entering sleep state", "Performing sleep operation")
_WAKES = ("System resumed", "System returned from sleep")


class PowerEvent(Struct, frozen=True):
    """The machine booted, was about to sleep, or woke; ``off``: its last sign before a boot."""

    what: Literal["boot", "off", "sleep", "wake"]


def classify_power(line: Message) -> PowerEvent | None:
    """The event that a line reports, or None."""
    if line.program == "kernel":
        text = line.message[line.message.find("]") + 1 :] if line.message[:1] == "[" else line.message
        return PowerEvent("boot") if text.lstrip().startswith("Linux version ") else None
    if line.program == SLEEPER:
        if line.message.startswith(_SLEEPS):
            return PowerEvent("sleep")
        return PowerEvent("wake") if line.message.startswith(_WAKES) else None
    return None
