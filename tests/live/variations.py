"""All variations by name."""

from tests.live import packaged_variations, unit_variations
from tests.live.variation import VARIATIONS, Variation, machine

__all__ = ["VARIATIONS", "Variation", "machine", "packaged_variations", "unit_variations"]
