"""What only a running system can know: where a live report and its image's may differ, and how far.

Law: this is the only list. Each entry says why, and holds the two values to what must be true of them
all the same; what is not listed must be equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Path = tuple[str, ...]
Relation = Callable[[Any, Any], bool]
MISSING = "(nothing)"
IDENTITIES = ("id", "name", "rule", "number", "subject")  # what tells the items of a list apart
TIMER = "timer:certbot.timer"
TIMERS_PATH = f"{TIMER}>certbot.service>certbot"
ANSWERED_BY_MANAGER = "systemd:"  # how evidence names the running manager
MORE_FINDINGS = re.compile(r" \(\d+ more findings?\)")
AS_IT_WILL_BOOT = {  # what a reason about the running state becomes in an image
    "enabled-and-active": "enabled",
    "enabled-inactive": "enabled",
    "disabled-active": "not-enabled",
    "masked-active": "masked",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that may differ (``*``: any item), why, and what is true of the live and image values."""

    field: Path
    why: str
    holds: Relation


def pair(live: Any, image: Any) -> Relation:  # noqa: ANN401 - a value of JSON
    """Exactly these two values."""
    return lambda a, b: (a, b) == (live, image)


def bare_reasons(reasons: list[dict[str, Any]]) -> list[tuple[str, str, list[Any]]]:
    """Reasons as an image would give them: without the manager's word, the text where it is its."""
    found = []
    for reason in reasons:
        kept = [e for e in reason["evidence"] if not e["where"].startswith(ANSWERED_BY_MANAGER)]
        code = AS_IT_WILL_BOOT.get(reason["code"], reason["code"])
        about_now = code in (*AS_IT_WILL_BOOT.values(), "not-enabled")
        found.append((code, "" if about_now else reason["text"], kept))
    return found


def of_a_mask(live: list[dict[str, Any]], image: list[dict[str, Any]]) -> bool:
    """Live there is one reason more, about a mask in /run."""
    return len(live) == len(image) + 1 and any(
        reason["code"] in ("vain-mask", "mask-until-boot") for reason in live
    )


def within(live: dict[str, Any] | None, image: dict[str, Any] | None) -> bool:
    """The manager's next firing lies in the window that the files give; the rest is equal."""
    if live is None or image is None:
        return live == image
    names = ("next_earliest", "next_latest")
    if {**live, **dict.fromkeys(names)} != {**image, **dict.fromkeys(names)}:
        return False
    if any(x[name] is None for x in (live, image) for name in names):
        return all(live[name] == image[name] for name in names)
    drawn, last, earliest, latest = (
        datetime.fromisoformat(x[name]) for x in (live, image) for name in names
    )
    return earliest <= drawn <= last <= latest


def unknown_logs(live: list[Any], image: list[Any]) -> bool:
    """The image has gaps about missing log directories, and otherwise the live gaps."""
    more = [gap for gap in image if gap not in live]
    return [gap for gap in image if gap in live] == live and all(
        gap["aspect"] == "logs" and gap["reason"].endswith(" is not in the tree") for gap in more
    )


EVERYWHERE = (
    Difference(
        ("host", "target"),
        "An image lies in a directory.",
        lambda live, image: live == "/" and image.startswith("/") and image != "/",
    ),
    Difference(("host", "live"), "This is the difference.", pair(live=True, image=False)),
    Difference(
        ("host", "systemd"),
        "An image has no manager that could be asked.",
        lambda live, image: live in ("dbus", "systemctl") and image == "unit-files",
    ),
    Difference(
        ("triggers", "*", "active_state"),
        "Only a manager knows which units are active.",
        lambda live, image: isinstance(live, str) and image is None,
    ),
    Difference(
        ("triggers", "*", "reasons"),
        "Live, the reason also names what the manager says of the unit.",
        lambda live, image: bare_reasons(live) == bare_reasons(image),
    ),
    Difference(
        ("triggers", "*", "schedule"),
        "The random delay of the next firing is drawn in memory (systemd.timer(5)).",
        within,
    ),
)

