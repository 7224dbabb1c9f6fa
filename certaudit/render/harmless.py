"""Text of an audited machine made fit for a terminal: nothing in it that a terminal would obey.

Law: every line that a person sees goes through this, whatever file it was read from.
"""

from __future__ import annotations

import re

# Control characters of ECMA-48 but for the line feed, and the marks that turn the direction of writing.
OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def harmless(text: str) -> str:
    """The text with U+FFFD in the place of each such character."""
    return OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)