NOT_RUNNING_NOW = (
    Difference(
        ("results", "half-switched-unit"),
        "A unit that runs and will not start again, or the reverse, can only be seen live.",
        lambda live, image: (live["status"], image["status"]) == ("flagged", "passed"),
    ),
    Difference(
        ("summary", "findings"),
        "They count that finding.",
        lambda live, image: sum(live.values()) > sum(image.values()),
    ),
    Difference(
        ("summary", "verdict"),
        "So does its last half-sentence.",
        lambda live, image: MORE_FINDINGS.sub("", live) == MORE_FINDINGS.sub("", image),
    ),
)
STILL_ACTIVE = (
    *NOT_RUNNING_NOW,
    Difference(
        ("triggers", TIMER, "state"),
        "The timer goes on until it is stopped or the machine reboots; it will not come back.",
        pair("armed", "off"),
    ),
    Difference(("paths", TIMERS_PATH, "state"), "So does its path.", pair("armed", "off")),
    Difference(
        ("paths", TIMERS_PATH, "hidden_for"),
        "A path that is off hides behind no owner.",
        lambda live, image: bool(live) and image == [],
    ),
    Difference(
        ("lineages", "*", "renewers"),
        "Only armed paths are renewers.",
        lambda live, image: [r for r in live if r != TIMERS_PATH] == image,
    ),
    Difference(
        ("lineages", "*", "owner_because"),
        "The owner is chosen among the armed paths.",
        lambda live, image: bool(live) and bool(image),
    ),
    Difference(
        ("results", "*"),
        "The questions about rivals, thieves and what is hidden are asked of armed paths.",
        lambda live, image: len(live["findings"]) >= len(image["findings"]),
    ),
    Difference(
        ("summary", "verdict"),
        "It tells the worst finding.",
        lambda live, image: bool(live) and bool(image),
    ),
)
MASK_IN_RUN = (
    Difference(
        ("results", "false-comfort"),
        "What lies in /run is not part of an image, and is gone with the boot.",
        lambda live, image: (live["status"], image["status"]) == ("flagged", "passed"),
    ),
    Difference(("triggers", TIMER, "reasons"), "One of them tells of that mask.", of_a_mask),
    *NOT_RUNNING_NOW[1:],
)
MASKED_UNTIL_BOOT = (
    *MASK_IN_RUN,
    Difference(("triggers", TIMER, "state"), "It is off until then.", pair("off", "armed")),
    Difference(("triggers", TIMER, "file_state"), "So systemd says.", pair("masked-runtime", "enabled")),
    Difference(("paths", TIMERS_PATH, "state"), "So is its path.", pair("off", "armed")),
    Difference(
        ("paths", TIMERS_PATH, "hidden_for"),
        "A path that is off hides behind no owner.",
        lambda live, image: live == [] and bool(image),
    ),
    Difference(
        ("lineages", "*", "renewers"),
        "Only armed paths are renewers.",
        lambda live, image: live == [r for r in image if r != TIMERS_PATH],
    ),
    Difference(
        ("lineages", "*", "owner_because"),
        "The owner is chosen among the armed paths.",
        lambda live, image: bool(live) and bool(image),
    ),
    Difference(
        ("results", "*"),
        "The questions about rivals, thieves and what is hidden are asked of armed paths.",
        lambda live, image: len(live["findings"]) <= len(image["findings"]),
    ),
    Difference(("summary", "findings"), "They count those.", lambda live, image: live != image),
    Difference(
        ("summary", "verdict"),
        "It tells the worst finding.",
        lambda live, image: bool(live) and bool(image),
    ),
)
NO_LOGS_YET = (
    Difference(
        ("gaps",),
        "A tree may be part of a machine: a directory whose parent it lacks may have been left out.",
        unknown_logs,
    ),
    Difference(
        ("results", "*"),
        "A question that such a log could answer stays open.",
        lambda live, image: (
            live["findings"] == image["findings"] and unknown_logs(live["gaps"], image["gaps"])
        ),
    ),
)
# After a reboot a machine is what its image says: then only EVERYWHERE may differ.
HALF_SWITCHED = {
    "timer-stopped": NOT_RUNNING_NOW,
    "timer-disabled-but-active": STILL_ACTIVE,
    "timer-masked-by-hand": STILL_ACTIVE,
    "runtime-mask-beaten": MASK_IN_RUN,
    "runtime-mask": MASKED_UNTIL_BOOT,
}
BY_VARIATION: Mapping[str, tuple[Difference, ...]] = {
    **HALF_SWITCHED,
    "service-looks-elsewhere": NO_LOGS_YET,
    "timer-of-a-user": NO_LOGS_YET,
}


def disagreements(
    live: dict[str, Any], image: dict[str, Any], listed: tuple[Difference, ...]
) -> list[str]:
    """Every field in which two reports differ otherwise than listed."""
    return [
        f"{' > '.join(path)}: live {shown(a)}, image {shown(b)}"
        for path, a, b in unequal((), live, image, listed)
    ]


def unequal(
    path: Path,
    live: Any,  # noqa: ANN401
    image: Any,  # noqa: ANN401
    listed: tuple[Difference, ...],
) -> Iterator[tuple[Path, Any, Any]]:
    """The smallest parts that differ and are not excused."""
    if live == image:
        return
    if any(matches(one.field, path) and one.holds(live, image) for one in listed):
        return
    parts = pairs(live, image)
    if parts is None:
        yield path, live, image
        return
    for name, a, b in parts:
        yield from unequal((*path, name), a, b, listed)


def pairs(live: Any, image: Any) -> list[tuple[str, Any, Any]] | None:  # noqa: ANN401
    """What to compare one by one in two objects or lists; ``None`` where they are compared whole."""
    if isinstance(live, dict) and isinstance(image, dict):
        names = dict.fromkeys((*live, *image))
        return [(name, live.get(name, MISSING), image.get(name, MISSING)) for name in names]
    if isinstance(live, list) and isinstance(image, list):
        one, other = by_identity(live), by_identity(image)
        if one is not None and other is not None and list(one) == list(other):
            return [(name, one[name], other[name]) for name in one]
    return None


def by_identity(items: list[Any]) -> dict[str, Any] | None:
    """The items of a list by what identifies them, in order; ``None`` where nothing does."""
    found: dict[str, Any] = {}
    for item in items:
        named = [str(item[key]) for key in IDENTITIES if key in item] if isinstance(item, dict) else []
        if not named or named[0] in found:
            return None
        found[named[0]] = item
    return found


def matches(field: Path, path: Path) -> bool:
    """Is this the place that a difference names?"""
    return len(field) == len(path) and all(a in ("*", b) for a, b in zip(field, path, strict=True))


def shown(value: Any) -> str:  # noqa: ANN401
    """A value, cut to what a person reads."""
    text = str(value)
    return text if len(text) <= 400 else f"{text[:400]} ..."
